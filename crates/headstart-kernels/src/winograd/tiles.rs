//! What is done to one tile: its inputs, outputs or gradients transformed, to or from 36 points.

use super::POINTS;
use super::grid::{Place, Tiles, pixel};
use super::transform::{self, IN, OUT, OUT_SHORT, both_axes};
use crate::disjoint::Disjoint;
use crate::matmul::Finish;
use crate::shape::Shape;
use crate::vector::{Vector, with_vector};

/// Where a tile's 36 transformed points go: `plane` values from a point to the next, and within
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

/// Where the 6×6 pixels of a tile lie: the first value, and the ways to the next row and pixel.
#[derive(Clone, Copy)]
struct Patch {
    start: *const f32,
    row: usize,
    pixel: usize,
}

/// Transforms one tile of inputs. `border` is memory for 6×6 pixels.
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
    let place = tiles.place(index);
    let Place { image, top, left, rows, columns } = place;
    let is_inside = top > 0 && left > 0 && top + rows < height && left + columns < width;
    let patch = match is_inside {
        true => {
            let start = map[pixel(tiles.shape, image, top - 1, left - 1)..].as_ptr();
            Patch { start, row: width * channels, pixel: channels }
        }
        false => {
            copy_with_border(map, tiles, place, border);
            Patch { start: border.as_ptr(), row: IN * channels, pixel: channels }
        }
    };
    // SAFETY: the patch lies inside of the map or of the copy; the planes are the caller's.
    unsafe { patch_dispatched(patch, place, channels, to, planes) }
}

/// Copies the pixels of a tile that crosses the map's border, zeros outside of it.
fn copy_with_border(map: &[f32], tiles: Tiles, place: Place, to: &mut [f32]) {
    let Place { image, top, left, .. } = place;
    let Shape { height, width, channels, .. } = tiles.shape;
    let columns = usize::from(left == 0)..IN.min(width + 1 - left);
    for (row, line) in to.chunks_exact_mut(IN * channels).enumerate() {
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
    unsafe fn patch_dispatched(patch: Patch, place: Place, channels: usize, to: *mut f32, planes: Planes) = patch_with;
}

#[inline(always)]
unsafe fn patch_with<V: Vector>(patch: Patch, place: Place, channels: usize, to: *mut f32, planes: Planes) {
    // SAFETY: the caller's contract.
    unsafe {
        match (place.rows == OUT_SHORT, place.columns == OUT_SHORT) {
            (false, false) => patch_of::<V, false, false>(patch, channels, to, planes),
            (false, true) => patch_of::<V, false, true>(patch, channels, to, planes),
            (true, false) => patch_of::<V, true, false>(patch, channels, to, planes),
            (true, true) => patch_of::<V, true, true>(patch, channels, to, planes),
        }
    }
}

#[inline(always)]
unsafe fn patch_of<V: Vector, const LOW: bool, const NARROW: bool>(
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
            for (row, line) in values.iter_mut().take(IN - usize::from(LOW)).enumerate() {
                for (column, value) in line.iter_mut().take(IN - usize::from(NARROW)).enumerate() {
                    let from = from.add(row * patch.row + column * patch.pixel);
                    *value = V::load(from);
                    // The next tile's, of which this one has the first columns.
                    if column >= IN - OUT {
                        V::prefetch(from.wrapping_add(OUT * patch.pixel));
                    }
                }
            }
            let points = both_axes!(input, LOW, NARROW, values, IN => IN);
            let to = to.add(planes.channel(channel));
            write_points(points, to, planes.plane);
            fetch_points::<V>(to.wrapping_add(planes.tile), planes.plane);
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
            let points = both_axes!(output_transposed, LOW, NARROW, values, OUT => IN);
            let to = to.add(planes.channel(channel));
            write_points(points, to, planes.plane);
            fetch_points::<V>(to.wrapping_add(planes.tile), planes.plane);
        }
    }
}

/// The same, written.
#[inline(always)]
pub(super) unsafe fn write_points<V: Vector>(points: [[V; IN]; IN], to: *mut f32, plane: usize) {
    let mut to = to;
    for value in points.as_flattened() {
        // SAFETY: the caller vouches for 36 planes.
        unsafe {
            value.store(to);
            to = to.wrapping_add(plane);
        }
    }
}

/// Asks for 36 planes of one tile's channels: so many streams no processor foresees.
#[inline(always)]
fn fetch_points<V: Vector>(at: *const f32, plane: usize) {
    (0..POINTS).for_each(|point| V::prefetch(at.wrapping_add(point * plane)));
}

/// 36 planes of one tile's channels.
#[inline(always)]
pub(super) unsafe fn read_points<V: Vector>(from: *const f32, plane: usize) -> [[V; IN]; IN] {
    // SAFETY: the caller vouches for 36 planes.
    unsafe {
        let mut points = [[V::splat(0.0); IN]; IN];
        let mut from = from;
        for value in points.as_flattened_mut() {
            *value = V::load(from);
            from = from.wrapping_add(plane);
        }
        points
    }
}

with_vector! {
    /// Transforms `channels` of one tile of products back and writes its outputs, or with `pool`
    /// the largest of each 2×2 of them.
    pub(super) unsafe fn output_tile(
        products: Products, tiles: Tiles, index: usize, output: &Disjoint<'_>, finish: Finish<'_>, pool: bool,
    ) = output_tile_with;
}

/// The products of some channels of one tile.
#[derive(Clone, Copy)]
pub(super) struct Products {
    pub(super) start: *const f32,
    /// From a point to the next.
    pub(super) plane: usize,
    /// The channels: the first, and how many.
    pub(super) first: usize,
    pub(super) channels: usize,
}

#[inline(always)]
unsafe fn output_tile_with<V: Vector>(
    products: Products,
    tiles: Tiles,
    index: usize,
    output: &Disjoint<'_>,
    finish: Finish<'_>,
    pool: bool,
) {
    let place = tiles.place(index);
    // SAFETY: the caller's contract.
    unsafe {
        match (place.rows == OUT_SHORT, place.columns == OUT_SHORT) {
            (false, false) => output_of::<V, false, false>(products, tiles, place, output, finish, pool),
            (false, true) => output_of::<V, false, true>(products, tiles, place, output, finish, pool),
            (true, false) => output_of::<V, true, false>(products, tiles, place, output, finish, pool),
            (true, true) => output_of::<V, true, true>(products, tiles, place, output, finish, pool),
        }
    }
}

#[inline(always)]
unsafe fn output_of<V: Vector, const LOW: bool, const NARROW: bool>(
    products: Products,
    tiles: Tiles,
    place: Place,
    output: &Disjoint<'_>,
    finish: Finish<'_>,
    pool: bool,
) {
    for offset in (0..products.channels).step_by(V::LANES) {
        let channel = products.first + offset;
        // SAFETY: pixels over the border are left out; this tile's pixels are no other's.
        unsafe {
            let points = read_points::<V>(products.start.add(offset), products.plane);
            fetch_points::<V>(products.start.wrapping_add(offset + products.channels), products.plane);
            let values = both_axes!(output, LOW, NARROW, points, IN => OUT);
            let bias = match finish.bias {
                Some(bias) => V::load(bias.as_ptr().add(channel)),
                None => V::splat(0.0),
            };
            match pool {
                true => write_pooled(values, bias, tiles, place, channel, output, finish.activation.range()),
                false => write_all(values, bias, tiles, place, channel, output, finish),
            }
        }
    }
    if finish.activation.is_curve() {
        for (y, x) in tiles.rows(place).flat_map(|y| tiles.columns(place).map(move |x| (y, x))) {
            let start = pixel(tiles.shape, place.image, y, x) + products.first;
            // SAFETY: these channels of this tile's pixels were written above.
            let values = unsafe { std::slice::from_raw_parts_mut(output.at(start), products.channels) };
            finish.activation.bend(values);
        }
    }
}

#[inline(always)]
unsafe fn write_all<V: Vector>(
    values: [[V; OUT]; OUT],
    bias: V,
    tiles: Tiles,
    place: Place,
    channel: usize,
    output: &Disjoint<'_>,
    finish: Finish<'_>,
) {
    // SAFETY: the caller's contract.
    unsafe {
        for (line, y) in values.into_iter().zip(tiles.rows(place)) {
            for (value, x) in line.into_iter().zip(tiles.columns(place)) {
                let place = pixel(tiles.shape, place.image, y, x) + channel;
                let mut value = value.add(bias);
                if let Some(residual) = finish.residual {
                    value = value.add(V::load(residual.as_ptr().add(place)));
                }
                let to = output.at(place);
                // And the next tile's pixel is asked for: a store, too, has to wait for its line.
                value.clamp(finish.activation.range()).store(to);
                V::prefetch(to.wrapping_add(OUT * tiles.shape.channels));
            }
        }
    }
}

/// The largest of each 2×2: what is clamped and then pooled may be pooled and then clamped.
#[inline(always)]
unsafe fn write_pooled<V: Vector>(
    values: [[V; OUT]; OUT],
    bias: V,
    tiles: Tiles,
    Place { image, top, left, .. }: Place,
    channel: usize,
    output: &Disjoint<'_>,
    range: (f32, f32),
) {
    let shape = Shape { height: tiles.shape.height / 2, width: tiles.shape.width / 2, ..tiles.shape };
    // SAFETY: the caller's contract; a map of even sides ends with a whole 2×2.
    unsafe {
        for (row, y) in (top / 2..shape.height).take(OUT / 2).enumerate() {
            for (column, x) in (left / 2..shape.width).take(OUT / 2).enumerate() {
                let (upper, lower) = (values[2 * row], values[2 * row + 1]);
                let above = upper[2 * column].larger(upper[2 * column + 1]);
                let below = lower[2 * column].larger(lower[2 * column + 1]);
                let value = above.larger(below).add(bias).clamp(range);
                let to = output.at(pixel(shape, image, y, x) + channel);
                value.store(to);
                V::prefetch(to.wrapping_add(OUT / 2 * tiles.shape.channels));
            }
        }
    }
}
