//! Text into HTML: escaping, templates, percentages.

/// Makes text safe inside an element and inside a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
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

/// Puts values in the place of `{{names}}`, in one pass: a value that looks like a name stays as it is.
pub(crate) fn fill<'a>(template: &str, value_of: impl Fn(&str) -> &'a str) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("the embedded template closes every name");
        filled.push_str(before);
        filled.push_str(value_of(name));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// A share as a whole percentage that never rounds doubt away.
pub(crate) fn percent(share: f64) -> String {
    match share {
        share if share.is_nan() => "unknown".to_owned(),
        share if share > 0.99 && share < 1.0 => "over 99%".to_owned(),
        share if share > 0.0 && share < 0.01 => "under 1%".to_owned(),
        share => format!("{:.0}%", share * 100.0),
    }
}

/// Two shares as percentages, with as many decimals (two at most) as it takes to tell them apart.
pub(crate) fn percents_apart(left: f64, right: f64) -> (String, String) {
    let rounded = (percent(left), percent(right));
    if rounded.0 != rounded.1 {
        return rounded;
    }
    let with = |decimals: usize, share: f64| format!("{:.decimals$}%", share * 100.0);
    let decimals = if with(1, left) == with(1, right) { 2 } else { 1 };
    (with(decimals, left), with(decimals, right))
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

    #[test]
    fn percentages_never_claim_certainty() {
        assert_eq!(percent(0.4249), "42%");
        assert_eq!(percent(0.9999), "over 99%");
        assert_eq!(percent(0.0001), "under 1%");
        assert_eq!(percent(1.0), "100%");
    }

    #[test]
    fn close_percentages_are_told_apart() {
        let texts = |left, right| percents_apart(left, right);
        assert_eq!(texts(0.5, 0.42), ("50%".to_owned(), "42%".to_owned()));
        assert_eq!(texts(0.418, 0.42), ("41.8%".to_owned(), "42.0%".to_owned()));
        assert_eq!(texts(0.4199, 0.42), ("41.99%".to_owned(), "42.00%".to_owned()));
    }
}
