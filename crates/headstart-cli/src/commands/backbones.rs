//! `headstart backbones list`.

use anyhow::{Result, bail};
use headstart::backbone::{Overview, overview};
use headstart::report::thousands;

use crate::cli::BackbonesListArguments;
use crate::print::{json, out};

pub fn list(arguments: &BackbonesListArguments) -> Result<()> {
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let found = overview(filter);
    if found.is_empty() {
        bail!("no backbone has {filter:?} in its name or family: `headstart backbones list` shows all");
    }
    if arguments.json {
        return json(&found);
    }
    show(&found);
    Ok(())
}

fn show(found: &[Overview]) {
    out!(
        "{:18} {:>12} {:>6} {:>6} {:>6} {:>4}  weights",
        "",
        "parameters",
        "GFLOP",
        "pixels",
        "top-1",
        "MiB"
    );
    for family in found.chunk_by(|a, b| (a.family, a.licence) == (b.family, b.licence)) {
        out!("{}, weights under {}", family[0].family, family[0].licence);
        for alike in family.chunk_by(|a, b| a.blocks == b.blocks) {
            alike.iter().for_each(row);
            out!("    blocks: {}", alike[0].blocks.join(", "));
        }
    }
    out!("GFLOP: multiplications of an image, each with its addition, in billions.");
    out!("top-1: on ImageNet in percent, as published.");
    out!("`headstart backbones pull NAME` fetches weights. Others: --weights FILE.");
}

fn row(net: &Overview) {
    let size = net.mebibytes.map_or_else(String::new, |size| format!("{size:.0}"));
    let parameters = thousands(net.parameters);
    out!(
        "  {:18} {parameters:>10} {:>6.2} {:>6} {:>6.1} {size:>4}  {}",
        net.name,
        net.gigaflops,
        net.pixels,
        net.top_1,
        whereabouts(net)
    );
}

/// Where the weights are.
fn whereabouts(net: &Overview) -> &'static str {
    match (&net.kept, &net.address) {
        _ if net.embedded => "in this program",
        (Some(_), _) => "on this machine",
        (None, Some(_)) => "to pull",
        (None, None) => "from a file",
    }
}
