//! What stands in the file besides the graph: everything that a reader needs to feed it and to understand its answers.

use serde_json::{Value, json};

use super::Pixels;
use super::proto::Property;
use crate::backbone::Backbone;
use crate::backbone::registry::Provenance;
use crate::classifier::{Answer, Classifier, Description};
use crate::image::{ChannelOrder, Filter, Image, Preprocess, Resize};

/// Key of headstart's own entry: an object in JSON.
pub(super) const KEY: &str = "headstart";
/// How the golden picture is drawn, in words that Python runs: `x`, `y` and `c` are whole numbers.
const PICTURE: &str = "(x * x + 2 * y * y + 50 * c) // 16 % 256";

/// All entries. Besides headstart's own there are those by which Ultralytics' readers know a classifier.
pub(super) fn properties(
    classifier: &Classifier,
    digest: &str,
    pixels: Pixels,
    said: &Said,
    quantised: Option<Value>,
) -> Vec<Property> {
    let (classes, size) = (classifier.classes(), classifier.description().preprocess.size);
    let quoted = |name: &String| format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'"));
    let names: Vec<String> =
        classes.iter().enumerate().map(|(index, name)| format!("{index}: {}", quoted(name))).collect();
    let mut own = own(classifier, digest, pixels, said);
    if let Some(quantised) = quantised {
        own["quantised"] = quantised;
    }
    let entries = [
        (KEY, own.to_string()),
        ("task", "classify".into()),
        ("names", format!("{{{}}}", names.join(", "))),
        ("imgsz", format!("[{size}, {size}]")),
    ];
    entries.into_iter().map(|(key, value)| Property { key: key.into(), value }).collect()
}

/// The same of a pretrained net up to the block `last`; `golden` gives the pooled features of a picture.
pub(super) fn of_backbone(
    backbone: &Backbone,
    last: &str,
    pixels: Pixels,
    golden: impl Fn(&Image) -> Vec<f32>,
) -> Vec<Property> {
    let size = backbone.preprocess.size;
    let own = json!({
        "title": format!("{}, pretrained", backbone.spec.name),
        "last_block": last,
        "version": env!("CARGO_PKG_VERSION"),
        "backbone": source(&backbone.spec.name, &backbone.provenance),
        "input": input(&backbone.preprocess, pixels),
        "golden": { "pixels[y, x, c]": PICTURE, "pooled": golden(&picture(size)) },
    });
    let entries = [(KEY, own.to_string()), ("imgsz", format!("[{size}, {size}]"))];
    entries.into_iter().map(|(key, value)| Property { key: key.into(), value }).collect()
}

fn source(name: &str, provenance: &Provenance) -> Value {
    let Provenance { source, licence, sha256 } = provenance;
    json!({ "name": name, "source": source, "licence": licence, "sha256": sha256 })
}

fn own(classifier: &Classifier, digest: &str, pixels: Pixels, said: &Said) -> Value {
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
        "backbone": source(&description.backbone, &description.provenance),
        "input": input(&description.preprocess, pixels),
        "golden": golden(classifier, said),
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
    let normalised = match pixels {
        Pixels::Uint8 | Pixels::Float32 | Pixels::AnySize => "normalised_in_graph",
        Pixels::Tensor => "normalise",
    };
    json!({
        "name": pixels.name(),
        "values": pixels.meaning(),
        "size": size,
        "resize": resize,
        "filter": filter,
        "resize_in_graph": pixels == Pixels::AnySize,
        "how": format!("{} {}", shape(*resize, *size), format_args!(
            "Resample as Pillow's Image.resize with Image.{resampling} does, antialiased, along x before y."
        )),
        // The caller's part, or the graph's.
        normalised: {
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

/// What a model says of an image.
pub(super) struct Said {
    pub(super) logits: Vec<f32>,
    pub(super) answer: Answer,
}

/// What the sealed model says of a picture that anybody can draw again.
pub(super) fn said(classifier: &Classifier) -> Said {
    let picture = picture(classifier.description().preprocess.size);
    let (logits, _) = classifier.logits_and_strangeness(std::slice::from_ref(&picture));
    Said { logits: logits.concat(), answer: classifier.classify(&picture) }
}

fn golden(classifier: &Classifier, Said { logits, answer }: &Said) -> Value {
    let plausible = answer.plausible.as_ref().map(|plausible| {
        (0..classifier.classes().len()).map(|class| plausible.contains(&class)).collect::<Vec<_>>()
    });
    json!({
        "pixels[y, x, c]": PICTURE,
        "logits": logits,
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
pub(super) fn picture(size: usize) -> Image {
    let level = |x: usize, y: usize, c: usize| ((x * x + 2 * y * y + 50 * c) / 16 % 256) as u8;
    let pixels = (0..size * size * 3).map(|index| level(index / 3 % size, index / 3 / size, index % 3));
    Image::from_rgb8(size, size, pixels.collect())
}
