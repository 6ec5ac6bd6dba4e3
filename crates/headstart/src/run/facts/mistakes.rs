//! The surest mistakes, with pictures.

use std::collections::BTreeMap;

use crate::evaluate::positive_score;
use crate::explain::{Method, overlay, side_by_side};
use crate::image::{Limits, data_uri};
use crate::report::Mistake;
use crate::train::{Measured, Run};

/// So many are shown of each kind: a class, and what it was called.
const OF_A_KIND: usize = 6;
/// And so many of all kinds.
const SHOWN: usize = 18;

/// The images of a split that were classified wrong, some of each kind, the greatest loss first.
pub(super) fn mistakes(run: &Run, part: &Measured) -> Vec<Mistake> {
    let classifier = &run.classifier;
    let mut wrong: Vec<(f64, usize, usize)> = Vec::new();
    for (row, scores) in part.scores.iter().enumerate() {
        let truth = run.labels[part.indices[row]];
        let predicted = classifier.label(scores);
        if predicted != truth {
            wrong.push((positive_score(scores, truth), row, predicted));
        }
    }
    wrong.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut shown = BTreeMap::new();
    let has_room = |(_, row, predicted): &&(f64, usize, usize)| {
        let count = shown.entry((run.labels[part.indices[*row]], *predicted)).or_insert(0);
        *count += 1;
        *count <= OF_A_KIND
    };
    wrong
        .iter()
        .filter(has_room)
        .take(SHOWN)
        .map(|(_, row, predicted)| mistake(run, part, *row, *predicted))
        .collect()
}

fn mistake(run: &Run, part: &Measured, row: usize, predicted: usize) -> Mistake {
    let sample = &run.dataset.samples[run.usable[part.indices[row]]];
    let (classifier, classes) = (&run.classifier, run.classifier.classes());
    let picture = sample.read(&Limits::default()).ok().map(|image| {
        let resize = classifier.description().preprocess.resize;
        let map = classifier.explain(&image, predicted, Method::GradCam);
        let beside = map.map(|map| overlay(&image, &map, resize));
        let row: Vec<_> = [image].into_iter().chain(beside).collect();
        data_uri(&side_by_side(&row))
    });
    Mistake {
        path: sample.path().into(),
        truth: classes[sample.label].clone(),
        predicted: classes[predicted].clone(),
        score: positive_score(&part.scores[row], predicted),
        picture,
    }
}
