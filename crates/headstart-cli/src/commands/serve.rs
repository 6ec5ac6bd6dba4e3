//! `headstart serve`.

use anyhow::{Context, Result};
use headstart::classifier::Classifier;

use crate::cli::ServeArguments;

pub fn run(arguments: &ServeArguments) -> Result<()> {
    let classifier = Classifier::load(&arguments.model)?;
    let ready =
        |address| println!("serving {} on http://{address} (Ctrl-C ends it)", arguments.model.display());
    headstart_web::run(classifier, arguments.address, ready)
        .with_context(|| format!("cannot serve on {}", arguments.address))
}
