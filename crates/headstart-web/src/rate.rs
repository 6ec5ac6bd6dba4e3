//! How many uploads a client may send, and how often it may guess a token: a bucket for each address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::problem::Problem;

/// Clients that are remembered at once: about a megabyte.
const MOST_CLIENTS: usize = 10_000;

/// A bucket for each client: full it holds a minute's share, and it refills steadily.
pub(crate) struct Rate {
    per_minute: f64,
    clients: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Rate {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute: f64::from(per_minute.max(1)), clients: Mutex::default() }
    }

    /// Takes one from a client's bucket, or says when there will be one.
    fn take(&self, client: IpAddr, now: Instant) -> Result<(), Duration> {
        self.take_unless(client, now, || false).map(drop)
    }

    /// Takes one from a client's bucket unless `is_free`, which is told. Of an empty bucket nothing is free: who
    /// has guessed too often does not learn whether the next guess is right.
    fn take_unless(
        &self,
        client: IpAddr,
        now: Instant,
        is_free: impl FnOnce() -> bool,
    ) -> Result<bool, Duration> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MOST_CLIENTS && !clients.contains_key(&client) {
            clients.retain(|_, bucket| self.left(*bucket, now) < self.per_minute);
            if clients.len() >= MOST_CLIENTS {
                clients.clear(); // Too many at once to tell apart: the queue's bound still holds.
            }
        }
        let bucket = clients.entry(client).or_insert(Bucket { left: self.per_minute, at: now });
        *bucket = Bucket { left: self.left(*bucket, now), at: now };
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - bucket.left) * 60.0 / self.per_minute));
        }
        let is_free = is_free();
        bucket.left -= if is_free { 0.0 } else { 1.0 };
        Ok(is_free)
    }

    fn left(&self, bucket: Bucket, now: Instant) -> f64 {
        let refilled = now.saturating_duration_since(bucket.at).as_secs_f64() / 60.0 * self.per_minute;
        (bucket.left + refilled).min(self.per_minute)
    }
}

/// Refuses who sends too often.
pub(crate) async fn limit(
    State(rate): State<Option<Arc<Rate>>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if !request.method().is_safe() {
        count(rate.as_deref(), &request)?;
    }
    Ok(next.run(request).await)
}

/// Counts a request against its client's share.
fn count(rate: Option<&Rate>, request: &Request) -> Result<(), Problem> {
    let (Some(rate), Some(peer)) = (rate, peer(request)) else { return Ok(()) };
    rate.take(peer, Instant::now()).map_err(|retry_after| Problem::TooOften { retry_after })
}

/// Whether a request brings the right word. Wrong ones are counted; after too many of them the right one is not
/// taken either.
pub(crate) fn guess(
    guesses: &Rate,
    request: &Request,
    is_right: impl FnOnce() -> bool,
) -> Result<bool, Problem> {
    let Some(peer) = peer(request) else { return Ok(is_right()) };
    let guess = guesses.take_unless(peer, Instant::now(), is_right);
    guess.map_err(|retry_after| Problem::TooManyGuesses { retry_after })
}

/// Who sent a request, where it came through a socket.
fn peer(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| client(peer.ip()))
}

/// One household has one IPv4 address, or a whole /64 of IPv6 addresses.
pub(crate) fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills() {
        let rate = Rate::new(2);
        let (me, you) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let start = Instant::now();
        assert_eq!([rate.take(me, start), rate.take(me, start)], [Ok(()), Ok(())]);
        assert_eq!(rate.take(me, start), Err(Duration::from_secs(30)));
        assert_eq!(rate.take(you, start), Ok(()));
        assert_eq!(rate.take(me, start + Duration::from_secs(30)), Ok(()));
    }

    #[test]
    fn an_empty_bucket_takes_not_even_what_is_free() {
        let rate = Rate::new(1);
        let (me, start) = (IpAddr::from([10, 0, 0, 1]), Instant::now());
        assert_eq!(rate.take_unless(me, start, || true), Ok(true));
        assert_eq!(rate.take_unless(me, start, || false), Ok(false));
        assert_eq!(rate.take_unless(me, start, || true), Err(Duration::from_secs(60)));
        assert_eq!(rate.take_unless(me, start + Duration::from_secs(60), || true), Ok(true));
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(client(address("2001:db8:1:2:3:4:5:6")), address("2001:db8:1:2::"));
        assert_eq!(client(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }

    #[test]
    fn a_flood_of_addresses_is_forgotten() {
        let rate = Rate::new(2);
        let now = Instant::now();
        for number in 0..20_000u32 {
            assert_eq!(rate.take(IpAddr::from(number.to_be_bytes()), now), Ok(()));
        }
        assert!(rate.clients.lock().expect("not poisoned").len() <= MOST_CLIENTS);
    }
}
