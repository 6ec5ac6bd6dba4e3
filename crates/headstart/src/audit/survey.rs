//! One pass over all images: each is read, measured and let go.

use std::path::Path;

use rayon::prelude::*;

use super::appearance::Appearance;
use super::{Fault, FaultKind, Misnamed, Observer, Place};
use crate::dataset::{Dataset, Digest, Opened, Sample, Unusable};
use crate::error::{Error, Result};
use crate::image::{DecodeError, Format, Limits};

/// Images that are read at a time.
const BATCH: usize = 64;

/// What is kept of an image: some 200 bytes, whatever its size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Length of the file; pixels in an array have none.
    pub(super) bytes: Option<u64>,
    pub(super) format: Option<Format>,
    pub(super) content: Digest,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) appearance: Appearance,
}

/// What the pass found.
#[derive(Default)]
pub(super) struct Survey {
    /// One for each sample; `None` where it cannot be used.
    pub(super) looks: Vec<Option<Look>>,
    pub(super) faults: Vec<Fault>,
    pub(super) misnamed: Vec<Misnamed>,
}

/// Looks at every image of `dataset`.
pub(super) fn survey(dataset: &Dataset, observer: &mut dyn Observer) -> Result<Survey> {
    let (mut survey, total) = (Survey::default(), dataset.samples.len());
    for batch in dataset.samples.chunks(BATCH) {
        if observer.stop() {
            return Err(Error::Interrupted);
        }
        let seen: Vec<_> = batch.par_iter().map(look).collect();
        for (sample, (format, look)) in batch.iter().zip(seen) {
            let image = Place::new(dataset, survey.looks.len());
            if let Some(format) = format.filter(|format| format.contradicts(extension(sample))) {
                survey.misnamed.push(Misnamed { image: image.clone(), found: format.name() });
            }
            if let Err(fault) = &look {
                observer.set_aside(&sample.path, &fault.1);
                survey.faults.push(Fault { image, kind: fault.0, why: fault.1.clone() });
            }
            survey.looks.push(look.ok());
        }
        observer.surveyed(survey.looks.len(), total);
    }
    Ok(survey)
}

/// What a file's first bytes tell, and what its picture does.
fn look(sample: &Sample) -> (Option<Format>, Result<Look, (FaultKind, String)>) {
    let Opened { bytes, format, content, image } = sample.open(&Limits::default());
    let look = match (image, content) {
        (Ok(image), Some(content)) => Ok(Look {
            bytes,
            format,
            content,
            width: image.width(),
            height: image.height(),
            appearance: Appearance::of(&image),
        }),
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
            DecodeError::TooLarge { .. } => FaultKind::TooLarge,
            DecodeError::Truncated { .. } => FaultKind::Truncated,
            DecodeError::Damaged { .. } => FaultKind::Damaged,
        },
    }
}

fn extension(sample: &Sample) -> &str {
    Path::new(&sample.path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}
