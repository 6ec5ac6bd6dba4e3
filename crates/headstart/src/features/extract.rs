//! Decodes, preprocesses and runs the trunk over a data set, through the cache.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use half::f16;
use rayon::prelude::*;

use super::cache::{Cache, Content};
use super::fill::{Inputs, Wanting, fill};
use super::records::Records;
use super::view::{View, Wanted};
use super::written;
use crate::backbone::Backbone;
use crate::backbone::spec::{Block, Layer, MapShape, Spec, output_shape};
use crate::backbone::weights::Weights;
use crate::compiled::Compiled;
use crate::dataset::Sample;
use crate::device::{Device, DeviceClass};
use crate::error::{Error, Result};
use crate::image::{Image, Limits, Preprocess};
use crate::observer::Observer;
use crate::ranks::Ranks;
use crate::sha256::sha256;
use crate::trunk::Buffers;

/// A frozen trunk with its preprocessing.
#[derive(Debug)]
pub struct Extractor {
    preprocess: Preprocess,
    blocks: Vec<Block>,
    weights: Weights,
    /// Compiled when images have to pass, which those in the cache have not.
    plan: Mutex<Option<Arc<Compiled>>>,
    device: Device,
    /// Names the trunk.
    trunk: String,
    /// The same, and the kind of device unless it is the CPU.
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

/// The features of views of those samples that could be used.
#[derive(Debug)]
pub struct ExtractedViews {
    /// Indices into the samples that were given.
    pub usable: Vec<usize>,
    /// Of each wanted view a record for each of its samples that are usable, in order.
    pub records: Vec<Records>,
    /// Paths that could not be used, and why.
    pub set_aside: Vec<(String, String)>,
}

impl Extractor {
    /// The first `cut` blocks of a backbone.
    pub fn new(backbone: &Backbone, cut: usize, preprocess: &Preprocess) -> Self {
        let trunk = key(&backbone.spec, backbone, cut, preprocess);
        Self {
            preprocess: preprocess.clone(),
            blocks: backbone.spec.blocks[..cut].to_vec(),
            weights: backbone.weights.clone(),
            plan: Mutex::default(),
            device: Device::cpu(),
            key: trunk.clone(),
            trunk,
        }
    }

    /// The same, computed on `device`. Its features differ in their last digits from those of another kind of device,
    /// and have a place of their own in the cache.
    #[must_use]
    pub fn on(self, device: &Device) -> Self {
        let key = match device.class() {
            DeviceClass::Cpu => self.trunk.clone(),
            class @ (DeviceClass::Cuda | DeviceClass::Vulkan | DeviceClass::Metal) => {
                format!("{}@{class}", self.trunk)
            }
        };
        Self { plan: Mutex::default(), device: device.clone(), key, ..self }
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.blocks.iter().flat_map(|block| &block.layers)
    }

    pub(super) fn plan(&self) -> Arc<Compiled> {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || Arc::new(Compiled::new(self.layers(), &self.weights, self.input(), &self.device));
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

    /// Features of decoded images, computed and not cached.
    ///
    /// # Shapes
    /// result: `[N, H, W, C]`, of which [`Extractor::output`] tells `[H, W, C]`
    pub fn features(&self, images: &[Image]) -> Vec<f32> {
        self.plan().forward(&self.inputs(images), images.len(), &mut Buffers::default()).to_vec()
    }

    /// Preprocessed images, `[N, H, W, 3]`.
    pub(super) fn inputs(&self, images: &[Image]) -> Vec<f32> {
        let length = self.preprocess.len();
        let mut inputs = vec![0.0; images.len() * length];
        let slots = inputs.par_chunks_exact_mut(length);
        images.par_iter().zip(slots).for_each(|(image, slot)| self.preprocess.apply_into(image, slot));
        inputs
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
        progress: &mut dyn Observer,
    ) -> Result<Extracted> {
        let all = Wanted { view: View::default(), samples: (0..samples.len()).collect() };
        let mut extracted = self.extract_views(samples, &[all], (folder, &Ranks::default()), progress)?;
        Ok(Extracted {
            records: extracted.records.remove(0),
            usable: extracted.usable,
            set_aside: extracted.set_aside,
        })
    }

    /// Features of views of samples. Each image is decoded once for all its views. Ranks share the work: each computes
    /// the samples at its places into a segment of its own, and all read all segments.
    ///
    /// # Errors
    /// As [`Extractor::extract`].
    pub fn extract_views(
        &self,
        samples: &[Sample],
        wanted: &[Wanted],
        (folder, ranks): (&Path, &Ranks),
        progress: &mut dyn Observer,
    ) -> Result<ExtractedViews> {
        let contents = contents(samples, ranks)?;
        let mut caches = self.open(wanted, folder)?;
        let of = |samples: &[usize]| samples.iter().map(|index| contents[*index]).collect::<Vec<_>>();
        let mut lacking = vec![Vec::new(); samples.len()];
        for (number, (wanted, cache)) in wanted.iter().zip(&caches).enumerate() {
            let known = cache.read(&of(&wanted.samples));
            let missing = wanted.samples.iter().enumerate().filter(|(place, _)| !known.has(*place));
            missing.for_each(|(_, index)| lacking[*index].push(number));
        }
        let total = wanted.iter().map(|wanted| wanted.samples.len()).sum();
        let missing: usize = lacking.iter().map(Vec::len).sum();
        let wanting = Wanting { total, cached: total - missing };
        let others = (0..samples.len()).filter(|index| !ranks.has(*index));
        let left_to_others: usize = others.map(|index| std::mem::take(&mut lacking[index]).len()).sum();
        let views: Vec<&View> = wanted.iter().map(|wanted| &wanted.view).collect();
        let aside = self.compute((samples, &views), (&lacking, wanting), &mut caches, progress)?;
        let aside = shared(aside, samples, ranks, progress)?;
        let unusable: HashSet<usize> = aside.iter().map(|(index, _)| *index).collect();
        let left = |samples: &[usize]| -> Vec<usize> {
            samples.iter().copied().filter(|index| !unusable.contains(index)).collect()
        };
        let usable_of: Vec<Vec<usize>> = wanted.iter().map(|wanted| left(&wanted.samples)).collect();
        let read = |caches: &[Cache]| -> Vec<Records> {
            usable_of.iter().zip(caches).map(|(usable, cache)| cache.read(&of(usable))).collect()
        };
        let lacks = |records: &[Records]| {
            let places = usable_of.iter().zip(records).flat_map(|(usable, of_view)| {
                usable.iter().enumerate().filter(|(place, _)| !of_view.has(*place)).map(|(_, index)| *index)
            });
            places.min()
        };
        let records = written::by_all(
            ranks,
            caches,
            || self.open(wanted, folder),
            read,
            |records| lacks(records).is_none(),
        )?;
        if left_to_others > 0 {
            progress.extracted(total, total, wanting.cached);
        }
        if let Some(index) = lacks(&records) {
            return Err(lost(&samples[index], folder, ranks));
        }
        let usable = left(&(0..samples.len()).collect::<Vec<_>>());
        let set_aside =
            aside.into_iter().map(|(index, why)| (samples[index].path().to_string(), why)).collect();
        Ok(ExtractedViews { usable, records, set_aside })
    }

    fn open(&self, wanted: &[Wanted], folder: &Path) -> Result<Vec<Cache>> {
        let open = |wanted: &Wanted| Cache::open(folder, &wanted.view.key(&self.key), self.output().len());
        wanted.iter().map(open).collect()
    }

    /// Computes the features of the views that samples lack, by their numbers, into the views' caches, and returns the
    /// samples that cannot be used.
    fn compute(
        &self,
        (samples, views): (&[Sample], &[&View]),
        (lacking, wanting): (&[Vec<usize>], Wanting),
        caches: &mut [Cache],
        progress: &mut dyn Observer,
    ) -> Result<Vec<(usize, String)>> {
        let missing: Vec<usize> = (0..samples.len()).filter(|index| !lacking[*index].is_empty()).collect();
        if missing.is_empty() {
            progress.extracted(wanting.cached, wanting.total, wanting.cached);
            return Ok(vec![]);
        }
        let counts: Vec<usize> = missing.iter().map(|index| lacking[*index].len()).collect();
        let mut aside = Vec::new();
        fill((&self.plan(), caches), (&counts, wanting), progress, |batch, progress| {
            let batch = &missing[batch];
            let read = |index: &usize| {
                let views: Vec<&View> = lacking[*index].iter().map(|number| views[*number]).collect();
                self.read(&samples[*index], &views)
            };
            let read: Vec<_> = batch.par_iter().map(read).collect();
            let mut inputs = Inputs::default();
            for (index, result) in batch.iter().zip(read) {
                match result {
                    Ok((content, maps)) => {
                        inputs.of.extend(lacking[*index].iter().map(|number| (*number, content)));
                        maps.iter().for_each(|map| inputs.values.extend_from_slice(map));
                    }
                    Err(why) => {
                        progress.set_aside(samples[*index].path(), &why);
                        aside.push((*index, why));
                    }
                }
            }
            Ok(inputs)
        })?;
        Ok(aside)
    }

    /// Features of views of samples, each with the content that it had at first, one after the other, rounded as the
    /// cache rounds them.
    ///
    /// # Errors
    /// The path of the first file that cannot be used, or has another content, and why.
    pub(crate) fn features_of(
        &self,
        wanted: &[(&Sample, &Content, &View)],
    ) -> Result<Vec<f32>, (String, String)> {
        let read = |(sample, content, view): &(&Sample, &Content, &View)| {
            let read = self.read(sample, &[*view]).and_then(|(now, maps)| match now == **content {
                true => Ok(maps.concat()),
                false => Err("other bytes".to_string()),
            });
            read.map_err(|why| (sample.path().to_string(), why))
        };
        let maps = wanted.par_iter().map(read).collect::<Result<Vec<_>, _>>()?.concat();
        let mut buffers = Buffers::default();
        let features = self.plan().forward(&maps, wanted.len(), &mut buffers);
        Ok(features.iter().map(|value| f16::from_f32(*value).to_f32()).collect())
    }

    /// An image's content and the preprocessed pixels of its views, or why there are none. One view after the other:
    /// images are what threads share.
    fn read(&self, sample: &Sample, views: &[&View]) -> Result<(Content, Vec<Vec<f32>>), String> {
        let (image, content) = sample.read_with_hash(&Limits::default())?;
        let maps = views.iter().map(|view| view.apply(&self.preprocess, &image, &content)).collect();
        Ok((content, maps))
    }
}

/// Hashes of the samples' bytes, of which each rank computes those at its places. A file that cannot even be read is
/// asked for again later, where it is set aside.
fn contents(samples: &[Sample], ranks: &Ranks) -> Result<Vec<Content>> {
    let own: Vec<Content> = (ranks.rank()..samples.len())
        .into_par_iter()
        .step_by(ranks.size())
        .map(|index| samples[index].content_hash().unwrap_or_default())
        .collect();
    let all = ranks.share_bytes(own.into_flattened())?;
    let of = |index: usize| all[index % ranks.size()].as_chunks::<32>().0[index / ranks.size()];
    Ok((0..samples.len()).map(of).collect())
}

/// The samples that any rank could not use, in order. Each has told of its own.
fn shared(
    own: Vec<(usize, String)>,
    samples: &[Sample],
    ranks: &Ranks,
    progress: &mut dyn Observer,
) -> Result<Vec<(usize, String)>> {
    let all = ranks.share(own)?;
    let others = all.iter().enumerate().filter(|(rank, _)| *rank != ranks.rank());
    others
        .flat_map(|(_, aside)| aside)
        .for_each(|(index, why)| progress.set_aside(samples[*index].path(), why));
    let mut all = all.concat();
    all.sort();
    Ok(all)
}

/// What is wrong when features are not there that were computed.
fn lost(sample: &Sample, folder: &Path, ranks: &Ranks) -> Error {
    match ranks.size() {
        1 => Error::invalid(
            sample.path(),
            "the file that was read at first",
            "other bytes: it changed meanwhile",
        ),
        _ => Error::invalid(
            folder,
            "a cache in a folder that all ranks share",
            format!(
                "no features of {}, which another rank has written, or its file changed meanwhile",
                sample.path()
            ),
        ),
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
