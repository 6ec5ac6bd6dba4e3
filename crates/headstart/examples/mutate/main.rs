//! Feeds damaged files to the readers of models, weights, recipes, tables, archives and images, and keeps what breaks one.
//!
//! ```sh
//! cargo run --release -p headstart --example mutate -- recipe recipes/default.toml --seconds 60
//! ```
//!
//! The kind of file is `model`, `weights`, `recipe`, `csv`, `npz` or `image`. Half of all models and npz are changed within what
//! their checksums guard. An input that makes its reader panic, or take more than ten seconds of a processor, is written
//! beside the given file as `NAME.crash-NUMBER`. `--seconds` counts a processor's time. Inputs follow from `--seed`, so that
//! what was found once is found again.

mod parts;
mod random;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use headstart::backbone::file;
use headstart::classifier::Classifier;
use headstart::dataset::Dataset;
use headstart::image::{Limits, decode};
use headstart::train::Recipe;

use random::{Random, mutated};

/// Seconds of a processor. A reader that takes more for one file hangs. A clock on the wall would tell of other programs,
/// too.
const PATIENCE: f64 = 10.0;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str, usual: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(usual)
    };
    let [kind, file, ..] = arguments.as_slice() else {
        eprintln!("usage: mutate model|weights|recipe|csv|npz|image FILE [--seconds N] [--seed N]");
        std::process::exit(2);
    };
    let Some(read) = reader(kind) else {
        eprintln!("{kind}: expected model, weights, recipe, csv, npz or image");
        std::process::exit(2);
    };
    let file = PathBuf::from(file);
    let whole = std::fs::read(&file).expect("the file can be read");
    let found =
        search(&file, &whole, (changer(kind), read), option("--seed", 1), option("--seconds", 60) as f64);
    println!("{kind}: {} inputs, {} of them read, {} crashes or hangs", found.inputs, found.read, found.bad);
    std::process::exit(i32::from(found.bad > 0));
}

/// Reads a file, and says whether it could.
type Reader = fn(&Path) -> bool;
/// Makes an input of a file, unless the file is of another kind.
type Changer = fn(&[u8], &mut Random) -> Option<Vec<u8>>;

fn changer(kind: &str) -> Changer {
    match kind {
        "model" => parts::model,
        "npz" => parts::npz,
        _ => |_, _| None,
    }
}

fn reader(kind: &str) -> Option<Reader> {
    Some(match kind {
        "model" => |path| Classifier::load(path).is_ok(),
        "weights" => |path| std::fs::read(path).is_ok_and(|bytes| file::weights(&bytes, path).is_ok()),
        "recipe" => |path| {
            let recipe = Recipe::find(&path.display().to_string());
            recipe.is_ok_and(|recipe| recipe.check().is_ok())
        },
        "csv" | "npz" => |path| Dataset::open(path).is_ok(),
        "image" => |path| std::fs::read(path).is_ok_and(|bytes| decode(&bytes, &Limits::default()).is_ok()),
        _ => return None,
    })
}

struct Found {
    inputs: u64,
    /// Those that the reader took for whole.
    read: u64,
    bad: u64,
}

fn search(file: &Path, whole: &[u8], (change, read): (Changer, Reader), seed: u64, seconds: f64) -> Found {
    let extension = file.extension().unwrap_or_default();
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let path = folder.path().join("input").with_extension(extension);
    let (start, mut found) = (processor_seconds(), Found { inputs: 0, read: 0, bad: 0 });
    while processor_seconds() - start < seconds {
        found.inputs += 1;
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9).wrapping_add(found.inputs));
        let within = if random.below(2) == 0 { change(whole, &mut random) } else { None };
        let input = within.unwrap_or_else(|| mutated(whole, &mut random));
        std::fs::write(&path, &input).expect("the input can be written");
        let began = processor_seconds();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&path)));
        found.read += u64::from(matches!(outcome, Ok(true)));
        let took = processor_seconds() - began;
        if outcome.is_err() || took > PATIENCE {
            found.bad += 1;
            let name = format!("{}.crash-{}", file.display(), found.inputs);
            std::fs::write(&name, &input).expect("the crash can be kept");
            eprintln!("{name}: {took:.1} s");
        }
    }
    found
}

/// That this program has used.
#[cfg(unix)]
fn processor_seconds() -> f64 {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// Elsewhere the wall clock has to do.
#[cfg(not(unix))]
fn processor_seconds() -> f64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}
