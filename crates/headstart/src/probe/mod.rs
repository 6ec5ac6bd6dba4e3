//! A linear probe: multinomial logistic regression on standardised features, with a penalty on the
//! squares of its weights.

mod features;
mod head;
mod lbfgs;

use rayon::prelude::*;

use lbfgs::minimise;

use crate::error::{Error, Result};
use crate::observer::Observer;

pub use features::Features;
pub(crate) use head::Head;

/// Rows that one thread sums; fixed, so that sums do not depend on the number of threads.
const ROWS: usize = 128;
/// Parts that are summed at a time, to bound memory.
const WAVE: usize = 64;
/// A probe need not be exact to tell what is unusual.
const ITERATIONS: usize = 100;
const TOLERANCE: f64 = 1e-4;
/// A feature that varies less than this is left as it is.
const STILL: f64 = 1e-6;

/// Weights of the penalty on standardised features, per image; the first fold chooses.
const PENALTIES: [f64; 3] = [1e-1, 1e-2, 1e-3];

/// Labelled features, read from the cache row by row.
pub(crate) struct Table<'a> {
    rows: &'a Features<'a>,
    features: usize,
    labels: &'a [usize],
    classes: usize,
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl<'a> Table<'a> {
    /// A row for each label.
    pub(crate) fn new(rows: &'a Features<'a>, labels: &'a [usize], classes: usize) -> Self {
        let features = rows.width();
        let (mean, deviation) = (vec![0.0; features], vec![1.0; features]);
        let mut table = Self { rows, features, labels, classes, mean, deviation };
        let all: Vec<usize> = (0..labels.len()).collect();
        let count = labels.len() as f64;
        let sums = table.sum(&all, 2 * features, |row, _, sums| {
            let (sums, squares) = sums.split_at_mut(features);
            for ((value, sum), square) in row.iter().zip(sums).zip(squares) {
                (*sum, *square) = (*sum + value, *square + value * value);
            }
        });
        for (feature, (sum, square)) in sums[..features].iter().zip(&sums[features..]).enumerate() {
            let mean = sum / count;
            let deviation = (square / count - mean * mean).max(0.0).sqrt();
            table.mean[feature] = mean;
            table.deviation[feature] = if deviation > STILL { deviation } else { 1.0 };
        }
        table
    }

    /// Sums over `rows` what `add` adds for each: its features, its index and the sums so far.
    fn sum(&self, rows: &[usize], length: usize, add: impl Fn(&[f64], usize, &mut [f64]) + Sync) -> Vec<f64> {
        let mut sums = vec![0.0; length];
        for wave in rows.chunks(ROWS * WAVE) {
            let part = |rows: &[usize]| {
                let mut part = vec![0.0; length];
                let mut row = vec![0.0; self.features];
                let mut halves = vec![0.0f32; self.features];
                for index in rows {
                    self.rows.copy(*index, &mut halves);
                    self.standardise(&halves, &mut row);
                    add(&row, *index, &mut part);
                }
                part
            };
            let parts: Vec<Vec<f64>> = wave.par_chunks(ROWS).map(part).collect();
            for part in parts {
                sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
        }
        sums
    }

    fn standardise(&self, values: &[f32], row: &mut [f64]) {
        let scales = self.mean.iter().zip(&self.deviation);
        for ((value, (mean, deviation)), slot) in values.iter().zip(scales).zip(row) {
            *slot = (f64::from(*value) - mean) / deviation;
        }
    }
}

/// Weights of a fitted probe: `[classes, features + 1]`, the bias last.
struct Probe {
    weights: Vec<f64>,
}

impl Probe {
    /// Minimises mean cross-entropy over `rows` plus `penalty / 2` times the sum of squared weights.
    fn fit(table: &Table<'_>, rows: &[usize], penalty: f64) -> Self {
        let width = table.features + 1;
        let length = table.classes * width;
        let objective = |weights: &[f64]| {
            // The loss lies behind the gradient.
            let mut sums = table.sum(rows, length + 1, |row, index, sums| {
                let mut residuals = log_softmax(weights, row);
                let label = table.labels[index];
                sums[length] -= residuals[label];
                residuals.iter_mut().for_each(|score| *score = score.exp());
                residuals[label] -= 1.0;
                for (residual, gradient) in residuals.iter().zip(sums[..length].chunks_exact_mut(width)) {
                    add_scaled(gradient, *residual, row);
                }
            });
            sums.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
            let mut loss = sums.pop().unwrap_or_default();
            for (at, (weight, gradient)) in weights.iter().zip(&mut sums).enumerate() {
                if at % width < table.features {
                    loss += penalty / 2.0 * weight * weight;
                    *gradient += penalty * weight;
                }
            }
            (loss, sums)
        };
        Self { weights: minimise(vec![0.0; length], ITERATIONS, TOLERANCE, objective) }
    }

    /// Mean cross-entropy over `rows`.
    fn loss(&self, table: &Table<'_>, rows: &[usize]) -> f64 {
        let loss = table
            .sum(rows, 1, |row, index, sum| sum[0] -= log_softmax(&self.weights, row)[table.labels[index]]);
        loss[0] / rows.len() as f64
    }

    /// Softmax scores of rows of `features`, standardised as those of the table, `[rows, classes]`.
    fn scores_of(&self, features: &Features<'_>, table: &Table<'_>, rows: &[usize]) -> Vec<Vec<f32>> {
        let score = |index: &usize| {
            let (mut halves, mut row) = (vec![0.0f32; table.features], vec![0.0; table.features]);
            features.copy(*index, &mut halves);
            table.standardise(&halves, &mut row);
            log_softmax(&self.weights, &row).into_iter().map(|score| score.exp() as f32).collect()
        };
        rows.par_iter().map(score).collect()
    }
}

/// Scores of each image by a probe of the other folds, `[N, classes]`; `folds` numbers each image's own.
///
/// # Errors
/// [`Error::Interrupted`].
pub(crate) fn out_of_fold(
    table: &Table<'_>,
    folds: &[usize],
    observer: &dyn Observer,
) -> Result<Vec<Vec<f32>>> {
    let mut scores = out_of_fold_in(&[table.rows], table, folds, observer)?;
    Ok(scores.remove(0))
}

/// Scores of each image as it is in each of `views`, by a probe of the table's rows of the other folds:
/// `[views, N, classes]`.
///
/// # Errors
/// [`Error::Interrupted`].
pub(crate) fn out_of_fold_in(
    views: &[&Features<'_>],
    table: &Table<'_>,
    folds: &[usize],
    observer: &dyn Observer,
) -> Result<Vec<Vec<Vec<f32>>>> {
    let part =
        |of: &dyn Fn(usize) -> bool| (0..folds.len()).filter(|row| of(folds[*row])).collect::<Vec<_>>();
    let mut scores = vec![vec![Vec::new(); folds.len()]; views.len()];
    let mut penalty = None;
    for fold in 0..folds.iter().max().map_or(0, |last| last + 1) {
        if observer.stop() {
            return Err(Error::Interrupted);
        }
        let (train, held_out) = (part(&|other| other != fold), part(&|other| other == fold));
        let probe = match penalty {
            Some(penalty) => Probe::fit(table, &train, penalty),
            None => {
                let probes = PENALTIES.map(|penalty| (penalty, Probe::fit(table, &train, penalty)));
                let loss = |probe: &Probe| probe.loss(table, &held_out);
                let [first, others @ ..] = probes.map(|(penalty, probe)| (loss(&probe), penalty, probe));
                let best =
                    others.into_iter().fold(first, |best, other| if other.0 < best.0 { other } else { best });
                penalty = Some(best.1);
                best.2
            }
        };
        for (view, scores) in views.iter().zip(&mut scores) {
            for (row, of_row) in held_out.iter().zip(probe.scores_of(view, table, &held_out)) {
                scores[*row] = of_row;
            }
        }
    }
    Ok(scores)
}

/// A probe of two classes as a plane: weights and constant, `[features + 1]`, above 0 for the second class.
pub(crate) fn linear(rows: &[Vec<f32>], labels: &[usize], penalty: f64) -> Vec<f64> {
    let features = Features::of_rows(rows);
    let table = Table::new(&features, labels, 2);
    let probe = Probe::fit(&table, &(0..labels.len()).collect::<Vec<_>>(), penalty);
    let (first, second) = probe.weights.split_at(table.features + 1);
    let mut plane: Vec<f64> = second.iter().zip(first).map(|(second, first)| second - first).collect();
    for (feature, (mean, deviation)) in table.mean.iter().zip(&table.deviation).enumerate() {
        plane[feature] /= deviation;
        plane[table.features] -= plane[feature] * mean;
    }
    plane
}

/// Logarithms of the softmax scores of a row.
fn log_softmax(weights: &[f64], row: &[f64]) -> Vec<f64> {
    let logit = |weights: &[f64]| dot(&weights[..row.len()], row) + weights[row.len()];
    let logits: Vec<f64> = weights.chunks_exact(row.len() + 1).map(logit).collect();
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    logits.iter().map(|logit| logit - largest - sum.ln()).collect()
}

/// Eight sums side by side, which a compiler keeps in registers.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let (left, left_rest) = left.as_chunks::<8>();
    let (right, right_rest) = right.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (left, right) in left.iter().zip(right) {
        for lane in 0..8 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f64>() + rest
}

/// Adds `factor` times the row, and the factor itself for the bias.
fn add_scaled(gradient: &mut [f64], factor: f64, row: &[f64]) {
    let (of_features, of_bias) = gradient.split_at_mut(row.len());
    of_features.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * value);
    of_bias[0] += factor;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::spec::MapShape;
    use crate::features::{Cache, Records};
    use crate::random::Random;

    /// Records whose first value tells the class and whose second is noise.
    fn records(rows: usize, label: impl Fn(usize) -> usize) -> Records {
        let folder = tempfile::tempdir().expect("a folder");
        let mut random = Random::new(3, 0);
        let values: Vec<f32> = (0..rows)
            .flat_map(|row| [label(row) as f32 * 3.0 + random.symmetric(1.0), random.symmetric(5.0)])
            .collect();
        let contents: Vec<[u8; 32]> = (0..rows).map(|row| [row as u8; 32]).collect();
        let mut cache = Cache::open(folder.path(), "probe", 2).expect("opens");
        cache.append(&contents, &values).expect("writes");
        cache.read(&contents)
    }

    #[test]
    fn what_is_separable_is_separated() {
        let labels: Vec<usize> = (0..90).map(|row| row % 3).collect();
        let records = records(90, |row| row % 3);
        let features = Features::new(&records, 90, MapShape::new(1, 1, 2));
        let table = Table::new(&features, &labels, 3);
        let (train, held_out): (Vec<usize>, Vec<usize>) = (0..90).partition(|row| row % 9 < 6);
        let probe = Probe::fit(&table, &train, 1e-3);
        for (row, scores) in held_out.iter().zip(probe.scores_of(&features, &table, &held_out)) {
            assert!(scores.iter().all(|score| *score <= scores[labels[*row]]), "{row}: {scores:?}");
            assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
        assert!(probe.loss(&table, &held_out) < 0.3);
    }

    #[test]
    fn a_large_penalty_leaves_the_shares_of_the_classes() {
        let labels: Vec<usize> = (0..80).map(|row| usize::from(row % 4 == 0)).collect();
        let records = records(80, |row| usize::from(row % 4 == 0));
        let features = Features::new(&records, 80, MapShape::new(1, 1, 2));
        let table = Table::new(&features, &labels, 2);
        let rows: Vec<usize> = (0..80).collect();
        let scores = Probe::fit(&table, &rows, 1e6).scores_of(&features, &table, &rows);
        assert!(scores.iter().all(|row| (row[0] - 0.75).abs() < 1e-3), "{:?}", scores[0]);
    }
}
