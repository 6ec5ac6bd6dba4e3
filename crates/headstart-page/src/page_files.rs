//! The page's style, scripts and icon, embedded in the binary.

/// For light and dark, narrow and wide.
pub const STYLE: &str = include_str!("page/style.css");
/// An SVG.
pub const ICON: &str = include_str!("page/icon.svg");

/// The scripts that a page needs wherever it lies, each before those that use it; and what it asks with lies in `requests.js`.
pub const SCRIPTS: [(&str, &str); 6] = [
    ("words.js", include_str!("page/words.js")),
    ("decision.js", include_str!("page/decision.js")),
    ("threshold.js", include_str!("page/threshold.js")),
    ("heat_map.js", include_str!("page/heat_map.js")),
    ("answers.js", include_str!("page/answers.js")),
    ("script.js", include_str!("page/script.js")),
];
