//! `headstart summary`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use headstart::backbone::registry;
use headstart::backbone::spec::MapShape;
use headstart::backbone::{LayerRow, layer_rows};
use headstart::classifier::Classifier;
use headstart::report::{diagram_svg, summary_table};
use headstart::visible::visible;

use crate::cli::SummaryArguments;
use crate::print::{self, out, text};

pub fn run(arguments: &SummaryArguments) -> Result<()> {
    let path = Path::new(&arguments.model);
    // A folder may have a backbone's name.
    if path.is_file() || path.join("model.safetensors").is_file() {
        let classifier = Classifier::load(&super::model_file(path)?)?;
        let description = classifier.description();
        let title = format!("{}: {} with a new head", description.classes.join(" or "), description.backbone);
        return show(&visible(&title), &classifier.layer_rows(), arguments);
    }
    if arguments.model.ends_with(".safetensors") {
        bail!("{}: expected a sealed model, found no such file", arguments.model);
    }
    let entry = registry::find(&arguments.model)?;
    let (spec, size) = (entry.spec(), entry.preprocess().size);
    show(entry.name, &layer_rows(&spec.blocks, 0, MapShape::new(size, size, 3)), arguments)
}

fn show(title: &str, rows: &[LayerRow], arguments: &SummaryArguments) -> Result<()> {
    text(&summary_table(title, rows));
    if let Some(path) = &arguments.diagram {
        std::fs::write(path, diagram_svg(title, rows))
            .with_context(|| format!("cannot write {}", path.display()))?;
        out!("diagram: {}", print::path(path));
    }
    Ok(())
}
