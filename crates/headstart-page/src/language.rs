//! What the app says, in the visitor's language. A language is one file in `strings/`, found by `build.rs`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::html::fill_between;

/// Tag and file of each language.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// The language of a visitor who speaks none of ours.
const FALLBACK: &str = "en";

static LANGUAGES: LazyLock<Vec<Strings>> = LazyLock::new(|| {
    let parse = |&(tag, json): &(&'static str, &'static str)| {
        let text = serde_json::from_str(json).expect("a test parses every language");
        Strings { tag, json, text }
    };
    FILES.iter().map(parse).collect()
});

/// One language's texts.
#[derive(Debug)]
pub struct Strings {
    /// Its tag, such as `de`.
    pub tag: &'static str,
    /// The whole file, for the page's script.
    pub json: &'static str,
    text: BTreeMap<String, String>,
}

impl Strings {
    /// A text without values in it.
    pub fn get(&self, key: &str) -> &str {
        self.text.get(key).map_or("", String::as_str)
    }

    /// A text with `values` in the place of its `{names}`.
    pub fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        fill_between("{", "}", self.get(key), |name| {
            values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
        })
    }

    /// A share as a whole percentage that never rounds doubt away.
    pub fn percent(&self, share: f64) -> String {
        match share {
            share if share.is_nan() => self.get("unknown").to_owned(),
            share if share > 0.99 && share < 1.0 => self.say("percent-over", &[("number", "99")]),
            share if share > 0.0 && share < 0.01 => self.say("percent-under", &[("number", "1")]),
            share => self.percent_with(0, share),
        }
    }

    /// Two shares as percentages, with as many decimals (two at most) as it takes to tell them apart.
    pub fn percents_apart(&self, left: f64, right: f64) -> (String, String) {
        let rounded = (self.percent(left), self.percent(right));
        if rounded.0 != rounded.1 {
            return rounded;
        }
        let decimals = if self.percent_with(1, left) == self.percent_with(1, right) { 2 } else { 1 };
        (self.percent_with(decimals, left), self.percent_with(decimals, right))
    }

    /// A number with the language's decimal sign.
    pub fn number(&self, decimals: usize, number: f64) -> String {
        format!("{number:.decimals$}").replace('.', self.get("decimal"))
    }

    fn percent_with(&self, decimals: usize, share: f64) -> String {
        self.say("percent", &[("number", &self.number(decimals, share * 100.0))])
    }

    /// "a, b or c".
    pub fn listed(&self, names: &[String]) -> String {
        match names {
            [] => String::new(),
            [only] => only.clone(),
            [start @ .., last] => format!("{} {} {last}", start.join(", "), self.get("or")),
        }
    }
}

/// All languages, by tag.
pub fn all() -> &'static [Strings] {
    &LANGUAGES
}

/// The language of who speaks none of ours.
pub fn fallback() -> &'static Strings {
    find(FALLBACK).expect("it is one of the embedded languages")
}

/// The language of a tag, such as `de-AT`.
pub fn find(tag: &str) -> Option<&'static Strings> {
    let primary = tag.trim().split('-').next().unwrap_or(tag);
    LANGUAGES.iter().find(|strings| strings.tag.eq_ignore_ascii_case(primary))
}

/// The best of an `Accept-Language` list (RFC 9110, 12.5.4) that we speak.
pub fn preferred(accepted: &str) -> Option<&'static Strings> {
    let weighed = accepted.split(',').filter_map(|range| {
        let (tag, weight) = range.split_once(";q=").unwrap_or((range, "1"));
        let weight: f32 = weight.trim().parse().ok().filter(|weight| *weight > 0.0)?;
        Some((find(tag)?, weight))
    });
    // The first of equals: `max_by` would take the last.
    weighed.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(strings, _)| strings)
}

/// A number of bytes as a person says it: "20 MiB", "1.5 MiB", or in bytes below a tenth of that.
pub fn mebibytes(bytes: usize, strings: &Strings) -> String {
    const TENTH: usize = (1 << 20) / 10;
    let tenths = bytes / TENTH;
    match (tenths / 10, tenths % 10) {
        (0, 0) => format!("{bytes} bytes"),
        (whole, 0) => format!("{whole} MiB"),
        (whole, tenth) => format!("{whole}{}{tenth} MiB", strings.get("decimal")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english() -> &'static Strings {
        find("en").expect("embedded")
    }

    #[test]
    fn every_language_has_the_same_texts_with_the_same_names_in_them() {
        let names = |text: &str| {
            let mut names: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split_once('}'))
                .map(|it| it.0.into())
                .collect();
            names.sort();
            names.dedup();
            names
        };
        for (tag, json) in FILES {
            let text: BTreeMap<String, String> = serde_json::from_str(json).expect(tag);
            assert!(text.keys().eq(english().text.keys()), "{tag}");
            for (key, said) in &text {
                assert_eq!(names(said), names(english().get(key)), "{tag}: {key}");
            }
        }
    }

    #[test]
    fn the_best_language_that_is_there() {
        let tag = |accepted| preferred(accepted).map(|strings| strings.tag);
        assert_eq!(tag("de-AT,de;q=0.9,en;q=0.8"), Some("de"));
        assert_eq!(tag("xx, en;q=0.5, de;q=0.7"), Some("de"));
        assert_eq!(tag("en, de"), Some("en"));
        assert_eq!(tag("de;q=0"), None);
        assert_eq!(tag(""), None);
    }

    #[test]
    fn percentages_never_claim_certainty() {
        let percent = |share| english().percent(share);
        assert_eq!(percent(0.4249), "42%");
        assert_eq!(percent(0.9999), "over 99%");
        assert_eq!(percent(0.0001), "under 1%");
        assert_eq!(percent(1.0), "100%");
        assert_eq!(percent(f64::NAN), "Unknown");
    }

    #[test]
    fn close_percentages_are_told_apart() {
        let texts = |left, right| english().percents_apart(left, right);
        assert_eq!(texts(0.5, 0.42), ("50%".to_owned(), "42%".to_owned()));
        assert_eq!(texts(0.418, 0.42), ("41.8%".to_owned(), "42.0%".to_owned()));
        assert_eq!(texts(0.4199, 0.42), ("41.99%".to_owned(), "42.00%".to_owned()));
    }

    #[test]
    fn sizes_read_as_a_person_says_them() {
        assert_eq!(mebibytes(20 << 20, english()), "20 MiB");
        assert_eq!(mebibytes(3 << 19, english()), "1.5 MiB");
        assert_eq!(mebibytes(1000, english()), "1000 bytes");
    }
}
