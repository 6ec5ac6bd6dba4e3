//! What pictures look like, kept on disk by their content: a line of JSON for each.
//!
//! The file's name holds the version of what is measured. A line that is not whole counts for nothing.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use super::survey::Look;
use crate::dataset::Digest;
use crate::error::{Error, Result};
use crate::features::lock;

/// To be raised when anything is measured in another way.
const FILE: &str = "looks-6.jsonl";

/// The looks that are known, and those that are new.
pub(super) struct Memory {
    path: PathBuf,
    known: HashMap<Digest, Look>,
    new: Vec<Digest>,
}

impl Memory {
    /// What is kept in `folder`, which is made if it is not there.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|why| Error::io("create", folder, why))?;
        let path = folder.join(FILE);
        let known = match File::open(&path) {
            Ok(file) => read(BufReader::new(file)),
            Err(_) => HashMap::new(),
        };
        Ok(Self { path, known, new: Vec::new() })
    }

    /// The look of the picture with these bytes.
    pub(super) fn get(&self, content: &Digest) -> Option<Look> {
        self.known.get(content).copied()
    }

    pub(super) fn add(&mut self, look: &Look) {
        if self.known.insert(look.content, *look).is_none() {
            self.new.push(look.content);
        }
    }

    /// Adds what is new to the file. Waits while another program does, unless `stop` says to.
    pub(super) fn save(&self, stop: &dyn Fn() -> bool) -> Result<()> {
        if self.new.is_empty() {
            return Ok(());
        }
        let line =
            |content| serde_json::to_string(&self.known[content]).expect("a plain struct becomes JSON");
        let lines: String = self.new.iter().map(|content| line(content) + "\n").collect();
        let unwritable = |why| Error::io("write", &self.path, why);
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path).map_err(unwritable)?;
        // Two programs may add to it at once.
        lock::wait(&file, &self.path, stop)?;
        file.write_all(lines.as_bytes()).map_err(unwritable)
    }
}

/// The lines that are whole. A file that turns unreadable half way has told what it could.
fn read(file: impl BufRead) -> HashMap<Digest, Look> {
    let looks =
        file.lines().map_while(Result::ok).filter_map(|line| serde_json::from_str::<Look>(&line).ok());
    looks.map(|look| (look.content, look)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::appearance::Appearance;
    use super::super::plane::Plane;
    use super::super::style::{File, Statistics};
    use super::*;
    use crate::image::Image;

    fn look(number: u8) -> Look {
        let pixels: Vec<u8> = (0..64 * 64).map(|at| (at / 7) as u8 ^ number).collect();
        let image = Image::from_grey8(64, 64, &pixels);
        let plane = Plane::of(&image);
        Look {
            bytes: Some(9),
            format: None,
            coding: None,
            content: [number; 32],
            width: 64,
            height: 64,
            frames: 1,
            appearance: Appearance::of(&image, &plane),
            style: Statistics::of(&image, &plane, File { bytes: Some(9), coding: None }),
        }
    }

    #[test]
    fn what_was_seen_is_known_again_to_the_last_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut memory = Memory::open(folder.path()).expect("opens");
        [1, 2, 1].iter().for_each(|number| memory.add(&look(*number)));
        memory.save(&|| false).expect("writes");
        let again = Memory::open(folder.path()).expect("opens");
        assert_eq!(format!("{:?}", again.get(&[1; 32])), format!("{:?}", Some(look(1))));
        assert!(again.get(&[3; 32]).is_none());
        assert_eq!(fs::read_to_string(folder.path().join(FILE)).expect("the file").lines().count(), 2);
    }

    #[test]
    fn a_torn_line_counts_for_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut memory = Memory::open(folder.path()).expect("opens");
        memory.add(&look(1));
        memory.save(&|| false).expect("writes");
        let path = folder.path().join(FILE);
        let line = fs::read_to_string(&path).expect("the file");
        fs::write(&path, format!("{}\n{line}", &line[..40])).expect("writes");
        assert!(Memory::open(folder.path()).expect("opens").get(&[1; 32]).is_some());
    }
}
