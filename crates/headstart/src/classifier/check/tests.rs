//! Descriptions that make no sense, every number of one changed, and bits that flip.

use serde_json::{Value, json};

use super::super::digest::stamp;
use super::super::sealed::KEY;
use super::super::tests::{description, ensemble};
use super::super::*;
use super::*;
use crate::backbone::spec::{
    Activation, BatchNorm, Block, Convolution, Dense, MaxPool, Padding, SqueezeExcite,
};
use crate::backbone::weights::Weights;

fn convolution(name: &str, [input, output]: [usize; 2], [kernel, stride]: [usize; 2]) -> Convolution {
    Convolution {
        name: name.into(),
        input,
        output,
        kernel,
        stride,
        padding: Padding::Same,
        groups: 1,
        bias: true,
        norm: Some(BatchNorm { name: format!("{name}.norm"), epsilon: 1e-3 }),
        activation: Activation::Identity,
    }
}

/// A net with a layer of each kind.
fn net() -> Sealed {
    let gate =
        SqueezeExcite { reduce: convolution("r", [4, 2], [1, 1]), expand: convolution("e", [2, 4], [1, 1]) };
    let deep = Convolution { groups: 4, ..convolution("d", [4, 4], [3, 1]) };
    let residual = Layer::Residual {
        body: vec![Layer::Convolution(deep), Layer::Convolution(convolution("p", [4, 4], [1, 1]))],
        shortcut: vec![],
        activation: Activation::Relu,
    };
    let activation = Activation::Identity;
    let layers = [
        Layer::Convolution(convolution("c", [3, 4], [3, 2])),
        Layer::MaxPool(MaxPool { window: 3, stride: Some(2), padding: 1 }),
        residual,
        Layer::SqueezeExcite(gate),
        Layer::GlobalAveragePool,
        Layer::Flatten,
        Layer::Dropout { rate: 0.5 },
        Layer::Dense(Dense { name: "h".into(), input: 4, output: 2, activation, l2: 0.0 }),
    ];
    let mut weights = Weights::default();
    for (name, shape) in layers.iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat()) {
        let values = (0..shape.iter().product()).map(|at: usize| 0.1 + (at % 3) as f32 * 0.2).collect();
        weights.insert(name, shape, values);
    }
    let block = |name: &str, layers: &[Layer]| Block { name: name.into(), layers: layers.to_vec() };
    let ensemble = ensemble();
    let description = Description {
        blocks: vec![block("body", &layers[..4]), block("head", &layers[4..])],
        cut: 1,
        members: vec![],
        ..ensemble.description
    };
    Sealed { description, weights, others: vec![], ..ensemble }
}

/// The file of a description as JSON, with the digest that belongs to it.
fn file(description: &Value, tensors: &Weights) -> Vec<u8> {
    let text = stamp(&description.to_string(), tensors);
    tensors.to_safetensors([(KEY.to_string(), text)].into())
}

fn load(bytes: &[u8]) -> std::result::Result<Classifier, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.safetensors");
    std::fs::write(&path, bytes).expect("writes");
    Classifier::load(&path).map_err(|why| why.to_string())
}

/// The places of all numbers and lists.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Number(_) => found.push(at.to_string()),
        Value::Array(values) => {
            found.push(at.to_string());
            values
                .iter()
                .enumerate()
                .for_each(|(index, value)| places(value, &format!("{at}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found));
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[test]
fn no_number_of_a_description_makes_it_panic() {
    let mut whole = net();
    Classifier::seal(&mut whole);
    let sealed = serde_json::to_value(&whole.description).expect("plain");
    load(&file(&sealed, &whole.weights)).expect("loads as it is");
    let mut all = Vec::new();
    places(&sealed, "", &mut all);
    assert!(all.len() > 60, "{all:?}");
    let values = [json!(0), json!(-1), json!(1), json!(3), json!(5), json!(1_000_000), json!(1u64 << 62)];
    for place in all {
        for value in values.iter().chain(&[json!(1e300), json!(-0.5), json!([]), Value::Null]) {
            let mut changed = sealed.clone();
            *changed.pointer_mut(&place).expect("it is there") = value.clone();
            // That it returns is what counts; some changes mean nothing.
            let _ = load(&file(&changed, &whole.weights));
        }
    }
}

#[test]
fn a_name_beyond_all_measure_is_an_error() {
    let mut whole = net();
    Classifier::seal(&mut whole);
    let sealed = serde_json::to_value(&whole.description).expect("plain");
    for place in ["/classes/0", "/backbone", "/blocks/0/name", "/blocks/0/layers/0/name"] {
        let mut changed = sealed.clone();
        *changed.pointer_mut(place).expect(place) = "x".repeat(70_000).into();
        let why = load(&file(&changed, &whole.weights)).expect_err(place);
        assert!(
            why.contains("a number of characters in") && why.contains("to 255, found 700"),
            "{place}: {why}"
        );
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let mut whole = net();
    Classifier::seal(&mut whole);
    let bytes = whole.to_bytes();
    load(&bytes).expect("loads as it is");
    for step in 0..400 {
        let (at, bit) = (step * 7919 % bytes.len(), 1 << (step % 8));
        let mut damaged = bytes.clone();
        damaged[at] ^= bit;
        load(&damaged).expect_err(&format!("bit {bit} of byte {at}"));
    }
}

#[test]
fn an_older_model_without_a_digest_is_read() {
    let mut whole = net();
    Classifier::seal(&mut whole);
    let mut sealed = serde_json::to_value(&whole.description).expect("plain");
    let bytes = |sealed: &Value| whole.weights.to_safetensors([(KEY.to_string(), sealed.to_string())].into());
    load(&bytes(&sealed)).expect_err("format 4 has a digest");
    sealed["format"] = 3.into();
    load(&bytes(&sealed)).expect("format 3 has none");
}

#[test]
fn scores_that_are_no_numbers_are_refused() {
    let mut whole = net();
    Classifier::seal(&mut whole);
    // Finite, but what is computed is not.
    let name = "h.weight";
    whole.weights.insert(name, vec![4, 2], vec![f32::MAX, -f32::MAX, f32::MAX, 1.0, f32::MAX, 1.0, 1.0, 1.0]);
    whole.weights.insert("c.norm.running_var", vec![4], vec![-1.0; 4]);
    let why = load(&whole.to_bytes()).expect_err("no numbers");
    assert!(why.contains("scores that are not numbers"), "{why}");
}

#[test]
fn what_makes_no_sense_is_named() {
    let check = |change: fn(&mut Description)| {
        let mut changed = net().description;
        change(&mut changed);
        super::description(&changed, Path::new("m")).expect_err("makes no sense").to_string()
    };
    let expect = |change: fn(&mut Description), message: &str| {
        assert_eq!(check(change), format!("m: expected a sealed model with {message}"));
    };
    expect(|d| d.threshold = f64::NAN, "a threshold from 0 to 1.0000000000000004, found NaN");
    expect(|d| d.positive = 2, "a positive class from 0 to 1, found 2");
    expect(|d| d.cut = 9, "a number of frozen blocks from 0 to 2, found 9");
    expect(|d| d.preprocess.size = 1 << 40, "an input's side from 1 to 4096, found 1099511627776");
    expect(
        |d| d.preprocess.deviation[1] = 0.0,
        "a deviation of grey levels from 0.000001 to 1000000, found 0",
    );
    expect(|d| d.classes[1] = "a".into(), "classes of different names, found a name twice");
    expect(|d| d.classes.push("c".into()), "a net that ends in 3 logits, found 1×1×2");
    expect(|d| d.blocks.clear(), "a number of frozen blocks from 0 to 0, found 1");
    let facts = description().gate;
    assert!(facts.is_some_and(|facts| gate(facts, 0).is_err()));
}
