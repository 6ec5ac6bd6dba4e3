//! Features at a later cut, computed from those at an earlier one: the images are not looked at again.

use std::path::Path;

use super::cache::Cache;
use super::fill::{Inputs, Wanting, fill};
use super::records::Records;
use super::written;
use crate::backbone::spec::{Layer, MapShape};
use crate::backbone::weights::Weights;
use crate::compiled::Compiled;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::ranks::Ranks;
use crate::sha256::sha256;

/// The layers between two cuts.
#[derive(Debug)]
pub(crate) struct Further {
    plan: Compiled,
    key: String,
}

impl Further {
    /// Compiles `layers`, which read features of shape `input`, for the device that these come from.
    pub(crate) fn new(layers: &[Layer], weights: &Weights, input: MapShape, device: &Device) -> Self {
        let text = serde_json::to_string(layers).expect("plain structs become JSON");
        let key = sha256(format!("1 {text} {}", weights.digest(layers)).as_bytes());
        Self { plan: Compiled::new(layers, weights, input, device), key: format!("further-{}", &key[..16]) }
    }

    /// Shape of one image's features at the later cut.
    pub(crate) fn output(&self) -> MapShape {
        self.plan.output()
    }

    /// Those of the images `wanted`, by their place in `records`, from the cache in `folder` or computed into
    /// it, by each rank those at its places. They keep their places; the others need not be there.
    ///
    /// # Errors
    /// When the cache cannot be written, or [`Error::Interrupted`].
    pub(crate) fn extract(
        &self,
        records: &Records,
        wanted: &[usize],
        (folder, ranks): (&Path, &Ranks),
        progress: &mut dyn Observer,
    ) -> Result<Records> {
        let key = format!("{}-{}", records.key(), self.key);
        let open = || Cache::open(folder, &key, self.output().len());
        let mut cache = open()?;
        let known = cache.read(records.contents());
        let mut missing: Vec<usize> = wanted.iter().copied().filter(|index| !known.has(*index)).collect();
        let wanting = Wanting { total: wanted.len(), cached: wanted.len() - missing.len() };
        missing.retain(|index| ranks.has(*index));
        drop(known);
        let length = self.plan.input().len();
        let caches = std::slice::from_mut(&mut cache);
        fill((&self.plan, caches), (&vec![1; missing.len()], wanting), progress, |batch, _| {
            let batch = &missing[batch];
            let mut values = vec![0.0; batch.len() * length];
            let slots = batch.iter().zip(values.chunks_exact_mut(length));
            slots.for_each(|(index, map)| records.copy(*index, map));
            records.check()?;
            Ok(Inputs { of: batch.iter().map(|index| (0, records.contents()[*index])).collect(), values })
        })?;
        let is_whole = |further: &Records| wanted.iter().all(|index| further.has(*index));
        let read = |caches: &[Cache]| caches[0].read(records.contents());
        let further = written::by_all(ranks, vec![cache], || Ok(vec![open()?]), read, is_whole)?;
        match is_whole(&further) {
            true => Ok(further),
            false => Err(Error::invalid(folder.join(key), "the features that were just written", "others")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::spec::{Activation, Dense};
    use crate::observer::Observer;

    /// Counts what is computed.
    #[derive(Default)]
    struct Computed(usize);

    impl Observer for Computed {
        fn estimated(&mut self, images: usize, _: std::time::Duration) {
            self.0 += images;
        }
    }

    /// `factor` times the sum of two features.
    fn further(factor: f32) -> Further {
        let (name, activation) = ("sum".to_string(), Activation::Identity);
        let layers = [Layer::Dense(Dense { name, input: 2, output: 1, activation, l2: 0.0 })];
        let mut weights = Weights::default();
        weights.insert("sum.weight", vec![2, 1], vec![factor; 2]);
        weights.insert("sum.bias", vec![1], vec![0.0]);
        Further::new(&layers, &weights, MapShape::new(1, 1, 2), &Device::cpu())
    }

    #[test]
    fn only_what_is_wanted_and_missing_is_computed_and_other_weights_have_features_of_their_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let contents: Vec<[u8; 32]> = (1..=40).map(|index| [index; 32]).collect();
        let values: Vec<f32> = (1..=40).flat_map(|index| [index as f32, 0.5]).collect();
        let mut cache = Cache::open(folder.path(), "trunk", 2).expect("opens");
        cache.append(&contents, &values).expect("writes");
        let records = cache.read(&contents);
        let extract = |factor: f32, wanted: &[usize]| {
            let mut computed = Computed::default();
            let found =
                further(factor).extract(&records, wanted, (folder.path(), &Ranks::default()), &mut computed);
            let found = found.expect("computes");
            let value = |index: &usize| {
                let mut value = [0.0];
                found.copy(*index, &mut value);
                value[0]
            };
            (wanted.iter().map(value).collect::<Vec<f32>>(), found.has(0), computed.0)
        };
        assert_eq!(extract(2.0, &[1, 39]), (vec![5.0, 81.0], false, 2));
        assert_eq!(extract(2.0, &[1, 2, 39]), (vec![5.0, 7.0, 81.0], false, 1));
        assert_eq!(extract(4.0, &[1]), (vec![10.0], false, 1));
        assert_eq!(extract(2.0, &(0..40).collect::<Vec<_>>()).2, 37);
    }
}
