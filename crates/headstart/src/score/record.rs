//! What is written of one image.

use crate::classifier::{Answer, Verdict};

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// The image was classified.
    Ok,
    /// It was read, and is no usable image.
    Unusable,
    /// It could not be read.
    Unreadable,
}

impl Status {
    pub(super) const ALL: [Self; 3] = [Self::Ok, Self::Unusable, Self::Unreadable];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unusable => "unusable",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A row of a part.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    /// As the manifest has it.
    pub(super) path: String,
    /// Of the image's bytes; `None` of those that could not be read.
    pub(super) sha256: Option<String>,
    pub(super) status: Status,
    /// Why there is no answer.
    pub(super) reason: Option<String>,
    pub(super) scored: Option<Scored>,
}

/// What a model says of an image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scored {
    /// The class that is the answer; `None` where the model gives none.
    pub(super) class: Option<String>,
    pub(super) scores: Vec<f32>,
    pub(super) distance: Option<f64>,
    pub(super) verdict: Verdict,
    pub(super) oddness: Option<f64>,
    /// `None` where the model cannot tell.
    pub(super) unusual: Option<bool>,
}

impl From<Answer> for Scored {
    fn from(answer: Answer) -> Self {
        Self {
            class: answer.decided_class().map(str::to_owned),
            distance: answer.distance,
            verdict: answer.verdict,
            oddness: answer.oddness,
            unusual: answer.oddness.map(|_| answer.unusual),
            scores: answer.scores,
        }
    }
}
