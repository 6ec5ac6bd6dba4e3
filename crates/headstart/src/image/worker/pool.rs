//! The program's side: workers that wait for images, and what becomes of those that end.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::process::Signal;

use super::wire::{self, Request};
use super::{ARGUMENT, too_much_memory, too_much_time};
use crate::image::{DecodeError, Format, Image, Limits};

/// What the system needs to find the libraries of a program that a worker is started with.
const LIBRARIES: &str = "LD_LIBRARY_PATH";

/// Workers of a program. Each decodes one image at a time.
#[derive(Debug)]
pub(in crate::image) struct Pool {
    /// A program and its arguments.
    command: Vec<OsString>,
    idle: Mutex<Vec<Worker>>,
}

/// How a worker ended that owed an answer.
enum End {
    Memory,
    Time,
    Otherwise,
}

impl Pool {
    pub(super) fn new(command: Vec<OsString>) -> Self {
        Self { command, idle: Mutex::default() }
    }

    /// Decodes a file in a worker that is free, or a new one.
    pub(in crate::image) fn decode(
        &self,
        file: &[u8],
        format: Format,
        limits: &Limits,
    ) -> Result<Image, DecodeError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let first = idle.map_or_else(|| self.start(), Ok)?;
        match self.ask(first, file, format, limits) {
            Ok(answer) => answer,
            Err(End::Memory) => Err(too_much_memory(format, limits)),
            Err(End::Time) => Err(too_much_time(format, limits)),
            // Somebody else may have ended it, perhaps while it waited: the file gets another chance.
            Err(End::Otherwise) => {
                let again = self.ask(self.start()?, file, format, limits);
                again.unwrap_or(Err(DecodeError::Failed { format }))
            }
        }
    }

    fn ask(
        &self,
        mut worker: Worker,
        file: &[u8],
        format: Format,
        limits: &Limits,
    ) -> Result<Result<Image, DecodeError>, End> {
        match worker.decode(file, format, limits) {
            Ok(answer) => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                Ok(answer)
            }
            Err(_) => Err(worker.end()),
        }
    }

    fn start(&self) -> Result<Worker, DecodeError> {
        let unavailable = |why: io::Error| DecodeError::Unavailable {
            why: format!("no process could be started for it ({why})"),
        };
        Worker::start(&self.command).map_err(unavailable)
    }
}

/// A process that decodes.
#[derive(Debug)]
struct Worker {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Worker {
    fn start(command: &[OsString]) -> io::Result<Self> {
        let mut process = Command::new(&command[0])
            .args(&command[1..])
            .arg(ARGUMENT)
            // It needs nothing else of what the environment says, such as passwords.
            .env_clear()
            .envs(std::env::var_os(LIBRARIES).map(|folders| (LIBRARIES, folders)))
            // Ctrl-C is for the program, which then lets it go.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Here a decoder would say that it failed.
            .stderr(Stdio::null())
            .spawn()?;
        let input = process.stdin.take().expect("its input is a pipe");
        let output = process.stdout.take().expect("its output is a pipe");
        Ok(Self { process, input, output })
    }

    fn decode(
        &mut self,
        file: &[u8],
        format: Format,
        limits: &Limits,
    ) -> io::Result<Result<Image, DecodeError>> {
        let request = Request { format, bytes: file.len(), limits: *limits };
        wire::write_request(&mut self.input, &request, file)?;
        wire::read_answer(&mut self.output)
    }

    /// Why it ended, of one that broke off.
    fn end(mut self) -> End {
        drop((self.input, self.output));
        let signal = self.process.wait().ok().and_then(|status| status.signal());
        let is = |known: Signal| signal == Some(known.as_raw());
        match () {
            // Rust aborts where it gets no memory.
            () if is(Signal::ABORT) => End::Memory,
            () if is(Signal::XCPU) => End::Time,
            () => End::Otherwise,
        }
    }
}
