//! 3×3 convolutions at stride 1 by Winograd's F(4×4, 3×3) (Lavin & Gray 2016, arXiv:1509.09308):
//! tiles of 6×6 inputs become 4×4 outputs through 36 matrix products, 2.25 multiplications for
//! each output and channel pair instead of 9.

use rayon::prelude::*;

use crate::disjoint::Disjoint;
use crate::matmul::{Finish, PackedMatrix, multiply};
use crate::shape::{Convolution, Padding, Shape};
use crate::vector::{Vector, with_vector};

/// Sides of the output and the input tile.
const OUT: usize = 4;
const IN: usize = 6;
/// Channels are handled in whole registers of the widest vector.
const LANES: usize = 16;
/// Bytes of transformed tiles that a task keeps in its core's cache.
const CACHE: usize = 1 << 20;

/// The weights' transform `G` (Lavin & Gray 2016).
const G: [[f32; 3]; IN] = [
    [0.25, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// Weights in the Winograd domain: 36 matrices `[in, out]`.
#[derive(Debug)]
pub(crate) struct Winograd {
    matrices: Vec<PackedMatrix>,
}

/// The tiles of a batch of maps.
#[derive(Clone, Copy)]
struct Tiles {
    shape: Shape,
    down: usize,
    across: usize,
}

impl Tiles {
    fn new(shape: Shape) -> Self {
        Self { shape, down: shape.height.div_ceil(OUT), across: shape.width.div_ceil(OUT) }
    }

    fn count(self) -> usize {
        self.shape.batch * self.down * self.across
    }

    /// Image, top row and left column of tile `index`.
    fn place(self, index: usize) -> (usize, usize, usize) {
        let within = index % (self.down * self.across);
        (index / (self.down * self.across), within / self.across * OUT, within % self.across * OUT)
    }
}

impl Winograd {
    /// Whether this algorithm computes `geometry`.
    pub(crate) fn fits(geometry: &Convolution) -> bool {
        let same = Padding { top: 1, bottom: 1, left: 1, right: 1 };
        geometry.kernel == [3, 3]
            && geometry.stride == [1, 1]
            && geometry.padding == same
            && geometry.groups == 1
            && geometry.in_channels.is_multiple_of(LANES)
            && geometry.out_channels.is_multiple_of(LANES)
    }

    pub(crate) fn new(geometry: &Convolution, weight: &[f32]) -> Self {
        let channels = geometry.in_channels;
        let transformed: Vec<[f32; IN * IN]> = weight.par_chunks_exact(9).map(transform_kernel).collect();
        let matrices = (0..IN * IN).into_par_iter().map(|point| {
            PackedMatrix::new(channels, geometry.out_channels, |input, output| {
                transformed[output * channels + input][point]
            })
        });
        Self { matrices: matrices.collect() }
    }

    pub(crate) fn forward(&self, input: &[f32], shape: Shape, output: &mut [f32], finish: Finish<'_>) {
        let (inputs, outputs) = (self.matrices[0].rows, self.matrices[0].columns);
        let tiles = Tiles::new(shape);
        let fair = tiles.count().div_ceil(rayon::current_num_threads());
        let block = (CACHE / (IN * IN * 4 * inputs)).clamp(12, 96).max(if inputs >= 512 { 48 } else { 0 });
        let block = block.min(fair).max(1);
        let output = Disjoint::new(output);
        let scratch = || (vec![0.0; IN * IN * block * inputs], vec![0.0; IN * IN * block * outputs]);
        (0..tiles.count().div_ceil(block)).into_par_iter().for_each_init(scratch, |(v, m), index| {
            let first = index * block;
            let count = block.min(tiles.count() - first);
            // SAFETY: the scratch holds `block` tiles; tiles of different blocks do not overlap.
            unsafe {
                for tile in 0..count {
                    let to = v.as_mut_ptr().add(tile * inputs);
                    input_tile(input, tiles, first + tile, to, block * inputs);
                }
                for (point, matrix) in self.matrices.iter().enumerate() {
                    let rows = &v[point * block * inputs..][..count * inputs];
                    let products = &mut m[point * block * outputs..][..count * outputs];
                    multiply(rows, matrix, products, Finish::PLAIN);
                }
                for tile in 0..count {
                    let from = m.as_ptr().add(tile * outputs);
                    output_tile(from, block * outputs, tiles, first + tile, outputs, &output, finish);
                }
            }
        });
    }
}

/// `G · kernel · Gᵀ`.
fn transform_kernel(kernel: &[f32]) -> [f32; IN * IN] {
    let half: [[f32; 3]; IN] = std::array::from_fn(|row| {
        std::array::from_fn(|column| (0..3).map(|k| G[row][k] * kernel[k * 3 + column]).sum())
    });
    std::array::from_fn(|point| (0..3).map(|k| half[point / IN][k] * G[point % IN][k]).sum())
}

/// `Bᵀ · d` for one column of six.
#[inline(always)]
unsafe fn transform_input<V: Vector>(d: [V; IN]) -> [V; IN] {
    // SAFETY: arithmetic under the caller's instruction set.
    unsafe {
        let constant = |value: f32| V::splat(value);
        let even = d[2].multiply_add(constant(-4.0), d[4]);
        let odd = d[1].multiply_add(constant(-4.0), d[3]);
        let near = d[4].sub(d[2]);
        let far = d[3].sub(d[1]);
        [
            d[0].multiply_add(constant(4.0), d[2].multiply_add(constant(-5.0), d[4])),
            even.add(odd),
            even.sub(odd),
            far.multiply_add(constant(2.0), near),
            far.multiply_add(constant(-2.0), near),
            d[1].multiply_add(constant(4.0), d[3].multiply_add(constant(-5.0), d[5])),
        ]
    }
}

/// `Aᵀ · m` for one column of six.
#[inline(always)]
unsafe fn transform_output<V: Vector>(m: [V; IN]) -> [V; OUT] {
    // SAFETY: arithmetic under the caller's instruction set.
    unsafe {
        let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
        let (far_sum, far_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
        [
            m[0].add(sum.add(far_sum)),
            far_difference.multiply_add(V::splat(2.0), difference),
            far_sum.multiply_add(V::splat(4.0), sum),
            m[5].add(far_difference.multiply_add(V::splat(8.0), difference)),
        ]
    }
}

with_vector! {
    /// Transforms one input tile; point `p` of the 36 goes to `to + p · stride`.
    unsafe fn input_tile(input: &[f32], tiles: Tiles, index: usize, to: *mut f32, stride: usize) = input_tile_with;
}

#[inline(always)]
unsafe fn input_tile_with<V: Vector>(input: &[f32], tiles: Tiles, index: usize, to: *mut f32, stride: usize) {
    let shape = tiles.shape;
    let (image, top, left) = tiles.place(index);
    let inside = |start: usize, offset: usize, length: usize| {
        (start + offset).checked_sub(1).filter(|place| *place < length)
    };
    let rows: [Option<usize>; IN] = std::array::from_fn(|offset| inside(top, offset, shape.height));
    let columns: [Option<usize>; IN] = std::array::from_fn(|offset| inside(left, offset, shape.width));
    for channel in (0..shape.channels).step_by(V::LANES) {
        // SAFETY: pixels are inside of the map, channels come in whole registers.
        unsafe {
            let mut half = [[V::splat(0.0); IN]; IN];
            for (column, x) in columns.iter().enumerate() {
                let Some(x) = x else { continue };
                let mut values = [V::splat(0.0); IN];
                for (value, y) in values.iter_mut().zip(&rows) {
                    if let Some(y) = y {
                        let pixel = (image * shape.height + y) * shape.width + x;
                        *value = V::load(input.as_ptr().add(pixel * shape.channels + channel));
                    }
                }
                for (row, value) in transform_input(values).into_iter().enumerate() {
                    half[row][column] = value;
                }
            }
            for (row, values) in half.into_iter().enumerate() {
                for (column, value) in transform_input(values).into_iter().enumerate() {
                    value.store(to.add((row * IN + column) * stride + channel));
                }
            }
        }
    }
}

with_vector! {
    /// Transforms one tile of products back and writes its outputs.
    unsafe fn output_tile(
        from: *const f32, stride: usize, tiles: Tiles, index: usize, channels: usize, output: &Disjoint<'_>, finish: Finish<'_>,
    ) = output_tile_with;
}

#[inline(always)]
unsafe fn output_tile_with<V: Vector>(
    from: *const f32,
    stride: usize,
    tiles: Tiles,
    index: usize,
    channels: usize,
    output: &Disjoint<'_>,
    finish: Finish<'_>,
) {
    let shape = tiles.shape;
    let (image, top, left) = tiles.place(index);
    for channel in (0..channels).step_by(V::LANES) {
        // SAFETY: pixels over the border are left out; this tile's pixels are no other's.
        unsafe {
            let mut half = [[V::splat(0.0); IN]; OUT];
            #[allow(clippy::needless_range_loop)] // columns of a matrix kept by rows
            for column in 0..IN {
                let values =
                    std::array::from_fn(|row| V::load(from.add((row * IN + column) * stride + channel)));
                for (row, value) in transform_output(values).into_iter().enumerate() {
                    half[row][column] = value;
                }
            }
            let bias = finish.bias.map_or(V::splat(0.0), |bias| V::load(bias.as_ptr().add(channel)));
            for (row, values) in half.into_iter().enumerate().take(shape.height - top.min(shape.height)) {
                for (column, value) in transform_output(values).into_iter().enumerate() {
                    if left + column >= shape.width {
                        break;
                    }
                    let pixel = (image * shape.height + top + row) * shape.width + left + column;
                    let place = pixel * channels + channel;
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
