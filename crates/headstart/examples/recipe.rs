//! Builds a recipe in code: VGG-style head, fewer epochs, views without compression.
//!
//! `cargo run --release -p headstart --example recipe` prints it as TOML, which `headstart train --recipe FILE` reads.

use headstart::backbone::Unfreeze;
use headstart::backbone::spec::Activation;
use headstart::image::{Augment, Setting};
use headstart::train::recipe::HeadLayer;
use headstart::{Recipe, Result};

/// Runs the example.
pub fn main() -> Result<()> {
    let recipe = Recipe {
        unfreeze: Unfreeze::LastBlock,
        epochs: 3,
        learning_rate: 1e-4,
        probe: false,
        augment: Some(Augment {
            views: 2,
            area: Some(Setting::always(0.7, 1.0)),
            rotation: Some(Setting::always(-5.0, 5.0)),
            blur: Some(Setting::sometimes(0.3, 1.5, 0.2)),
            ..Augment::default()
        }),
        head: vec![
            HeadLayer::GlobalAveragePool,
            HeadLayer::Dense { units: 64, activation: Activation::Relu, l2: 0.01 },
            HeadLayer::Dropout { rate: 0.3 },
        ],
        ..Recipe::default()
    };
    recipe.check()?;
    print!("{}", recipe.to_toml());
    Ok(())
}
