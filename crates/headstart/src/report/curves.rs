//! Loss and accuracy over the epochs.

use super::axis::Axis;
use super::svg::{Anchor, BLUE, GRID, INK, ORANGE, Point, SOFT, Stroke, Svg, Text, WHITE};
use crate::history::{EpochRecord, History};
use crate::numbers::{decimals, percent};

const SIZE: Point = (1020.0, 424.0);
/// Upper left corner of the first panel's frame, and how far the second is to its right.
const FRAME: Point = (66.0, 108.0);
const STRIDE: f64 = 512.0;
/// Of a panel's frame.
const PANEL: Point = (420.0, 250.0);
/// With more epochs than this, points would run together.
const MOST_MARKERS: usize = 40;

const TRAINING: Stroke = Stroke::new(BLUE, 2.2);
/// Dashed, to be told apart without colour too.
const VALIDATION: Stroke = Stroke::new(ORANGE, 2.2).dashed("7 5");
/// Losses without the weights' penalty, where there is one.
const PLAIN: f64 = 1.1;
const THAW: Stroke = Stroke::new("#6b7785", 1.3);
const KEPT: Stroke = Stroke::new(SOFT, 1.3).dashed("2 4");

/// What one panel shows.
struct Series {
    title: &'static str,
    training: Vec<f64>,
    validation: Vec<f64>,
    /// Training and validation without the weights' penalty; empty where there is none.
    plain: [Vec<f64>; 2],
    axis: Axis,
    label: fn(&Axis, f64) -> String,
    value: fn(f64) -> String,
}

/// Two panels, loss and accuracy, with training and validation in each. The epoch that was kept is marked, and those
/// from which on more blocks move.
pub fn curves_svg(history: &History) -> String {
    let mut svg = Svg::new(SIZE.0, SIZE.1, "Loss and accuracy of training and validation over the epochs");
    svg.text((FRAME.0 - 46.0, 34.0), Text::new(19.0).bold(), "Training curves");
    legend(&mut svg, history, SIZE.0);
    for (series, left) in [loss(history), accuracy(history)].iter().zip([FRAME.0, FRAME.0 + STRIDE]) {
        panel(&mut svg, series, left, history);
    }
    svg.finish()
}

/// The same two panels, each a picture of its own: on a narrow page one goes below the other.
pub(super) fn curve_panels(history: &History) -> [String; 2] {
    [loss(history), accuracy(history)].map(|series| {
        let (width, label) =
            (SIZE.0 - STRIDE, format!("{} of training and validation over the epochs", series.title));
        let mut svg = Svg::new(width, SIZE.1, &label);
        legend(&mut svg, history, width);
        panel(&mut svg, &series, FRAME.0, history);
        svg.finish()
    })
}

fn loss(history: &History) -> Series {
    let penalised = |e: &EpochRecord| e.validation_penalised_loss.unwrap_or(e.validation_loss);
    let (training, validation) = pick(history, |e| e.train_loss, penalised);
    let plain = history.epochs.iter().filter_map(|e| Some((e.train_plain_loss?, e.validation_loss))).unzip();
    let axis = Axis::around(training.iter().chain(&validation).copied().chain([0.0]), 5.0);
    Series {
        title: "Loss",
        training,
        validation,
        plain: plain.into(),
        axis,
        label: Axis::label,
        value: decimals,
    }
}

fn accuracy(history: &History) -> Series {
    let (training, validation) = pick(history, |e| e.train_accuracy, |e| e.validation_accuracy);
    let axis = Axis::around(training.iter().chain(&validation).copied().chain([0.95, 1.0]), 5.0);
    let label = |_: &Axis, tick: f64| format!("{:.0} %", tick * 100.0);
    Series { title: "Accuracy", training, validation, plain: [vec![], vec![]], axis, label, value: percent }
}

fn pick(
    history: &History,
    training: fn(&EpochRecord) -> f64,
    validation: fn(&EpochRecord) -> f64,
) -> (Vec<f64>, Vec<f64>) {
    (history.epochs.iter().map(training).collect(), history.epochs.iter().map(validation).collect())
}

/// From the right edge to the left, so that it ends with the second panel.
fn legend(svg: &mut Svg, history: &History, width: f64) {
    let is_thawed = history.epochs.iter().any(|record| !record.thawed.is_empty());
    let is_penalised = history.epochs.iter().any(|record| record.train_plain_loss.is_some());
    let look = Text::new(13.0);
    let end = width - (SIZE.0 - FRAME.0 - STRIDE - PANEL.0);
    let (mut right, mut base) = (end, 33.0);
    let entries = [
        ("kept epoch", KEPT, history.kept_epoch.is_some()),
        ("thaw", THAW, is_thawed),
        ("without penalty", Stroke::new(SOFT, PLAIN), is_penalised),
        ("validation", VALIDATION, true),
        ("training", TRAINING, true),
    ];
    for (name, stroke, _) in entries.into_iter().filter(|(_, _, is_shown)| *is_shown) {
        if right - look.width(name) - 38.0 < 0.0 {
            (right, base) = (end, base + 19.0);
        }
        let left = right - look.width(name);
        svg.text((left, base), look, name);
        svg.line(&[(left - 38.0, base - 4.5), (left - 8.0, base - 4.5)], stroke);
        right = left - 58.0;
    }
}

fn panel(svg: &mut Svg, series: &Series, left: f64, history: &History) {
    let epochs = history.epochs.len();
    let x = |index: usize| {
        let share = if epochs > 1 { index as f64 / (epochs - 1) as f64 } else { 0.5 };
        // A little air, so that the first and last markers don't sit on the frame.
        left + 12.0 + share * (PANEL.0 - 24.0)
    };
    let y = |value: f64| FRAME.1 + (1.0 - series.axis.share(value)) * PANEL.1;
    svg.text((left, FRAME.1 - 30.0), Text::new(15.0).bold(), series.title);
    vertical_axis(svg, series, left, y);
    horizontal_axis(svg, left, history, x);
    for (index, _) in history.epochs.iter().enumerate().filter(|(_, record)| !record.thawed.is_empty()) {
        let at = (x(index) + x(index.saturating_sub(1))) / 2.0;
        svg.line(&[(at, FRAME.1), (at, FRAME.1 + PANEL.1)], THAW);
    }
    if let Some(kept) = history.epochs.iter().position(|record| Some(record.epoch) == history.kept_epoch) {
        mark_kept(svg, series, left, (kept, history.epochs[kept].epoch), x(kept));
    }
    for (values, stroke) in series.plain.iter().zip([TRAINING, VALIDATION]) {
        let points: Vec<Point> =
            values.iter().enumerate().map(|(index, value)| (x(index), y(*value))).collect();
        svg.line(&points, Stroke { width: PLAIN, ..stroke });
    }
    for (values, stroke) in [(&series.training, TRAINING), (&series.validation, VALIDATION)] {
        let points: Vec<Point> =
            values.iter().enumerate().map(|(index, value)| (x(index), y(*value))).collect();
        svg.line(&points, stroke);
        if epochs <= MOST_MARKERS {
            let fill = if stroke.dashes.is_empty() { stroke.colour } else { WHITE };
            let rim = Stroke::new(stroke.colour, 1.8);
            points.iter().for_each(|point| svg.circle(*point, 3.2, fill, rim));
        }
    }
}

fn vertical_axis(svg: &mut Svg, series: &Series, left: f64, y: impl Fn(f64) -> f64) {
    for tick in series.axis.ticks() {
        svg.line(&[(left, y(tick)), (left + PANEL.0, y(tick))], Stroke::new(GRID, 1.0));
        let look = Text::new(12.0).fill(SOFT).anchor(Anchor::End);
        svg.text((left - 9.0, y(tick) + 4.2), look, &(series.label)(&series.axis, tick));
    }
    let bottom = FRAME.1 + PANEL.1;
    svg.line(&[(left, FRAME.1), (left, bottom), (left + PANEL.0, bottom)], Stroke::new("#9aa5b1", 1.2));
    let look = Text::new(12.5).fill(SOFT).anchor(Anchor::Middle).turn(-90.0);
    svg.text((left - 50.0, FRAME.1 + PANEL.1 / 2.0), look, series.title);
}

fn horizontal_axis(svg: &mut Svg, left: f64, history: &History, x: impl Fn(usize) -> f64) {
    let bottom = FRAME.1 + PANEL.1;
    let every = [1, 2, 5, 10, 20, 50, 100, 200, 500]
        .into_iter()
        .find(|every| history.epochs.len() / every <= 12)
        .unwrap_or(1000);
    for (index, record) in history.epochs.iter().enumerate() {
        // The first epoch has its number too, unless the second stands right beside it.
        if record.epoch.is_multiple_of(every) || (record.epoch == 1 && every != 2) {
            svg.line(&[(x(index), bottom), (x(index), bottom + 4.0)], Stroke::new("#9aa5b1", 1.2));
            let look = Text::new(12.0).fill(SOFT).anchor(Anchor::Middle);
            svg.text((x(index), bottom + 19.0), look, &record.epoch.to_string());
        }
    }
    let look = Text::new(12.5).fill(SOFT).anchor(Anchor::Middle);
    svg.text((left + PANEL.0 / 2.0, bottom + 43.0), look, "Epoch");
}

/// A line through the panel, and above it the validation's value there, kept inside of the panel's width.
fn mark_kept(svg: &mut Svg, series: &Series, left: f64, (index, epoch): (usize, usize), at: f64) {
    svg.line(&[(at, FRAME.1), (at, FRAME.1 + PANEL.1)], KEPT);
    let label = format!("epoch {epoch}: {}", (series.value)(series.validation[index]));
    let look = Text::new(12.0).fill(INK).anchor(Anchor::Middle);
    let half = look.width(&label) / 2.0;
    svg.text((at.clamp(left + half, left + PANEL.0 - half), FRAME.1 - 9.0), look, &label);
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn each_epoch_has_four_points() {
        for epochs in [1, 7, 40] {
            let svg = curves_svg(&sample::history(epochs));
            sample::assert_well_formed(&svg);
            assert_eq!(svg.matches("<circle").count(), 4 * epochs);
        }
        assert_eq!(curves_svg(&sample::history(100)).matches("<circle").count(), 0);
    }

    #[test]
    fn the_kept_epoch_is_named_with_its_value() {
        let history = sample::history(7);
        let kept = history.kept().expect("all losses are numbers");
        let svg = curves_svg(&history);
        assert!(svg.contains(&format!("epoch {}: {:.3}", kept.epoch, kept.validation_loss)));
    }

    #[test]
    fn the_thaw_and_losses_without_the_penalty_are_marked() {
        let mut history = sample::history(7);
        assert!(!curves_svg(&history).contains("without penalty"));
        for record in &mut history.epochs {
            record.train_plain_loss = Some(record.train_loss / 2.0);
            record.validation_penalised_loss = Some(record.validation_loss * 2.0);
        }
        let svg = curves_svg(&history);
        sample::assert_well_formed(&svg);
        assert!(svg.contains(">without penalty<") && svg.contains(">thaw<"), "{svg}");
        let kept = history.kept().expect("all losses are numbers");
        assert!(svg.contains(&format!("epoch {}: {:.3}", kept.epoch, 2.0 * kept.validation_loss)), "{svg}");
        history.epochs.iter_mut().for_each(|record| record.thawed.clear());
        assert!(!curves_svg(&history).contains(">thaw<"));
    }

    #[test]
    fn diverged_and_empty_histories_can_be_drawn() {
        let mut history = sample::history(3);
        history.epochs[1].train_loss = f64::NAN;
        history.epochs[2].validation_loss = f64::INFINITY;
        for history in [history, History::default()] {
            let svg = curves_svg(&history);
            sample::assert_well_formed(&svg);
        }
    }
}
