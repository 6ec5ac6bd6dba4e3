//! An answer, and whether it should be believed.

use serde::{Deserialize, Serialize};

use crate::csv_field::csv_field;
use crate::evaluate::{Measure, Measured, telling};

/// What is said of an unusual image.
const UNUSUAL: &str = "unusual: this image seems to have been made in another way than the training images";

/// Whether an answer should be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As far as the model can be.
    Decided,
    /// The model cannot rule out another class, or finds none plausible.
    Undecided,
    /// The image is unlike those that the model was trained on: its class and scores mean nothing.
    Refused,
}

/// How many images got which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictCounts {
    /// [`Verdict::Decided`]
    pub decided: u64,
    /// [`Verdict::Undecided`]
    pub undecided: u64,
    /// [`Verdict::Refused`]
    pub refused: u64,
}

impl VerdictCounts {
    /// In the order of [`Verdict::ALL`].
    pub fn all(self) -> [u64; 3] {
        [self.decided, self.undecided, self.refused]
    }
}

impl FromIterator<Verdict> for VerdictCounts {
    fn from_iter<T: IntoIterator<Item = Verdict>>(verdicts: T) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            match verdict {
                Verdict::Decided => counts.decided += 1,
                Verdict::Undecided => counts.undecided += 1,
                Verdict::Refused => counts.refused += 1,
            }
        }
        counts
    }
}

impl Verdict {
    /// Of an image that the gate `refused` or not, whose likeliest class is `label`. An image unlike those of the
    /// training is refused, whatever is plausible; else the class must be the only plausible one.
    pub(crate) fn of(refused: bool, label: usize, plausible: Option<&[usize]>) -> Self {
        match plausible {
            _ if refused => Self::Refused,
            Some(plausible) if plausible != [label] => Self::Undecided,
            _ => Self::Decided,
        }
    }

    /// All of them.
    pub const ALL: [Self; 3] = [Self::Decided, Self::Undecided, Self::Refused];

    /// The word that stands for it in tables, JSON and CSV.
    pub fn word(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Undecided => "undecided",
            Self::Refused => "refused",
        }
    }
}

/// What a classifier says of an image, and whether it should be believed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Name of the class that scores and threshold point to. It is an answer only where the verdict is
    /// [`Verdict::Decided`]: [`Answer::decided_class`] gives it only then.
    pub class: String,
    /// Index of that class.
    pub label: usize,
    /// The share of each class, in the order of the classifier's classes; together they make 1.
    pub scores: Vec<f32>,
    /// Whether the answer should be believed.
    pub verdict: Verdict,
    /// Distance from the training images by what the image shows, about 1 for one like them; `None` in a model
    /// without a gate.
    pub distance: Option<f64>,
    /// Distance from the training images by how the image was made, too; `None` in a model that cannot tell.
    pub oddness: Option<f64>,
    /// Whether the image seems to have been made in another way than the training images: with another device,
    /// size, compression or processing. Its answer may be less sure than it looks.
    pub unusual: bool,
    /// The classes that cannot be ruled out, perhaps none; `None` in a model without prediction sets.
    pub plausible: Option<Vec<usize>>,
    /// Number of frames of the image's file, of which the answer is about the first.
    pub frames: u32,
}

impl Answer {
    /// The class that is the answer; `None` where the model gives none.
    pub fn decided_class(&self) -> Option<&str> {
        (self.verdict == Verdict::Decided).then_some(self.class.as_str())
    }

    /// What to say besides the answer of an image that was made in another way than the training images.
    pub fn note(&self) -> Option<&'static str> {
        (self.unusual && self.verdict != Verdict::Refused).then_some(UNUSUAL)
    }

    /// What to say instead of trusting the answer; `None` when it can be trusted as far as the model can.
    pub fn doubt(&self) -> Option<&'static str> {
        match self.verdict {
            Verdict::Decided => None,
            Verdict::Undecided => Some("can't decide"),
            Verdict::Refused => Some("this does not look like the images the model was trained on"),
        }
    }
}

impl Answer {
    /// Names of the columns that [`Answer::csv`] fills.
    pub const COLUMNS: &str = "distance,refused,plausible,unusual,verdict,threshold";

    /// The columns [`Answer::COLUMNS`]; empty where the model cannot tell. Of two classes `threshold` is the
    /// positive's.
    pub fn csv(&self, classes: &[String], threshold: Option<f64>) -> String {
        let distance = self.distance.map(|distance| format!("{distance:.4}")).unwrap_or_default();
        let refused =
            self.distance.map(|_| (self.verdict == Verdict::Refused).to_string()).unwrap_or_default();
        let plausible = self.plausible.as_ref().map(|plausible| {
            plausible.iter().map(|class| classes[*class].as_str()).collect::<Vec<_>>().join("|")
        });
        let plausible = csv_field(&plausible.unwrap_or_default());
        let unusual = self.oddness.map(|_| self.unusual.to_string()).unwrap_or_default();
        let threshold = threshold.map(|threshold| threshold.to_string()).unwrap_or_default();
        format!("{distance},{refused},{plausible},{unusual},{},{threshold}", self.verdict.word())
    }
}

/// What drift is measured by, of answers of a model with this positive class. What a model cannot measure of every image is
/// left out.
pub(super) fn measured(set: &[&Answer], positive: usize) -> Vec<Measured> {
    let values = |measure| -> Option<Vec<f64>> {
        let value = |image: &&Answer| match measure {
            Measure::Distance => image.distance,
            Measure::Oddness => image.oddness,
            Measure::Score => Some(telling(&image.scores, positive)),
        };
        set.iter().map(value).collect()
    };
    let all = [Measure::Distance, Measure::Oddness, Measure::Score];
    let measured = all.map(|measure| Some(Measured { measure, values: values(measure)? }));
    measured.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(refused: bool, plausible: Option<&[usize]>) -> Answer {
        Answer {
            class: "a".to_owned(),
            label: 0,
            scores: vec![0.9, 0.1],
            verdict: Verdict::of(refused, 0, plausible),
            distance: Some(1.0),
            oddness: None,
            unusual: false,
            plausible: plausible.map(<[usize]>::to_vec),
            frames: 1,
        }
    }

    #[test]
    fn a_strange_image_is_refused_whatever_is_plausible() {
        let verdict = |refused, plausible| answer(refused, plausible).verdict;
        assert_eq!(verdict(false, None), Verdict::Decided);
        assert_eq!(verdict(false, Some(&[0])), Verdict::Decided);
        assert_eq!(verdict(false, Some(&[0, 1])), Verdict::Undecided);
        assert_eq!(verdict(false, Some(&[])), Verdict::Undecided);
        assert_eq!(verdict(true, Some(&[0])), Verdict::Refused);
    }

    #[test]
    fn nothing_is_decided_where_only_the_other_class_is_plausible() {
        assert_eq!(answer(false, Some(&[1])).verdict, Verdict::Undecided);
    }

    #[test]
    fn an_unusual_image_is_answered_with_a_note_and_a_refused_one_without() {
        let unusual = |refused| Answer { unusual: true, oddness: Some(2.0), ..answer(refused, Some(&[0])) };
        assert_eq!((unusual(false).decided_class(), unusual(false).note()), (Some("a"), Some(UNUSUAL)));
        assert_eq!(unusual(true).note(), None);
        assert_eq!(unusual(false).csv(&["a".to_owned()], Some(0.5)), "1.0000,false,a,true,decided,0.5");
        assert_eq!(answer(false, None).csv(&[], None), "1.0000,false,,,decided,");
    }

    #[test]
    fn only_a_decided_image_has_an_answer() {
        assert_eq!(answer(false, Some(&[0])).decided_class(), Some("a"));
        assert_eq!(answer(false, Some(&[0, 1])).decided_class(), None);
        assert_eq!(answer(true, Some(&[0])).decided_class(), None);
    }
}
