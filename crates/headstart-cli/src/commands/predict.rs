//! `headstart predict`.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Context, Result, bail};
use headstart::classifier::{Assessment, Classifier};
use headstart::image::{Limits, decode, first_frames};
use headstart::regular;
use headstart::train::{Observer as _, csv_field};
use headstart::visible::{visible, visible_lines};

use super::explain::Explanations;
use crate::cli::{Format, PredictArguments};
use crate::output::Terminal;

pub fn run(arguments: &PredictArguments) -> Result<()> {
    let classifier = Classifier::load(&arguments.model)?;
    let mut explanations = Explanations::new(arguments)?;
    let files = files(&arguments.files)?;
    let (mut failed, mut several) = (0, 0);
    let mut rows = Vec::new();
    for file in &files {
        let limits = Limits::default();
        let image = regular::read(Path::new(file), limits.max_bytes)
            .map_err(|why| format!("cannot be read: {why}"))
            .and_then(|bytes| decode(&bytes, &limits).map_err(|why| why.to_string()));
        match image {
            Ok(image) => {
                let assessment = classifier.assess_image(&image);
                several += usize::from(assessment.frames > 1);
                if let Some(explanations) = &mut explanations {
                    explanations.write(&classifier, file, &image, assessment.prediction.label)?;
                }
                rows.push(Row { file, assessment });
            }
            Err(why) => {
                failed += 1;
                eprintln!("set aside: {}: {}", visible(file), visible(&why));
            }
        }
    }
    if let Some(drift) = classifier.drift(&rows.iter().map(|row| &row.assessment).collect::<Vec<_>>()) {
        drift.sentences().iter().for_each(|sentence| Terminal::default().warn(sentence));
    }
    first_frames(several).iter().for_each(|line| Terminal::default().warn(line));
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

/// What is said of a file.
struct Row<'a> {
    file: &'a str,
    assessment: Assessment,
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

fn table(classifier: &Classifier, rows: &[Row<'_>]) {
    let width = rows.iter().map(|row| visible(row.file).chars().count()).max().unwrap_or(0);
    for Row { file, assessment } in rows {
        let file = visible(file);
        let prediction = &assessment.prediction;
        let scores: Vec<String> = classifier
            .classes()
            .iter()
            .zip(&prediction.scores)
            .map(|(class, score)| format!("{} {score:.4}", visible(class)))
            .collect();
        let said = assessment.doubt().into_iter().chain(assessment.note());
        let doubt: String = said.map(|said| format!("  – {said}")).collect();
        println!("{file:<width$}  {}  ({}){doubt}", visible(&prediction.class), scores.join(", "));
    }
    println!("\n{}", classifier.caution());
}

fn json(classifier: &Classifier, rows: &[Row<'_>]) -> Result<()> {
    let classes = classifier.classes();
    let predictions: Vec<serde_json::Value> = rows
        .iter()
        .map(|Row { file, assessment }| {
            let prediction = &assessment.prediction;
            let scores: serde_json::Map<String, serde_json::Value> = classes
                .iter()
                .zip(&prediction.scores)
                .map(|(class, score)| (class.clone(), (*score).into()))
                .collect();
            let plausible = assessment.plausible.as_ref();
            let plausible: Option<Vec<&String>> =
                plausible.map(|plausible| plausible.iter().map(|class| &classes[*class]).collect());
            serde_json::json!({
                "path": file,
                "frames": assessment.frames,
                "predicted": prediction.class,
                "scores": scores,
                "distance": assessment.distance,
                "refused": assessment.refused,
                "oddness": assessment.oddness,
                "unusual": assessment.unusual,
                "plausible": plausible,
                "doubt": assessment.doubt(),
            })
        })
        .collect();
    let all = serde_json::json!({ "predictions": predictions, "caution": classifier.caution() });
    println!("{}", serde_json::to_string_pretty(&all)?);
    Ok(())
}

fn csv(classifier: &Classifier, rows: &[Row<'_>]) {
    let classes = classifier.classes();
    let names: Vec<String> = classes.iter().map(|class| csv_field(&format!("score_{class}"))).collect();
    println!("path,predicted,{},distance,refused,plausible,unusual", names.join(","));
    for Row { file, assessment } in rows {
        let prediction = &assessment.prediction;
        let scores: Vec<String> = prediction.scores.iter().map(|score| format!("{score:.6}")).collect();
        let (file, class) = (csv_field(file), csv_field(&prediction.class));
        let line = format!("{file},{class},{},{}", scores.join(","), assessment.csv(classes));
        // A program that reads the table gets names as they are, and a terminal none that it obeys.
        println!("{}", if std::io::stdout().is_terminal() { visible_lines(&line) } else { line.into() });
    }
}
