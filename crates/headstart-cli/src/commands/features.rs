//! `headstart features`.

use anyhow::Result;
use headstart::backbone::Backbone;
use headstart::features::{Extractor, write_features};

use super::cache::Cache;
use crate::cli::FeaturesArguments;
use crate::output::{Terminal, stop_on_interrupt};
use crate::print::{self, out};

pub fn run(arguments: FeaturesArguments) -> Result<()> {
    stop_on_interrupt();
    let device = super::device(&arguments.device)?;
    let weights = arguments.weights.as_deref();
    let backbone = Backbone::load_at(&arguments.backbone, weights, arguments.image_size)?;
    let cut = backbone.spec.cut(&arguments.unfreeze.into())?;
    let extractor = Extractor::new(&backbone, cut, &backbone.preprocess).on(&device);
    let cache = Cache::open(arguments.cache.folder);
    let out = (arguments.out.as_path(), arguments.pool);
    let written = write_features(&extractor, &arguments.data, &cache.folder, out, &mut Terminal::default())?;
    out!("{}: f32 {:?}", print::path(&arguments.out), written.shape);
    if let Some(rows) = &written.rows {
        out!("{}: path, label and split of each row", print::path(rows));
    }
    Ok(())
}
