//! One field of a CSV.

/// `text`, quoted where it must be (RFC 4180).
pub fn csv_field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_must_be_is_quoted() {
        assert_eq!(["a b", "a,b", "a\"b"].map(super::csv_field), ["a b", "\"a,b\"", "\"a\"\"b\""]);
    }
}
