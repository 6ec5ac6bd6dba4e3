//! What tests of the makers share: a part in a file, written and read.

use std::fmt::Debug;
use std::fs::{self, File};
use std::path::Path;

use super::Maker;
use super::facts::Facts;
use super::part::{PartReader, PartWriter};
use super::record::Record;
use crate::error::Result;
use crate::random::Random;

/// Of shard 1/3.
fn facts<M>(maker: M) -> Facts<M> {
    Facts {
        maker,
        manifest: "l".repeat(64),
        version: "1".into(),
        vector_level: "avx2".into(),
        shard: Some("1/3".parse().expect("a shard")),
    }
}

fn written<M: Maker>(file: &Path, maker: M, records: impl Iterator<Item = Record<M::Value>>) -> u64 {
    let to = File::create(file).expect("creates");
    let mut part = PartWriter::new(to, file, facts(maker)).expect("begins");
    records.for_each(|record| part.add(record).expect("writes"));
    part.finish().expect("finishes")
}

fn opened<M: Maker>(file: &Path) -> Result<PartReader<M>> {
    PartReader::open(File::open(file).expect("opens"), file)
}

/// Records come back as they were, over several row groups.
pub(crate) fn assert_come_back<M>(maker: &M, record: impl Fn(usize) -> Record<M::Value>)
where
    M: Maker + PartialEq + Debug,
    M::Value: PartialEq + Debug,
{
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("part");
    let group = (1..).find(|rows| maker.fill_group(*rows, *rows)).expect("a group has an end");
    for rows in [0, 1, 2 * group] {
        assert_eq!(written(&file, maker.clone(), (0..rows).map(&record)), rows as u64);
        let part = opened::<M>(&file).expect("a part");
        assert_eq!((part.facts(), part.rows()), (&facts(maker.clone()), rows as u64));
        let mut number = 0;
        let same = part.each(|found| {
            assert_eq!(found, record(number));
            number += 1;
            Ok(())
        });
        same.expect("reads");
        assert_eq!(number, rows);
    }
}

/// No panic, and no endless work, whatever is in the file.
pub(crate) fn assert_damage_is_an_error<M: Maker>(maker: &M, record: impl Fn(usize) -> Record<M::Value>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("part");
    written(&file, maker.clone(), (0..60).map(record));
    let whole = fs::read(&file).expect("reads");
    let mut random = Random::new(7, 0);
    let mut errors = 0;
    for round in 0..3000 {
        let mut bytes = whole.clone();
        for _ in 0..=round % 3 {
            // The footer is about half of a file as small as this one.
            let at = random.below(bytes.len());
            bytes[at] = random.below(256) as u8;
        }
        fs::write(&file, &bytes).expect("writes");
        errors += usize::from(opened::<M>(&file).and_then(|part| part.each(|_| Ok(()))).is_err());
    }
    assert!(errors > 1000, "{errors}");
}

/// What a footer says of its maker when it lacks a key.
pub(crate) fn read_without<M: Maker>(maker: &M, key: &str) -> Result<M> {
    let pairs = facts(maker.clone()).pairs(1).into_iter();
    let pairs = pairs.filter(|(found, _)| *found != format!("headstart.{key}")).collect();
    Facts::read(&pairs, Path::new("part")).map(|(facts, _)| facts.maker)
}
