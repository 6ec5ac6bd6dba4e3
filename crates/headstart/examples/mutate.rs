//! Feeds damaged files to the readers of models, recipes, tables, archives and images, and keeps what breaks one.
//!
//! ```sh
//! cargo run --release --example mutate -- recipe recipes/default.toml --seconds 60
//! ```
//!
//! The kind of file is `model`, `recipe`, `csv`, `npz` or `image`. An input that makes its reader panic, or take longer
//! than ten seconds, is written beside the given file as `NAME.crash-NUMBER`. Inputs follow from `--seed`, so that what
//! was found once is found again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use headstart::classifier::Classifier;
use headstart::dataset::Dataset;
use headstart::image::{Limits, decode};
use headstart::train::Recipe;

/// A reader that takes longer than this for one file hangs.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str, usual: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(usual)
    };
    let [kind, file, ..] = arguments.as_slice() else {
        eprintln!("usage: mutate model|recipe|csv|npz|image FILE [--seconds N] [--seed N]");
        std::process::exit(2);
    };
    let Some(read) = reader(kind) else {
        eprintln!("{kind}: expected model, recipe, csv, npz or image");
        std::process::exit(2);
    };
    let file = PathBuf::from(file);
    let whole = std::fs::read(&file).expect("the file can be read");
    let found =
        search(&file, &whole, read, option("--seed", 1), Duration::from_secs(option("--seconds", 60)));
    println!("{kind}: {} inputs, {} crashes or hangs", found.inputs, found.bad);
    std::process::exit(i32::from(found.bad > 0));
}

type Reader = fn(&Path);

fn reader(kind: &str) -> Option<Reader> {
    Some(match kind {
        "model" => |path| _ = Classifier::load(path),
        "recipe" => |path| {
            if let Ok(recipe) = Recipe::find(&path.display().to_string()) {
                let _ = recipe.check();
            }
        },
        "csv" | "npz" => |path| _ = Dataset::open(path),
        "image" => |path| _ = std::fs::read(path).map(|bytes| decode(&bytes, &Limits::default())),
        _ => return None,
    })
}

struct Found {
    inputs: u64,
    bad: u64,
}

fn search(file: &Path, whole: &[u8], read: Reader, seed: u64, time: Duration) -> Found {
    let extension = file.extension().unwrap_or_default();
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("input").with_extension(extension);
    let (start, mut found) = (Instant::now(), Found { inputs: 0, bad: 0 });
    while start.elapsed() < time {
        found.inputs += 1;
        let input = mutated(whole, &mut Random(seed.wrapping_mul(0x9E37_79B9).wrapping_add(found.inputs)));
        std::fs::write(&path, &input).expect("the input can be written");
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&path)));
        if outcome.is_err() || began.elapsed() > PATIENCE {
            found.bad += 1;
            let name = format!("{}.crash-{}", file.display(), found.inputs);
            std::fs::write(&name, &input).expect("the crash can be kept");
            eprintln!("{name}: {:.1} s", began.elapsed().as_secs_f64());
        }
    }
    found
}

/// One to eight changes: a bit, a byte, a number, a part cut out, doubled or moved.
fn mutated(whole: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..=random.below(8) {
        if bytes.is_empty() {
            return bytes;
        }
        // Headers lie at the beginning: half of all changes are there.
        let reach = if random.below(2) == 0 { bytes.len().min(4096) } else { bytes.len() };
        let at = random.below(reach);
        let end = (at + 1 + random.below(64)).min(bytes.len());
        match random.below(7) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF, b'9', b'-'][random.below(7)],
            3 => drop(bytes.drain(at..end)),
            4 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            5 => bytes.truncate(at),
            _ => digits(&mut bytes, at, random),
        }
    }
    bytes
}

/// Puts another number where the next one in text is.
fn digits(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    const NUMBERS: [&str; 9] =
        ["0", "-1", "1", "1000000000", "4294967296", "9223372036854775807", "1e308", "NaN", "0.5"];
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|offset| at + offset) else {
        return;
    };
    let end =
        bytes[start..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |n| start + n);
    bytes.splice(start..end, NUMBERS[random.below(NUMBERS.len())].bytes());
}

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
