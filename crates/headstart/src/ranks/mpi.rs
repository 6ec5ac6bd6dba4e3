//! Ranks that the Message Passing Interface connects. It moves bytes; nothing is ever added by it.

use std::thread;
use std::time::{Duration, Instant};

use ::mpi::Threading;
use ::mpi::environment::{Universe, initialize_with_threading, processor_name};
use ::mpi::request;
use ::mpi::topology::SimpleCommunicator;
use ::mpi::traits::{Communicator, Destination, MatchedReceiveVec, Source};

use super::Link;
use crate::error::{Error, Result};

/// Bytes of a message, at most: MPI counts them in 32 bits.
const PIECE: usize = 1 << 30;
/// How long a rank that waits looks without a pause, and how long it then pauses between two looks.
const EAGER: Duration = Duration::from_micros(200);
const PAUSE: Duration = Duration::from_micros(200);

/// The ranks of MPI's world.
#[derive(Debug)]
pub struct Mpi;

/// MPI while it is in use: it must be dropped when the work is done.
#[must_use]
pub struct Started {
    _universe: Universe,
}

impl Mpi {
    /// Takes part in MPI, which a process does once, from the thread that trains.
    ///
    /// # Errors
    /// [`Error::Usage`] where it was started before, or is too old for a program with threads.
    pub fn start() -> Result<Started> {
        let (universe, threading) = initialize_with_threading(Threading::Funneled)
            .ok_or_else(|| Error::Usage("MPI was started before".into()))?;
        match threading >= Threading::Funneled {
            true => Ok(Started { _universe: universe }),
            false => {
                Err(Error::Usage("MPI: expected one that allows threads, found one that does not".into()))
            }
        }
    }

    /// The name of the machine that this rank runs on.
    pub fn machine() -> String {
        processor_name().unwrap_or_else(|_| "a machine without a name".into())
    }

    /// Ends all ranks with this exit code.
    pub fn abort(code: u8) -> ! {
        world().abort(code.into())
    }
}

fn world() -> SimpleCommunicator {
    SimpleCommunicator::world()
}

impl Link for Mpi {
    fn rank(&self) -> usize {
        usize::try_from(world().rank()).expect("ranks count from 0")
    }

    fn size(&self) -> usize {
        usize::try_from(world().size()).expect("there is at least one rank")
    }

    /// The length first, then pieces that MPI can count.
    fn send(&self, to: usize, bytes: &[u8]) -> Result<()> {
        let world = world();
        let process = world.process_at_rank(number(to));
        let length = (bytes.len() as u64).to_le_bytes();
        for piece in [&length[..]].into_iter().chain(bytes.chunks(PIECE)) {
            request::scope(|scope| {
                let mut sending = Some(process.immediate_send(scope, piece));
                patiently(|| match sending.take()?.test() {
                    Ok(_) => Some(()),
                    Err(still) => {
                        sending = Some(still);
                        None
                    }
                });
            });
        }
        Ok(())
    }

    fn receive(&self, from: usize) -> Result<Vec<u8>> {
        let length = piece(from);
        let length = <[u8; 8]>::try_from(length).map(u64::from_le_bytes);
        let length =
            length.map_err(|_| Error::Usage("the ranks do not run the same program".into()))? as usize;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            match bytes.is_empty() {
                true => bytes = piece(from),
                false => bytes.extend(piece(from)),
            }
        }
        Ok(bytes)
    }
}

/// The next message.
fn piece(from: usize) -> Vec<u8> {
    let world = world();
    let process = world.process_at_rank(number(from));
    patiently(|| process.immediate_matched_probe()).matched_receive_vec::<u8>().0
}

/// Looks until there is something. MPI itself would wait with a processor fully busy, which the rank that is waited for
/// may need.
fn patiently<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        match start.elapsed() < EAGER {
            true => thread::yield_now(),
            false => thread::sleep(PAUSE),
        }
    }
}

fn number(rank: usize) -> i32 {
    i32::try_from(rank).expect("MPI counts ranks in 32 bits")
}
