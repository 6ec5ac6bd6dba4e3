//! Refuses images that are unlike those a model was trained on, and calls unusual what was made in another way.
//!
//! Two distances of pooled features: the [`Residual`] at the end of the net asks what an image shows and refuses; the
//! [`Mahalanobis`] distance at the end of the trunk sees how it was made, too, and only says so. Models of older
//! versions refuse by the second.

mod axes;
mod copies;
mod mahalanobis;
mod residual;

use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::backbone::spec::MapShape;
use crate::backbone::weights::Weights;
use crate::error::{Error, Result};

pub use copies::Pairs;
pub use mahalanobis::Mahalanobis;
pub use residual::Residual;

/// Share of the validation images that are refused, and of those that are called unusual.
pub const FALSE_REFUSALS: f64 = 0.01;
/// With fewer validation images there is no gate: its threshold would be chance.
pub(crate) const FEWEST: usize = 20;

/// What is sealed of a gate besides its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GateFacts {
    /// Layers of the net before the features that it looks at.
    pub layers: usize,
    /// The largest distance that is let through; about 1 is typical.
    pub threshold: f64,
    /// Share of the validation images that are refused.
    pub false_refusals: f64,
    /// What distance that is.
    #[serde(default)]
    pub kind: GateKind,
    /// What calls an image unusual; older models have none.
    #[serde(default)]
    pub unusual: Option<UnusualFacts>,
}

/// The distance that refuses.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// [`Mahalanobis`]: the only one in older models.
    #[default]
    Mahalanobis,
    /// [`Residual`].
    Residual {
        /// Axes of the training images' space.
        axes: usize,
        /// The residual of a typical validation image.
        typical: f64,
        /// Probes that tell odd copies.
        probes: usize,
    },
}

/// What is sealed of the distance that calls images unusual.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct UnusualFacts {
    /// Layers of the net before the features that it looks at.
    pub layers: usize,
    /// The largest distance that is usual; about 1 is typical of the training images.
    pub threshold: f64,
}

/// How far an image lies from the training images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Strangeness {
    /// By what it shows: the distance that refuses.
    pub distance: f64,
    /// By how it was made, too: the distance that calls it unusual. `None` in older models.
    pub oddness: Option<f64>,
}

impl Strangeness {
    /// Of each image its own.
    pub(crate) fn each(distances: Vec<f64>, oddnesses: Option<Vec<f64>>) -> Vec<Self> {
        let oddness = |image: usize| oddnesses.as_ref().map(|oddnesses| oddnesses[image]);
        let each = distances.into_iter().enumerate();
        each.map(|(image, distance)| Self { distance, oddness: oddness(image) }).collect()
    }
}

/// No image lies so far off: distances are in those of a typical image, or in standard deviations.
const FARTHEST: f64 = 1e6;

impl GateFacts {
    /// Whether an image is too far off to be answered.
    pub fn refuses(&self, image: &Strangeness) -> bool {
        image.distance > self.threshold
    }

    /// Whether an image was made in another way than the training images.
    pub fn is_unusual(&self, image: &Strangeness) -> bool {
        self.unusual.zip(image.oddness).is_some_and(|(facts, oddness)| oddness > facts.threshold)
    }

    /// Whether its numbers could have been fitted: with others it would let everything through, or nothing.
    fn check(&self, path: &Path) -> Result<()> {
        let typical = match self.kind {
            GateKind::Mahalanobis => None,
            GateKind::Residual { typical, .. } => Some(typical),
        };
        let limits = [Some(self.threshold), self.unusual.map(|unusual| unusual.threshold), typical];
        match limits.into_iter().flatten().find(|limit| !(*limit > 0.0 && *limit <= FARTHEST)) {
            Some(limit) => {
                let expected = format!("a gate with distances above 0 and up to {FARTHEST}");
                Err(Error::invalid(path, expected, format!("{limit:?}")))
            }
            None => Ok(()),
        }
    }
}

/// The distance that refuses, as it is computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusing {
    /// As in older models.
    Mahalanobis(Mahalanobis),
    /// What of the features no training image has.
    Residual(Residual),
}

/// The distances of features from those of the training images.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Refuses.
    pub refusing: Refusing,
    /// Calls unusual.
    pub unusual: Option<Mahalanobis>,
}

/// A fitted distance that refuses, and its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The distance.
    pub residual: Residual,
    /// The largest that is let through.
    pub threshold: f64,
}

impl Fitted {
    /// Fits the distance that refuses to features `rows` of images that shall be let through, with probes of odd
    /// copies where there are any, and its limit to those of `validation`. `None` with too few of either.
    pub fn new(rows: &[Vec<f32>], validation: &[Vec<f32>], pairs: Option<&Pairs>) -> Option<Self> {
        let mut residual = Residual::fit(rows, validation)?;
        let limit = |residual: &Residual| {
            let distances: Vec<f64> = validation.par_iter().map(|row| residual.distance(row)).collect();
            threshold(&distances, FALSE_REFUSALS)
        };
        if let Some(pairs) = pairs {
            residual.copies = copies::Copies::fit(pairs, limit(&residual)?);
        }
        // Of both together, so that no more are refused than is said.
        Some(Self { threshold: limit(&residual)?, residual })
    }

    /// What is sealed of it.
    pub fn kind(&self) -> GateKind {
        let Residual { copies, .. } = &self.residual;
        GateKind::Residual {
            axes: self.residual.axes(),
            typical: self.residual.typical(),
            probes: copies.count(),
        }
    }
}

impl Gate {
    /// The distances that refuse, of many rows of features.
    pub fn distances(&self, rows: &[Vec<f32>]) -> Vec<f64> {
        let distance = |row: &Vec<f32>| match &self.refusing {
            Refusing::Mahalanobis(mahalanobis) => mahalanobis.distance(row),
            Refusing::Residual(residual) => residual.distance(row),
        };
        rows.par_iter().map(distance).collect()
    }

    /// The distances that call unusual, of many rows of features.
    pub fn oddnesses(&self, rows: &[Vec<f32>]) -> Option<Vec<f64>> {
        let unusual = self.unusual.as_ref()?;
        Some(rows.par_iter().map(|row| unusual.distance(row)).collect())
    }

    /// Whether its tensors can be those of a gate.
    pub(crate) fn is_sound(&self) -> bool {
        let refuses = match &self.refusing {
            Refusing::Mahalanobis(mahalanobis) => mahalanobis.is_sound(),
            Refusing::Residual(residual) => residual.is_sound(),
        };
        refuses && self.unusual.as_ref().is_none_or(Mahalanobis::is_sound)
    }

    /// Adds its tensors to a model's.
    pub(crate) fn store(&self, weights: &mut Weights) {
        match &self.refusing {
            Refusing::Mahalanobis(mahalanobis) => mahalanobis.store(weights),
            Refusing::Residual(residual) => residual.store(weights),
        }
        if let Some(unusual) = &self.unusual {
            unusual.store(weights);
        }
    }

    /// Its tensors from a model's file; `features` counts those after so many layers.
    pub(crate) fn read(
        weights: &Weights,
        facts: &GateFacts,
        classes: usize,
        features: impl Fn(usize) -> Result<usize>,
        path: &Path,
    ) -> Result<Self> {
        facts.check(path)?;
        let at = features(facts.layers)?;
        let unusual =
            facts.unusual.map(|unusual| Mahalanobis::read(weights, classes, features(unusual.layers)?, path));
        let refusing = match facts.kind {
            GateKind::Mahalanobis => Refusing::Mahalanobis(Mahalanobis::read(weights, classes, at, path)?),
            GateKind::Residual { axes, typical, probes } => {
                Refusing::Residual(Residual::read(weights, (axes, typical), probes, at, path)?)
            }
        };
        Ok(Self { refusing, unusual: unusual.transpose()? })
    }
}

/// Whether values can have been fitted: not all of them are 0, and none is larger than any fit gives.
fn is_fitted(values: &[f32]) -> bool {
    const LARGE: f32 = 1e12;
    values.iter().any(|value| *value != 0.0) && values.iter().all(|value| value.abs() <= LARGE)
}

/// The values of a tensor of a model's file.
fn tensor(weights: &Weights, name: &str, shape: &[usize], path: &Path) -> Result<Vec<f32>> {
    let fits = weights.contains(name) && weights.get(name).shape == shape;
    match fits {
        true => Ok(weights.get(name).values.clone()),
        false => Err(Error::invalid(path, format!("a tensor {name} of shape {shape:?}"), "none such")),
    }
}

/// The distance up to which images are let through: so many validation images lie beyond it, and as
/// many new ones like them. `None` with too few.
pub fn threshold(distances: &[f64], false_refusals: f64) -> Option<f64> {
    if distances.len() < FEWEST {
        return None;
    }
    let mut sorted = distances.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = ((distances.len() + 1) as f64 * (1.0 - false_refusals)).ceil() as usize;
    Some(sorted[rank.clamp(1, sorted.len()) - 1])
}

/// Means over height and width of maps `[N, H, W, C]`, a row for each.
pub fn pool(maps: &[f32], shape: MapShape) -> Vec<Vec<f32>> {
    let places = (shape.height * shape.width) as f64;
    let one = |map: &[f32]| {
        let mut sums = vec![0.0f64; shape.channels];
        for place in map.chunks_exact(shape.channels) {
            sums.iter_mut().zip(place).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums.into_iter().map(|sum| (sum / places) as f32).collect()
    };
    maps.chunks_exact(shape.len()).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_hundred_is_refused() {
        let distances: Vec<f64> = (1..=199u8).map(f64::from).collect();
        assert_eq!(threshold(&distances, 0.01), Some(198.0));
        assert_eq!(threshold(&distances[..19], 0.01), None);
        assert_eq!(threshold(&distances[..20], 0.01), Some(20.0));
    }

    #[test]
    fn maps_are_pooled() {
        let maps = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        assert_eq!(pool(&maps, MapShape::new(1, 2, 2)), [[2.0, 3.0], [6.0, 7.0]]);
    }

    #[test]
    fn facts_of_older_models_are_read() {
        let old = r#"{"layers":3,"threshold":1.5,"false_refusals":0.01}"#;
        let facts: GateFacts = serde_json::from_str(old).expect("the format before");
        assert_eq!((facts.kind, facts.unusual), (GateKind::Mahalanobis, None));
        let image = Strangeness { distance: 1.6, oddness: None };
        assert!(facts.refuses(&image) && !facts.is_unusual(&image));
    }
}
