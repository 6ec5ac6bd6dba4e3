//! `headstart backbones`.

use crate::print::out;
use anyhow::Result;
use headstart::backbone::registry::{ENTRIES, Entry};
use headstart::report::thousands;

pub fn list() -> Result<()> {
    out!("{:20} {:>10}  {:>6}  weights", "", "parameters", "pixels");
    for family in ENTRIES.chunk_by(|a, b| (a.family, a.licence) == (b.family, b.licence)) {
        out!("{}, weights under {}", family[0].family, family[0].licence);
        for alike in family.chunk_by(|a, b| blocks(a) == blocks(b)) {
            for entry in alike {
                let parameters = thousands(entry.spec().parameter_count());
                let weights = if entry.embedded { "in this program" } else { entry.file };
                out!("  {:18} {parameters:>10}  {:>6}  {weights}", entry.name, entry.size);
            }
            out!("    blocks: {}", blocks(&alike[0]).join(", "));
        }
    }
    out!("Weights that are not in this program: give their file with --weights.");
    Ok(())
}

fn blocks(entry: &Entry) -> Vec<String> {
    entry.spec().blocks.into_iter().map(|block| block.name).collect()
}
