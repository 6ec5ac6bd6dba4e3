//! `headstart predict`.

use anyhow::{Context, Result, bail};
use headstart::classifier::{CAUTION, Classifier, Prediction};
use headstart::image::Limits;
use headstart::train::csv_field;

use crate::cli::{Format, PredictArguments};

pub fn run(arguments: &PredictArguments) -> Result<()> {
    let classifier = Classifier::load(&arguments.model)?;
    let files = files(&arguments.files)?;
    let mut failed = 0;
    let mut rows = Vec::new();
    for file in &files {
        let prediction = std::fs::read(file)
            .map_err(|why| format!("cannot be read: {why}"))
            .and_then(|bytes| classifier.predict(&bytes, &Limits::default()).map_err(|why| why.to_string()));
        match prediction {
            Ok(prediction) => rows.push((file.as_str(), prediction)),
            Err(why) => {
                failed += 1;
                eprintln!("set aside: {file}: {why}");
            }
        }
    }
    match arguments.format {
        Format::Table => table(&classifier, &rows),
        Format::Json => json(&classifier, &rows)?,
        Format::Csv => csv(&classifier, &rows),
    }
    if failed == files.len() {
        bail!("none of the {failed} files could be classified");
    }
    Ok(())
}

/// Patterns become the files that they match; a file that is there is taken by its name.
fn files(arguments: &[String]) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for argument in arguments {
        if std::path::Path::new(argument).exists() || !argument.contains(['*', '?', '[']) {
            files.push(argument.clone());
            continue;
        }
        let before = files.len();
        for path in glob::glob(argument).with_context(|| format!("{argument} is no pattern"))? {
            files.push(path?.display().to_string());
        }
        if files.len() == before {
            bail!("{argument}: no file matches");
        }
    }
    Ok(files)
}

fn table(classifier: &Classifier, rows: &[(&str, Prediction)]) {
    let width = rows.iter().map(|(file, _)| file.chars().count()).max().unwrap_or(0);
    for (file, prediction) in rows {
        let scores: Vec<String> = classifier
            .classes()
            .iter()
            .zip(&prediction.scores)
            .map(|(class, score)| format!("{class} {score:.4}"))
            .collect();
        println!("{file:<width$}  {}  ({})", prediction.class, scores.join(", "));
    }
    println!("\n{CAUTION}");
}

fn json(classifier: &Classifier, rows: &[(&str, Prediction)]) -> Result<()> {
    let predictions: Vec<serde_json::Value> = rows
        .iter()
        .map(|(file, prediction)| {
            let scores: serde_json::Map<String, serde_json::Value> = classifier
                .classes()
                .iter()
                .zip(&prediction.scores)
                .map(|(class, score)| (class.clone(), (*score).into()))
                .collect();
            serde_json::json!({ "path": file, "predicted": prediction.class, "scores": scores })
        })
        .collect();
    let all = serde_json::json!({ "predictions": predictions, "caution": CAUTION });
    println!("{}", serde_json::to_string_pretty(&all)?);
    Ok(())
}

fn csv(classifier: &Classifier, rows: &[(&str, Prediction)]) {
    let names: Vec<String> =
        classifier.classes().iter().map(|class| csv_field(&format!("score_{class}"))).collect();
    println!("path,predicted,{}", names.join(","));
    for (file, prediction) in rows {
        let scores: Vec<String> = prediction.scores.iter().map(|score| format!("{score:.6}")).collect();
        println!("{},{},{}", csv_field(file), csv_field(&prediction.class), scores.join(","));
    }
}
