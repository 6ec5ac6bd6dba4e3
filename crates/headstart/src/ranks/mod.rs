//! The processes that share a training, called ranks: which of them this one is, and how they tell each other bytes.
//!
//! A [`Link`] moves bytes between two ranks, and nothing else. What is known to all or gathered at one is built from that
//! here; what is computed of several ranks' values is computed by the code that a single process runs, too. So the bits
//! do not depend on the number of ranks.

#[cfg(feature = "mpi")]
mod mpi;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

#[cfg(feature = "mpi")]
pub use self::mpi::{Mpi, Started};

/// What moves bytes between the ranks. All ranks call [`Ranks`]'s methods in the same order, from one thread each.
pub trait Link: fmt::Debug + Send + Sync {
    /// Which rank this process is, from 0 on.
    fn rank(&self) -> usize;
    /// How many ranks there are.
    fn size(&self) -> usize;
    /// Sends bytes to another rank. It may wait until they are received.
    ///
    /// # Errors
    /// When the other rank cannot be reached.
    fn send(&self, to: usize, bytes: &[u8]) -> Result<()>;
    /// Waits for the bytes that another rank has sent next.
    ///
    /// # Errors
    /// When the other rank cannot be reached.
    fn receive(&self, from: usize) -> Result<Vec<u8>>;
}

/// All ranks of a training, as one of them sees them. By default there is one.
#[derive(Debug, Clone)]
pub struct Ranks(Arc<dyn Link>);

impl Default for Ranks {
    fn default() -> Self {
        Self::new(Alone)
    }
}

impl Ranks {
    /// Those that a link connects.
    pub fn new(link: impl Link + 'static) -> Self {
        Self(Arc::new(link))
    }

    /// Which of them this process is, from 0 on.
    pub fn rank(&self) -> usize {
        self.0.rank()
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// Whether it is the one that writes the run.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// Whether what lies at `place`, of things that are dealt one by one, is this rank's.
    pub(crate) fn has(&self, place: usize) -> bool {
        place % self.size() == self.rank()
    }

    pub(crate) fn send(&self, to: usize, bytes: &[u8]) -> Result<()> {
        self.0.send(to, bytes)
    }

    pub(crate) fn receive(&self, from: usize) -> Result<Vec<u8>> {
        self.0.receive(from)
    }

    /// What rank `root` has, at every rank: along a binomial tree, so that no rank sends more than log₂ of their number.
    pub(crate) fn broadcast(&self, root: usize, own: Vec<u8>) -> Result<Vec<u8>> {
        let size = self.size();
        let here = (self.rank() + size - root) % size;
        let absolute = |relative: usize| (relative + root) % size;
        let lowest = if here == 0 { size.next_power_of_two() } else { 1 << here.trailing_zeros() };
        let bytes = if here == 0 { own } else { self.receive(absolute(here - lowest))? };
        let mut step = lowest / 2;
        while step > 0 {
            if here + step < size {
                self.send(absolute(here + step), &bytes)?;
            }
            step /= 2;
        }
        Ok(bytes)
    }

    /// The bytes of every rank, by rank, at every rank.
    pub(crate) fn share_bytes(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        if self.size() == 1 {
            return Ok(vec![own]);
        }
        let mut all = framed(&own);
        if self.is_first() {
            for rank in 1..self.size() {
                all.extend(framed(&self.receive(rank)?));
            }
        } else {
            self.send(0, &own)?;
        }
        let all = self.broadcast(0, all)?;
        unframed(&all).filter(|all| all.len() == self.size()).ok_or_else(|| unlike("torn lists"))
    }

    /// What every rank has, by rank, at every rank.
    pub(crate) fn share<T: Serialize + DeserializeOwned>(&self, own: T) -> Result<Vec<T>> {
        if self.size() == 1 {
            return Ok(vec![own]);
        }
        let all = self.share_bytes(serde_json::to_vec(&own).expect("plain values become JSON"))?;
        all.iter().map(|one| serde_json::from_slice(one).map_err(|why| unlike(&why.to_string()))).collect()
    }

    /// What rank 0 has, at every rank.
    pub(crate) fn first<T: Serialize + DeserializeOwned>(&self, own: Option<T>) -> Result<T> {
        let mut all = self.share(own)?;
        all.swap_remove(0).ok_or_else(|| Error::Usage("rank 0 has nothing to tell".into()))
    }

    /// Whether any of them says so.
    pub(crate) fn any(&self, own: bool) -> Result<bool> {
        Ok(self.share(own)?.contains(&true))
    }

    /// Waits until all of them are here.
    pub(crate) fn meet(&self) -> Result<()> {
        self.share(()).map(|_| ())
    }

    /// Checks that all have the same as rank 0.
    ///
    /// # Errors
    /// [`Error::Usage`] that says what differs, at the ranks where it does.
    pub(crate) fn agree(&self, what: &str, own: &str) -> Result<()> {
        let all = self.share(own.to_string())?;
        match all[0] == own {
            true => Ok(()),
            false => Err(Error::Usage(format!("expected {what} of rank 0, {}, found {own}", all[0]))),
        }
    }
}

fn unlike(found: &str) -> Error {
    Error::Usage(format!("expected the same program at every rank, found one that tells {found}"))
}

/// Bytes behind their length.
fn framed(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u64).to_le_bytes(), bytes].concat()
}

/// What was framed, one behind the other.
fn unframed(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let (one, rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
        all.push(one.to_vec());
        bytes = rest;
    }
    bytes.is_empty().then_some(all)
}

/// One process that shares with nobody.
#[derive(Debug)]
struct Alone;

impl Link for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn send(&self, to: usize, _: &[u8]) -> Result<()> {
        Err(Error::Usage(format!("there is no rank {to}: this process is the only one")))
    }

    fn receive(&self, from: usize) -> Result<Vec<u8>> {
        Err(Error::Usage(format!("there is no rank {from}: this process is the only one")))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A rank among threads: what it sends to and hears from each.
    #[derive(Debug)]
    struct Thread {
        rank: usize,
        to: Vec<Sender<Vec<u8>>>,
        from: Vec<Mutex<Receiver<Vec<u8>>>>,
    }

    impl Link for Thread {
        fn rank(&self) -> usize {
            self.rank
        }

        fn size(&self) -> usize {
            self.to.len()
        }

        fn send(&self, to: usize, bytes: &[u8]) -> Result<()> {
            assert_ne!(to, self.rank, "a rank need not tell itself");
            self.to[to].send(bytes.to_vec()).map_err(|why| Error::Usage(why.to_string()))
        }

        fn receive(&self, from: usize) -> Result<Vec<u8>> {
            let from = self.from[from].lock().expect("one thread each");
            from.recv().map_err(|why| Error::Usage(why.to_string()))
        }
    }

    /// What `work` comes to at each of so many ranks, which are threads.
    pub(crate) fn among<T: Send>(size: usize, work: impl Fn(Ranks) -> T + Sync) -> Vec<T> {
        let mut to: Vec<Vec<Sender<Vec<u8>>>> = (0..size).map(|_| Vec::new()).collect();
        let mut from: Vec<Vec<Mutex<Receiver<Vec<u8>>>>> = (0..size).map(|_| Vec::new()).collect();
        for sends in &mut to {
            for receives in &mut from {
                let (sender, receiver) = channel();
                sends.push(sender);
                receives.push(Mutex::new(receiver));
            }
        }
        let links = to.into_iter().zip(from).enumerate();
        let links: Vec<Thread> = links.map(|(rank, (to, from))| Thread { rank, to, from }).collect();
        std::thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> =
                links.into_iter().map(|link| scope.spawn(move || work(Ranks::new(link)))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no rank panics")).collect()
        })
    }

    #[test]
    fn every_rank_learns_what_one_knows_and_what_each_knows() {
        for size in 1..=9 {
            for root in 0..size {
                let told =
                    among(size, |ranks| ranks.broadcast(root, vec![ranks.rank() as u8; 3]).expect("is told"));
                assert_eq!(told, vec![vec![root as u8; 3]; size]);
            }
            let all = among(size, |ranks| ranks.share(ranks.rank() * 10).expect("is told"));
            assert_eq!(all, vec![(0..size).map(|rank| rank * 10).collect::<Vec<_>>(); size]);
            let any = among(size, |ranks| ranks.any(ranks.rank() == size - 1).expect("is told"));
            assert_eq!(any, vec![true; size]);
        }
    }

    #[test]
    fn a_rank_that_differs_says_so() {
        let all = among(3, |ranks| ranks.agree("the version", if ranks.rank() == 2 { "2" } else { "1" }));
        assert!(all[0].is_ok() && all[1].is_ok());
        let why = all[2].as_ref().expect_err("differs").to_string();
        assert_eq!(why, "expected the version of rank 0, 1, found 2");
    }
}
