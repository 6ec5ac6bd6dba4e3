//! The real program, pictures for it, and what to compare of its runs.
// Each test takes what it needs of them.
#![allow(dead_code)]

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use image::{GrayImage, Luma};

/// The program with a feature cache of its own.
pub fn headstart(cache: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
    command.env("HEADSTART_CACHE", cache);
    command
}

/// The program in `folder`, with a cache there, and by no scheduler: tests may themselves run as a task of an array.
pub fn unscheduled(folder: &Path) -> Command {
    let mut command = headstart(&folder.join("cache"));
    command.current_dir(folder);
    for name in ["SLURM_ARRAY_TASK_ID", "JOB_COMPLETION_INDEX", "HEADSTART_SHARDS", "HEADSTART_VECTOR"] {
        command.env_remove(name);
    }
    command
}

/// Puts two files that are no pictures among [`pictures`].
pub fn spoil(folder: &Path) {
    fs::write(folder.join("dark/007.png"), "a note").expect("writes");
    fs::write(folder.join("dark/note.txt"), "").expect("writes");
}

/// Two classes of grey pictures, dark and bright.
pub fn pictures(folder: &Path, count: u32) {
    for (class, base) in [("bright", 190u8), ("dark", 40)] {
        fs::create_dir_all(folder.join(class)).expect("creates");
        for index in 0..count {
            let noise = |x: u32, y: u32| ((x * 7 + y * 13 + index * 31) % 40) as u8;
            let picture = GrayImage::from_fn(48, 40, |x, y| Luma([base + noise(x, y)]));
            picture.save(folder.join(class).join(format!("{index:03}.png"))).expect("saves");
        }
    }
}

/// The history without the times.
pub fn history(run: &Path) -> Vec<String> {
    let text = fs::read_to_string(run.join("history.jsonl")).expect("the history");
    text.lines().map(|line| line.split(",\"seconds\"").next().unwrap_or(line).to_string()).collect()
}

/// The bytes behind a safetensors file's header.
pub fn tensors(run: &Path) -> Vec<u8> {
    let bytes = fs::read(run.join("model.safetensors")).expect("the model");
    let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    bytes[8 + header..].to_vec()
}
