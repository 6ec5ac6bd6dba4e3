//! The ROC curve with the place of the threshold on it.

use super::numbers::decimal_interval;
use super::square::{SIDE, place, square};
use super::svg::{BLUE, GRID, ORANGE, Point, SOFT, Stroke, Svg, Text, WHITE};
use crate::evaluate::{RocPoint, SplitMetrics};
use crate::numbers::{decimals, percent};

const CHANCE: Stroke = Stroke::new("#9aa5b1", 1.3).dashed("4 5");

/// Sensitivity over the share of false alarms. The threshold's place has whiskers as long as the 95 %
/// intervals of sensitivity and specificity.
pub fn roc_svg(curve: &[RocPoint], metrics: &SplitMetrics) -> String {
    let label = "ROC curve: sensitivity over the share of false alarms";
    let mut svg =
        square("ROC curve", label, "Share of the negatives called positive", "Share of the positives found");
    let points: Vec<Point> = curve.iter().map(|p| place(p.false_positive_rate, p.sensitivity)).collect();
    if let [first, .., last] = points[..] {
        let below = [(last.0, first.1)];
        svg.area(&[points.as_slice(), &below].concat(), "#0b62a414");
    }
    svg.line(&[place(0.0, 0.0), place(1.0, 1.0)], CHANCE);
    svg.line(&points, Stroke::new(BLUE, 2.4));
    operating_point(&mut svg, metrics);
    legend(&mut svg, metrics);
    svg.finish()
}

fn operating_point(svg: &mut Svg, metrics: &SplitMetrics) {
    let (sensitivity, specificity) = (metrics.sensitivity, metrics.specificity);
    let whisker = Stroke::new(ORANGE, 1.6);
    let at = 1.0 - specificity.value;
    svg.line(&[place(at, sensitivity.low), place(at, sensitivity.high)], whisker);
    let (left, right) = (1.0 - specificity.high, 1.0 - specificity.low);
    svg.line(&[place(left, sensitivity.value), place(right, sensitivity.value)], whisker);
    svg.circle(place(at, sensitivity.value), 5.5, ORANGE, Stroke::new(WHITE, 1.6));
}

/// Lower right, where a curve better than chance leaves room.
fn legend(svg: &mut Svg, metrics: &SplitMetrics) {
    let (x, y) = place(0.4, 0.31);
    svg.rect((x, y), (0.585 * SIDE, 112.0), 6.0, "#ffffffe6", Some(Stroke::new(GRID, 1.0)));
    let lines = [
        format!("AUC {} ({})", decimals(metrics.auc.value), decimal_interval(&metrics.auc)),
        format!("threshold {}", decimals(metrics.threshold)),
        format!("sensitivity {}", percent(metrics.sensitivity.value)),
        format!("specificity {}", percent(metrics.specificity.value)),
        "chance".into(),
    ];
    let baselines = [21.0, 43.0, 61.0, 78.0, 100.0];
    let looks = [Text::new(12.5).bold(), Text::new(12.5), Text::new(12.0).fill(SOFT)];
    for (line, (content, baseline)) in lines.iter().zip(baselines).enumerate() {
        svg.text((x + 34.0, y + baseline), looks[line.min(2)], content);
    }
    svg.line(&[(x + 10.0, y + 16.5), (x + 26.0, y + 16.5)], Stroke::new(BLUE, 2.4));
    svg.circle((x + 18.0, y + 38.5), 5.0, ORANGE, Stroke::new(WHITE, 1.6));
    svg.line(&[(x + 10.0, y + 96.0), (x + 26.0, y + 96.0)], CHANCE);
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::evaluate::{Estimate, one_against_rest, roc_curve};

    #[test]
    fn area_and_threshold_are_named() {
        let (labels, scores) = sample::predictions(60);
        let (truth, positive_scores) = one_against_rest(&labels, &scores, 1);
        let metrics = sample::metrics(60);
        let svg = roc_svg(&roc_curve(&truth, &positive_scores), &metrics);
        sample::assert_well_formed(&svg);
        assert!(svg.contains(&format!("AUC {:.3}", metrics.auc.value)) && svg.contains("threshold 0.400"));
    }

    #[test]
    fn without_a_curve_the_axes_are_drawn() {
        let unknown = Estimate { value: f64::NAN, low: 0.0, high: 1.0 };
        let metrics = SplitMetrics { auc: unknown, specificity: unknown, ..sample::metrics(60) };
        let svg = roc_svg(&[], &metrics);
        sample::assert_well_formed(&svg);
        assert!(svg.contains("AUC unknown"));
    }
}
