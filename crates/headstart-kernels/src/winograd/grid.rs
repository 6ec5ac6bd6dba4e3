//! Maps cut into tiles: 4×4 outputs, or the 6×6 inputs that they are computed from. Where tiles of four would
//! reach over the border, some are three outputs high or wide instead, and need a point less that way:
//! 14 pixels are 4 + 4 + 3 + 3.

use std::ops::Range;

use super::scheme::Scheme;
use super::transform::{OUT, OUT_SHORT};
use crate::shape::Shape;

/// How many tiles lie along an axis: first whole ones, then short ones.
#[derive(Clone, Copy)]
struct Axis {
    whole: usize,
    short: usize,
}

impl Axis {
    fn new(length: usize, even: bool) -> Self {
        let tiles = length.div_ceil(OUT);
        let short = if even { 0 } else { (tiles * OUT - length).min(tiles) };
        Self { whole: tiles - short, short }
    }

    fn count(self, short: bool) -> usize {
        if short { self.short } else { self.whole }
    }

    /// The first output of a tile.
    fn place(self, index: usize, short: bool) -> usize {
        if short { self.whole * OUT + index * OUT_SHORT } else { index * OUT }
    }
}

/// Whether tiles are short, down and across, in the order in which they are counted: those that have a point lie
/// next to each other.
const KINDS: [(bool, bool); 4] = [(true, true), (false, true), (false, false), (true, false)];

/// The tiles of a batch of maps.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    /// Of the map.
    pub(super) shape: Shape,
    pub(super) scheme: Scheme,
    down: Axis,
    across: Axis,
    /// Where the tiles of each kind end.
    ends: [usize; KINDS.len()],
}

/// Where a tile lies, and its outputs: four or three each way.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) image: usize,
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Tiles {
    /// Of maps of which both inputs and outputs have the shape.
    pub(super) fn same(shape: Shape) -> Self {
        Self::new(Scheme::Same, shape, [shape.height, shape.width], false)
    }

    /// Of maps of inputs or outputs, whose `outputs` are so high and wide. With `even` all are whole, so that none cuts
    /// through a 2×2.
    pub(super) fn new(scheme: Scheme, shape: Shape, outputs: [usize; 2], even: bool) -> Self {
        let [down, across] = outputs.map(|length| Axis::new(length, even));
        let mut end = 0;
        let ends = KINDS.map(|(is_low, is_narrow)| {
            end += shape.batch * down.count(is_low) * across.count(is_narrow);
            end
        });
        Self { shape, scheme, down, across, ends }
    }

    pub(super) fn count(self) -> usize {
        self.ends[KINDS.len() - 1]
    }

    /// Those of `count` tiles from `first` on that have the point, counted from `first`.
    pub(super) fn of_point(self, point: usize, first: usize, count: usize) -> Range<usize> {
        let [low_narrow, narrow, whole, all] = self.ends;
        let side = self.scheme.side();
        let (start, end) = match (self.scheme.drops(point / side), self.scheme.drops(point % side)) {
            (false, false) => (0, all),
            (true, false) => (low_narrow, whole),
            (false, true) => (narrow, all),
            (true, true) => (narrow, whole),
        };
        let within = |tile: usize| tile.clamp(first, first + count) - first;
        within(start)..within(end)
    }

    pub(super) fn place(self, index: usize) -> Place {
        let kind = self.ends.iter().take_while(|end| **end <= index).count();
        let index = index - if kind == 0 { 0 } else { self.ends[kind - 1] };
        let (is_low, is_narrow) = KINDS[kind];
        let (down, across) = (self.down.count(is_low), self.across.count(is_narrow));
        let outputs = |short: bool| if short { OUT_SHORT } else { OUT };
        Place {
            image: index / (down * across),
            top: self.down.place(index / across % down, is_low),
            left: self.across.place(index % across, is_narrow),
            rows: outputs(is_low),
            columns: outputs(is_narrow),
        }
    }

    /// The rows of a tile's outputs that lie inside of the map.
    pub(super) fn rows(self, place: Place) -> Range<usize> {
        place.top..self.shape.height.min(place.top + place.rows)
    }

    /// The columns.
    pub(super) fn columns(self, place: Place) -> Range<usize> {
        place.left..self.shape.width.min(place.left + place.columns)
    }
}

/// Index of a pixel's first value in maps of a shape.
pub(super) fn pixel(shape: Shape, image: usize, y: usize, x: usize) -> usize {
    ((image * shape.height + y) * shape.width + x) * shape.channels
}
