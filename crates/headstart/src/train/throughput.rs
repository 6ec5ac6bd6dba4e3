//! How many images a second this machine takes through a trunk, and through a training step.

use std::time::{Duration, Instant};

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;

use super::graft::Grafted;
use super::optimizer::Stepper;
use super::recipe::Recipe;
use super::step::Step;
use crate::backbone::Backbone;
use crate::error::Result;
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
    /// Threads that computed.
    pub threads: usize,
    /// The most memory that the process held; `None` where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
}

/// Measures `backbone`, cut and trained as `recipe` says.
///
/// # Errors
/// When the recipe does not fit the backbone.
pub fn measure(backbone: Backbone, recipe: &Recipe) -> Result<Throughput> {
    recipe.check()?;
    let net = Grafted::new(backbone, recipe, CLASSES, 0)?;
    let batch = recipe.batch_size;
    let trunk = (net.cut > 0).then(|| {
        let images = random_values(batch * net.extractor.input().len());
        let mut buffers = Buffers::default();
        images_per_second(batch, || net.extractor.run(&images, batch, &mut buffers))
    });
    Ok(Throughput {
        backbone: net.backbone.spec.name.clone(),
        trained: net.blocks[net.cut..].iter().map(|block| block.name.clone()).collect(),
        image_size: net.backbone.preprocess.size,
        batch_size: batch,
        trunk_images_per_second: trunk,
        tail_step_images_per_second: tail_step(&net, recipe),
        threads: rayon::current_num_threads(),
        peak_memory_bytes: peak_memory(),
    })
}

fn tail_step(net: &Grafted, recipe: &Recipe) -> f64 {
    let (batch, shape) = (recipe.batch_size, net.tail.input());
    let labels: Vec<usize> = (0..batch).map(|index| index % CLASSES).collect();
    let step = Step { tail: &net.tail, recipe, class_weights: &[1.0; CLASSES], labels: &labels };
    let dims = [batch, shape.height, shape.width, shape.channels];
    let data = TensorData::new(random_values(batch * shape.len()), dims);
    let features = Tensor::<4>::from_data(data, net.tail.device());
    let mut stepper = Stepper::new(recipe);
    let mut dropout = Random::new(0, 0);
    let mut parameters = Some(net.tail.parameters(&net.weights));
    images_per_second(batch, || {
        if let Some(before) = parameters.take() {
            parameters = Some(step.take(before, features.clone(), &mut stepper, &mut dropout).0);
        }
    })
}

/// Values from 0 to 1, as activations are.
fn random_values(length: usize) -> Vec<f32> {
    let mut random = Random::new(0, 1);
    (0..length).map(|_| random.unit()).collect()
}

/// Median over runs of `batch` images each, after one that warms up.
fn images_per_second(batch: usize, mut run: impl FnMut()) -> f64 {
    run();
    let (start, mut seconds) = (Instant::now(), Vec::new());
    while seconds.len() < RUNS || start.elapsed() < TIME {
        let start = Instant::now();
        run();
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    batch as f64 / seconds[seconds.len() / 2]
}

/// Linux's high-water mark of resident memory.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}
