//! Which pretrained net to take, by what probes of its features told: the numbers, and what follows from them.

use std::path::PathBuf;

use serde::Serialize;

use crate::evaluate::Estimate;
use crate::numbers::thousands;

/// A difference of Brier scores that means nothing, however sure it is.
const NEGLIGIBLE: f64 = 0.005;

/// How well a probe predicted images that it did not see.
#[derive(Debug, Clone, Serialize)]
pub struct Quality {
    /// Area under the ROC curve; of more than two classes the mean of each against the rest.
    pub auc: Estimate,
    /// Share of the images whose class has the largest score.
    pub accuracy: Estimate,
    /// Brier score: the mean over images of half the squared differences between scores and truth, from 0 for sure and right
    /// to 1 for sure and wrong. It has a bound, which the log loss of a probe on images that it does not know has not.
    pub brier: f64,
}

/// A net that was tried.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// Name of the backbone.
    pub backbone: String,
    /// The file of its weights, where one was given.
    pub weights: Option<PathBuf>,
    /// Side of its input.
    pub pixels: usize,
    /// Size of its weights in memory.
    pub mebibytes: f64,
    /// Images a second through the net on this machine, by a batch of 8.
    pub images_per_second: f64,
    /// On the images as they are.
    pub plain: Quality,
    /// On the images restyled: as another device or archive would have made them.
    pub stressed: Quality,
    /// By how much its Brier score on both is larger than the best net's, and the standard error of that.
    pub behind: (f64, f64),
}

/// A net that was not tried, and why.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// Name of the backbone.
    pub backbone: String,
    /// In words.
    pub why: String,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Training images that were used.
    pub images: usize,
    /// Training images that there are.
    pub all_images: usize,
    /// Groups, such as patients, that the images are of.
    pub groups: usize,
    /// Folds of the cross-validation; each group is in one.
    pub folds: usize,
    /// The best first.
    pub tried: Vec<Tried>,
    /// What the time did not suffice for.
    pub left_out: Vec<LeftOut>,
    /// Name of the recommended backbone.
    pub recommended: String,
    /// The recommendation in a sentence.
    pub reason: String,
    /// What everything took.
    pub seconds: f64,
}

impl Tried {
    /// Mean Brier score on the images as they are and restyled.
    pub fn brier(&self) -> f64 {
        f64::midpoint(self.plain.brier, self.stressed.brier)
    }

    /// Whether it is as good as the best but for chance: at most a standard error behind it (Breiman 1984).
    pub fn is_as_good(&self) -> bool {
        let (behind, error) = self.behind;
        behind <= error.max(NEGLIGIBLE)
    }
}

/// The fastest of those that are as good as the best, and why. `tried` has the best first.
///
/// # Panics
/// When there is none.
pub(crate) fn recommend(tried: &[Tried]) -> (&Tried, String) {
    let as_good = tried.iter().filter(|net| net.is_as_good());
    let fastest = as_good.max_by(|a, b| a.images_per_second.total_cmp(&b.images_per_second));
    let chosen = fastest.expect("the best is as good as itself");
    let (name, best) = (&chosen.backbone, &tried[0]);
    let reason = match std::ptr::eq(chosen, best) {
        _ if tried.len() == 1 => format!("{name} is the only net that was tried."),
        true => format!(
            "{name} predicts images that its probe did not see best, plain and restyled together, and no net that is as good is faster."
        ),
        false => format!(
            "{name} is as good as {} but for chance (Brier score {:.3} and {:.3}, plain and restyled together) and {:.1} times as fast.",
            best.backbone,
            chosen.brier(),
            best.brier(),
            chosen.images_per_second / best.images_per_second
        ),
    };
    (chosen, reason)
}

impl Choice {
    /// A row for each net, the best first; the recommended one has a star.
    pub fn table(&self) -> String {
        let mut text = format!(
            "  {:18} {:19} {:19} {:>5} {:>8} {:>4}\n",
            "net", "AUC plain", "AUC restyled", "Brier", "images/s", "MiB"
        );
        for net in &self.tried {
            let mark = if net.backbone == self.recommended { '*' } else { ' ' };
            text += &format!(
                "{mark} {:18} {:19} {:19} {:>5.3} {:>8.1} {:>4.0}\n",
                net.backbone,
                with_interval(net.plain.auc),
                with_interval(net.stressed.auc),
                net.brier(),
                net.images_per_second,
                net.mebibytes
            );
        }
        text
    }

    /// What the numbers are of.
    pub fn in_words(&self) -> String {
        let used = match self.images == self.all_images {
            true => format!("all {} training images", thousands(self.images)),
            false => {
                format!("{} of {} training images", thousands(self.images), thousands(self.all_images))
            }
        };
        format!(
            "Linear probes of pooled features of {used}, {} folds that divide none of {} groups.",
            self.folds,
            thousands(self.groups)
        )
    }
}

fn with_interval(auc: Estimate) -> String {
    match auc.is_known() {
        true => format!("{:.3} ({:.3}–{:.3})", auc.value, auc.low, auc.high),
        false => "unknown".into(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A net with this mean loss, behind the best by so much with this error, and this rate.
    pub(crate) fn tried(backbone: &str, brier: f64, behind: (f64, f64), images_per_second: f64) -> Tried {
        let estimate = |value| Estimate { value, low: value - 0.02, high: value + 0.01 };
        let quality = |shift: f64| Quality {
            auc: estimate(0.97 - shift),
            accuracy: estimate(0.9),
            brier: brier + shift,
        };
        Tried {
            backbone: backbone.into(),
            weights: None,
            pixels: 224,
            mebibytes: 20.0,
            images_per_second,
            plain: quality(-0.02),
            stressed: quality(0.02),
            behind,
        }
    }

    #[test]
    fn the_fastest_of_those_that_are_as_good_is_recommended() {
        let nets = [
            tried("slow", 0.20, (0.0, 0.0), 10.0),
            tried("middle", 0.22, (0.02, 0.03), 30.0),
            tried("fast", 0.30, (0.10, 0.03), 90.0),
        ];
        let (chosen, why) = recommend(&nets);
        assert_eq!(chosen.backbone, "middle");
        assert!(
            why.starts_with("middle is as good as slow but for chance (Brier score 0.220 and 0.200"),
            "{why}"
        );
        assert!(why.ends_with("and 3.0 times as fast."), "{why}");
        let others = [nets[0].clone(), nets[2].clone()];
        let (chosen, why) = recommend(&others);
        assert_eq!(chosen.backbone, "slow");
        assert!(why.contains("no net that is as good is faster"), "{why}");
    }

    #[test]
    fn a_difference_of_nothing_counts_for_nothing() {
        let nets = [tried("slow", 0.001, (0.0, 0.0), 10.0), tried("fast", 0.004, (0.003, 0.0001), 90.0)];
        assert_eq!(recommend(&nets).0.backbone, "fast");
    }
}
