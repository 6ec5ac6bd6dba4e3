//! The confusion matrix.

use super::svg::{Anchor, INK, Point, SOFT, Stroke, Svg, Text, WHITE};
use crate::evaluate::Confusion;
use crate::numbers::{percent, thousands};

/// A cell with less room than this shows its count only.
const ROOM_FOR_SHARES: f64 = 58.0;
/// Widest name of a class; longer ones are shortened.
const WIDEST_NAME: f64 = 120.0;
const MARGIN: f64 = 20.0;
/// Colour of right and of wrong, as red, green and blue, at a share of 1.
const RIGHT: [f64; 3] = [11.0, 98.0, 164.0];
const WRONG: [f64; 3] = [196.0, 83.0, 10.0];

/// True classes in rows, predicted ones in columns; a cell's depth is its share of the row.
pub fn confusion_svg(confusion: &Confusion, classes: &[String]) -> String {
    let count = confusion.counts.len();
    let cell = (520.0 / count.max(1) as f64).clamp(34.0, 120.0);
    let names = Text::new(if cell < ROOM_FOR_SHARES { 11.0 } else { 13.0 });
    let name = |class: usize| classes.get(class).map_or("?", String::as_str);
    let longest = (0..count).map(|class| names.width(name(class))).fold(0.0, f64::max);
    let left = MARGIN + 30.0 + longest.min(WIDEST_NAME);
    let turned = longest > cell - 8.0;
    let top = if turned { 150.0 } else { 96.0 };
    let side = count as f64 * cell;
    let right = MARGIN + if turned { 70.0 } else { 0.0 };
    let width = (left + side + right).max(340.0);
    let mut svg = Svg::new(width, top + side + MARGIN, "Confusion matrix: true classes by predicted classes");
    svg.text((MARGIN, 34.0), Text::new(19.0).bold(), "Confusion matrix");
    svg.text((left + side / 2.0, 62.0), Text::new(12.5).fill(SOFT).anchor(Anchor::Middle), "predicted");
    svg.text(
        (MARGIN + 2.0, top + side / 2.0),
        Text::new(12.5).fill(SOFT).anchor(Anchor::Middle).turn(-90.0),
        "truth",
    );
    for class in 0..count {
        let middle = (class as f64 + 0.5) * cell;
        let shown = names.fit(name(class), WIDEST_NAME);
        svg.text((left - 12.0, top + middle + 4.5), names.anchor(Anchor::End), &shown);
        let look = if turned { names.turn(-40.0) } else { names.anchor(Anchor::Middle) };
        svg.text((left + middle, top - 12.0), look, &names.fit(name(class), WIDEST_NAME));
    }
    for (truth, row) in confusion.counts.iter().enumerate() {
        let images = row.iter().sum::<usize>();
        for (predicted, count) in row.iter().enumerate() {
            let corner = (left + predicted as f64 * cell, top + truth as f64 * cell);
            draw_cell(&mut svg, corner, cell, (*count, images), truth == predicted);
        }
    }
    svg.finish()
}

fn draw_cell(svg: &mut Svg, (x, y): Point, cell: f64, (count, images): (usize, usize), right: bool) {
    let share = if images > 0 { count as f64 / images as f64 } else { 0.0 };
    let colour = tint(if right { RIGHT } else { WRONG }, share);
    svg.rect((x, y), (cell, cell), 0.0, &colour, Some(Stroke::new(WHITE, 2.0)));
    let fill = if share > 0.55 { WHITE } else { INK };
    let middle = (x + cell / 2.0, y + cell / 2.0);
    let look = |size: f64| Text::new(size).fill(fill).anchor(Anchor::Middle);
    if cell < ROOM_FOR_SHARES {
        let size = (cell * 0.8 / (thousands(count).len() as f64 * 0.6)).min(13.0);
        svg.text((middle.0, middle.1 + size * 0.35), look(size), &thousands(count));
    } else {
        svg.text((middle.0, middle.1 + 2.0), look((cell * 0.22).min(24.0)).bold(), &thousands(count));
        svg.text((middle.0, middle.1 + 21.0), look(12.0), &percent(share));
    }
}

/// From nearly white to `colour`.
fn tint(colour: [f64; 3], share: f64) -> String {
    let depth = 0.06 + 0.94 * share;
    let [red, green, blue] = colour.map(|part| (255.0 + (part - 255.0) * depth).round());
    format!("rgb({red},{green},{blue})")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn counts_shares_and_names_are_shown() {
        let confusion = Confusion { counts: vec![vec![211, 23], vec![27, 1363]] };
        let svg = confusion_svg(&confusion, &["NORMAL".into(), "A & B".into()]);
        sample::assert_well_formed(&svg);
        for text in [">211<", ">90.2 %<", ">1,363<", ">NORMAL<", ">A &amp; B<"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn empty_rows_and_many_classes_can_be_drawn() {
        let confusion = Confusion { counts: vec![vec![0; 30]; 30] };
        let classes: Vec<String> = (0..30).map(|class| format!("a rather long name {class}")).collect();
        sample::assert_well_formed(&confusion_svg(&confusion, &classes));
        sample::assert_well_formed(&confusion_svg(&Confusion { counts: vec![] }, &[]));
    }
}
