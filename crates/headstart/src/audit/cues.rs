//! Numbers that have nothing to do with what a picture shows, with the words for them.

use super::Tells;
use super::oddities::is_coloured;
use super::survey::Look;
use crate::image::{Coding, Format};

/// What a look tells; `None` where an image has no such thing.
type Value = fn(&Look) -> Option<f64>;
/// The same, where it knows more than the look.
type Measure = dyn Fn(&Look) -> Option<f64>;

/// One number, or one fact that holds or does not.
pub(super) struct Cue {
    pub(super) name: String,
    pub(super) value: Box<Measure>,
    pub(super) words: Words,
}

/// How it is said in what the images of two classes differ, and what to do about it.
#[derive(Clone)]
pub(super) struct Words {
    kind: Kind,
    cure: &'static str,
}

#[derive(Clone)]
enum Kind {
    /// What an image has much or little of: "file size".
    Amount(String),
    /// What holds of an image or does not: "are in colour".
    Trait(String),
    /// Left and right are exchanged.
    Sides,
}

const SIZE: &str = "A model does not see the size itself where images are resized to a square, but the detail that comes \
                    with it. Take the images of all classes from one source, or train with random `resolution` and `blur`.";
const SHAPE: &str = "Resizing to a square squashes images of another shape, which a model sees; padding shows it the shape. \
                     Crop all images to one shape, or train with random `area` and `aspect`.";
const EDGE: &str = "Crop the edges of all images in the same way, or train with random `area` and `shift`.";
const CODING: &str = "Save the images of all classes anew in one way, from originals if you have them: one program, format, \
                      quality and size. Train with random `jpeg` where traces of the compression remain.";
const METADATA: &str = "A model does not see it, but it shows that the classes come from different programs or cameras. \
                        Look for what else these change, and take all classes from one source.";
const MARK: &str = "Look at this place in a few images of each class. Cover the mark or crop it away in the images of all \
                    classes.";
const COLOUR: &str = "Make the images of all classes grey, unless the colour is what they show.";
const MIRROR: &str = "Turn back the class that was mirrored, or mirror half of the images of each class with `flip`. If the \
                      side is what the classes are about, this is no fault.";

/// All that every look tells.
pub(super) fn all() -> Vec<Cue> {
    let amounts: [(&str, &'static str, Value); 9] = [
        ("file size", CODING, |look| look.bytes.map(|bytes| bytes as f64)),
        ("width", SIZE, |look| Some(look.width as f64)),
        ("height", SIZE, |look| Some(look.height as f64)),
        ("aspect ratio", SHAPE, |look| Some(look.width as f64 / look.height as f64)),
        ("border brightness", EDGE, |look| Some(f64::from(look.appearance.border))),
        ("corner brightness", EDGE, |look| Some(f64::from(look.appearance.corners))),
        ("JPEG quality", CODING, |look| coding(look, |coding| Some(coding.quality.into()))),
        ("JPEG colour subsampling", CODING, |look| coding(look, |coding| coding.subsampling.map(f64::from))),
        ("metadata in the file", METADATA, |look| coding(look, |coding| Some(coding.metadata.into()))),
    ];
    let traits: [(&str, &str, &'static str, Value); 3] = [
        ("colour", "are in colour", COLOUR, |look| Some(flag(is_coloured(look)))),
        ("burned-in text", "carry burned-in text", MARK, |look| {
            Some(flag(look.appearance.writing.is_some()))
        }),
        ("progressive JPEG", "are saved as a progressive JPEG", CODING, |look| {
            coding(look, |coding| Some(flag(coding.progressive)))
        }),
    ];
    let amount = |(name, cure, value): (&str, _, Value)| Cue {
        name: name.into(),
        value: Box::new(value),
        words: Words { kind: Kind::Amount(name.into()), cure },
    };
    let fact = |(name, what, cure, value): (&str, &str, _, Value)| Cue {
        name: name.into(),
        value: Box::new(value),
        words: Words { kind: Kind::Trait(what.into()), cure },
    };
    let formats = Format::ALL.into_iter().map(|format| Cue {
        name: format!("file format {}", format.name()),
        value: Box::new(move |look| Some(flag(look.format? == format))),
        words: Words { kind: Kind::Trait(format!("are saved as {}", format.name())), cure: CODING },
    });
    amounts.into_iter().map(amount).chain(traits.into_iter().map(fact)).chain(formats).collect()
}

fn flag(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn coding(look: &Look, of: impl Fn(Coding) -> Option<f64>) -> Option<f64> {
    look.coding.and_then(of)
}

impl Words {
    /// For a mark at a place: "top left".
    pub(super) fn mark(place: &str) -> Self {
        Self { kind: Kind::Trait(format!("have a small sharp mark at the {place}")), cure: MARK }
    }

    pub(super) fn mirrored() -> Self {
        Self { kind: Kind::Sides, cure: MIRROR }
    }

    /// In what the images of `class` differ and what to do about it, in a few sentences.
    pub(super) fn meaning(&self, class: &str, tells: Tells) -> String {
        let differ = match (&self.kind, tells) {
            (Kind::Amount(name), Tells::More) => format!("have a larger {name} than the others"),
            (Kind::Amount(name), Tells::Less) => format!("have a smaller {name} than the others"),
            (Kind::Amount(name), _) => format!("lie in other ranges of the {name} than the others"),
            (Kind::Trait(what), Tells::Less) => format!("{what} less often than the others"),
            (Kind::Trait(what), _) => format!("{what} more often than the others"),
            (Kind::Sides, _) => "look like mirror images of the others: left and right are exchanged".into(),
        };
        format!("Images of {class} {differ}. A model can tell the class by this alone. {}", self.cure)
    }
}
