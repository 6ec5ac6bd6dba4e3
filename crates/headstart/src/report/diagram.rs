//! The layers from top to bottom, as Keras's `plot_model` draws them, but grouped by block and with
//! frozen and trainable layers told apart.

use super::svg::{Anchor, INK, Point, SOFT, Stroke, Svg, Text};
use crate::backbone::LayerRow;
use crate::numbers::{megabytes, thousands};

const MARGIN: f64 = 28.0;
const TOP: f64 = 104.0;
const BOX_WIDTH: f64 = 510.0;
const BETWEEN_COLUMNS: f64 = 44.0;
const HEADER: f64 = 27.0;
const LINE: f64 = 25.0;
const PADDING: f64 = 7.0;
const BETWEEN_BLOCKS: f64 = 22.0;
/// A column is filled up to about this height before the next begins.
const COLUMN_HEIGHT: f64 = 760.0;
/// How far a shortcut's line lies beside the layers.
const SHORTCUT: f64 = 17.0;
const MOST_COLUMNS: f64 = 4.0;
const ARROW: Stroke = Stroke::new("#7b8794", 1.6);

/// How a layer looks by what training does to it.
struct State {
    name: &'static str,
    fill: &'static str,
    edge: &'static str,
}

const FROZEN: State = State { name: "frozen", fill: "#dbe7f3", edge: "#8fb0cf" };
const TRAINABLE: State = State { name: "trainable", fill: "#fde0c5", edge: "#e0863a" };
const WITHOUT: State = State { name: "without parameters", fill: "#ffffff", edge: "#cbd2d9" };

fn state(row: &LayerRow) -> &'static State {
    match (row.parameters, row.trainable) {
        (0, _) => &WITHOUT,
        (_, true) => &TRAINABLE,
        (_, false) => &FROZEN,
    }
}

/// A diagram of `rows`: one box a block, one line a layer with name, kind, output shape and
/// parameters. Long nets take up to four columns, read downwards, then to the right.
pub fn diagram_svg(title: &str, rows: &[LayerRow]) -> String {
    let blocks: Vec<&[LayerRow]> = rows.chunk_by(|a, b| a.block == b.block).collect();
    let columns = columns(&blocks);
    let height = columns.iter().map(|column| column_height(column)).fold(0.0, f64::max);
    let count = columns.len().max(1) as f64;
    let width = 2.0 * MARGIN + count * BOX_WIDTH + (count - 1.0) * BETWEEN_COLUMNS;
    let mut svg = Svg::new(width, TOP + height + MARGIN, &format!("Layers of {title}"));
    heading(&mut svg, title, rows, width);
    let mut x = MARGIN;
    for (index, column) in columns.iter().enumerate() {
        draw_column(&mut svg, column, x);
        if index + 1 < columns.len() {
            to_next_column(&mut svg, x + BOX_WIDTH, TOP + column_height(column));
        }
        x += BOX_WIDTH + BETWEEN_COLUMNS;
    }
    svg.finish()
}

fn block_height(block: &[LayerRow]) -> f64 {
    HEADER + block.len() as f64 * LINE + PADDING
}

fn column_height(blocks: &[&[LayerRow]]) -> f64 {
    let gaps = blocks.len().saturating_sub(1) as f64 * BETWEEN_BLOCKS;
    blocks.iter().map(|block| block_height(block)).sum::<f64>() + gaps
}

/// Blocks in columns: as many columns as the height asks for, as even as whole blocks allow.
fn columns<'a, 'b>(blocks: &'b [&'a [LayerRow]]) -> Vec<&'b [&'a [LayerRow]]> {
    let wanted = (column_height(blocks) / COLUMN_HEIGHT).ceil().clamp(1.0, MOST_COLUMNS);
    let tallest = blocks.iter().map(|block| block_height(block)).fold(0.0, f64::max);
    let mut limit = (column_height(blocks) / wanted).max(tallest);
    loop {
        let columns = fill(blocks, limit);
        if columns.len() as f64 <= wanted {
            return columns;
        }
        limit += LINE;
    }
}

/// Begins a new column where the next block would pass `limit`.
fn fill<'a, 'b>(blocks: &'b [&'a [LayerRow]], limit: f64) -> Vec<&'b [&'a [LayerRow]]> {
    let mut columns = Vec::new();
    let mut start = 0;
    for end in 1..=blocks.len() {
        if end == blocks.len() || column_height(&blocks[start..=end]) > limit {
            columns.push(&blocks[start..end]);
            start = end;
        }
    }
    columns
}

fn heading(svg: &mut Svg, title: &str, rows: &[LayerRow], width: f64) {
    let look = Text::new(20.0).bold();
    svg.text((MARGIN, 38.0), look, &look.fit(title, width - 2.0 * MARGIN));
    let count = |trainable: bool| -> usize {
        rows.iter().filter(|row| row.trainable == trainable).map(|row| row.parameters).sum()
    };
    let totals = format!(
        "{} parameters ({}), {} trainable",
        thousands(count(true) + count(false)),
        megabytes(count(true) + count(false)),
        thousands(count(true))
    );
    svg.text((MARGIN, 61.0), Text::new(13.0).fill(SOFT), &totals);
    let mut x = MARGIN;
    for state in [&FROZEN, &TRAINABLE, &WITHOUT] {
        svg.rect((x, 75.0), (15.0, 15.0), 3.0, state.fill, Some(Stroke::new(state.edge, 1.2)));
        let look = Text::new(12.5);
        svg.text((x + 22.0, 87.0), look, state.name);
        x += 22.0 + look.width(state.name) + 20.0;
    }
}

fn draw_column(svg: &mut Svg, blocks: &[&[LayerRow]], x: f64) {
    let mut y = TOP;
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            let middle = x + BOX_WIDTH / 2.0;
            arrow(svg, &[(middle, y - BETWEEN_BLOCKS), (middle, y - 2.0)]);
        }
        draw_block(svg, block, (x, y));
        y += block_height(block) + BETWEEN_BLOCKS;
    }
}

fn draw_block(svg: &mut Svg, block: &[LayerRow], (x, y): Point) {
    let size = (BOX_WIDTH, block_height(block));
    svg.rect((x, y), size, 8.0, "#f5f7fa", Some(Stroke::new("#cbd2d9", 1.0)));
    let look = Text::new(13.0).bold();
    let name = block.first().map_or("", |row| row.block.as_str());
    svg.text((x + 12.0, y + 18.5), look, &look.fit(name, 300.0));
    let parameters: usize = block.iter().map(|row| row.parameters).sum();
    if parameters > 0 {
        let look = Text::new(11.5).fill(SOFT).anchor(Anchor::End);
        svg.text((x + BOX_WIDTH - 12.0, y + 18.5), look, &format!("{} parameters", thousands(parameters)));
    }
    for (row, top) in block.iter().zip(lines(y + HEADER)) {
        draw_layer(svg, row, (x + PADDING, top));
        if row.skips > 0 {
            shortcut(svg, x + BOX_WIDTH - PADDING, [top - row.skips as f64 * LINE, top]);
        }
    }
}

/// Around the layers that a sum's other term does not pass: from above the first of them to the sum.
fn shortcut(svg: &mut Svg, right: f64, [first, sum]: [f64; 2]) {
    let (out, from, to) = (right + SHORTCUT, first + 3.0, sum + LINE / 2.0);
    arrow(svg, &[(right, from), (out, from), (out, to), (right + 2.0, to)]);
}

fn lines(first: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(first), |top| Some(top + LINE))
}

fn draw_layer(svg: &mut Svg, row: &LayerRow, (x, y): Point) {
    let state = state(row);
    let width = BOX_WIDTH - 2.0 * PADDING;
    svg.rect((x, y), (width, LINE - 3.0), 4.0, state.fill, Some(Stroke::new(state.edge, 1.0)));
    let baseline = y + 15.4;
    let look = Text::new(12.0);
    svg.text((x + 9.0, baseline), look, &look.fit(&row.name, 138.0));
    svg.text((x + 153.0, baseline), look.fill(SOFT), &look.fit(&row.kind, 162.0));
    let numbers = look.anchor(Anchor::End);
    svg.text((x + 402.0, baseline), numbers.fill(INK), &row.shape());
    if row.parameters > 0 {
        svg.text((x + width - 9.0, baseline), numbers.fill(SOFT), &thousands(row.parameters));
    }
}

/// A line with a head at its end, which must not come from below.
fn arrow(svg: &mut Svg, points: &[Point]) {
    svg.line(points, ARROW);
    if let [.., before, end] = points {
        let (x, y) = *end;
        let head = if before.0 == end.0 {
            [(x - 4.0, y - 5.0), (x, y), (x + 4.0, y - 5.0)]
        } else {
            let back = 5.0 * (before.0 - x).signum();
            [(x + back, y - 4.0), (x, y), (x + back, y + 4.0)]
        };
        svg.line(&head, ARROW);
    }
}

/// From a column's foot, up between the columns, into the next column's first box.
fn to_next_column(svg: &mut Svg, right: f64, bottom: f64) {
    let middle = right + BETWEEN_COLUMNS / 2.0;
    let (from, to) = (bottom - 16.0, TOP + HEADER / 2.0);
    arrow(svg, &[(right, from), (middle, from), (middle, to), (right + BETWEEN_COLUMNS - 2.0, to)]);
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn blocks_and_layers_are_all_there() {
        let rows = sample::vgg16();
        let svg = diagram_svg("VGG16 <head>", &rows);
        sample::assert_well_formed(&svg);
        // Background, three of the legend, six blocks, one for each layer.
        assert_eq!(svg.matches("<rect").count(), 1 + 3 + 6 + rows.len());
        for text in ["VGG16 &lt;head&gt;", ">block5_conv3<", ">224×224×64<", ">2,359,808<"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn shortcuts_have_arrows() {
        let count = |skips: usize| {
            let mut rows = sample::vgg16();
            rows[2].skips = skips;
            let svg = diagram_svg("any", &rows);
            sample::assert_well_formed(&svg);
            svg.matches("<path").count()
        };
        // A line and its head.
        assert_eq!(count(2), count(0) + 2);
    }

    #[test]
    fn columns_hold_each_block_once_in_order() {
        let rows = sample::vgg16();
        let many: Vec<LayerRow> = (0..4).flat_map(|_| rows.clone()).collect();
        let blocks: Vec<&[LayerRow]> = many.chunk_by(|a, b| a.block == b.block).collect();
        let columns = columns(&blocks);
        assert_eq!(columns.concat(), blocks);
        assert!(columns.len() > 1 && columns.len() <= 4);
        assert!(columns.iter().all(|column| !column.is_empty()));
    }

    #[test]
    fn no_layers_and_one_endless_block_can_be_drawn() {
        sample::assert_well_formed(&diagram_svg("nothing", &[]));
        let mut rows: Vec<LayerRow> = (0..8).flat_map(|_| sample::vgg16()).collect();
        rows.iter_mut().for_each(|row| row.block = "one".into());
        sample::assert_well_formed(&diagram_svg("one block", &rows));
    }
}
