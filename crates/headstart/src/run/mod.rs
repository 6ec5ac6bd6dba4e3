//! The run folder: written whole or not at all, each file under a temporary name first.

mod curves;
mod facts;
mod settings;
mod tensorboard;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::classifier::{Answer, Member, MemberMetrics};
use crate::csv_field::csv_field as field;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::evaluate::{Confusion, SplitMetrics, Spread};
use crate::external::Stressed;
use crate::observer::Observer;
use crate::report::{Subgroup, checklist, curves_svg, model_card, report_html};
use crate::train::{Job, Run, checkpoint, train};
use crate::whole_file::write_whole;

pub use curves::{write_learning_curve, write_rate_curve};

/// Trains and writes the run folder, which is new or empty, or holds a training that was stopped when the job says that
/// it goes on. Settings and checkpoints lie in it from the first second on.
///
/// # Errors
/// Data, weights, settings or folders that cannot be used, each named.
pub fn train_into(folder: impl AsRef<Path>, job: &Job, observer: &mut dyn Observer) -> Result<Run> {
    let job = &Job { checkpoints: Some(folder.as_ref().to_path_buf()), ..job.clone() };
    job.recipe.check()?;
    let folder = Folder::new(folder.as_ref(), job)?;
    let written = job
        .ranks
        .share(Some(folder.path.clone()))
        .and_then(|_| train(job, observer))
        .and_then(|run| folder.write(&run).map(|()| run));
    match &written {
        Ok(_) => checkpoint::remove_all(&folder.path),
        Err(Error::Interrupted) => {}
        Err(_) => folder.discard(),
    }
    let run = written?;
    job.ranks.meet()?;
    Ok(run)
}

/// Takes part in a training that [`train_into`] does at rank 0, until its run is written. Checkpoints of whole trainings
/// that this rank does lie in the run's folder, which all ranks share, as they share the cache.
///
/// # Errors
/// As [`train_into`].
pub fn assist(job: &Job, observer: &mut dyn Observer) -> Result<()> {
    let folder = job.ranks.first(None::<PathBuf>)?;
    let job = &Job { checkpoints: Some(folder), ..job.clone() };
    crate::train::assist(job, observer)?;
    job.ranks.meet()
}

impl Run {
    /// Writes the run into a folder that is new or empty: model, report, curves, metrics, predictions and all else.
    ///
    /// # Errors
    /// A folder with something in it, or one that cannot be written to.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = Folder::new(folder.as_ref(), &Job { resume: false, ..self.job.clone() })?;
        folder.write(self).inspect_err(|_| folder.discard())
    }
}

/// A run folder that could be written when the training began.
struct Folder {
    path: PathBuf,
    /// Whether nothing of the run was there before.
    is_new: bool,
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
    /// Names, in the order of the scores.
    classes: &'a [String],
    /// Of two classes the one that sensitivity is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    positive: Option<&'a str>,
    /// Images by split, their class, and what they were called.
    confusion: BTreeMap<&'a str, Labelled<'a>>,
    data: String,
    seed: u64,
    /// When the run was written, in UTC.
    date: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subgroups: Vec<Subgroup>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<MemberRow<'a>>,
    /// By split and measure.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    spread: BTreeMap<&'a str, BTreeMap<&'static str, Spread>>,
    extract_seconds: f64,
    fit_seconds: f64,
}

/// Counts by true class and by predicted class.
type Labelled<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

/// One of the trainings whose mean the model is.
#[derive(Serialize)]
struct MemberRow<'a> {
    seed: u64,
    fold: Option<usize>,
    #[serde(flatten)]
    splits: &'a BTreeMap<String, MemberMetrics>,
}

impl<'a> MemberRow<'a> {
    fn of(member: &'a Member) -> Self {
        Self { seed: member.seed, fold: member.fold, splits: &member.measured }
    }
}

/// Tells whether a folder can be written.
const PROBE: &str = ".probe";

impl Folder {
    /// Checks that the job's folder is new or empty, or holds a training that goes on with the same settings, and can be
    /// written; nothing is left behind if not. The settings lie in it from then on.
    fn new(path: &Path, job: &Job) -> Result<Self> {
        if job.resume {
            // A kill may have left them.
            let _ = fs::remove_file(path.join(PROBE));
            let _ = fs::remove_file(path.join(settings::FILE).with_extension("tmp"));
            checkpoint::remove_unfinished(path);
        }
        let state = State::of(path);
        match (state, job.resume) {
            (State::Empty, _) | (State::Stopped, true) => {}
            (State::Stopped, false) => {
                let why = format!("true, because {} holds a training that was stopped", path.display());
                return Err(Error::setting("resume", why, "false"));
            }
            (State::Whole, true) => return Err(Self::refused(path, "a training that is over")),
            (State::Whole, false) | (State::Other, _) => return Err(Self::refused(path, "files in it")),
        }
        let begun = Job::stored(path)?;
        if let Some(begun) = &begun {
            job.check_same(begun, path)?;
        }
        let existed = path.exists();
        fs::create_dir_all(path).map_err(|why| Error::io("create", path, why))?;
        let folder = Self { path: path.to_path_buf(), is_new: state == State::Empty };
        let probe = path.join(PROBE);
        let writable = fs::write(&probe, []).and_then(|()| fs::remove_file(&probe));
        let stored = writable.map_err(|why| Error::io("write to", path, why)).and_then(|()| match begun {
            Some(_) => Ok(()),
            None => job.store(path),
        });
        if stored.is_err() && !existed {
            folder.discard();
        }
        stored.map(|()| folder)
    }

    fn refused(path: &Path, found: &str) -> Error {
        let expected = match found.starts_with("a training that is over") {
            true => "a training that was stopped",
            false => "a new or empty folder for the run",
        };
        Error::invalid(path, expected, found)
    }

    /// Removes the folder of a training that failed before there was anything to go on with.
    fn discard(&self) {
        if self.is_new && !checkpoint::lies_in(&self.path) {
            let _ = fs::remove_file(self.path.join(settings::FILE));
            let _ = fs::remove_dir(&self.path);
        }
    }

    /// Writes every file; the model, which says that the run is whole, last.
    fn write(&self, run: &Run) -> Result<()> {
        fs::create_dir_all(&self.path).map_err(|why| Error::io("create", &self.path, why))?;
        let description = run.classifier.description();
        let metrics = Metrics {
            splits: run.measured.iter().map(|found| (found.part.name(), &found.metrics)).collect(),
            threshold: description.threshold,
            threshold_plateau: run.plateau,
            stress: &run.stress,
            classes: &description.classes,
            positive: (description.classes.len() == 2)
                .then(|| description.classes[description.positive].as_str()),
            confusion: run
                .measured
                .iter()
                .map(|part| (part.part.name(), labelled(&part.metrics.confusion, &description.classes)))
                .collect(),
            data: run.job.data.display().to_string(),
            seed: run.job.seed,
            date: run.date.to_string(),
            subgroups: facts::subgroups(run),
            members: description.members.iter().map(MemberRow::of).collect(),
            spread: spread(run),
            extract_seconds: run.extract_seconds,
            fit_seconds: run.fit_seconds,
        };
        let metrics = serde_json::to_string_pretty(&metrics).expect("plain structs become JSON");
        self.file("config.toml", config(&run.job))?;
        self.file("history.jsonl", description.history.to_jsonl())?;
        let trained = description.members.iter().filter(|member| !member.probe);
        for (number, member) in trained.enumerate().skip(1) {
            self.file(&format!("history-{}.jsonl", number + 1), member.history.to_jsonl())?;
        }
        self.file(tensorboard::FILE, tensorboard::events(&description.history))?;
        self.file("metrics.json", metrics + "\n")?;
        self.file("predictions.csv", predictions(run))?;
        self.file("curves.svg", curves_svg(&description.history))?;
        self.file("split.csv", self.split(&run.dataset)?)?;
        let report = facts::report(run);
        self.file("report.html", report_html(&report, Some((&run.audit, &run.dataset))))?;
        self.file("model_card.md", model_card(&report))?;
        self.file("checklist.md", checklist(&report))?;
        self.file("model.safetensors", run.model_bytes())
    }

    fn split(&self, dataset: &Dataset) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        dataset.write_split(None, &mut bytes, &self.path.join("split.csv"))?;
        Ok(bytes)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
        write_whole(&self.path.join(name), content.as_ref())
    }
}

/// What lies in a folder before a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing, or no folder.
    Empty,
    /// A training that was stopped.
    Stopped,
    /// A training that is over.
    Whole,
    /// Something else.
    Other,
}

impl State {
    fn of(path: &Path) -> Self {
        let is_model = path.join("model.safetensors").exists();
        let is_taken = || path.is_file() || fs::read_dir(path).is_ok_and(|mut files| files.next().is_some());
        match () {
            // The checkpoint goes when the run is whole.
            () if checkpoint::lies_in(path) => Self::Stopped,
            () if is_model => Self::Whole,
            () if path.join(settings::FILE).exists() => Self::Stopped,
            () if path.exists() && is_taken() => Self::Other,
            () => Self::Empty,
        }
    }
}

/// Confusion's counts with the names of the classes.
fn labelled<'a>(confusion: &Confusion, classes: &'a [String]) -> Labelled<'a> {
    let row = |counts: &Vec<usize>| {
        classes.iter().map(String::as_str).zip(counts.iter().copied()).collect::<BTreeMap<_, _>>()
    };
    classes.iter().map(String::as_str).zip(confusion.counts.iter().map(row)).collect()
}

/// How the members differ; nothing of a single training.
fn spread(run: &Run) -> BTreeMap<&str, BTreeMap<&'static str, Spread>> {
    let description = run.classifier.description();
    let of = |split: &str| -> BTreeMap<&'static str, Spread> {
        let each = MemberMetrics::MEASURES.iter();
        each.filter_map(|(name, measure)| Some((*name, description.spread(split, *measure)?))).collect()
    };
    let splits = run.measured.iter().map(|found| (found.part.name(), of(found.part.name())));
    splits.filter(|(_, measures)| !measures.is_empty()).collect()
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

/// The contract's columns first: `predicted` is the class by score and threshold, which the metrics count. Behind them
/// the patient, and whether the model would give that answer.
fn predictions(run: &Run) -> String {
    let classes = run.classifier.classes();
    let names: Vec<String> = classes.iter().map(|class| field(&format!("score_{class}"))).collect();
    let mut text = format!("path,split,label,predicted,{},group,{}\n", names.join(","), Answer::COLUMNS);
    for part in &run.measured {
        for (row, (index, scores)) in part.indices.iter().zip(&part.scores).enumerate() {
            let sample = &run.dataset.samples[run.usable[*index]];
            let strange = part.strange.as_ref().map(|strange| strange[row]);
            let answer = run.classifier.answer(scores.clone(), strange);
            // The shortest digits that are read as the same number: rounded ones would tie scores.
            let scores: Vec<String> = answer.scores.iter().map(f32::to_string).collect();
            let (path, label) = (field(sample.path()), field(&classes[sample.label]));
            let (split, predicted) = (part.part.name(), field(&answer.class));
            let group = field(sample.group.as_deref().unwrap_or_default());
            let scores = scores.join(",");
            let doubts = answer.csv(classes, run.classifier.deciding_threshold());
            text += &format!("{path},{split},{label},{predicted},{scores},{group},{doubts}\n");
        }
    }
    text
}
