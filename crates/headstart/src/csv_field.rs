//! One field of a CSV, such that no spreadsheet takes it for a formula.

use std::borrow::Cow;

/// What a spreadsheet takes for the beginning of a formula, or strips so that one begins.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// What makes the rest of a field text.
const TEXT: char = '\'';

/// `text`, marked as text where a spreadsheet would take it for a formula, and quoted where it must be (RFC 4180).
pub fn csv_field(text: &str) -> String {
    let text = marked(text);
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into_owned(),
    }
}

/// `text` with an apostrophe before it where a spreadsheet would take it for a formula. Numbers stay as they are.
/// [`unmarked`] undoes it.
pub(crate) fn marked(text: &str) -> Cow<'_, str> {
    match is_formula(text) {
        true => Cow::Owned(format!("{TEXT}{text}")),
        false => Cow::Borrowed(text),
    }
}

/// What [`marked`] was given.
pub(crate) fn unmarked(field: &str) -> &str {
    field.strip_prefix(TEXT).filter(|text| is_formula(text)).unwrap_or(field)
}

/// What begins with apostrophes and then as a formula does is marked too, so that it can be told what was.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches(TEXT).starts_with(FORMULA) && text.parse::<f64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_must_be_is_quoted() {
        assert_eq!(["a b", "a,b", "a\"b"].map(csv_field), ["a b", "\"a,b\"", "\"a\"\"b\""]);
    }

    #[test]
    fn formulas_are_marked_and_numbers_are_not() {
        assert_eq!(csv_field("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
        assert_eq!(
            ["-1", "+2.5", "-nodule", "@x", "\tx"].map(csv_field),
            ["-1", "+2.5", "'-nodule", "'@x", "'\tx"]
        );
        for text in ["=1+1", "'=1+1", "''=x", "'quoted'", "'", "-1", "plain", "-"] {
            assert_eq!(unmarked(&marked(text)), text);
        }
    }
}
