//! What a training looks like in the terminal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use headstart::features::Progress;
use headstart::history::EpochRecord;
use headstart::train::Observer;
use headstart::train::throughput::memory;
use headstart::visible::{visible, visible_lines};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// Lets Ctrl-C end a training in good order.
pub fn stop_on_interrupt() {
    // Without a handler Ctrl-C ends the process at once, which is the next best.
    let _ = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed));
}

/// Whether Ctrl-C was pressed.
pub fn interrupted() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// Bars on a terminal, lines in a file.
#[derive(Default)]
pub struct Terminal {
    /// Whether standard output is for the result alone.
    quiet: bool,
    bar: Option<(String, ProgressBar)>,
}

impl Terminal {
    /// One that shows warnings only when it is `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, bar: None }
    }

    /// Whether it shows warnings only.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    fn show(&mut self, name: &str, done: usize, total: usize) {
        if self.quiet {
            return;
        }
        if self.bar.as_ref().is_none_or(|(shown, _)| shown != name) {
            self.clear();
            let style = "{msg} {bar:32} {pos}/{len}  {per_sec:.0} images/s  {eta} left{memory}";
            let style = ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
            let style = style.with_key("memory", show_memory);
            let bar = ProgressBar::new(total as u64).with_style(style).with_message(name.to_string());
            self.bar = Some((name.to_string(), bar));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_position(done as u64);
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// What the process holds, where the system tells.
fn show_memory(_: &ProgressState, bar: &mut dyn std::fmt::Write) {
    if let Some(bytes) = memory() {
        let _ = write!(bar, "  {} MiB", bytes >> 20);
    }
}

impl Progress for Terminal {
    fn estimated(&mut self, images: usize, time: Duration) {
        self.say(&format!(
            "features    {images} images to compute, about {:.0} s",
            time.as_secs_f64().ceil()
        ));
    }

    fn extracted(&mut self, done: usize, total: usize, cached: usize) {
        self.show("features", done, total);
        if done == total {
            self.clear();
            self.say(&format!("features    {total} images, {cached} of them from the cache"));
        }
    }

    fn set_aside(&mut self, path: &str, why: &str) {
        let (path, why) = (visible(path), visible(why));
        match &self.bar {
            Some((_, bar)) => bar.suspend(|| eprintln!("set aside: {path}: {why}")),
            None => eprintln!("set aside: {path}: {why}"),
        }
    }

    fn stop(&self) -> bool {
        interrupted()
    }
}

impl headstart::audit::Observer for Terminal {
    fn surveyed(&mut self, done: usize, total: usize) {
        self.show("looking", done, total);
        if done == total {
            self.clear();
        }
    }
}

impl Observer for Terminal {
    fn say(&mut self, line: &str) {
        self.clear();
        if !self.quiet {
            println!("{}", visible_lines(line));
        }
    }

    fn warn(&mut self, line: &str) {
        self.clear();
        eprintln!("warning: {}", visible_lines(line));
    }

    fn step(&mut self, epoch: usize, done: usize, total: usize) {
        self.show(&format!("epoch {epoch}"), done, total);
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let auc = record.validation_auc.map_or("   –  ".into(), |auc| format!("{auc:.4}"));
        self.say(&format!(
            "epoch {:>3}   training: loss {:.4}, accuracy {:.4}   validation: loss {:.4}, accuracy {:.4}, AUC {auc}   {:.1} s",
            record.epoch,
            record.train_loss,
            record.train_accuracy,
            record.validation_loss,
            record.validation_accuracy,
            record.seconds
        ));
    }
}
