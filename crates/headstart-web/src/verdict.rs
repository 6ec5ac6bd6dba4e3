//! Whether an answer should be believed, as every way of asking says it.

use headstart::classifier::Assessment;
use serde::Serialize;
use utoipa::ToSchema;

/// Whether an answer should be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As far as the model can be.
    Decided,
    /// The model cannot rule out another class, or finds none plausible.
    Undecided,
    /// The image is unlike those that the model was trained on: its class and scores mean nothing.
    Refused,
}

impl Verdict {
    pub(crate) fn of(assessment: &Assessment) -> Self {
        match assessment {
            _ if assessment.refused => Self::Refused,
            _ if assessment.is_decided() => Self::Decided,
            _ => Self::Undecided,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Undecided => "undecided",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use headstart::classifier::Prediction;

    use super::*;

    #[test]
    fn a_strange_image_is_refused_whatever_is_plausible() {
        let verdict = |refused, plausible: Option<&[usize]>| {
            let prediction = Prediction { class: "a".to_owned(), label: 0, scores: vec![0.9, 0.1] };
            let plausible = plausible.map(<[usize]>::to_vec);
            Verdict::of(&Assessment { prediction, distance: Some(1.0), refused, plausible, frames: 1 }).word()
        };
        assert_eq!(verdict(false, None), "decided");
        assert_eq!(verdict(false, Some(&[0])), "decided");
        assert_eq!(verdict(false, Some(&[0, 1])), "undecided");
        assert_eq!(verdict(false, Some(&[])), "undecided");
        assert_eq!(verdict(true, Some(&[0])), "refused");
    }
}
