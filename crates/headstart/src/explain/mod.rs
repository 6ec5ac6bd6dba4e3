//! Where in an image a class was seen: Grad-CAM (Selvaraju 2017) and Layer-CAM (Jiang 2021) at the last
//! layer that still has places, whatever the backbone.

mod gradient;
mod overlay;

use std::str::FromStr;

use crate::backbone::spec::{Layer, MapShape};
use crate::backbone::weights::Weights;
use crate::error::Error;

pub use overlay::{overlay, side_by_side};

/// How activations and gradients become a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Each channel weighs what its mean gradient is.
    #[default]
    GradCam,
    /// Each place weighs by its own positive gradient.
    LayerCam,
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "grad-cam" => Ok(Self::GradCam),
            "layer-cam" => Ok(Self::LayerCam),
            _ => Err(Error::setting("explain_method", "grad-cam or layer-cam", text)),
        }
    }
}

/// How much each place of the net's input spoke for a class: rows from the top, from 0 to 1, all 0 when
/// nothing did.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[height, width]`
    pub values: Vec<f32>,
}

/// What lies behind the maps that are explained: enough of the net for their gradient.
#[derive(Debug, Clone)]
pub(crate) struct GradCam {
    layers: Vec<Layer>,
    weights: Weights,
    input: MapShape,
}

/// How many layers lie up to the last convolution, normalisation, sum or concatenation whose output still has places; `None`
/// for a net without any.
pub(crate) fn place(layers: &[&Layer], input: MapShape) -> Option<usize> {
    let mut shape = input;
    let mut last = None;
    for (index, layer) in layers.iter().enumerate() {
        shape = layer.output(shape);
        match layer {
            Layer::Convolution(_) | Layer::Residual { .. } | Layer::Norm(_) | Layer::Concatenate { .. }
                if shape.height * shape.width > 1 =>
            {
                last = Some(index + 1);
            }
            Layer::Convolution(_)
            | Layer::Norm(_)
            | Layer::Residual { .. }
            | Layer::Concatenate { .. }
            | Layer::SqueezeExcite(_)
            | Layer::MaxPool(_)
            | Layer::AveragePool { .. }
            | Layer::GlobalAveragePool
            | Layer::Flatten
            | Layer::Dropout { .. }
            | Layer::Dense(_) => {}
        }
    }
    last
}

impl GradCam {
    /// For maps of shape `input`, with `layers` behind them.
    pub(crate) fn new(layers: &[&Layer], weights: &Weights, input: MapShape) -> Self {
        let layers: Vec<Layer> = layers.iter().map(|layer| (*layer).clone()).collect();
        let mut kept = Weights::default();
        for (name, shape) in layers.iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat())
        {
            let values = weights.get(&name).values.clone();
            kept.insert(name, shape, values);
        }
        Self { layers, weights: kept, input }
    }

    /// Where one image's maps `[H, W, C]` speak for the logit of `class`.
    pub(crate) fn look(&self, maps: &[f32], class: usize, method: Method) -> Heatmap {
        let MapShape { height, width, channels } = self.input;
        let gradient = self.gradient(maps, class);
        let mut values = vec![0.0f32; height * width];
        let means: Vec<f32> = (0..channels)
            .map(|channel| {
                let own = gradient.iter().skip(channel).step_by(channels);
                own.sum::<f32>() / (height * width) as f32
            })
            .collect();
        let places = maps.chunks_exact(channels).zip(gradient.chunks_exact(channels));
        for (value, (map, gradient)) in values.iter_mut().zip(places) {
            let weights: &mut dyn Iterator<Item = f32> = match method {
                Method::GradCam => &mut means.iter().copied(),
                Method::LayerCam => &mut gradient.iter().map(|gradient| gradient.max(0.0)),
            };
            *value = map.iter().zip(weights).map(|(map, weight)| map * weight).sum::<f32>().max(0.0);
        }
        let mut map = Heatmap { width, height, values };
        map.scale();
        map
    }

    /// Of the logit by the maps.
    fn gradient(&self, maps: &[f32], class: usize) -> Vec<f32> {
        gradient::through(&self.layers, &self.weights, (maps, self.input), &mut |logits| {
            let mut by_logits = vec![0.0; logits.len()];
            by_logits[class] = 1.0;
            by_logits
        })
    }
}

impl Heatmap {
    /// The mean of maps of one size, scaled to 1 at its largest again; `None` of none.
    pub(crate) fn mean(maps: &[Self]) -> Option<Self> {
        let (first, others) = maps.split_first()?;
        let mut sum = first.clone();
        for map in others {
            sum.values.iter_mut().zip(&map.values).for_each(|(sum, value)| *sum += value);
        }
        sum.scale();
        Some(sum)
    }

    /// Makes the largest value 1; a map without any stays as it is.
    fn scale(&mut self) {
        let largest = self.values.iter().copied().fold(0.0, f32::max);
        if largest > 0.0 {
            self.values.iter_mut().for_each(|value| *value /= largest);
        }
    }

    /// The value at a place from 0 to 1 across and down, between neighbours in proportion.
    pub fn at(&self, across: f64, down: f64) -> f32 {
        let place = |share: f64, count: usize| {
            let middle = (share * count as f64 - 0.5).clamp(0.0, (count - 1) as f64);
            let low = middle.floor() as usize;
            (low, (low + 1).min(count - 1), (middle - middle.floor()) as f32)
        };
        let ((left, right, x), (top, bottom, y)) = (place(across, self.width), place(down, self.height));
        let value = |row: usize, column: usize| self.values[row * self.width + column];
        let row = |row: usize| value(row, left) * (1.0 - x) + value(row, right) * x;
        row(top) * (1.0 - y) + row(bottom) * y
    }

    /// Spearman's correlation with another map of the same size: 1 for the same order of places, about 0
    /// for another. 0 when one of the two is flat.
    pub fn rank_correlation(&self, other: &Self) -> f64 {
        let ranks = |map: &Self| {
            crate::evaluate::midranks(&map.values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>())
        };
        let (a, b) = (ranks(self), ranks(other));
        let mean = (a.len() as f64 + 1.0) / 2.0;
        let product =
            |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum() };
        let scale = (product(&a, &a) * product(&b, &b)).sqrt();
        if scale > 0.0 { product(&a, &b) / scale } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::registry::ENTRIES;
    use crate::backbone::spec::{Activation, Dense};

    fn dense(input: usize, output: usize) -> Layer {
        Layer::Dense(Dense { name: "d".into(), input, output, activation: Activation::Identity, l2: 0.0 })
    }

    #[test]
    fn every_backbone_has_its_last_places() {
        let found: Vec<(&str, MapShape)> = ENTRIES
            .iter()
            .map(|entry| {
                let spec = entry.spec();
                let layers: Vec<&Layer> = spec.layers(0..spec.blocks.len()).collect();
                let input = MapShape::new(224, 224, 3);
                let place = place(&layers, input).expect("a convolution");
                let shape = layers[..place].iter().fold(input, |shape, layer| layer.output(shape));
                (entry.name, shape)
            })
            .collect();
        for (name, shape) in &found {
            assert!(shape.height >= 7 && shape.width >= 7, "{name}: {shape:?}");
        }
        assert!(found.contains(&("efficientnet-lite0", MapShape::new(7, 7, 1280))), "{found:?}");
        assert!(found.contains(&("resnet50", MapShape::new(7, 7, 2048))), "{found:?}");
        // Before the last pool, not behind it.
        assert!(found.contains(&("vgg16", MapShape::new(14, 14, 512))), "{found:?}");
    }

    /// Behind a mean over four places and a dense layer the gradient of a logit is its weight / 4, so
    /// Grad-CAM is the weighted sum of the channels (CAM, Zhou 2016).
    #[test]
    fn a_map_by_hand() {
        let layers = [Layer::GlobalAveragePool, dense(2, 2)];
        let mut weights = Weights::default();
        weights.insert("d.weight", vec![2, 2], vec![1.0, -1.0, -2.0, 2.0]);
        weights.insert("d.bias", vec![2], vec![0.0; 2]);
        let layers: Vec<&Layer> = layers.iter().collect();
        let grad_cam = GradCam::new(&layers, &weights, MapShape::new(2, 2, 2));
        let maps = [1.0, 0.0, 3.0, 1.0, 0.0, 5.0, 4.0, 0.0];
        // Class 0 weighs the channels 1 and −2: 1, 1, −10, 4.
        assert_eq!(grad_cam.look(&maps, 0, Method::GradCam).values, [0.25, 0.25, 0.0, 1.0]);
        // Layer-CAM leaves the channel that speaks against it out: 1, 3, 0, 4.
        assert_eq!(grad_cam.look(&maps, 0, Method::LayerCam).values, [0.25, 0.75, 0.0, 1.0]);
        // Class 1 weighs −1 and 2: −1, −1, 10, −4.
        assert_eq!(grad_cam.look(&maps, 1, Method::GradCam).values, [0.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn places_between_are_in_proportion() {
        let map = Heatmap { width: 2, height: 1, values: vec![0.0, 1.0] };
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(|x| map.at(x, 0.5)), [0.0, 0.0, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn ranks_compare_maps() {
        let map = |values: [f32; 4]| Heatmap { width: 2, height: 2, values: values.to_vec() };
        let rising = map([0.0, 0.1, 0.5, 1.0]);
        assert_eq!(rising.rank_correlation(&map([0.0, 0.2, 0.3, 0.9])), 1.0);
        assert_eq!(rising.rank_correlation(&map([1.0, 0.5, 0.1, 0.0])), -1.0);
        assert_eq!(rising.rank_correlation(&map([0.0; 4])), 0.0);
    }
}
