//! `headstart score-merge`: the parts of all shards as one table, of scores or of features.

use anyhow::Result;
use headstart::features::{FeaturesSummary, merge_parts};
use headstart::score::{Kind, Merge, Merged, Summary, Tally, kind_of, merge};
use serde::Serialize;

use super::shard::ending;
use crate::cli::ScoreMergeArguments;
use crate::print::{self, out};

pub fn run(arguments: &ScoreMergeArguments) -> Result<()> {
    let ScoreMergeArguments { out, listing, allow_mixed, .. } = arguments;
    let request = Merge { out, listing: *listing, allow_mixed: *allow_mixed };
    match ending(kind_of(out).map_err(Into::into))? {
        Kind::Scores => {
            let merged = ending(merge(&request).map_err(Into::into))?;
            tell(arguments, &merged, &merged.summary.tally, scores)
        }
        Kind::Features => {
            let merged = ending(merge_parts(&request).map_err(Into::into))?;
            tell(arguments, &merged, &merged.summary.tally, features)
        }
    }
}

fn tell<S: Serialize>(
    arguments: &ScoreMergeArguments,
    merged: &Merged<S>,
    tally: &Tally,
    more: impl FnOnce(&S),
) -> Result<()> {
    tally.warnings.iter().for_each(|line| print::warning(line));
    if arguments.json {
        return print::json(&merged.summary);
    }
    out!("images      {} in {} parts", tally.rows, tally.shards);
    let status: Vec<String> = tally.status.iter().map(|(word, count)| format!("{count} {word}")).collect();
    out!("status      {}", status.join(", "));
    more(&merged.summary);
    out!("table       {}", merged.table);
    out!("summary     {}", merged.summary_file);
    Ok(())
}

fn scores(summary: &Summary) {
    let verdicts: Vec<String> =
        summary.verdicts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    out!("verdicts    {}", verdicts.join(", "));
    for (name, class) in &summary.classes {
        out!("{name}: {} decided, mean score {:.4}", class.decided, class.mean);
    }
}

fn features(summary: &FeaturesSummary) {
    out!("features    f32 {:?} of {}", summary.features.shape, summary.features.backbone);
}
