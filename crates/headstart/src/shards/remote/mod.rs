//! Object stores (S3, Google Cloud Storage, Azure), by URI. Only builds with the feature `cloud` reach them.

#[cfg(feature = "cloud")]
mod stores;
#[cfg(not(feature = "cloud"))]
mod without;

#[cfg(feature = "cloud")]
pub(super) use stores::{Remote, check};
#[cfg(not(feature = "cloud"))]
pub(super) use without::{Remote, check};

/// Whether it is a URI, such as `s3://bucket/path`, and no path.
pub(super) fn is_uri(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '+' || letter == '-';
        scheme.len() > 1 && scheme.chars().all(is_part)
    };
    text.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// A place below a URI.
pub(super) fn below(uri: &str, path: &str) -> String {
    format!("{}/{}", uri.trim_end_matches('/'), path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_is_told_from_a_path() {
        assert!(is_uri("s3://bucket/x") && is_uri("gs://b"));
        for path in ["/data/x", "x.csv", "c:/x", "a b://c", "://x"] {
            assert!(!is_uri(path), "{path}");
        }
        assert_eq!(below("s3://b/x/", "/y"), "s3://b/x/y");
    }
}
