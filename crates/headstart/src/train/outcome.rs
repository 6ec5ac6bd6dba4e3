//! What a training came to: plain values, which `run` writes.

use std::collections::BTreeMap;

use super::{Job, Measured};
use crate::audit::Audit;
use crate::classifier::{Classifier, Sealed};
use crate::dataset::{Dataset, Split};
use crate::date::Moment;
use crate::evaluate::SplitMetrics;
use crate::external::Stressed;

/// A training that is over: the classifier, and how it was measured. [`Run::save`] writes the run folder.
pub struct Run {
    /// The sealed model.
    pub classifier: Classifier,
    /// Metrics by split: `validation`, `test` where there are test images, and `stressed`, the validation images restyled.
    pub metrics: BTreeMap<String, SplitMetrics>,
    /// The stress test, the images as they are first; empty where none was made.
    pub stress: Vec<Stressed>,
    /// What went wrong, in sentences: a collapse, a divergence.
    pub warnings: Vec<String>,
    /// Files that could not be used, and why.
    pub set_aside: Vec<(String, String)>,
    pub(crate) job: Job,
    pub(crate) dataset: Dataset,
    /// The splits that did not come with the data.
    pub(crate) cut: Vec<Split>,
    pub(crate) audit: Audit,
    pub(crate) sealed: Sealed,
    pub(crate) measured: Vec<Measured>,
    /// The thresholds that validation cannot tell from the one that was chosen.
    pub(crate) plateau: Option<[f64; 2]>,
    /// The sample behind each record.
    pub(crate) usable: Vec<usize>,
    /// The class of each record.
    pub(crate) labels: Vec<usize>,
    pub(crate) extract_seconds: f64,
    pub(crate) fit_seconds: f64,
    /// When the training was over.
    pub(crate) date: Moment,
}

impl Run {
    /// The bytes of the sealed model, as [`Run::save`] writes them to `model.safetensors`.
    pub fn model_bytes(&self) -> Vec<u8> {
        self.sealed.to_bytes()
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { job, metrics, stress, warnings, set_aside, .. } = self;
        formatter
            .debug_struct("Run")
            .field("data", &job.data)
            .field("seed", &job.seed)
            .field("metrics", metrics)
            .field("stress", stress)
            .field("warnings", warnings)
            .field("set_aside", set_aside)
            .finish_non_exhaustive()
    }
}
