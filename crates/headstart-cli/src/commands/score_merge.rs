//! `headstart score-merge`: the parts of all shards as one table.

use anyhow::Result;
use headstart::score::{Merge, Summary, merge};

use super::score::ending;
use crate::cli::ScoreMergeArguments;
use crate::print::{self, out};

pub fn run(arguments: &ScoreMergeArguments) -> Result<()> {
    let ScoreMergeArguments { out, listing, allow_mixed, json } = arguments;
    let merged = merge(&Merge { out, listing: *listing, allow_mixed: *allow_mixed }).map_err(|why| {
        let code = ending(Some(&why));
        anyhow::Error::from(why).context(code)
    })?;
    merged.summary.warnings.iter().for_each(|line| print::warning(line));
    if *json {
        return print::json(&merged.summary);
    }
    tell(&merged.summary);
    out!("table       {}", merged.table);
    out!("summary     {}", merged.summary_file);
    Ok(())
}

fn tell(summary: &Summary) {
    let listed = |counts: Vec<String>| counts.join(", ");
    out!("images      {} in {} parts", summary.rows, summary.shards);
    out!(
        "status      {}",
        listed(summary.status.iter().map(|(word, count)| format!("{count} {word}")).collect())
    );
    out!(
        "verdicts    {}",
        listed(summary.verdicts.iter().map(|(word, count)| format!("{count} {word}")).collect())
    );
    for (name, class) in &summary.classes {
        out!("{name}: {} decided, mean score {:.4}", class.decided, class.mean);
    }
}
