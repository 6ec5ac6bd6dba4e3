//! What the page loads: its style, scripts and icon, and a model's example images.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::extractors::{AskedModel, Named};
use crate::page_files::{ICON, SCRIPTS, STYLE};
use crate::problem::Problem;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const REQUESTS: &str = include_str!("requests.js");

/// Content and type of the asset of a name.
fn find(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "style.css" => Some((STYLE, "text/css; charset=utf-8")),
        "icon.svg" => Some((ICON, "image/svg+xml")),
        "requests.js" => Some((REQUESTS, SCRIPT)),
        _ => SCRIPTS.iter().find(|(known, _)| *known == name).map(|(_, content)| (*content, SCRIPT)),
    }
}

/// A browser may keep an asset but asks each time whether it is still the same, so that a new version of
/// the program never meets an old script.
pub(crate) async fn show(Named(name): Named<String>, request: HeaderMap) -> Result<Response, Problem> {
    let (content, content_type) = find(&name).ok_or(Problem::NotFound)?;
    let tag = format!("\"{:016x}\"", fnv1a(content.as_bytes()));
    let is_current = request.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, HeaderValue::from_str(&tag).expect("hexadecimal digits are valid in a header")),
    ];
    if is_current {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Ok((headers, [(header::CONTENT_TYPE, content_type)], content).into_response())
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): enough to tell two versions of our own files apart.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// One of a model's examples, by its number from 0.
pub(crate) async fn example(
    AskedModel(model): AskedModel,
    Named(number): Named<usize>,
) -> Result<Response, Problem> {
    let example = model.examples.get(number).ok_or(Problem::NotFound)?;
    let headers = [(header::CONTENT_TYPE, example.content_type), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, example.bytes.clone()).into_response())
}

#[cfg(test)]
mod tests {
    use super::fnv1a;

    #[test]
    fn hashes_as_published() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
