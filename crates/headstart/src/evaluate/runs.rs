//! Runs compared by their `predictions.csv`, image by image.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::compare::{Difference, holm, mcnemar, paired_delong};
use super::intervals::Estimate;
use super::metrics::{auc, positive_score};
use super::resample::number_groups;
use crate::csv_field::unmarked;
use crate::error::{Error, Result};
use crate::regular;

/// Bytes of a table of predictions, at most.
const MOST_BYTES: u64 = 4 << 30;

/// Two runs on the same images.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Name of the first run.
    pub first: String,
    /// Name of the second run.
    pub second: String,
    /// Number of images that both measured.
    pub images: usize,
    /// Of so many patients, or pictures that are not alike.
    pub groups: usize,
    /// Areas under the ROC curve; the mean over classes of more than two.
    pub auc: [f64; 2],
    /// First minus second; unknown of more than two classes.
    pub auc_difference: Estimate,
    /// Holm's p-value over both tests of all pairs.
    pub auc_p: f64,
    /// Shares of the images that were classified right.
    pub accuracy: [f64; 2],
    /// First minus second.
    pub accuracy_difference: Estimate,
    /// Holm's p-value over both tests of all pairs.
    pub accuracy_p: f64,
    /// `noise` unless one of the two differs.
    pub verdict: &'static str,
}

/// A run's predictions on one split.
struct Run {
    name: String,
    classes: Vec<String>,
    /// By path.
    rows: BTreeMap<String, Row>,
}

struct Row {
    label: String,
    predicted: String,
    scores: Vec<f32>,
    /// The patient, if known.
    group: Option<String>,
}

/// Every pair of `runs`, which are run folders or their `predictions.csv`.
///
/// # Errors
/// A file that is missing or no such table, or runs that have no image in common or label one differently.
pub fn compare_runs(runs: &[PathBuf], split: &str) -> Result<Vec<Comparison>> {
    let runs = runs.iter().map(|path| Run::read(path, split)).collect::<Result<Vec<_>>>()?;
    let mut pairs = Vec::new();
    for (index, first) in runs.iter().enumerate() {
        for second in &runs[index + 1..] {
            pairs.push(first.against(second)?);
        }
    }
    // All tests of all pairs together: a pair is different where one of its two is.
    let all: Vec<f64> = pairs.iter().flat_map(|pair| [pair.auc_p, pair.accuracy_p]).collect();
    for (pair, p) in pairs.iter_mut().zip(holm(&all).as_chunks().0) {
        let [auc_p, accuracy_p] = *p;
        (pair.auc_p, pair.accuracy_p) = (auc_p, accuracy_p);
        let noise = |difference, p| Difference { difference, p }.is_noise();
        let both = noise(pair.auc_difference, auc_p) && noise(pair.accuracy_difference, accuracy_p);
        pair.verdict = if both { "noise" } else { "different" };
    }
    Ok(pairs)
}

impl Run {
    fn read(path: &Path, split: &str) -> Result<Self> {
        let file = if path.is_dir() { path.join("predictions.csv") } else { path.to_path_buf() };
        let invalid = |found: String| Error::invalid(&file, "the predictions of a run", found);
        let text = regular::read(&file, MOST_BYTES).map_err(|why| Error::io("read", &file, why))?;
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let header = reader.headers().map_err(|why| invalid(why.to_string()))?.clone();
        let column = |name: &str| {
            header.iter().position(|known| known == name).ok_or_else(|| invalid(format!("no column {name}")))
        };
        let (at_path, at_split, at_label) = (column("path")?, column("split")?, column("label")?);
        let at_predicted = column("predicted")?;
        let at_group = header.iter().position(|known| known == "group");
        let of_class = |(at, name): (usize, &str)| name.strip_prefix("score_").map(|n| (at, n.to_string()));
        let (at_scores, classes): (Vec<usize>, Vec<String>) =
            header.iter().enumerate().filter_map(of_class).unzip();
        let mut rows = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(|why| invalid(why.to_string()))?;
            let field = |at: usize| unmarked(record.get(at).unwrap_or_default());
            if field(at_split) != split {
                continue;
            }
            let scores = at_scores.iter().map(|at| field(*at).parse::<f32>());
            let scores: Vec<f32> =
                scores.collect::<std::result::Result<_, _>>().map_err(|why| invalid(why.to_string()))?;
            let (label, predicted) = (field(at_label).to_string(), field(at_predicted).to_string());
            let group = at_group.map(field).filter(|group| !group.is_empty()).map(String::from);
            rows.insert(field(at_path).to_string(), Row { label, predicted, scores, group });
        }
        if rows.is_empty() || classes.len() < 2 {
            return Err(invalid(format!("none of the split {split}")));
        }
        Ok(Self { name: path.display().to_string(), classes, rows })
    }

    fn against(&self, other: &Self) -> Result<Comparison> {
        let expected = format!("the images and classes of {}", self.name);
        let refuse = |found: String| Err(Error::invalid(&other.name, expected.clone(), found));
        if self.classes != other.classes {
            return refuse(other.classes.join(", "));
        }
        let shared: Vec<(&Row, &Row)> =
            self.rows.iter().filter_map(|(path, row)| Some((row, other.rows.get(path)?))).collect();
        if shared.is_empty() {
            return refuse("none of them".into());
        }
        if let Some((first, second)) = shared.iter().find(|(first, second)| first.label != second.label) {
            return refuse(format!("an image that is {} there and {} here", first.label, second.label));
        }
        let right = |of: fn(&(&Row, &Row)) -> bool| -> Vec<bool> { shared.iter().map(of).collect() };
        let hits =
            [right(|(row, _)| row.label == row.predicted), right(|(_, row)| row.label == row.predicted)];
        let share = |hits: &[bool]| hits.iter().filter(|hit| **hit).count() as f64 / hits.len() as f64;
        let groups = number_groups(shared.iter().map(|(row, _)| row.group.as_deref()));
        let accuracy = mcnemar(&hits[0], &hits[1], &groups);
        let (areas, auc) = self.areas(&shared, &groups);
        Ok(Comparison {
            first: self.name.clone(),
            second: other.name.clone(),
            images: shared.len(),
            groups: groups.iter().max().map_or(0, |last| last + 1),
            auc: areas,
            auc_difference: auc.map_or(Estimate::UNKNOWN, |auc| auc.difference),
            auc_p: auc.map_or(f64::NAN, |auc| auc.p),
            accuracy: [share(&hits[0]), share(&hits[1])],
            accuracy_difference: accuracy.difference,
            accuracy_p: accuracy.p,
            verdict: "noise",
        })
    }

    fn areas(&self, shared: &[(&Row, &Row)], groups: &[usize]) -> ([f64; 2], Option<Difference>) {
        // Of two classes both have the same area.
        let of_interest = if self.classes.len() == 2 { 1..2 } else { 0..self.classes.len() };
        let (mut sums, mut paired) = ([0.0; 2], None);
        for class in of_interest.clone() {
            let truth: Vec<bool> = shared.iter().map(|(row, _)| row.label == self.classes[class]).collect();
            let first: Vec<f64> = shared.iter().map(|(row, _)| positive_score(&row.scores, class)).collect();
            let second: Vec<f64> = shared.iter().map(|(_, row)| positive_score(&row.scores, class)).collect();
            sums[0] += auc(&truth, &first).unwrap_or(f64::NAN) / of_interest.len() as f64;
            sums[1] += auc(&truth, &second).unwrap_or(f64::NAN) / of_interest.len() as f64;
            paired = paired_delong(&truth, &first, &second, groups);
        }
        (sums, paired.filter(|_| self.classes.len() == 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, scores: &[f32]) -> PathBuf {
        let mut text = String::from("path,split,label,predicted,score_a,score_b,group\n");
        for (image, score) in scores.iter().enumerate() {
            let label = if image.is_multiple_of(2) { "a" } else { "b" };
            let predicted = if *score >= 0.5 { "b" } else { "a" };
            text += &format!("{image},test,{label},{predicted},{},{score},\n", 1.0 - score);
        }
        let path = folder.join(name);
        std::fs::write(&path, text).expect("writes");
        path
    }

    #[test]
    fn noise_and_differences_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let score = |image: usize, wrong: &std::ops::Range<usize>| {
            let right = if image.is_multiple_of(2) { 0.2 } else { 0.8 };
            if wrong.contains(&(image % 40)) { 1.0 - right } else { right }
        };
        let run = |name: &str, wrong: std::ops::Range<usize>| {
            write(folder.path(), name, &(0..200).map(|image| score(image, &wrong)).collect::<Vec<f32>>())
        };
        let runs = [run("good.csv", 0..2), run("as-good.csv", 1..4), run("bad.csv", 0..15)];
        let pairs = compare_runs(&runs, "test").expect("compares");
        let verdicts: Vec<&str> = pairs.iter().map(|pair| pair.verdict).collect();
        assert_eq!(verdicts, ["noise", "different", "different"], "{pairs:?}");
        assert!(pairs[0].accuracy[0] > pairs[0].accuracy[1] && pairs[0].accuracy_p > 0.05);
        let error = compare_runs(&runs, "validation").expect_err("no such split").to_string();
        assert!(error.contains("none of the split validation"), "{error}");
    }
}
