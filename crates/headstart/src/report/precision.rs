//! The precision-recall curve with the place of the threshold on it.

use super::numbers::decimal_interval;
use super::square::{SIDE, place, square};
use super::svg::{BLUE, GRID, ORANGE, Point, SOFT, Stroke, Svg, Text, WHITE};
use crate::evaluate::{PrecisionPoint, SplitMetrics};
use crate::numbers::{decimals, percent};

const CHANCE: Stroke = Stroke::new("#9aa5b1", 1.3).dashed("4 5");

/// Precision (PPV) over recall (sensitivity). `share` of the images are positive: what chance comes to. The
/// threshold's place has whiskers as long as the 95 % intervals.
pub fn precision_svg(curve: &[PrecisionPoint], metrics: &SplitMetrics, share: f64) -> String {
    let label = "Precision-recall curve: share of the called images that are positive over sensitivity";
    let mut svg = square(
        "Precision and recall",
        label,
        "Share of the positives found",
        "Share of those called positive that are",
    );
    let mut points: Vec<Point> = Vec::new();
    for point in curve {
        // Average precision adds up steps: precision holds back to the recall before.
        let before = points.last().map_or(place(0.0, point.precision).0, |last| last.0);
        points.push((before, place(0.0, point.precision).1));
        points.push(place(point.recall, point.precision));
    }
    svg.line(&[place(0.0, share), place(1.0, share)], CHANCE);
    svg.line(&points, Stroke::new(BLUE, 2.4));
    let (recall, precision) = (metrics.sensitivity, metrics.ppv);
    let whisker = Stroke::new(ORANGE, 1.6);
    svg.line(&[place(recall.value, precision.low), place(recall.value, precision.high)], whisker);
    svg.line(&[place(recall.low, precision.value), place(recall.high, precision.value)], whisker);
    svg.circle(place(recall.value, precision.value), 5.5, ORANGE, Stroke::new(WHITE, 1.6));
    legend(&mut svg, metrics, share);
    svg.finish()
}

/// Lower left, where a curve better than chance leaves room.
fn legend(svg: &mut Svg, metrics: &SplitMetrics, share: f64) {
    let (x, y) = place(0.03, 0.31);
    svg.rect((x, y), (0.84 * SIDE, 112.0), 6.0, "#ffffffe6", Some(Stroke::new(GRID, 1.0)));
    let area = &metrics.average_precision;
    let lines = [
        format!("average precision {} ({})", decimals(area.value), decimal_interval(area)),
        format!("threshold {}", decimals(metrics.threshold)),
        format!("recall {}", percent(metrics.sensitivity.value)),
        format!("precision {}", percent(metrics.ppv.value)),
        format!("chance: {}", percent(share)),
    ];
    let looks = [Text::new(12.5).bold(), Text::new(12.5), Text::new(12.0).fill(SOFT)];
    for (line, (content, baseline)) in lines.iter().zip([21.0, 43.0, 61.0, 78.0, 100.0]).enumerate() {
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
    use crate::evaluate::{one_against_rest, precision_curve};

    #[test]
    fn the_area_is_named_and_nothing_is_drawn_without_a_curve() {
        let (labels, scores) = sample::predictions(60);
        let (truth, scores) = one_against_rest(&labels, &scores, 1);
        let metrics = sample::metrics(60);
        let svg = precision_svg(&precision_curve(&truth, &scores), &metrics, 2.0 / 3.0);
        sample::assert_well_formed(&svg);
        assert!(svg.contains(&format!("average precision {:.3}", metrics.average_precision.value)));
        sample::assert_well_formed(&precision_svg(&[], &metrics, 0.5));
    }
}
