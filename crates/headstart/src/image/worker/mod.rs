//! Decoding in processes of their own, which can be ended: a file that a decoder cannot cope with costs one answer, and
//! not the program.
//!
//! A program that calls [`isolate`] starts itself again as workers, at most one for each thread that decodes, and keeps
//! them for the next images. A worker reads files from its standard input and writes pixels to its standard output. The
//! system ends it when it takes more memory, or more of a processor's time, than `Limits` allow.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use headstart::image::worker;
//!
//! fn main() -> ExitCode {
//!     if worker::is_wanted() {
//!         return worker::work();
//!     }
//!     worker::isolate();
//!     // From here on `decode` decodes elsewhere.
//!     ExitCode::SUCCESS
//! }
//! ```

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod pool;
#[cfg(unix)]
mod wire;

#[cfg(unix)]
pub use self::child::work;
#[cfg(unix)]
pub(super) use self::pool::Pool;
#[cfg(not(unix))]
pub(super) use self::without::Pool;
#[cfg(not(unix))]
pub use self::without::work;

use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;

use super::{Cost, DecodeError, Format, Limits};

/// The argument that makes a program a worker, when it is the only one.
const ARGUMENT: &str = "--decode-images-for-another-process";
/// This program on Linux, even when its file has been replaced since.
const SELF: &str = "/proc/self/exe";

static POOL: OnceLock<Pool> = OnceLock::new();

/// Whether this process was started to decode for another: then [`work`] is all that it has to do.
pub fn is_wanted() -> bool {
    cfg!(unix) && std::env::args_os().skip(1).eq([ARGUMENT])
}

/// From now on [`decode`](super::decode()) decodes in workers of this program, which must call [`work`] when
/// [`is_wanted`] says so. Systems other than Unix have none: there nothing changes.
pub fn isolate() {
    if let Some(program) = this_program() {
        isolate_with(vec![program]);
    }
}

/// As [`isolate`], in workers that this command starts, a program and its arguments: for a program that runs inside
/// another, such as Python. One more argument is added. Whatever it starts must call [`work`].
///
/// # Panics
/// When `command` is empty.
pub fn isolate_with(command: Vec<OsString>) {
    assert!(!command.is_empty(), "a command begins with its program");
    if cfg!(unix) {
        // Whoever was first has said the same.
        let _ = POOL.set(Pool::new(command));
    }
}

fn this_program() -> Option<OsString> {
    match Path::new(SELF).exists() {
        true => Some(SELF.into()),
        false => std::env::current_exe().ok().map(OsString::from),
    }
}

/// The workers, if there are any.
pub(super) fn pool() -> Option<&'static Pool> {
    POOL.get()
}

fn too_much_memory(format: Format, limits: &Limits) -> DecodeError {
    DecodeError::TooCostly { format, most: Cost::Mebibytes(limits.max_memory >> 20) }
}

fn too_much_time(format: Format, limits: &Limits) -> DecodeError {
    DecodeError::TooCostly { format, most: Cost::Seconds(limits.max_seconds) }
}

#[cfg(not(unix))]
mod without {
    //! Where processes cannot be bounded.

    use std::ffi::OsString;
    use std::process::ExitCode;

    use crate::image::{DecodeError, Format, Image, Limits, decode};

    /// No workers.
    #[derive(Debug)]
    pub(in crate::image) struct Pool;

    impl Pool {
        pub(super) fn new(_: Vec<OsString>) -> Self {
            Self
        }

        pub(in crate::image) fn decode(
            &self,
            bytes: &[u8],
            format: Format,
            limits: &Limits,
        ) -> Result<Image, DecodeError> {
            decode::decode_here(bytes, format, limits)
        }
    }

    /// Does nothing: nobody starts a worker here.
    pub fn work() -> ExitCode {
        ExitCode::FAILURE
    }
}
