//! `headstart features`: as one array, or as a Parquet part of a shard.

use std::path::Path;

use anyhow::Result;
use headstart::Error;
use headstart::backbone::Backbone;
use headstart::features::{Extractor, FeaturesJob, write_features, write_part};
use headstart::score::{Done, Shard};

use super::cache::Cache;
use super::shard;
use crate::cli::FeaturesArguments;
use crate::output::{Terminal, stop_on_interrupt};
use crate::print::{self, out};

pub fn run(arguments: FeaturesArguments) -> Result<()> {
    stop_on_interrupt();
    let shard = match arguments.shard {
        // A file is asked for, whatever has started the program.
        None if names_array(&arguments.out) => None,
        asked => shard::or_of_scheduler(asked)?,
    };
    match shard {
        Some(shard) => shard::run(shard, |terminal| part(&arguments, shard, terminal)),
        None => array(arguments),
    }
}

fn array(arguments: FeaturesArguments) -> Result<()> {
    let device = super::device(&arguments.device)?;
    let (backbone, cut) = backbone(&arguments)?;
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

fn part(arguments: &FeaturesArguments, shard: Shard, terminal: &mut Terminal) -> Result<Done> {
    if names_array(&arguments.out) {
        let out = arguments.out.display().to_string();
        return Err(Error::setting("out", "a folder for the parts of shards", out).into());
    }
    if !arguments.device.device.is_cpu() {
        let expected = "cpu: parts say which vector instructions of a CPU computed them";
        return Err(Error::setting("device", expected, arguments.device.device.to_string()).into());
    }
    let (manifest, out) = (text(&arguments.data)?, text(&arguments.out)?);
    let (backbone, cut) = backbone(arguments)?;
    let job = FeaturesJob { manifest, backbone: &backbone, cut, pooled: arguments.pool, shard, out };
    Ok(write_part(&job, terminal)?)
}

fn backbone(arguments: &FeaturesArguments) -> Result<(Backbone, usize)> {
    let weights = arguments.weights.as_deref();
    let backbone = Backbone::load_at(&arguments.backbone, weights, arguments.image_size)?;
    let cut = backbone.spec.cut(&arguments.unfreeze.clone().into())?;
    Ok((backbone, cut))
}

/// Whether it is the name of an array's file.
fn names_array(out: &Path) -> bool {
    let is = |kind| out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(kind));
    is("npy") || is("npz")
}

/// A path or a URI.
fn text(path: &Path) -> Result<&str> {
    let unreadable = || Error::invalid(path, "a name in UTF-8", "other bytes");
    Ok(path.to_str().ok_or_else(unreadable)?)
}
