//! What decoding in workers costs, against decoding within the process.
//!
//! ```sh
//! cargo run --release --example decode_cost -- images/*.jpg
//! ```
//!
//! Processor time counts that of the worker, which Linux tells. It says what workers cost however busy the machine is.

use std::process::ExitCode;
use std::time::Instant;

use headstart::image::{Limits, decode, worker};

/// Times that each file is decoded.
const TIMES: usize = 4;
/// Of a second: what the system counts processor time in.
const TICKS: f64 = 100.0;

fn main() -> ExitCode {
    if worker::is_wanted() {
        return worker::work();
    }
    let names = std::env::args().skip(1);
    let files: Vec<Vec<u8>> = names.map(|name| std::fs::read(name).expect("a file")).collect();
    if files.is_empty() {
        eprintln!("usage: decode_cost FILE...");
        return ExitCode::from(2);
    }
    show("within", &files);
    worker::isolate();
    // The first image starts the worker.
    decode_all(&files[..1]);
    show("worker", &files);
    ExitCode::SUCCESS
}

fn show(how: &str, files: &[Vec<u8>]) {
    decode_all(files);
    let (start, before) = (Instant::now(), processor_seconds());
    (0..TIMES).for_each(|_| decode_all(files));
    let each = |seconds: f64| seconds * 1e6 / (TIMES * files.len()) as f64;
    let (time, used) = (each(start.elapsed().as_secs_f64()), each(processor_seconds() - before));
    println!("{how}: {used:.0} µs of a processor, {time:.0} µs of time for each of {} files", files.len());
}

fn decode_all(files: &[Vec<u8>]) {
    files.iter().for_each(|file| _ = decode(file, &Limits::default()));
}

/// Of this process and its workers.
fn processor_seconds() -> f64 {
    let own = std::process::id();
    let children = std::fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
    let processes = children.split_whitespace().map(String::from).chain([own.to_string()]);
    processes.map(|process| ticks(&process) / TICKS).sum()
}

/// The fields `utime` and `stime`, which are the 12th and 13th behind the name.
fn ticks(process: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = text.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum()
}
