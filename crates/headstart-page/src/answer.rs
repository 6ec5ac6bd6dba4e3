//! An answer in words.

use headstart::classifier::{Answer, Verdict};
use headstart::image::DecodeError;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::image_kind;
use crate::language::Strings;
use crate::predictor::{Predictor, caution, deciding_threshold, refusal, shown_class};

/// What is said about one file.
#[derive(Serialize, ToSchema)]
pub struct FileAnswer {
    /// The file's name, shortened, without folders.
    pub name: String,
    #[serde(flatten)]
    /// The prediction, or why there is none.
    pub outcome: Outcome,
}

/// A prediction, or why there is none.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Outcome {
    /// The classifier's answer.
    Predicted {
        /// The answer; null unless `verdict` is `decided`.
        class: Option<String>,
        /// `decided`; `undecided` when the model cannot rule out another class or finds none plausible; `refused`
        /// when the image is unlike those that the model was trained on, so that its scores mean nothing.
        #[schema(value_type = String, pattern = "^(decided|undecided|refused)$")]
        verdict: Verdict,
        /// The classes that cannot be ruled out, perhaps none; null in a model without prediction sets.
        plausible: Option<Vec<String>>,
        /// With two classes: the score of the positive one from which on it is the answer; otherwise null.
        threshold: Option<f64>,
        /// How far the image is from those of the training, about 1 for one like them; null in a model that
        /// cannot tell.
        distance: Option<f64>,
        /// Whether the image seems to have been made in another way than those of the training: with another device,
        /// size, compression or processing. Its answer may be less sure than it looks.
        unusual: bool,
        /// Each class's score, in the order of the classifier's classes.
        #[serde(serialize_with = "as_map")]
        #[schema(value_type = std::collections::BTreeMap<String, f32>)]
        scores: Vec<(String, f32)>,
        /// Number of frames in the file, of which the answer is about the first.
        frames: u32,
        /// What that means, in plain words.
        reading: String,
        /// What the answer must not be used for.
        caution: String,
    },
    /// Why the file cannot be used.
    Unusable {
        /// In words.
        error: String,
        /// Whether it is an image at all.
        #[serde(skip)]
        is_image: bool,
    },
}

/// Puts what a classifier made of a file's `bytes` into words.
pub fn in_words(
    predictor: &dyn Predictor,
    strings: &Strings,
    outcome: Result<Answer, DecodeError>,
    bytes: &[u8],
) -> Outcome {
    match outcome {
        Ok(answer) => Outcome::Predicted {
            reading: reading(predictor, strings, &answer),
            frames: answer.frames,
            class: answer.decided_class().map(str::to_owned),
            verdict: answer.verdict,
            threshold: deciding_threshold(predictor),
            plausible: answer.plausible.as_deref().map(|plausible| named(predictor, plausible)),
            unusual: answer.note().is_some(),
            distance: answer.distance.filter(|distance| distance.is_finite()),
            scores: predictor.classes().iter().cloned().zip(answer.scores).collect(),
            caution: caution(predictor, strings).to_owned(),
        },
        Err(error) => {
            Outcome::Unusable { error: refusal(&error, strings), is_image: image_kind::is_image(bytes) }
        }
    }
}

fn named(predictor: &dyn Predictor, classes: &[usize]) -> Vec<String> {
    classes.iter().filter_map(|class| predictor.classes().get(*class)).cloned().collect()
}

/// What the model says, and how it comes to that, in words that need no statistics.
fn reading(predictor: &dyn Predictor, strings: &Strings, answer: &Answer) -> String {
    let scores = scores_reading(predictor, strings, answer);
    let reading = match (answer.verdict, answer.plausible.as_deref()) {
        (Verdict::Refused, _) => strings.get("reading-refused").to_owned(),
        (Verdict::Decided, _) => scores,
        (Verdict::Undecided, None | Some([])) => {
            format!("{} {scores}", strings.get("reading-none-plausible"))
        }
        (Verdict::Undecided, Some(plausible)) => {
            let shown: Vec<String> =
                plausible.iter().map(|class| shown_class(predictor, *class).to_owned()).collect();
            let classes = strings.listed(&shown);
            format!("{} {scores}", strings.say("reading-undecided", &[("classes", &classes)]))
        }
    };
    let reading = match answer.note() {
        Some(_) => format!("{reading} {}", strings.get("reading-unusual")),
        None => reading,
    };
    match answer.frames {
        0 | 1 => reading,
        frames => format!("{} {reading}", strings.say("reading-first", &[("count", &frames.to_string())])),
    }
}

/// How the answer follows from the scores.
fn scores_reading(predictor: &dyn Predictor, strings: &Strings, answer: &Answer) -> String {
    let Answer { label, scores, .. } = answer;
    let score_of = |index: usize| scores.get(index).copied().map_or(f64::NAN, f64::from);
    let positive = predictor.positive();
    match predictor.classes() {
        [_, _] => {
            let (score, line) = strings.percents_apart(score_of(positive), predictor.threshold());
            let key = if *label == positive { "reading-positive" } else { "reading-negative" };
            strings
                .say(key, &[("class", shown_class(predictor, positive)), ("score", &score), ("line", &line)])
        }
        classes => {
            let (score, count) = (strings.percent(score_of(*label)), classes.len().to_string());
            let class = shown_class(predictor, *label);
            strings.say("reading-highest", &[("class", class), ("score", &score), ("count", &count)])
        }
    }
}

fn as_map<S: Serializer>(scores: &[(String, f32)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(scores.iter().map(|(class, score)| (class, score)))
}
