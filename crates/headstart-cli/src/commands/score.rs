//! `headstart score`: one shard of a manifest, for a scheduler to start, and to start again.

use anyhow::Result;
use headstart::score::{Job, Shard, score};

use super::shard;
use crate::cli::ScoreArguments;
use crate::output::stop_on_interrupt;

pub fn run(arguments: &ScoreArguments) -> Result<()> {
    stop_on_interrupt();
    let shard = shard::or_of_scheduler(arguments.shard)?.unwrap_or(Shard::WHOLE);
    shard::run(shard, |terminal| {
        let model = super::model_file(&arguments.model)?;
        let job = Job { manifest: &arguments.manifest, model: &model, shard, out: &arguments.out };
        Ok(score(&job, terminal)?)
    })
}
