//! Letters that are burned into a picture: marks of a pen's width and of one height, in a row, sharp
//! against what lies behind them. A mark alone may be anything: only where it lies is kept.

use serde::{Deserialize, Serialize};

use super::marks::Marks;
use crate::dataset::clusters::Clusters;
use crate::image::Image;

/// Levels that letters may stand out from, on dark ground and, inverted, on bright ground.
const LEVELS: [u8; 4] = [240, 210, 180, 150];
/// So much darker the ground of a mark and of a letter is on average. Bones and wires fade out.
const CONTRAST_OF_MARK: f32 = 40.0;
const CONTRAST: f32 = 60.0;
/// With fewer marks in a row it may be anything.
const FEWEST: usize = 4;
/// Pixels that a mark and a letter are high at least, and the share of the picture's height at most.
const LOWEST_MARK: usize = 4;
const LOWEST: usize = 6;
const HIGHEST: f32 = 0.1;
/// Width of a mark in parts of its height: small letters run into words.
const WIDEST_MARK: f32 = 12.0;
/// Width of a letter in parts of its height; `l`, `1` and `:` are narrower than others.
const WIDEST: f32 = 1.6;
const NARROWEST: f32 = 0.125;
const NARROW: f32 = 0.35;
/// Share of its box that a letter inks; only narrow ones ink nearly all of it.
const LEAST_INK: f32 = 0.2;
const MOST_INK: f32 = 0.85;
/// The gap to the next letter of a row, in heights, and the share of the height that both lie in.
const GAP: f32 = 1.2;
const LEVEL_WITH: f32 = 0.7;
/// Pixels around a letter that count as its ground.
const MARGIN: usize = 2;
/// Larger pictures are shrunk to about this; letters on them are large too.
const SIDE: usize = 1500;

/// A row of letters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct BurnedInText {
    /// How many.
    pub(super) marks: usize,
    /// Their middle, from the left and from the top, in parts of the picture.
    pub(super) middle: [f32; 2],
}

/// The longest row of letters, if there is any, and where marks lie.
pub(super) fn find(image: &Image) -> (Option<BurnedInText>, Marks) {
    let step = image.width().max(image.height()).div_ceil(SIDE);
    let mut marks = Marks::default();
    if image.width().min(image.height()) < step * LOWEST {
        return (None, marks);
    }
    let plane = Plane::of(image, step);
    let inverted = plane.inverted();
    let mut longest = Vec::new();
    for (plane, level) in [&plane, &inverted].into_iter().flat_map(|plane| LEVELS.map(|level| (plane, level)))
    {
        let found = plane.marks(level);
        found.iter().for_each(|mark| marks.add(plane.middle(mark, mark)));
        let row = longest_row(found.into_iter().filter(Mark::is_letter).collect());
        // Of rows of one length the last.
        if row.len() >= longest.len() {
            longest = row;
        }
    }
    let ends = longest.first().zip(longest.last()).filter(|_| longest.len() >= FEWEST);
    let writing = |(first, last)| BurnedInText { marks: longest.len(), middle: plane.middle(first, last) };
    (ends.map(writing), marks)
}

/// Grey levels, `[height, width]`.
struct Plane {
    width: usize,
    height: usize,
    levels: Vec<u8>,
}

/// The box around what is inked together; `right` and `bottom` lie outside.
#[derive(Debug, Clone, Copy)]
struct Mark {
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
    ink: usize,
    /// Levels by which its ground is darker.
    contrast: f32,
}

/// Inked pixels side by side; `end` lies outside.
struct Run {
    row: usize,
    start: usize,
    end: usize,
}

impl Plane {
    /// Each level is the mean of `step × step` pixels.
    fn of(image: &Image, step: usize) -> Self {
        let (width, height) = (image.width() / step, image.height() / step);
        let pixels = image.to_rgb8();
        let grey = |pixel: &[u8]| {
            let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(usize::from);
            (299 * red + 587 * green + 114 * blue) / 1000
        };
        let mean = |x: usize, y: usize| {
            let within = (0..step * step).map(|at| (x * step + at % step, y * step + at / step));
            let sum: usize = within.map(|(x, y)| grey(&pixels[(y * image.width() + x) * 3..])).sum();
            (sum / (step * step)) as u8
        };
        let levels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| mean(x, y));
        Self { width, height, levels: levels.collect() }
    }

    fn inverted(&self) -> Self {
        let levels = self.levels.iter().map(|level| 255 - level).collect();
        Self { width: self.width, height: self.height, levels }
    }

    /// The middle between two marks, from the left and from the top, in parts of the picture.
    fn middle(&self, first: &Mark, last: &Mark) -> [f32; 2] {
        let middle = |low: usize, high: usize, side: usize| (low + high) as f32 / 2.0 / side as f32;
        [middle(first.left, last.right, self.width), middle(first.top, first.bottom, self.height)]
    }

    /// What is inked together, corner to corner too, small and sharp: from left to right.
    fn marks(&self, level: u8) -> Vec<Mark> {
        let runs = self.runs(level);
        let mut together = join(&runs);
        let mut marks: Vec<Option<Mark>> = vec![None; runs.len()];
        for (index, Run { row, start, end }) in runs.iter().enumerate() {
            let mark = marks[together.first(index)].get_or_insert(Mark {
                left: *start,
                right: *end,
                top: *row,
                bottom: *row,
                ink: 0,
                contrast: 0.0,
            });
            (mark.left, mark.right) = (mark.left.min(*start), mark.right.max(*end));
            (mark.bottom, mark.ink) = (row + 1, mark.ink + end - start);
        }
        let mut marks: Vec<Mark> =
            marks.into_iter().flatten().filter_map(|mark| self.sharp(mark, level)).collect();
        marks.sort_by_key(|mark| (mark.left, mark.top));
        marks
    }

    /// The inked runs, row by row.
    fn runs(&self, level: u8) -> Vec<Run> {
        let mut runs = Vec::new();
        for (row, levels) in self.levels.chunks_exact(self.width).enumerate() {
            let mut start = None;
            for (x, inked) in levels.iter().map(|grey| *grey >= level).chain([false]).enumerate() {
                match (inked, start) {
                    (true, None) => start = Some(x),
                    (false, Some(from)) => {
                        runs.push(Run { row, start: from, end: x });
                        start = None;
                    }
                    _ => {}
                }
            }
        }
        runs
    }

    /// What may be a mark, if it is small and its ground is darker.
    fn sharp(&self, mark: Mark, level: u8) -> Option<Mark> {
        let (width, height) = (mark.width(), mark.height());
        let inside = mark.left >= MARGIN
            && mark.top >= MARGIN
            && mark.right + MARGIN <= self.width
            && mark.bottom + MARGIN <= self.height;
        let is_small = inside
            && mark.bottom - mark.top >= LOWEST_MARK
            && height <= HIGHEST * self.height as f32
            && (NARROWEST..=WIDEST_MARK).contains(&(width / height))
            && mark.inked() >= LEAST_INK;
        let ground = is_small.then(|| self.ground(&mark, level)).flatten()?;
        let contrast = f32::from(level) - ground;
        (contrast >= CONTRAST_OF_MARK).then_some(Mark { contrast, ..mark })
    }

    /// Mean level around a mark, of the pixels that touch no ink.
    fn ground(&self, mark: &Mark, level: u8) -> Option<f32> {
        let row = |y: usize| &self.levels[y * self.width..][..self.width];
        let (mut sum, mut count) = (0.0, 0usize);
        for y in mark.top - MARGIN..mark.bottom + MARGIN {
            let rows = [row(y.saturating_sub(1)), row(y), row((y + 1).min(self.height - 1))];
            for x in mark.left - MARGIN..mark.right + MARGIN {
                let near = x.saturating_sub(1)..(x + 2).min(self.width);
                if rows.iter().all(|row| row[near.clone()].iter().all(|grey| *grey < level)) {
                    (sum, count) = (sum + f32::from(rows[1][x]), count + 1);
                }
            }
        }
        (count > 0).then(|| sum / count as f32)
    }
}

impl Mark {
    fn width(&self) -> f32 {
        (self.right - self.left) as f32
    }

    fn height(&self) -> f32 {
        (self.bottom - self.top) as f32
    }

    /// Share of the box that is inked.
    fn inked(&self) -> f32 {
        self.ink as f32 / (self.width() * self.height())
    }

    /// Whether it has the shape of a letter.
    fn is_letter(&self) -> bool {
        let (width, height) = (self.width(), self.height());
        self.bottom - self.top >= LOWEST
            && self.contrast >= CONTRAST
            && width <= WIDEST * height
            && (self.inked() <= MOST_INK || width <= height / 2.0)
    }

    /// Whether `next` may be the letter behind this one.
    fn leads_to(&self, next: &Mark) -> bool {
        let height = self.height().max(next.height());
        let both = self.bottom.min(next.bottom).saturating_sub(self.top.max(next.top)) as f32;
        next.left + 1 >= self.right
            && next.left as f32 - self.right as f32 <= GAP * height
            && both >= LEVEL_WITH * height
    }
}

/// Runs that touch the one below, corner to corner too.
fn join(runs: &[Run]) -> Clusters {
    let mut together = Clusters::new(runs.len());
    let mut above = 0;
    for (index, run) in runs.iter().enumerate() {
        while runs[above].row + 1 < run.row || (runs[above].row + 1 == run.row && runs[above].end < run.start)
        {
            above += 1;
        }
        let touching = (above..index).take_while(|at| runs[*at].row < run.row && runs[*at].start <= run.end);
        touching.for_each(|at| together.join(at, index));
    }
    together
}

/// The longest row among letters that come from left to right. Half of them at least are not narrow:
/// a fence is no writing.
fn longest_row(letters: Vec<Mark>) -> Vec<Mark> {
    let row = |first: usize| {
        let mut row = vec![letters[first]];
        for next in &letters[first + 1..] {
            let last = row[row.len() - 1];
            if next.left as f32 > last.right as f32 + 2.0 * GAP * last.height() {
                break;
            }
            if last.leads_to(next) {
                row.push(*next);
            }
        }
        row
    };
    let broad = |row: &Vec<Mark>| {
        2 * row.iter().filter(|mark| mark.width() > NARROW * mark.height()).count() >= row.len()
    };
    (0..letters.len()).map(row).filter(broad).max_by_key(Vec::len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `A`, `E`, `H`, `L`, `T` in 5×7 pixels, a bit each.
    const GLYPHS: [[u8; 7]; 5] = [
        [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111],
        [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
        [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
    ];

    /// So many letters of `scale` times 5×7 pixels at 20, 30 on a soft slope, 200×160.
    fn picture(letters: usize, scale: usize, ink: u8, ground: u8) -> Image {
        let level = |index: usize| {
            let (x, y) = (index % 200, index / 200);
            let (right, down) = ((x.wrapping_sub(20)) / scale, y.wrapping_sub(30) / scale);
            let (letter, column) = (right / 7, right % 7);
            let glyph = GLYPHS[letter % GLYPHS.len()];
            let inked = letter < letters && column < 5 && down < 7 && glyph[down] >> (4 - column) & 1 == 1;
            if inked { ink } else { ground + (x / 10 + y / 10) as u8 }
        };
        Image::from_grey8(200, 160, &(0..200 * 160).map(level).collect::<Vec<u8>>())
    }

    #[test]
    fn bright_and_dark_writing_is_found() {
        for (ink, ground) in [(250, 40), (10, 180)] {
            for scale in [1, 2] {
                let found = find(&picture(5, scale, ink, ground)).0.expect("five letters");
                assert_eq!(found.marks, 5, "{ink} on {ground}");
                // Five letters of 5 and four gaps of 2 columns, 7 rows.
                let middle = [20.0 + 16.5 * scale as f32, 30.0 + 3.5 * scale as f32];
                assert_eq!(found.middle, [middle[0] / 200.0, middle[1] / 160.0]);
            }
        }
    }

    #[test]
    fn few_or_faint_letters_are_not() {
        assert_eq!(find(&picture(3, 2, 250, 40)).0, None);
        assert_eq!(find(&picture(5, 2, 120, 100)).0, None);
        assert_eq!(find(&picture(0, 2, 250, 40)).0, None);
    }

    #[test]
    fn a_row_of_bars_is_no_writing() {
        let level = |index: usize| {
            let (x, y) = (index % 200, index / 200);
            if (60..72).contains(&y) && x % 12 < 2 && x > 20 { 250 } else { 40 }
        };
        let bars = Image::from_grey8(200, 160, &(0..200 * 160).map(level).collect::<Vec<u8>>());
        assert_eq!(find(&bars).0, None);
    }

    #[test]
    fn tiny_pictures_have_none() {
        for (width, height) in [(1, 1), (5, 3), (3000, 1), (1, 3000)] {
            assert_eq!(find(&Image::from_grey8(width, height, &vec![200; width * height])).0, None);
        }
    }
}
