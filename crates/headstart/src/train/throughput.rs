//! How many images a second this machine takes through a trunk, and through a training step.

use std::time::{Duration, Instant};

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;

use super::assembly::Assembled;
use super::optimizer::Stepper;
use super::recipe::Recipe;
use super::step::{Batch, Step};
use super::targets::Targets;
use super::unfreeze_schedule::{Thaw, UnfreezeSchedule};
use crate::backbone::Backbone;
use crate::device::Device;
use crate::error::Result;
use crate::network::Parameters;
use crate::random::Random;
use crate::trunk::Buffers;

/// Each part is run this often at least, and this long at least.
const RUNS: usize = 5;
const TIME: Duration = Duration::from_secs(3);
/// Classes of the head that is trained.
const CLASSES: usize = 2;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Throughput {
    /// Name of the backbone.
    pub backbone: String,
    /// The blocks that are trained.
    pub trained: Vec<String>,
    /// Side of the input in pixels.
    pub image_size: usize,
    /// Images that go through at once.
    pub batch_size: usize,
    /// The frozen prefix up to the cut, median of several runs; `None` when nothing is frozen.
    pub trunk_images_per_second: Option<f64>,
    /// Forward, backward and optimizer step of what lies behind the cut, median of several runs.
    pub tail_step_images_per_second: f64,
    /// Seconds of the trunk's first batch, for which a graphics processor compiles its kernels.
    pub first_trunk_seconds: Option<f64>,
    /// Seconds of the first step, likewise.
    pub first_tail_step_seconds: f64,
    /// What computed.
    pub device: String,
    /// Threads that computed, or that fed the device.
    pub threads: usize,
    /// The most memory that the process held; `None` where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
}

/// Measures `backbone`, cut and trained as `recipe` says, on `device`. What a device computes is carried to it and back.
///
/// # Errors
/// When the recipe does not fit the backbone.
pub fn measure(backbone: Backbone, recipe: &Recipe, device: &Device) -> Result<Throughput> {
    let mut stopwatch = Stopwatch::new(backbone, recipe, device)?;
    let batch = recipe.batch_size;
    let trunk = (stopwatch.net.cut > 0).then(|| pace(batch, || stopwatch.trunk()));
    let tail = pace(batch, || stopwatch.tail_step());
    let net = &stopwatch.net;
    Ok(Throughput {
        backbone: net.backbone.spec.name.clone(),
        trained: net.blocks[net.cut..].iter().map(|block| block.name.clone()).collect(),
        image_size: net.backbone.preprocess.size,
        batch_size: batch,
        trunk_images_per_second: trunk.as_ref().map(|trunk| trunk.images_per_second),
        tail_step_images_per_second: tail.images_per_second,
        first_trunk_seconds: trunk.map(|trunk| trunk.first_seconds),
        first_tail_step_seconds: tail.first_seconds,
        device: device.name().into(),
        threads: rayon::current_num_threads(),
        peak_memory_bytes: resident("VmHWM:"),
    })
}

/// Images a second through a training step.
pub(super) fn tail_step(backbone: Backbone, recipe: &Recipe, device: &Device) -> Result<f64> {
    let mut watch = Stopwatch::new(backbone, recipe, device)?;
    Ok(pace(recipe.batch_size, || watch.tail_step()).images_per_second)
}

/// Times one batch after the other.
pub struct Stopwatch {
    net: Assembled,
    recipe: Recipe,
    images: Vec<f32>,
    buffers: Buffers,
    features: Tensor<4>,
    labels: Vec<usize>,
    stepper: Stepper,
    parameters: Parameters,
}

impl Stopwatch {
    /// A net ready to run on `device`, on values that were drawn.
    ///
    /// # Errors
    /// When the recipe does not fit the backbone.
    pub fn new(backbone: Backbone, recipe: &Recipe, device: &Device) -> Result<Self> {
        recipe.check()?;
        let net = Assembled::new(backbone, recipe, (CLASSES, 0), device)?;
        let (batch, shape) = (recipe.batch_size, net.tail.input());
        let data = random_values(batch * shape.len());
        let data = TensorData::new(data, [batch, shape.height, shape.width, shape.channels]);
        Ok(Self {
            recipe: recipe.clone(),
            images: random_values(batch * net.extractor.input().len()),
            buffers: Buffers::default(),
            features: Tensor::from_data(data, device.tensors()),
            labels: (0..batch).map(|index| index % CLASSES).collect(),
            stepper: Stepper::new(recipe),
            parameters: net.tail.parameters(&net.weights),
            net,
        })
    }

    /// Runs the trunk.
    pub fn trunk(&mut self) -> Duration {
        let start = Instant::now();
        self.net.extractor.run(&self.images, self.labels.len(), &mut self.buffers);
        start.elapsed()
    }

    /// Takes a training step of the tail.
    pub fn tail_step(&mut self) -> Duration {
        let before = std::mem::take(&mut self.parameters);
        let mut dropout = Random::new(0, 0);
        let unfreeze_schedule = UnfreezeSchedule::new(&self.net.blocks[self.net.cut..], Thaw::AtOnce, 1.0);
        let learning_rate = self.recipe.learning_rate;
        let step = Step {
            tail: &self.net.tail,
            recipe: &self.recipe,
            unfreeze_schedule: &unfreeze_schedule,
            epoch: 1,
            learning_rate,
        };
        let targets = Targets::one_hot(&self.labels, &[1.0; CLASSES]);
        let batch = Batch { features: self.features.clone(), labels: self.labels.clone(), targets };
        let start = Instant::now();
        self.parameters = step.take(before, batch, &mut self.stepper, &mut dropout).0;
        self.net.tail.device().wait();
        start.elapsed()
    }
}

/// Values from 0 to 1, as activations are.
fn random_values(length: usize) -> Vec<f32> {
    let mut random = Random::new(0, 1);
    (0..length).map(|_| random.unit()).collect()
}

/// How fast something is.
struct Pace {
    /// Of the run that warms up.
    first_seconds: f64,
    /// Median of the runs behind it.
    images_per_second: f64,
}

/// Times runs of `batch` images each.
fn pace(batch: usize, mut run: impl FnMut() -> Duration) -> Pace {
    let first_seconds = run().as_secs_f64();
    let (start, mut seconds) = (Instant::now(), Vec::new());
    while seconds.len() < RUNS || start.elapsed() < TIME {
        seconds.push(run().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Pace { first_seconds, images_per_second: batch as f64 / seconds[seconds.len() / 2] }
}

/// Bytes of memory that the process holds now; `None` where the system does not tell.
pub fn memory() -> Option<u64> {
    resident("VmRSS:")
}

/// What Linux says of resident memory: now, or at most so far.
fn resident(which: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(which))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}
