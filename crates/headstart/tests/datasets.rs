//! Real collections, in the folder that `HEADSTART_DATA` names: chest X-rays of Kermany et al. 2018 as
//! folders, ants and bees, and PneumoniaMNIST. Their numbers were counted with Python.

mod real;

use std::collections::BTreeSet;

use headstart::dataset::{Dataset, Split};
use headstart::image::Limits;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

fn groups(dataset: &Dataset, split: Split) -> BTreeSet<&str> {
    let samples = dataset.samples.iter().filter(|sample| sample.split == Some(split));
    samples.map(|sample| sample.group.as_deref().expect("each file name tells the patient")).collect()
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn chest_x_rays_have_classes_splits_and_patients() {
    let path = real::data("chest-xray-224");
    let dataset = Dataset::open(&path).expect("opens");
    assert_eq!(dataset.classes, ["NORMAL", "PNEUMONIA"]);
    assert_eq!(dataset.counts(Split::Train), [1341, 3875]);
    assert_eq!(dataset.counts(Split::Test), [234, 390]);
    assert!(!dataset.has_validation());
    assert_eq!(groups(&dataset, Split::Train).len(), 2846);
    assert_eq!(groups(&dataset, Split::Test).len(), 427);
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn a_subset_is_the_one_that_the_keras_script_takes() {
    let path = real::data("chest-xray-224");
    let mut dataset = Dataset::open(&path).expect("opens");
    dataset.train_subset(512);
    assert_eq!(dataset.counts(Split::Train), [132, 380]);
    let train = dataset.samples.iter().filter(|sample| sample.split == Some(Split::Train));
    let paths: Vec<&str> = train.map(|sample| sample.path()).collect();
    // Computed from `listing()` of the Keras script, joined with line feeds.
    let digest: String = Sha256::digest(paths.join("\n")).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "baa54e81b0bf7f4869d1dd2c98d2b496ab63465da2856c64e6476d4e3c906571");
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn a_validation_split_of_chest_x_rays_divides_no_patient() {
    let path = real::data("chest-xray-224");
    let mut dataset = Dataset::open(&path).expect("opens");
    dataset.assign_validation(0.1, 7);
    // Ten per cent of 1341 and of 3875, rounded.
    assert_eq!(dataset.counts(Split::Validation), [134, 388]);
    assert_eq!(dataset.counts(Split::Test), [234, 390]);
    assert!(groups(&dataset, Split::Train).is_disjoint(&groups(&dataset, Split::Validation)));
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn every_image_is_read() {
    for name in ["chest-xray-224", "chest-xray-native", "hymenoptera"] {
        let path = real::data(name);
        let samples = Dataset::open(&path).expect("opens").samples;
        let problems: Vec<String> = samples
            .par_iter()
            .filter_map(|sample| {
                sample.read(&Limits::default()).err().map(|why| format!("{}: {why}", sample.path()))
            })
            .collect();
        assert_eq!(problems, Vec::<String>::new());
    }
}

#[test]
#[ignore = "needs HEADSTART_DATA"]
fn pneumonia_mnist_is_read_from_its_archive() {
    let path = real::data("pneumoniamnist/pneumoniamnist_rebuilt.npz");
    let dataset = Dataset::open(&path).expect("opens");
    assert_eq!(dataset.classes, ["0", "1"]);
    assert_eq!(dataset.counts(Split::Train), [1214, 3494]);
    assert_eq!(dataset.counts(Split::Validation), [135, 389]);
    assert_eq!(dataset.counts(Split::Test), [234, 390]);
    let sixth = dataset.samples.iter().find(|sample| sample.path() == "test/000005").expect("is there");
    let image = sixth.read(&Limits::default()).expect("is read");
    assert_eq!([image.width(), image.height()], [28, 28]);
    let sum: u64 = image.to_rgb8().iter().step_by(3).map(|value| u64::from(*value)).sum();
    assert_eq!((sixth.label, sum), (1, 120318));
}
