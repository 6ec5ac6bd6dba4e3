//! One shard: images are read ahead, decoded and computed on all cores, and written as one part.

use std::io::{BufWriter, ErrorKind};
use std::path::Path;

use headstart_kernels::vector_level;
use rayon::prelude::*;

use super::ahead::{Depth, Pending, Read, Take, read_ahead};
use super::facts::Facts;
use super::maker::Maker;
use super::manifest::Manifest;
use super::part::{PartReader, PartWriter};
use super::place::Place;
use super::record::{Record, Status};
use super::remote::{self, Remote};
use super::{Counts, Shard};
use crate::error::{Error, Result};
use crate::image::{DecodeError, Image, Limits, decode};
use crate::observer::Observer;

/// Images that are computed together: at least, and as many as there are threads.
const BATCH: usize = 8;
/// Threads that read ahead: a disk needs few, and a store that answers slowly many.
const READERS: [usize; 2] = [8, 32];

/// A shard, and where its part goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) manifest: &'a str,
    pub(crate) shard: Shard,
    pub(crate) out: &'a str,
}

/// What a maker makes of images, a value for each.
type Make<'a, V> = dyn Fn(&[Image]) -> Vec<V> + Sync + 'a;

/// A part that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Where it is.
    pub part: String,
    /// Its rows.
    pub rows: u64,
    /// What became of them; `None` where the part was there before.
    pub counts: Option<Counts>,
}

/// Makes the part of a shard, unless that was done before. The part is there whole or not at all, and the same rows and maker
/// give the same bytes on one vector level.
///
/// # Errors
/// [`Error::Invalid`] when the manifest or a part of another job is in the way; [`Error::Io`] when something cannot be read or
/// written, of which [`is_temporary`](super::is_temporary) tells whether it may work another time; and
/// [`Error::Interrupted`]. An image that cannot be read is no error, but a row that says so.
pub(crate) fn make_part<M: Maker>(
    task: &Task<'_>,
    (maker, make): (M, &Make<'_, M::Value>),
    observer: &mut dyn Observer,
) -> Result<Done> {
    let remote = Remote::new();
    let place = Place::new(task.out, &remote)?;
    check_apart(task)?;
    let manifest = Manifest::open(task.manifest, &remote)?;
    let facts = facts(maker, manifest.digest.clone(), task.shard);
    let name = task.shard.file_name();
    let part = place.path(&name).display().to_string();
    if let Some(rows) = finished(&place, &name, &facts)? {
        return Ok(Done { part, rows, counts: None });
    }
    let mut file = place.begin()?;
    let table = PartWriter::new(BufWriter::new(file.as_file_mut()), &place.path(&name), facts.clone())?;
    let total = manifest.count(task.shard);
    let mut work = Work { make, part: table, counts: Counts::default(), total, observer };
    let feed = |take: &mut Take<'_>| manifest.each(task.shard, &remote, take);
    read_ahead(feed, (&remote, depth(task, &place)), |pending| work.all(pending))?;
    let (counts, rows) = work.finish()?;
    if !place.keep(file, &name)? {
        // Another process was faster with the same shard, or came from another job.
        finished(&place, &name, &facts)?;
    }
    Ok(Done { part, rows, counts: Some(counts) })
}

/// Parts among the images would be images of the next run.
fn check_apart(task: &Task<'_>) -> Result<()> {
    let folder = Path::new(task.manifest);
    if !folder.is_dir() || remote::is_uri(task.out) {
        return Ok(());
    }
    let nearest = Path::new(task.out).ancestors().find_map(|place| match place.as_os_str().is_empty() {
        true => Path::new(".").canonicalize().ok(),
        false => place.canonicalize().ok(),
    });
    match nearest.zip(folder.canonicalize().ok()) {
        Some((out, images)) if out.starts_with(&images) => {
            Err(Error::setting("out", "a place outside of the folder of images", task.out))
        }
        _ => Ok(()),
    }
}

fn facts<M>(maker: M, manifest: String, shard: Shard) -> Facts<M> {
    let (version, vector_level) = (env!("CARGO_PKG_VERSION").into(), vector_level().into());
    Facts { maker, manifest, version, vector_level, shard: Some(shard) }
}

/// The number of rows of a part that is there already.
///
/// # Errors
/// A part of another maker or manifest.
fn finished<M: Maker>(place: &Place<'_>, name: &str, facts: &Facts<M>) -> Result<Option<u64>> {
    let Some(file) = place.open(name)? else { return Ok(None) };
    let path = place.path(name);
    let part = PartReader::open(file, &path)?;
    facts.check_same(part.facts(), &path)?;
    Ok(Some(part.rows()))
}

fn depth(task: &Task<'_>, place: &Place<'_>) -> Depth {
    let is_remote = remote::is_uri(task.manifest) || matches!(place, Place::Store(..));
    let threads = READERS[usize::from(is_remote)];
    Depth { threads, images: threads.max(2 * batch()) }
}

fn batch() -> usize {
    BATCH.max(rayon::current_num_threads())
}

/// What images go through.
struct Work<'a, M: Maker, W: std::io::Write + Send> {
    make: &'a Make<'a, M::Value>,
    part: PartWriter<M, W>,
    counts: Counts,
    total: Option<u64>,
    observer: &'a mut dyn Observer,
}

/// A row whose image was decoded, or could not be.
struct Decoded {
    path: String,
    sha256: Option<String>,
    image: std::result::Result<Image, (Status, String)>,
}

impl<M: Maker, W: std::io::Write + Send> Work<'_, M, W> {
    /// While something is made of a batch the next one is decoded.
    fn all(&mut self, pending: &mut Pending) -> Result<()> {
        let mut read = pending.take(batch())?;
        let mut decoded = Vec::new();
        while !(read.is_empty() && decoded.is_empty()) {
            if self.observer.stop() {
                return Err(Error::Interrupted);
            }
            let make = self.make;
            let (next, records) = rayon::join(|| decode_all(read), || record_all(make, decoded));
            for record in records {
                self.counts.add(record.status);
                self.part.add(record)?;
            }
            self.observer.scored(self.counts.all(), self.total);
            decoded = next?;
            read = pending.take(batch())?;
        }
        Ok(())
    }

    /// What the rows came to, and how many they are, once they are written.
    fn finish(self) -> Result<(Counts, u64)> {
        Ok((self.counts, self.part.finish()?))
    }
}

fn decode_all(read: Vec<Read>) -> Result<Vec<Decoded>> {
    read.into_par_iter().map(decode_one).collect()
}

fn decode_one(Read { path, bytes }: Read) -> Result<Decoded> {
    match bytes {
        Err(why) => {
            let image = Err((Status::Unreadable, format!("cannot be read: {why}")));
            Ok(Decoded { path, sha256: None, image })
        }
        Ok((sha256, bytes)) => {
            let image = match decode(&bytes, &Limits::default()) {
                Ok(image) => Ok(image),
                // The machine is short of processes or memory, whatever the image is.
                Err(DecodeError::Unavailable { why }) => {
                    let why = std::io::Error::new(ErrorKind::ResourceBusy, why);
                    return Err(Error::io("decode", path, why));
                }
                Err(why) => Err((Status::Unusable, why.to_string())),
            };
            Ok(Decoded { path, sha256: Some(sha256), image })
        }
    }
}

fn record_all<V>(make: &Make<'_, V>, decoded: Vec<Decoded>) -> Vec<Record<V>> {
    let mut images = Vec::with_capacity(decoded.len());
    let mut records = Vec::with_capacity(decoded.len());
    for Decoded { path, sha256, image } in decoded {
        let (status, reason) = match image {
            Ok(image) => {
                images.push(image);
                (Status::Ok, None)
            }
            Err((status, reason)) => (status, Some(reason)),
        };
        records.push(Record { path, sha256, status, reason, value: None });
    }
    if !images.is_empty() {
        let usable = records.iter_mut().filter(|record| record.status == Status::Ok);
        usable.zip(make(&images)).for_each(|(record, value)| record.value = Some(value));
    }
    records
}
