//! Metrics, intervals, calibration and tests against scikit-learn, statsmodels, confidenceinterval and
//! MLstatkit: see `tools/golden_metrics.py`.

use headstart::evaluate::Output;
use headstart::evaluate::{
    Calibration, CalibrationMethod, Confusion, Estimate, SplitMetrics, delong, evaluate, mcnemar,
    one_against_rest, paired_delong, wilson,
};
use serde::Deserialize;

/// Both sides sum in their own order.
const TOLERANCE: f64 = 1e-9;
/// statsmodels stops its fits at about this.
const TOLERANCE_OF_FITS: f64 = 1e-5;
/// confidenceinterval keeps DeLong's placements in f32.
const TOLERANCE_OF_DELONG: f64 = 1e-6;

#[derive(Deserialize)]
struct Golden {
    threshold: f64,
    cases: Vec<Case>,
    platt: Platt,
    pair: Pair,
    patients: Patients,
    many_classes: ManyClasses,
}

/// No two ranks of a row are equal.
#[derive(Deserialize)]
struct ManyClasses {
    labels: Vec<usize>,
    ranks: Vec<Vec<u8>>,
    top_5: [f64; 3],
}

#[derive(Deserialize)]
struct Patients {
    groups: Vec<usize>,
    first: Vec<u8>,
    second: Vec<u8>,
    p: f64,
    permutation_p: f64,
}

#[derive(Deserialize)]
struct Platt {
    labels: Vec<usize>,
    odds: Vec<f32>,
    slope: f64,
    intercept: f64,
}

#[derive(Deserialize)]
struct Pair {
    labels: Vec<u8>,
    first: Vec<u8>,
    second: Vec<u8>,
    difference: f64,
    p: f64,
    mcnemar_p: f64,
}

#[derive(Deserialize)]
struct GoldenCalibration {
    ece: f64,
    debiased: f64,
    slope: [f64; 3],
    intercept: [f64; 3],
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
    mcc: f64,
    average_precision: f64,
    ppv_of_classes: Vec<[f64; 3]>,
    npv_of_classes: Vec<[f64; 3]>,
    calibration: GoldenCalibration,
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
        case.number("Matthews' correlation", metrics.mcc.value, case.mcc);
        case.number("average precision", metrics.average_precision.value, case.average_precision);
        case.number("plain calibration error", metrics.ece_plain, case.calibration.ece);
        case.number("calibration error", metrics.ece.value, case.calibration.debiased);
        assert!(
            metrics.ece.low <= metrics.ece.value && metrics.ece.value <= metrics.ece.high,
            "{}",
            case.name
        );
        let mean = |parts: &[[f64; 3]]| parts.iter().map(|part| part[0]).sum::<f64>() / parts.len() as f64;
        case.number("sensitivity", metrics.sensitivity.value, mean(&case.recall_of_classes));
        case.number("specificity", metrics.specificity.value, mean(&case.specificity_of_classes));
    });
}

#[test]
fn calibrations_have_the_slopes_and_intervals_of_statsmodels() {
    each_case(|case, metrics| {
        case.estimate("slope", metrics.calibration_slope, case.calibration.slope, TOLERANCE_OF_FITS);
        case.estimate(
            "intercept",
            metrics.calibration_intercept,
            case.calibration.intercept,
            TOLERANCE_OF_FITS,
        );
    });
}

#[test]
fn platts_line_is_that_of_scikit_learn() {
    let Platt { labels, odds, slope, intercept } = golden().platt;
    let logits: Vec<Vec<f32>> = odds.iter().map(|odds| vec![0.0, *odds]).collect();
    let fitted = Calibration::fit(CalibrationMethod::Platt, Output::Softmax, &logits, &labels, 1);
    let Some(Calibration::Platt { slope: a, intercept: b }) = fitted else { panic!("{fitted:?}") };
    // scikit-learn's optimizer stops at a gradient of 1e-6 or so.
    assert!((a - slope).abs() < 1e-4 && (b - intercept).abs() < 1e-4, "{a} {slope}, {b} {intercept}");
}

#[test]
fn paired_tests_agree_with_mlstatkit_and_statsmodels() {
    let Pair { labels, first, second, difference, p, mcnemar_p } = golden().pair;
    let truth: Vec<bool> = labels.iter().map(|label| *label == 1).collect();
    let scores = |steps: &[u8]| steps.iter().map(|step| f64::from(*step) / 64.0).collect::<Vec<f64>>();
    let (first, second) = (scores(&first), scores(&second));
    let alone: Vec<usize> = (0..truth.len()).collect();
    let found = paired_delong(&truth, &first, &second, &alone).expect("two classes");
    assert!((found.difference.value - difference).abs() < TOLERANCE, "{found:?}");
    assert!((found.p - p).abs() < 1e-5, "{found:?} {p}");
    let right = |scores: &[f64]| -> Vec<bool> {
        scores.iter().zip(&truth).map(|(score, truth)| (*score >= 0.5) == *truth).collect()
    };
    assert!((mcnemar(&right(&first), &right(&second), &alone).p - mcnemar_p).abs() < TOLERANCE);
}

#[test]
fn patients_are_tested_as_durkalski_has_it() {
    let Patients { groups, first, second, p, permutation_p } = golden().patients;
    let right = |of: &[u8]| of.iter().map(|right| *right == 1).collect::<Vec<bool>>();
    let found = mcnemar(&right(&first), &right(&second), &groups);
    assert!((found.p - p).abs() < TOLERANCE, "{found:?} {p}");
    // 100,000 permutations know p to about a thousandth; the distribution is the normal one nearly.
    assert!((found.p - permutation_p).abs() < 0.01, "{found:?} {permutation_p}");
}

#[test]
fn top_5_accuracy_is_that_of_scikit_learn() {
    let ManyClasses { labels, ranks, top_5 } = golden().many_classes;
    let scores: Vec<Vec<f32>> =
        ranks.iter().map(|row| row.iter().map(|rank| f32::from(*rank)).collect()).collect();
    let metrics = evaluate(&labels, &scores, 0, 0.5, 0.0).expect("sound scores");
    let Estimate { value, low, high } = metrics.top_5_accuracy.expect("more than five classes");
    let found = [value, low, high];
    assert!(
        found.iter().zip(top_5).all(|(found, expected)| (found - expected).abs() < TOLERANCE),
        "{found:?}"
    );
    each_case(|case, metrics| assert_eq!(metrics.top_5_accuracy, None, "{}", case.name));
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
            let called = outcomes.true_positives + outcomes.false_positives;
            let expected = case.ppv_of_classes[index];
            case.estimate("PPV", wilson(outcomes.true_positives, called), expected, TOLERANCE);
            let spared = outcomes.true_negatives + outcomes.false_negatives;
            let expected = case.npv_of_classes[index];
            case.estimate("NPV", wilson(outcomes.true_negatives, spared), expected, TOLERANCE);
            if let Some(of_class) = metrics.by_class.get(class) {
                case.estimate("PPV of a class", of_class.ppv, case.ppv_of_classes[index], TOLERANCE);
                case.estimate("NPV of a class", of_class.npv, expected, TOLERANCE);
            } else {
                case.estimate("PPV", metrics.ppv, case.ppv_of_classes[index], TOLERANCE);
                case.estimate("NPV", metrics.npv, expected, TOLERANCE);
            }
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
