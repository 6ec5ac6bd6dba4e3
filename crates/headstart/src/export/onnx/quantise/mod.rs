//! A sealed model in 8 bits: its ONNX file with the convolutions' weights as int8, one scale for each output channel, and
//! the maps between them as uint8, whose ranges are those of validation images. It is only written where paired tests on
//! the validation images find no loss.

mod correct;
mod images;
mod loss;
mod points;
mod rewrite;
mod run;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::metadata::{self, Said};
use super::proto::Model;
use super::{Pixels, Written, compose, same_file};
use crate::classifier::{Classifier, Sealed};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::observer::Observer;
use crate::train::Job;

use images::Validation;
pub use loss::{Measured, Test};
use run::Net;

/// Images in a step.
const BATCH: usize = 16;
/// Validation images whose maps are measured, at most.
const MEASURED: usize = 256;
/// Those over which the means of channels are compared, at most: their maps lie in memory together.
const COMPARED: usize = 48;

/// A model in 8 bits, and what it lost.
#[derive(Debug)]
pub struct Quantised {
    model: PathBuf,
    file: Model,
    /// Validation images whose maps were measured.
    pub measured: usize,
    /// Validation images that both models answered.
    pub images: usize,
    /// Their patients, or pictures that are not alike.
    pub groups: usize,
    /// Convolutions and dense layers in 8 bits, of so many.
    pub layers: [usize; 2],
    /// The largest difference between two scores.
    pub off: f32,
    /// Whether it is worse.
    pub tests: Vec<Test>,
    scores: String,
}

/// Makes the sealed `model` one of 8 bits and compares the two on the images that it was validated on, which are looked for
/// in `data`, or where that is not given in the data of the run beside which the model lies.
///
/// # Errors
/// As [`export`](super::export); data without images that the model was validated on; or [`Error::Interrupted`].
pub fn quantise(
    model: &Path,
    data: Option<&Path>,
    pixels: Pixels,
    progress: &mut dyn Observer,
) -> Result<Quantised> {
    let (classifier, sealed, digest) = Classifier::load_with_tensors(model)?;
    let data = data.map_or_else(|| recorded(model), |data| Ok(data.to_path_buf()))?;
    let validation = Validation::find(&classifier, &data, progress)?;
    let (mut file, inner) = compose(&classifier, &sealed, pixels)?;
    let graph = file.graph.as_mut().expect("the exporter wrote a graph");
    let whole = Net::new(graph, &inner);
    let ranges = measure(&whole, &classifier, &validation, progress)?;
    let points = points::choose(graph, &inner, &ranges);
    let mut rounded = graph.clone();
    rewrite::rewrite(&mut rounded, &inner, &points);
    let compared = classifier.inputs_and_views(&some(&validation, COMPARED, progress));
    correct::apply(graph, &correct::shifts(&whole, &Net::new(&rounded, &inner), &points, &compared));
    rewrite::rewrite(graph, &inner, &points);
    let net = Eight { net: Net::new(graph, &inner), classifier: &classifier, sealed: &sealed };
    let measured = loss::Measured::of(&classifier, &net, &validation, progress)?;
    let (groups, tests) = (measured.patients(), measured.tests(&classifier));
    let about = json!({
        "weights": "int8, a scale for each output channel",
        "maps": "uint8",
        "validation_images": measured.labels.len(),
        "patients_or_pictures": groups,
        "score_off": measured.off(),
        "tests": tests,
    });
    let golden = metadata::picture(sealed.description.preprocess.size);
    let said = net.said(std::slice::from_ref(&golden)).remove(0);
    let quantised = Quantised {
        model: model.to_path_buf(),
        measured: ranges.images,
        images: measured.labels.len(),
        groups,
        layers: [points.layers.len(), points.all],
        off: measured.off(),
        tests,
        scores: measured.table(&classifier, &validation),
        file: Model {
            metadata_props: metadata::properties(&classifier, &digest, pixels, &said, Some(about)),
            ..file
        },
    };
    Ok(quantised)
}

impl Quantised {
    /// Tests that found a loss that chance does not explain.
    pub fn losses(&self) -> impl Iterator<Item = &Test> {
        self.tests.iter().filter(|test| test.is_loss())
    }

    /// The scores of each validation image: `path`, `label`, and for each class `score_CLASS` in 32 bits and `int8_CLASS`.
    pub fn scores_csv(&self) -> &str {
        &self.scores
    }

    /// Writes the ONNX file, whole or not at all.
    ///
    /// # Errors
    /// A model that lost, or a file that cannot be written.
    pub fn write(&self, out: &Path) -> Result<Written> {
        if same_file(&self.model, out) {
            return Err(Error::setting("out", "another file than the model's", out.display().to_string()));
        }
        let lost: Vec<String> = self.losses().map(Test::to_string).collect();
        match lost.is_empty() {
            true => super::write(&self.file, &self.model, out),
            false => {
                let expected = "a model that answers validation images as well in 8 bits";
                Err(Error::invalid(&self.model, expected, lost.join("; ")))
            }
        }
    }
}

/// Where the data of the run lie that made a model.
fn recorded(model: &Path) -> Result<PathBuf> {
    let run = model.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let job = Job::stored(run)?;
    job.map(|job| job.data).ok_or_else(|| {
        let found = format!("none, and no settings of a training beside {}", model.display());
        Error::setting("data", "the data that the model was trained on", found)
    })
}

/// At most so many of the validation images, at even steps.
fn some(validation: &Validation, most: usize, progress: &mut dyn Observer) -> Vec<Image> {
    let step = validation.len().div_ceil(most);
    validation
        .read((0..validation.len()).step_by(step), progress)
        .into_iter()
        .map(|(_, image)| image)
        .collect()
}

/// Ranges of all maps over some of the validation images, at even steps.
fn measure(
    net: &Net,
    classifier: &Classifier,
    validation: &Validation,
    progress: &mut dyn Observer,
) -> Result<points::Ranges> {
    let mut ranges = points::Ranges::default();
    let step = validation.len().div_ceil(MEASURED);
    let chosen: Vec<usize> = (0..validation.len()).step_by(step).collect();
    for batch in chosen.chunks(BATCH) {
        if progress.stop() {
            return Err(Error::Interrupted);
        }
        let images = validation.read(batch.iter().copied(), progress);
        ranges.images += images.len();
        let images: Vec<Image> = images.into_iter().map(|(_, image)| image).collect();
        let inputs = classifier.inputs_and_views(&images);
        net.run(&inputs, |name, maps| ranges.see(name, maps));
    }
    match ranges.images {
        0 => Err(Error::setting("data", "validation images that can be read", "none")),
        _ => Ok(ranges),
    }
}

/// The 8-bit net with what the sealed model does behind it.
struct Eight<'a> {
    net: Net,
    classifier: &'a Classifier,
    sealed: &'a Sealed,
}

impl Eight<'_> {
    /// Logits of each image, and the answer.
    fn said(&self, images: &[Image]) -> Vec<Said> {
        let inputs = self.classifier.inputs_and_views(images);
        let made = self.net.run(&inputs, |_, _| {});
        let strange = self.sealed.gate.as_ref().zip(self.sealed.description.gate).map(|(gate, facts)| {
            let pooled = |layers| made.pooled(layers, images.len());
            let oddnesses = facts.unusual.and_then(|unusual| gate.oddnesses(&pooled(unusual.layers)));
            crate::gate::Strangeness::each(gate.distances(&pooled(facts.layers)), oddnesses)
        });
        let logits = made.logits(images.len());
        let of = |(image, logits): (usize, Vec<f32>)| {
            let strange = strange.as_ref().map(|strange| strange[image]);
            let scores = self.classifier.scores_of(&logits);
            Said { answer: self.classifier.answer(scores, strange), logits }
        };
        logits.into_iter().enumerate().map(of).collect()
    }
}
