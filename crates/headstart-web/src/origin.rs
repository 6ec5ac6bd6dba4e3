//! Refuses uploads that another site's page sends through a visitor's browser.

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::Problem;

/// Lets through what is no upload, comes from this app's own page, or from a program that is no browser.
pub(crate) async fn refuse_other_sites(request: Request, next: Next) -> Result<Response, Problem> {
    if request.method().is_safe() || is_own(request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(Problem::OtherSite)
}

/// Browsers send `Sec-Fetch-Site` to https and localhost, `Origin` with every POST; other clients neither.
/// A scheme is not compared: behind a proxy that ends TLS it differs.
fn is_own(headers: &HeaderMap) -> bool {
    if headers.contains_key("sec-fetch-site") {
        let mut sites = headers.get_all("sec-fetch-site").iter();
        return sites.all(|site| site == "same-origin" || site == "none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn is_own_with(headers: &[(&'static str, &'static str)]) -> bool {
        let mut given = HeaderMap::new();
        for &(name, value) in headers {
            given.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        is_own(&given)
    }

    #[test]
    fn the_own_page_and_programs_pass() {
        assert!(is_own_with(&[("host", "localhost:8000")]));
        assert!(is_own_with(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(is_own_with(&[("host", "box:8000"), ("origin", "http://box:8000")]));
    }

    #[test]
    fn other_sites_do_not() {
        assert!(!is_own_with(&[("sec-fetch-site", "cross-site")]));
        assert!(!is_own_with(&[("sec-fetch-site", "same-site")]));
        assert!(!is_own_with(&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")]));
        assert!(!is_own_with(&[("host", "box:8000"), ("origin", "http://evil.example")]));
        assert!(!is_own_with(&[("host", "box:8000"), ("origin", "http://box:9000")]));
        assert!(!is_own_with(&[("host", "box:8000"), ("origin", "null")]));
    }
}
