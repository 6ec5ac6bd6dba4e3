//! The graph's structure, and in ONNX Runtime, where `HEADSTART_PYTHON` names a Python that has it, its answers.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::backbone::Unfreeze;
use crate::backbone::registry::ENTRIES;
use crate::backbone::spec::{
    Activation, BatchNorm, Block, Convolution, Dense, Layer, MapShape, MaxPool, Norm, Padding, SqueezeExcite,
    output_shape,
};
use crate::backbone::weights::Weights;
use crate::classifier::tests::description;
use crate::classifier::{Description, Member};
use crate::evaluate::{Calibration, Conformal, Output};
use crate::gate::{Gate, GateFacts, GateKind, Mahalanobis, Refusing, Residual, UnusualFacts};
use crate::history::History;
use crate::image::{ChannelOrder, Filter, Preprocess, Resize, TestView};
use crate::network::initialise;
use crate::random::Random;
use crate::train::random_weights::random_weights;

fn convolution(name: &str, [input, output]: [usize; 2], activation: Activation) -> Convolution {
    Convolution {
        name: name.into(),
        input,
        output,
        kernel: 3,
        stride: 1,
        padding: Padding::Same,
        groups: 1,
        bias: false,
        norm: Some(BatchNorm { name: format!("{name}.norm"), epsilon: 1e-3 }),
        activation,
    }
}

fn dense(name: &str, [input, output]: [usize; 2], activation: Activation) -> Layer {
    Layer::Dense(Dense { name: name.into(), input, output, activation, l2: 0.0 })
}

/// Every kind of layer and activation, on pictures of 13×13.
pub(super) fn every_layer(classes: usize) -> [Block; 2] {
    let bare = |name, channels, activation| Convolution {
        kernel: 1,
        norm: None,
        bias: true,
        ..convolution(name, channels, activation)
    };
    let halved = |name| Convolution { stride: 2, ..convolution(name, [8, 12], Activation::Identity) };
    let trunk = vec![
        Layer::Convolution(Convolution { stride: 2, ..convolution("first", [3, 8], Activation::Relu6) }),
        Layer::Convolution(Convolution { groups: 8, ..convolution("depthwise", [8, 8], Activation::Silu) }),
        Layer::SqueezeExcite(SqueezeExcite {
            reduce: bare("gate.reduce", [8, 4], Activation::Relu),
            expand: bare("gate.expand", [4, 8], Activation::HardSigmoid),
        }),
        Layer::Residual {
            body: vec![Layer::Convolution(halved("body"))],
            shortcut: vec![Layer::Convolution(Convolution { kernel: 1, ..halved("shortcut") })],
            activation: Activation::HardSwish,
        },
        Layer::MaxPool(MaxPool { window: 3, stride: Some(1), padding: 1 }),
    ];
    let symmetric =
        Convolution { padding: Padding::Symmetric, ..convolution("last", [12, 12], Activation::Relu) };
    let plain = Convolution { ..convolution("plain", [12, 12], Activation::Identity) };
    let alone = BatchNorm { name: "alone".into(), epsilon: 1e-5 };
    let norm = Layer::Norm(Norm { norm: alone, channels: 12, activation: Activation::Relu });
    let narrow = Layer::Convolution(convolution("narrow", [12, 8], Activation::Identity));
    let side = bare("side", [12, 4], Activation::Identity);
    let tail = vec![
        Layer::Convolution(symmetric),
        Layer::Residual {
            body: vec![Layer::Convolution(plain)],
            shortcut: vec![Layer::Concatenate {
                branches: vec![vec![norm, narrow], vec![Layer::Convolution(side)]],
            }],
            activation: Activation::Identity,
        },
        Layer::AveragePool { window: 2 },
        Layer::Flatten,
        dense("hidden", [2 * 2 * 12, 6], Activation::Sigmoid),
        Layer::Dropout { rate: 0.5 },
        dense("logits", [6, classes], Activation::Identity),
    ];
    [("trunk", trunk), ("tail", tail)].map(|(name, layers)| Block { name: name.into(), layers })
}

/// Weights of some size for all `blocks`, normalisation's and biases included.
fn weights(blocks: &[Block], size: usize, seed: u64) -> Weights {
    let layers: Vec<Layer> = blocks.iter().flat_map(|block| block.layers.clone()).collect();
    let mut random = Random::new(seed, 7);
    let maps: Vec<f32> = (0..2 * size * size * 3).map(|_| random.symmetric(1.0)).collect();
    let mut drawn = initialise(&layers, seed);
    // What follows the maps is drawn by `initialise`.
    let end = layers.iter().position(|layer| matches!(layer, Layer::Flatten | Layer::GlobalAveragePool));
    let before = &layers[..end.unwrap_or(layers.len())];
    drawn.merge(random_weights(before, &maps, 2, MapShape::new(size, size, 3), seed));
    let mut weights = Weights::default();
    for (name, tensor) in drawn.into_iter() {
        // Statistics stay as they were measured: moved by more than a deviation they make every layer's values larger.
        let off = if name.contains(".running_") || tensor.shape.len() > 1 { 0.0 } else { 0.3 };
        let values = tensor.values.iter().map(|value| value + random.symmetric(off)).collect();
        weights.insert(name, tensor.shape, values);
    }
    weights
}

/// A sealed model of these blocks without calibration, gate, sets and views.
pub(super) fn plain(blocks: Vec<Block>, cut: usize, size: usize, classes: usize) -> Sealed {
    let weights = weights(&blocks, size, 1);
    let description = description();
    let preprocess = Preprocess {
        size,
        channel_order: ChannelOrder::Bgr,
        filter: Filter::Bicubic,
        mean: [100.0, 120.0, 130.0],
        deviation: [50.0, 60.0, 70.0],
        ..description.preprocess
    };
    let classes: Vec<String> = (0..classes).map(|class| format!("class {class}")).collect();
    let description = Description {
        blocks,
        cut,
        preprocess,
        positive: classes.len() - 1,
        classes,
        calibration: None,
        conformal: None,
        gate: None,
        ..description
    };
    Sealed { description, weights, others: vec![], gate: None }
}

/// The same with two more members, whose tails differ.
pub(super) fn with_members(mut sealed: Sealed) -> Sealed {
    let Description { blocks, cut, preprocess, .. } = &sealed.description;
    let whole = |seed| weights(blocks, preprocess.size, seed);
    let tail: Vec<Layer> = sealed.description.tail().cloned().collect();
    let verified = |seed| whole(seed).verify(&tail, Path::new("drawn")).expect("drawn for these layers");
    assert!(*cut > 0);
    sealed.others = vec![verified(2), verified(3)];
    let member = |seed| Member {
        seed,
        fold: None,
        history: History::default(),
        probe: false,
        measured: Default::default(),
    };
    sealed.description.members = (1..=3).map(member).collect();
    sealed
}

/// The same with a gate behind so many layers.
pub(super) fn with_gate(
    mut sealed: Sealed,
    layers: usize,
    kind: fn(Residual, Mahalanobis) -> Refusing,
) -> Sealed {
    let all: Vec<Layer> = sealed.description.blocks.iter().flat_map(|block| block.layers.clone()).collect();
    let size = sealed.description.preprocess.size;
    let width = output_shape(&all[..layers], MapShape::new(size, size, 3)).channels;
    let mut random = Random::new(4, 4);
    let mut row = || (0..width).map(|at| 1.0 + at as f32 * 0.1 + random.symmetric(0.5)).collect::<Vec<f32>>();
    let rows: Vec<Vec<f32>> = (0..60).map(|_| row()).collect();
    let classes = sealed.description.classes.len();
    let labels: Vec<usize> = (0..rows.len()).map(|row| row % classes).collect();
    let nearest = Mahalanobis::fit(&rows, &labels, classes).expect("varied");
    let mut residual = Residual::fit(&rows, &rows).expect("varied");
    residual.copies.width = width + 1;
    residual.copies.probes = (0..2 * (width + 1)).map(|_| random.symmetric(0.4)).collect();
    let refusing = kind(residual, nearest.clone());
    let kind = match &refusing {
        Refusing::Mahalanobis(_) => GateKind::Mahalanobis,
        Refusing::Residual(residual) => {
            GateKind::Residual { axes: residual.axes(), typical: residual.typical, probes: 2 }
        }
    };
    let newer = matches!(refusing, Refusing::Residual(_));
    let unusual = newer.then_some(UnusualFacts { layers, threshold: 1.5 });
    sealed.description.gate = Some(GateFacts { layers, threshold: 2.5, false_refusals: 0.01, kind, unusual });
    sealed.gate = Some(Gate { refusing, unusual: newer.then_some(nearest) });
    sealed
}

/// Seals and exports; the model's file and the exported one.
fn exported(folder: &Path, name: &str, mut sealed: Sealed, pixels: Pixels) -> (PathBuf, PathBuf) {
    Classifier::seal(&mut sealed);
    let model = folder.join(format!("{name}.safetensors"));
    std::fs::write(&model, sealed.to_bytes()).expect("writes");
    let out = beside(&model);
    export(&model, &out, pixels).expect("a sealed model");
    (model, out)
}

fn read(path: &Path) -> Model {
    Model::decode(std::fs::read(path).expect("written").as_slice()).expect("an ONNX file")
}

/// ONNX Runtime's answer about the golden picture, where there is a Python with it.
pub(super) fn check_in_runtime((model, out): &(PathBuf, PathBuf), tolerance: &str) {
    let Some(python) = std::env::var_os("HEADSTART_PYTHON") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/check_onnx.py");
    let output = Command::new(python)
        .arg(script)
        .args([model, out])
        .args(["--tolerance", tolerance])
        .output()
        .expect("Python runs");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{}: {said}", out.display());
    println!("{}: {said}", out.display());
}

/// One net of each family.
const NETS: [&str; 6] =
    ["densenet121", "efficientnet-lite0", "efficientnet-b0", "mobilenet-v3-large", "resnet50", "vgg16"];

#[test]
fn a_small_net_becomes_these_nodes() {
    let folder = tempfile::tempdir().expect("a folder");
    let layers = vec![
        Layer::Convolution(Convolution { stride: 2, ..convolution("first", [3, 4], Activation::Relu6) }),
        Layer::GlobalAveragePool,
        dense("logits", [4, 2], Activation::Identity),
    ];
    let sealed = plain(vec![Block { name: "net".into(), layers }], 0, 8, 2);
    let (_, out) = exported(folder.path(), "small", sealed, Pixels::Uint8);
    let model = read(&out);
    let graph = model.graph.as_ref().expect("a graph");
    assert_eq!((model.ir_version, model.opset_import[0].version), (8, 18));
    let operators: Vec<&str> = graph.node.iter().map(|node| node.op_type.as_str()).collect();
    let read_in = ["Cast", "Transpose", "Gather", "Sub", "Div"];
    let net = ["Conv", "Clip", "GlobalAveragePool", "Flatten", "Gemm", "Identity"];
    let told = ["Softmax", "Gather", "GreaterOrEqual", "Where"];
    assert_eq!(operators, [&read_in[..], &net, &told].concat());
    let outputs: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(outputs, ["logits", "scores", "predicted"]);
    assert_eq!(graph.input.iter().map(shown).collect::<Vec<_>>(), ["pixels uint8 [batch, 8, 8, 3]"]);
    let kernel =
        graph.initializer.iter().find(|tensor| tensor.name == "tail/first.weight").expect("a kernel");
    assert_eq!((kernel.dims.as_slice(), kernel.raw_data.len()), ([4, 3, 3, 3].as_slice(), 4 * 3 * 9 * 4));
    // TensorFlow's padding of an even side at stride 2 lies behind it.
    let first = graph.node.iter().find(|node| node.name == "tail/first").expect("a convolution");
    let pads = first.attribute.iter().find(|attribute| attribute.name == "pads").expect("pads");
    assert_eq!(pads.ints, [0, 0, 1, 1]);
}

#[test]
fn members_share_the_trunk_and_views_lie_in_the_batch() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sealed = with_members(plain(every_layer(2).to_vec(), 1, 13, 2));
    sealed.description.test_views = vec![TestView { flip: true, ..TestView::default() }];
    let (_, out) = exported(folder.path(), "several", sealed, Pixels::Float32);
    let graph = read(&out).graph.expect("a graph");
    let constants =
        |name: &str| graph.initializer.iter().filter(|tensor| tensor.name.ends_with(name)).count();
    assert_eq!((constants("/first.weight"), constants("/last.weight")), (1, 3));
    let count = |operator: &str| graph.node.iter().filter(|node| node.op_type == operator).count();
    assert_eq!((count("Mean"), count("ReduceMean"), count("Cast")), (1, 1, 0));
}

/// Each with another calibration, gate and view.
#[test]
fn every_layer_gives_the_same_in_onnx_runtime() {
    if std::env::var_os("HEADSTART_PYTHON").is_none() {
        println!("ONNX Runtime was skipped: HEADSTART_PYTHON is not set");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let temperature = Some(Calibration::Temperature { temperature: 1.7 });
    let platt = Some(Calibration::Platt { slope: 0.8, intercept: -0.3 });
    let residual: fn(Residual, Mahalanobis) -> Refusing = |residual, _| Refusing::Residual(residual);
    let nearest: fn(Residual, Mahalanobis) -> Refusing = |_, nearest| Refusing::Mahalanobis(nearest);
    let turned = TestView { rotation: 9.0, scale: 0.1, shift: [0.05, -0.1], ..TestView::default() };
    let soft = TestView { flip: true, blur: 1.2, ..TestView::default() };
    let cases = [
        (Output::Softmax, None, residual, vec![]),
        (Output::Sigmoid, None, nearest, vec![TestView { flip: true, ..TestView::default() }]),
        (Output::Softmax, temperature, residual, vec![turned]),
        (Output::Sigmoid, temperature, nearest, vec![soft, turned]),
        (Output::Softmax, platt, residual, vec![TestView::default()]),
        (Output::Sigmoid, platt, nearest, vec![]),
    ];
    for (number, (output, calibration, kind, test_views)) in cases.into_iter().enumerate() {
        let classes = if matches!(calibration, Some(Calibration::Platt { .. })) { 2 } else { 3 };
        // In the trunk, at its end and in the tail.
        let layers = [3, 5, 7][number % 3];
        let mut sealed =
            with_gate(with_members(plain(every_layer(classes).to_vec(), 1, 13, classes)), layers, kind);
        let conformal = Some(Conformal { coverage: 0.9, thresholds: vec![0.3; classes] });
        sealed.description =
            Description { output, calibration, test_views, conformal, ..sealed.description.clone() };
        let pixels = [Pixels::Uint8, Pixels::Float32, Pixels::AnySize][number / 2];
        check_in_runtime(&exported(folder.path(), &format!("case-{number}"), sealed.clone(), pixels), "1e-4");
        check_in_runtime(
            &exported(folder.path(), &format!("tensor-{number}"), sealed, Pixels::Tensor),
            "1e-4",
        );
    }
}

#[test]
fn a_net_of_each_family_can_be_exported() {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in ENTRIES.iter().filter(|entry| NETS.contains(&entry.name)) {
        let (mut spec, size) = (entry.spec(), 64);
        let features = output_shape(spec.layers(0..spec.blocks.len()), MapShape::new(size, size, 3)).channels;
        let head = vec![Layer::GlobalAveragePool, dense("head", [features, 2], Activation::Identity)];
        spec.blocks.push(Block { name: "head".into(), layers: head });
        let cut = spec.blocks.len() - 2;
        let mut sealed = plain(spec.blocks, cut, size, 2);
        sealed.description.preprocess = Preprocess { size, ..entry.preprocess() };
        // It is not run: with drawn weights so many layers enlarge rounding beyond any tolerance.
        exported(folder.path(), entry.name, sealed, Pixels::Uint8);
    }
}

/// Drawn as `tools/torchvision_weights.py --drawn` draws them: they keep values of each layer about as large as before.
fn drawn(layers: &[Layer]) -> Weights {
    let mut random = Random::new(3, 3);
    let mut weights = Weights::default();
    let tensors = layers.iter().flat_map(|layer| [layer.parameters(), layer.statistics()].concat());
    for (name, shape) in tensors {
        let fan: usize = shape[1..].iter().product();
        let is_factor = name.ends_with(".weight") || name.ends_with(".running_var");
        let (middle, reach) = match shape.len() {
            1 => (if is_factor { 1.0 } else { 0.0 }, 0.1),
            _ => (0.0, (6.0 / fan as f32).sqrt()),
        };
        let values = (0..shape.iter().product()).map(|_| middle + random.symmetric(reach)).collect();
        weights.insert(name, shape, values);
    }
    weights
}

#[test]
fn a_pretrained_net_of_each_family_gives_the_same_features() {
    const SIZE: usize = 64;
    let folder = tempfile::tempdir().expect("a folder");
    for entry in ENTRIES.iter().filter(|entry| NETS.contains(&entry.name)) {
        let layers: Vec<Layer> = entry.spec().all_layers().cloned().collect();
        let weights = folder.path().join(format!("{}.safetensors", entry.name));
        std::fs::write(&weights, drawn(&layers).to_safetensors(Default::default())).expect("writes");
        for (pixels, unfreeze) in [(Pixels::Uint8, Unfreeze::Nothing), (Pixels::Tensor, Unfreeze::LastBlock)]
        {
            let out = folder.path().join(format!("{}-{pixels:?}.onnx", entry.name));
            let net =
                Pretrained { name: entry.name, weights: Some(&weights), image_size: Some(SIZE), unfreeze };
            let written = export_backbone(&net, &out, pixels).expect("a net");
            assert_eq!(written.outputs, ["features", "pooled"]);
            check_in_runtime(&(entry.name.into(), out), "1e-4");
        }
    }
}

#[test]
fn a_pretrained_net_is_refused_where_no_layer_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("net.onnx");
    let net = Pretrained {
        name: "efficientnet-lite0",
        weights: None,
        image_size: None,
        unfreeze: Unfreeze::Everything,
    };
    let refused =
        |net: &Pretrained<'_>| export_backbone(net, &out, Pixels::Uint8).expect_err("refused").to_string();
    assert_eq!(
        refused(&net),
        "unfreeze: expected none, last-block or a block behind the first, found all: no layer is left"
    );
    std::fs::write(&out, "weights").expect("writes");
    let same = Pretrained { weights: Some(&out), unfreeze: Unfreeze::Nothing, ..net };
    assert!(refused(&same).starts_with("out: expected another file than the weights'"));
    assert_eq!(std::fs::read(&out).expect("as it was"), b"weights");
}

#[test]
fn what_cannot_be_exported_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sealed = plain(every_layer(2).to_vec(), 1, 13, 2);
    sealed.description.preprocess.resize = Resize::Crop;
    let (model, out) = exported(folder.path(), "crop", sealed, Pixels::Uint8);
    std::fs::remove_file(&out).expect("it was written");
    let refused = |out: &Path, pixels| export(&model, out, pixels).expect_err("refused").to_string();
    assert_eq!(
        refused(&out, Pixels::AnySize),
        "input: expected uint8, float32 or tensor, found any-size, of a model that crops images"
    );
    assert!(refused(&model, Pixels::Uint8).starts_with("out: expected another file than the model's"));
    assert!(refused(&folder.path().join("missing/x.onnx"), Pixels::Uint8).contains("cannot write"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    Classifier::load(&model).expect("the model is as it was");
}
