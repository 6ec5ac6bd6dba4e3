//! The run folder: written whole or not at all, each file under a temporary name first.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Job;
use crate::backbone::weights::Weights;
use crate::classifier::{Classifier, Prediction};
use crate::dataset::{Dataset, Sample, Split};
use crate::error::{Error, Result};
use crate::evaluate::SplitMetrics;
use crate::report;

/// A run folder that could be written when the training began.
pub(super) struct Folder(PathBuf);

/// What goes into it.
pub(super) struct Contents<'a> {
    pub(super) job: &'a Job,
    pub(super) dataset: &'a Dataset,
    pub(super) classifier: &'a Classifier,
    pub(super) weights: &'a Weights,
    pub(super) metrics: &'a BTreeMap<String, SplitMetrics>,
    pub(super) predictions: &'a [(&'a Sample, Prediction)],
    pub(super) set_aside: &'a [(String, String)],
    pub(super) warnings: &'a [String],
    /// Of extraction and of fitting.
    pub(super) seconds: (f64, f64),
}

#[derive(Serialize)]
struct Metrics<'a> {
    #[serde(flatten)]
    splits: &'a BTreeMap<String, SplitMetrics>,
    threshold: f64,
    extract_seconds: f64,
    fit_seconds: f64,
}

impl Folder {
    /// Checks that `path` is new or empty and can be written; nothing is left behind if not.
    pub(super) fn new(path: &Path) -> Result<Self> {
        let taken = path.exists()
            && (path.is_file() || fs::read_dir(path).is_ok_and(|mut files| files.next().is_some()));
        if taken {
            return Err(Error::invalid(path, "a new or empty folder for the run", "files in it"));
        }
        let existed = path.exists();
        fs::create_dir_all(path).map_err(|why| Error::io("create", path, why))?;
        let probe = path.join(".probe");
        let writable = fs::write(&probe, []).and_then(|()| fs::remove_file(&probe));
        if !existed {
            // Only a finished run leaves a folder.
            let _ = fs::remove_dir(path);
        }
        writable.map_err(|why| Error::io("write to", path, why))?;
        Ok(Self(path.to_path_buf()))
    }

    /// Writes every file; the model, which says that the run is whole, last.
    pub(super) fn write(&self, contents: &Contents<'_>) -> Result<()> {
        fs::create_dir_all(&self.0).map_err(|why| Error::io("create", &self.0, why))?;
        let description = contents.classifier.description();
        let metrics = Metrics {
            splits: contents.metrics,
            threshold: description.threshold,
            extract_seconds: contents.seconds.0,
            fit_seconds: contents.seconds.1,
        };
        let metrics = serde_json::to_string_pretty(&metrics).expect("plain structs become JSON");
        self.file("config.toml", config(contents.job))?;
        self.file("history.jsonl", description.history.to_jsonl())?;
        self.file("metrics.json", metrics + "\n")?;
        self.file("predictions.csv", predictions(description.classes.as_slice(), contents.predictions))?;
        self.file("curves.svg", report::curves(&description.history))?;
        let page = report::Report {
            description,
            rows: contents.classifier.rows(),
            dataset: contents.dataset,
            metrics: contents.metrics,
            set_aside: contents.set_aside,
            warnings: contents.warnings,
            command: &contents.job.command,
        };
        self.file("report.html", page.html())?;
        self.file("model.safetensors", contents.classifier.to_bytes(contents.weights))
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
        write_whole(&self.0.join(name), content.as_ref())
    }
}

/// Writes to a temporary name, syncs, renames.
fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = path.with_extension("tmp");
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&temporary, path)).map_err(|why| {
        let _ = fs::remove_file(&temporary);
        Error::io("write", path, why)
    })
}

/// The recipe as it was used, with what the command line added.
fn config(job: &Job) -> String {
    let recipe = toml::to_string(&job.recipe).expect("a recipe becomes TOML");
    let data = job.data.display().to_string();
    let images = job.train_images.map(|n| format!("# training images: {n}\n")).unwrap_or_default();
    format!("# {}\n# data: {data:?}\n# seed: {}\n{images}{recipe}", job.command, job.seed)
}

fn predictions(classes: &[String], rows: &[(&Sample, Prediction)]) -> String {
    let scores: Vec<String> = classes.iter().map(|class| field(&format!("score_{class}"))).collect();
    let mut text = format!("path,split,label,predicted,{}\n", scores.join(","));
    for (sample, prediction) in rows {
        let scores: Vec<String> = prediction.scores.iter().map(|score| format!("{score:.6}")).collect();
        let (path, label) = (field(&sample.path), field(&classes[sample.label]));
        let (split, predicted) = (sample.split.map_or("", Split::name), field(&prediction.class));
        text += &format!("{path},{split},{label},{predicted},{}\n", scores.join(","));
    }
    text
}

/// A CSV field, quoted where it must be (RFC 4180).
pub fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_string(),
    }
}
