//! Arguments of the commands that score any number of images, in shards.

use std::path::PathBuf;

use clap::Args;
use headstart::score::Shard;

use super::setting;

/// What `headstart score --help` ends with.
const ENDS: &str = "\
Exit codes: 0 the part is there, 2 another try would fail in the same way, 75 try again (a disk, a network, a machine that
is short of something), 130 stopped by Ctrl-C or SIGTERM (try again).

Shards: without --shard a task of a Slurm array or of a Kubernetes Indexed Job knows its own. Kubernetes does not say how
many there are: set HEADSTART_SHARDS. Outside of both, all rows are one shard.";

#[derive(Debug, Args)]
#[command(after_help = ENDS)]
pub struct ScoreArguments {
    /// The images: a folder; a .csv or .parquet with a column of paths; a .tar, which is cut by its images; or a .txt with a
    /// .tar on each line, which is cut by whole ones.
    pub manifest: String,
    /// A sealed model, or the run folder that holds it.
    #[arg(long)]
    pub model: PathBuf,
    /// Score part I, from 0 on, of N equal parts of the rows.
    #[arg(long, value_parser = setting::<Shard>, value_name = "I/N")]
    pub shard: Option<Shard>,
    /// The folder for the part, a Parquet file. A part that is there is not computed again.
    #[arg(long, value_name = "DIR")]
    pub out: String,
}

#[derive(Debug, Args)]
pub struct ScoreMergeArguments {
    /// Where `score` or `features` wrote the parts.
    pub out: String,
    /// Write a list of the parts, and no merged table.
    #[arg(long)]
    pub listing: bool,
    /// Also merge parts that machines of different vector levels (such as AVX-512 and AVX2) or different versions of headstart
    /// computed. Their numbers may differ in the last digits.
    #[arg(long)]
    pub allow_mixed: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}
