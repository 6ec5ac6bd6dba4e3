//! What the program prints. A reader that is gone, such as `head`, ends no work and gets no panic; on a terminal no
//! word is broken.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use console::{Style, Term};
use headstart::visible::{visible, visible_json, visible_lines};

/// What lines that go on are set in by.
const INDENT: &str = "    ";

/// Set when a write to standard output has failed.
static FAILED: AtomicBool = AtomicBool::new(false);
/// Why it failed, unless the reader went away.
static PROBLEM: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line on standard output, as `println!` does, which panics where nobody reads it.
macro_rules! out {
    ($($text:tt)*) => { $crate::print::line(&format!($($text)*)) };
}

/// Prints a line on standard error, as `eprintln!` does, which panics where nobody reads it.
macro_rules! err {
    ($($text:tt)*) => { $crate::print::error_line(&format!($($text)*)) };
}

pub(crate) use {err, out};

/// A path as people may read it.
pub fn path(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}

/// Prints a line for people on standard output.
pub fn line(line: &str) {
    raw(format_args!("{}\n", fitted(&visible_lines(line), &Term::stdout())));
}

/// Prints a table or the like for people on standard output. Its lines are not fitted to the terminal.
pub fn text(text: &str) {
    raw(visible_lines(text));
}

/// Prints text for programs on standard output as it is, such as CSV: names of files and classes in it may hold
/// anything.
pub fn raw(text: impl Display) {
    if is_unread() {
        return;
    }
    let mut output = io::stdout().lock();
    if let Err(why) = write!(output, "{text}").and_then(|()| output.flush()) {
        FAILED.store(true, Ordering::Relaxed);
        if why.kind() != ErrorKind::BrokenPipe
            && let Ok(mut problem) = PROBLEM.lock()
        {
            *problem = Some(why);
        }
    }
}

/// Prints JSON on standard output, with line breaks.
pub fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    json_text(&(serde_json::to_string_pretty(value)? + "\n"));
    Ok(())
}

/// Prints JSON, or a part of it, on standard output, with what a terminal would obey written as JSON's escapes.
pub fn json_text(json: &str) {
    raw(visible_json(json));
}

/// Prints a line on standard error.
pub fn error_line(line: &str) {
    // There is nowhere left to tell of a failure.
    let _ = writeln!(io::stderr().lock(), "{}", fitted(&visible_lines(line), &Term::stderr()));
}

/// Prints a warning on standard error, marked by colour on a terminal, unless `NO_COLOR` is set.
pub fn warning(text: &str) {
    marked("warning:", Style::new().yellow().bold(), text);
}

/// Prints what ended the work.
pub fn failure(text: &str) {
    marked("error:", Style::new().red().bold(), text);
}

/// Prints that a file is not used, and why.
pub fn set_aside(path: &str, why: &str) {
    marked("set aside:", Style::new().yellow(), &format!("{}: {}", visible(path), visible(why)));
}

fn marked(mark: &str, style: Style, text: &str) {
    let line = fitted(&visible_lines(&format!("{mark} {text}")), &Term::stderr());
    let shown = style.for_stderr().apply_to(mark);
    let _ = writeln!(io::stderr().lock(), "{shown}{}", line.strip_prefix(mark).unwrap_or(&line));
}

/// A text in lines that are no wider than the terminal. For files and pipes it stays as it is.
fn fitted(text: &str, terminal: &Term) -> String {
    match terminal.size_checked() {
        Some((_, columns)) => folded(text, usize::from(columns)),
        None => text.to_string(),
    }
}

/// Each line that is wider than `columns`, broken between words.
fn folded(text: &str, columns: usize) -> String {
    let fold = |line: &str| {
        let options = textwrap::Options::new(columns)
            .subsequent_indent(INDENT)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        match line.chars().count() > columns {
            true => textwrap::fill(line, options),
            false => line.to_string(),
        }
    };
    text.split('\n').map(fold).collect::<Vec<_>>().join("\n")
}

/// Whether what is printed on standard output reaches nobody any more.
pub fn is_unread() -> bool {
    FAILED.load(Ordering::Relaxed)
}

/// Why standard output could not be written, such as a full disk. A reader that went away is no problem.
pub fn problem() -> Option<io::Error> {
    PROBLEM.lock().ok()?.take()
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn long_lines_are_broken_between_words_and_short_ones_stay() {
        assert_eq!(folded("one  two\nthree", 8), "one  two\nthree");
        assert_eq!(folded("one two three", 9), "one two\n    three");
        assert_eq!(folded("a/path/that/is/long is", 9), "a/path/that/is/long\n    is");
    }
}
