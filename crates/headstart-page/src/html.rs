//! Text into HTML: escaping and templates.

/// Makes text safe inside an element and inside a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// Puts values in the place of `{{names}}`.
pub fn fill<'a>(template: &str, value_of: impl Fn(&str) -> &'a str) -> String {
    fill_between("{{", "}}", template, value_of)
}

/// Puts values in the place of names between two marks, in one pass: a value that looks like a name stays as
/// it is.
pub fn fill_between<'a>(
    open: &str,
    close: &str,
    template: &str,
    value_of: impl Fn(&str) -> &'a str,
) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(open) {
        let (name, after) = after.split_once(close).expect("the embedded template closes every name");
        filled.push_str(before);
        filled.push_str(value_of(name));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(escape("<b a=\"'\">&"), "&lt;b a=&quot;&#39;&quot;&gt;&amp;");
    }

    #[test]
    fn a_value_is_not_filled_again() {
        let value_of = |name: &str| if name == "a" { "{{b}}" } else { "wrong" };
        assert_eq!(fill("<{{a}}>", value_of), "<{{b}}>");
    }
}
