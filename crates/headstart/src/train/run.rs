//! The run folder: written whole or not at all, each file under a temporary name first.

mod facts;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::judge::Measured;
use super::{Job, checkpoint, tensorboard};
use crate::audit::Audit;
use crate::classifier::{Classifier, Member, Sealed, Worth};
use crate::csv_field::csv_field as field;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluate::{SplitMetrics, Spread, Stressed};
use crate::features::Extracted;
use crate::report::{Subgroup, checklist, curves_svg, model_card, report_html};

/// A run folder that could be written when the training began.
pub(super) struct Folder(PathBuf);

/// What goes into it.
pub(super) struct Contents<'a> {
    pub(super) job: &'a Job,
    pub(super) dataset: &'a Dataset,
    pub(super) audit: &'a Audit,
    pub(super) classifier: &'a Classifier,
    pub(super) sealed: &'a Sealed,
    pub(super) measured: &'a [Measured],
    /// The stress test.
    pub(super) stress: &'a [Stressed],
    /// The thresholds that validation cannot tell from the one that was chosen.
    pub(super) plateau: Option<[f64; 2]>,
    pub(super) extracted: &'a Extracted,
    /// The class of each record.
    pub(super) labels: &'a [usize],
    pub(super) warnings: &'a [String],
    pub(super) extract_seconds: f64,
    pub(super) fit_seconds: f64,
}

#[derive(Serialize)]
struct Metrics<'a> {
    #[serde(flatten)]
    splits: BTreeMap<&'a str, &'a SplitMetrics>,
    threshold: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold_plateau: Option<[f64; 2]>,
    /// By change; the images as they are first.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stress: &'a [Stressed],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subgroups: Vec<Subgroup>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<MemberMetrics<'a>>,
    /// By split and measure.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    spread: BTreeMap<&'a str, BTreeMap<&'static str, Spread>>,
    extract_seconds: f64,
    fit_seconds: f64,
}

/// One of the trainings whose mean the model is.
#[derive(Serialize)]
struct MemberMetrics<'a> {
    seed: u64,
    fold: Option<usize>,
    #[serde(flatten)]
    splits: &'a BTreeMap<String, Worth>,
}

impl<'a> MemberMetrics<'a> {
    fn of(member: &'a Member) -> Self {
        Self { seed: member.seed, fold: member.fold, splits: &member.measured }
    }
}

/// Tells whether a folder can be written.
const PROBE: &str = ".probe";

impl Folder {
    /// Checks that `path` is new or empty, or with `resume` holds a checkpoint, and can be written;
    /// nothing is left behind if not.
    pub(super) fn new(path: &Path, resume: bool) -> Result<Self> {
        if resume {
            // A kill may have left them.
            let _ = fs::remove_file(path.join(PROBE));
            checkpoint::remove_unfinished(path);
        }
        let taken = path.exists()
            && (path.is_file() || fs::read_dir(path).is_ok_and(|mut files| files.next().is_some()));
        let stopped = checkpoint::lies_in(path);
        if taken && !(resume && stopped) {
            let hint =
                if stopped { "a training that was stopped: go on with --resume" } else { "files in it" };
            return Err(Error::invalid(path, "a new or empty folder for the run", hint));
        }
        let existed = path.exists();
        fs::create_dir_all(path).map_err(|why| Error::io("create", path, why))?;
        let probe = path.join(PROBE);
        let writable = fs::write(&probe, []).and_then(|()| fs::remove_file(&probe));
        if !existed {
            // What fails before the first epoch is over leaves no folder.
            let _ = fs::remove_dir(path);
        }
        writable.map_err(|why| Error::io("write to", path, why))?;
        Ok(Self(path.to_path_buf()))
    }

    /// Removes the folder if nothing is in it.
    pub(super) fn discard(&self) {
        let _ = fs::remove_dir(&self.0);
    }

    /// Writes every file; the model, which says that the run is whole, last.
    pub(super) fn write(&self, contents: &Contents<'_>) -> Result<()> {
        fs::create_dir_all(&self.0).map_err(|why| Error::io("create", &self.0, why))?;
        let description = contents.classifier.description();
        let metrics = Metrics {
            splits: contents.measured.iter().map(|found| (found.part.name(), &found.metrics)).collect(),
            threshold: description.threshold,
            threshold_plateau: contents.plateau,
            stress: contents.stress,
            subgroups: facts::subgroups(contents),
            members: description.members.iter().map(MemberMetrics::of).collect(),
            spread: spread(contents),
            extract_seconds: contents.extract_seconds,
            fit_seconds: contents.fit_seconds,
        };
        let metrics = serde_json::to_string_pretty(&metrics).expect("plain structs become JSON");
        self.file("config.toml", config(contents.job))?;
        self.file("history.jsonl", description.history.to_jsonl())?;
        let trained = description.members.iter().filter(|member| !member.probe);
        for (number, member) in trained.enumerate().skip(1) {
            self.file(&format!("history-{}.jsonl", number + 1), member.history.to_jsonl())?;
        }
        self.file(tensorboard::FILE, tensorboard::events(&description.history))?;
        self.file("metrics.json", metrics + "\n")?;
        self.file("predictions.csv", predictions(contents))?;
        self.file("curves.svg", curves_svg(&description.history))?;
        self.file("split.csv", self.split(contents.dataset)?)?;
        let report = facts::report(contents);
        self.file("report.html", report_html(&report, Some((contents.audit, contents.dataset))))?;
        self.file("model_card.md", model_card(&report))?;
        self.file("checklist.md", checklist(&report))?;
        self.file("model.safetensors", contents.sealed.to_bytes())
    }

    fn split(&self, dataset: &Dataset) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        dataset.write_split(None, &mut bytes, &self.0.join("split.csv"))?;
        Ok(bytes)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
        write_whole(&self.0.join(name), content.as_ref())
    }
}

/// How the members differ; nothing of a single training.
fn spread<'a>(contents: &Contents<'a>) -> BTreeMap<&'a str, BTreeMap<&'static str, Spread>> {
    let description = contents.classifier.description();
    let of = |split: &str| -> BTreeMap<&'static str, Spread> {
        let each = Worth::MEASURES.iter();
        each.filter_map(|(name, measure)| Some((*name, description.spread(split, *measure)?))).collect()
    };
    let splits = contents.measured.iter().map(|found| (found.part.name(), of(found.part.name())));
    splits.filter(|(_, measures)| !measures.is_empty()).collect()
}

/// Writes to a temporary name, syncs, renames.
pub(super) fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
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
    let recipe = job.recipe.to_toml();
    let data = job.data.display().to_string();
    let images = job.train_images.map(|n| format!("# training images: {n}\n")).unwrap_or_default();
    let exclude = job.exclude.as_ref().map(|list| format!("# left out: {:?}\n", list.display().to_string()));
    let exclude = exclude.unwrap_or_default();
    let resplit = if job.resplit { "# split anew\n" } else { "" };
    format!("# {}\n# data: {data:?}\n# seed: {}\n{images}{exclude}{resplit}{recipe}", job.command, job.seed)
}

/// The contract's columns first; behind them the patient, the distance from the training images, whether
/// that refuses the image, the plausible classes, and whether it was made in another way.
fn predictions(contents: &Contents<'_>) -> String {
    let classes = contents.classifier.classes();
    let names: Vec<String> = classes.iter().map(|class| field(&format!("score_{class}"))).collect();
    let mut text =
        format!("path,split,label,predicted,{},group,distance,refused,plausible,unusual\n", names.join(","));
    for part in contents.measured {
        for (row, (index, scores)) in part.indices.iter().zip(&part.scores).enumerate() {
            let sample = &contents.dataset.samples[contents.extracted.usable[*index]];
            let strange = part.strange.as_ref().map(|strange| strange[row]);
            let assessment = contents.classifier.assessment(scores.clone(), strange);
            let shares = &assessment.prediction.scores;
            let scores: Vec<String> = shares.iter().map(|score| format!("{score:.6}")).collect();
            let (path, label) = (field(sample.path()), field(&classes[sample.label]));
            let (split, predicted) = (part.part.name(), field(&assessment.prediction.class));
            let group = field(sample.group.as_deref().unwrap_or_default());
            let scores = scores.join(",");
            let doubts = assessment.csv(classes);
            text += &format!("{path},{split},{label},{predicted},{scores},{group},{doubts}\n");
        }
    }
    text
}
