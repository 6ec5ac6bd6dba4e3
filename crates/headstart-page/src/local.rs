//! A classifier that runs beside its page, in the visitor's browser: what the page asks of it, in bytes and in JSON.

use std::path::Path;

use headstart::classifier::Classifier;
use headstart::image::{Limits, encode_png};
use serde::Serialize;

use crate::answer::{FileAnswer, in_words};
use crate::language::{self, Strings};
use crate::predictor::{Layer, Predictor, refusal};

/// What the model's bytes are called in errors.
const NAME: &str = "the model";
/// A browser gives less memory than a server has.
const MOST_MEMORY: u64 = 1 << 30;

/// A classifier, and the language that it answers in.
#[derive(Debug)]
pub struct Local {
    classifier: Classifier,
    strings: &'static Strings,
}

/// Why there is no picture; as a file's answer says it.
#[derive(Serialize)]
struct Refused {
    error: String,
}

impl Local {
    /// Reads a sealed model. `language` is a tag such as `de`; without one of the page's it is English.
    ///
    /// # Errors
    /// In words, when these are not the bytes of a sealed model or it computes other scores than it was sealed with.
    pub fn load(model: &[u8], language: &str) -> Result<Self, String> {
        let classifier = Classifier::from_bytes(model, Path::new(NAME)).map_err(|why| why.to_string())?;
        let strings = language::find(language).unwrap_or_else(language::fallback);
        Ok(Self { classifier, strings })
    }

    /// The answer to an image file, as `POST /api/predict` of the web app gives it, in JSON.
    pub fn predict(&self, file: &[u8]) -> String {
        let outcome = self.classifier.assess(&[file], &limits()).remove(0);
        let outcome = in_words(&self.classifier, self.strings, outcome, file);
        to_json(&FileAnswer { name: String::new(), outcome })
    }

    /// The image as a PNG file that any browser shows, with or without what spoke for its class.
    ///
    /// # Errors
    /// In JSON, as [`Local::predict`] says it: a file that cannot be used, or a net that cannot tell where it looked.
    pub fn picture(&self, file: &[u8], layer: Layer) -> Result<Vec<u8>, String> {
        let refused = |error: String| to_json(&Refused { error });
        match self.classifier.picture(file, layer, &limits()) {
            Ok(Some(picture)) => Ok(encode_png(&picture)),
            Ok(None) => Err(refused(self.strings.get("problem-no-heat-map").to_owned())),
            Err(why) => Err(refused(refusal(&why, self.strings))),
        }
    }
}

fn limits() -> Limits {
    Limits { max_memory: MOST_MEMORY, ..Limits::default() }
}

fn to_json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).expect("plain structs become JSON")
}
