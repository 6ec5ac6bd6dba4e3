//! How a run was conducted, in phrases that follow from what was done: report, card and checklist are made of
//! them, so that none of them says what did not happen.

use super::Report;
use crate::dataset::Split;
use crate::evaluate::ThresholdPolicy;
use crate::image::Resize;

/// What of a recipe and of the data such phrases depend on.
#[derive(Debug, Clone, Default)]
pub struct Conduct {
    /// Whether the last epoch was kept, rather than the best.
    pub keeps_last: bool,
    /// Whether rarer classes weighed more.
    pub class_weights: bool,
    /// How an image becomes a square.
    pub resize: Option<Resize>,
    /// The splits that were cut here, and not by who made the data.
    pub cut: Vec<Split>,
    /// Parts of a cross-validation.
    pub folds: Option<usize>,
}

impl Report {
    /// Whether images were held out until the end.
    pub(super) fn has_test(&self) -> bool {
        self.results.iter().any(|result| result.name == Split::Test.name())
    }

    /// Whether a threshold decides; of more than two classes the largest score does.
    pub(super) fn is_binary(&self) -> bool {
        self.classes.len() == 2
    }

    /// Whether images of one patient, or the like, are drawn together for intervals.
    fn is_grouped(&self) -> bool {
        let bootstraps = self.results.iter().filter_map(|result| result.metrics.bootstrap.as_ref());
        bootstraps.into_iter().any(|bootstrap| bootstrap.grouped)
    }

    /// Which epoch's weights the model has.
    pub(super) fn epoch_kept(&self) -> &'static str {
        match self.conduct.keeps_last {
            true => "the last epoch, as the recipe says",
            false => "the epoch with the least validation loss",
        }
    }

    /// What the validation images chose, perhaps nothing.
    pub(super) fn chosen_on_validation(&self) -> Vec<&'static str> {
        let chosen_threshold =
            self.is_binary() && !matches!(self.threshold_policy, ThresholdPolicy::Fixed(_));
        let has_sets = self.results.iter().any(|result| result.metrics.sets.is_some());
        let all = [
            (!self.conduct.keeps_last, "the epoch"),
            (self.calibration.is_some(), "the calibration"),
            (chosen_threshold, "the threshold"),
            (has_sets, "the prediction sets"),
            (self.gate.is_some(), "the limit of the gate"),
        ];
        all.iter().filter(|(holds, _)| *holds).map(|(_, what)| *what).collect()
    }

    /// The same as a clause.
    pub(super) fn chosen_in_words(&self) -> String {
        match self.chosen_on_validation().as_slice() {
            [] => "nothing was chosen on validation images".into(),
            chosen => format!("chosen on validation images: {}", chosen.join(", ")),
        }
    }

    /// What became of the test images.
    pub(super) fn test_in_words(&self) -> &'static str {
        match self.has_test() {
            true => "the test images were read once, after everything was chosen",
            false => "there was no test split: what was measured chose the model, too, and is too good",
        }
    }

    /// How images came into their splits.
    pub(super) fn assignment(&self) -> String {
        let cut: Vec<&str> = self.conduct.cut.iter().map(|split| split.name()).collect();
        let folds = self.conduct.folds.map(|folds| format!("; {folds} folds for cross-validation"));
        let how = match cut.as_slice() {
            [] => "as the data came".into(),
            cut => format!(
                "{} cut at random with the run's seed, stratified by class, groups kept whole",
                cut.join(" and ")
            ),
        };
        format!("{how}{}; split.csv names each image's split", folds.unwrap_or_default())
    }

    /// What each picture goes through before the net.
    pub(super) fn preparation(&self) -> String {
        let square = match self.conduct.resize {
            Some(Resize::Squash) => "both sides resized to a square's",
            Some(Resize::Crop) => "the shorter side resized to a square's and the centre kept",
            Some(Resize::Pad) => "the longer side resized to a square's and the rest filled with black",
            None => "resized to a square",
        };
        format!("decoded, {square}, normalised, as sealed in the model")
    }

    /// How the intervals were computed.
    pub(super) fn intervals(&self) -> &'static str {
        match self.is_grouped() {
            true => {
                "95 % intervals: Wilson, DeLong, bootstrap; besides, of all measures, a bootstrap of whole patients"
            }
            false => "95 % intervals: Wilson, DeLong, bootstrap",
        }
    }

    /// `, mean over the 3 classes` where it is one.
    pub(super) fn mean_of(&self) -> String {
        match self.is_binary() {
            true => String::new(),
            false => format!(", mean over the {} classes", self.classes.len()),
        }
    }
}
