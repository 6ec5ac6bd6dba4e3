//! How the scores of each class are spread.

use super::svg::{Anchor, BLUE, GRID, ORANGE, Point, SOFT, Stroke, Svg, Text};
use crate::numbers::{decimals, thousands};

/// Bars of equal width from 0 to 1.
pub const BARS: usize = 25;
const SIZE: Point = (520.0, 530.0);
const FRAME: Point = (76.0, 92.0);
const PANEL: Point = (400.0, 370.0);
const THRESHOLD: Stroke = Stroke::new("#1f2933", 1.4).dashed("3 4");

/// Number of images of the other class and of the positive one, `[negative, positive]`, by score.
pub fn histogram(truth: &[bool], scores: &[f64]) -> [[usize; BARS]; 2] {
    let mut counts = [[0; BARS]; 2];
    for (truth, score) in truth.iter().zip(scores) {
        counts[usize::from(*truth)][((score * BARS as f64) as usize).min(BARS - 1)] += 1;
    }
    counts
}

/// Above the axis the positive class, below it the other one; each bar's height is the root of its share
/// of the class, so that rare scores can be seen.
pub fn histogram_svg(counts: &[[usize; BARS]; 2], names: [&str; 2], threshold: f64) -> String {
    let mut svg = Svg::new(SIZE.0, SIZE.1, "Scores of both classes");
    svg.text((FRAME.0 - 54.0, 34.0), Text::new(19.0).bold(), "Scores by class");
    let axis = FRAME.1 + PANEL.1 / 2.0;
    let x = |share: f64| FRAME.0 + share * PANEL.0;
    for tick in 0u8..=5 {
        let share = f64::from(tick) / 5.0;
        svg.line(&[(x(share), FRAME.1), (x(share), FRAME.1 + PANEL.1)], Stroke::new(GRID, 1.0));
        let look = Text::new(12.0).fill(SOFT).anchor(Anchor::Middle);
        svg.text((x(share), FRAME.1 + PANEL.1 + 19.0), look, &format!("{share:.1}"));
    }
    for (class, (colour, up)) in [(ORANGE, -1.0), (BLUE, 1.0)].into_iter().enumerate() {
        let images: usize = counts[class].iter().sum();
        for (bar, count) in counts[class].iter().enumerate() {
            let height = (*count as f64 / images.max(1) as f64).sqrt() * PANEL.1 / 2.0;
            let (left, width) = (x(bar as f64 / BARS as f64) + 0.5, PANEL.0 / BARS as f64 - 1.0);
            let top = if up > 0.0 { axis - height } else { axis };
            svg.rect((left, top), (width, height), 0.0, colour, None);
        }
        // Side by side above the bars, so that no bar lies behind them.
        let name = format!("{} {} ({})", if up > 0.0 { "↑" } else { "↓" }, names[class], thousands(images));
        let (at, anchor) = if up > 0.0 { (0.0, Anchor::Start) } else { (PANEL.0, Anchor::End) };
        let look = Text::new(13.0).bold().fill(colour).anchor(anchor);
        svg.text((FRAME.0 + at, FRAME.1 - 10.0), look, &name);
    }
    svg.line(&[(FRAME.0, axis), (FRAME.0 + PANEL.0, axis)], Stroke::new("#9aa5b1", 1.2));
    svg.line(&[(x(threshold), FRAME.1), (x(threshold), FRAME.1 + PANEL.1)], THRESHOLD);
    let look = Text::new(12.0).anchor(if threshold > 0.5 { Anchor::End } else { Anchor::Start });
    let aside = if threshold > 0.5 { -6.0 } else { 6.0 };
    let label = format!("threshold {}", decimals(threshold));
    svg.text((x(threshold) + aside, FRAME.1 + 14.0), look, &label);
    let look = Text::new(12.5).fill(SOFT).anchor(Anchor::Middle);
    svg.text((FRAME.0 + PANEL.0 / 2.0, FRAME.1 + PANEL.1 + 44.0), look, &format!("Score of {}", names[1]));
    svg.text((FRAME.0 - 40.0, axis), look.turn(-90.0), "Root of the share of the class");
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn every_image_is_in_a_bar() {
        let counts = histogram(&[true, true, false, false], &[1.0, 0.96, 0.0, 0.5]);
        assert_eq!((counts[1][24], counts[0][0], counts[0][12]), (2, 1, 1));
        let svg = histogram_svg(&counts, ["a & b", "c"], 0.4);
        sample::assert_well_formed(&svg);
        assert!(svg.contains("a &amp; b (2)") && svg.contains("threshold 0.400"));
        sample::assert_well_formed(&histogram_svg(&[[0; BARS]; 2], ["a", "b"], 0.9));
    }
}
