//! Sealing, loading, older and damaged files.

use std::collections::BTreeMap;

use super::sealed::describe;
use super::*;
use crate::backbone::registry::Provenance;
use crate::backbone::spec::{Activation, Block, Dense, Layer};
use crate::backbone::weights::Weights;
use crate::evaluate::{Calibration, Conformal, Output, ThresholdPolicy};
use crate::gate::{Fitted, GateFacts, GateKind, Mahalanobis, Refusing, UnusualFacts};
use crate::history::History;
use crate::image::{ChannelOrder, Filter, Preprocess, Resize, TestView};

pub(crate) fn description() -> Description {
    Description {
        format: FORMAT,
        version: "0".into(),
        backbone: "net".into(),
        blocks: vec![Block { name: "head".into(), layers: vec![Layer::GlobalAveragePool] }],
        cut: 0,
        preprocess: Preprocess {
            size: 8,
            resize: Resize::Squash,
            filter: Filter::Bilinear,
            channel_order: ChannelOrder::Rgb,
            mean: [0.0; 3],
            deviation: [255.0; 3],
        },
        output: Output::Softmax,
        classes: ["a", "b", "c"].map(String::from).to_vec(),
        positive: 2,
        threshold: 0.5,
        threshold_policy: ThresholdPolicy::Cost { miss: 5.0, alarm: 1.0 },
        calibration: Some(Calibration::Temperature { temperature: 2.0 }),
        conformal: Some(Conformal { coverage: 0.9, thresholds: vec![0.3; 3] }),
        gate: Some(GateFacts {
            layers: 1,
            threshold: 2.0,
            false_refusals: 0.01,
            kind: GateKind::Mahalanobis,
            unusual: None,
        }),
        reference: None,
        verdicts: None,
        provenance: Provenance { source: "s".into(), licence: "l".into(), sha256: "h".into() },
        recipe: String::new(),
        wording: Wording::default(),
        seed: 1,
        device: crate::device::DeviceClass::Cpu,
        training_images: 3,
        history: History::default(),
        members: vec![],
        test_views: vec![],
        test: None,
        threshold_counts: None,
        doubts: vec![],
        seen: None,
        golden: vec![],
    }
}

fn rows() -> Vec<Vec<f32>> {
    let row = |i: u8| vec![f32::from(i % 7) * 0.1, f32::from(i % 5) * 0.1, f32::from(i % 3) * 0.1];
    (0..30u8).map(row).collect()
}

fn mahalanobis() -> Mahalanobis {
    Mahalanobis::fit(&rows(), &(0..30).map(|i| i % 3).collect::<Vec<_>>(), 3).expect("fits")
}

/// As older versions sealed it.
fn gate() -> Option<Gate> {
    Some(Gate { refusing: Refusing::Mahalanobis(mahalanobis()), unusual: None })
}

/// As it is sealed now.
fn both(rows: &[Vec<f32>]) -> (Option<GateFacts>, Option<Gate>) {
    let fitted = Fitted::new(rows, rows, None).expect("fits");
    let facts = GateFacts {
        layers: 1,
        threshold: fitted.threshold,
        false_refusals: 0.01,
        kind: fitted.kind(),
        unusual: Some(UnusualFacts { layers: 1, threshold: 0.5 }),
    };
    let refusing = Refusing::Residual(fitted.residual);
    (Some(facts), Some(Gate { refusing, unusual: Some(mahalanobis()) }))
}

#[test]
fn a_gate_of_two_distances_comes_back_and_notes_what_it_does_not_refuse() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.safetensors");
    // Grey pictures, all of one direction but for a little.
    let greys: Vec<Vec<f32>> = (1..=30u8)
        .map(|i| [0.0, 0.001, 0.002].map(|off| f32::from(i) * 0.02 + off * f32::from(i % 4)).to_vec())
        .collect();
    let (facts, gate) = both(&greys);
    let mut whole = Sealed {
        description: Description { gate: facts, ..description() },
        weights: Weights::default(),
        others: vec![],
        gate,
    };
    let sealed = Classifier::seal(&mut whole);
    std::fs::write(&path, whole.to_bytes()).expect("writes");
    let loaded = Classifier::load(&path).expect("loads");
    let dark = loaded.classify(&Image::from_grey8(8, 8, &[3; 64]));
    assert!(dark.verdict != Verdict::Refused && dark.unusual && dark.note().is_some(), "{dark:?}");
    let red = Image::from_rgb8(8, 8, [255, 0, 0].repeat(64));
    let far = loaded.classify(&red);
    assert!(far.verdict == Verdict::Refused && far.note().is_none(), "{far:?}");
    assert_eq!(far, sealed.classify(&red));
    for typical in [0.0, 1e308] {
        let kind = GateKind::Residual { axes: 0, typical, probes: 0 };
        let absurd = whole.description.gate.map(|facts| GateFacts { kind, ..facts });
        let description = Description { gate: absurd, ..whole.description.clone() };
        std::fs::write(&path, Sealed { description, ..whole.clone() }.to_bytes()).expect("writes");
        let error = Classifier::load(&path).map(drop).expect_err("no such distance").to_string();
        assert!(error.contains("a gate with distances above 0 and up to 1000000, found"), "{error}");
    }
    for value in [0.0, 1e38] {
        let mut damaged = whole.clone();
        if let Some(Refusing::Residual(residual)) = damaged.gate.as_mut().map(|gate| &mut gate.refusing) {
            residual.centre.fill(value);
        }
        std::fs::write(&path, damaged.to_bytes()).expect("writes");
        let error = Classifier::load(&path).map(drop).expect_err("no such centre").to_string();
        assert!(error.contains("whose tensors are damaged"), "{error}");
    }
    let missing = Sealed { gate: None, ..whole };
    std::fs::write(&path, missing.to_bytes()).expect("writes");
    let error = Classifier::load(&path).map(drop).expect_err("damaged").to_string();
    assert!(error.contains("a tensor gate."), "{error}");
}

#[test]
fn a_sealed_model_comes_back_with_all_that_it_promises() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.safetensors");
    let mut whole =
        Sealed { description: description(), weights: Weights::default(), others: vec![], gate: gate() };
    let sealed = Classifier::seal(&mut whole);
    std::fs::write(&path, whole.to_bytes()).expect("writes");
    let loaded = Classifier::load(&path).expect("loads");
    assert_eq!(loaded.description(), sealed.description());
    let picture = Image::from_grey8(8, 8, &[40; 64]);
    let answer = loaded.classify(&picture);
    assert_eq!(answer, sealed.classify(&picture));
    // Equal logits: even scores, all three plausible.
    assert_eq!(answer.plausible, Some(vec![0, 1, 2]));
    assert!(answer.verdict != Verdict::Decided);
    let far = loaded.classify(&Image::from_rgb8(8, 8, [255, 0, 255].repeat(64)));
    assert!(
        far.verdict == Verdict::Refused
            && far.doubt().is_some_and(|doubt| doubt.contains("does not look like"))
    );
}

#[test]
fn older_formats_are_read_and_newer_ones_refused() {
    let mut json = serde_json::to_value(description()).expect("plain");
    let object = json.as_object_mut().expect("an object");
    let added = [
        "threshold_policy",
        "calibration",
        "conformal",
        "gate",
        "wording",
        "threshold_counts",
        "reference",
        "verdicts",
    ];
    for field in added {
        object.remove(field);
    }
    object.insert("format".into(), 1.into());
    let old = describe(&json.to_string(), Path::new("m")).expect("format 1");
    assert_eq!(old.wording, Wording::default());
    assert_eq!((old.calibration, old.conformal, old.gate), (None, None, None));
    assert_eq!(old.threshold_policy, ThresholdPolicy::Youden);
    json["format"] = 5.into();
    let error = describe(&json.to_string(), Path::new("m")).expect_err("newer").to_string();
    assert!(error.contains("expected a model of format 4 or older, found format 5"), "{error}");
}

#[test]
fn a_damaged_gate_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.safetensors");
    let load = |gate: Option<GateFacts>, tensors: Option<Gate>| {
        let sealed = Sealed {
            description: Description { gate, ..description() },
            weights: Weights::default(),
            others: vec![],
            gate: tensors,
        };
        std::fs::write(&path, sealed.to_bytes()).expect("writes");
        Classifier::load(&path).map(drop).expect_err("damaged").to_string()
    };
    let facts = description().gate;
    assert!(load(facts, None).contains("a tensor gate.means of shape [3, 3]"));
    let beyond = facts.map(|facts| GateFacts { layers: 9, ..facts });
    assert!(load(beyond, gate()).contains("layers before its gate from 1 to 1, found 9"));
}

/// A dense layer behind a mean over places, so that logits can be worked out by hand.
fn dense(weight: [f32; 2], bias: f32) -> Weights {
    let mut tail = Weights::default();
    let [a, b] = weight;
    tail.insert("d.weight", vec![3, 2], vec![a, b, 0.0, 0.0, 0.0, 0.0]);
    tail.insert("d.bias", vec![2], vec![0.0, bias]);
    tail
}

pub(super) fn ensemble() -> Sealed {
    let head = vec![
        Layer::GlobalAveragePool,
        Layer::Dense(Dense {
            name: "d".into(),
            input: 3,
            output: 2,
            activation: Activation::Identity,
            l2: 0.0,
        }),
    ];
    let member = |seed| Member {
        seed,
        fold: None,
        history: History::default(),
        probe: false,
        measured: BTreeMap::new(),
    };
    let description = Description {
        blocks: vec![Block { name: "head".into(), layers: head }],
        classes: ["a", "b"].map(String::from).to_vec(),
        positive: 1,
        calibration: None,
        conformal: None,
        gate: None,
        members: vec![member(1), member(2)],
        test_views: vec![TestView { flip: true, ..TestView::default() }],
        ..description()
    };
    Sealed { description, weights: dense([1.0, 3.0], 1.0), others: vec![dense([3.0, -1.0], 3.0)], gate: None }
}

#[test]
fn members_and_views_are_averaged_and_come_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("m.safetensors");
    let mut whole = ensemble();
    Classifier::seal(&mut whole);
    std::fs::write(&path, whole.to_bytes()).expect("writes");
    let loaded = Classifier::load(&path).expect("loads");
    // Red is 51 / 255 = 0.2 everywhere: logits 0.2 and 1.6 of one, 0.6 and 2.8 of the other.
    let scores = loaded.scores(&[Image::from_rgb8(8, 8, [51, 0, 0].repeat(64))]).remove(0);
    let expected = Output::Softmax.scores(&[0.4, 2.2]);
    assert!(scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{scores:?}");

    let lost = Sealed { others: vec![], ..whole };
    std::fs::write(&path, lost.to_bytes()).expect("writes");
    let error = Classifier::load(&path).expect_err("a member is missing").to_string();
    assert!(error.contains("d.weight"), "{error}");
}

#[test]
fn sigmoids_without_a_calibration_come_as_shares_by_every_way() {
    let mut whole = ensemble();
    whole.description.output = Output::Sigmoid;
    let classifier = Classifier::seal(&mut whole);
    let picture = Image::from_rgb8(8, 8, [51, 0, 0].repeat(64));
    let raw = classifier.scores(std::slice::from_ref(&picture)).remove(0);
    assert!(raw.iter().sum::<f32>() > 1.4, "{raw:?}"); // sigmoid of 0.4 and of 2.2
    let shares = classifier.classify(&picture).scores;
    assert!(
        (shares.iter().sum::<f32>() - 1.0).abs() < 1e-6
            && (shares[1] - raw[1] / (raw[0] + raw[1])).abs() < 1e-6
    );
    assert_eq!(classifier.answer(raw.clone(), None).scores, shares);
}

#[test]
fn the_caution_is_the_sealed_one_or_that_of_medical_images() {
    let mut sealed = ensemble();
    assert_eq!(Classifier::seal(&mut sealed).caution(), CAUTION);
    sealed.description.wording.caution = Some("Ask a beekeeper.".into());
    sealed.description.wording.classes.insert("b".into(), "bees".into());
    let classifier = Classifier::seal(&mut sealed);
    assert_eq!(classifier.caution(), "Ask a beekeeper.");
    assert_eq!(classifier.card().title, "a or bees");
}
