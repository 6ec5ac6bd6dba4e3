//! What a training looks like to a program: one JSON object a line on standard output.

use std::time::Duration;

use headstart::Observer;
use headstart::history::EpochRecord;
use headstart::train::throughput::memory;
use serde_json::{Value, json};

use crate::output::interrupted;

/// Images between two lines of progress.
const EVERY: usize = 256;

/// Writes events as they happen.
#[derive(Default)]
pub struct Events {
    /// Where the last line of progress stood.
    told: usize,
}

impl Events {
    fn progress(&mut self, event: &str, done: usize, total: usize, more: Value) {
        if done < self.told {
            self.told = 0;
        }
        if done == total || done >= self.told + EVERY {
            self.told = done;
            let mut line = json!({"event": event, "done": done, "total": total, "memory_bytes": memory()});
            if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
                line.extend(more);
            }
            emit(&line);
        }
    }
}

/// Writes one event. A reader that is gone is no reason to end a training.
pub fn emit(event: &Value) {
    crate::print::json_text(&format!("{event}\n"));
}

impl Observer for Events {
    fn estimated(&mut self, images: usize, time: Duration) {
        emit(&json!({"event": "estimate", "images": images, "seconds": time.as_secs_f64()}));
    }

    fn extracted(&mut self, done: usize, total: usize, cached: usize) {
        self.progress("features", done, total, json!({"cached": cached}));
    }

    fn set_aside(&mut self, path: &str, why: &str) {
        emit(&json!({"event": "set-aside", "path": path, "why": why}));
    }

    fn stop(&self) -> bool {
        interrupted()
    }

    fn surveyed(&mut self, done: usize, total: usize) {
        self.progress("looking", done, total, json!({}));
    }

    fn say(&mut self, line: &str) {
        emit(&json!({"event": "note", "text": line}));
    }

    fn warn(&mut self, line: &str) {
        emit(&json!({"event": "warning", "text": line}));
    }

    fn step(&mut self, epoch: usize, done: usize, total: usize) {
        self.progress("step", done, total, json!({"epoch": epoch}));
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let mut event = serde_json::to_value(record).unwrap_or_default();
        event["event"] = "epoch".into();
        emit(&event);
    }
}
