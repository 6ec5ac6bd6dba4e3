//! The page's style, script and icon, embedded in the binary.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(crate) async fn style(headers: HeaderMap) -> Response {
    serve(include_str!("page/style.css"), "text/css; charset=utf-8", &headers)
}

pub(crate) async fn script(headers: HeaderMap) -> Response {
    serve(include_str!("page/script.js"), "text/javascript; charset=utf-8", &headers)
}

pub(crate) async fn icon(headers: HeaderMap) -> Response {
    serve(include_str!("page/icon.svg"), "image/svg+xml", &headers)
}

/// A browser may keep an asset but asks each time whether it is still the same, so that a new version of
/// the program never meets an old script.
fn serve(content: &'static str, content_type: &'static str, request: &HeaderMap) -> Response {
    let tag = format!("\"{:016x}\"", fnv1a(content.as_bytes()));
    let is_current = request.get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let headers = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::ETAG, HeaderValue::from_str(&tag).expect("hexadecimal digits are valid in a header")),
    ];
    if is_current {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [(header::CONTENT_TYPE, content_type)], content).into_response()
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): enough to tell two versions of our own files apart.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
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
