//! Reading ahead: images are read while others are computed, by several threads, and come in their order. Never more of
//! them are in memory than a bounded queue holds.

use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::remote::Remote;
use super::source::{Row, may_pass};
use crate::error::{Error, Result};
use crate::sha256::sha256;

/// Images, one after the other, whose storage cannot be reached: then the trouble is with the storage.
const IN_A_ROW: usize = 16;

/// An image's bytes with their SHA-256, or why there are none.
pub(super) type Bytes = std::result::Result<(String, Vec<u8>), std::io::Error>;

/// A row whose image was read, or could not be.
pub(super) struct Read {
    pub(super) path: String,
    pub(super) bytes: Bytes,
}

/// How much is read ahead.
#[derive(Clone, Copy)]
pub(super) struct Depth {
    pub(super) threads: usize,
    pub(super) images: usize,
}

/// What a manifest hands its rows to; it says whether it wants more.
pub(super) type Take<'a> = dyn FnMut(Row) -> bool + 'a;

/// Lets `consume` have what was read of the rows that `feed` hands out.
///
/// # Errors
/// What `consume` says; what `feed` says reaches it in its place among the rows.
pub(super) fn read_ahead<T>(
    feed: impl FnOnce(&mut Take<'_>) -> Result<()> + Send,
    (remote, depth): (&Remote, Depth),
    consume: impl FnOnce(&mut Pending) -> Result<T>,
) -> Result<T> {
    let (places, queue) = sync_channel::<Receiver<Result<Read>>>(depth.images);
    // As many at most as there are places.
    let (to_do, work) = channel::<(Row, Sender<Result<Read>>)>();
    let work = Mutex::new(work);
    thread::scope(|scope| {
        scope.spawn(move || {
            let place = || {
                let (answer, waiting) = channel();
                places.send(waiting).ok().map(|()| answer)
            };
            let fed = feed(&mut |row| place().is_some_and(|answer| to_do.send((row, answer)).is_ok()));
            if let Err(why) = fed
                && let Some(answer) = place()
            {
                // Nobody listens where the work was stopped.
                let _ = answer.send(Err(why));
            }
        });
        for _ in 0..depth.threads {
            scope.spawn(|| {
                while let Some((row, answer)) = next(&work) {
                    let _ = answer.send(Ok(read(row, remote)));
                }
            });
        }
        consume(&mut Pending { queue, lost: 0 })
    })
}

fn next<T>(work: &Mutex<Receiver<T>>) -> Option<T> {
    work.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

fn read(Row { path, source }: Row, remote: &Remote) -> Read {
    Read { path, bytes: source.read(remote).map(|bytes| (sha256(&bytes), bytes)) }
}

/// What is being read, in order.
pub(super) struct Pending {
    queue: Receiver<Receiver<Result<Read>>>,
    /// How many of the last images could not be reached.
    lost: usize,
}

impl Pending {
    /// The next `count` images, fewer at the end.
    ///
    /// # Errors
    /// What the manifest says, or the storage when it does not answer any more.
    pub(super) fn take(&mut self, count: usize) -> Result<Vec<Read>> {
        let mut images = Vec::with_capacity(count);
        while images.len() < count {
            // A reading that ended without an answer panicked, which the scope tells.
            let Some(answer) = self.queue.recv().ok().and_then(|place| place.recv().ok()) else { break };
            images.push(self.reached(answer?)?);
        }
        Ok(images)
    }

    fn reached(&mut self, read: Read) -> Result<Read> {
        match read.bytes {
            Err(why) if may_pass(&why) => {
                self.lost += 1;
                if self.lost == IN_A_ROW {
                    return Err(Error::io("read", &read.path, why));
                }
                Ok(Read { bytes: Err(why), ..read })
            }
            bytes => {
                self.lost = 0;
                Ok(Read { bytes, ..read })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::source::Source;
    use super::*;

    const DEPTH: Depth = Depth { threads: 3, images: 4 };

    fn row(number: usize) -> Row {
        Row { path: number.to_string(), source: Source::Bytes(vec![number as u8]) }
    }

    #[test]
    fn images_come_in_order_and_no_more_are_read_than_the_queue_holds() {
        let fed = AtomicUsize::new(0);
        let feed = |take: &mut Take<'_>| {
            (0..1000).find(|number| {
                fed.fetch_add(1, Ordering::Relaxed);
                !take(row(*number))
            });
            Ok(())
        };
        let paths = read_ahead(feed, (&Remote::new(), DEPTH), |pending| {
            let mut paths = Vec::new();
            loop {
                let images = pending.take(7)?;
                paths.extend(images.iter().map(|image| image.path.clone()));
                assert!(fed.load(Ordering::Relaxed) <= paths.len() + DEPTH.images + 2);
                if images.is_empty() {
                    return Ok(paths);
                }
            }
        });
        let expected: Vec<String> = (0..1000).map(|number: usize| number.to_string()).collect();
        assert_eq!(paths.expect("all are read"), expected);
    }

    #[test]
    fn who_stops_early_ends_the_reading_and_a_manifest_s_error_comes_in_its_place() {
        let endless = |take: &mut Take<'_>| {
            (0..).find(|number| !take(row(*number)));
            Ok(())
        };
        let first = read_ahead(endless, (&Remote::new(), DEPTH), |pending| pending.take(2));
        assert_eq!(first.expect("two").len(), 2);
        let broken = |take: &mut Take<'_>| {
            take(row(0));
            Err(Error::invalid("m.csv", "a path", "none"))
        };
        let found = read_ahead(broken, (&Remote::new(), DEPTH), |pending| {
            assert_eq!(pending.take(1).expect("one").len(), 1);
            pending.take(1)
        });
        assert!(found.err().expect("broken").to_string().contains("m.csv"));
    }

    #[test]
    fn one_image_that_is_lost_is_a_row_and_many_are_the_storage() {
        let mut pending = Pending { queue: sync_channel(1).1, lost: 0 };
        let mut lose = |kind: ErrorKind| pending.reached(Read { path: "x".into(), bytes: Err(kind.into()) });
        for _ in 1..IN_A_ROW {
            assert!(lose(ErrorKind::TimedOut).is_ok());
        }
        assert!(lose(ErrorKind::NotFound).is_ok(), "a file that is not there is an answer of the storage");
        for _ in 1..IN_A_ROW {
            assert!(lose(ErrorKind::TimedOut).is_ok());
        }
        assert!(lose(ErrorKind::TimedOut).is_err());
    }
}
