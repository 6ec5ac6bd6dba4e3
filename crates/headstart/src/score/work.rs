//! Scoring one shard: images are read ahead, decoded and classified on all cores, and written as one part.

use std::io::{BufWriter, ErrorKind};
use std::path::Path;

use headstart_kernels::vector_level;
use rayon::prelude::*;

use super::ahead::{Depth, Pending, Read, Take, read_ahead};
use super::facts::Facts;
use super::manifest::Manifest;
use super::part::{PartReader, PartWriter};
use super::place::Place;
use super::record::{Record, Scored, Status};
use super::remote::{self, Remote};
use super::{Counts, Shard};
use crate::classifier::Classifier;
use crate::error::{Error, Result};
use crate::image::{DecodeError, Image, Limits, decode};
use crate::observer::Observer;

/// Images that are classified together: at least, and as many as there are threads.
const BATCH: usize = 8;
/// Threads that read ahead: a disk needs few, and a store that answers slowly many.
const READERS: [usize; 2] = [8, 32];

/// What is to be scored, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// A folder, a `.csv`, a `.parquet`, a `.tar`, or a `.txt` that lists tars; a path or, in builds with the feature
    /// `cloud`, a URI.
    pub manifest: &'a str,
    /// A sealed model.
    pub model: &'a Path,
    /// The part of the rows to score.
    pub shard: Shard,
    /// The folder, or with the feature `cloud` the place in a store, that gets the part.
    pub out: &'a str,
}

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

/// Scores a shard and writes its part, unless that was done before. The part is there whole or not at all, and the same
/// rows and model give the same bytes on one vector level.
///
/// # Errors
/// [`Error::Invalid`] when the model, the manifest or a part of another job is in the way; [`Error::Io`] when something
/// cannot be read or written, of which [`is_temporary`](super::is_temporary) tells whether it may work another time; and
/// [`Error::Interrupted`]. An image that cannot be read is no error, but a row that says so.
pub fn score(job: &Job<'_>, observer: &mut dyn Observer) -> Result<Done> {
    let remote = Remote::new();
    let place = Place::new(job.out, &remote)?;
    check_apart(job)?;
    let (classifier, model) = Classifier::load_with_digest(job.model)?;
    let manifest = Manifest::open(job.manifest, &remote)?;
    let facts = facts(&classifier, (model, manifest.digest.clone()), job.shard);
    let name = job.shard.file_name();
    let part = place.path(&name).display().to_string();
    if let Some(rows) = finished(&place, &name, &facts)? {
        return Ok(Done { part, rows, counts: None });
    }
    let mut file = place.begin()?;
    let table = PartWriter::new(BufWriter::new(file.as_file_mut()), &place.path(&name), facts.clone())?;
    let total = manifest.count(job.shard);
    let mut work = Work { classifier: &classifier, part: table, counts: Counts::default(), total, observer };
    let feed = |take: &mut Take<'_>| manifest.each(job.shard, &remote, take);
    read_ahead(feed, (&remote, depth(job, &place)), |pending| work.all(pending))?;
    let (counts, rows) = work.finish()?;
    if !place.keep(file, &name)? {
        // Another process was faster with the same shard, or came from another job.
        finished(&place, &name, &facts)?;
    }
    Ok(Done { part, rows, counts: Some(counts) })
}

/// Parts among the images would be images of the next run.
fn check_apart(job: &Job<'_>) -> Result<()> {
    let folder = Path::new(job.manifest);
    if !folder.is_dir() || remote::is_uri(job.out) {
        return Ok(());
    }
    let nearest = Path::new(job.out).ancestors().find_map(|place| match place.as_os_str().is_empty() {
        true => Path::new(".").canonicalize().ok(),
        false => place.canonicalize().ok(),
    });
    match nearest.zip(folder.canonicalize().ok()) {
        Some((out, images)) if out.starts_with(&images) => {
            Err(Error::setting("out", "a place outside of the folder of images", job.out))
        }
        _ => Ok(()),
    }
}

fn facts(classifier: &Classifier, (model, manifest): (String, String), shard: Shard) -> Facts {
    Facts {
        model,
        manifest,
        version: env!("CARGO_PKG_VERSION").into(),
        vector_level: vector_level().into(),
        shard: Some(shard),
        classes: classifier.classes().to_vec(),
        positive: classifier.positive(),
        reference: classifier.description().reference.clone(),
        verdicts: classifier.description().verdicts,
    }
}

/// The number of rows of a part that is there already.
///
/// # Errors
/// A part of another model or manifest.
fn finished(place: &Place<'_>, name: &str, facts: &Facts) -> Result<Option<u64>> {
    let Some(file) = place.open(name)? else { return Ok(None) };
    let path = place.path(name);
    let part = PartReader::open(file, &path)?;
    facts.check_same(part.facts(), &path)?;
    Ok(Some(part.rows()))
}

fn depth(job: &Job<'_>, place: &Place<'_>) -> Depth {
    let is_remote = remote::is_uri(job.manifest) || matches!(place, Place::Store(..));
    let threads = READERS[usize::from(is_remote)];
    Depth { threads, images: threads.max(2 * batch()) }
}

fn batch() -> usize {
    BATCH.max(rayon::current_num_threads())
}

/// What images go through.
struct Work<'a, W: std::io::Write + Send> {
    classifier: &'a Classifier,
    part: PartWriter<W>,
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

impl<W: std::io::Write + Send> Work<'_, W> {
    /// While a batch is classified the next one is decoded.
    fn all(&mut self, pending: &mut Pending) -> Result<()> {
        let mut read = pending.take(batch())?;
        let mut decoded = Vec::new();
        while !(read.is_empty() && decoded.is_empty()) {
            if self.observer.stop() {
                return Err(Error::Interrupted);
            }
            let classifier = self.classifier;
            let (next, records) = rayon::join(|| decode_all(read), || classify(classifier, decoded));
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

fn classify(classifier: &Classifier, decoded: Vec<Decoded>) -> Vec<Record> {
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
        records.push(Record { path, sha256, status, reason, scored: None });
    }
    if !images.is_empty() {
        let answers = classifier.classify_all(&images);
        let classified = records.iter_mut().filter(|record| record.status == Status::Ok);
        classified.zip(answers).for_each(|(record, answer)| record.scored = Some(Scored::from(answer)));
    }
    records
}
