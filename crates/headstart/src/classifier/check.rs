//! Whether what a sealed file says of its model makes sense, before anything is computed with it: a description that was
//! damaged, or made to do harm, is an error, and never a panic or memory without end.

mod layers;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;

use super::Description;
use super::sealed::Sealed;
use crate::backbone::spec::{Block, Layer, MapShape};
use crate::dataset::{LONGEST_CLASS, MOST_CLASSES};
use crate::error::{Error, Result};
use crate::evaluate::{Calibration, Conformal};
use crate::features::input;
use crate::gate::GateFacts;
use crate::image::{Preprocess, TestView};

/// Side of the net's input, at most.
const MOST_SIDE: usize = 4096;
/// Views that are scored besides an image, at most.
const MOST_VIEWS: usize = 256;
/// Trainings whose mean a model is, at most.
const MOST_MEMBERS: usize = 1000;

/// Characters in the name of the backbone, of a block or of a parameter, at most.
const LONGEST_NAME: usize = 255;

/// A sentence's parts: what, what was expected, what was found.
type Flaw = (&'static str, String, String);

/// Checks what no type can, and that the net fits its input and its classes.
///
/// # Errors
/// [`Error::Invalid`] naming the first value that makes no sense.
pub(super) fn description(description: &Description, path: &Path) -> Result<()> {
    all(description).map_err(|(what, expected, found)| {
        Error::invalid(path, format!("a sealed model with {what} {expected}"), found)
    })
}

/// Checks the values of tensors that were read as they lay in the file.
///
/// # Errors
/// [`Error::Invalid`] for a gate that would let everything through, or nothing.
pub(super) fn tensors(sealed: &Sealed, path: &Path) -> Result<()> {
    match sealed.gate.as_ref().is_none_or(crate::gate::Gate::is_sound) {
        true => Ok(()),
        false => Err(Error::invalid(path, "a gate that tells images apart", "one whose tensors are damaged")),
    }
}

fn all(description: &Description) -> Result<(), Flaw> {
    classes(&description.classes)?;
    let count = description.classes.len();
    within("a positive class", description.positive, 0..=count - 1)?;
    // A threshold above every score, 1 included, calls nothing positive.
    within("a threshold", description.threshold, 0.0..=1.0 + 2.0 * f64::EPSILON)?;
    description.calibration.map_or(Ok(()), calibration)?;
    description.conformal.as_ref().map_or(Ok(()), |sets| conformal(sets, count))?;
    preprocess(&description.preprocess)?;
    within("a number of test views", description.test_views.len(), 0..=MOST_VIEWS)?;
    description.test_views.iter().try_for_each(test_view)?;
    within("a number of members", description.members.len(), 0..=MOST_MEMBERS)?;
    within("a number of characters in its backbone's name", length(&description.backbone), 0..=LONGEST_NAME)?;
    within("a number of frozen blocks", description.cut, 0..=description.blocks.len())?;
    let layers: Vec<&Layer> = description.blocks.iter().flat_map(|block| &block.layers).collect();
    description.gate.map_or(Ok(()), |facts| gate(facts, layers.len()))?;
    let behind = layers::walk(&layers, input(&description.preprocess))?;
    // Behind the walk: before it no layer's numbers can be trusted.
    description.blocks.iter().try_for_each(block)?;
    match behind == MapShape::new(1, 1, count) {
        true => Ok(()),
        false => Err(("a net", format!("that ends in {count} logits"), shown(behind))),
    }
}

fn classes(names: &[String]) -> Result<(), Flaw> {
    within("a number of classes", names.len(), 2..=MOST_CLASSES)?;
    names.iter().try_for_each(|name| {
        within("a number of characters in a class's name", length(name), 1..=LONGEST_CLASS)
    })?;
    let different: HashSet<&String> = names.iter().collect();
    match different.len() == names.len() {
        true => Ok(()),
        false => Err(("classes", "of different names".into(), "a name twice".into())),
    }
}

/// Names stand in tables, which make room for the longest.
fn block(block: &Block) -> Result<(), Flaw> {
    within("a number of characters in a block's name", length(&block.name), 0..=LONGEST_NAME)?;
    let mut parameters = block.layers.iter().flat_map(Layer::parameters);
    parameters.try_for_each(|(name, _)| {
        within("a number of characters in a parameter's name", length(&name), 0..=LONGEST_NAME)
    })
}

/// In characters.
fn length(name: &str) -> usize {
    name.chars().count()
}

fn calibration(calibration: Calibration) -> Result<(), Flaw> {
    const LARGE: f64 = 1e9;
    match calibration {
        Calibration::Temperature { temperature } => within("a temperature", temperature, 1.0 / LARGE..=LARGE),
        Calibration::Platt { slope, intercept } => {
            within("a calibration's slope", slope, 0.0..=LARGE)?;
            within("a calibration's intercept", intercept, -LARGE..=LARGE)
        }
    }
}

fn conformal(sets: &Conformal, classes: usize) -> Result<(), Flaw> {
    within("a coverage", sets.coverage, 0.0..=1.0)?;
    within("a number of least plausible scores", sets.thresholds.len(), classes..=classes)?;
    sets.thresholds.iter().try_for_each(|score| within("a least plausible score", *score, 0.0..=1.0 + 1e-6))
}

fn preprocess(preprocess: &Preprocess) -> Result<(), Flaw> {
    const LARGE: f32 = 1e6;
    within("an input's side", preprocess.size, 1..=MOST_SIDE)?;
    preprocess.mean.into_iter().try_for_each(|mean| within("a mean grey level", mean, -LARGE..=LARGE))?;
    let deviations = preprocess.deviation.into_iter();
    let mut wide = deviations.map(|deviation| ("a deviation of grey levels", deviation, 1.0 / LARGE..=LARGE));
    wide.try_for_each(|(what, deviation, range)| within(what, deviation, range))
}

fn test_view(view: &TestView) -> Result<(), Flaw> {
    within("a view's rotation", view.rotation, -360.0..=360.0)?;
    within("a view's scale", view.scale, -1.0 + f32::EPSILON..=1.0)?;
    view.shift.into_iter().try_for_each(|shift| within("a view's shift", shift, -1.0..=1.0))?;
    within("a view's blur", view.blur, 0.0..=100.0)
}

fn gate(facts: GateFacts, layers: usize) -> Result<(), Flaw> {
    within("layers before its gate", facts.layers, 1..=layers)?;
    within("a gate's greatest distance", facts.threshold, 0.0..=f64::MAX)?;
    within("a gate's share of false refusals", facts.false_refusals, 0.0..=1.0)
}

/// Not a number lies within no range.
fn within<T: PartialOrd + Display>(
    what: &'static str,
    found: T,
    range: RangeInclusive<T>,
) -> Result<(), Flaw> {
    match range.contains(&found) {
        true => Ok(()),
        false => Err((what, format!("from {} to {}", range.start(), range.end()), found.to_string())),
    }
}

fn shown(shape: MapShape) -> String {
    format!("{}×{}×{}", shape.height, shape.width, shape.channels)
}
