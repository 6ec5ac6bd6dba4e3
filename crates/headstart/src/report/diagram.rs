//! The layers as boxes from top to bottom, one column for each few blocks, as SVG.

use std::fmt::Write;

use super::escape;
use super::summary::{kind, parameters, shape, thousands};
use crate::classifier::Row;

const BOX: (f64, f64) = (330.0, 38.0);
const GAP: f64 = 12.0;
/// Boxes in one column.
const COLUMN: usize = 16;
const MARGIN: f64 = 30.0;
const TOP: f64 = 84.0;
/// Fill and edge of frozen and of trainable layers.
const FROZEN: (&str, &str) = ("#e8eef5", "#7a93ad");
const TRAINABLE: (&str, &str) = ("#fdebdc", "#d1601f");

/// The diagram of `rows`.
pub fn diagram(title: &str, rows: &[Row<'_>]) -> String {
    let columns = rows.len().div_ceil(COLUMN).max(1);
    let width = 2.0 * MARGIN + columns as f64 * (BOX.0 + 50.0) - 50.0;
    let height = TOP + rows.len().min(COLUMN) as f64 * (BOX.1 + GAP) + MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"Layers of {0}\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"32\" font-size=\"18\" fill=\"#1f2933\">{0}</text>\n",
        escape(title)
    );
    for (index, ((fill, edge), name)) in
        [(FROZEN, "frozen"), (TRAINABLE, "trainable")].into_iter().enumerate()
    {
        let x = MARGIN + 110.0 * index as f64;
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"46\" width=\"16\" height=\"16\" rx=\"3\" fill=\"{fill}\" stroke=\"{edge}\"/>\
             <text x=\"{}\" y=\"59\" fill=\"#1f2933\">{name}</text>",
            x + 23.0
        );
    }
    for (index, row) in rows.iter().enumerate() {
        let (x, y) = place(index);
        if index + 1 < rows.len() {
            arrow(&mut svg, (x, y), place(index + 1));
        }
        layer(&mut svg, row, (x, y));
    }
    svg + "</svg>\n"
}

fn place(index: usize) -> (f64, f64) {
    let (column, line) = (index / COLUMN, index % COLUMN);
    (MARGIN + column as f64 * (BOX.0 + 50.0), TOP + line as f64 * (BOX.1 + GAP))
}

fn layer(svg: &mut String, row: &Row<'_>, (x, y): (f64, f64)) {
    let (fill, edge) = if row.trainable { TRAINABLE } else { FROZEN };
    let count = parameters(row.layer);
    let below = if count > 0 { format!("{} parameters", thousands(count)) } else { String::new() };
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"{fill}\" stroke=\"{edge}\"/>",
        BOX.0, BOX.1
    );
    let mut text = |dx: f64, dy: f64, anchor: &str, colour: &str, content: &str| {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{}</text>",
            x + dx,
            y + dy,
            escape(content)
        );
    };
    text(10.0, 16.0, "start", "#1f2933", &kind(row.layer));
    text(10.0, 31.0, "start", "#5b6770", row.block);
    text(BOX.0 - 10.0, 16.0, "end", "#1f2933", &shape(row.output));
    text(BOX.0 - 10.0, 31.0, "end", "#5b6770", &below);
}

/// Down to the next box, or over to the top of the next column.
fn arrow(svg: &mut String, (x, y): (f64, f64), (next_x, next_y): (f64, f64)) {
    let path = if next_x == x {
        format!("M{} {}V{}", x + BOX.0 / 2.0, y + BOX.1, next_y)
    } else {
        let middle = x + BOX.0 + 25.0;
        format!("M{} {}H{middle}V{}H{next_x}", x + BOX.0, y + BOX.1 / 2.0, next_y + BOX.1 / 2.0)
    };
    let _ = writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"#8795a1\" stroke-width=\"1.5\"/>");
}

#[cfg(test)]
mod tests {
    use crate::backbone::spec::MapShape;

    #[test]
    fn every_layer_has_a_box() {
        let spec = crate::backbone::efficientnet::efficientnet_lite0();
        let rows = crate::classifier::rows(&spec.blocks, 7, MapShape::new(224, 224, 3));
        let svg = super::diagram("a < b", &rows);
        // Background, two of the legend, one for each layer.
        assert_eq!(svg.matches("<rect").count(), 3 + rows.len());
        assert!(svg.contains("a &lt; b"));
    }
}
