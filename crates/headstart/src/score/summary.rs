//! What a merged table comes to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::model::{Model, Scored};
use crate::classifier::{Verdict, VerdictCounts};
use crate::evaluate::{Drift, Measure, Measured, telling};
use crate::shards::{Record, Sum, Tally};

/// Bars of a histogram of scores, from 0 to 1.
const BARS: usize = 20;
/// Images that tell whether the set has drifted, at most, at even steps.
const DRIFT: u64 = 10_000;

/// Counts, scores and drift of a set of images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// SHA-256 of the model's file.
    pub model: String,
    /// Where the scores come from, and what became of the rows.
    #[serde(flatten)]
    pub tally: Tally,
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
pub(super) struct Summing {
    model: Model,
    /// Of all rows how many were added.
    row: u64,
    total: u64,
    verdicts: BTreeMap<&'static str, u64>,
    unusual: u64,
    /// Sum of each class's scores.
    sums: Vec<f64>,
    scores: Vec<ClassScores>,
    measured: Vec<Measured>,
}

impl Summing {
    /// Of `total` rows that a model scored.
    pub(super) fn new(model: Model, total: u64) -> Self {
        let class = ClassScores { decided: 0, mean: 0.0, histogram: vec![0; BARS] };
        let all = [Measure::Distance, Measure::Oddness, Measure::Score];
        let classes = model.classes.len();
        Self {
            model,
            row: 0,
            total,
            verdicts: Verdict::ALL.map(|verdict| (verdict.word(), 0)).into(),
            unusual: 0,
            sums: vec![0.0; classes],
            scores: vec![class; classes],
            measured: all.map(|measure| Measured { measure, values: vec![] }).into(),
        }
    }

    fn add_scores(&mut self, scored: &Scored) {
        for (class, score) in scored.scores.iter().enumerate() {
            self.sums[class] += f64::from(*score);
            let bar = (f64::from(*score) * BARS as f64) as usize;
            self.scores[class].histogram[bar.min(BARS - 1)] += 1;
        }
        let decided = self.model.classes.iter().position(|class| Some(class) == scored.class.as_ref());
        if let Some(class) = decided {
            self.scores[class].decided += 1;
        }
    }

    fn measure(&mut self, scored: &Scored) {
        for Measured { measure, values } in &mut self.measured {
            values.extend(match measure {
                Measure::Distance => scored.distance,
                Measure::Oddness => scored.oddness,
                Measure::Score => Some(telling(&scored.scores, self.model.positive)),
            });
        }
    }
}

impl Sum<Scored> for Summing {
    type Summary = Summary;

    fn add(&mut self, record: &Record<Scored>) {
        let row = self.row;
        self.row += 1;
        let Some(scored) = &record.value else { return };
        *self.verdicts.entry(scored.verdict.word()).or_default() += 1;
        self.unusual += u64::from(scored.unusual == Some(true));
        if scored.verdict != Verdict::Refused {
            self.add_scores(scored);
        }
        if is_drawn(row, self.total) {
            self.measure(scored);
        }
    }

    fn finish(self, mut tally: Tally) -> Summary {
        let Self { model, verdicts, unusual, sums, mut scores, mut measured, .. } = self;
        let verdict = |verdict: Verdict| verdicts[verdict.word()];
        let answered = verdict(Verdict::Decided) + verdict(Verdict::Undecided);
        let share = |part: f64, whole: u64| if whole == 0 { 0.0 } else { part / whole as f64 };
        scores.iter_mut().zip(sums).for_each(|(class, sum)| class.mean = share(sum, answered));
        measured.retain(|one| !one.values.is_empty());
        let found = Verdict::ALL.map(verdict);
        let drift = model.reference.as_ref().and_then(|reference| reference.compare(&measured));
        let drift = drift.map(|drift| drift.with_verdicts(model.verdicts.map(VerdictCounts::all), found));
        tally.warnings.extend(drift.iter().flat_map(Drift::sentences));
        Summary {
            model: model.digest,
            tally,
            refused_share: share(verdict(Verdict::Refused) as f64, verdicts.values().sum()),
            verdicts,
            unusual,
            classes: model.classes.into_iter().zip(scores).collect(),
            drift,
        }
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
    use crate::shards::Status;

    fn model() -> Model {
        let validation = (0..50).map(|image| f64::from(image) / 100.0).collect();
        let scores = Measured { measure: Measure::Score, values: validation };
        Model {
            digest: "m".into(),
            classes: vec!["a".into(), "b".into()],
            positive: 1,
            reference: Reference::new(vec![scores]),
            verdicts: Some(VerdictCounts { decided: 46, undecided: 3, refused: 1 }),
        }
    }

    fn record(score: f32, verdict: Verdict) -> Record<Scored> {
        let scored = Scored {
            class: (verdict == Verdict::Decided).then(|| "b".into()),
            scores: vec![1.0 - score, score],
            distance: None,
            verdict,
            oddness: None,
            unusual: Some(score > 0.98),
        };
        let (path, sha256) = ("x".into(), Some("0".into()));
        Record { path, sha256, status: Status::Ok, reason: None, value: Some(scored) }
    }

    #[test]
    fn scores_counts_and_drift_are_summed_up() {
        let mut summing = Summing::new(model(), 32);
        (0..30).for_each(|image| summing.add(&record(0.7 + image as f32 / 100.0, Verdict::Decided)));
        summing.add(&record(0.2, Verdict::Refused));
        summing.add(&Record { status: Status::Unusable, value: None, ..record(0.0, Verdict::Decided) });
        let summary = summing.finish(Tally::default());
        assert_eq!((summary.verdicts["decided"], summary.unusual), (30, 1));
        assert!((summary.refused_share - 1.0 / 31.0).abs() < 1e-12);
        let class = &summary.classes["b"];
        assert_eq!((class.decided, class.histogram.iter().sum::<u64>()), (30, 30));
        assert!((class.mean - 0.845).abs() < 1e-6, "{}", class.mean);
        let drift = summary.drift.expect("enough images");
        assert!(drift.drifted && summary.tally.warnings[0].contains("have higher scores"), "{drift:?}");
    }

    #[test]
    fn verdicts_that_have_changed_are_a_warning() {
        let warned = |refused: usize| {
            let mut summing = Summing::new(model(), 200);
            for image in 0..200 {
                let verdict = if image < refused { Verdict::Refused } else { Verdict::Decided };
                summing.add(&record(image as f32 % 50.0 / 100.0, verdict));
            }
            summing.finish(Tally::default()).tally.warnings
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
