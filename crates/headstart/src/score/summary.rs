//! What a merged table comes to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::facts::Facts;
use super::record::{Record, Scored, Status};
use crate::classifier::{Verdict, VerdictCounts};
use crate::evaluate::{Drift, Measure, Measured, telling};

/// Bars of a histogram of scores, from 0 to 1.
const BARS: usize = 20;
/// Images that tell whether the set has drifted, at most, at even steps.
const DRIFT: u64 = 10_000;
/// Different reasons that are told one by one.
const REASONS: usize = 100;
/// What the others are counted as.
const OTHER_REASONS: &str = "other reasons";

/// Counts, scores and drift of a set of images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// SHA-256 of the model's file.
    pub model: String,
    /// SHA-256 of the manifest.
    pub manifest: String,
    /// Version of headstart that scored; several where a mixture was allowed.
    pub versions: Vec<String>,
    /// Instruction sets that computed the scores; several where a mixture was allowed.
    pub vector_levels: Vec<String>,
    /// Number of parts.
    pub shards: u64,
    /// Number of images.
    pub rows: u64,
    /// How many were classified (`ok`), are no usable images (`unusable`), or could not be read (`unreadable`).
    pub status: BTreeMap<&'static str, u64>,
    /// Why there is no answer, and how often.
    pub reasons: BTreeMap<String, u64>,
    /// Of the classified images: how many are decided, undecided and refused.
    pub verdicts: BTreeMap<&'static str, u64>,
    /// Which share of the classified images is refused.
    pub refused_share: f64,
    /// How many seem to have been made in another way than the training images.
    pub unusual: u64,
    /// By class.
    pub classes: BTreeMap<String, ClassScores>,
    /// Against the model's validation images; `None` with too few images, and of models that cannot tell.
    pub drift: Option<Drift>,
    /// What a user has to know.
    pub warnings: Vec<String>,
}

/// The scores of one class, of the images that are not refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScores {
    /// Images whose answer is this class.
    pub decided: u64,
    /// Mean score.
    pub mean: f64,
    /// Number of images by score, in 20 equal steps from 0 to 1.
    pub histogram: Vec<u64>,
}

/// A summary that grows, record by record.
pub(super) struct Summing<'a> {
    facts: &'a Facts,
    summary: Summary,
    /// Sum of each class's scores.
    sums: Vec<f64>,
    scores: Vec<ClassScores>,
    measured: Vec<Measured>,
    total: u64,
}

impl<'a> Summing<'a> {
    /// Of `total` rows of parts with these facts.
    pub(super) fn new(facts: &'a Facts, shards: u64, total: u64) -> Self {
        let class = ClassScores { decided: 0, mean: 0.0, histogram: vec![0; BARS] };
        let summary = Summary {
            model: facts.model.clone(),
            manifest: facts.manifest.clone(),
            versions: vec![],
            vector_levels: vec![],
            shards,
            rows: 0,
            status: Status::ALL.map(|status| (status.word(), 0)).into(),
            reasons: BTreeMap::new(),
            verdicts: Verdict::ALL.map(|verdict| (verdict.word(), 0)).into(),
            refused_share: 0.0,
            unusual: 0,
            classes: BTreeMap::new(),
            drift: None,
            warnings: vec![],
        };
        let all = [Measure::Distance, Measure::Oddness, Measure::Score];
        let measured = all.map(|measure| Measured { measure, values: vec![] }).into();
        let classes = facts.classes.len();
        Self { facts, summary, sums: vec![0.0; classes], scores: vec![class; classes], measured, total }
    }

    pub(super) fn add(&mut self, record: &Record) {
        let row = self.summary.rows;
        self.summary.rows += 1;
        *self.summary.status.entry(record.status.word()).or_default() += 1;
        if let Some(reason) = &record.reason {
            let reasons = &mut self.summary.reasons;
            let is_told = reasons.contains_key(reason) || reasons.len() < REASONS;
            *reasons.entry(if is_told { reason.clone() } else { OTHER_REASONS.into() }).or_default() += 1;
        }
        let Some(scored) = &record.scored else { return };
        *self.summary.verdicts.entry(scored.verdict.word()).or_default() += 1;
        self.summary.unusual += u64::from(scored.unusual == Some(true));
        if scored.verdict != Verdict::Refused {
            self.add_scores(scored);
        }
        if is_drawn(row, self.total) {
            self.measure(scored);
        }
    }

    fn add_scores(&mut self, scored: &Scored) {
        for (class, score) in scored.scores.iter().enumerate() {
            self.sums[class] += f64::from(*score);
            let bar = (f64::from(*score) * BARS as f64) as usize;
            self.scores[class].histogram[bar.min(BARS - 1)] += 1;
        }
        let decided = self.facts.classes.iter().position(|class| Some(class) == scored.class.as_ref());
        if let Some(class) = decided {
            self.scores[class].decided += 1;
        }
    }

    fn measure(&mut self, scored: &Scored) {
        for Measured { measure, values } in &mut self.measured {
            values.extend(match measure {
                Measure::Distance => scored.distance,
                Measure::Oddness => scored.oddness,
                Measure::Score => Some(telling(&scored.scores, self.facts.positive)),
            });
        }
    }

    pub(super) fn finish(self) -> Summary {
        let Self { facts, mut summary, sums, mut scores, mut measured, .. } = self;
        let verdict = |verdict: Verdict| summary.verdicts[verdict.word()];
        let answered = verdict(Verdict::Decided) + verdict(Verdict::Undecided);
        let share = |part: f64, whole: u64| if whole == 0 { 0.0 } else { part / whole as f64 };
        summary.refused_share = share(verdict(Verdict::Refused) as f64, summary.verdicts.values().sum());
        scores.iter_mut().zip(sums).for_each(|(class, sum)| class.mean = share(sum, answered));
        summary.classes = facts.classes.iter().cloned().zip(scores).collect();
        measured.retain(|one| !one.values.is_empty());
        let found = Verdict::ALL.map(verdict);
        let drift = facts.reference.as_ref().and_then(|reference| reference.compare(&measured));
        summary.drift = drift.map(|drift| drift.with_verdicts(facts.verdicts.map(VerdictCounts::all), found));
        summary.warnings.extend(summary.drift.iter().flat_map(Drift::sentences));
        summary
    }
}

/// Whether a row is among those, at even steps, that are measured.
fn is_drawn(row: u64, total: u64) -> bool {
    let before = |row: u64| (u128::from(row) * u128::from(DRIFT) / u128::from(total)) as u64;
    total <= DRIFT || before(row + 1) > before(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Reference;

    fn facts() -> Facts {
        let validation = (0..50).map(|image| f64::from(image) / 100.0).collect();
        let scores = Measured { measure: Measure::Score, values: validation };
        Facts {
            model: "m".into(),
            manifest: "l".into(),
            version: "1".into(),
            vector_level: "avx2".into(),
            shard: None,
            classes: vec!["a".into(), "b".into()],
            positive: 1,
            reference: Reference::new(vec![scores]),
            verdicts: Some(VerdictCounts { decided: 46, undecided: 3, refused: 1 }),
        }
    }

    fn record(score: f32, verdict: Verdict) -> Record {
        let scored = Scored {
            class: (verdict == Verdict::Decided).then(|| "b".into()),
            scores: vec![1.0 - score, score],
            distance: None,
            verdict,
            oddness: None,
            unusual: Some(score > 0.98),
        };
        let (path, sha256) = ("x".into(), Some("0".into()));
        Record { path, sha256, status: Status::Ok, reason: None, scored: Some(scored) }
    }

    #[test]
    fn scores_counts_and_drift_are_summed_up() {
        let facts = facts();
        let mut summing = Summing::new(&facts, 2, 32);
        (0..30).for_each(|image| summing.add(&record(0.7 + image as f32 / 100.0, Verdict::Decided)));
        summing.add(&record(0.2, Verdict::Refused));
        let reason = Some("empty file".into());
        summing.add(&Record {
            status: Status::Unusable,
            reason,
            scored: None,
            ..record(0.0, Verdict::Decided)
        });
        let summary = summing.finish();
        assert_eq!((summary.rows, summary.status["ok"], summary.status["unusable"]), (32, 31, 1));
        assert_eq!((summary.verdicts["decided"], summary.unusual, summary.reasons["empty file"]), (30, 1, 1));
        assert!((summary.refused_share - 1.0 / 31.0).abs() < 1e-12);
        let class = &summary.classes["b"];
        assert_eq!((class.decided, class.histogram.iter().sum::<u64>()), (30, 30));
        assert!((class.mean - 0.845).abs() < 1e-6, "{}", class.mean);
        let drift = summary.drift.expect("enough images");
        assert!(drift.drifted && summary.warnings[0].contains("have higher scores"), "{drift:?}");
    }

    #[test]
    fn verdicts_that_have_changed_are_a_warning() {
        let facts = facts();
        let warned = |refused: usize| {
            let mut summing = Summing::new(&facts, 1, 200);
            for image in 0..200 {
                let verdict = if image < refused { Verdict::Refused } else { Verdict::Decided };
                summing.add(&record(image as f32 % 50.0 / 100.0, verdict));
            }
            summing.finish().warnings
        };
        assert!(warned(4).is_empty());
        let changed = warned(90);
        assert!(
            changed.len() == 1 && changed[0].starts_with("the verdicts of these 200 images"),
            "{changed:?}"
        );
    }

    #[test]
    fn rows_are_drawn_at_even_steps_and_no_more_than_needed() {
        let drawn = |total: u64| (0..total).filter(|row| is_drawn(*row, total)).count() as u64;
        assert_eq!([7, DRIFT, DRIFT + 1, 25_001, 300_000].map(drawn), [7, DRIFT, DRIFT, DRIFT, DRIFT]);
    }
}
