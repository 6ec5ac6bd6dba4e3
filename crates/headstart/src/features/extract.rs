//! Decodes, preprocesses and runs the trunk over a data set, through the cache.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::cache::{Cache, Content, Records};
use crate::backbone::Backbone;
use crate::backbone::spec::{MapShape, Spec};
use crate::dataset::Sample;
use crate::error::{Error, Result};
use crate::image::{Limits, Preprocess};
use crate::trunk::{Buffers, Plan};

/// Images that run through the trunk, and into the cache, at a time.
const BATCH: usize = 16;

/// What an extraction tells while it works.
pub trait Progress {
    /// Computing the features of `images` images will take about `time`, by the first batch.
    fn estimated(&mut self, images: usize, time: Duration);
    /// `done` of `total` images have their features; `cached` of them lay in the cache.
    fn extracted(&mut self, done: usize, total: usize, cached: usize);
    /// A file cannot be used, and why.
    fn set_aside(&mut self, path: &str, why: &str);
    /// Whether to stop.
    fn stop(&self) -> bool {
        false
    }
}

/// A frozen trunk with its preprocessing.
#[derive(Debug)]
pub struct Extractor {
    preprocess: Preprocess,
    plan: Plan,
    key: String,
}

/// The features of those samples that could be used.
#[derive(Debug)]
pub struct Extracted {
    /// Indices into the samples that were given.
    pub usable: Vec<usize>,
    /// One record for each of [`Extracted::usable`].
    pub records: Records,
    /// Paths that could not be used, and why.
    pub set_aside: Vec<(String, String)>,
}

impl Extractor {
    /// The first `cut` blocks of a backbone.
    pub fn new(backbone: &Backbone, cut: usize, preprocess: &Preprocess) -> Self {
        let spec = &backbone.spec;
        let plan = Plan::new(spec.layers(0..cut), &backbone.weights, input(preprocess));
        Self { preprocess: preprocess.clone(), plan, key: key(spec, backbone, cut, preprocess) }
    }

    /// Shape of one image's features.
    pub fn output(&self) -> MapShape {
        self.plan.output()
    }

    /// Shape of one preprocessed image.
    pub fn input(&self) -> MapShape {
        self.plan.input()
    }

    /// Runs preprocessed images, `[batch, H, W, 3]`, through the trunk and drops the features.
    pub(crate) fn run(&self, images: &[f32], batch: usize, buffers: &mut Buffers) {
        let features = self.plan.forward(images, batch, buffers);
        buffers.recycle(features);
    }

    /// Names everything that the features depend on besides the image.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Bytes that one image's features take in the cache.
    pub fn record_bytes(&self) -> usize {
        self.output().len() * 2
    }

    /// Features of `samples`, from the cache in `folder` or computed into it.
    ///
    /// # Errors
    /// When the cache cannot be written, or [`Error::Interrupted`]. A file that cannot be used is no error.
    pub fn extract(
        &self,
        samples: &[Sample],
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Extracted> {
        let mut cache = Cache::open(folder, &self.key, self.output().len())?;
        // A file that cannot even be read is asked for again below, where it is set aside.
        let contents: Vec<Content> =
            samples.par_iter().map(|sample| sample.content_hash().unwrap_or_default()).collect();
        let known = cache.read(&contents)?;
        let missing: Vec<usize> = (0..samples.len()).filter(|index| !known.has(*index)).collect();
        drop(known);
        let aside = self.compute(samples, &missing, &mut cache, progress)?;
        let unusable: HashSet<usize> = aside.iter().map(|(index, _)| *index).collect();
        let usable: Vec<usize> = (0..samples.len()).filter(|index| !unusable.contains(index)).collect();
        let contents: Vec<Content> = usable.iter().map(|index| contents[*index]).collect();
        let records = cache.read(&contents)?;
        if let Some(index) = (0..usable.len()).find(|index| !records.has(*index)) {
            let path = &samples[usable[index]].path;
            return Err(Error::invalid(
                path,
                "the file that was read at first",
                "other bytes: it changed meanwhile",
            ));
        }
        let set_aside = aside.into_iter().map(|(index, why)| (samples[index].path.clone(), why)).collect();
        Ok(Extracted { usable, records, set_aside })
    }

    /// Computes the features of the samples at `missing` into the cache, and returns those that cannot be used.
    fn compute(
        &self,
        samples: &[Sample],
        missing: &[usize],
        cache: &mut Cache,
        progress: &mut dyn Progress,
    ) -> Result<Vec<(usize, String)>> {
        let (total, cached) = (samples.len(), samples.len() - missing.len());
        let (mut buffers, mut aside, mut done) = (Buffers::default(), Vec::new(), cached);
        progress.extracted(done, total, cached);
        for batch in missing.chunks(BATCH) {
            if progress.stop() {
                return Err(Error::Interrupted);
            }
            let start = Instant::now();
            let read: Vec<_> = batch.par_iter().map(|index| (*index, self.read(&samples[*index]))).collect();
            let (mut found, mut maps) = (Vec::new(), Vec::new());
            for (index, result) in read {
                match result {
                    Ok((content, map)) => {
                        found.push(content);
                        maps.extend(map);
                    }
                    Err(why) => {
                        progress.set_aside(&samples[index].path, &why);
                        aside.push((index, why));
                    }
                }
            }
            let features = self.plan.forward(&maps, found.len(), &mut buffers);
            cache.append(&found, &features)?;
            buffers.recycle(features);
            if done == cached {
                progress.estimated(missing.len(), start.elapsed() * missing.len().div_ceil(BATCH) as u32);
            }
            done += batch.len();
            progress.extracted(done, total, cached);
        }
        Ok(aside)
    }

    /// An image's content and its preprocessed pixels, or why there are none.
    fn read(&self, sample: &Sample) -> Result<(Content, Vec<f32>), String> {
        let (image, content) = sample.read_with_hash(&Limits::default())?;
        Ok((content, self.preprocess.apply(&image)))
    }
}

/// The shape of a preprocessed image.
pub(crate) fn input(preprocess: &Preprocess) -> MapShape {
    MapShape::new(preprocess.size, preprocess.size, 3)
}

/// Names everything that the features depend on besides the image.
fn key(spec: &Spec, backbone: &Backbone, cut: usize, preprocess: &Preprocess) -> String {
    let preprocess = serde_json::to_string(preprocess).expect("a plain struct becomes JSON");
    let weights = backbone.weights.digest(spec.layers(0..cut));
    let layers = serde_json::to_string(&spec.blocks[..cut]).expect("plain structs become JSON");
    let all = crate::backbone::weights::sha256(format!("1 {preprocess} {layers} {weights}").as_bytes());
    format!("{}-{}", spec.name, &all[..16])
}
