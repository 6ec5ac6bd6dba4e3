//! A file name as it is safe to show: no folders, nothing invisible, not too long.

/// The name of an image that came without one.
pub(crate) const UNNAMED: &str = "image";

/// The most characters shown of a name.
const LONGEST: usize = 60;
/// How many of them are kept at the end, where the extension is.
const ENDING: usize = 12;

/// Cleans and shortens a file name for display. Markup in it is escaped where it is put into a page.
pub(crate) fn shown(given: &str) -> String {
    let file = given.rsplit(['/', '\\']).next().unwrap_or(given);
    let visible: Vec<char> = file.trim().chars().filter(|&character| !is_invisible(character)).collect();
    match visible.len() {
        0 => UNNAMED.to_owned(),
        length if length <= LONGEST => visible.into_iter().collect(),
        length => {
            let start = &visible[..LONGEST - ENDING - 1];
            let end = &visible[length - ENDING..];
            start.iter().chain(&['…']).chain(end).collect()
        }
    }
}

/// Control characters, and those that turn the direction of writing: they can disguise an extension.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        // Soft hyphens, joiners and fillers.
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(character, '\u{180e}' | '\u{3164}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_left_out() {
        assert_eq!(shown("C:\\patients\\x.png"), "x.png");
        assert_eq!(shown("../../etc/x.png"), "x.png");
    }

    #[test]
    fn an_empty_or_invisible_name_becomes_a_word() {
        assert_eq!(shown(""), "image");
        assert_eq!(shown("\u{202e}\u{7}"), "image");
        assert_eq!(shown("a\u{ad}\u{34f}\u{115f}\u{3164}b.jpg"), "ab.jpg");
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = shown(&format!("{}-the-end.jpeg", "x".repeat(300)));
        assert_eq!(name.chars().count(), 60);
        assert!(name.starts_with("xxx") && name.ends_with("…the-end.jpeg"), "{name}");
    }
}
