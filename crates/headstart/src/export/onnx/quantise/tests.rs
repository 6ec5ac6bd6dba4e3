//! What 8 bits make of a model with every kind of layer, and when it is refused.

use image::{Rgb, RgbImage};

use super::*;
use crate::classifier::Seen;
use crate::evaluate::Estimate;
use crate::export::onnx::proto::{Element, Graph, Model};
use crate::export::onnx::tests::{check_in_runtime, every_layer, plain, with_gate, with_members};
use crate::gate::Refusing;
use crate::image::TestView;
use crate::observer::Silent;
use prost::Message as _;

/// Pictures in two class folders, and the digests of every other one.
fn pictures(folder: &Path, count: u32) -> Vec<[u8; 32]> {
    use sha2::Digest as _;
    let mut digests = Vec::new();
    for (class, name) in ["class 0", "class 1"].into_iter().enumerate() {
        std::fs::create_dir_all(folder.join(name)).expect("creates");
        for number in 0..count {
            let level =
                |x: u32, y: u32, c: u32| ((x * (7 + number) + y * 13 * c + 90 * class as u32) % 256) as u8;
            let picture =
                RgbImage::from_fn(13, 13, |x, y| Rgb([level(x, y, 1), level(x, y, 2), level(y, x, 3)]));
            let path = folder.join(name).join(format!("{number:03}.png"));
            picture.save(&path).expect("saves");
            if number.is_multiple_of(2) {
                digests.push(sha2::Sha256::digest(std::fs::read(&path).expect("reads")).into());
            }
        }
    }
    digests
}

/// A sealed model that was validated on every other picture of `folder/data`.
fn model(folder: &Path) -> PathBuf {
    let digests = pictures(&folder.join("data"), 40);
    let nearest = |_, nearest| Refusing::Mahalanobis(nearest);
    let mut sealed = with_gate(with_members(plain(every_layer(2).to_vec(), 1, 13, 2)), 7, nearest);
    sealed.description.test_views = vec![TestView { flip: true, ..TestView::default() }];
    sealed.description.seen = Some(Seen::new(std::iter::empty(), digests.into_iter()));
    Classifier::seal(&mut sealed);
    let path = folder.join("model.safetensors");
    std::fs::write(&path, sealed.to_bytes()).expect("writes");
    path
}

fn graph(path: &Path) -> Graph {
    let bytes = std::fs::read(path).expect("written");
    Model::decode(bytes.as_slice()).expect("an ONNX file").graph.expect("a graph")
}

#[test]
fn a_model_in_8_bits_answers_nearly_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, data) = (model(folder.path()), folder.path().join("data"));
    let quantised = quantise(&model, Some(&data), Pixels::Uint8, &mut Silent).expect("its data");
    assert_eq!((quantised.images, quantised.groups, quantised.measured), (40, 40, 40));
    // Both of the gate keep 32 bits, as does the logits' layer of each member.
    assert!(quantised.layers[0] + 2 <= quantised.layers[1], "{:?}", quantised.layers);
    assert!(quantised.off > 0.0 && quantised.off < 0.1, "{}", quantised.off);
    let measures: Vec<&str> = quantised.tests.iter().map(|test| test.measure.as_str()).collect();
    assert_eq!(measures, ["AUC", "accuracy", "answered"]);
    assert_eq!(quantised.scores_csv().lines().count(), 41);
    let out = folder.path().join("model.int8.onnx");
    quantised.write(&out).expect("no loss");
    let graph = graph(&out);
    let kinds = |element: Element| {
        graph.initializer.iter().filter(|tensor| tensor.data_type == element.number()).count()
    };
    assert_eq!(kinds(Element::Int8), quantised.layers[0]);
    assert_eq!(kinds(Element::Int32), quantised.layers[0]);
    let whole = graph.initializer.iter().filter(|tensor| tensor.data_type == Element::Int8.number());
    // Of a depthwise convolution they may be larger.
    let whole = whole.filter(|tensor| tensor.dims[1] != 1);
    assert!(whole.flat_map(|tensor| &tensor.raw_data).all(|byte| byte.cast_signed().abs() <= 64));
    // Its golden answer is that of its own arithmetic, which ONNX Runtime has to give.
    check_in_runtime(&(model, out), "1e-2");
}

#[test]
fn biases_take_back_what_rounding_moved() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = model(folder.path());
    let (classifier, sealed, _) = Classifier::load_with_tensors(&model).expect("sealed");
    let (file, inner) = compose(&classifier, &sealed, Pixels::Uint8).expect("an input");
    let mut graph = file.graph.expect("a graph");
    let validation = Validation::find(&classifier, &folder.path().join("data"), &mut Silent).expect("there");
    let images = some(&validation, COMPARED, &mut Silent);
    let inputs = classifier.inputs_and_views(&images);
    let whole = Net::new(&graph, &inner);
    let points = points::choose(
        &graph,
        &inner,
        &measure(&whole, &classifier, &validation, &mut Silent).expect("seen"),
    );
    let rounded = |graph: &Graph| {
        let mut rounded = graph.clone();
        rewrite::rewrite(&mut rounded, &inner, &points);
        Net::new(&rounded, &inner)
    };
    let off = |eight: &Net| {
        let means = |net: &Net| {
            let mut means = std::collections::BTreeMap::new();
            net.run(&inputs, |name, maps| {
                if points.layers.contains_key(name) {
                    means.insert(name.to_string(), maps.means());
                }
            });
            means.into_values().flatten().collect::<Vec<f64>>()
        };
        means(&whole).iter().zip(means(eight)).map(|(there, here)| (there - here).abs()).sum::<f64>()
    };
    let before = rounded(&graph);
    let shifts = correct::shifts(&whole, &before, &points, &inputs);
    correct::apply(&mut graph, &shifts);
    let (before, after) = (off(&before), off(&rounded(&graph)));
    assert!(after < 0.2 * before, "{before} before, {after} after");
}

#[test]
fn a_model_that_loses_is_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, data) = (model(folder.path()), folder.path().join("data"));
    let mut quantised = quantise(&model, Some(&data), Pixels::Uint8, &mut Silent).expect("its data");
    let difference = Estimate { value: 0.25, low: 0.1, high: 0.4 };
    let loss = Test { measure: "accuracy".into(), values: [0.75, 0.5], difference, p: 0.01 };
    quantised.tests.push(loss.clone());
    let out = folder.path().join("x.onnx");
    let error = quantised.write(&out).expect_err("a loss").to_string();
    let found = "expected a model that answers validation images as well in 8 bits, found accuracy 0.7500 in 32 bits and \
                 0.5000 in 8 (p 0.010)";
    assert!(error.ends_with(found) && !out.exists(), "{error}");
    let gain = Test { difference: Estimate { value: -0.25, ..difference }, ..loss.clone() };
    let noise = Test { p: 0.2, ..loss };
    assert!(!gain.is_loss() && !noise.is_loss());
}

#[test]
fn images_that_were_not_validated_on_are_no_validation() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = model(folder.path());
    let refused = |data| quantise(&model, data, Pixels::Uint8, &mut Silent).expect_err("refused").to_string();
    assert!(refused(None).starts_with("data: expected the data that the model was trained on, found none"));
    let other = folder.path().join("other");
    pictures(&other, 1);
    for (class, name) in ["class 0", "class 1"].into_iter().enumerate() {
        let picture = RgbImage::from_pixel(13, 13, Rgb([class as u8; 3]));
        picture.save(other.join(name).join("000.png")).expect("saves");
    }
    let error = refused(Some(&other));
    assert!(
        error.contains("expected the images that the model was validated on, found none of them"),
        "{error}"
    );
}
