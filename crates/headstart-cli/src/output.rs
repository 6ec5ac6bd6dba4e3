//! What a training looks like in the terminal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use headstart::Observer;
use headstart::history::EpochRecord;
use headstart::train::throughput::memory;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::print::{self, out};
use crate::{epochs, print::err};

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

/// Lets Ctrl-C end work in good order.
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
    /// Whether the last epoch has lines of the table above it.
    in_table: bool,
}

impl Terminal {
    /// One that shows warnings only when it is `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, ..Self::default() }
    }

    /// Whether it shows warnings only.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line of advice on standard error, where no bar erases it.
    pub fn advise(&mut self, line: &str) {
        self.clear();
        err!("{line}");
    }

    /// Shows how far something is, in a bar that is called `name`.
    pub fn show(&mut self, name: &str, done: usize, total: usize) {
        if self.quiet {
            return;
        }
        if self.bar.as_ref().is_none_or(|(shown, _)| shown != name) {
            self.clear();
            self.bar = Some((name.to_string(), bar(name, done, total)));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_position(done as u64);
        }
    }

    /// Shows how many bytes of a file there are.
    fn show_bytes(&mut self, done: u64, total: Option<u64>) {
        const NAME: &str = "fetching";
        if self.quiet {
            return;
        }
        if self.bar.as_ref().is_none_or(|(shown, _)| shown != NAME) {
            self.clear();
            self.bar = Some((NAME.into(), bytes_bar(NAME, done, total)));
        }
        if let Some((_, bar)) = &self.bar {
            bar.set_position(done);
        }
    }

    /// Removes the bar.
    pub fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Prints while the bar is away.
    pub fn above(&self, print: impl FnOnce()) {
        match &self.bar {
            Some((_, bar)) => bar.suspend(print),
            None => print(),
        }
    }
}

/// As wide as the terminal, on standard error.
fn bar(name: &str, done: usize, total: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:10} {wide_bar} {pos}/{len}{pace}{memory}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let (start, before) = (Instant::now(), done as u64);
    let pace = move |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        let (done, left) = (state.pos() - before.min(state.pos()), total as u64 - state.pos());
        let _ = text.write_str(&pace(done, left, start.elapsed()));
    };
    let style = style.with_key("pace", pace).with_key("memory", show_memory);
    ProgressBar::new(total as u64).with_style(style).with_message(name.to_string())
}

/// A bar of bytes. What an earlier try fetched counts as done, and not for the rate.
fn bytes_bar(name: &str, done: u64, total: Option<u64>) -> ProgressBar {
    const RATE: &str =
        "{msg:10} {wide_bar} {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left";
    let style = ProgressStyle::with_template(RATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    bar.with_style(style).with_message(name.to_string()).with_position(done)
}

/// The rate and the time left, once there is enough to tell them from.
fn pace(done: u64, left: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if done == 0 || seconds < 0.5 {
        return String::new();
    }
    let rate = done as f64 / seconds;
    let shown = if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
    format!("  {shown} images/s  {} left", duration(left as f64 / rate))
}

/// `12 s`, `3 min` or `2 h 05 min`.
fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    match seconds {
        short if short < 100.0 => format!("{short:.0} s"),
        _ if minutes < 100 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

/// What the process holds, where the system tells.
fn show_memory(_: &ProgressState, bar: &mut dyn std::fmt::Write) {
    if let Some(bytes) = memory() {
        let _ = write!(bar, "  {} MiB", bytes >> 20);
    }
}

impl Observer for Terminal {
    fn estimated(&mut self, images: usize, time: Duration) {
        let time = duration(time.as_secs_f64().ceil());
        self.say(&format!("features    {images} images to compute, about {time}"));
    }

    fn extracted(&mut self, done: usize, total: usize, cached: usize) {
        self.show("features", done, total);
        if done == total {
            self.clear();
            self.say(&format!("features    {total} images, {cached} of them from the cache"));
        }
    }

    fn set_aside(&mut self, path: &str, why: &str) {
        self.above(|| print::set_aside(path, why));
    }

    fn stop(&self) -> bool {
        interrupted()
    }

    fn surveyed(&mut self, done: usize, total: usize) {
        self.show("looking", done, total);
        if done == total {
            self.clear();
        }
    }

    fn scored(&mut self, done: u64, total: Option<u64>) {
        if let Some(total) = total {
            self.show("images", done as usize, total as usize);
        }
    }

    fn received(&mut self, done: u64, total: Option<u64>) {
        self.show_bytes(done, total);
    }

    fn say(&mut self, line: &str) {
        self.clear();
        self.in_table = false;
        if !self.quiet {
            out!("{line}");
        }
    }

    fn warn(&mut self, line: &str) {
        self.clear();
        print::warning(line);
    }

    fn step(&mut self, epoch: usize, done: usize, total: usize) {
        self.show(&format!("epoch {epoch}"), done, total);
    }

    fn epoch(&mut self, record: &EpochRecord) {
        if !self.in_table {
            self.say(&epochs::head(record));
        }
        self.say(&epochs::row(record));
        self.in_table = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_in_numbers_that_a_reader_can_use() {
        assert_eq!(pace(0, 9, Duration::from_secs(5)), "");
        assert_eq!(pace(5000, 9, Duration::from_millis(1)), "");
        assert_eq!(pace(7, 700, Duration::from_secs(2)), "  3.5 images/s  3 min left");
        assert_eq!(pace(500, 1000, Duration::from_secs(2)), "  250 images/s  4 s left");
        assert_eq!(duration(7500.0), "2 h 05 min");
    }
}
