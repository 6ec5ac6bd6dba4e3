//! The reliability diagram: what scores promise against what happened.

use super::numbers::decimal_interval;
use super::square::{SIDE, place, square};
use super::svg::{Anchor, BLUE, GRID, Point, SOFT, Stroke, Text, WHITE};
use crate::evaluate::{ReliabilityBin, SplitMetrics};
use crate::numbers::{decimals, thousands};

/// Of the box with the numbers, as a share of the side: its longest line fits.
const WIDTH: f64 = 0.72;
const RIGHT: Stroke = Stroke::new("#9aa5b1", 1.3).dashed("4 5");

/// Share of the images that are what the score says, over the mean score, for each bin with its 95 %
/// interval; a dot's area grows with its images.
pub fn reliability_svg(bins: &[ReliabilityBin], metrics: &SplitMetrics) -> String {
    let label = "Reliability diagram: share of the images that are what the score says, over the score";
    let mut svg = square(
        "Can the scores be believed?",
        label,
        "What the scores promise (mean)",
        "Share of the images that are so",
    );
    svg.line(&[place(0.0, 0.0), place(1.0, 1.0)], RIGHT);
    let points: Vec<Point> = bins.iter().map(|bin| place(bin.score, bin.observed.value)).collect();
    svg.line(&points, Stroke::new(BLUE, 1.6));
    let most = bins.iter().map(|bin| bin.images).max().unwrap_or(1) as f64;
    for (bin, point) in bins.iter().zip(&points) {
        let whisker = [place(bin.score, bin.observed.low), place(bin.score, bin.observed.high)];
        svg.line(&whisker, Stroke::new(BLUE, 1.4));
        let radius = 3.0 + 5.0 * (bin.images as f64 / most).sqrt();
        svg.circle(*point, radius, BLUE, Stroke::new(WHITE, 1.4));
        let look = Text::new(10.5).fill(SOFT).anchor(Anchor::Middle);
        let (x, top) = place(bin.score, 1.0);
        svg.text((x, top - 6.0), look, &thousands(bin.images));
    }
    // Upper left where the scores are too high, else lower right: the dots leave it free.
    let above = |bin: &&ReliabilityBin| bin.observed.value > bin.score;
    let low = bins.iter().filter(above).count() * 2 > bins.len();
    let (x, y) = if low { place(0.98 - WIDTH, 0.2) } else { place(0.02, 0.97) };
    svg.rect((x, y), (WIDTH * SIDE, 70.0), 6.0, "#ffffffe6", Some(Stroke::new(GRID, 1.0)));
    let number = |estimate: &crate::evaluate::Estimate| match estimate.is_known() {
        true => format!("{} ({})", decimals(estimate.value), decimal_interval(estimate)),
        false => "unknown".into(),
    };
    let lines = [
        format!("calibration error {}", number(&metrics.ece)),
        format!("slope {}", number(&metrics.calibration_slope)),
        "below the diagonal the scores are too high".into(),
    ];
    for (content, baseline) in lines.iter().zip([20.0, 39.0, 58.0]) {
        svg.text((x + 12.0, y + baseline), Text::new(12.0), content);
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use crate::evaluate::reliability;

    #[test]
    fn bins_and_slope_are_named() {
        let (labels, scores) = sample::predictions(60);
        let metrics = sample::metrics(60);
        let svg = reliability_svg(&reliability(&labels, &scores, 1), &metrics);
        sample::assert_well_formed(&svg);
        assert!(svg.contains(&format!("calibration error {:.3}", metrics.ece.value)));
        sample::assert_well_formed(&reliability_svg(&[], &metrics));
    }
}
