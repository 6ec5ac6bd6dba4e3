//! `headstart backbones pull`.

use anyhow::Result;
use headstart::backbone::{pull, registry};
use headstart::report::thousands;

use crate::cli::BackbonesPullArguments;
use crate::output::Terminal;
use crate::print::{self, out};

/// Ctrl-C ends it at once: what has arrived is on disk, and the next pull goes on from there.
pub fn run(arguments: &BackbonesPullArguments) -> Result<()> {
    let (name, source) = match arguments.backbone.split_once('@') {
        Some((name, source)) => (name, Some(source)),
        None => (arguments.backbone.as_str(), None),
    };
    let entry = registry::find(name)?;
    if entry.embedded {
        out!("{}: the weights are in this program", entry.name);
        return Ok(());
    }
    let mut terminal = Terminal::default();
    let pulled = pull(entry, source, &mut terminal)?;
    terminal.clear();
    let how = if pulled.was_there { "was there already" } else { "fetched" };
    out!("{}: {how}, {} bytes", print::path(&pulled.path), thousands(pulled.bytes as usize));
    out!("SHA-256 {}", pulled.sha256);
    out!("use it: headstart train DATA --backbone {}", entry.name);
    Ok(())
}
