//! A classifier for tests: its answer is written in the file.
//!
//! A PNG file that ends in `0.93` gets the score 0.93 for PNEUMONIA; one without a number gets 0.8.
//! `.50?` makes it undecided at 0.50, `STRANGE` refuses it as unlike the training images, `ODD` calls it unusual, `BROKEN` as damaged, `PANIC` panics,
//!
//! `HOLD` keeps the worker busy until [`release`], and `SLOW` does so where decoding may take more than a second. A picture of a file is green, with a heat map red.

#![allow(clippy::unwrap_used)] // a test that cannot go on may stop

// Each test program uses its own part of this.
#![allow(dead_code)]

use std::sync::{Condvar, Mutex};

use headstart::classifier::{Answer, Card, Verdict};
use headstart::evaluate::{Drift, Finding, Measure, ThresholdCounts};
use headstart::image::{Cost, DecodeError, Format, Image, Limits};
use headstart_web::{Layer, Predictor};

pub struct StandIn {
    pub classes: Vec<String>,
    pub card: Card,
    pub caution: String,
    pub threshold_counts: Option<ThresholdCounts>,
    /// Without a layer that could tell where it looks.
    pub is_blind: bool,
}

pub const THRESHOLD: f64 = 0.42;

/// The smallest PNG: one grey pixel.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\
    \0\0\0\nIDATx\x9cch\0\0\0\x82\0\x81w\xcdr\xb6\0\0\0\0IEND\xaeB`\x82";

/// A PNG with something written behind its end, where decoders do not look.
pub fn png(ending: &str) -> Vec<u8> {
    [PNG, ending.as_bytes()].concat()
}

static HELD: Mutex<bool> = Mutex::new(true);
static RELEASED: Condvar = Condvar::new();

/// Lets every prediction that holds a worker go on.
pub fn release() {
    *HELD.lock().unwrap() = false;
    RELEASED.notify_all();
}

impl Default for StandIn {
    fn default() -> Self {
        Self {
            classes: vec!["NORMAL".to_owned(), "PNEUMONIA".to_owned()],
            is_blind: false,
            // A hundred of each: those at or above the threshold are found, those below it are spared.
            threshold_counts: Some(ThresholdCounts {
                positives: 100,
                negatives: 100,
                steps: (0..=100).map(|step| [100 - step / 2, step]).collect(),
            }),
            caution: "A research tool, not a medical device. Ask a doctor.".to_owned(),
            card: Card {
                title: "NORMAL or PNEUMONIA".to_owned(),
                classes: vec!["NORMAL".to_owned(), "PNEUMONIA".to_owned()],
                backbone: "EfficientNet-Lite0".to_owned(),
                trained_on: "5216 labelled images".to_owned(),
                test: Some(vec![
                    ("Sensitivity".to_owned(), 0.962, 0.938, 0.977),
                    ("Specificity".to_owned(), 0.885, 0.838, 0.92),
                    ("AUC".to_owned(), 0.974, 0.962, 0.985),
                ]),
                recalls: vec![],
                doubts: vec![],
                version: "0.1.0".to_owned(),
            },
        }
    }
}

impl StandIn {
    /// One for these classes.
    pub fn of(classes: &[&str]) -> Self {
        let classes: Vec<String> = classes.iter().map(|class| (*class).to_owned()).collect();
        let mut stand_in = Self { classes: classes.clone(), ..Self::default() };
        stand_in.card.title = classes.join(" or ");
        stand_in.card.classes = classes;
        stand_in
    }
}

impl Predictor for StandIn {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn positive(&self) -> usize {
        1
    }

    fn threshold(&self) -> f64 {
        THRESHOLD
    }

    fn caution(&self) -> &str {
        &self.caution
    }

    fn card(&self) -> &Card {
        &self.card
    }

    fn training_images(&self) -> usize {
        5216
    }

    fn threshold_counts(&self) -> Option<&ThresholdCounts> {
        self.threshold_counts.as_ref()
    }

    fn assess(&self, files: &[&[u8]], limits: &Limits) -> Vec<Result<Answer, DecodeError>> {
        files.iter().map(|bytes| self.assess_one(bytes, limits)).collect()
    }

    /// At least twenty images drift when most of them are strange.
    fn drift(&self, images: &[&Answer]) -> Option<Drift> {
        let strange = images.iter().filter(|image| image.verdict == Verdict::Refused).count();
        let (higher, drifted) = (strange as f64 / images.len() as f64, 2 * strange > images.len());
        let finding = Finding { measure: Measure::Distance, higher, p: 0.25, drifted };
        let drift = Drift { images: images.len(), drifted, findings: vec![finding], stability: vec![] };
        let mut verdicts = [0; 3];
        images.iter().for_each(|image| verdicts[image.verdict as usize] += 1);
        (images.len() >= 20).then(|| drift.with_verdicts(Some([180, 15, 5]), verdicts))
    }

    fn picture(&self, file: &[u8], layer: Layer, limits: &Limits) -> Result<Option<Image>, DecodeError> {
        self.assess_one(file, limits)?;
        let colour = match layer {
            Layer::Bare => [0, 200, 0],
            Layer::HeatMap if self.is_blind => return Ok(None),
            Layer::HeatMap => [200, 0, 0],
        };
        Ok(Some(Image::from_rgb8(8, 8, colour.repeat(64))))
    }
}

impl StandIn {
    fn assess_one(&self, bytes: &[u8], limits: &Limits) -> Result<Answer, DecodeError> {
        if bytes.is_empty() {
            return Err(DecodeError::Empty);
        }
        if !bytes.starts_with(b"\x89PNG") {
            return Err(DecodeError::Unknown);
        }
        if bytes.ends_with(b"BROKEN") {
            return Err(DecodeError::Truncated { format: Format::Png, why: "its secret end".to_owned() });
        }
        assert!(!bytes.ends_with(b"PANIC"), "a panic on purpose");
        let is_slow = bytes.ends_with(b"SLOW");
        if is_slow && limits.max_seconds <= 1 {
            let most = Cost::Seconds(limits.max_seconds);
            return Err(DecodeError::TooCostly { format: Format::Png, most });
        }
        if is_slow || bytes.ends_with(b"HOLD") {
            drop(RELEASED.wait_while(HELD.lock().unwrap(), |held| *held).unwrap());
        }
        let refused = bytes.ends_with(b"STRANGE");
        let is_unsure = bytes.ends_with(b"?");
        let ending = String::from_utf8_lossy(&bytes[bytes.len() - 4..]).into_owned();
        let positive: f32 = ending.trim_end_matches('?').parse().unwrap_or(0.8);
        let label = usize::from(f64::from(positive) >= THRESHOLD);
        let mut scores = vec![1.0 - positive, positive];
        scores.resize(self.classes.len(), 0.0);
        Ok(Answer {
            class: self.classes[label].clone(),
            label,
            scores,
            verdict: match (refused, is_unsure) {
                (true, _) => Verdict::Refused,
                (false, true) => Verdict::Undecided,
                (false, false) => Verdict::Decided,
            },
            distance: Some(if refused { 3.5 } else { 1.0 }),
            oddness: Some(1.0),
            unusual: bytes.ends_with(b"ODD"),
            plausible: Some(if is_unsure { vec![0, 1] } else { vec![label] }),
            frames: if bytes.ends_with(b"FRAMES") { 24 } else { 1 },
        })
    }
}
