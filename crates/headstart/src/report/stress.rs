//! The figure of a stress test: sensitivity and specificity after each change.

use super::svg::{Anchor, BLUE, GRID, ORANGE, Point, SOFT, Stroke, Svg, Text};
use crate::evaluate::Estimate;
use crate::external::Stressed;

const WIDTH: f64 = 720.0;
/// Height of a row.
const ROW: f64 = 26.0;
/// Where the first row begins.
const TOP: f64 = 84.0;
/// Where the axis begins and ends.
const AXIS: Point = (230.0, 690.0);

/// A row for each change: two points, with their intervals as lines.
pub fn stress_svg(rows: &[Stressed]) -> String {
    let bottom = TOP + ROW * rows.len() as f64;
    let mut svg = Svg::new(WIDTH, bottom + 50.0, "Sensitivity and specificity under stress");
    svg.text((20.0, 34.0), Text::new(19.0).bold(), "Under stress");
    svg.text((AXIS.0, 64.0), Text::new(13.0).bold().fill(BLUE), "● sensitivity");
    svg.text((AXIS.0 + 110.0, 64.0), Text::new(13.0).bold().fill(ORANGE), "● specificity");
    let values = rows.iter().flat_map(|row| [row.sensitivity.low, row.specificity.low]);
    // From a tenth below the least that could be.
    let least = (values.fold(1.0, f64::min) * 10.0).floor().clamp(0.0, 9.0) / 10.0;
    let x = |share: f64| AXIS.0 + (share - least) / (1.0 - least) * (AXIS.1 - AXIS.0);
    let ticks = ((1.0 - least) * 10.0).round() as usize;
    for tick in 0..=ticks {
        let share = least + tick as f64 / 10.0;
        svg.line(&[(x(share), TOP - 8.0), (x(share), bottom)], Stroke::new(GRID, 1.0));
        let look = Text::new(12.0).fill(SOFT).anchor(Anchor::Middle);
        svg.text((x(share), bottom + 19.0), look, &format!("{:.0} %", share * 100.0));
    }
    for (number, row) in rows.iter().enumerate() {
        let middle = TOP + ROW * (number as f64 + 0.5);
        svg.text((AXIS.0 - 12.0, middle + 4.0), Text::new(12.5).anchor(Anchor::End), &row.change);
        for (estimate, colour, aside) in [(&row.sensitivity, BLUE, -4.0), (&row.specificity, ORANGE, 4.0)] {
            point(&mut svg, estimate, (&x, middle + aside), colour);
        }
    }
    svg.finish()
}

fn point(svg: &mut Svg, estimate: &Estimate, (x, y): (&dyn Fn(f64) -> f64, f64), colour: &'static str) {
    if !estimate.is_known() {
        return;
    }
    svg.line(&[(x(estimate.low), y), (x(estimate.high), y)], Stroke::new(colour, 1.4));
    svg.rect((x(estimate.value) - 3.5, y - 3.5), (7.0, 7.0), 3.5, colour, None);
}
