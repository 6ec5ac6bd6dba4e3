//! A sealed classifier on labelled images: the code that predicts, counted.

use std::path::Path;
use std::time::Instant;

use rayon::prelude::*;

use super::{SplitMetrics, evaluate};
use crate::classifier::Classifier;
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Result};
use crate::features::Progress;
use crate::image::Limits;

/// Images decoded and classified at a time.
const BATCH: usize = 16;

/// Metrics on the test split of `data`, or on all of it when it has no splits.
///
/// # Errors
/// Data that cannot be used or has other classes, or [`Error::Interrupted`].
pub fn classifier_on(
    classifier: &Classifier,
    data: &Path,
    progress: &mut dyn Progress,
) -> Result<(Split, SplitMetrics)> {
    let dataset = Dataset::open(data)?;
    if dataset.classes != classifier.classes() {
        let expected = format!("the model's classes {}", classifier.classes().join(", "));
        return Err(Error::invalid(data, expected, dataset.classes.join(", ")));
    }
    let split = if dataset.has_test() { Split::Test } else { Split::Train };
    let samples: Vec<_> =
        dataset.samples.iter().filter(|sample| sample.split.unwrap_or(Split::Train) == split).collect();
    let (start, mut labels, mut scores) = (Instant::now(), Vec::new(), Vec::new());
    for batch in samples.chunks(BATCH) {
        if progress.stop() {
            return Err(Error::Interrupted);
        }
        let decoded: Vec<_> = batch.par_iter().map(|sample| sample.read(&Limits::default())).collect();
        let mut images = Vec::with_capacity(batch.len());
        for (sample, image) in batch.iter().zip(decoded) {
            match image {
                Ok(image) => {
                    labels.push(sample.label);
                    images.push(image);
                }
                Err(why) => progress.set_aside(&sample.path, &why),
            }
        }
        scores.extend(classifier.scores(&images));
    }
    if scores.is_empty() {
        return Err(Error::invalid(data, "usable images", "none"));
    }
    let description = classifier.description();
    let seconds = start.elapsed().as_secs_f64();
    let metrics = evaluate(&labels, &scores, description.positive, description.threshold, seconds)?;
    Ok((split, metrics))
}
