//! An answer, and whether it should be believed.

use serde::Serialize;

use super::Prediction;
use crate::csv_field::csv_field;

/// What a classifier says of an image, and whether it should be believed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessment {
    /// The answer.
    pub prediction: Prediction,
    /// Distance from the training images, about 1 for one like them; `None` in a model without a gate.
    pub distance: Option<f64>,
    /// Whether the image lies farther off than the model was made for: its answer means nothing.
    pub refused: bool,
    /// The classes that cannot be ruled out, perhaps none; `None` in a model without prediction sets.
    pub plausible: Option<Vec<usize>>,
    /// Number of frames of the image's file, of which the answer is about the first.
    pub frames: u32,
}

impl Assessment {
    /// Whether the model can decide: the image is of the kind that it knows, and one class is plausible.
    pub fn is_decided(&self) -> bool {
        !self.refused && self.plausible.as_ref().is_none_or(|plausible| plausible.len() == 1)
    }

    /// What to say instead of trusting the answer; `None` when it can be trusted as far as the model can.
    pub fn doubt(&self) -> Option<&'static str> {
        match &self.plausible {
            _ if self.refused => Some("this does not look like the images the model was trained on"),
            Some(plausible) if plausible.len() != 1 => Some("can't decide"),
            _ => None,
        }
    }
}

impl Assessment {
    /// The columns `distance,refused,plausible`; empty where the model cannot tell.
    pub fn csv(&self, classes: &[String]) -> String {
        let distance = self.distance.map(|distance| format!("{distance:.4}")).unwrap_or_default();
        let refused = self.distance.map(|_| self.refused.to_string()).unwrap_or_default();
        let plausible = self.plausible.as_ref().map(|plausible| {
            plausible.iter().map(|class| classes[*class].as_str()).collect::<Vec<_>>().join("|")
        });
        let plausible = csv_field(&plausible.unwrap_or_default());
        format!("{distance},{refused},{plausible}")
    }
}
