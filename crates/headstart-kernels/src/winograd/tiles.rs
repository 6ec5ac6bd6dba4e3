//! One tile of inputs, or of an output's gradient, transformed to points.

use super::grid::{Place, Tiles, pixel};
use super::scheme::{Scheme, Transform};
use super::stride2::{self, Stride2};
use super::transform::{self, OUT, OUT_SHORT, Same, both_axes};
use crate::shape::Shape;
use crate::vector::{Vector, with_vector};

/// Where a tile's transformed points go: `plane` values from a point to the next, and within
/// a point `panel` values from `width` channels to the next.
#[derive(Clone, Copy)]
pub(super) struct Planes {
    pub(super) plane: usize,
    pub(super) panel: usize,
    pub(super) width: usize,
    /// From a tile to the next, whose lines are asked for.
    pub(super) tile: usize,
}

impl Planes {
    /// All channels in a row.
    pub(super) fn rows(plane: usize, tile: usize) -> Self {
        Self { plane, panel: 1, width: 1, tile }
    }

    fn channel(self, channel: usize) -> usize {
        channel / self.width * self.panel + channel % self.width
    }
}

/// Where the pixels of a tile lie: the first value, and the ways to the next row and pixel.
#[derive(Clone, Copy)]
struct Patch {
    start: *const f32,
    row: usize,
    pixel: usize,
}

/// Transforms one tile of inputs. `border` is memory for all pixels of one.
///
/// # Safety
/// `planes` of all channels can be written from `to` on.
pub(super) unsafe fn input_tile(
    map: &[f32],
    tiles: Tiles,
    index: usize,
    border: &mut [f32],
    to: *mut f32,
    planes: Planes,
) {
    let Shape { height, width, channels, .. } = tiles.shape;
    let (place, stride) = (tiles.place(index), tiles.scheme.stride());
    let [top, left] = [place.top, place.left].map(|first| first * stride);
    // Where the last windows end: at stride 1 a pixel behind the outputs, at stride 2 with them.
    let [bottom, right] =
        [top + place.rows * stride, left + place.columns * stride].map(|end| end + 2 - stride);
    let is_inside = top > 0 && left > 0 && bottom <= height && right <= width;
    let patch = match is_inside {
        true => {
            let start = map[pixel(tiles.shape, place.image, top - 1, left - 1)..].as_ptr();
            Patch { start, row: width * channels, pixel: channels }
        }
        false => {
            copy_with_border(map, tiles, (place.image, top, left), border);
            Patch { start: border.as_ptr(), row: tiles.scheme.side() * channels, pixel: channels }
        }
    };
    // SAFETY: the patch lies inside of the map or of the copy; the planes are the caller's.
    unsafe { patch_dispatched(patch, tiles.scheme, place, channels, to, planes) }
}

/// Copies the pixels of a tile that crosses the map's border, zeros outside of it.
fn copy_with_border(map: &[f32], tiles: Tiles, (image, top, left): (usize, usize, usize), to: &mut [f32]) {
    let Shape { height, width, channels, .. } = tiles.shape;
    let side = tiles.scheme.side();
    let columns = usize::from(left == 0)..side.min(width + 1 - left);
    for (row, line) in to.chunks_exact_mut(side * channels).enumerate() {
        let Some(y) = (top + row).checked_sub(1).filter(|y| *y < height) else {
            line.fill(0.0);
            continue;
        };
        let from = pixel(tiles.shape, image, y, left + columns.start - 1);
        line[..columns.start * channels].fill(0.0);
        line[columns.start * channels..columns.end * channels]
            .copy_from_slice(&map[from..][..columns.len() * channels]);
        line[columns.end * channels..].fill(0.0);
    }
}

with_vector! {
    unsafe fn patch_dispatched(
        patch: Patch, scheme: Scheme, place: Place, channels: usize, to: *mut f32, planes: Planes,
    ) = patch_with;
}

#[inline(always)]
unsafe fn patch_with<V: Vector>(
    patch: Patch,
    scheme: Scheme,
    place: Place,
    channels: usize,
    to: *mut f32,
    planes: Planes,
) {
    // SAFETY: the caller's contract.
    unsafe {
        match scheme {
            Scheme::Same => patch_by::<V, Same, { transform::IN }>(patch, place, channels, to, planes),
            Scheme::Stride2 => patch_by::<V, Stride2, { stride2::IN }>(patch, place, channels, to, planes),
        }
    }
}

#[inline(always)]
unsafe fn patch_by<V: Vector, A: Transform<IN>, const IN: usize>(
    patch: Patch,
    place: Place,
    channels: usize,
    to: *mut f32,
    planes: Planes,
) {
    // SAFETY: the caller's contract.
    unsafe {
        match (place.rows == OUT_SHORT, place.columns == OUT_SHORT) {
            (false, false) => patch_of::<V, A, IN, false, false>(patch, channels, to, planes),
            (false, true) => patch_of::<V, A, IN, false, true>(patch, channels, to, planes),
            (true, false) => patch_of::<V, A, IN, true, false>(patch, channels, to, planes),
            (true, true) => patch_of::<V, A, IN, true, true>(patch, channels, to, planes),
        }
    }
}

#[inline(always)]
unsafe fn patch_of<V: Vector, A: Transform<IN>, const IN: usize, const LOW: bool, const NARROW: bool>(
    patch: Patch,
    channels: usize,
    to: *mut f32,
    planes: Planes,
) {
    for channel in (0..channels).step_by(V::LANES) {
        // SAFETY: channels come in whole registers; the rest is the caller's contract.
        unsafe {
            let from = patch.start.add(channel);
            let mut values = [[V::splat(0.0); IN]; IN];
            for (row, line) in values.iter_mut().take(if LOW { IN - A::STRIDE } else { IN }).enumerate() {
                for (column, value) in
                    line.iter_mut().take(if NARROW { IN - A::STRIDE } else { IN }).enumerate()
                {
                    let from = from.add(row * patch.row + column * patch.pixel);
                    *value = V::load(from);
                    // The next tile's, of which this one has the first columns.
                    if column >= IN - OUT * A::STRIDE {
                        V::prefetch(from.wrapping_add(OUT * A::STRIDE * patch.pixel));
                    }
                }
            }
            let points = both_axes!(A::input::<V, LOW>, A::input::<V, NARROW>, values, IN => IN);
            let to = to.add(planes.channel(channel));
            write_points(points, to, planes.plane);
            fetch_points::<V>(to.wrapping_add(planes.tile), planes.plane, IN * IN);
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
    let place = tiles.place(index);
    // SAFETY: the caller's contract.
    unsafe {
        match (place.rows == OUT_SHORT, place.columns == OUT_SHORT) {
            (false, false) => gradient_of::<V, false, false>(map, tiles, place, to, planes),
            (false, true) => gradient_of::<V, false, true>(map, tiles, place, to, planes),
            (true, false) => gradient_of::<V, true, false>(map, tiles, place, to, planes),
            (true, true) => gradient_of::<V, true, true>(map, tiles, place, to, planes),
        }
    }
}

#[inline(always)]
unsafe fn gradient_of<V: Vector, const LOW: bool, const NARROW: bool>(
    map: &[f32],
    tiles: Tiles,
    place: Place,
    to: *mut f32,
    planes: Planes,
) {
    for channel in (0..tiles.shape.channels).step_by(V::LANES) {
        // SAFETY: pixels are inside of the map, channels come in whole registers.
        unsafe {
            let mut values = [[V::splat(0.0); OUT]; OUT];
            for (line, y) in values.iter_mut().zip(tiles.rows(place)) {
                for (value, x) in line.iter_mut().zip(tiles.columns(place)) {
                    *value = V::load(map.as_ptr().add(pixel(tiles.shape, place.image, y, x) + channel));
                }
            }
            let points = both_axes!(
                transform::output_transposed::<V, LOW>, transform::output_transposed::<V, NARROW>, values, OUT => transform::IN
            );
            let to = to.add(planes.channel(channel));
            write_points(points, to, planes.plane);
            fetch_points::<V>(to.wrapping_add(planes.tile), planes.plane, points.as_flattened().len());
        }
    }
}

/// The same, written.
#[inline(always)]
pub(super) unsafe fn write_points<V: Vector, const IN: usize>(
    points: [[V; IN]; IN],
    to: *mut f32,
    plane: usize,
) {
    let mut to = to;
    for value in points.as_flattened() {
        // SAFETY: the caller vouches for the planes.
        unsafe {
            value.store(to);
            to = to.wrapping_add(plane);
        }
    }
}

/// Asks for all planes of one tile's channels: so many streams no processor foresees.
#[inline(always)]
pub(super) fn fetch_points<V: Vector>(at: *const f32, plane: usize, points: usize) {
    (0..points).for_each(|point| V::prefetch(at.wrapping_add(point * plane)));
}
