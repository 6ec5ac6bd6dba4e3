//! Keras's files through the door that all weights take. Their tensors are drawn: see `tools/golden_keras.py`.

use std::path::{Path, PathBuf};

use headstart::backbone::weights::Weights;
use headstart::backbone::{Backbone, file, registry};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras").join(name)
}

#[test]
fn every_kind_of_file_gives_the_same_tensors() {
    let read = |name: &str| {
        let path = fixture(name);
        file::weights(&std::fs::read(&path).expect("the file"), &path).expect("weights")
    };
    let saved = read("saved.h5");
    let names: Vec<&str> = saved.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "conv.bias",
            "conv.weight",
            "filter.bias",
            "filter.weight",
            "norm.bias",
            "norm.running_mean",
            "norm.running_var",
            "norm.weight",
            "output.bias",
            "output.weight"
        ]
    );
    assert_eq!(saved.get("conv.weight").shape, [4, 3, 3, 2]);
    assert_eq!(saved.get("filter.weight").shape, [4, 1, 3, 3]);
    // `seeded("conv.weight", (4, 3, 3, 2), he_bound(18))` begins so.
    assert_eq!(saved.get("conv.weight").values[..3], [-0.359_263_7, 0.184_844_34, 0.420_448_8]);
    assert_eq!(read("chunked.h5"), saved);
    assert_eq!(read("old_names.h5"), saved);
    let halves = read("newest.h5");
    for (name, tensor) in saved.iter() {
        let other = halves.get(name);
        assert_eq!(other.shape, tensor.shape);
        let far = tensor.values.iter().zip(&other.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-3, "{name}: {far}");
    }
}

#[test]
fn a_net_that_is_not_known_is_said_to_be_so() {
    let path = fixture("saved.h5");
    let why = Backbone::load("resnet50-keras", Some(&path)).expect_err("another net").to_string();
    assert!(why.contains("expected a tensor conv1_conv.weight of shape [64, 3, 7, 7], found none"), "{why}");
    let why = Backbone::detect(&path).expect_err("no net").to_string();
    assert!(why.contains("tensors that fit none"), "{why}");
}

#[test]
fn a_file_that_is_no_keras_weights_is_named() {
    let path = Path::new("x.h5");
    let mut bytes = std::fs::read(fixture("saved.h5")).expect("the file");
    bytes.truncate(3000);
    let why = file::weights(&bytes, path).expect_err("cut off").to_string();
    assert!(
        why.starts_with("x.h5: expected Keras's weights as HDF5, found a file that ends before byte"),
        "{why}"
    );
}

/// Every tensor of a net, all zeros, under the names that Keras's file gives.
fn zeros(name: &str) -> Weights {
    let spec = registry::find(name).expect("known").spec();
    let mut weights = Weights::default();
    for (name, shape) in spec.all_layers().flat_map(|layer| [layer.parameters(), layer.statistics()].concat())
    {
        weights.insert(name, shape.clone(), vec![0.0; shape.iter().product()]);
    }
    weights
}

#[test]
fn a_larger_net_is_not_taken_for_the_smaller_one_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vgg19.safetensors");
    std::fs::write(&path, zeros("vgg19-keras").to_safetensors(Default::default())).expect("writes");
    assert_eq!(Backbone::detect(&path).expect("known").name, "vgg19-keras");
    let why = Backbone::load("vgg16", Some(&path)).expect_err("another net").to_string();
    assert!(why.contains("found those of vgg19-keras: name vgg19-keras as the backbone"), "{why}");
    // As ResNet-101 is to ResNet-50, whose tensors it all has.
    let mut larger = zeros("mobilenet-v2-keras");
    larger.insert("block_17_expand.weight", vec![2, 2, 1, 1], vec![0.0; 4]);
    let path = folder.path().join("larger.safetensors");
    std::fs::write(&path, larger.to_safetensors(Default::default())).expect("writes");
    let why = Backbone::load("mobilenet-v2-keras", Some(&path)).expect_err("a larger net").to_string();
    assert!(why.contains("found a tensor block_17_expand.weight, which it has not"), "{why}");
}
