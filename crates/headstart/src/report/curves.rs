//! Loss and accuracy over the epochs, as SVG.

use std::fmt::Write;

use crate::history::{EpochRecord, History};

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 62.0;
const TOP: f64 = 48.0;
/// From one panel to the next.
const STEP: f64 = 560.0;
/// Colours of training and validation, told apart without colour vision by the dashes too.
const COLOURS: [&str; 2] = ["#2a6fb0", "#d1601f"];

/// Two panels, loss and accuracy, training and validation, the kept epoch marked.
pub fn curves(history: &History) -> String {
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1120 370\" role=\"img\" \
         aria-label=\"Loss and accuracy over the epochs\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <rect width=\"1120\" height=\"370\" fill=\"#ffffff\"/>\n",
    );
    let series = |pick: fn(&EpochRecord) -> f64| history.epochs.iter().map(pick).collect::<Vec<f64>>();
    let losses = [series(|e| e.train_loss), series(|e| e.validation_loss)];
    let accuracies = [series(|e| e.train_accuracy), series(|e| e.validation_accuracy)];
    let largest = losses.iter().flatten().copied().fold(1e-6, f64::max);
    let least = accuracies.iter().flatten().copied().fold(1.0, f64::min);
    let floor = ((least - 0.02) * 20.0).floor().max(0.0) / 20.0;
    panel(&mut svg, 0.0, ("Loss", 0.0, largest * 1.05), &losses, history.best_epoch);
    panel(&mut svg, STEP, ("Accuracy", floor, 1.0), &accuracies, history.best_epoch);
    svg + "</svg>\n"
}

fn panel(
    svg: &mut String,
    offset: f64,
    (title, low, high): (&str, f64, f64),
    lines: &[Vec<f64>; 2],
    best: usize,
) {
    let epochs = lines[0].len();
    let x = |epoch: usize| {
        let share = if epochs > 1 { (epoch - 1) as f64 / (epochs - 1) as f64 } else { 0.5 };
        offset + LEFT + share * WIDTH
    };
    let y = |value: f64| TOP + HEIGHT - (value - low) / (high - low) * HEIGHT;
    text(svg, offset + LEFT, 28.0, "start", 16, title);
    for tick in 0..=5 {
        let value = low + (high - low) * f64::from(tick) / 5.0;
        let (height, right) = (y(value), offset + LEFT + WIDTH);
        let left = offset + LEFT;
        let _ = writeln!(svg, "<path d=\"M{left:.1} {height:.1}H{right:.1}\" stroke=\"#e3e6ea\"/>");
        text(svg, left - 8.0, height + 4.5, "end", 12, &format!("{value:.2}"));
    }
    let every = epochs.div_ceil(12).max(1);
    for epoch in (1..=epochs).step_by(every) {
        text(svg, x(epoch), TOP + HEIGHT + 20.0, "middle", 12, &epoch.to_string());
    }
    text(svg, offset + LEFT + WIDTH / 2.0, TOP + HEIGHT + 44.0, "middle", 13, "Epoch");
    if (1..=epochs).contains(&best) {
        let (at, bottom) = (x(best), TOP + HEIGHT);
        let _ = writeln!(
            svg,
            "<path d=\"M{at:.1} {TOP}V{bottom}\" stroke=\"#6b7280\" stroke-dasharray=\"2 4\"/>"
        );
        let anchor = if best * 2 > epochs { "end" } else { "start" };
        let shift = if anchor == "end" { -6.0 } else { 6.0 };
        text(svg, at + shift, TOP - 5.0, anchor, 12, &format!("kept: epoch {best}"));
    }
    for (index, (line, colour)) in lines.iter().zip(COLOURS).enumerate() {
        let points: Vec<String> =
            line.iter().enumerate().map(|(i, value)| format!("{:.1},{:.1}", x(i + 1), y(*value))).collect();
        let dashes = if index == 1 { " stroke-dasharray=\"7 4\"" } else { "" };
        let points = points.join(" ");
        let _ = writeln!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.2\"{dashes}/>"
        );
        for point in points.split(' ') {
            let (cx, cy) = point.split_once(',').unwrap_or((point, "0"));
            let _ = writeln!(svg, "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"3\" fill=\"{colour}\"/>");
        }
        let (from, name) = (offset + LEFT + 230.0 + 115.0 * index as f64, ["training", "validation"][index]);
        let to = from + 26.0;
        let _ =
            writeln!(svg, "<path d=\"M{from} 24H{to}\" stroke=\"{colour}\" stroke-width=\"2.2\"{dashes}/>");
        text(svg, to + 6.0, 28.0, "start", 13, name);
    }
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, size: u32, content: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"#1f2933\">{content}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_is_a_point_and_one_epoch_is_enough() {
        let record = |epoch| EpochRecord {
            epoch,
            train_loss: 0.5,
            train_accuracy: 0.8,
            validation_loss: 0.6,
            validation_accuracy: 0.7,
            validation_auc: None,
            seconds: 1.0,
        };
        for epochs in [1, 30] {
            let history = History { epochs: (1..=epochs).map(record).collect(), best_epoch: 1 };
            let svg = curves(&history);
            assert_eq!(svg.matches("<circle").count(), 4 * epochs);
            assert!(svg.contains("kept: epoch 1") && !svg.contains("NaN"));
        }
    }
}
