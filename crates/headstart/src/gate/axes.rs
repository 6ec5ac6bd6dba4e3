//! The leading eigenvectors of a covariance, by orthogonal iteration (Golub & Van Loan, section 8.2).

use rayon::prelude::*;

use crate::probe::dot;
use crate::random::Random;

/// Vectors that are turned besides those that are wanted: these settle the sooner.
const SPARE: usize = 8;
/// How often the matrix is applied: an axis that is not settled by then hardly differs from the next one.
const TURNS: usize = 40;
/// A vector this much shorter than the longest one has no direction of its own.
const VANISHED: f64 = 1e-9;

/// At most `wanted` axes along which centred rows `[N][features]` vary most, the widest first, each of length 1.
pub(super) fn leading(rows: &[Vec<f64>], wanted: usize) -> Vec<Vec<f64>> {
    let features = rows.first().map_or(0, Vec::len);
    let covariance = covariance(rows, features);
    let mut random = Random::new(0, 0xa8e5);
    let count = (wanted + SPARE).min(features);
    let start = || (0..features).map(|_| f64::from(random.symmetric(1.0))).collect();
    let mut axes = orthonormal(std::iter::repeat_with(start).take(count).collect());
    for _ in 0..TURNS {
        axes = orthonormal(axes.par_iter().map(|axis| times(&covariance, axis)).collect());
    }
    axes.truncate(wanted);
    axes
}

/// `[features][features]`, of centred rows.
fn covariance(rows: &[Vec<f64>], features: usize) -> Vec<Vec<f64>> {
    let columns: Vec<Vec<f64>> =
        (0..features).map(|feature| rows.iter().map(|row| row[feature]).collect()).collect();
    let count = rows.len() as f64;
    let lower: Vec<Vec<f64>> = (0..features)
        .into_par_iter()
        .map(|i| (0..=i).map(|j| dot(&columns[i], &columns[j]) / count).collect())
        .collect();
    // What lies right of the diagonal is what lies below it.
    let whole = |(i, row): (usize, &Vec<f64>)| {
        row.iter().copied().chain(lower[i + 1..].iter().map(|other| other[i])).collect()
    };
    lower.iter().enumerate().map(whole).collect()
}

fn times(matrix: &[Vec<f64>], vector: &[f64]) -> Vec<f64> {
    matrix.iter().map(|row| dot(row, vector)).collect()
}

/// Gram and Schmidt's, twice over for the rounding; what has no direction of its own is left out.
fn orthonormal(vectors: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let longest = vectors.iter().map(|vector| length(vector)).fold(0.0, f64::max);
    let mut axes: Vec<Vec<f64>> = Vec::with_capacity(vectors.len());
    for mut vector in vectors {
        for axis in axes.iter().chain(&axes) {
            let along = dot(&vector, axis);
            vector.iter_mut().zip(axis).for_each(|(value, part)| *value -= along * part);
        }
        let length = length(&vector);
        if length > VANISHED * longest {
            vector.iter_mut().for_each(|value| *value /= length);
            axes.push(vector);
        }
    }
    axes
}

fn length(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows along (1, 1)/√2 with variance 9 and along (1, −1)/√2 with variance 1.
    #[test]
    fn the_widest_axis_comes_first() {
        let rows: Vec<Vec<f64>> =
            [[3.0, 3.0], [-3.0, -3.0], [1.0, -1.0], [-1.0, 1.0]].map(|row| row.to_vec()).to_vec();
        let axes = leading(&rows, 2);
        let half = 0.5f64.sqrt();
        for (axis, expected) in axes.iter().zip([[half, half], [half, -half]]) {
            assert!((dot(axis, &expected).abs() - 1.0).abs() < 1e-9, "{axis:?}");
        }
    }

    #[test]
    fn there_are_no_more_axes_than_directions() {
        let rows: Vec<Vec<f64>> =
            (0..9).map(|i| vec![f64::from(i - 4), 0.0, 2.0 * f64::from(i - 4)]).collect();
        let axes = leading(&rows, 3);
        assert_eq!(axes.len(), 1);
        assert!((axes[0][2] / axes[0][0] - 2.0).abs() < 1e-9);
    }
}
