//! A table of layers like Keras's `model.summary()`.

use crate::backbone::spec::{Layer, MapShape};
use crate::classifier::Row;

/// Widths of the table's columns.
const WIDTHS: [usize; 5] = [10, 44, 16, 12, 9];

/// The table of `rows`, with totals.
pub fn summary(title: &str, rows: &[Row<'_>]) -> String {
    let mut text = format!("Model: {title}\n{}", rule('┌', '┬', '┐'));
    text += &line(["block", "layer", "output", "parameters", "state"]);
    text += &rule('├', '┼', '┤');
    for row in rows {
        let parameters = parameters(row.layer);
        let state = match (parameters, row.trainable) {
            (0, _) => "",
            (_, true) => "trainable",
            (_, false) => "frozen",
        };
        text += &line([row.block, &kind(row.layer), &shape(row.output), &thousands(parameters), state]);
    }
    text += &rule('└', '┴', '┘');
    let total = |trainable: bool| {
        rows.iter().filter(|row| row.trainable == trainable).map(|row| parameters(row.layer)).sum::<usize>()
    };
    for (name, count) in
        [("total", total(true) + total(false)), ("trainable", total(true)), ("frozen", total(false))]
    {
        let megabytes = count as f64 * 4.0 / (1 << 20) as f64;
        text += &format!("{name:>10} parameters {:>12}  ({megabytes:.1} MiB)\n", thousands(count));
    }
    text
}

/// Number of values of a layer that training could change.
pub(super) fn parameters(layer: &Layer) -> usize {
    crate::backbone::spec::count([layer])
}

/// What a layer is, in words.
pub fn kind(layer: &Layer) -> String {
    match layer {
        Layer::Convolution(layer) => {
            let stride = if layer.stride > 1 { format!(" /{}", layer.stride) } else { String::new() };
            let how = if layer.groups > 1 { "depthwise " } else { "" };
            format!("{how}{0}×{0}{stride} {1}", layer.kernel, layer.name)
        }
        Layer::MaxPool { window } => format!("max pool {window}×{window}"),
        Layer::Residual { body } => format!("residual of {} layers", body.len()),
        Layer::GlobalAveragePool => "global average pool".into(),
        Layer::Flatten => "flatten".into(),
        Layer::Dropout { rate } => format!("dropout {rate}"),
        Layer::Dense(layer) => format!("dense {}", layer.name),
    }
}

/// `H×W×C`, or `C` of a vector.
pub fn shape(map: MapShape) -> String {
    match (map.height, map.width) {
        (1, 1) => map.channels.to_string(),
        _ => format!("{}×{}×{}", map.height, map.width, map.channels),
    }
}

/// A number with commas between thousands.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn rule(left: char, middle: char, right: char) -> String {
    let parts = WIDTHS.map(|width| "─".repeat(width + 2));
    format!("{left}{}{right}\n", parts.join(&middle.to_string()))
}

fn line(cells: [&str; 5]) -> String {
    let mut text = String::from("│");
    for (index, (cell, width)) in cells.iter().zip(WIDTHS).enumerate() {
        text += &match index {
            2 | 3 => format!(" {cell:>width$} │"),
            _ => format!(" {cell:<width$} │"),
        };
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(14_714_688), "14,714,688");
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1000), "1,000");
    }

    #[test]
    fn vgg_reads_like_keras() {
        let spec = crate::backbone::vgg::vgg16();
        let rows = crate::classifier::rows(&spec.blocks, 4, MapShape::new(224, 224, 3));
        let text = summary("vgg16", &rows);
        assert!(text.contains("total parameters   14,714,688"), "{text}");
        assert!(text.contains("trainable parameters    7,079,424"), "{text}");
        assert!(text.contains("3×3 block1_conv1") && text.contains("224×224×64"));
        let widths: std::collections::BTreeSet<usize> = text
            .lines()
            .filter(|line| line.starts_with(['│', '┌', '└']))
            .map(|line| line.chars().count())
            .collect();
        assert_eq!(widths.len(), 1, "{text}");
    }
}
