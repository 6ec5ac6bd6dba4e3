//! One pass over all images: each is read, measured and let go. What was measured is remembered.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::appearance::Appearance;
use super::duplicates::Same;
use super::memory::Memory;
use super::oddities::is_coloured;
use super::plane::Plane;
use super::style::{self, Statistics};
use super::{Fault, FaultKind, Misnamed, Place, duplicates};
use crate::dataset::{Dataset, Digest, Opened, Sample, Unusable};
use crate::error::{Error, Result};
use crate::image::{Coding, DecodeError, Format, Limits};
use crate::observer::Observer;
use crate::ranks::Ranks;

/// Images that are read at a time.
const BATCH: usize = 64;
/// Images of which ranks tell each other together.
const TOLD: usize = 4096;

/// What is kept of an image: some 1,400 bytes, whatever its size.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Look {
    /// Length of the file; pixels in an array have none.
    pub(super) bytes: Option<u64>,
    pub(super) format: Option<Format>,
    /// How it was written, if it is a JPEG.
    pub(super) coding: Option<Coding>,
    pub(super) content: Digest,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Of which the first was looked at.
    pub(super) frames: u32,
    pub(super) appearance: Appearance,
    pub(super) style: Statistics,
}

/// What a file's first bytes tell, and what its picture does or why there is none.
type Seen = (Option<Format>, Result<Look, (FaultKind, String)>);

/// What every image of a data set looks like, whatever is done to its splits afterwards.
#[derive(Debug, Default)]
pub struct Survey {
    /// By path.
    seen: HashMap<String, Seen>,
    /// Contents that show the same picture.
    same: Vec<Same>,
}

impl Survey {
    /// Looks at every image of `dataset`. `cache` is the folder where what was seen is kept: an image
    /// of the same bytes is not decoded again. Of ranks each looks at the images at its places and tells the others what it saw.
    ///
    /// # Errors
    /// When the cache cannot be written, or [`Error::Interrupted`]. A file that cannot be used is no
    /// error.
    pub fn of(
        dataset: &Dataset,
        (cache, ranks): (&Path, &Ranks),
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let mut memory = Memory::open(cache)?;
        let seen = all_seen(dataset, &mut memory, ranks, observer)?;
        // Each has written what it saw itself.
        memory.save(&|| observer.stop())?;
        let paths = dataset.samples.iter().map(|sample| sample.path().to_string());
        let mut survey = Self { seen: paths.zip(seen).collect(), same: Vec::new() };
        survey.same = duplicates::same(dataset, &survey.looks(dataset), ranks, &*observer)?;
        Ok(survey)
    }

    /// Pairs of samples that show the same, to be kept in one split: see [`Dataset::join`].
    pub fn same(&self, dataset: &Dataset) -> Vec<(usize, usize)> {
        if self.seen.is_empty() {
            return Vec::new();
        }
        let mut ties = self.duplicates(dataset).ties;
        let pairs = (0..dataset.samples.len()).map(|sample| (ties.first(sample), sample));
        pairs.filter(|(first, sample)| first != sample).collect()
    }

    /// Images that are there more than once.
    pub(super) fn duplicates(&self, dataset: &Dataset) -> duplicates::Found {
        duplicates::find(dataset, &self.looks(dataset), &self.same)
    }

    /// Number of files of which the first of several frames is used.
    pub fn first_frames(&self, dataset: &Dataset) -> usize {
        dataset.samples.iter().filter_map(|sample| self.look(sample)).filter(|look| look.frames > 1).count()
    }

    /// Whether the images may be medical: one is a DICOM file, or most are grey as X-rays are.
    pub fn seems_medical(&self, dataset: &Dataset) -> bool {
        let looks = || dataset.samples.iter().filter_map(|sample| self.look(sample));
        let coloured = looks().filter(|look| is_coloured(look)).count();
        looks().any(|look| look.format == Some(Format::Dicom)) || 2 * coloured < looks().count()
    }

    /// The samples that were looked at and cannot be used.
    pub fn unusable<'a>(&self, dataset: &'a Dataset) -> Vec<&'a Sample> {
        let is_unusable = |sample: &&Sample| self.seen.get(sample.path()).is_some_and(|seen| seen.1.is_err());
        dataset.samples.iter().filter(is_unusable).collect()
    }

    /// One for each sample; `None` where it cannot be used.
    pub(super) fn looks(&self, dataset: &Dataset) -> Vec<Option<Look>> {
        dataset.samples.iter().map(|sample| self.look(sample).copied()).collect()
    }

    /// SHA-256 of an image that can be used.
    pub fn content(&self, sample: &Sample) -> Option<Digest> {
        self.look(sample).map(|look| look.content)
    }

    fn look(&self, sample: &Sample) -> Option<&Look> {
        self.seen.get(sample.path())?.1.as_ref().ok()
    }

    pub(super) fn faults(&self, dataset: &Dataset) -> Vec<Fault> {
        self.places(dataset, |_, (_, look)| look.as_ref().err().cloned())
            .map(|(image, (kind, why))| Fault { image, kind, why })
            .collect()
    }

    pub(super) fn misnamed(&self, dataset: &Dataset) -> Vec<Misnamed> {
        self.places(dataset, |sample, (format, _)| {
            format.filter(|format| format.contradicts(extension(sample)))
        })
        .map(|(image, format)| Misnamed { image, found: format.name() })
        .collect()
    }

    /// The samples of which `what` tells something.
    fn places<'a, T>(
        &'a self,
        dataset: &'a Dataset,
        what: impl Fn(&Sample, &Seen) -> Option<T> + 'a,
    ) -> impl Iterator<Item = (Place, T)> + 'a {
        dataset.samples.iter().enumerate().filter_map(move |(index, sample)| {
            let told = what(sample, self.seen.get(sample.path())?)?;
            Some((Place::new(dataset, index), told))
        })
    }
}

/// What is seen of each sample. After some thousands the ranks tell each other, so that memory holds few that are under way.
fn all_seen(
    dataset: &Dataset,
    memory: &mut Memory,
    ranks: &Ranks,
    observer: &mut dyn Observer,
) -> Result<Vec<Seen>> {
    let (samples, mut all) = (&dataset.samples, Vec::with_capacity(dataset.samples.len()));
    while all.len() < samples.len() {
        let places = all.len()..samples.len().min(all.len() + TOLD);
        let own = own_seen(samples, (places.clone(), ranks), memory, observer)?;
        let mut told: Vec<_> = ranks.share(own)?.into_iter().map(Vec::into_iter).collect();
        for place in places {
            let seen = told[place % ranks.size()].next().ok_or_else(|| unlike(&samples[place]))?;
            if let (Err((_, why)), false) = (&seen.1, ranks.has(place)) {
                observer.set_aside(samples[place].path(), why);
            }
            all.push(seen);
        }
    }
    Ok(all)
}

/// What is seen of those of some samples that lie at this rank's places.
fn own_seen(
    samples: &[Sample],
    (places, ranks): (Range<usize>, &Ranks),
    memory: &mut Memory,
    observer: &mut dyn Observer,
) -> Result<Vec<Seen>> {
    let start = places.start;
    let ours: Vec<&Sample> = places.filter(|place| ranks.has(*place)).map(|place| &samples[place]).collect();
    let mut all = Vec::with_capacity(ours.len());
    for batch in ours.chunks(BATCH) {
        if observer.stop() {
            return Err(Error::Interrupted);
        }
        let seen: Vec<Seen> = batch.par_iter().map(|sample| look(sample, memory)).collect();
        for (sample, seen) in batch.iter().zip(&seen) {
            match &seen.1 {
                Ok(look) => memory.add(look),
                Err((_, why)) => observer.set_aside(sample.path(), why),
            }
        }
        all.extend(seen);
        // The others are about as far.
        observer.surveyed(samples.len().min(start + all.len() * ranks.size()), samples.len());
    }
    Ok(all)
}

fn unlike(sample: &Sample) -> Error {
    Error::invalid(sample.path(), "the same images at every rank", "a rank that has fewer")
}

fn look(sample: &Sample, memory: &Memory) -> Seen {
    if let Some(look) = sample.content_hash().ok().and_then(|content| memory.get(&content)) {
        return (look.format, Ok(look));
    }
    let Opened { bytes, format, coding, content, image } = sample.open(&Limits::default());
    let look = match (image, content) {
        (Ok(image), Some(content)) => {
            let (width, height, frames) = (image.width(), image.height(), image.frames());
            let plane = Plane::of(&image);
            let appearance = Appearance::of(&image, &plane);
            let style = Statistics::of(&image, &plane, style::File { bytes, coding });
            Ok(Look { bytes, format, coding, content, width, height, frames, appearance, style })
        }
        (Ok(_), None) => Err((FaultKind::Unreadable, "cannot be read".into())),
        (Err(why), _) => Err((kind(&why), why.to_string())),
    };
    (format, look)
}

fn kind(why: &Unusable) -> FaultKind {
    match why {
        Unusable::Unreadable(_) => FaultKind::Unreadable,
        Unusable::Undecodable(why) => match why {
            DecodeError::Empty => FaultKind::Empty,
            DecodeError::Text | DecodeError::Unknown => FaultKind::NoImage,
            DecodeError::TooLarge { .. } | DecodeError::TooCostly { .. } => FaultKind::TooLarge,
            DecodeError::Unsupported { .. } => FaultKind::Unsupported,
            DecodeError::Truncated { .. } => FaultKind::Truncated,
            DecodeError::Damaged { .. } | DecodeError::Failed { .. } => FaultKind::Damaged,
            DecodeError::Unavailable { .. } => FaultKind::Unreadable,
        },
    }
}

fn extension(sample: &Sample) -> &str {
    Path::new(sample.path()).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}
