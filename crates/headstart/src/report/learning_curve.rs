//! The learning curve: how good a net is by the number of its labelled images.

use super::axis::Axis;
use super::svg::{Anchor, BLUE, GRID, ORANGE, Point, SOFT, Stroke, Svg, Text, WHITE};
use crate::learning_curve::{Band, LearningCurve, Start};
use crate::numbers::thousands;

const SIZE: Point = (760.0, 470.0);
const FRAME: Point = (76.0, 92.0);
const PANEL: Point = (640.0, 290.0);

/// Mean AUC on the test images over labelled images a class, on a logarithmic axis, with bands from the
/// least to the greatest of the seeds.
pub fn learning_curve_svg(curve: &LearningCurve) -> String {
    let kinds = [
        (Start::Transfer, "transfer", Stroke::new(BLUE, 2.4), "#0b62a426"),
        (Start::Random, "random weights", Stroke::new(ORANGE, 2.4).dashed("7 5"), "#c4530a26"),
    ];
    let bands = kinds.map(|(start, ..)| curve.bands(start));
    let mut svg = Svg::new(SIZE.0, SIZE.1, "Learning curve: AUC over labelled images a class");
    svg.text((30.0, 34.0), Text::new(19.0).bold(), "What transfer saves");
    let axis = Axis::around(bands.iter().flatten().flat_map(|band| [band.low, band.high]).chain([1.0]), 5.0);
    let sizes: Vec<usize> = bands[0].iter().chain(&bands[1]).map(|band| band.images_per_class).collect();
    let logs = |size: usize| (size as f64).ln();
    let low = sizes.iter().map(|size| logs(*size)).fold(f64::INFINITY, f64::min);
    let high = sizes.iter().map(|size| logs(*size)).fold(low, f64::max);
    let x = |size: usize| {
        let share = if high > low { (logs(size) - low) / (high - low) } else { 0.5 };
        FRAME.0 + 24.0 + share * (PANEL.0 - 48.0)
    };
    let y = |value: f64| FRAME.1 + (1.0 - axis.share(value)) * PANEL.1;
    axes(&mut svg, &axis, &sizes, x, y);
    for ((_, name, stroke, fill), bands) in kinds.iter().zip(&bands) {
        let line = |value: fn(&Band) -> f64| -> Vec<Point> {
            bands.iter().map(|band| (x(band.images_per_class), y(value(band)))).collect()
        };
        let below: Vec<Point> = line(|band| band.low).into_iter().rev().collect();
        if bands.len() > 1 {
            svg.area(&[line(|band| band.high), below].concat(), fill);
        }
        let middle = line(|band| band.mean);
        svg.line(&middle, *stroke);
        let dot = if stroke.dashes.is_empty() { stroke.colour } else { WHITE };
        middle.iter().for_each(|point| svg.circle(*point, 4.0, dot, Stroke::new(stroke.colour, 1.8)));
        let legend = if *name == "transfer" { 430.0 } else { 560.0 };
        svg.line(&[(legend, 29.5), (legend + 30.0, 29.5)], *stroke);
        svg.text((legend + 38.0, 34.0), Text::new(13.0), name);
    }
    let note = format!(
        "{}, {} px, {} test images; each training saw {} images; bands hold all seeds",
        curve.backbone,
        curve.image_size,
        thousands(curve.test_images),
        thousands(curve.images_seen)
    );
    svg.text((30.0, 60.0), Text::new(12.5).fill(SOFT), &note);
    svg.finish()
}

fn axes(svg: &mut Svg, axis: &Axis, sizes: &[usize], x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) {
    for tick in axis.ticks() {
        svg.line(&[(FRAME.0, y(tick)), (FRAME.0 + PANEL.0, y(tick))], Stroke::new(GRID, 1.0));
        let look = Text::new(12.0).fill(SOFT).anchor(Anchor::End);
        svg.text((FRAME.0 - 9.0, y(tick) + 4.2), look, &axis.label(tick));
    }
    let bottom = FRAME.1 + PANEL.1;
    let frame = Stroke::new("#9aa5b1", 1.2);
    svg.line(&[(FRAME.0, FRAME.1), (FRAME.0, bottom), (FRAME.0 + PANEL.0, bottom)], frame);
    let mut shown: Vec<usize> = sizes.to_vec();
    shown.sort_unstable();
    shown.dedup();
    for size in shown {
        svg.line(&[(x(size), bottom), (x(size), bottom + 5.0)], frame);
        let look = Text::new(12.0).fill(SOFT).anchor(Anchor::Middle);
        svg.text((x(size), bottom + 20.0), look, &size.to_string());
    }
    let look = Text::new(12.5).fill(SOFT).anchor(Anchor::Middle);
    svg.text((FRAME.0 + PANEL.0 / 2.0, bottom + 48.0), look, "Labelled images of each class");
    svg.text((30.0, FRAME.1 + PANEL.1 / 2.0), look.turn(-90.0), "AUC on the test images");
}
