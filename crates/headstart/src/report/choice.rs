//! Nets that were tried: how well probes of their features predict, over how fast they are.

use super::axis::Axis;
use super::svg::{Anchor, BLUE, GRID, INK, ORANGE, Point, SOFT, Stroke, Svg, Text, WHITE};
use crate::choice::{Choice, Tried};

const SIZE: Point = (760.0, 480.0);
const FRAME: Point = (76.0, 92.0);
const PANEL: Point = (640.0, 300.0);
/// Room between the first and the last net and the frame.
const MARGIN: f64 = 60.0;

/// AUC on the images as they are and restyled, over images a second on a logarithmic axis.
pub fn choice_svg(choice: &Choice) -> String {
    let mut svg = Svg::new(SIZE.0, SIZE.1, "Nets: AUC of probes over images a second");
    svg.text((30.0, 34.0), Text::new(19.0).bold(), &format!("Recommended: {}", choice.recommended));
    svg.text((30.0, 60.0), Text::new(12.5).fill(SOFT), &choice.in_words());
    let aucs = choice.tried.iter().flat_map(|net| [net.plain.auc.value, net.stressed.auc.value]);
    let axis = Axis::around(aucs.chain([1.0]), 5.0);
    let rates = || choice.tried.iter().map(|net| net.images_per_second.ln());
    let (low, high) = (rates().fold(f64::INFINITY, f64::min), rates().fold(f64::NEG_INFINITY, f64::max));
    let x = |net: &Tried| {
        let share = if high > low { (net.images_per_second.ln() - low) / (high - low) } else { 0.5 };
        FRAME.0 + MARGIN + share * (PANEL.0 - 2.0 * MARGIN)
    };
    let y = |value: f64| FRAME.1 + (1.0 - axis.share(value)) * PANEL.1;
    axes(&mut svg, &axis, y);
    for net in &choice.tried {
        dots(&mut svg, net, net.backbone == choice.recommended, (x(net), &y));
    }
    legend(&mut svg);
    svg.finish()
}

/// The net's two values, joined, with its name above and its rate below the axis.
fn dots(svg: &mut Svg, net: &Tried, is_recommended: bool, (x, y): (f64, &impl Fn(f64) -> f64)) {
    let colour = if is_recommended { ORANGE } else { BLUE };
    let (plain, stressed) = (y(net.plain.auc.value), y(net.stressed.auc.value));
    let stroke = Stroke::new(colour, 1.8);
    svg.line(&[(x, plain), (x, stressed)], stroke);
    svg.circle((x, plain), 5.0, colour, stroke);
    svg.circle((x, stressed), 5.0, WHITE, stroke);
    let look = Text::new(12.0).fill(INK).anchor(Anchor::Middle);
    let look = if is_recommended { look.bold() } else { look };
    let above = plain.min(stressed);
    if above.is_finite() {
        svg.text((x, above - 11.0), look, &net.backbone);
    }
    let bottom = FRAME.1 + PANEL.1;
    svg.line(&[(x, bottom), (x, bottom + 5.0)], Stroke::new("#9aa5b1", 1.2));
    let rate = format!("{:.0}", net.images_per_second);
    svg.text((x, bottom + 20.0), Text::new(12.0).fill(SOFT).anchor(Anchor::Middle), &rate);
}

fn axes(svg: &mut Svg, axis: &Axis, y: impl Fn(f64) -> f64) {
    for tick in axis.ticks() {
        svg.line(&[(FRAME.0, y(tick)), (FRAME.0 + PANEL.0, y(tick))], Stroke::new(GRID, 1.0));
        let look = Text::new(12.0).fill(SOFT).anchor(Anchor::End);
        svg.text((FRAME.0 - 9.0, y(tick) + 4.2), look, &axis.label(tick));
    }
    let bottom = FRAME.1 + PANEL.1;
    let frame = Stroke::new("#9aa5b1", 1.2);
    svg.line(&[(FRAME.0, FRAME.1), (FRAME.0, bottom), (FRAME.0 + PANEL.0, bottom)], frame);
    let look = Text::new(12.5).fill(SOFT).anchor(Anchor::Middle);
    svg.text((FRAME.0 + PANEL.0 / 2.0, bottom + 44.0), look, "Images a second on this machine");
    svg.text((30.0, FRAME.1 + PANEL.1 / 2.0), look.turn(-90.0), "AUC, cross-validated");
}

fn legend(svg: &mut Svg) {
    let y = SIZE.1 - 16.0;
    for (x, fill, name) in [(270.0, BLUE, "images as they are"), (430.0, WHITE, "images restyled")] {
        svg.circle((x, y - 4.0), 5.0, fill, Stroke::new(BLUE, 1.8));
        svg.text((x + 12.0, y), Text::new(12.5).fill(SOFT), name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::tests::tried;

    #[test]
    fn every_net_is_drawn_with_both_values() {
        let choice = Choice {
            classes: vec!["a".into(), "b".into()],
            images: 100,
            all_images: 200,
            groups: 90,
            folds: 5,
            tried: vec![tried("one", 0.2, (0.0, 0.0), 10.0), tried("<two>", 0.3, (0.1, 0.01), 90.0)],
            left_out: vec![],
            recommended: "one".into(),
            reason: String::new(),
            seconds: 1.0,
        };
        let svg = choice_svg(&choice);
        assert_eq!(svg.matches("<circle").count(), 2 * 2 + 2);
        assert!(svg.contains("Recommended: one") && svg.contains("&lt;two&gt;"), "{svg}");
        assert!(svg.contains("100 of 200 training images"), "{svg}");
    }
}
