//! A square plot with shares on both axes: what ROC, precision-recall and reliability have in common.

use super::svg::{Anchor, GRID, Point, SOFT, Stroke, Svg, Text};

const SIZE: Point = (520.0, 530.0);
const FRAME: Point = (76.0, 62.0);
/// Side of the square in pixels.
pub(super) const SIDE: f64 = 400.0;

/// An empty plot; `label` is read to those who can't see it.
pub(super) fn square(title: &str, label: &str, across: &str, up: &str) -> Svg {
    let mut svg = Svg::new(SIZE.0, SIZE.1, label);
    svg.text((FRAME.0 - 54.0, 34.0), Text::new(19.0).bold(), title);
    let look = Text::new(12.0).fill(SOFT);
    for tick in 0u8..=5 {
        let share = f64::from(tick) / 5.0;
        let label = format!("{:.0} %", share * 100.0);
        svg.line(&[place(0.0, share), place(1.0, share)], Stroke::new(GRID, 1.0));
        svg.line(&[place(share, 0.0), place(share, 1.0)], Stroke::new(GRID, 1.0));
        let (x, y) = place(share, 0.0);
        svg.text((x, y + 19.0), look.anchor(Anchor::Middle), &label);
        let (x, y) = place(0.0, share);
        svg.text((x - 9.0, y + 4.2), look.anchor(Anchor::End), &label);
    }
    svg.line(&[place(0.0, 1.0), place(0.0, 0.0), place(1.0, 0.0)], Stroke::new("#9aa5b1", 1.2));
    let look = Text::new(12.5).fill(SOFT).anchor(Anchor::Middle);
    let (middle, bottom) = place(0.5, 0.0);
    svg.text((middle, bottom + 44.0), look, across);
    svg.text((FRAME.0 - 54.0, FRAME.1 + SIDE / 2.0), look.turn(-90.0), up);
    svg
}

/// Where two shares lie.
pub(super) fn place(across: f64, up: f64) -> Point {
    (FRAME.0 + across * SIDE, FRAME.1 + (1.0 - up) * SIDE)
}
