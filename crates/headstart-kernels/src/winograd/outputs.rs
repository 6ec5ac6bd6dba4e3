//! One tile of products, transformed back to outputs.

use super::grid::{Place, Tiles, pixel};
use super::scheme::{Scheme, Transform};
use super::stride2::{self, Stride2};
use super::tiles::fetch_points;
use super::transform::{self, OUT, OUT_SHORT, Same, both_axes};
use crate::disjoint::Disjoint;
use crate::matmul::Epilogue;
use crate::shape::Shape;
use crate::vector::{Vector, with_vector};

with_vector! {
    /// Transforms `channels` of one tile of products back and writes its outputs, or with `pool`
    /// the largest of each 2×2 of them.
    pub(super) unsafe fn output_tile(
        products: Products, tiles: Tiles, index: usize, output: &Disjoint<'_>, epilogue: Epilogue<'_>, pool: bool,
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
    epilogue: Epilogue<'_>,
    pool: bool,
) {
    let place = tiles.place(index);
    // SAFETY: the caller's contract.
    unsafe {
        match tiles.scheme {
            Scheme::Same => {
                output_by::<V, Same, { transform::IN }>(products, tiles, place, output, epilogue, pool);
            }
            Scheme::Stride2 => {
                output_by::<V, Stride2, { stride2::IN }>(products, tiles, place, output, epilogue, pool);
            }
        }
    }
}

#[inline(always)]
unsafe fn output_by<V: Vector, A: Transform<IN>, const IN: usize>(
    products: Products,
    tiles: Tiles,
    place: Place,
    output: &Disjoint<'_>,
    epilogue: Epilogue<'_>,
    pool: bool,
) {
    // SAFETY: the caller's contract.
    unsafe {
        match (place.rows == OUT_SHORT, place.columns == OUT_SHORT) {
            (false, false) => {
                output_of::<V, A, IN, false, false>(products, tiles, place, output, epilogue, pool)
            }
            (false, true) => {
                output_of::<V, A, IN, false, true>(products, tiles, place, output, epilogue, pool)
            }
            (true, false) => {
                output_of::<V, A, IN, true, false>(products, tiles, place, output, epilogue, pool)
            }
            (true, true) => output_of::<V, A, IN, true, true>(products, tiles, place, output, epilogue, pool),
        }
    }
}

#[inline(always)]
unsafe fn output_of<V: Vector, A: Transform<IN>, const IN: usize, const LOW: bool, const NARROW: bool>(
    products: Products,
    tiles: Tiles,
    place: Place,
    output: &Disjoint<'_>,
    epilogue: Epilogue<'_>,
    pool: bool,
) {
    for offset in (0..products.channels).step_by(V::LANES) {
        let channel = products.first + offset;
        // SAFETY: pixels over the border are left out; this tile's pixels are no other's.
        unsafe {
            let points = read_points::<V, IN>(products.start.add(offset), products.plane);
            let next = products.start.wrapping_add(offset + products.channels);
            fetch_points::<V>(next, products.plane, IN * IN);
            let values = both_axes!(A::output::<V, LOW>, A::output::<V, NARROW>, points, IN => OUT);
            let bias = match epilogue.bias {
                Some(bias) => V::load(bias.as_ptr().add(channel)),
                None => V::splat(0.0),
            };
            match pool {
                true => {
                    write_pooled(values, bias, tiles, place, channel, output, epilogue.activation.range())
                }
                false => write_all(values, bias, tiles, place, channel, output, epilogue),
            }
        }
    }
    if epilogue.activation.is_curve() {
        for (y, x) in tiles.rows(place).flat_map(|y| tiles.columns(place).map(move |x| (y, x))) {
            let start = pixel(tiles.shape, place.image, y, x) + products.first;
            // SAFETY: these channels of this tile's pixels were written above.
            let values = unsafe { std::slice::from_raw_parts_mut(output.at(start), products.channels) };
            epilogue.activation.bend(values);
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
    epilogue: Epilogue<'_>,
) {
    // SAFETY: the caller's contract.
    unsafe {
        for (line, y) in values.into_iter().zip(tiles.rows(place)) {
            for (value, x) in line.into_iter().zip(tiles.columns(place)) {
                let place = pixel(tiles.shape, place.image, y, x) + channel;
                let mut value = value.add(bias);
                if let Some(residual) = epilogue.residual {
                    value = value.add(V::load(residual.as_ptr().add(place)));
                }
                let to = output.at(place);
                // And the next tile's pixel is asked for: a store, too, has to wait for its line.
                value.clamp(epilogue.activation.range()).store(to);
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

/// All planes of one tile's channels.
#[inline(always)]
pub(super) unsafe fn read_points<V: Vector, const IN: usize>(
    from: *const f32,
    plane: usize,
) -> [[V; IN]; IN] {
    // SAFETY: the caller vouches for the planes.
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
