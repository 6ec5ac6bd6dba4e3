//! One engine of `benches/peers/in_turn.py`: after each line on standard input does the work once
//! and prints the milliseconds that it took.
//!
//!     cargo run --release --example in_turn -- trunk|tail-step BACKBONE BATCH [WEIGHTS]
//!
//! HEADSTART_DEVICE names what it computes on: cpu, unless it is set.

use std::path::Path;

use headstart::backbone::{Backbone, Unfreeze};
use headstart::device::Device;
use headstart::train::Recipe;
use headstart::train::throughput::Stopwatch;
use headstart_kernels::HugePages;

/// As in the program.
#[global_allocator]
static MEMORY: HugePages = HugePages;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work, name, batch, weights @ ..] = arguments.as_slice() else {
        return Err("expected: trunk|tail-step BACKBONE BATCH [WEIGHTS]".into());
    };
    let mut recipe = Recipe::for_backbone(name)?;
    recipe.batch_size = batch.parse()?;
    recipe.unfreeze = if work == "trunk" { Unfreeze::Nothing } else { Unfreeze::LastBlock };
    let backbone = Backbone::load(name, weights.first().map(Path::new))?;
    let device = std::env::var("HEADSTART_DEVICE").unwrap_or_else(|_| "cpu".into());
    let mut stopwatch = Stopwatch::new(backbone, &recipe, &Device::open(device.parse()?)?)?;
    for line in std::io::stdin().lines() {
        line?;
        let time = if work == "trunk" { stopwatch.trunk() } else { stopwatch.tail_step() };
        println!("{:.3}", 1000.0 * time.as_secs_f64());
    }
    Ok(())
}
