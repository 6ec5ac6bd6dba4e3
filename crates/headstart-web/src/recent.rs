//! The last images that each model answered: whether they as a whole have drifted from those that it was validated on.
//! Of an image only its numbers are kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use headstart::classifier::Answer;
use headstart::evaluate::Drift;

use crate::models::Model;
use crate::predictor::Predictor;

/// Images that are looked at together.
const LAST: usize = 200;

/// The last images, by the model's name.
#[derive(Default)]
pub(crate) struct Recent(BTreeMap<String, Images>);

struct Images {
    predictor: Arc<dyn Predictor>,
    last: VecDeque<Answer>,
    /// Whether they have drifted, and whether they have changed.
    alarms: [bool; 2],
}

impl Recent {
    /// Adds what a model said, and compares its last images. Says on stderr when they have drifted, and when they no
    /// longer have. `None` as long as there are too few, or when the model cannot tell.
    pub(crate) fn add(&mut self, model: &Model, assessed: Vec<Answer>) -> Option<Drift> {
        let new =
            || Images { predictor: Arc::clone(&model.predictor), last: VecDeque::new(), alarms: [false; 2] };
        let images = self.0.entry(model.name.clone()).or_insert_with(new);
        if !Arc::ptr_eq(&images.predictor, &model.predictor) {
            // Another model was loaded under this name: what the old one measured says nothing of it.
            *images = new();
        }
        images.last.extend(assessed);
        images.last.drain(..images.last.len().saturating_sub(LAST));
        let drift = model.predictor.drift(&images.last.iter().collect::<Vec<_>>())?;
        let alarms = [drift.drifted, drift.has_changed()];
        if alarms != images.alarms {
            images.alarms = alarms;
            eprintln!("{}", line(&model.name, &drift));
        }
        Some(drift)
    }
}

fn line(model: &str, drift: &Drift) -> String {
    match drift.drifted || drift.has_changed() {
        true => format!("drift: model {model}: {}", drift.sentences().join("; ")),
        false => format!("model {model}: its last {} images no longer drift", drift.images),
    }
}
