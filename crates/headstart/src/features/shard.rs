//! Features of any number of images, a shard at a time: each becomes one Parquet part, and parts are merged, as those of
//! [`score`](crate::score).

use std::sync::{Mutex, PoisonError};

use half::f16;

use super::Extractor;
use super::part::{FeaturesOf, FeaturesSummary};
use super::pooled::{channel_means, channels_first};
use crate::backbone::Backbone;
use crate::error::Result;
use crate::image::Image;
use crate::observer::Observer;
use crate::shards::{self, Done, Merge, Merged, Shard, Task};
use crate::trunk::Buffers;

/// Of what the features are wanted, and where to.
#[derive(Debug, Clone, Copy)]
pub struct FeaturesJob<'a> {
    /// A folder, a `.csv`, a `.parquet`, a `.tar`, or a `.txt` that lists tars; a path or, in builds with the feature
    /// `cloud`, a URI.
    pub manifest: &'a str,
    /// The pretrained net.
    pub backbone: &'a Backbone,
    /// How many of its blocks the images pass.
    pub cut: usize,
    /// Whether to take the mean over height and width.
    pub pooled: bool,
    /// The part of the rows.
    pub shard: Shard,
    /// The folder, or with the feature `cloud` the place in a store, that gets the part.
    pub out: &'a str,
}

/// Computes the features of a shard and writes its part, unless that was done before. Values are those of
/// [`write_features`](super::write_features), to the bit. The part is there whole or not at all, and the same rows and backbone give the same
/// bytes on one vector level.
///
/// # Errors
/// As [`score`](crate::score::score).
pub fn write_part(job: &FeaturesJob<'_>, observer: &mut dyn Observer) -> Result<Done> {
    let extractor = Extractor::new(job.backbone, job.cut, &job.backbone.preprocess);
    let features = FeaturesOf::new(job.backbone, job.cut, &extractor, job.pooled);
    let buffers = Mutex::default();
    let make = |images: &[Image]| extractor.rows(images, job.pooled, &buffers);
    let task = Task { manifest: job.manifest, shard: job.shard, out: job.out };
    shards::make_part(&task, (features, &make), observer)
}

/// Merges the parts of all shards, in their order, into `merged.parquet`, and writes `summary.json`. The table's bytes do
/// not depend on the number of shards.
///
/// # Errors
/// As [`merge`](crate::score::merge).
pub fn merge_parts(request: &Merge<'_>) -> Result<Merged<FeaturesSummary>> {
    shards::merge(request, |features: &FeaturesOf, _| features.clone())
}

impl Extractor {
    /// The features of each image, channels first, or their means. They are rounded as the cache rounds them.
    fn rows(&self, images: &[Image], pooled: bool, buffers: &Mutex<Buffers>) -> Vec<Vec<f32>> {
        let map = self.output();
        let mut buffers = buffers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut features = self.plan().forward(&self.inputs(images), images.len(), &mut buffers);
        features.iter_mut().for_each(|value| *value = f16::from_f32(*value).to_f32());
        let row = |values: &[f32]| match pooled {
            true => channel_means(values, map).collect(),
            false => channels_first(values, map).collect(),
        };
        let rows = features.chunks_exact(map.len()).map(row).collect();
        buffers.recycle(features);
        rows
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;

    use super::*;
    use crate::features::write_features;
    use crate::image::encode_png;
    use crate::observer::Silent;
    use crate::shards::PartReader;

    /// Twenty files in two folders, of which one is no picture.
    fn pictures(folder: &Path) {
        for number in 0..20_u8 {
            let class = folder.join(["a", "b"][usize::from(number % 2)]);
            fs::create_dir_all(&class).expect("a folder");
            let pixels = (0..20 * 30 * 3).map(|index| (index % 251) as u8 ^ number).collect();
            let picture = encode_png(&Image::from_rgb8(20, 30, pixels));
            fs::write(class.join(format!("{number:02}.png")), picture).expect("writes");
        }
        fs::write(folder.join("b/03.png"), "a note").expect("writes");
    }

    /// The bytes of the merged table of so many shards.
    fn merged(job: &FeaturesJob<'_>, place: &Path, shards: u64) -> Vec<u8> {
        let out = place.join(format!("in-{shards}")).display().to_string();
        for index in (0..shards).rev() {
            let shard = Shard::new(index, shards).expect("a shard");
            write_part(&FeaturesJob { shard, out: &out, ..*job }, &mut Silent).expect("writes");
        }
        let merged = merge_parts(&Merge::new(&out)).expect("merges");
        assert_eq!((merged.summary.tally.rows, merged.summary.tally.status["unusable"]), (20, 1));
        fs::read(merged.table).expect("a table")
    }

    /// The values of an array of NumPy.
    fn values(file: &Path) -> Vec<f32> {
        let bytes = fs::read(file).expect("an array");
        let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        bytes[start..].as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
    }

    #[test]
    fn any_number_of_shards_has_the_values_of_the_array_to_the_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        pictures(&data);
        let backbone = Backbone::load_at("efficientnet-lite0", None, Some(32)).expect("embedded");
        for (cut, pooled) in [(2, false), (backbone.spec.blocks.len(), true)] {
            let place = folder.path().join(format!("{cut}"));
            let manifest = data.display().to_string();
            let job = FeaturesJob {
                manifest: &manifest,
                backbone: &backbone,
                cut,
                pooled,
                shard: Shard::WHOLE,
                out: "",
            };
            let whole = merged(&job, &place, 1);
            for shards in [2, 7] {
                assert!(merged(&job, &place, shards) == whole, "{shards} shards");
            }
            let extractor = Extractor::new(&backbone, cut, &backbone.preprocess);
            let array = place.join("array.npy");
            write_features(&extractor, &data, &place.join("cache"), (&array, pooled), &mut Silent)
                .expect("writes");
            let table = place.join("in-7/merged.parquet");
            let part =
                PartReader::<FeaturesOf>::open(File::open(&table).expect("opens"), &table).expect("a table");
            let mut found = Vec::new();
            part.each(|record| {
                found.extend(record.value.unwrap_or_default());
                Ok(())
            })
            .expect("reads");
            assert!(!found.is_empty() && found == values(&array), "cut {cut}");
        }
    }
}
