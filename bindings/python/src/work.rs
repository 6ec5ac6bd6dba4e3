//! Work that takes long: it runs in the pool, while the thread that asked for it hears what it tells and watches for
//! Ctrl-C.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use headstart::history::EpochRecord;
use headstart::{Error, Observer};
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::error;
use crate::plain::object;
use crate::threads::pool;

/// Time between two looks at whether Ctrl-C was pressed.
const LOOK: Duration = Duration::from_millis(50);
/// Time between two events of how far something is.
const TELL: Duration = Duration::from_millis(100);

/// Why work did not come to its end.
pub enum Failure {
    /// The library says so.
    Library(Error),
    /// Python does.
    Python(PyErr),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

/// Does `work` without Python's lock. What it tells goes where `progress` says, a dict for each event, on the thread that
/// asked. Ctrl-C, and whatever a listener raises, stops the work and is raised when it has stopped.
pub fn long<T: Send>(
    python: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&mut dyn Observer) -> Result<T, Failure> + Send,
) -> PyResult<T> {
    let listener = python.import("headstart._progress")?.getattr("listener")?;
    let listener = match progress {
        Some(progress) => listener.call1((progress,))?,
        None => listener.call1((false,))?,
    };
    let (pool, listener) = (pool()?, listener.unbind());
    let stop = AtomicBool::new(false);
    let (sender, events) = channel();
    python.detach(move || {
        thread::scope(|scope| {
            let stopped = &stop;
            let mut teller = Teller { events: sender, stop: stopped, told: None };
            let work = scope.spawn(move || pool.install(|| work(&mut teller)));
            let heard = listen(&events, &listener).inspect_err(|_| stopped.store(true, Ordering::Relaxed));
            let done = work.join().unwrap_or_else(|panic| resume_unwind(panic));
            heard?;
            done.map_err(|failure| match failure {
                Failure::Library(error) => error::python(error),
                Failure::Python(error) => error,
            })
        })
    })
}

/// Hands out events until there will be no more.
fn listen(events: &Receiver<Value>, listener: &Py<PyAny>) -> PyResult<()> {
    let mut looked = Instant::now();
    loop {
        let event = events.recv_timeout(LOOK);
        if event == Err(RecvTimeoutError::Disconnected) {
            return Ok(());
        }
        let look = looked.elapsed() >= LOOK;
        Python::attach(|python| {
            if look {
                python.check_signals()?;
            }
            if let Ok(event) = &event {
                listener.call1(python, (object(python, event)?,))?;
            }
            PyResult::Ok(())
        })?;
        if look {
            looked = Instant::now();
        }
    }
}

/// Sends what work tells to the thread that asked for it.
struct Teller<'a> {
    events: Sender<Value>,
    stop: &'a AtomicBool,
    /// What was said of how far it is, and when.
    told: Option<(&'static str, Instant)>,
}

impl Teller<'_> {
    fn send(&self, event: Value) {
        // Nobody listens any more where the work is to stop.
        let _ = self.events.send(event);
    }

    /// Sends how far something is, if it is over or nothing was sent of it for a while.
    fn progress(&mut self, name: &'static str, (done, total): (usize, usize), event: Value) {
        let recent = |(told, when): &(&str, Instant)| *told == name && when.elapsed() < TELL;
        if done == total || !self.told.as_ref().is_some_and(recent) {
            self.told = Some((name, Instant::now()));
            self.send(event);
        }
    }
}

impl Observer for Teller<'_> {
    fn say(&mut self, line: &str) {
        self.send(json!({"event": "note", "text": line}));
    }

    fn warn(&mut self, line: &str) {
        self.send(json!({"event": "warning", "text": line}));
    }

    fn set_aside(&mut self, path: &str, why: &str) {
        self.send(json!({"event": "set-aside", "path": path, "why": why}));
    }

    fn surveyed(&mut self, done: usize, total: usize) {
        let event = json!({"event": "looking", "done": done, "total": total});
        self.progress("looking", (done, total), event);
    }

    fn estimated(&mut self, images: usize, time: Duration) {
        self.send(json!({"event": "estimate", "images": images, "seconds": time.as_secs_f64()}));
    }

    fn extracted(&mut self, done: usize, total: usize, cached: usize) {
        let event = json!({"event": "features", "done": done, "total": total, "cached": cached});
        self.progress("features", (done, total), event);
    }

    fn step(&mut self, epoch: usize, done: usize, total: usize) {
        let event = json!({"event": "step", "epoch": epoch, "done": done, "total": total});
        self.progress("step", (done, total), event);
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let mut event = serde_json::to_value(record).unwrap_or_default();
        event["event"] = "epoch".into();
        self.send(event);
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
