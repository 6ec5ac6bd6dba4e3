//! Features of images in the order that other programs expect: as one vector each, the mean over height and width, or channels
//! first.

use std::ops::Range;

use half::f16;

use super::{Extracted, Extractor};
use crate::backbone::spec::MapShape;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::observer::Observer;
use crate::trunk::Buffers;

impl Extracted {
    /// The mean of each record over height and width, where `map` is [`Extractor::output`].
    ///
    /// # Shapes
    /// result: `[N, C]`
    ///
    /// # Errors
    /// When the cache was changed by another program meanwhile.
    pub fn means(&self, map: MapShape) -> Result<Vec<f32>> {
        let mut values = vec![0.0; map.len()];
        let mut means = Vec::with_capacity(self.usable.len() * map.channels);
        for row in 0..self.usable.len() {
            self.records.copy(row, &mut values);
            means.extend(channel_means(&values, map));
        }
        self.records.check()?;
        Ok(means)
    }
}

impl Extractor {
    /// The mean of each image's features over height and width, computed and not cached. Features are rounded as the
    /// cache rounds them, so that an image has the same means by either way. `take` gives those at some of
    /// `total` places.
    ///
    /// # Shapes
    /// result: `[N, C]`
    ///
    /// # Errors
    /// What `take` says, or [`Error::Interrupted`].
    pub fn means_of(
        &self,
        total: usize,
        mut take: impl FnMut(Range<usize>) -> Result<Vec<Image>>,
        progress: &mut dyn Observer,
    ) -> Result<Vec<f32>> {
        let map = self.output();
        let plan = self.plan();
        let (size, mut buffers) = (plan.batch_size(), Buffers::default());
        let mut means = Vec::with_capacity(total * map.channels);
        for start in (0..total).step_by(size) {
            if progress.stop() {
                return Err(Error::Interrupted);
            }
            let batch = start..total.min(start + size);
            let inputs = self.inputs(&take(batch.clone())?);
            let mut features = plan.forward(&inputs, batch.len(), &mut buffers);
            features.iter_mut().for_each(|value| *value = f16::from_f32(*value).to_f32());
            features.chunks_exact(map.len()).for_each(|row| means.extend(channel_means(row, map)));
            buffers.recycle(features);
            progress.extracted(batch.end, total, 0);
        }
        Ok(means)
    }
}

/// The mean of each channel of `[H, W, C]`.
pub(super) fn channel_means(values: &[f32], map: MapShape) -> impl Iterator<Item = f32> + '_ {
    let places = values.len() / map.channels;
    (0..map.channels).map(move |channel| {
        let of_channel = values.iter().skip(channel).step_by(map.channels);
        (of_channel.map(|value| f64::from(*value)).sum::<f64>() / places as f64) as f32
    })
}

/// `[H, W, C]` as `[C, H, W]`.
pub(super) fn channels_first(values: &[f32], map: MapShape) -> impl Iterator<Item = f32> + '_ {
    (0..map.channels).flat_map(move |channel| values.iter().skip(channel).step_by(map.channels).copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::Backbone;
    use crate::dataset::Sample;
    use crate::image::{Limits, encode_png};
    use crate::observer::Silent;

    #[test]
    fn a_mean_is_over_the_places_of_its_channel() {
        let means: Vec<f32> =
            channel_means(&[1.0, 10.0, 2.0, 20.0, 6.0, 30.0], MapShape::new(1, 3, 2)).collect();
        assert_eq!(means, [3.0, 20.0]);
        let turned: Vec<f32> =
            channels_first(&[1.0, 10.0, 2.0, 20.0, 6.0, 30.0], MapShape::new(1, 3, 2)).collect();
        assert_eq!(turned, [1.0, 2.0, 6.0, 10.0, 20.0, 30.0]);
    }

    #[test]
    fn an_image_has_the_same_means_with_the_cache_and_without() {
        let folder = tempfile::tempdir().expect("a folder");
        let backbone = Backbone::load_at("efficientnet-lite0", None, Some(32)).expect("embedded");
        let extractor = Extractor::new(&backbone, 2, &backbone.preprocess);
        let file = |number: u8| {
            let pixels = (0..20 * 30 * 3).map(|index| (index % 251) as u8 ^ number).collect();
            let path = folder.path().join(format!("{number}.png"));
            std::fs::write(&path, encode_png(&Image::from_rgb8(20, 30, pixels))).expect("writes");
            Sample::unlabelled(path).expect("a name in UTF-8")
        };
        let samples: Vec<Sample> = (0..19).map(file).collect();
        let extracted =
            extractor.extract(&samples, &folder.path().join("cache"), &mut Silent).expect("computes");
        let cached = extracted.means(extractor.output()).expect("is there");
        let take = |places: Range<usize>| {
            Ok(samples[places]
                .iter()
                .map(|sample| sample.read(&Limits::default()).expect("decodes"))
                .collect())
        };
        let fresh = extractor.means_of(samples.len(), take, &mut Silent).expect("computes");
        assert_eq!((cached.len(), cached), (19 * extractor.output().channels, fresh));
    }
}
