//! What tells the class without looking at the picture: a net will learn that first, and fail where
//! it does not hold (Geirhos et al. 2020).

use super::Shortcut;
use super::oddities::COLOURED;
use super::survey::Look;
use crate::dataset::Dataset;
use crate::evaluate::{Estimate, delong};
use crate::image::Format;

/// An area under the curve whose interval lies above this is more than chance and worth a look.
const SUSPICIOUS: f64 = 0.6;

/// A number that has nothing to do with what a picture shows.
type Cue = fn(&Look) -> Option<f64>;

const CUES: [(&str, Cue); 7] = [
    ("file size", |look| look.bytes.map(|bytes| bytes as f64)),
    ("width", |look| Some(look.width as f64)),
    ("height", |look| Some(look.height as f64)),
    ("aspect ratio", |look| Some(look.width as f64 / look.height as f64)),
    ("border brightness", |look| Some(f64::from(look.appearance.border))),
    ("corner brightness", |look| Some(f64::from(look.appearance.corners))),
    ("colour", |look| Some(f64::from(u8::from(look.appearance.coloured > COLOURED)))),
];

/// Each cue with the class that it tells best, the strongest first. A cue that is the same in all
/// images is left out.
pub(super) fn find(dataset: &Dataset, looks: &[Option<Look>]) -> Vec<Shortcut> {
    let cues = CUES.iter().map(|(name, cue)| (name.to_string(), values(looks, cue)));
    let formats = Format::ALL.into_iter().map(|format| {
        let cue = move |look: &Look| Some(f64::from(u8::from(look.format? == format)));
        (format!("file format {}", format.name()), values(looks, cue))
    });
    let mut all: Vec<Shortcut> =
        cues.chain(formats).filter_map(|(cue, values)| strongest(dataset, cue, &values)).collect();
    all.sort_by(|a, b| b.auc.value.total_cmp(&a.auc.value));
    all
}

/// The samples that have the cue, and its value.
fn values(looks: &[Option<Look>], cue: impl Fn(&Look) -> Option<f64>) -> Vec<(usize, f64)> {
    let seen = looks.iter().enumerate();
    seen.filter_map(|(sample, look)| Some((sample, cue(look.as_ref()?)?))).collect()
}

/// The class that a cue tells best against the rest.
fn strongest(dataset: &Dataset, cue: String, values: &[(usize, f64)]) -> Option<Shortcut> {
    let (_, first) = values.first()?;
    if values.iter().all(|(_, value)| value == first) {
        return None;
    }
    let classes = dataset.classes.len();
    // Of two classes one tells all.
    let told = |class: usize| told(dataset, values, class).map(|(auc, more)| (auc, more, class));
    let (auc, more, class) = (usize::from(classes == 2)..classes)
        .filter_map(told)
        .max_by(|a, b| a.0.value.total_cmp(&b.0.value))?;
    Some(Shortcut { cue, class: dataset.classes[class].clone(), more, auc, flagged: auc.low > SUSPICIOUS })
}

/// The area under the curve, from 0.5 up, and whether the class has the larger values.
fn told(dataset: &Dataset, values: &[(usize, f64)], class: usize) -> Option<(Estimate, bool)> {
    let truth: Vec<bool> = values.iter().map(|(sample, _)| dataset.samples[*sample].label == class).collect();
    let of = |sign: f64| {
        let scores: Vec<f64> = values.iter().map(|(_, value)| sign * value).collect();
        delong(&truth, &scores)
    };
    let estimate = of(1.0);
    let more = estimate.value >= 0.5;
    let estimate = if more { estimate } else { of(-1.0) };
    estimate.is_known().then_some((estimate, more))
}
