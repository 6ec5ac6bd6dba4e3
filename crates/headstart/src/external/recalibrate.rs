//! A model fitted anew to images from elsewhere: calibration, threshold, prediction sets and the gate's limit. Its
//! weights stay.

use std::path::Path;

use super::Measurement;
use super::measurement::{Evidence, refused};
use crate::classifier::{Classifier, Sealed};
use crate::error::{Error, Result};
use crate::evaluate::{
    COVERAGE, Calibration, CalibrationMethod, Conformal, Coverage, Estimate, Output, SplitMetrics,
    ThresholdPolicy, choose_threshold, evaluate_grouped, one_against_rest,
};
use crate::gate::{self, GateFacts};

/// Parts of the cross-validation.
const PARTS: usize = 5;

/// A model that was fitted anew to the images of a measurement.
#[derive(Debug)]
pub struct Recalibrated {
    /// Each image judged by a fit that did not see its patient: five parts, turn by turn.
    pub metrics: SplitMetrics,
    /// Fitted to all images.
    pub calibration: Calibration,
    /// Chosen on all images, by the model's policy.
    pub threshold: f64,
    /// Share of the images that the model refused before, where it has a gate.
    pub refused_before: Option<Estimate>,
    /// The sealed file.
    pub bytes: Vec<u8>,
}

/// Fits calibration, threshold, prediction sets and the gate's limit of the model in `file` anew to the images of
/// `measurement`.
///
/// # Errors
/// A file that is no model, images that the model was trained on, images that it ranks no better than chance, or
/// too few of a class.
pub fn recalibrate(file: &Path, measurement: &Measurement) -> Result<Recalibrated> {
    check(measurement)?;
    let mut sealed = Sealed::read(file)?;
    let evidence = &measurement.evidence;
    let description = &mut sealed.description;
    let settings = Settings {
        output: description.output,
        positive: description.positive,
        policy: description.threshold_policy,
        gate: description.gate,
    };
    let metrics = settings.cross_validated(evidence, measurement.metrics.seconds)?;
    let fit = settings.fit(evidence, |_| true)?;
    (description.calibration, description.threshold) = (Some(fit.calibration), fit.threshold);
    (description.conformal, description.gate) = (fit.conformal, fit.gate);
    // What was measured with the old scores holds no more.
    (description.test, description.threshold_counts, description.doubts) = (None, None, vec![]);
    (description.reference, description.verdicts) = (None, None);
    if let Some(seen) = &mut description.seen {
        seen.add_validation(&evidence.digests);
    }
    Classifier::seal(&mut sealed);
    Ok(Recalibrated {
        metrics,
        calibration: fit.calibration,
        threshold: fit.threshold,
        refused_before: measurement.metrics.refused,
        bytes: sealed.to_bytes(),
    })
}

/// Whether there is anything to fit to.
fn check(measurement: &Measurement) -> Result<()> {
    let refuse = |why: String| Err(Error::Usage(format!("recalibration: expected {why}")));
    if let Some(seen) = measurement.seen.filter(|seen| seen.training > 0) {
        let images = measurement.metrics.images;
        return refuse(format!(
            "images that the model was not trained on, found {} of {images} that it was",
            seen.training
        ));
    }
    let auc = measurement.metrics.auc;
    if !auc.is_known() {
        return refuse("images of each class of the model, found none of one".into());
    }
    if auc.low <= 0.5 {
        return refuse(format!(
            "images that the model ranks better than chance, which is an AUC whose interval lies above 0.5; found \
             {:.3} ({:.3} to {:.3}). Another threshold cannot mend that; training on such images can",
            auc.value, auc.low, auc.high
        ));
    }
    Ok(())
}

/// What the model says of how it is fitted.
struct Settings {
    output: Output,
    positive: usize,
    policy: ThresholdPolicy,
    gate: Option<GateFacts>,
}

/// What is fitted.
struct Fit {
    calibration: Calibration,
    threshold: f64,
    conformal: Option<Conformal>,
    gate: Option<GateFacts>,
}

impl Settings {
    /// To the images that `keep` names.
    fn fit(&self, evidence: &Evidence, keep: impl Fn(usize) -> bool) -> Result<Fit> {
        let kept: Vec<usize> = (0..evidence.labels.len()).filter(|index| keep(*index)).collect();
        let labels: Vec<usize> = kept.iter().map(|index| evidence.labels[*index]).collect();
        let rows: Vec<Vec<f32>> = kept.iter().map(|index| evidence.logits[*index].clone()).collect();
        let (method, positive) = (CalibrationMethod::Auto, self.positive);
        let calibration =
            Calibration::fit(method, self.output, &rows, &labels, positive).ok_or_else(|| {
                Error::Usage(
                    "recalibration: expected more images of each class, ranked better than chance".into(),
                )
            })?;
        let scores: Vec<Vec<f32>> = rows.iter().map(|row| self.scores(row, calibration)).collect();
        let (truth, of_positive) = one_against_rest(&labels, &scores, positive);
        let threshold = choose_threshold(&truth, &of_positive, self.policy)?;
        let conformal = Conformal::fit(&labels, &scores, COVERAGE);
        // With too few images for a new limit the old one stays.
        let gate = self.gate.map(|facts| {
            let distances: Vec<f64> = kept.iter().map(|index| evidence.distances[*index]).collect();
            let limit = gate::threshold(&distances, facts.false_refusals).unwrap_or(facts.threshold);
            GateFacts { threshold: limit, ..facts }
        });
        Ok(Fit { calibration, threshold, conformal, gate })
    }

    fn scores(&self, logits: &[f32], calibration: Calibration) -> Vec<f32> {
        self.output.calibrated(logits, Some(calibration), self.positive)
    }

    /// What fits to the other parts come to on each.
    fn cross_validated(&self, evidence: &Evidence, seconds: f64) -> Result<SplitMetrics> {
        let Evidence { labels, logits, groups, distances, .. } = evidence;
        let fits = (0..PARTS)
            .map(|part| self.fit(evidence, |index| groups[index] % PARTS != part))
            .collect::<Result<Vec<_>>>()?;
        let fit = |image: usize| &fits[groups[image] % PARTS];
        let scores: Vec<Vec<f32>> =
            logits.iter().enumerate().map(|(image, row)| self.scores(row, fit(image).calibration)).collect();
        let at_one_half: Vec<Vec<f32>> = scores
            .iter()
            .enumerate()
            .map(|(image, row)| at_one_half(row, self.positive, fit(image).threshold))
            .collect();
        let mut metrics = evaluate_grouped(labels, &at_one_half, self.positive, 0.5, seconds, groups)?;
        let sets: Option<Vec<Vec<usize>>> = scores
            .iter()
            .enumerate()
            .map(|(image, row)| fit(image).conformal.as_ref().map(|conformal| conformal.set(row)))
            .collect();
        let classes = scores.first().map_or(0, Vec::len);
        metrics.sets = sets.map(|sets| Coverage::of(COVERAGE, classes, labels, &sets));
        metrics.refused = self.gate.map(|_| {
            // Distances over their own limit: beyond 1 is beyond it.
            let limit = |image: usize| fit(image).gate.map_or(f64::INFINITY, |gate| gate.threshold);
            let shares: Vec<f64> =
                distances.iter().enumerate().map(|(image, far)| far / limit(image)).collect();
            refused(&shares, 1.0)
        });
        Ok(metrics)
    }
}

/// Scores moved in log odds so that a part's own threshold lies at one half: parts with different
/// thresholds can be counted together. Only for two classes; others have no threshold.
fn at_one_half(scores: &[f32], positive: usize, threshold: f64) -> Vec<f32> {
    if scores.len() != 2 {
        return scores.to_vec();
    }
    let odds = |share: f64| (share / (1.0 - share)).ln();
    let score = f64::from(scores[positive]).clamp(1e-7, 1.0 - 1e-7);
    let threshold = threshold.clamp(1e-7, 1.0 - 1e-7);
    let moved = (1.0 / (1.0 + (odds(threshold) - odds(score)).exp())) as f32;
    let mut both = vec![1.0 - moved; 2];
    both[positive] = moved;
    both
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Logits that rank well, and distances three times as large as the gate allows.
    fn shifted(images: usize) -> Evidence {
        let mut random = Random::new(11, 2);
        let labels: Vec<usize> = (0..images).map(|image| image % 2).collect();
        let logit = |label: &usize| vec![0.0, *label as f32 * 3.0 - 5.0 + random.symmetric(2.0)];
        let logits = labels.iter().map(logit).collect();
        let distances = (0..images).map(|image| 3.0 + (image % 17) as f64 / 17.0).collect();
        Evidence { labels, logits, groups: (0..images).collect(), distances, digests: vec![] }
    }

    #[test]
    fn the_gate_and_the_sets_are_fitted_too() {
        let gate = GateFacts {
            layers: 1,
            threshold: 1.5,
            false_refusals: 0.01,
            kind: Default::default(),
            unusual: None,
        };
        let settings = Settings {
            output: Output::Softmax,
            positive: 1,
            policy: ThresholdPolicy::Youden,
            gate: Some(gate),
        };
        let evidence = shifted(400);
        let fit = settings.fit(&evidence, |_| true).expect("enough images");
        assert!(fit.gate.is_some_and(|gate| gate.threshold > 3.0 && gate.threshold < 4.0), "{:?}", fit.gate);
        let metrics = settings.cross_validated(&evidence, 0.0).expect("enough images");
        let refused = metrics.refused.expect("a gate");
        assert!(refused.value < 0.05, "{refused:?}");
        let sets = metrics.sets.as_ref().expect("enough images");
        assert!(sets.coverage.high > 0.95 && sets.coverage.value > 0.9, "{sets:?}");
        // Between logits of -4 and -3 both classes lie: three quarters of each do not.
        assert!(metrics.sensitivity.value + metrics.specificity.value > 1.65, "{metrics:?}");
    }
}
