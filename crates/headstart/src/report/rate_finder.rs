//! The loss over a climbing learning rate.

use super::axis::Axis;
use super::svg::{Anchor, BLUE, GRID, INK, ORANGE, Point, SOFT, Stroke, Svg, Text};
use crate::rate_curve::RateCurve;

const SIZE: Point = (760.0, 440.0);
const FRAME: Point = (76.0, 80.0);
const PANEL: Point = (640.0, 280.0);
/// The loss is drawn up to so many times its first value: what diverges would flatten the rest.
const TALLEST: f64 = 1.6;

/// The running mean of the loss over the rate, on a logarithmic axis, with the suggestion marked.
pub fn rate_finder_svg(curve: &RateCurve) -> String {
    let mut svg = Svg::new(SIZE.0, SIZE.1, "Loss over the learning rate");
    svg.text((30.0, 34.0), Text::new(19.0).bold(), "Learning rate finder");
    let ceiling = curve.losses.first().copied().unwrap_or(1.0) * TALLEST;
    let shown = || curve.rates.iter().zip(&curve.losses).filter(|(_, loss)| **loss <= ceiling);
    let axis = Axis::around(shown().map(|(_, loss)| *loss), 5.0);
    let (low, high) = curve.rates.iter().fold((0.0f64, -9.0f64), |(low, high), rate| {
        let log = rate.log10();
        (low.min(log), high.max(log))
    });
    let (low, high) = (low.floor(), high.ceil().max(low.floor() + 1.0));
    let x = |rate: f64| FRAME.0 + (rate.log10() - low) / (high - low) * PANEL.0;
    let y = |loss: f64| FRAME.1 + (1.0 - axis.share(loss)) * PANEL.1;
    axes(&mut svg, &axis, (low as i32, high as i32), x, y);
    let line: Vec<Point> = shown().map(|(rate, loss)| (x(*rate), y(*loss))).collect();
    svg.line(&line, Stroke::new(BLUE, 2.4));
    if let Some(rate) = curve.suggestion {
        let mark = Stroke::new(ORANGE, 1.8).dashed("7 5");
        svg.line(&[(x(rate), FRAME.1), (x(rate), FRAME.1 + PANEL.1)], mark);
        let look = Text::new(12.5).fill(INK).anchor(Anchor::Middle);
        svg.text((x(rate), FRAME.1 - 9.0), look, &format!("falls fastest at {rate:.1e}"));
    }
    svg.finish()
}

fn axes(svg: &mut Svg, axis: &Axis, (low, high): (i32, i32), x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) {
    for tick in axis.ticks() {
        svg.line(&[(FRAME.0, y(tick)), (FRAME.0 + PANEL.0, y(tick))], Stroke::new(GRID, 1.0));
        let look = Text::new(12.0).fill(SOFT).anchor(Anchor::End);
        svg.text((FRAME.0 - 9.0, y(tick) + 4.2), look, &axis.label(tick));
    }
    let bottom = FRAME.1 + PANEL.1;
    let frame = Stroke::new("#9aa5b1", 1.2);
    svg.line(&[(FRAME.0, FRAME.1), (FRAME.0, bottom), (FRAME.0 + PANEL.0, bottom)], frame);
    let look = Text::new(12.0).fill(SOFT).anchor(Anchor::Middle);
    for power in low..=high {
        let at = x(10f64.powi(power));
        svg.line(&[(at, bottom), (at, bottom + 5.0)], frame);
        svg.text((at, bottom + 20.0), look, &format!("1e{power}"));
    }
    svg.text((FRAME.0 + PANEL.0 / 2.0, bottom + 46.0), look, "Learning rate");
    svg.text((30.0, FRAME.1 + PANEL.1 / 2.0), look.turn(-90.0), "Running mean of the loss");
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_curve_and_an_empty_one_can_be_drawn() {
        let rates: Vec<f64> = (0..=60).map(|step| 10f64.powf(-6.0 + f64::from(step) / 10.0)).collect();
        let losses = (0..=60).map(|step| 0.7 - 0.5 * (f64::from(step) / 40.0).sin()).collect();
        let svg = rate_finder_svg(&RateCurve { rates, losses, suggestion: Some(1e-3) });
        sample::assert_well_formed(&svg);
        assert!(svg.contains("falls fastest at 1.0e-3"));
        sample::assert_well_formed(&rate_finder_svg(&RateCurve {
            rates: vec![],
            losses: vec![],
            suggestion: None,
        }));
    }
}
