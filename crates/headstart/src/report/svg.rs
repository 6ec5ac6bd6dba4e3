//! A picture as SVG text: the few shapes that the report draws, with one look.

use std::fmt::Write;

use super::escape;

/// Text, and lines that matter.
pub(super) const INK: &str = "#1f2933";
/// Text of second rank.
pub(super) const SOFT: &str = "#52606d";
/// Lines behind the data.
pub(super) const GRID: &str = "#e4e7eb";
/// Paper.
pub(super) const WHITE: &str = "#ffffff";
/// Blue and orange stay apart without colour vision and in grey (Okabe & Ito 2008, darkened for text).
pub(super) const BLUE: &str = "#0b62a4";
/// See [`BLUE`].
pub(super) const ORANGE: &str = "#c4530a";

/// Width of a text in parts of its size: near the mean of sans-serif faces.
const MEAN_GLYPH: f64 = 0.58;

/// `(x, y)` in pixels from the upper left.
pub(super) type Point = (f64, f64);

/// Which end of a text lies at its point.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text {
    pub size: f64,
    pub fill: &'static str,
    pub anchor: Anchor,
    pub bold: bool,
    /// Degrees, clockwise.
    pub turn: f64,
}

impl Text {
    /// Ink, from its point to the right.
    pub(super) const fn new(size: f64) -> Self {
        Self { size, fill: INK, anchor: Anchor::Start, bold: false, turn: 0.0 }
    }

    pub(super) const fn fill(self, fill: &'static str) -> Self {
        Self { fill, ..self }
    }

    pub(super) const fn anchor(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(super) const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub(super) const fn turn(self, turn: f64) -> Self {
        Self { turn, ..self }
    }

    /// About how wide `content` will be.
    pub(super) fn width(&self, content: &str) -> f64 {
        let weight = if self.bold { 1.07 } else { 1.0 };
        content.chars().count() as f64 * self.size * MEAN_GLYPH * weight
    }

    /// `content`, or its beginning with an ellipsis, so that it stays within `width`.
    pub(super) fn fit(&self, content: &str, width: f64) -> String {
        if self.width(content) <= width {
            return content.into();
        }
        let mut kept = String::new();
        for letter in content.chars() {
            if self.width(&kept) + self.width("m…") > width {
                break;
            }
            kept.push(letter);
        }
        kept + "…"
    }
}

/// How a line looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stroke {
    pub colour: &'static str,
    pub width: f64,
    /// Lengths of dashes and gaps; empty for a solid line.
    pub dashes: &'static str,
}

impl Stroke {
    pub(super) const fn new(colour: &'static str, width: f64) -> Self {
        Self { colour, width, dashes: "" }
    }

    pub(super) const fn dashed(self, dashes: &'static str) -> Self {
        Self { dashes, ..self }
    }

    fn attributes(self) -> String {
        let dashes = if self.dashes.is_empty() {
            String::new()
        } else {
            format!(" stroke-dasharray=\"{}\"", self.dashes)
        };
        format!("stroke=\"{}\" stroke-width=\"{}\"{dashes}", self.colour, number(self.width))
    }
}

/// A picture on white.
#[derive(Debug)]
pub(super) struct Svg {
    text: String,
}

impl Svg {
    /// `label` is read to those who can't see the picture.
    pub(super) fn new(width: f64, height: f64, label: &str) -> Self {
        let (wide, high) = (number(width), number(height));
        let mut svg = Self { text: String::new() };
        svg.push(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" \
             height=\"{high}\" role=\"img\" aria-label=\"{}\" font-family=\"system-ui, -apple-system, \
             'Segoe UI', 'Helvetica Neue', Arial, sans-serif\">",
            escape(label)
        ));
        svg.rect((0.0, 0.0), (width, height), 0.0, WHITE, None);
        svg
    }

    pub(super) fn rect(
        &mut self,
        (x, y): Point,
        (width, height): Point,
        radius: f64,
        fill: &str,
        stroke: Option<Stroke>,
    ) {
        let stroke = stroke.map(|stroke| format!(" {}", stroke.attributes())).unwrap_or_default();
        let radius = if radius > 0.0 { format!(" rx=\"{}\"", number(radius)) } else { String::new() };
        self.push(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{radius} fill=\"{fill}\"{stroke}/>",
            number(x),
            number(y),
            number(width),
            number(height)
        ));
    }

    /// A line through `points`; it is interrupted where a point is not finite.
    pub(super) fn line(&mut self, points: &[Point], stroke: Stroke) {
        let path = path(points);
        if !path.is_empty() {
            let attributes = stroke.attributes();
            self.push(format_args!(
                "<path d=\"{path}\" fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\" {attributes}/>"
            ));
        }
    }

    /// What `points` enclose.
    pub(super) fn area(&mut self, points: &[Point], fill: &str) {
        self.push(format_args!("<path d=\"{}Z\" fill=\"{fill}\"/>", path(points)));
    }

    pub(super) fn circle(&mut self, (x, y): Point, radius: f64, fill: &str, stroke: Stroke) {
        if x.is_finite() && y.is_finite() {
            self.push(format_args!(
                "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{fill}\" {}/>",
                number(x),
                number(y),
                number(radius),
                stroke.attributes()
            ));
        }
    }

    pub(super) fn text(&mut self, (x, y): Point, look: Text, content: &str) {
        let (x, y) = (number(x), number(y));
        let anchor = match look.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let bold = if look.bold { " font-weight=\"600\"" } else { "" };
        let turn = if look.turn == 0.0 {
            String::new()
        } else {
            format!(" transform=\"rotate({} {x} {y})\"", number(look.turn))
        };
        self.push(format_args!(
            "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\" fill=\"{}\"{anchor}{bold}{turn}>{}</text>",
            number(look.size),
            look.fill,
            escape(content)
        ));
    }

    /// The whole picture.
    pub(super) fn finish(self) -> String {
        self.text + "</svg>\n"
    }

    fn push(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{line}").expect("writing to a string cannot fail");
    }
}

fn path(points: &[Point]) -> String {
    let mut path = String::new();
    let mut command = 'M';
    for (x, y) in points {
        if x.is_finite() && y.is_finite() {
            write!(path, "{command}{} {}", number(*x), number(*y)).expect("writing to a string cannot fail");
            command = 'L';
        } else {
            command = 'M';
        }
    }
    path
}

/// A tenth of a pixel is enough.
fn number(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // Adding 0 turns -0 into 0.
    (rounded + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_interrupted_where_there_is_no_number() {
        assert_eq!(path(&[(0.0, 1.0), (1.04, 2.0), (2.0, f64::NAN), (3.0, -0.01)]), "M0 1L1 2M3 0");
    }

    #[test]
    fn long_texts_are_shortened_and_short_ones_left() {
        let look = Text::new(10.0);
        assert_eq!(look.fit("block1", 100.0), "block1");
        let short = look.fit("a_very_long_layer_name", 60.0);
        assert!(short.ends_with('…') && look.width(&short) <= 60.0, "{short}");
    }

    #[test]
    fn content_is_escaped() {
        let mut svg = Svg::new(10.0, 10.0, "a \"b\"");
        svg.text((0.0, 0.0), Text::new(5.0), "<script>");
        let text = svg.finish();
        assert!(text.contains("&lt;script&gt;") && text.contains("a &quot;b&quot;"));
    }
}
