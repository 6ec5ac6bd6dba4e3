//! The open connections, bounded for each client and in all. Where there are too many, the one that has waited
//! longest for its client makes room, so that sockets that only wait shut nobody out.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

/// All open connections.
pub(crate) struct Connections {
    most: usize,
    most_of_one: usize,
    next: AtomicU64,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
}

/// One open connection.
pub(crate) struct Connection {
    client: IpAddr,
    turn: Mutex<Turn>,
    dropped: Notify,
}

/// Whose turn it is, and since when.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// To send a request, the rest of one, or to take the answer.
    Client(Instant),
    Server,
}

/// A connection that is counted for as long as this lives.
pub(crate) struct Admitted {
    connections: Arc<Connections>,
    number: u64,
    pub(crate) connection: Arc<Connection>,
}

impl Connections {
    pub(crate) fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        let (most, most_of_one) = (most.max(1), most_of_one.max(1));
        Arc::new(Self { most, most_of_one, next: AtomicU64::new(0), open: Mutex::default() })
    }

    /// Takes a client's connection in, if need be in the place of one that waits for its client. `None` when
    /// the server works on all that could make room.
    pub(crate) fn admit(self: &Arc<Self>, client: IpAddr) -> Option<Admitted> {
        let mut open = self.open();
        let of_client = open.values().filter(|connection| connection.client == client).count();
        let is_full = open.len() >= self.most;
        if of_client >= self.most_of_one {
            drop_longest_waiting(&mut open, |connection| connection.client == client)?;
        } else if is_full {
            drop_longest_waiting(&mut open, |_| true)?;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let turn = Mutex::new(Turn::Client(Instant::now()));
        let connection = Arc::new(Connection { client, turn, dropped: Notify::new() });
        open.insert(number, Arc::clone(&connection));
        Some(Admitted { connections: Arc::clone(self), number, connection })
    }

    /// Drops the connection that has waited longest for its client, for example when the system has no more
    /// file descriptors.
    pub(crate) fn make_room(&self) {
        drop_longest_waiting(&mut self.open(), |_| true);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops one of those that `may` go: of the client that has most of them, the one that has waited longest.
fn drop_longest_waiting(
    open: &mut HashMap<u64, Arc<Connection>>,
    may: impl Fn(&Connection) -> bool,
) -> Option<()> {
    let mut waiting_of = HashMap::<IpAddr, usize>::new();
    let waiting: Vec<(u64, IpAddr, Instant)> = open
        .iter()
        .filter(|(_, connection)| may(connection))
        .filter_map(|(number, connection)| Some((*number, connection.client, connection.waits_since()?)))
        .inspect(|(_, client, _)| *waiting_of.entry(*client).or_default() += 1)
        .collect();
    let first =
        |(number, client, since): &(u64, IpAddr, Instant)| (Reverse(waiting_of[client]), *since, *number);
    let (number, ..) = *waiting.iter().min_by_key(|waits| first(waits))?;
    open.remove(&number)?.dropped.notify_one();
    Some(())
}

impl Connection {
    /// From now on it waits for its client.
    pub(crate) fn waits(&self) {
        self.set(Turn::Client(Instant::now()));
    }

    /// From now on the server works on its request.
    pub(crate) fn works(&self) {
        self.set(Turn::Server);
    }

    /// Ready when it has to make room for another.
    pub(crate) async fn dropped(&self) {
        self.dropped.notified().await;
    }

    fn set(&self, turn: Turn) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
    }

    fn waits_since(&self) -> Option<Instant> {
        match *self.turn.lock().unwrap_or_else(PoisonError::into_inner) {
            Turn::Client(since) => Some(since),
            Turn::Server => None,
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connections.open().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Duration, timeout};

    use super::*;

    const ME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const YOU: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    async fn is_dropped(admitted: &Admitted) -> bool {
        timeout(Duration::ZERO, admitted.connection.dropped()).await.is_ok()
    }

    #[tokio::test]
    async fn the_one_that_waited_longest_makes_room() {
        let connections = Connections::new(10, 2);
        let first = connections.admit(ME).expect("room");
        let second = connections.admit(ME).expect("room");
        let other = connections.admit(YOU).expect("room");
        first.connection.works();
        let third = connections.admit(ME).expect("the second makes room");
        assert_eq!([is_dropped(&first).await, is_dropped(&second).await], [false, true]);
        assert_eq!([is_dropped(&third).await, is_dropped(&other).await], [false, false]);
    }

    #[tokio::test]
    async fn a_crowded_server_drops_a_connection_of_who_has_most() {
        let connections = Connections::new(3, 3);
        let yours = connections.admit(YOU).expect("room");
        let mine = [connections.admit(ME).expect("room"), connections.admit(ME).expect("room")];
        let _more = connections.admit(YOU).expect("one of mine makes room");
        assert!(!is_dropped(&yours).await && is_dropped(&mine[0]).await && !is_dropped(&mine[1]).await);
    }

    #[test]
    fn what_the_server_works_on_is_never_dropped() {
        let connections = Connections::new(1, 1);
        let first = connections.admit(ME).expect("room");
        first.connection.works();
        assert!(connections.admit(YOU).is_none() && connections.admit(ME).is_none());
        drop(first);
        assert!(connections.admit(YOU).is_some());
    }
}
