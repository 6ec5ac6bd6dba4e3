//! `headstart backbones`.

use crate::print::out;
use anyhow::Result;
use headstart::backbone::registry::ENTRIES;
use headstart::report::thousands;

pub fn list() -> Result<()> {
    for entry in ENTRIES {
        let weights = if entry.embedded { "in this binary" } else { "by --weights FILE" };
        let blocks: Vec<String> = entry.spec().blocks.into_iter().map(|block| block.name).collect();
        out!("{}  {} parameters, weights {weights}", entry.name, thousands(entry.spec().parameter_count()));
        out!("    {}; licence {}", entry.source, entry.licence);
        out!("    blocks: {}", blocks.join(", "));
    }
    Ok(())
}
