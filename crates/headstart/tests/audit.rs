//! The audit held to what is known: labels that were flipped on purpose, in real images.

mod real;

use std::path::PathBuf;

use headstart::Silent;
use headstart::audit::{Labels, Survey, audit};
use headstart::dataset::{Dataset, Split};
use headstart::phantom;
use headstart::ranks::Ranks;
use headstart::train::{Recipe, trunk};
use image::{GrayImage, imageops};

/// Images to train with that the test looks at, besides those of the test split.
const IMAGES: usize = 2000;

/// Where features stay from one run to the next.
fn cache() -> PathBuf {
    std::env::var_os("HEADSTART_CACHE").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from)
}

/// The share of the flipped images among the suspects, as far down as half of those above are flipped.
fn recall(labels: &Labels, flipped: &[bool]) -> f64 {
    let (mut hits, mut recalled) = (0, 0);
    for (above, suspect) in labels.suspects.iter().enumerate() {
        hits += usize::from(flipped[suspect.image.index]);
        if 2 * hits > above {
            recalled = hits;
        }
    }
    recalled as f64 / flipped.iter().filter(|flipped| **flipped).count() as f64
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn most_of_the_flipped_labels_are_suspected() {
    let folder = real::data("chest-xray-224");
    let mut dataset = Dataset::open(&folder).expect("opens");
    dataset.train_subset(IMAGES);
    // Knuth's multiplicative hash: no order that the folds could know.
    let drawn = |index: usize| (index as u32).wrapping_mul(2_654_435_761) >> 8;
    let flipped: Vec<bool> =
        (0..dataset.samples.len()).map(|index| drawn(index).is_multiple_of(20)).collect();
    for (sample, flipped) in dataset.samples.iter_mut().zip(&flipped) {
        sample.label ^= usize::from(*flipped);
    }
    let trunk = trunk(&Recipe::find("default").expect("known")).expect("embedded");
    let found = audit(&dataset, &cache(), Some(&trunk), &mut Silent).expect("audits");
    let recall = recall(&found.labels.expect("asked for"), &flipped);
    println!("{:.1} % of the flips at a precision of half", 100.0 * recall);
    assert!(recall >= 0.7, "{recall}");
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn the_known_duplicates_and_the_patients_in_both_splits_are_found() {
    let folder = real::data("chest-xray-224");
    let dataset = Dataset::open(&folder).expect("opens");
    let found = audit(&dataset, &cache(), None, &mut Silent).expect("audits");
    assert_eq!((found.exact_duplicates.len(), found.shared_groups.len()), (30, 170));
    let counts: Vec<_> = found.counts.iter().map(|counts| (counts.split, counts.images.clone())).collect();
    assert_eq!(counts, [(Some(Split::Train), vec![1341, 3875]), (Some(Split::Test), vec![234, 390])]);
    assert!(found.faults.is_empty() && found.misnamed.is_empty());
}

#[test]
fn pictures_that_only_look_alike_are_no_duplicates() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("phantoms");
    phantom::write(&data, 150, 7).expect("draws");
    let dataset = Dataset::open(&data).expect("opens");
    let found = audit(&dataset, &folder.path().join("cache"), None, &mut Silent).expect("audits");
    let tied: Vec<usize> = found.near_duplicates.iter().map(|group| group.images.len()).collect();
    assert!(tied.is_empty(), "groups of {tied:?}");
}

#[test]
fn copies_that_were_cropped_or_inverted_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("phantoms");
    phantom::write(&data, 8, 21).expect("draws");
    let original = |number: usize| -> GrayImage {
        image::open(data.join(format!("clear/phantom{number:04}.png"))).expect("a phantom").into_luma8()
    };
    let side = original(0).width();
    let mut negative = original(1);
    imageops::invert(&mut negative);
    let copies = [
        imageops::crop_imm(&original(0), 0, 11, side * 95 / 100, side * 95 / 100).to_image(),
        negative,
        imageops::crop_imm(&original(2), 9, 4, side * 95 / 100, side * 96 / 100).to_image(),
    ];
    for (number, copy) in copies.iter().enumerate() {
        copy.save(data.join(format!("opacity/copy{number}.png"))).expect("saves");
    }
    let dataset = Dataset::open(&data).expect("opens");
    let found = audit(&dataset, &folder.path().join("cache"), None, &mut Silent).expect("audits");
    let mut pairs: Vec<Vec<&str>> = found
        .near_duplicates
        .iter()
        .map(|group| group.images.iter().map(|image| image.path.as_str()).collect())
        .collect();
    pairs.sort();
    let expected: Vec<[String; 2]> =
        (0..3).map(|n| [format!("clear/phantom000{n}.png"), format!("opacity/copy{n}.png")]).collect();
    assert_eq!(pairs, expected);
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn the_shape_of_the_originals_tells_the_class() {
    let folder = real::data("chest-xray-native");
    let dataset = Dataset::open(&folder).expect("opens");
    let found = audit(&dataset, &cache(), None, &mut Silent).expect("audits");
    let shape = found.shortcuts.iter().find(|cue| cue.cue == "aspect ratio").expect("measured");
    assert!(shape.flagged && (shape.auc.value - 0.875).abs() < 0.005, "{shape:?}");
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn a_split_cut_anew_has_no_group_in_common() {
    let folder = real::data("chest-xray-224");
    let mut dataset = Dataset::open(&folder).expect("opens");
    let survey = Survey::of(&dataset, (&cache(), &Ranks::default()), &mut Silent).expect("looks");
    dataset.join(&survey.same(&dataset));
    assert!(dataset.shared_groups() >= 170);
    dataset.clear_splits();
    dataset.assign_test(0.15, 7);
    dataset.assign_validation(0.15, 7);
    assert_eq!(dataset.shared_groups(), 0);
    let shares = Split::ALL.map(|split| {
        let counts = dataset.counts(split);
        counts[1] as f64 / counts.iter().sum::<usize>() as f64
    });
    assert!(shares.iter().all(|share| (share - shares[0]).abs() < 0.01), "{shares:?}");
}
