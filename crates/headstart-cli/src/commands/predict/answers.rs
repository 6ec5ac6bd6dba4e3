//! Answers as a table, as JSON and as CSV, printed one by one.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use headstart::classifier::{Answer, Classifier, Verdict};
use headstart::train::csv_field;
use headstart::visible::visible;
use serde_json::{Map, Value, json};

use crate::cli::Format;
use crate::print::{json_text, out, raw, text};

/// The widest that the table's column of files gets: longer names move what follows.
const WIDEST: usize = 36;

/// What has been printed so far.
pub struct Answers<'a> {
    classifier: &'a Classifier,
    format: Format,
    count: usize,
    /// Width of the table's column of files.
    width: usize,
    /// Why there was no answer, and how often.
    doubts: BTreeMap<Verdict, (&'static str, usize)>,
    /// What is said of images that are answered but seem to have been made in another way, and how many they are.
    note: Option<(&'static str, usize)>,
}

impl<'a> Answers<'a> {
    /// Prints what stands above the answers to `files`.
    pub fn new(classifier: &'a Classifier, format: Format, files: &[String]) -> Self {
        let width = files.iter().map(|file| visible(file).chars().count()).max().unwrap_or(0).min(WIDEST);
        let classes = classifier.classes();
        match format {
            Format::Table => {}
            Format::Json => json_text("{\n  \"predictions\": ["),
            Format::Csv => {
                let names: Vec<String> =
                    classes.iter().map(|class| csv_field(&format!("score_{class}"))).collect();
                let names = names.join(",");
                table(&format!("path,predicted,{names},{}\n", Answer::COLUMNS));
            }
        }
        Self { classifier, format, count: 0, width, doubts: BTreeMap::new(), note: None }
    }

    /// Prints what is said of one file.
    pub fn add(&mut self, file: &str, answer: &Answer) {
        match self.format {
            Format::Table => self.row(file, answer),
            Format::Json => self.object(file, answer),
            Format::Csv => self.record(file, answer),
        }
        self.count += 1;
    }

    /// Prints what stands below the answers.
    pub fn finish(self) {
        match self.format {
            Format::Table => {
                out!("");
                for (verdict, (doubt, count)) in &self.doubts {
                    let images = if *count == 1 { "image" } else { "images" };
                    out!("{} ({count} {images}): {doubt}", verdict.word());
                }
                if let Some((note, count)) = self.note {
                    out!("{count} of the images that are answered: {note}");
                }
                out!("{}", self.classifier.caution());
            }
            Format::Json => {
                let end = if self.count == 0 { "" } else { "\n  " };
                let caution = Value::from(self.classifier.caution());
                json_text(&format!("{end}],\n  \"caution\": {caution}\n}}\n"));
            }
            Format::Csv => {}
        }
    }

    /// No class stands where the model gives no answer.
    fn row(&mut self, file: &str, answer: &Answer) {
        let verdict = answer.verdict;
        if let Some(doubt) = answer.doubt() {
            self.doubts.entry(verdict).or_insert((doubt, 0)).1 += 1;
        }
        if let Some(note) = answer.note() {
            self.note.get_or_insert((note, 0)).1 += 1;
        }
        let classes: Vec<_> = self.classifier.classes().iter().map(|class| visible(class)).collect();
        let longest = classes.iter().map(|class| class.chars().count());
        let answers = longest.chain([Verdict::Undecided.word().len()]).max().unwrap_or(0);
        let file = visible(file);
        let shown = visible(answer.decided_class().unwrap_or(verdict.word()));
        let scores = classes.iter().zip(&answer.scores);
        let scores: Vec<String> = scores.map(|(class, score)| format!("{class} {score:.4}")).collect();
        out!("{file:<width$}  {shown:<answers$}  {}", scores.join("  "), width = self.width);
    }

    fn object(&self, file: &str, answer: &Answer) {
        let classes = self.classifier.classes();
        let scores = classes.iter().zip(&answer.scores);
        let scores: Map<String, Value> =
            scores.map(|(class, score)| (class.clone(), (*score).into())).collect();
        let plausible = answer.plausible.as_ref();
        let plausible: Option<Vec<&String>> =
            plausible.map(|plausible| plausible.iter().map(|class| &classes[*class]).collect());
        let object = json!({
            "path": file,
            "frames": answer.frames,
            "verdict": answer.verdict.word(),
            "predicted": answer.decided_class(),
            "scores": scores,
            "threshold": self.classifier.deciding_threshold(),
            "distance": answer.distance,
            "refused": answer.verdict == Verdict::Refused,
            "oddness": answer.oddness,
            "unusual": answer.unusual,
            "plausible": plausible,
            "doubt": answer.doubt(),
        });
        let comma = if self.count == 0 { "" } else { "," };
        let lines = format!("{object:#}").replace('\n', "\n    ");
        json_text(&format!("{comma}\n    {lines}"));
    }

    fn record(&self, file: &str, answer: &Answer) {
        let classes = self.classifier.classes();
        let scores: Vec<String> = answer.scores.iter().map(|score| format!("{score}")).collect();
        let (file, class) = (csv_field(file), csv_field(answer.decided_class().unwrap_or_default()));
        let doubts = answer.csv(classes, self.classifier.deciding_threshold());
        table(&format!("{file},{class},{},{doubts}\n", scores.join(",")));
    }
}

/// Prints a part of a CSV. A program that reads it gets names as they are, and a terminal none that it obeys.
fn table(csv: &str) {
    match std::io::stdout().is_terminal() {
        true => text(csv),
        false => raw(csv),
    }
}
