//! `headstart evaluate`.

use anyhow::Result;
use headstart::classifier::Classifier;
use headstart::evaluate::classifier_on;
use headstart::train::Observer as _;

use crate::cli::EvaluateArguments;
use crate::output::Terminal;

pub fn run(arguments: &EvaluateArguments) -> Result<()> {
    let classifier = Classifier::load(&arguments.model)?;
    let (split, metrics) = classifier_on(&classifier, &arguments.data, &mut Terminal::default())?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({ split.name(): metrics }))?);
    } else {
        Terminal::default().say(&super::train::table([(split.name(), &metrics)].into_iter()));
    }
    Ok(())
}
