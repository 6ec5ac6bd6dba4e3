//! Made-up results, which the tests of this module draw.

use super::operating::operating;
use super::{
    Conduct, DatasetFacts, Mistake, ModelFacts, Report, SetAside, SplitFacts, SplitResult, Subgroup,
    confusion_svg, curves_svg, diagram_svg, histogram, report_html, roc_svg, summary_table,
};
use crate::backbone::LayerRow;
use crate::classifier::{Member, MemberMetrics};
use crate::evaluate::{
    Calibration, Confusion, SplitMetrics, ThresholdPolicy, evaluate, one_against_rest, precision_curve,
    reliability, roc_curve, wilson,
};
use crate::external::Stressed;
use crate::gate::{GateFacts, GateKind, UnusualFacts};
use crate::history::{EpochRecord, History};
use crate::image::Resize;

/// A training that starts to overfit after two thirds of `epochs`.
pub(super) fn history(epochs: usize) -> History {
    let record = |epoch: usize| {
        let progress = epoch as f64 / epochs as f64;
        let wobble = if epoch.is_multiple_of(2) { 0.012 } else { -0.008 };
        EpochRecord {
            epoch,
            train_loss: 0.62 * (-2.6 * progress).exp() + 0.03,
            train_plain_loss: None,
            train_accuracy: 0.985 - 0.25 * (-3.5 * progress).exp(),
            validation_loss: 0.55 * (-2.8 * progress).exp() + 0.12 + 0.12 * progress * progress + wobble,
            validation_penalised_loss: None,
            validation_accuracy: 0.95 - 0.21 * (-4.0 * progress).exp() - wobble,
            validation_auc: Some(0.97),
            stressed_loss: None,
            stressed_auc: None,
            selection_loss: None,
            learning_rate: 1e-4,
            thawed: if epoch == 3 { vec!["block5".into()] } else { vec![] },
            seconds: 14.2,
        }
    };
    History::new((1..=epochs).map(record).collect())
}

/// The images as they are, and after two changes.
fn stress() -> Vec<Stressed> {
    let row = |change: &str, found, spared| Stressed {
        change: change.into(),
        images: 200,
        auc: wilson(196, 200),
        sensitivity: wilson(found, 150),
        specificity: wilson(spared, 50),
        log_loss: 0.21,
        refused: Some(wilson(2, 200)),
    };
    vec![row("as they are", 146, 48), row("half the resolution", 147, 31), row("gamma 0.7", 140, 47)]
}

/// Labels and scores of `images`, two of three of class 1, some scored wrong.
pub(super) fn predictions(images: usize) -> (Vec<usize>, Vec<Vec<f32>>) {
    let label = |image: usize| usize::from(!image.is_multiple_of(3));
    let score = |image: usize| {
        // A low-discrepancy sequence stands for chance.
        let chance = (image as f32 * 0.618_034).fract();
        let lean = if label(image) == 1 { chance.powf(0.3) } else { chance.powf(2.5) };
        vec![1.0 - lean, lean]
    };
    ((0..images).map(label).collect(), (0..images).map(score).collect())
}

/// What [`predictions`] come to at a threshold of 0.4.
pub(super) fn metrics(images: usize) -> SplitMetrics {
    let (labels, scores) = predictions(images);
    evaluate(&labels, &scores, 1, 0.4, 3.2).expect("made-up scores are sound")
}

fn member(seed: u64, auc: f64) -> Member {
    let worth = MemberMetrics { auc, accuracy: auc - 0.05, sensitivity: auc, specificity: auc - 0.1 };
    let measured = [("test".to_string(), worth)].into();
    Member { seed, fold: None, history: history(5), probe: false, measured }
}

/// VGG16 without its top, with a small head; the last block and the head are trainable.
pub(super) fn vgg16() -> Vec<LayerRow> {
    let mut rows = Vec::new();
    let mut row = |block: &str, name: String, kind: &str, output: Vec<usize>, parameters: usize| {
        let trainable = matches!(block, "block5" | "head");
        let (kind, block) = (kind.into(), block.into());
        rows.push(LayerRow { name, kind, output, parameters, trainable, block, skips: 0 });
    };
    let (mut side, mut inputs) = (224, 3);
    for (block, (layers, channels)) in (1..).zip([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]) {
        let block_name = format!("block{block}");
        for layer in 1..=layers {
            let name = format!("{block_name}_conv{layer}");
            let parameters = 9 * inputs * channels + channels;
            row(&block_name, name, "Conv 3×3, ReLU", vec![side, side, channels], parameters);
            inputs = channels;
        }
        side /= 2;
        row(&block_name, format!("{block_name}_pool"), "MaxPool 2×2", vec![side, side, channels], 0);
    }
    row("head", "flatten".into(), "Flatten", vec![25_088], 0);
    row("head", "dense".into(), "Dense, ReLU", vec![256], 25_088 * 256 + 256);
    row("head", "dropout".into(), "Dropout 0.5", vec![256], 0);
    row("head", "output".into(), "Dense, sigmoid", vec![2], 514);
    rows
}

/// Every tag is closed in order, every attribute quoted, and no number is missing.
pub(super) fn assert_well_formed(markup: &str) {
    const VOID: [&str; 4] = ["meta", "br", "img", "!doctype"];
    let mut open: Vec<&str> = Vec::new();
    for tag in markup.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag is closed by >");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        assert!(tag.matches('"').count().is_multiple_of(2), "quotes: <{tag}>");
        match tag {
            _ if VOID.contains(&name) || tag.ends_with('/') => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "<{tag}>"),
            _ => open.push(name),
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    assert!(!markup.contains("NaN") && !markup.contains("inf\""), "a number is missing");
}

/// A finished two-class run.
pub(super) fn report() -> Report {
    let result = |name: &str, images| {
        let (labels, scores) = predictions(images);
        let (truth, positive_scores) = one_against_rest(&labels, &scores, 1);
        SplitResult {
            name: name.into(),
            metrics: metrics(images),
            roc: roc_curve(&truth, &positive_scores),
            precision: precision_curve(&truth, &positive_scores),
            reliability: reliability(&labels, &scores, 1),
            operating: Some(operating(&truth, &positive_scores, 0.4)),
            histogram: Some(histogram(&truth, &positive_scores)),
        }
    };
    let split = |name: &str, images: [usize; 2], groups| SplitFacts {
        name: name.into(),
        images: images.into(),
        groups,
    };
    let set_aside = |path: &str, reason: &str| SetAside { path: path.into(), reason: reason.into() };
    Report {
        title: "Chest X-ray: NORMAL or PNEUMONIA".into(),
        caution: "For research and teaching. It is no medical device, and no diagnosis may rest on it: on images from \
                  other hospitals it will be worse than here."
            .into(),
        doubts: vec![],
        conduct: Conduct { class_weights: true, resize: Some(Resize::Squash), ..Conduct::default() },
        warnings: vec!["The validation split has fewer than 100 images of a class: its numbers are coarse.".into()],
        classes: vec!["NORMAL".into(), "PNEUMONIA".into()],
        positive: 1,
        dataset: DatasetFacts {
            splits: vec![
                split("train", [1147, 3298], 2410),
                split("validation", [202, 585], 425),
                split("test", [234, 390], 402),
            ],
            grouped_by: Some("patient".into()),
            shared_groups: 0,
            set_aside: vec![
                set_aside("train/NORMAL/IM-0042.jpeg", "the file ends early, after 12,288 of 48,190 bytes"),
                set_aside("train/PNEUMONIA/.DS_Store", "not an image"),
            ],
        },
        model: ModelFacts {
            backbone: "vgg16".into(),
            source: "https://example.org/vgg16.safetensors".into(),
            licence: "CC BY 4.0".into(),
            sha256: "64373286793e3c8b2b4e3219cbf3544bd45a0c1f0d6d0c5e2d1b8c1a3f8a9c11".into(),
            layers: vgg16(),
        },
        history: history(15),
        members: [0.952, 0.961, 0.957].into_iter().zip(7..).map(|(auc, seed)| member(seed, auc)).collect(),
        threshold_policy: ThresholdPolicy::Youden,
        results: vec![result("train", 444), result("validation", 78), result("test", 624)],
        stress: stress(),
        plateau: Some([0.31, 0.62]),
        calibration: Some(Calibration::Platt { slope: 0.8, intercept: -0.3 }),
        gate: Some(GateFacts {
            layers: 7,
            threshold: 1.9,
            false_refusals: 0.01,
            kind: GateKind::Residual { axes: 64, typical: 0.2, probes: 2 },
            unusual: Some(UnusualFacts { layers: 5, threshold: 1.5 }),
        }),
        mistakes: vec![Mistake {
            path: "test/NORMAL/IM-0001.jpeg".into(),
            truth: "NORMAL".into(),
            predicted: "PNEUMONIA".into(),
            score: 0.97,
            picture: None,
        }],
        subgroups: vec![Subgroup {
            attribute: "sex".into(),
            value: "female".into(),
            images: 300,
            accuracy: wilson(270, 300),
            auc: wilson(290, 300),
            sensitivity: wilson(180, 190),
            specificity: wilson(90, 110),
        }],
        configuration: "[training]\nepochs = 15\nbatch_size = 32\nlearning_rate = 1e-4\nseed = 7\n".into(),
        date: "2026-11-27T19:44:21Z".into(),
        seed: 7,
        command: "headstart train chest_xray --backbone vgg16 --unfreeze last-block --epochs 15 --seed 7".into(),
        version: "0.1.0".into(),
    }
}

/// A run of three classes, of which no threshold decides.
pub(super) fn of_three_classes() -> Report {
    let classes = ["bacteria", "normal", "virus"].map(String::from).to_vec();
    let (labels, scores): (Vec<usize>, Vec<Vec<f32>>) = (0..90usize)
        .map(|image| {
            let mut row = vec![0.2; 3];
            row[if image.is_multiple_of(4) { image / 4 % 3 } else { image % 3 }] = 0.6;
            (image % 3, row)
        })
        .unzip();
    let metrics = evaluate(&labels, &scores, 2, 0.279, 1.0).expect("made-up scores are sound");
    let reliability = reliability(&labels, &scores, 2);
    let result = SplitResult {
        name: "test".into(),
        metrics,
        roc: vec![],
        precision: vec![],
        reliability,
        histogram: None,
        operating: None,
    };
    let splits = vec![SplitFacts { name: "test".into(), images: vec![30; 3], groups: 90 }];
    let report = report();
    let dataset = DatasetFacts { splits, ..report.dataset };
    Report {
        classes,
        dataset,
        positive: 2,
        results: vec![result],
        members: vec![],
        stress: vec![],
        plateau: None,
        ..report
    }
}

/// Writes all pictures and the page into the folder that `HEADSTART_SAMPLES` names, to be looked at.
#[test]
fn samples_to_look_at() {
    let Some(folder) = std::env::var_os("HEADSTART_SAMPLES").map(std::path::PathBuf::from) else {
        println!("skipped: HEADSTART_SAMPLES is not set");
        return;
    };
    let report = report();
    let test = &report.results[2];
    let many = Confusion {
        counts: (0..9)
            .map(|row| (0..9).map(|c| if c == row { 80 + c } else { c * row % 7 }).collect())
            .collect(),
    };
    let many_names: Vec<String> = (0..9).map(|class| format!("class number {class}")).collect();
    let (narrow, deep) = (vgg16(), deep());
    let samples = [
        ("curves.svg", curves_svg(&report.history)),
        ("curves-one-epoch.svg", curves_svg(&history(1))),
        ("curves-long.svg", curves_svg(&history(120))),
        ("confusion.svg", confusion_svg(&test.metrics.confusion, &report.classes)),
        ("confusion-many.svg", confusion_svg(&many, &many_names)),
        ("roc.svg", roc_svg(&test.roc, &test.metrics)),
        ("diagram.svg", diagram_svg("vgg16 with a new head", &narrow)),
        ("diagram-deep.svg", diagram_svg("efficientnet-lite0 with a new head", &deep)),
        ("summary.txt", summary_table("vgg16 with a new head", &narrow)),
        ("report.html", report_html(&report, None)),
    ];
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for (name, content) in samples {
        std::fs::write(folder.join(name), content).expect("the folder can be written to");
    }
}

/// As long as EfficientNet-Lite0: a stem, sixteen blocks of three convolutions, a head.
fn deep() -> Vec<LayerRow> {
    let row = |block: String, name: &str, kind: &str, output: Vec<usize>, parameters| {
        let trainable = matches!(block.as_str(), "blocks.15" | "head");
        let name = format!("{block}.{name}");
        let skips = if name.ends_with("conv_pwl") { 2 } else { 0 };
        LayerRow { name, kind: kind.into(), output, parameters, trainable, block, skips }
    };
    let mut rows = vec![row("stem".into(), "conv", "Conv 3×3 /2, ReLU6", vec![112, 112, 32], 864)];
    for block in 0..16 {
        let name = format!("blocks.{block}");
        let (side, channels) = (112 >> (block / 4), 24 * (1 + block / 3));
        rows.push(row(
            name.clone(),
            "conv_pw",
            "Conv 1×1, ReLU6",
            vec![side, side, channels * 6],
            channels * channels * 6,
        ));
        rows.push(row(
            name.clone(),
            "conv_dw",
            "Depthwise 5×5, ReLU6",
            vec![side, side, channels * 6],
            channels * 150,
        ));
        rows.push(row(name, "conv_pwl", "Conv 1×1", vec![side, side, channels], channels * channels * 6));
    }
    rows.push(row("head".into(), "pool", "GlobalAveragePool", vec![1280], 0));
    rows.push(row("head".into(), "output", "Dense, softmax", vec![2], 2562));
    rows
}
