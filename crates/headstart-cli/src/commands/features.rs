//! `headstart features`.

use anyhow::Result;
use headstart::backbone::Backbone;
use headstart::features::{Extractor, write_npy};

use crate::cli::FeaturesArguments;
use crate::output::{Terminal, stop_on_interrupt};

pub fn run(arguments: FeaturesArguments) -> Result<()> {
    stop_on_interrupt();
    let weights = arguments.weights.as_deref();
    let backbone = Backbone::load_at(&arguments.backbone, weights, arguments.image_size)?;
    let cut = backbone.spec.cut(&arguments.unfreeze.into())?;
    let extractor = Extractor::new(&backbone, cut, &backbone.preprocess);
    let cache = super::cache(arguments.cache);
    let shape = write_npy(&extractor, &arguments.data, &cache, &arguments.out, &mut Terminal::default())?;
    println!("{}: f32 {shape:?}", arguments.out.display());
    Ok(())
}
