//! The processes of one training, where mpirun or another launcher has started several.

use anyhow::{Error, Result};
use headstart::ranks::Ranks;

/// What launchers tell each process of how many there are: Open MPI, MPICH and those that start processes as it does.
const COUNTS: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"];

/// Whether a launcher has started this process among others.
fn is_one_of_several() -> bool {
    let count = |name| std::env::var(name).ok()?.parse::<usize>().ok();
    COUNTS.into_iter().filter_map(count).any(|count| count > 1)
}

/// Taking part in a training with the others, as long as it goes on.
pub struct Joined {
    ranks: Ranks,
    #[cfg(feature = "mpi")]
    _started: Option<headstart::ranks::Started>,
}

#[cfg(not(feature = "mpi"))]
impl Joined {
    /// This process alone.
    ///
    /// # Errors
    /// Where it is one of several: each would train for itself, in the same folder.
    pub fn new() -> Result<Self> {
        if is_one_of_several() {
            let why =
                "mpirun: expected a headstart that was built with --features mpi, found one that was not";
            return Err(headstart::Error::Usage(why.into()).into());
        }
        Ok(Self { ranks: Ranks::default() })
    }

    fn end(&self, _: &Error) {}
}

#[cfg(feature = "mpi")]
impl Joined {
    /// All processes that were started together, or this one alone.
    ///
    /// # Errors
    /// Where MPI cannot be used.
    pub fn new() -> Result<Self> {
        use headstart::ranks::Mpi;

        match is_one_of_several() {
            true => {
                let joined = Self { _started: Some(Mpi::start()?), ranks: Ranks::new(Mpi) };
                joined.look_at_processors();
                Ok(joined)
            }
            false => Ok(Self { _started: None, ranks: Ranks::default() }),
        }
    }

    /// Says where threads share a processor: mpirun binds each of two ranks to one core.
    fn look_at_processors(&self) {
        let threads = rayon::current_num_threads();
        let processors = std::thread::available_parallelism().map_or(threads, usize::from);
        if threads > processors {
            crate::print::warning(&format!(
                "rank {}: {threads} threads share the processors that it may use, of which there are {processors}; with mpirun --bind-to \
                 none it may use all",
                self.ranks.rank()
            ));
        }
    }

    /// Says which rank has failed and why, and ends all: none of them must wait for it.
    fn end(&self, error: &Error) {
        use headstart::ranks::Mpi;

        if self.ranks.size() > 1 {
            if let Some(why) = crate::told(error) {
                crate::print::failure(&format!("rank {} on {}: {why}", self.ranks.rank(), Mpi::machine()));
            }
            Mpi::abort(crate::exit_code(error));
        }
    }
}

impl Joined {
    /// All of them, as this one sees them.
    pub fn ranks(&self) -> &Ranks {
        &self.ranks
    }

    /// Hands on what a training came to. Where it failed at one of several processes, all of them end here.
    ///
    /// # Errors
    /// As the training.
    pub fn after<T>(&self, done: Result<T>) -> Result<T> {
        done.inspect_err(|error| self.end(error))
    }
}

/// Hears nothing of a training that rank 0 tells of, but can stop it.
pub struct Follower;

impl headstart::Observer for Follower {
    fn stop(&self) -> bool {
        crate::output::interrupted()
    }
}
