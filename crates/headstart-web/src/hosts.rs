//! Refuses requests for a host name that is not this server's: by DNS rebinding, another site's name comes to stand
//! for this address, and its page could read what a visitor's browser reaches here.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::Problem;

/// The host names that a server answers to. Health checks ask by any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Every name.
    Any,
    /// `localhost`, the loopback addresses, and these names.
    Loopback(Vec<String>),
}

impl Hosts {
    /// Where nothing else is said: on a loopback address only its own names. With names given, those and loopback's.
    pub fn of(address: IpAddr, names: &[String]) -> Self {
        if names.is_empty() && !address.is_loopback() { Self::Any } else { Self::Loopback(names.to_vec()) }
    }

    fn contains(&self, host: &str) -> bool {
        let Self::Loopback(names) = self else { return true };
        let host = host.trim_end_matches('.');
        let is_loopback = |host: &str| {
            let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
        };
        is_loopback(host) || names.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

/// Lets through what asks for one of the server's own names, with any port.
pub(crate) async fn guard(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let is_own = match host(&request) {
        Some(host) => hosts.contains(&host),
        None => *hosts == Hosts::Any,
    };
    if is_own { Ok(next.run(request).await) } else { Err(Problem::OtherHost) }
}

/// Refuses a request that names several hosts (RFC 9112, 3.2): what stands in front of the server may believe
/// another one than the server does.
pub(crate) async fn refuse_several(request: Request, next: Next) -> Result<Response, Problem> {
    if request.headers().get_all(header::HOST).iter().nth(1).is_some() {
        return Err(Problem::SeveralHosts);
    }
    Ok(next.run(request).await)
}

/// The name in the request's target, or else in its header (RFC 9112, 3.2.2).
fn host(request: &Request) -> Option<String> {
    if let Some(host) = request.uri().host() {
        return Some(host.to_owned());
    }
    let given = request.headers().get(header::HOST)?.to_str().ok()?;
    Some(given.parse::<Authority>().ok()?.host().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_answers_to_its_own_names() {
        let hosts = Hosts::of(IpAddr::from([127, 0, 0, 1]), &[]);
        for own in ["localhost", "LOCALHOST.", "127.0.0.1", "127.8.8.8", "[::1]"] {
            assert!(hosts.contains(own), "{own}");
        }
        for other in ["evil.example", "localhost.evil.example", "10.0.0.1", "", "127.0.0.1.nip.io"] {
            assert!(!hosts.contains(other), "{other}");
        }
    }

    #[test]
    fn names_that_are_given_are_the_only_ones_beside() {
        let hosts = Hosts::of(IpAddr::from([0, 0, 0, 0]), &["X-Ray.hospital.example".to_owned()]);
        assert!(hosts.contains("x-ray.hospital.example") && hosts.contains("localhost"));
        assert!(!hosts.contains("10.0.0.1"));
        assert_eq!(Hosts::of(IpAddr::from([0, 0, 0, 0]), &[]), Hosts::Any);
    }
}
