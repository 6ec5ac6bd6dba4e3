//! Decodes, preprocesses and runs the trunk over a data set, through the cache.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use half::f16;
use rayon::prelude::*;

use super::cache::{Cache, Content, Records};
use super::fill::fill;
use crate::backbone::Backbone;
use crate::backbone::spec::{Block, Layer, MapShape, Spec, output_shape};
use crate::backbone::weights::{Weights, sha256};
use crate::dataset::Sample;
use crate::error::{Error, Result};
use crate::image::{Augment, Limits, Preprocess, TestView};
use crate::trunk::{Buffers, Plan};

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
    blocks: Vec<Block>,
    weights: Weights,
    /// Compiled when images have to pass, which those in the cache have not.
    plan: Mutex<Option<Arc<Plan>>>,
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

/// A view of each image.
#[derive(Debug, Clone, Copy)]
pub enum View {
    /// One of those that are drawn.
    Drawn {
        /// How far it may differ.
        augment: Augment,
        /// Which, from 1 on.
        number: usize,
    },
    /// Always the same.
    Fixed(TestView),
}

impl View {
    /// Names it; the number of views does not matter, so that those that are there are used again.
    fn key(&self) -> String {
        let (text, number) = match self {
            Self::Drawn { augment, number } => {
                (serde_json::to_string(&Augment { views: 0, ..*augment }), *number)
            }
            Self::Fixed(view) => (serde_json::to_string(view), 0),
        };
        let text = text.expect("a plain struct becomes JSON");
        format!("{}-{number}", &sha256(text.as_bytes())[..8])
    }

    fn apply(&self, preprocess: &Preprocess, input: &mut [f32], content: &Content) {
        match self {
            Self::Drawn { augment, number } => augment.apply(preprocess, input, content, *number),
            Self::Fixed(view) => {
                let turned = view.apply(input, preprocess.size);
                input.copy_from_slice(&turned);
            }
        }
    }
}

impl Extractor {
    /// The first `cut` blocks of a backbone.
    pub fn new(backbone: &Backbone, cut: usize, preprocess: &Preprocess) -> Self {
        Self {
            preprocess: preprocess.clone(),
            blocks: backbone.spec.blocks[..cut].to_vec(),
            weights: backbone.weights.clone(),
            plan: Mutex::default(),
            key: key(&backbone.spec, backbone, cut, preprocess),
        }
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.blocks.iter().flat_map(|block| &block.layers)
    }

    fn plan(&self) -> Arc<Plan> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || Arc::new(Plan::new(self.layers(), &self.weights, self.input()));
        plan.get_or_insert_with(compile).clone()
    }

    /// Lets go of the compiled trunk, whose weights take up to four times their room.
    pub(crate) fn rest(&self) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Shape of one image's features.
    pub fn output(&self) -> MapShape {
        output_shape(self.layers(), self.input())
    }

    /// Shape of one preprocessed image.
    pub fn input(&self) -> MapShape {
        input(&self.preprocess)
    }

    /// Runs preprocessed images, `[batch, H, W, 3]`, through the trunk and drops the features.
    pub(crate) fn run(&self, images: &[f32], batch: usize, buffers: &mut Buffers) {
        let features = self.plan().forward(images, batch, buffers);
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
        self.extract_view(samples, None, folder, progress)
    }

    /// The same of a view of each image.
    ///
    /// # Errors
    /// As [`Extractor::extract`].
    pub fn extract_view(
        &self,
        samples: &[Sample],
        view: Option<View>,
        folder: &Path,
        progress: &mut dyn Progress,
    ) -> Result<Extracted> {
        let key = view.map_or_else(|| self.key.clone(), |view| format!("{}-{}", self.key, view.key()));
        let mut cache = Cache::open(folder, &key, self.output().len())?;
        // A file that cannot even be read is asked for again below, where it is set aside.
        let contents: Vec<Content> =
            samples.par_iter().map(|sample| sample.content_hash().unwrap_or_default()).collect();
        let known = cache.read(&contents)?;
        let missing: Vec<usize> = (0..samples.len()).filter(|index| !known.has(*index)).collect();
        drop(known);
        let aside = self.compute(samples, &missing, view, &mut cache, progress)?;
        let unusable: HashSet<usize> = aside.iter().map(|(index, _)| *index).collect();
        let usable: Vec<usize> = (0..samples.len()).filter(|index| !unusable.contains(index)).collect();
        let contents: Vec<Content> = usable.iter().map(|index| contents[*index]).collect();
        let records = cache.read(&contents)?;
        if let Some(index) = (0..usable.len()).find(|index| !records.has(*index)) {
            let path = samples[usable[index]].path();
            return Err(Error::invalid(
                path,
                "the file that was read at first",
                "other bytes: it changed meanwhile",
            ));
        }
        let set_aside =
            aside.into_iter().map(|(index, why)| (samples[index].path().to_string(), why)).collect();
        Ok(Extracted { usable, records, set_aside })
    }

    /// Computes the features of the samples at `missing` into the cache, and returns those that cannot be used.
    fn compute(
        &self,
        samples: &[Sample],
        missing: &[usize],
        view: Option<View>,
        cache: &mut Cache,
        progress: &mut dyn Progress,
    ) -> Result<Vec<(usize, String)>> {
        if missing.is_empty() {
            progress.extracted(samples.len(), samples.len(), samples.len());
            return Ok(vec![]);
        }
        let mut aside = Vec::new();
        fill((&self.plan(), cache), (missing, samples.len()), progress, |batch, progress| {
            let read: Vec<_> =
                batch.par_iter().map(|index| (*index, self.read(&samples[*index], view))).collect();
            let (mut found, mut maps) = (Vec::new(), Vec::new());
            for (index, result) in read {
                match result {
                    Ok((content, map)) => {
                        found.push(content);
                        maps.extend(map);
                    }
                    Err(why) => {
                        progress.set_aside(samples[index].path(), &why);
                        aside.push((index, why));
                    }
                }
            }
            (found, maps)
        })?;
        Ok(aside)
    }

    /// Features of views of samples, one after the other, rounded as the cache rounds them.
    ///
    /// # Errors
    /// The path of the first file that cannot be used, and why.
    pub(crate) fn features_of(&self, wanted: &[(&Sample, View)]) -> Result<Vec<f32>, (String, String)> {
        let read = |(sample, view): &(&Sample, View)| {
            self.read(sample, Some(*view)).map(|(_, map)| map).map_err(|why| (sample.path().to_string(), why))
        };
        let maps = wanted.par_iter().map(read).collect::<Result<Vec<_>, _>>()?.concat();
        let mut buffers = Buffers::default();
        let features = self.plan().forward(&maps, wanted.len(), &mut buffers);
        Ok(features.iter().map(|value| f16::from_f32(*value).to_f32()).collect())
    }

    /// An image's content and its preprocessed pixels, or why there are none.
    fn read(&self, sample: &Sample, view: Option<View>) -> Result<(Content, Vec<f32>), String> {
        let (image, content) = sample.read_with_hash(&Limits::default())?;
        let mut input = self.preprocess.apply(&image);
        if let Some(view) = view {
            view.apply(&self.preprocess, &mut input, &content);
        }
        Ok((content, input))
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
    let all = sha256(format!("1 {preprocess} {layers} {weights}").as_bytes());
    format!("{}-{}", spec.name, &all[..16])
}
