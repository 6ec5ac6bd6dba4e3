//! `headstart bench`.

use anyhow::Result;
use headstart::backbone::Backbone;
use headstart::device::Device;
use headstart::train::Recipe;
use headstart::train::throughput::{Throughput, measure};

use crate::cli::BenchArguments;
use crate::print::{json, out};

pub fn run(arguments: BenchArguments) -> Result<()> {
    let device = Device::open(arguments.device.device)?;
    let weights = arguments.weights.as_deref();
    let backbone = Backbone::load_at(&arguments.backbone, weights, arguments.image_size)?;
    let mut recipe = Recipe::for_backbone(&arguments.backbone)?;
    recipe.unfreeze = arguments.unfreeze.map_or(recipe.unfreeze, Into::into);
    recipe.batch_size = arguments.batch_size;
    let measured = measure(backbone, &recipe, &device)?;
    match arguments.json {
        true => json(&measured)?,
        false => show(&measured, &device),
    }
    Ok(())
}

fn show(measured: &Throughput, device: &Device) {
    let Throughput { backbone, image_size, batch_size, threads, .. } = measured;
    out!("{backbone}, {image_size} px, batches of {batch_size}, {threads} threads");
    if !device.class().is_cpu() {
        let trunk = measured.first_trunk_seconds.unwrap_or_default();
        out!("computed on {}", device.name());
        out!("first run  {:>8.1} s (kernels are compiled)", trunk + measured.first_tail_step_seconds);
    }
    match measured.trunk_images_per_second {
        Some(rate) => out!("trunk      {rate:>8.1} images/s"),
        None => out!("trunk      nothing is frozen"),
    }
    let trained = measured.trained.join(", ");
    out!("tail step  {:>8.1} images/s ({trained})", measured.tail_step_images_per_second);
    if let Some(bytes) = measured.peak_memory_bytes {
        out!("memory     {:>8.0} MiB at most", bytes as f64 / f64::from(1 << 20));
    }
}
