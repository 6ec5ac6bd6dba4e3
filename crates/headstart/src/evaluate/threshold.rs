//! Choosing the score from which on an image is called positive, on validation images only.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::smooth::smooth_youden;
use crate::error::{Error, Result};

/// How the threshold is chosen. As text: `youden`, `youden-smooth`, `sensitivity=0.95`, `cost=5:1`, `fixed=0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ThresholdPolicy {
    /// Where sensitivity + specificity is largest (Youden 1950).
    #[default]
    Youden,
    /// The same of smoothed scores (Fluss 2005): it does not hang on single images.
    YoudenSmooth,
    /// As many negatives spared as a sensitivity of at least this allows, then as many positives found.
    Sensitivity(f64),
    /// Where the mistakes cost least, a missed positive so much and a false alarm so much, with
    /// positives as frequent as in the validation images.
    Cost {
        /// Of a missed positive.
        miss: f64,
        /// Of a false alarm.
        alarm: f64,
    },
    /// This, whatever the images say.
    Fixed(f64),
}

impl FromStr for ThresholdPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        let policy = match text.split_once('=') {
            None if text == "youden" => Some(Self::Youden),
            None if text == "youden-smooth" => Some(Self::YoudenSmooth),
            Some(("sensitivity", least)) => number(least).map(Self::Sensitivity),
            Some(("fixed", threshold)) => number(threshold).map(Self::Fixed),
            Some(("cost", costs)) => costs.split_once(':').and_then(|(miss, alarm)| {
                let (miss, alarm) = (number(miss)?, number(alarm)?);
                (miss > 0.0 && alarm > 0.0).then_some(Self::Cost { miss, alarm })
            }),
            _ => None,
        };
        let within = |policy: &Self| match policy {
            Self::Sensitivity(share) | Self::Fixed(share) => (0.0..=1.0).contains(share),
            Self::Youden | Self::YoudenSmooth | Self::Cost { .. } => true,
        };
        policy.filter(within).ok_or_else(|| {
            let expected = "youden, youden-smooth, sensitivity=SHARE, cost=MISS:ALARM or fixed=SCORE";
            Error::setting("threshold", expected, text)
        })
    }
}

impl TryFrom<String> for ThresholdPolicy {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<ThresholdPolicy> for String {
    fn from(policy: ThresholdPolicy) -> Self {
        policy.to_string()
    }
}

impl fmt::Display for ThresholdPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Youden => formatter.write_str("youden"),
            Self::YoudenSmooth => formatter.write_str("youden-smooth"),
            Self::Sensitivity(least) => write!(formatter, "sensitivity={least}"),
            Self::Cost { miss, alarm } => write!(formatter, "cost={miss}:{alarm}"),
            Self::Fixed(threshold) => write!(formatter, "fixed={threshold}"),
        }
    }
}

/// A place between two neighbouring scores: what lies above is called positive.
#[derive(Debug, Clone, Copy)]
struct Cut {
    below: f64,
    above: f64,
    /// Positives above.
    found: usize,
    /// Negatives below.
    spared: usize,
}

impl Cut {
    /// Half-way, where a new image that scores a little differently is least likely to change sides.
    fn threshold(self) -> f64 {
        let middle = self.below + (self.above - self.below) / 2.0;
        // Between neighbouring floats there is no middle.
        if middle > self.below { middle } else { self.above }
    }

    fn gap(self) -> f64 {
        self.above - self.below
    }
}

/// The threshold for `scores` of the positive class, `truth` saying which images are positive. It is
/// half-way between two neighbouring scores; of several that are equally good the one with the widest
/// gap, because it moves least on other images, and of equal gaps the lowest. 0.5 when one class is
/// missing, or when for [`ThresholdPolicy::Youden`] no threshold is better than chance.
///
/// # Errors
/// [`Error::Usage`] when lengths differ, a score is not a number from 0 to 1, or the policy's number is not.
pub fn choose_threshold(truth: &[bool], scores: &[f64], policy: ThresholdPolicy) -> Result<f64> {
    check(truth, scores)?;
    let cuts = cuts(truth, scores);
    let positives = truth.iter().filter(|positive| **positive).count();
    let negatives = truth.len() - positives;
    match policy {
        ThresholdPolicy::Fixed(threshold) => share(threshold, "a fixed threshold"),
        ThresholdPolicy::Sensitivity(least) => {
            let needed = share(least, "the sensitivity to reach")? * positives as f64;
            // 0.95 of 20 is 19 but for the last bit.
            let reach = |cut: &&Cut| cut.found as f64 >= needed - 1e-9;
            Ok(best(cuts.iter().filter(reach), |cut| (cut.spared, cut.found)))
        }
        ThresholdPolicy::Cost { miss, alarm } => {
            // Rounding must not tell equals apart.
            let cost = |cut: &Cut| {
                let cost = miss * (positives - cut.found) as f64 + alarm * (negatives - cut.spared) as f64;
                std::cmp::Reverse((cost / (miss + alarm) * 1e6).round() as u64)
            };
            // Above every score nothing is called: a choice too, where alarms cost much.
            let top = scores.iter().copied().fold(0.0, f64::max);
            let nothing = Cut { below: top, above: 1.0f64.max(top.next_up()), found: 0, spared: negatives };
            let all = if cuts.is_empty() { &[][..] } else { std::slice::from_ref(&nothing) };
            Ok(best(cuts.iter().chain(all), cost))
        }
        ThresholdPolicy::YoudenSmooth => Ok(smooth_youden(truth, scores).unwrap_or(0.5)),
        ThresholdPolicy::Youden => {
            // Sensitivity + specificity over a common denominator, so that equals are equal.
            let youden = |cut: &Cut| cut.found * negatives + cut.spared * positives;
            let chance = positives * negatives;
            Ok(best(cuts.iter().filter(|cut| youden(cut) > chance), youden))
        }
    }
}

fn check(truth: &[bool], scores: &[f64]) -> Result<()> {
    if truth.len() != scores.len() {
        let (labels, scores) = (truth.len(), scores.len());
        return Err(Error::Usage(format!(
            "a threshold needs a score for each label: {labels} labels, {scores} scores"
        )));
    }
    scores.iter().try_for_each(|score| share(*score, "a score").map(drop))
}

fn share(value: f64, name: &str) -> Result<f64> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(Error::Usage(format!("{name} must be a number from 0 to 1, found {value}")))
    }
}

/// All cuts from the lowest to the highest; none when one class is missing.
fn cuts(truth: &[bool], scores: &[f64]) -> Vec<Cut> {
    let mut images: Vec<(f64, bool)> = scores.iter().copied().zip(truth.iter().copied()).collect();
    images.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut found, mut spared, mut below) = (truth.iter().filter(|positive| **positive).count(), 0, 0.0);
    if found == 0 || found == truth.len() {
        return Vec::new();
    }
    let mut cuts = Vec::new();
    for equals in images.chunk_by(|a, b| a.0 == b.0) {
        cuts.push(Cut { below, above: equals[0].0, found, spared });
        let hits = equals.iter().filter(|(_, positive)| *positive).count();
        (found, spared, below) = (found - hits, spared + equals.len() - hits, equals[0].0);
    }
    cuts
}

/// The threshold of the cut with the largest merit, then the widest gap, then the lowest place.
fn best<'a, M: Ord>(cuts: impl Iterator<Item = &'a Cut>, merit: impl Fn(&Cut) -> M) -> f64 {
    let better = |best: &'a Cut, cut: &'a Cut| {
        let order = merit(cut).cmp(&merit(best)).then(cut.gap().total_cmp(&best.gap()));
        if order.is_gt() { cut } else { best }
    };
    cuts.reduce(better).map_or(0.5, |cut| cut.threshold())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn youden(truth: &[bool], scores: &[f64]) -> f64 {
        choose_threshold(truth, scores, ThresholdPolicy::Youden).expect("scores are shares")
    }

    #[test]
    fn separable_scores_are_cut_half_way() {
        assert_eq!(youden(&[false, false, true, true], &[0.125, 0.25, 0.75, 0.875]), 0.5);
    }

    #[test]
    fn one_mistake_is_put_up_with() {
        // Below 0.4: 3/3 found and 3/4 spared. Above 0.5: 2/3 and 4/4.
        let truth = [false, false, false, true, false, true, true];
        assert!((youden(&truth, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.8, 0.9]) - 0.35).abs() < 1e-12);
    }

    #[test]
    fn of_equals_the_widest_gap_wins() {
        // Cuts at 0.2|0.3 and at 0.5|0.9 both have 1 of 2 wrong on one side.
        let truth = [false, true, false, true];
        assert!((youden(&truth, &[0.2, 0.3, 0.5, 0.9]) - 0.7).abs() < 1e-12);
        assert!((youden(&truth, &[0.1, 0.5, 0.6, 0.7]) - 0.3).abs() < 1e-12);
    }

    #[test]
    fn chance_and_single_classes_give_one_half() {
        assert_eq!(youden(&[true, true], &[0.1, 0.2]), 0.5);
        assert_eq!(youden(&[], &[]), 0.5);
        assert_eq!(youden(&[true, false], &[0.1, 0.9]), 0.5);
        assert_eq!(youden(&[true, false], &[0.9, 0.9]), 0.5);
    }

    #[test]
    fn neighbouring_floats_are_told_apart() {
        let low = 0.9_f64;
        let high = low.next_up();
        assert_eq!(youden(&[false, true], &[low, high]), high);
    }

    #[test]
    fn a_sensitivity_is_reached_with_the_fewest_alarms() {
        let truth = [false, true, false, true, true, true];
        let scores = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8];
        let at =
            |least| choose_threshold(&truth, &scores, ThresholdPolicy::Sensitivity(least)).expect("shares");
        assert!((at(1.0) - 0.15).abs() < 1e-12);
        assert!((at(0.75) - 0.35).abs() < 1e-12);
        // Every negative is spared already at 0.75: to ask for less finds no fewer.
        assert_eq!(at(0.25), at(0.75));
    }

    #[test]
    fn a_sensitivity_of_one_may_call_everything_positive() {
        let policy = ThresholdPolicy::Sensitivity(1.0);
        assert_eq!(choose_threshold(&[true, false], &[0.5, 0.75], policy).expect("shares"), 0.25);
    }

    #[test]
    fn what_a_miss_costs_moves_the_threshold() {
        let truth = [false, true, false, false, true, true];
        let scores = [0.1, 0.2, 0.3, 0.5, 0.7, 0.9];
        let at = |miss, alarm| {
            choose_threshold(&truth, &scores, ThresholdPolicy::Cost { miss, alarm }).expect("shares")
        };
        // To find the one at 0.2 takes two false alarms.
        assert!((at(3.0, 1.0) - 0.15).abs() < 1e-12);
        assert!((at(1.0, 1.0) - 0.6).abs() < 1e-12);
        // Misses that cost next to nothing: still the cut without alarms that finds most.
        assert!((at(1.0, 100.0) - 0.6).abs() < 1e-12);
        let worthless = [false, false, true, false, false];
        let policy = ThresholdPolicy::Cost { miss: 1.0, alarm: 9.0 };
        let nothing = choose_threshold(&worthless, &[0.1, 0.2, 0.3, 0.4, 0.5], policy).expect("shares");
        assert!(nothing > 0.5, "{nothing}");
    }

    #[test]
    fn policies_are_read_and_written() {
        for text in ["youden", "youden-smooth", "sensitivity=0.95", "cost=5:1", "fixed=0.5"] {
            assert_eq!(text.parse::<ThresholdPolicy>().expect(text).to_string(), text);
        }
        for text in ["", "best", "sensitivity", "sensitivity=95", "cost=5", "cost=0:1", "fixed=NaN"] {
            let error = text.parse::<ThresholdPolicy>().expect_err(text).to_string();
            assert!(error.ends_with(&format!("found {text}")), "{error}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let nan = choose_threshold(&[true, false], &[f64::NAN, 0.5], ThresholdPolicy::Youden);
        assert!(nan.expect_err("NaN").to_string().contains("found NaN"));
        assert!(choose_threshold(&[true], &[], ThresholdPolicy::Youden).is_err());
        assert!(choose_threshold(&[], &[], ThresholdPolicy::Fixed(1.5)).is_err());
        assert_eq!(choose_threshold(&[], &[], ThresholdPolicy::Fixed(0.3)).expect("a share"), 0.3);
    }
}
