//! The Mahalanobis distance of features to the nearest class mean (Lee 2018), with a covariance that is shrunk
//! (Ledoit & Wolf 2004). It sees how an image was made as well as what it shows.

use std::path::Path;

use rayon::prelude::*;

use super::{is_fitted, tensor};
use crate::backbone::weights::Weights;
use crate::error::Result;

/// A feature's deviation is at least this share of the mean one: a feature that is always 0 in training
/// says much when it is not, but not everything.
const LEAST_DEVIATION: f64 = 1e-2;
/// Names in the sealed file.
const MEANS: &str = "gate.means";
const WHITENER: &str = "gate.whitener";

/// The distance of features from those of the training images.
#[derive(Debug, Clone, PartialEq)]
pub struct Mahalanobis {
    /// `[classes, features]`
    pub(crate) means: Vec<f32>,
    /// Lower triangular, `[features, features]`: whitens what is left of a feature without its mean.
    pub(crate) whitener: Vec<f32>,
    pub(crate) features: usize,
}

impl Mahalanobis {
    /// From features `[N][features]` of the training images and their classes. `None` when a class is missing.
    pub fn fit(rows: &[Vec<f32>], labels: &[usize], classes: usize) -> Option<Self> {
        let features = rows.first()?.len();
        let means = means(rows, labels, classes)?;
        let centred: Vec<Vec<f64>> = rows
            .iter()
            .zip(labels)
            .map(|(row, label)| {
                row.iter().zip(&means[*label]).map(|(x, mean)| f64::from(*x) - mean).collect()
            })
            .collect();
        let scales = deviations(&centred, features)?;
        let scaled: Vec<Vec<f64>> =
            centred.iter().map(|row| row.iter().zip(&scales).map(|(x, scale)| x / scale).collect()).collect();
        let mut whitener = inverse_of_root(ledoit_wolf(&scaled, features))?;
        for row in &mut whitener {
            row.iter_mut().zip(&scales).for_each(|(value, scale)| *value /= scale);
        }
        let flat = |rows: Vec<Vec<f64>>| rows.concat().into_iter().map(|value| value as f32).collect();
        Some(Self { means: flat(means), whitener: flat(whitener), features })
    }

    /// Root mean square of the whitened features' distance to the nearest class mean: about 1 for an image
    /// like those of the training.
    pub fn distance(&self, features: &[f32]) -> f64 {
        let to = |mean: &[f32]| {
            let off: Vec<f32> = features.iter().zip(mean).map(|(x, mean)| x - mean).collect();
            let rows = self.whitener.chunks_exact(self.features).enumerate();
            let square = rows.map(|(index, row)| {
                let sum: f64 =
                    row[..=index].iter().zip(&off).map(|(w, off)| f64::from(*w) * f64::from(*off)).sum();
                sum * sum
            });
            (square.sum::<f64>() / self.features as f64).sqrt()
        };
        // `min` passes over a NaN, so that such features are as far as can be.
        self.means.chunks_exact(self.features).map(to).fold(f64::INFINITY, f64::min)
    }

    /// Whether its tensors can be those of a gate: values that a fit can give, and no feature whitened to nothing.
    pub(super) fn is_sound(&self) -> bool {
        is_fitted(&self.means)
            && is_fitted(&self.whitener)
            && self.whitener.iter().step_by(self.features + 1).all(|scale| *scale > 0.0)
    }

    /// Adds its tensors to a model's.
    pub(super) fn store(&self, weights: &mut Weights) {
        let classes = self.means.len() / self.features;
        weights.insert(MEANS, vec![classes, self.features], self.means.clone());
        weights.insert(WHITENER, vec![self.features; 2], self.whitener.clone());
    }

    /// Its tensors from a model's file.
    pub(super) fn read(weights: &Weights, classes: usize, features: usize, path: &Path) -> Result<Self> {
        let means = tensor(weights, MEANS, &[classes, features], path)?;
        let whitener = tensor(weights, WHITENER, &[features; 2], path)?;
        Ok(Self { means, whitener, features })
    }
}

fn means(rows: &[Vec<f32>], labels: &[usize], classes: usize) -> Option<Vec<Vec<f64>>> {
    let mut sums = vec![vec![0.0f64; rows[0].len()]; classes];
    let mut counts = vec![0usize; classes];
    for (row, label) in rows.iter().zip(labels) {
        counts[*label] += 1;
        sums[*label].iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    for (sum, count) in sums.iter_mut().zip(&counts) {
        sum.iter_mut().for_each(|value| *value /= *count as f64);
    }
    counts.iter().all(|count| *count > 0).then_some(sums)
}

/// Of each feature, none much smaller than the mean of all; `None` when nothing varies.
fn deviations(centred: &[Vec<f64>], features: usize) -> Option<Vec<f64>> {
    let mut squares = vec![0.0f64; features];
    for row in centred {
        squares.iter_mut().zip(row).for_each(|(sum, x)| *sum += x * x);
    }
    let deviations: Vec<f64> = squares.iter().map(|sum| (sum / centred.len() as f64).sqrt()).collect();
    let mean = deviations.iter().sum::<f64>() / features as f64;
    (mean > 0.0).then(|| deviations.into_iter().map(|d| d.max(LEAST_DEVIATION * mean)).collect())
}

/// The covariance of centred rows, drawn towards a multiple of the unit matrix.
fn ledoit_wolf(rows: &[Vec<f64>], features: usize) -> Vec<Vec<f64>> {
    let (n, p) = (rows.len() as f64, features as f64);
    let columns: Vec<Vec<f64>> =
        (0..features).map(|feature| rows.iter().map(|row| row[feature]).collect()).collect();
    let mut covariance: Vec<Vec<f64>> = (0..features)
        .into_par_iter()
        .map(|i| {
            let dot = |j: usize| columns[i].iter().zip(&columns[j]).map(|(a, b)| a * b).sum::<f64>() / n;
            (0..features).map(|j| if j <= i { dot(j) } else { 0.0 }).collect()
        })
        .collect();
    for i in 0..features {
        let column: Vec<f64> = covariance[i..].iter().map(|row| row[i]).collect();
        covariance[i][i..].copy_from_slice(&column);
    }
    let squared: f64 = covariance.iter().flatten().map(|value| value * value).sum();
    let trace: f64 = (0..features).map(|i| covariance[i][i]).sum();
    let mean = trace / p;
    let fourth: f64 = rows.iter().map(|row| row.iter().map(|x| x * x).sum::<f64>().powi(2)).sum();
    let distance = (squared - 2.0 * mean * trace + p * mean * mean) / p;
    let noise = ((fourth / n - squared) / (n * p)).min(distance);
    // A single feature, or equal variances without correlation, needs no drawing.
    let shrinkage = if distance > 0.0 { (noise / distance).clamp(0.0, 1.0) } else { 0.0 };
    for (i, row) in covariance.iter_mut().enumerate() {
        row.iter_mut().for_each(|value| *value *= 1.0 - shrinkage);
        row[i] += shrinkage * mean;
    }
    covariance
}

/// `L⁻¹` of the Cholesky root `L Lᵀ`; `None` when the matrix is not positive definite.
fn inverse_of_root(mut matrix: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let n = matrix.len();
    // A perfect correlation would leave a zero on the diagonal.
    (0..n).for_each(|i| matrix[i][i] *= 1.0 + 1e-9);
    let mut root = vec![vec![0.0f64; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = root[i][..j].iter().zip(&root[j][..j]).map(|(a, b)| a * b).sum();
            let rest = matrix[i][j] - dot;
            root[i][j] = if i == j { rest.sqrt() } else { rest / root[j][j] };
        }
        if root[i][i].is_nan() || root[i][i] <= 0.0 {
            return None;
        }
    }
    // Column by column of L⁻¹, kept as rows of its transpose.
    let columns: Vec<Vec<f64>> = (0..n)
        .into_par_iter()
        .map(|j| {
            let mut column = vec![0.0; n];
            column[j] = 1.0 / root[j][j];
            for i in j + 1..n {
                let dot: f64 = root[i][j..i].iter().zip(&column[j..i]).map(|(a, b)| a * b).sum();
                column[i] = -dot / root[i][i];
            }
            column
        })
        .collect();
    Some((0..n).map(|i| (0..n).map(|j| columns[j][i]).collect()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn roots_are_inverted() {
        // [[4, 2], [2, 5]] = L Lᵀ with L = [[2, 0], [1, 2]].
        let inverse = inverse_of_root(vec![vec![4.0, 2.0], vec![2.0, 5.0]]).expect("positive definite");
        let expected = [[0.5, 0.0], [-0.25, 0.5]];
        let close = inverse.iter().flatten().zip(expected.as_flattened()).all(|(a, b)| (a - b).abs() < 1e-8);
        assert!(close, "{inverse:?}");
    }

    /// `sklearn.covariance.ledoit_wolf([[1, 2], [-1, -1], [3, 0], [-3, -1]], assume_centered=True)`.
    #[test]
    fn shrinkage_is_that_of_scikit_learn() {
        let rows = [[1.0, 2.0], [-1.0, -1.0], [3.0, 0.0], [-3.0, -1.0]].map(|row| row.to_vec());
        let covariance = ledoit_wolf(&rows, 2);
        let off = 0.767_647_058_823_529_4;
        let expected = [[4.145_588_235_294_118, off], [off, 2.354_411_764_705_882_4]];
        let close =
            covariance.iter().flatten().zip(expected.as_flattened()).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(close, "{covariance:?}");
    }

    #[test]
    fn what_lies_across_the_grain_is_far() {
        let mut random = Random::new(1, 1);
        // Both features rise together.
        let rows: Vec<Vec<f32>> = (0..400)
            .map(|_| {
                let x = random.symmetric(1.0);
                vec![x + random.symmetric(0.05), x + random.symmetric(0.05)]
            })
            .collect();
        let gate = Mahalanobis::fit(&rows, &vec![0; 400], 1).expect("fits");
        let mean: f64 = rows.iter().map(|row| gate.distance(row).powi(2)).sum::<f64>() / 400.0;
        // Shrinking widens the narrow axis, so that typical images come out nearer than 1.
        assert!((0.5..1.05).contains(&mean), "{mean}");
        assert!(gate.distance(&[0.9, 0.9]) < 2.0 && gate.distance(&[0.5, -0.5]) > 6.0);
        assert!(gate.distance(&[f32::NAN, 0.0]).is_infinite());
    }

    #[test]
    fn the_nearest_class_counts() {
        let rows: Vec<Vec<f32>> =
            (0..40u8).map(|i| vec![f32::from(i % 2) * 10.0 + f32::from(i % 5) * 0.1]).collect();
        let labels: Vec<usize> = (0..40).map(|i| i % 2).collect();
        let gate = Mahalanobis::fit(&rows, &labels, 2).expect("fits");
        assert!(gate.distance(&[0.2]) < 1.0 && gate.distance(&[10.2]) < 1.0 && gate.distance(&[5.0]) > 10.0);
        assert!(Mahalanobis::fit(&rows, &labels, 3).is_none(), "a class without images");
    }
}
