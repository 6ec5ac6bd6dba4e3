//! Computes the frozen trunk's features of images as a plain array, for a classifier of your own.
//!
//! `cargo run --release -p headstart --example features -- IMAGE...` (a phantom without images)

use headstart::backbone::Backbone;
use headstart::features::Extractor;
use headstart::image::{Limits, decode};
use headstart::phantom;

/// Runs the example.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let drawn = folder.path().join("phantoms");
    phantom::write(&drawn, 1, 7)?;
    let phantom = drawn.join(phantom::CLASSES[0]).join("phantom0000.png");
    let given: Vec<_> = std::env::args().skip(1).map(std::path::PathBuf::from).collect();
    let files = if given.iter().any(|file| file.is_file()) { given } else { vec![phantom] };

    // The whole net without a head: what follows is its last maps, [H, W, C].
    let backbone = Backbone::load("efficientnet-lite0", None)?;
    let extractor = Extractor::new(&backbone, backbone.spec.blocks.len(), &backbone.preprocess);
    let shape = extractor.output();
    for file in files {
        let image = decode(&std::fs::read(&file)?, &Limits::default())?;
        let maps = extractor.features(&[image]);
        let places = (shape.height * shape.width) as f32;
        let mean = |channel: usize| maps.iter().skip(channel).step_by(shape.channels).sum::<f32>() / places;
        let pooled: Vec<f32> = (0..shape.channels).map(mean).collect();
        println!("{}: {} features, the first {:?}", file.display(), pooled.len(), &pooled[..4]);
    }
    Ok(())
}
