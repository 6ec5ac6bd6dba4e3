//! What stands in the file besides the graph: everything that a reader needs to feed it and to understand its answers.

use serde_json::{Value, json};

use super::Pixels;
use super::proto::Property;
use super::views::INPUT;
use crate::classifier::{Classifier, Description};
use crate::image::{ChannelOrder, Filter, Image, Preprocess, Resize};

/// Key of headstart's own entry: an object in JSON.
pub(super) const KEY: &str = "headstart";
/// How the golden picture is drawn, in words that Python runs: `x`, `y` and `c` are whole numbers.
const PICTURE: &str = "(x * x + 2 * y * y + 50 * c) // 16 % 256";

/// All entries. Besides headstart's own there are those by which Ultralytics' readers know a classifier.
pub(super) fn properties(classifier: &Classifier, digest: &str, pixels: Pixels) -> Vec<Property> {
    let (classes, size) = (classifier.classes(), classifier.description().preprocess.size);
    let quoted = |name: &String| format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'"));
    let names: Vec<String> =
        classes.iter().enumerate().map(|(index, name)| format!("{index}: {}", quoted(name))).collect();
    let entries = [
        (KEY, own(classifier, digest, pixels).to_string()),
        ("task", "classify".into()),
        ("names", format!("{{{}}}", names.join(", "))),
        ("imgsz", format!("[{size}, {size}]")),
    ];
    entries.into_iter().map(|(key, value)| Property { key: key.into(), value }).collect()
}

fn own(classifier: &Classifier, digest: &str, pixels: Pixels) -> Value {
    let description = classifier.description();
    json!({
        "title": classifier.card().title,
        "classes": classifier.classes(),
        "positive": description.classes[description.positive],
        "threshold": classifier.deciding_threshold(),
        "rule": rule(description),
        "caution": classifier.caution(),
        "gate": description.gate.map(|gate| gate.threshold),
        "plausible_from": description.conformal.as_ref().map(|sets| &sets.thresholds),
        "version": description.version,
        "model_sha256": digest,
        "backbone": {
            "name": description.backbone,
            "source": description.provenance.source,
            "licence": description.provenance.licence,
            "sha256": description.provenance.sha256,
        },
        "input": input(&description.preprocess, pixels),
        "golden": golden(classifier),
    })
}

/// What the outputs mean together.
fn rule(description: &Description) -> String {
    let class = match description.classes.len() {
        2 => "the positive class where its score is at least the threshold, else the other",
        _ => "the class with the largest score",
    };
    let answer = match (&description.gate, &description.conformal) {
        (None, None) => "",
        _ => {
            " It is an answer only where `decided` is true: elsewhere the model gives none, and the class must not be shown."
        }
    };
    format!("`predicted` is {class}.{answer}")
}

fn input(preprocess: &Preprocess, pixels: Pixels) -> Value {
    let Preprocess { size, resize, filter, channel_order, mean, deviation } = preprocess;
    let resampling = match filter {
        Filter::Bilinear => "BILINEAR",
        Filter::Bicubic => "BICUBIC",
    };
    json!({
        "name": INPUT,
        "values": "RGB, rows from the top, 0 to 255",
        "size": size,
        "resize": resize,
        "filter": filter,
        "resize_in_graph": pixels == Pixels::AnySize,
        "how": format!("{} {}", shape(*resize, *size), format_args!(
            "Resample as Pillow's Image.resize with Image.{resampling} does, antialiased, along x before y."
        )),
        "normalised_in_graph": {
            "channels": match channel_order {
                ChannelOrder::Rgb => "RGB",
                ChannelOrder::Bgr => "BGR",
            },
            "mean": mean,
            "deviation": deviation,
        },
    })
}

/// How an image becomes a square, in words.
fn shape(resize: Resize, size: usize) -> String {
    match resize {
        Resize::Squash => format!("Scale each side by itself to {size} pixels."),
        Resize::Crop => {
            format!("Scale the shorter side to {size} pixels and keep the middle of the longer one.")
        }
        Resize::Pad => {
            format!(
                "Scale the longer side to {size} pixels and put equal black borders beside the shorter one."
            )
        }
    }
}

/// What the sealed model says of a picture that anybody can draw again.
fn golden(classifier: &Classifier) -> Value {
    let picture = picture(classifier.description().preprocess.size);
    let (logits, _) = classifier.logits_and_strangeness(std::slice::from_ref(&picture));
    let answer = classifier.classify(&picture);
    let plausible = answer.plausible.map(|plausible| {
        (0..classifier.classes().len()).map(|class| plausible.contains(&class)).collect::<Vec<_>>()
    });
    json!({
        "pixels[y, x, c]": PICTURE,
        "logits": logits[0],
        "scores": answer.scores,
        "predicted": answer.label,
        "verdict": answer.verdict,
        "plausible": plausible,
        "distance": answer.distance,
        "oddness": answer.oddness,
        "unusual": answer.unusual,
    })
}

/// [`PICTURE`] of the net's size.
fn picture(size: usize) -> Image {
    let level = |x: usize, y: usize, c: usize| ((x * x + 2 * y * y + 50 * c) / 16 % 256) as u8;
    let pixels = (0..size * size * 3).map(|index| level(index / 3 % size, index / 3 / size, index % 3));
    Image::from_rgb8(size, size, pixels.collect())
}
