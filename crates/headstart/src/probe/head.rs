//! A probe as the last layer of a net: a linear classifier of pooled features, its penalty chosen by folds.

use super::{Probe, Table};
use crate::error::{Error, Result};
use crate::observer::Observer;

/// Weights of the penalty on standardised features, per image, the strongest first.
const PENALTIES: [f64; 5] = [1.0, 1e-1, 1e-2, 1e-3, 1e-4];

/// A dense layer that was fitted rather than trained.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Head {
    /// `[features, classes]`
    pub(crate) weight: Vec<f32>,
    /// `[classes]`
    pub(crate) bias: Vec<f32>,
    /// The penalty that predicted the other folds best.
    pub(crate) penalty: f64,
}

impl Head {
    /// The probe of all rows, with the penalty whose probes have the least loss on the folds that they did not see.
    /// `folds` numbers the folds of the first rows; only these choose the penalty, which spares time where there are
    /// several views of each image. Penalties are tried from the strongest on until the loss rises again.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub(crate) fn fit(table: &Table<'_>, folds: &[usize], observer: &dyn Observer) -> Result<Self> {
        let mut best = (f64::INFINITY, PENALTIES[0]);
        for penalty in PENALTIES {
            let loss = held_out_loss(table, folds, penalty, observer)?;
            if loss > best.0 {
                break;
            }
            best = (loss, penalty);
        }
        let all: Vec<usize> = (0..table.labels.len()).collect();
        Ok(Self::of(&Probe::fit(table, &all, best.1), table, best.1))
    }

    /// The probe's weights for features that are not standardised.
    fn of(probe: &Probe, table: &Table<'_>, penalty: f64) -> Self {
        let (features, classes) = (table.features, table.classes);
        let mut weight = vec![0.0; features * classes];
        let mut bias = Vec::with_capacity(classes);
        for (class, weights) in probe.weights.chunks_exact(features + 1).enumerate() {
            let mut offset = weights[features];
            for feature in 0..features {
                let scaled = weights[feature] / table.deviation[feature];
                offset -= scaled * table.mean[feature];
                weight[feature * classes + class] = scaled as f32;
            }
            bias.push(offset as f32);
        }
        Self { weight, bias, penalty }
    }
}

/// Mean loss over all folds, each by the probe of the others.
fn held_out_loss(table: &Table<'_>, folds: &[usize], penalty: f64, observer: &dyn Observer) -> Result<f64> {
    let count = folds.iter().max().map_or(0, |last| last + 1);
    let mut sum = 0.0;
    for fold in 0..count {
        if observer.stop() {
            return Err(Error::Interrupted);
        }
        let (held_out, train): (Vec<usize>, Vec<usize>) =
            (0..folds.len()).partition(|row| folds[*row] == fold);
        sum += Probe::fit(table, &train, penalty).loss(table, &held_out) * held_out.len() as f64;
    }
    Ok(sum / folds.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::Silent;
    use crate::probe::Features;
    use crate::random::Random;

    /// Rows whose first feature tells the class, more or less, among others that are noise.
    fn rows(noise: usize) -> (Vec<Vec<f32>>, Vec<usize>) {
        let mut random = Random::new(4, 0);
        let labels: Vec<usize> = (0..120).map(|row| row % 2).collect();
        let row = |label: &usize| {
            let first = 10.0 + *label as f32 + random.symmetric(1.5);
            [first].into_iter().chain((0..noise).map(|_| random.symmetric(1.0))).collect()
        };
        (labels.iter().map(row).collect(), labels)
    }

    #[test]
    fn its_layer_gives_what_the_probe_gives() {
        let (rows, labels) = rows(2);
        let features = Features::of_rows(&rows);
        let table = Table::new(&features, &labels, 2);
        let all: Vec<usize> = (0..120).collect();
        let probe = Probe::fit(&table, &all, 1e-2);
        let head = Head::of(&probe, &table, 1e-2);
        let expected = probe.scores_of(&features, &table, &all);
        for (row, expected) in rows.iter().zip(expected) {
            let logit = |class: usize| -> f64 {
                let products =
                    row.iter().enumerate().map(|(at, x)| f64::from(*x * head.weight[at * 2 + class]));
                products.sum::<f64>() + f64::from(head.bias[class])
            };
            let odds = logit(1) - logit(0);
            let score = 1.0 / (1.0 + (-odds).exp());
            assert!((score - f64::from(expected[1])).abs() < 2e-3, "{score} {expected:?}");
        }
    }

    #[test]
    fn noise_asks_for_a_stronger_penalty() {
        let folds: Vec<usize> = (0..120).map(|row| row / 2 % 5).collect();
        let penalty = |noise| {
            let (rows, labels) = rows(noise);
            let features = Features::of_rows(&rows);
            Head::fit(&Table::new(&features, &labels, 2), &folds, &Silent).expect("fits").penalty
        };
        assert!(penalty(60) > penalty(0), "{} {}", penalty(60), penalty(0));
    }
}
