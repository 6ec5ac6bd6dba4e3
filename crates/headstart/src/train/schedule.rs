//! How the learning rate changes from step to step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The rate of one-cycle's first step, and of every schedule's first warm-up step, as a share of the highest.
const START: f64 = 1.0 / 25.0;
/// The rate of the last step of those that come down, as a share of the highest.
const END: f64 = 1e-4;

/// The learning rate over a training, as a share of the recipe's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// The same in every step, after a warm-up.
    Constant {
        /// Share of all steps in which the rate climbs in a line to the recipe's.
        #[serde(default)]
        warmup: f64,
    },
    /// Down along half a cosine after a warm-up (Loshchilov & Hutter 2016, without restarts).
    Cosine {
        /// Share of all steps in which the rate climbs in a line to the recipe's.
        #[serde(default)]
        warmup: f64,
    },
    /// Up along half a cosine and down along another (Smith 2018, as fastai anneals it).
    OneCycle {
        /// Share of all steps in which the rate climbs.
        #[serde(default = "a_quarter")]
        warmup: f64,
    },
    /// Times `factor` after each `every` epochs.
    Step {
        /// Epochs between two changes.
        every: usize,
        /// What is left of the rate.
        factor: f64,
        /// Share of all steps in which the rate climbs in a line to the recipe's.
        #[serde(default)]
        warmup: f64,
    },
}

fn a_quarter() -> f64 {
    0.25
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Constant { warmup: 0.0 }
    }
}

impl Schedule {
    /// The share of the recipe's rate at `step` of `steps`, counted from 0, in `epoch`, counted from 1.
    pub fn share(self, step: usize, steps: usize, epoch: usize) -> f64 {
        let climb = self.warmup() * steps as f64;
        let at = step as f64;
        // From 0 at the end of the warm-up to 1 at the last step.
        let fall = ((at - climb) / (steps as f64 - 1.0 - climb).max(1.0)).clamp(0.0, 1.0);
        let rise = at / climb;
        let between = |from: f64, to: f64, part: f64| to + (from - to) * (1.0 + (PI * part).cos()) / 2.0;
        match self {
            Self::OneCycle { .. } if at < climb => between(START, 1.0, rise),
            _ if at < climb => START + (1.0 - START) * rise,
            Self::Constant { .. } => 1.0,
            Self::Cosine { .. } | Self::OneCycle { .. } => between(1.0, END, fall),
            Self::Step { every, factor, .. } => factor.powi(((epoch - 1) / every) as i32),
        }
    }

    /// Share of all steps in which the rate climbs.
    pub fn warmup(self) -> f64 {
        match self {
            Self::Constant { warmup }
            | Self::Cosine { warmup }
            | Self::OneCycle { warmup }
            | Self::Step { warmup, .. } => warmup,
        }
    }

    /// Whether a step's rate depends on how many steps there will be.
    pub fn depends_on_length(self) -> bool {
        match self {
            Self::Constant { warmup } | Self::Step { warmup, .. } => warmup > 0.0,
            Self::Cosine { .. } | Self::OneCycle { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_shares(schedule: Schedule, expected: &[(usize, f64)]) {
        for (step, expected) in expected {
            let share = schedule.share(*step, 101, 1 + step / 10);
            assert!((share - expected).abs() < 1e-3, "{schedule:?} at {step}: {share}");
        }
    }

    #[test]
    fn a_cosine_comes_down_from_the_whole_rate_to_nothing() {
        let cosine = Schedule::Cosine { warmup: 0.0 };
        assert_shares(cosine, &[(0, 1.0), (50, 0.5), (100, 0.0001)]);
        assert_shares(Schedule::Cosine { warmup: 0.1 }, &[(0, 0.04), (11, 1.0), (100, 0.0001)]);
    }

    #[test]
    fn one_cycle_climbs_and_comes_down() {
        let cycle = Schedule::OneCycle { warmup: 0.25 };
        assert_shares(cycle, &[(0, 0.04), (26, 1.0), (100, 0.0001)]);
        let shares: Vec<f64> = (0..101).map(|step| cycle.share(step, 101, 1)).collect();
        assert!(shares[..26].is_sorted() && shares[26..].is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn steps_come_after_whole_epochs() {
        let steps = Schedule::Step { every: 2, factor: 0.1, warmup: 0.0 };
        assert_shares(steps, &[(0, 1.0), (19, 1.0), (20, 0.1), (45, 0.01)]);
        assert_shares(Schedule::default(), &[(77, 1.0)]);
    }
}
