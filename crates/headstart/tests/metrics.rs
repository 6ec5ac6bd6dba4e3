//! Metrics and intervals against scikit-learn, statsmodels and confidenceinterval: see
//! `tools/golden_metrics.py`.

use headstart::evaluate::{Confusion, Estimate, SplitMetrics, delong, evaluate, one_against_rest, wilson};
use serde::Deserialize;

/// Both sides sum in their own order.
const TOLERANCE: f64 = 1e-9;
/// confidenceinterval keeps DeLong's placements in f32.
const TOLERANCE_OF_DELONG: f64 = 1e-6;

#[derive(Deserialize)]
struct Golden {
    threshold: f64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    labels: Vec<usize>,
    /// Scores in steps of 1/64, exact in f32.
    steps: Vec<Vec<u8>>,
    positive: usize,
    confusion: Confusion,
    /// Value and both ends, here and below.
    accuracy: [f64; 3],
    auc: f64,
    auc_of_classes: Vec<[f64; 3]>,
    recall_of_classes: Vec<[f64; 3]>,
    specificity_of_classes: Vec<[f64; 3]>,
    balanced_accuracy: f64,
    f1: f64,
    log_loss: f64,
    brier: f64,
}

impl Case {
    fn scores(&self) -> Vec<Vec<f32>> {
        let row = |steps: &Vec<u8>| steps.iter().map(|step| f32::from(*step) / 64.0).collect();
        self.steps.iter().map(row).collect()
    }

    fn classes_of_interest(&self) -> Vec<usize> {
        let classes = self.steps[0].len();
        if classes == 2 { vec![self.positive] } else { (0..classes).collect() }
    }

    fn number(&self, what: &str, found: f64, expected: f64) {
        self.near(what, &[found], &[expected], TOLERANCE);
    }

    fn estimate(&self, what: &str, found: Estimate, expected: [f64; 3], tolerance: f64) {
        self.near(what, &[found.value, found.low, found.high], &expected, tolerance);
    }

    fn near(&self, what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
        let close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= tolerance);
        assert!(close, "{}: {what} is {found:?}, expected {expected:?}", self.name);
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/metrics.json")).expect("the script wrote it")
}

fn each_case(check: impl Fn(&Case, &SplitMetrics)) {
    let golden = golden();
    for case in &golden.cases {
        let metrics = evaluate(&case.labels, &case.scores(), case.positive, golden.threshold, 0.0);
        check(case, &metrics.expect("golden scores are sound"));
    }
}

#[test]
fn values_agree_with_scikit_learn() {
    each_case(|case, metrics| {
        assert_eq!(metrics.confusion, case.confusion, "{}", case.name);
        case.number("AUC", metrics.auc.value, case.auc);
        case.number("balanced accuracy", metrics.balanced_accuracy.value, case.balanced_accuracy);
        case.number("F1", metrics.f1.value, case.f1);
        case.number("log loss", metrics.log_loss, case.log_loss);
        case.number("Brier score", metrics.brier, case.brier);
        let mean = |parts: &[[f64; 3]]| parts.iter().map(|part| part[0]).sum::<f64>() / parts.len() as f64;
        case.number("sensitivity", metrics.sensitivity.value, mean(&case.recall_of_classes));
        case.number("specificity", metrics.specificity.value, mean(&case.specificity_of_classes));
    });
}

#[test]
fn proportions_have_the_intervals_of_statsmodels() {
    each_case(|case, metrics| {
        case.estimate("accuracy", metrics.accuracy, case.accuracy, TOLERANCE);
        for (index, class) in case.classes_of_interest().into_iter().enumerate() {
            let outcomes = metrics.confusion.one_against_rest(class);
            let positives = outcomes.true_positives + outcomes.false_negatives;
            let negatives = outcomes.true_negatives + outcomes.false_positives;
            let expected = case.recall_of_classes[index];
            case.estimate("recall", wilson(outcomes.true_positives, positives), expected, TOLERANCE);
            let expected = case.specificity_of_classes[index];
            case.estimate("specificity", wilson(outcomes.true_negatives, negatives), expected, TOLERANCE);
        }
    });
}

#[test]
fn areas_have_the_intervals_of_delong() {
    each_case(|case, metrics| {
        for (index, class) in case.classes_of_interest().into_iter().enumerate() {
            let (truth, scores) = one_against_rest(&case.labels, &case.scores(), class);
            case.estimate("AUC", delong(&truth, &scores), case.auc_of_classes[index], TOLERANCE_OF_DELONG);
        }
        if let [only] = case.auc_of_classes[..] {
            case.estimate("AUC", metrics.auc, only, TOLERANCE_OF_DELONG);
        }
    });
}

#[test]
fn metrics_come_back_from_json() {
    each_case(|case, metrics| {
        let text = serde_json::to_string(metrics).expect("plain");
        assert!(text.contains(r#""accuracy":{"value":"#), "{text}");
        assert_eq!(&serde_json::from_str::<SplitMetrics>(&text).expect("own text"), metrics, "{}", case.name);
    });
}

#[test]
fn a_split_of_one_class_is_measured_as_far_as_it_goes() {
    let metrics = evaluate(&[1, 1], &[vec![0.2, 0.8], vec![0.7, 0.3]], 1, 0.5, 0.0).expect("sound");
    assert_eq!((metrics.accuracy.value, metrics.sensitivity.value), (0.5, 0.5));
    assert!(!metrics.auc.is_known() && !metrics.specificity.is_known());
    let text = serde_json::to_string(&metrics).expect("plain");
    let back: SplitMetrics = serde_json::from_str(&text).expect("own text");
    assert!(!back.auc.is_known());
}

#[test]
fn what_cannot_be_measured_is_refused_by_name() {
    let refusal = |labels: &[usize], scores: &[Vec<f32>], positive| {
        evaluate(labels, scores, positive, 0.5, 0.0).expect_err("nonsense").to_string()
    };
    assert!(refusal(&[], &[], 0).contains("0 labels, 0 rows"));
    assert!(refusal(&[0, 1], &[vec![0.5, 0.5]], 0).contains("2 labels, 1 rows"));
    assert!(refusal(&[0], &[vec![0.5, 0.5]], 2).contains("below 2, found 2"));
    assert!(refusal(&[2], &[vec![0.5, 0.5]], 0).contains("row 0"));
    assert!(refusal(&[0, 0], &[vec![0.5, 0.5], vec![f32::NAN, 0.5]], 0).contains("row 1: expected finite"));
    assert!(refusal(&[0], &[vec![-0.5, 0.5]], 0).contains("found -0.5"));
    assert!(refusal(&[0, 0], &[vec![0.5, 0.5], vec![1.0]], 0).contains("row 1: expected 2 scores"));
}
