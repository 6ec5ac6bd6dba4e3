//! One request for the rest of a file.

use std::io::Read;
use std::time::Duration;

use ureq::http::{Response, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::partial::Partial;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::visible::visible;

/// Bytes that are taken from the network at a time.
const PIECE: usize = 1 << 16;
const MOST_REDIRECTS: u32 = 5;

/// Why a file is not whole yet.
pub(super) enum Trouble {
    /// Another try may help.
    Passing(String),
    /// None will.
    Lasting(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Lasting(error)
    }
}

/// Asks for one address.
pub(super) struct Client<'a> {
    address: &'a str,
    agent: Agent,
}

impl<'a> Client<'a> {
    /// Proxies are those of the environment. An address that begins with `https` leads to no other.
    pub(super) fn new(address: &'a str, patience: Duration) -> Self {
        // Where two providers of cryptography are compiled in, rustls has to be told which; the first that tells counts.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The system's certificates: a hospital's proxy may bring its own.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(address.starts_with("https://"))
            .max_redirects(MOST_REDIRECTS)
            .user_agent(concat!("headstart/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(patience))
            .timeout_connect(Some(patience))
            .timeout_per_read(Some(patience))
            .timeout_per_write(Some(patience))
            .timeout_recv_response(Some(2 * patience))
            .tls_config(tls)
            .build()
            .new_agent();
        Self { address, agent }
    }

    /// Fetches what is missing of `partial`, which has `most` bytes at most.
    ///
    /// # Errors
    /// [`Trouble`]; what has arrived until then is kept.
    pub(super) fn continue_with(
        &self,
        partial: &mut Partial,
        most: u64,
        observer: &mut dyn Observer,
    ) -> Result<(), Trouble> {
        let mut reply = self.ask(partial.length())?;
        let total = self.begin(&reply, partial)?;
        if total.is_some_and(|total| total > most) || partial.length() > most {
            return Err(self.too_long(partial, most));
        }
        let mut body = reply.body_mut().with_config().limit(u64::MAX).reader();
        let mut piece = vec![0; PIECE];
        loop {
            if observer.stop() {
                return Err(Error::Interrupted.into());
            }
            let count = body.read(&mut piece).map_err(|why| Trouble::Passing(why.to_string()))?;
            if count == 0 {
                return Ok(());
            }
            if partial.length() + count as u64 > most {
                return Err(self.too_long(partial, most));
            }
            partial.add(&piece[..count])?;
            observer.received(partial.length(), total);
        }
    }

    /// Asks for the bytes from `start` on.
    fn ask(&self, start: u64) -> Result<Response<Body>, Trouble> {
        // Bytes as they are: a length and a place in what was compressed would be those of something else.
        let mut request = self.agent.get(self.address).header(header::ACCEPT_ENCODING, "identity");
        if start > 0 {
            request = request.header(header::RANGE, format!("bytes={start}-"));
        }
        request.call().map_err(|why| match why {
            ureq::Error::BadUri(_)
            | ureq::Error::Http(_)
            | ureq::Error::TooManyRedirects
            | ureq::Error::RedirectFailed
            | ureq::Error::RequireHttpsOnly(_)
            | ureq::Error::InvalidProxyUrl => self.lasting(why.to_string()),
            passing => Trouble::Passing(passing.to_string()),
        })
    }

    /// What the answer's head says: the length of the whole file, where that is told. Where the server sends the file from
    /// its start, what is there is forgotten.
    fn begin(&self, reply: &Response<Body>, partial: &mut Partial) -> Result<Option<u64>, Trouble> {
        let text = |name| reply.headers().get(name).and_then(|value| value.to_str().ok());
        match reply.status().as_u16() {
            200 => {
                partial.restart()?;
                Ok(text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()))
            }
            206 => {
                let range = text(header::CONTENT_RANGE).unwrap_or_default();
                match parsed(range).filter(|(start, _)| *start == partial.length()) {
                    Some((_, total)) => Ok(total),
                    None => {
                        let asked = partial.length();
                        partial.restart()?;
                        let found = visible(range).into_owned();
                        Err(Trouble::Passing(format!("asked for bytes from {asked} on and got {found:?}")))
                    }
                }
            }
            416 => {
                partial.restart()?;
                Err(Trouble::Passing("the server has fewer bytes than were there".into()))
            }
            408 | 429 | 500..=599 => Err(Trouble::Passing(format!("the server says {}", reply.status()))),
            _ => Err(self.lasting(format!("the server says {}", reply.status()))),
        }
    }

    fn too_long(&self, partial: &mut Partial, most: u64) -> Trouble {
        match partial.restart() {
            Ok(()) => {
                let found = "more, so nothing of it was kept";
                Error::invalid(self.address, format!("at most {most} bytes"), found).into()
            }
            Err(why) => why.into(),
        }
    }

    fn lasting(&self, why: String) -> Trouble {
        Error::io("fetch", self.address, std::io::Error::other(why)).into()
    }
}

/// The first byte and the length of the whole, of `bytes 5-9/10` or `bytes 5-9/*`.
fn parsed(range: &str) -> Option<(u64, Option<u64>)> {
    let (places, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = places.split_once('-')?;
    Some((start.trim().parse().ok()?, total.trim().parse().ok()))
}
