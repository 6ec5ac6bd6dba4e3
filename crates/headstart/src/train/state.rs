//! Where a training stands: all that its next step depends on.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::optimizer::Stepper;
use super::recipe::Recipe;
use crate::backbone::weights::{self, Weights};
use crate::error::{Error, Result};
use crate::history::History;
use crate::network::{Parameters, Tail};
use crate::random::Random;

/// Streams of random numbers: dropout, and which views are taken and how they are mixed.
const DROPOUT: u64 = 0x5eed_2000_0000;
const VIEWS: u64 = 0x5eed_3000_0000;

/// A trained tail.
#[derive(Debug, Clone)]
pub(super) struct Fitted {
    /// Weights of the epoch that is kept so far.
    pub(super) weights: Weights,
    /// Every epoch.
    pub(super) history: History,
    /// What went wrong, in words for the user.
    pub(super) warnings: Vec<String>,
}

/// What is told of a trained tail besides its weights.
#[derive(Serialize, Deserialize)]
struct Told {
    history: History,
    warnings: Vec<String>,
}

/// Key of [`Told`] among the weights.
const KEY: &str = "headstart-fitted";

impl Fitted {
    /// All of it, for another rank.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let told = Told { history: self.history.clone(), warnings: self.warnings.clone() };
        // In TOML each number comes back to the bit.
        let told = toml::to_string(&told).expect("a plain struct becomes TOML");
        self.weights.to_safetensors(BTreeMap::from([(KEY.to_string(), told)]))
    }

    /// What rank `rank` has sent.
    ///
    /// # Errors
    /// When it is something else.
    pub(super) fn from_bytes(bytes: &[u8], rank: usize) -> Result<Self> {
        let place = PathBuf::from(format!("rank {rank}"));
        let told = weights::metadata(bytes, &place)?.remove(KEY).unwrap_or_default();
        let told: Told = toml::from_str(&told)
            .map_err(|why| Error::invalid(&place, "a training that is over", why.to_string()))?;
        let weights = Weights::from_safetensors(bytes, &place)?;
        Ok(Self { weights, history: told.history, warnings: told.warnings })
    }
}

/// Between two steps.
pub(super) struct State {
    pub(super) parameters: Parameters,
    pub(super) stepper: Stepper,
    /// The running mean of the parameters, when the recipe wants one.
    pub(super) average: Option<Parameters>,
    pub(super) fitted: Fitted,
    pub(super) within: Within,
}

/// How far the epoch that is under way has come.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Within {
    /// Images that it has trained with.
    pub(super) seen: usize,
    /// Those that were classified right.
    pub(super) right: usize,
    /// Sum of their losses.
    pub(super) loss: f64,
    /// What of it is the weights' penalty.
    #[serde(default)]
    pub(super) penalty: f64,
    pub(super) seconds: f64,
    pub(super) dropout: Random,
    pub(super) views: Random,
}

impl Within {
    /// The start of an epoch, counted from 1. Each has streams of its own.
    pub(super) fn start(seed: u64, epoch: usize) -> Self {
        let [dropout, views] = [DROPOUT, VIEWS].map(|stream| Random::new(seed, stream + epoch as u64));
        Self { seen: 0, right: 0, loss: 0.0, penalty: 0.0, seconds: 0.0, dropout, views }
    }
}

impl State {
    /// Before the first step.
    pub(super) fn new(tail: &Tail, weights: &Weights, recipe: &Recipe, seed: u64) -> Self {
        let parameters = tail.parameters(weights);
        let weights = tail.weights(&parameters);
        let fitted = Fitted { weights, history: History::default(), warnings: vec![] };
        let average = recipe.average.map(|_| parameters.clone());
        Self { parameters, stepper: Stepper::new(recipe), average, fitted, within: Within::start(seed, 1) }
    }

    /// Epochs that are behind it.
    pub(super) fn epochs(&self) -> usize {
        self.fitted.history.epochs.len()
    }

    /// Whether there were epochs enough, or enough since the best or since all blocks move.
    pub(super) fn is_finished(&self, recipe: &Recipe) -> bool {
        let best = self.fitted.history.best().map_or(0, |record| record.epoch);
        let since = self.epochs().saturating_sub(best.max(recipe.thaw.head_epochs()));
        self.epochs() >= recipe.all_epochs() || since >= recipe.patience.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::EpochRecord;
    use crate::train::unfreeze_schedule::Thaw;

    #[test]
    fn another_rank_gets_a_trained_tail_to_the_bit() {
        let mut weights = Weights::default();
        weights.insert("head.weight", vec![2, 2], vec![0.1, -0.0, f32::MIN_POSITIVE, 3.0e30]);
        let history = History { kept_epoch: Some(3), ..History::default() };
        let fitted = Fitted { weights, history, warnings: vec!["a \"warning\"".into()] };
        let again = Fitted::from_bytes(&fitted.to_bytes(), 1).expect("comes back");
        let bits = |fitted: &Fitted| -> Vec<u32> {
            fitted.weights.get("head.weight").values.iter().map(|value| value.to_bits()).collect()
        };
        assert_eq!(bits(&again), bits(&fitted));
        assert_eq!((again.history.kept_epoch, again.warnings), (Some(3), fitted.warnings.clone()));
        let why = Fitted::from_bytes(&fitted.weights.to_safetensors(BTreeMap::new()), 4);
        let why = why.expect_err("nothing is told").to_string();
        assert!(why.starts_with("rank 4: expected a training that is over"), "{why}");
    }

    #[test]
    fn it_ends_after_so_many_epochs_or_so_many_since_the_best() {
        let plain = Recipe::find("default").expect("known");
        let ends_after = |thaw, losses: &[f64], epochs, patience| {
            let recipe = Recipe { epochs, patience, thaw, ..plain.clone() };
            let record = |(index, loss): (usize, &f64)| EpochRecord {
                epoch: index + 1,
                train_loss: 0.0,
                train_plain_loss: None,
                train_accuracy: 0.0,
                validation_loss: *loss,
                validation_penalised_loss: None,
                validation_accuracy: 0.0,
                validation_auc: None,
                stressed_loss: None,
                stressed_auc: None,
                selection_loss: None,
                learning_rate: 0.0,
                thawed: vec![],
                seconds: 0.0,
            };
            let history = History::new(losses.iter().enumerate().map(record).collect());
            let fitted = Fitted { weights: Weights::default(), history, warnings: vec![] };
            let (parameters, stepper) = (Parameters::new(), Stepper::new(&recipe));
            let within = Within::start(1, losses.len() + 1);
            State { parameters, stepper, average: None, fitted, within }.is_finished(&recipe)
        };
        let ends = |losses: &[f64], epochs, patience| ends_after(Thaw::AtOnce, losses, epochs, patience);
        assert!(!ends(&[0.5, 0.4, 0.6], 9, 2) && ends(&[0.5, 0.4, 0.6, 0.4], 9, 2));
        assert!(!ends(&[0.5, 0.4, 0.6, 0.3], 9, 2) && ends(&[0.5, 0.4, 0.3], 3, 2));
        assert!(!ends(&[], 1, 0) && ends(&[0.5], 1, 1));
        let head_first = Thaw::HeadFirst { epochs: 3, learning_rate: None };
        let ends = |losses: &[f64], epochs| ends_after(head_first, losses, epochs, 2);
        assert!(!ends(&[0.3, 0.4, 0.5], 9) && !ends(&[0.3, 0.4, 0.5, 0.6], 9) && ends(&[0.3; 5], 9));
        assert!(!ends(&[0.3, 0.2, 0.1], 1) && ends(&[0.3, 0.2, 0.1, 0.1], 1));
    }
}
