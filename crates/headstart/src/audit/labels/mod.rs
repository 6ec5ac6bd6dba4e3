//! Labels that are probably wrong: each image is scored by a linear probe that did not see it, nor its
//! duplicates or other images of its group, and confident learning reads the scores.

mod confident;

use std::path::Path;

use serde::Serialize;

use super::{FOLDS, Place, SEED, Survey};
use crate::dataset::{Dataset, Sample, folds};
use crate::error::{Error, Result};
use crate::evaluate::{Estimate, evaluate};
use crate::features::Extractor;
use crate::observer::Observer;
pub use crate::probe::Features;
use crate::probe::{Table, out_of_fold};

/// What the check of the labels came to.
#[derive(Debug, Serialize)]
pub struct Labels {
    /// Area under the ROC curve of the probe on images that it did not see. Where the interval includes 0.5 it knows
    /// nothing, and suspects nobody.
    pub auc: Estimate,
    /// Images whose label is probably wrong, the surest first.
    pub suspects: Vec<Suspect>,
    /// Why labels could not be checked, if so.
    pub skipped: Option<String>,
}

/// An image whose label is probably wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Suspect {
    /// Which; its class is the label that it has.
    pub image: Place,
    /// The class that it probably is of.
    pub likely: String,
    /// The probe's score for the label.
    pub score_of_label: f32,
    /// The probe's score for the likely class.
    pub score_of_likely: f32,
}

/// Checks the labels of what `survey` could use, by the features that a trunk gives.
pub(super) fn check(
    dataset: &Dataset,
    survey: &Survey,
    extractor: &Extractor,
    cache: &Path,
    observer: &mut dyn Observer,
) -> Result<Labels> {
    let looks = survey.looks(dataset);
    let usable: Vec<usize> = (0..looks.len()).filter(|sample| looks[*sample].is_some()).collect();
    let samples: Vec<Sample> = usable.iter().map(|index| dataset.samples[*index].clone()).collect();
    let extracted = extractor.extract(&samples, cache, observer)?;
    if let Some((path, why)) = extracted.set_aside.first() {
        return Err(Error::invalid(path, "the file that was read at first", why));
    }
    let features = Features::new(&extracted.records, usable.len(), extractor.output());
    let labels = Labels::check(dataset, survey, &usable, &features, observer)?;
    extracted.records.check()?;
    Ok(labels)
}

impl Labels {
    /// Checks the labels of the samples `usable` by their features, those of a training perhaps.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn check(
        dataset: &Dataset,
        survey: &Survey,
        usable: &[usize],
        features: &Features<'_>,
        observer: &dyn Observer,
    ) -> Result<Self> {
        // By path, so that the same images give the same folds and sums whatever their splits are.
        let mut order: Vec<usize> = (0..usable.len()).collect();
        order.sort_by_key(|at| dataset.samples[usable[*at]].path());
        let usable: Vec<usize> = order.iter().map(|at| usable[*at]).collect();
        let features = features.reordered(&order);
        let classes = dataset.classes.len();
        let all = folds::units(dataset, survey.duplicates(dataset).ties);
        let units: Vec<usize> = usable.iter().map(|sample| all[*sample]).collect();
        let labels: Vec<usize> = usable.iter().map(|sample| dataset.samples[*sample].label).collect();
        if let Some(class) = folds::too_few(classes, &labels, &units, FOLDS) {
            let name = &dataset.classes[class];
            let why =
                format!("of {name} there are fewer than {FOLDS} images that are not tied to each other");
            return Ok(Self { auc: Estimate::UNKNOWN, suspects: Vec::new(), skipped: Some(why) });
        }
        let table = Table::new(&features, &labels, classes);
        let folds = folds::folds(classes, &labels, &units, FOLDS, SEED);
        let scores = out_of_fold(&table, &folds, observer)?;
        let auc = evaluate(&labels, &scores, classes - 1, 0.5, 0.0)?.auc;
        if !auc.is_known() || auc.low <= 0.5 {
            let why = format!(
                "a probe ranks the images by these labels no better than chance (AUC {:.2}, {:.2} to {:.2})",
                auc.value, auc.low, auc.high
            );
            return Ok(Self { auc, suspects: Vec::new(), skipped: Some(why) });
        }
        let suspect = |found: confident::Suspect| Suspect {
            image: Place::new(dataset, usable[found.index]),
            likely: dataset.classes[found.likely].clone(),
            score_of_label: scores[found.index][labels[found.index]],
            score_of_likely: scores[found.index][found.likely],
        };
        let suspects = confident::suspects(&labels, &scores).into_iter().map(suspect).collect();
        Ok(Self { auc, suspects, skipped: None })
    }
}
