//! Text of a user's files, made safe to show: characters that a terminal obeys become visible.

use std::borrow::Cow;

/// `text` with control characters, line ends among them, written as escapes such as `\u{1b}`, and so those that turn the
/// direction of writing. Names of files and classes may hold any.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, is_harmful)
}

/// The same of several lines, whose ends stay.
pub fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| letter != '\n' && is_harmful(letter))
}

/// A text in JSON that stays the same JSON: what is escaped can only lie within its strings.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    let is_harmful = |letter: char| letter != '\n' && is_harmful(letter);
    if !json.chars().any(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for letter in json.chars() {
        match is_harmful(letter) {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(letter))),
            false => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

fn escaped(text: &str, is_harmful: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_harmful) {
        return Cow::Borrowed(text);
    }
    let show = |letter: char| match is_harmful(letter) {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    Cow::Owned(text.chars().map(show).collect())
}

fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown() {
        assert_eq!(visible("a\u{1b}[31mb\rc\u{202E}d\n"), r"a\u{1b}[31mb\rc\u{202e}d\n");
        assert_eq!(visible_lines("a\n\tb\u{9b}"), "a\n\\tb\\u{9b}");
        assert_eq!(visible_json("{\n \"a\u{9b}\": \"\u{202E}b\"}"), "{\n \"a\\u009b\": \"\\u202eb\"}");
        assert!(matches!(visible("Röntgen – 肺炎"), Cow::Borrowed(_)));
    }
}
