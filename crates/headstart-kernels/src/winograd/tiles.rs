//! Maps cut into tiles: 4×4 outputs, or the 6×6 inputs that they are computed from.

use super::transform::{self, IN, OUT, both_axes};
use crate::disjoint::Disjoint;
use crate::matmul::Finish;
use crate::shape::Shape;
use crate::vector::{Vector, with_vector};

/// The tiles of a batch of maps.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    shape: Shape,
    down: usize,
    across: usize,
}

impl Tiles {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, down: shape.height.div_ceil(OUT), across: shape.width.div_ceil(OUT) }
    }

    pub(super) fn count(self) -> usize {
        self.shape.batch * self.down * self.across
    }

    /// Image, top row and left column of tile `index`.
    fn place(self, index: usize) -> (usize, usize, usize) {
        let within = index % (self.down * self.across);
        (index / (self.down * self.across), within / self.across * OUT, within % self.across * OUT)
    }

    /// Index of a pixel's first value.
    fn pixel(self, image: usize, y: usize, x: usize) -> usize {
        ((image * self.shape.height + y) * self.shape.width + x) * self.shape.channels
    }
}

/// Where a tile's 36 transformed points go: `plane` values from a point to the next, and within
/// a point `panel` values from `width` channels to the next.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    pub(super) plane: usize,
    pub(super) panel: usize,
    pub(super) width: usize,
}

impl Planes {
    /// All channels in a row.
    pub(super) fn rows(plane: usize) -> Self {
        Self { plane, panel: 1, width: 1 }
    }

    fn channel(self, channel: usize) -> usize {
        channel / self.width * self.panel + channel % self.width
    }
}

with_vector! {
    /// Transforms one tile of inputs.
    pub(super) unsafe fn input_tile(map: &[f32], tiles: Tiles, index: usize, to: *mut f32, planes: Planes) = input_tile_with;
}

#[inline(always)]
unsafe fn input_tile_with<V: Vector>(map: &[f32], tiles: Tiles, index: usize, to: *mut f32, planes: Planes) {
    let (image, top, left) = tiles.place(index);
    let inside = |start: usize, offset: usize, length: usize| {
        (start + offset).checked_sub(1).filter(|place| *place < length)
    };
    let rows: [Option<usize>; IN] = std::array::from_fn(|offset| inside(top, offset, tiles.shape.height));
    let columns: [Option<usize>; IN] = std::array::from_fn(|offset| inside(left, offset, tiles.shape.width));
    for channel in (0..tiles.shape.channels).step_by(V::LANES) {
        // SAFETY: pixels are inside of the map, channels come in whole registers.
        unsafe {
            let mut values = [[V::splat(0.0); IN]; IN];
            for (line, y) in values.iter_mut().zip(&rows) {
                let Some(y) = y else { continue };
                for (value, x) in line.iter_mut().zip(&columns) {
                    if let Some(x) = x {
                        *value = V::load(map.as_ptr().add(tiles.pixel(image, *y, *x) + channel));
                    }
                }
            }
            let points = both_axes!(transform::input, values, IN => IN);
            write_points(points, to.add(planes.channel(channel)), planes.plane);
        }
    }
}

with_vector! {
    /// Transforms one tile of an output's gradient.
    pub(super) unsafe fn gradient_tile(map: &[f32], tiles: Tiles, index: usize, to: *mut f32, planes: Planes) = gradient_tile_with;
}

#[inline(always)]
unsafe fn gradient_tile_with<V: Vector>(
    map: &[f32],
    tiles: Tiles,
    index: usize,
    to: *mut f32,
    planes: Planes,
) {
    let (image, top, left) = tiles.place(index);
    for channel in (0..tiles.shape.channels).step_by(V::LANES) {
        // SAFETY: pixels are inside of the map, channels come in whole registers.
        unsafe {
            let mut values = [[V::splat(0.0); OUT]; OUT];
            for (line, y) in values.iter_mut().zip(top..tiles.shape.height) {
                for (value, x) in line.iter_mut().zip(left..tiles.shape.width) {
                    *value = V::load(map.as_ptr().add(tiles.pixel(image, y, x) + channel));
                }
            }
            let points = both_axes!(transform::output_transposed, values, OUT => IN);
            write_points(points, to.add(planes.channel(channel)), planes.plane);
        }
    }
}

/// The same, written.
#[inline(always)]
pub(super) unsafe fn write_points<V: Vector>(points: [[V; IN]; IN], to: *mut f32, plane: usize) {
    for (row, line) in points.iter().enumerate() {
        for (column, value) in line.iter().enumerate() {
            // SAFETY: the caller vouches for 36 planes.
            unsafe { value.store(to.add((row * IN + column) * plane)) }
        }
    }
}

/// 36 planes of one tile's channels.
#[inline(always)]
pub(super) unsafe fn read_points<V: Vector>(from: *const f32, plane: usize) -> [[V; IN]; IN] {
    // SAFETY: the caller vouches for 36 planes.
    unsafe {
        let mut points = [[V::splat(0.0); IN]; IN];
        for (row, line) in points.iter_mut().enumerate() {
            for (column, value) in line.iter_mut().enumerate() {
                *value = V::load(from.add((row * IN + column) * plane));
            }
        }
        points
    }
}

with_vector! {
    /// Transforms one tile of products back and writes its outputs.
    pub(super) unsafe fn output_tile(
        from: *const f32, plane: usize, tiles: Tiles, index: usize, output: &Disjoint<'_>, finish: Finish<'_>,
    ) = output_tile_with;
}

#[inline(always)]
unsafe fn output_tile_with<V: Vector>(
    from: *const f32,
    plane: usize,
    tiles: Tiles,
    index: usize,
    output: &Disjoint<'_>,
    finish: Finish<'_>,
) {
    let (image, top, left) = tiles.place(index);
    for channel in (0..tiles.shape.channels).step_by(V::LANES) {
        // SAFETY: pixels over the border are left out; this tile's pixels are no other's.
        unsafe {
            let values = both_axes!(transform::output, read_points::<V>(from.add(channel), plane), IN => OUT);
            let bias = finish.bias.map_or(V::splat(0.0), |bias| V::load(bias.as_ptr().add(channel)));
            for (line, y) in values.into_iter().zip(top..tiles.shape.height) {
                for (value, x) in line.into_iter().zip(left..tiles.shape.width) {
                    let place = tiles.pixel(image, y, x) + channel;
                    let mut value = value.add(bias);
                    if let Some(residual) = finish.residual {
                        value = value.add(V::load(residual.as_ptr().add(place)));
                    }
                    value.clamp(finish.range).store(output.at(place));
                }
            }
        }
    }
}
