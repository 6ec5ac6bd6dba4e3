//! What of an image's features no training image has: how far they lie from the space that those of the training
//! span, by principal components (as in ViM, Wang 2022). Features are scaled to length 1 first, so that a
//! picture with more contrast is not farther off.

use std::path::Path;

use rayon::prelude::*;

use super::axes::leading;
use super::copies::Copies;
use super::tensor;
use crate::backbone::weights::Weights;
use crate::error::Result;

/// Axes of the space, at most.
const AXES: usize = 64;
/// And one for so many rows, so that the space is of the images and not of each one.
const ROWS_FOR_AN_AXIS: usize = 8;
/// And one for so many features, so that there is room beside the space.
const FEATURES_FOR_AN_AXIS: usize = 4;
/// What rounding leaves of directions that are all alike.
const ROUNDING: f64 = 1e-6;
/// Names in the sealed file.
const CENTRE: &str = "gate.centre";
const PRINCIPAL: &str = "gate.axes";

/// The distance of features from the space of the training images, or from where a copy of one would lie that
/// was turned upside down or inverted.
#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    /// `[features]`
    pub(crate) centre: Vec<f32>,
    /// `[axes, features]`, orthonormal.
    pub(crate) axes: Vec<f32>,
    /// The residual of a typical validation image.
    pub(crate) typical: f64,
    pub(crate) copies: Copies,
}

impl Residual {
    /// From features `[N][features]` of images that shall be let through; `typical` ones, that it was not
    /// fitted to, say what is usual. `None` when nothing varies.
    pub fn fit(rows: &[Vec<f32>], typical: &[Vec<f32>]) -> Option<Self> {
        let mut rows: Vec<Vec<f64>> = rows.iter().filter_map(|row| scaled(row)).collect();
        let features = rows.first()?.len();
        let mut centre = vec![0.0; features];
        for row in &rows {
            centre.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        centre.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
        rows.iter_mut().for_each(|row| row.iter_mut().zip(&centre).for_each(|(x, mean)| *x -= mean));
        let most = (rows.len() / ROWS_FOR_AN_AXIS).min(features / FEATURES_FOR_AN_AXIS);
        let axes = leading(&rows, AXES.min(most));
        let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        let (centre, axes) = (narrow(centre), narrow(axes.concat()));
        let mut residual = Self { centre, axes, typical: 1.0, copies: Copies::default() };
        let squares = typical.par_iter().map(|row| residual.residual(row).powi(2));
        // An image whose features are all 0 is as far as can be, and not typical.
        let squares: Vec<f64> = squares.filter(|square| square.is_finite()).collect();
        residual.typical = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
        (residual.typical.is_finite() && residual.typical > ROUNDING).then_some(residual)
    }

    /// About 1 for an image like those of the validation; infinite for features that are no direction.
    pub fn distance(&self, features: &[f32]) -> f64 {
        // `max` passes over a NaN, so that the residual comes first.
        (self.residual(features) / self.typical).max(self.copies.distance(features))
    }

    /// Number of axes.
    pub(crate) fn axes(&self) -> usize {
        self.axes.len() / self.centre.len()
    }

    pub(super) fn typical(&self) -> f64 {
        self.typical
    }

    fn residual(&self, features: &[f32]) -> f64 {
        let Some(row) = scaled(features) else { return f64::INFINITY };
        let off: Vec<f64> = row.iter().zip(&self.centre).map(|(x, mean)| x - f64::from(*mean)).collect();
        let whole: f64 = off.iter().map(|x| x * x).sum();
        let along = self
            .axes
            .chunks_exact(self.centre.len())
            .map(|axis| axis.iter().zip(&off).map(|(part, x)| f64::from(*part) * x).sum::<f64>().powi(2));
        (whole - along.sum::<f64>()).max(0.0).sqrt()
    }

    /// Whether its tensors can be those of a gate: a mean of features of length 1, axes that are as long as 1, and probes.
    pub(super) fn is_sound(&self) -> bool {
        let square = |values: &[f32]| values.iter().map(|part| f64::from(*part).powi(2)).sum::<f64>();
        let centre = square(&self.centre);
        centre > 0.0
            && centre < 1.001
            && self.copies.is_sound()
            && self.axes.chunks_exact(self.centre.len()).all(|axis| (square(axis) - 1.0).abs() < 1e-3)
    }

    pub(super) fn store(&self, weights: &mut Weights) {
        let features = self.centre.len();
        weights.insert(CENTRE, vec![features], self.centre.clone());
        if self.axes() > 0 {
            weights.insert(PRINCIPAL, vec![self.axes(), features], self.axes.clone());
        }
        self.copies.store(weights);
    }

    /// Its tensors from a model's file.
    pub(super) fn read(
        weights: &Weights,
        (axes, typical): (usize, f64),
        copies: usize,
        features: usize,
        path: &Path,
    ) -> Result<Self> {
        let principal = || tensor(weights, PRINCIPAL, &[axes, features], path);
        Ok(Self {
            centre: tensor(weights, CENTRE, &[features], path)?,
            axes: if axes > 0 { principal()? } else { vec![] },
            typical,
            copies: Copies::read(weights, copies, features, path)?,
        })
    }
}

/// Features as a direction, `None` when they are none.
fn scaled(features: &[f32]) -> Option<Vec<f64>> {
    let length = features.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    (length.is_finite() && length > 0.0).then(|| features.iter().map(|x| f64::from(*x) / length).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Features near a plane of a space of eight dimensions.
    fn rows(count: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut random = Random::new(seed, 1);
        let row = || {
            let (a, b) = (random.symmetric(1.0), random.symmetric(1.0));
            (0..8).map(|i| 2.0 + if i < 4 { a } else { b } + random.symmetric(0.05)).collect()
        };
        std::iter::repeat_with(row).take(count).collect()
    }

    #[test]
    fn what_leaves_the_space_is_far_and_contrast_is_not() {
        let residual = Residual::fit(&rows(200, 1), &rows(50, 2)).expect("fits");
        let typical = residual.distance(&rows(1, 3)[0]);
        assert!((0.3..2.0).contains(&typical), "{typical}");
        let bright: Vec<f32> = rows(1, 3)[0].iter().map(|x| x * 3.0).collect();
        assert!((residual.distance(&bright) - typical).abs() < 1e-4);
        let mut strange = rows(1, 3)[0].clone();
        strange[0] += 1.5;
        assert!(residual.distance(&strange) > 5.0, "{}", residual.distance(&strange));
    }

    #[test]
    fn features_that_are_no_direction_are_infinitely_far() {
        let residual = Residual::fit(&rows(200, 1), &rows(50, 2)).expect("fits");
        assert!(residual.distance(&[0.0; 8]).is_infinite());
        assert!(residual.distance(&[f32::NAN; 8]).is_infinite());
        assert!(
            Residual::fit(&[vec![1.0, 2.0], vec![2.0, 4.0]], &[vec![1.0, 2.0]]).is_none(),
            "nothing varies"
        );
    }
}
