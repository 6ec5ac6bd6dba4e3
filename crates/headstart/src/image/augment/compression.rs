//! What JPEG compression does to a picture: its blocks' frequencies, rounded. No file is written.

use super::planes::Planes;

/// Pixels of a block's side.
const BLOCK: usize = 8;

type Table = [f32; BLOCK * BLOCK];

/// Annex K.1 of ITU-T T.81: how coarsely brightness is rounded at quality 50.
const BRIGHTNESS: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17,
    22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78,
    87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
/// The same of colour.
const COLOUR: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
];

/// Rounds as a JPEG file of this quality (1 to 100, libjpeg's scale) does: frequencies of 8×8 blocks, colour at half the
/// resolution, then whole grey levels.
pub(super) fn compress(planes: &mut Planes, quality: f32) {
    let size = planes.size();
    let [brightness, colour] = [BRIGHTNESS, COLOUR].map(|table| scaled(&table, quality));
    match planes.planes() {
        [grey] => quantise(grey, size, &brightness),
        [red, green, blue] => {
            let [mut y, mut cb, mut cr] = to_ycbcr([red, green, blue]);
            quantise(&mut y, size, &brightness);
            for chroma in [&mut cb, &mut cr] {
                let half = size.div_ceil(2);
                let mut small = halved(chroma, size);
                quantise(&mut small, half, &colour);
                *chroma = (0..size * size).map(|at| small[at / size / 2 * half + at % size / 2]).collect();
            }
            from_ycbcr([&y, &cb, &cr], [red, green, blue]);
        }
        _ => {}
    }
    for plane in planes.planes() {
        plane.iter_mut().for_each(|level| *level = level.round().clamp(0.0, 255.0));
    }
}

/// A table at another quality than 50, as libjpeg's `jpeg_quality_scaling`.
fn scaled(table: &[u16; 64], quality: f32) -> Table {
    let quality = quality.clamp(1.0, 100.0);
    let percent = if quality < 50.0 { 5000.0 / quality } else { 200.0 - 2.0 * quality };
    table.map(|step| ((f32::from(step) * percent + 50.0) / 100.0).floor().clamp(1.0, 255.0))
}

/// Rounds the frequencies of each block. What a block lacks at the border is the nearest pixel.
fn quantise(plane: &mut [f32], size: usize, table: &Table) {
    let basis = basis();
    let last = size - 1;
    for top in (0..size).step_by(BLOCK) {
        for left in (0..size).step_by(BLOCK) {
            let mut block = [[0.0; BLOCK]; BLOCK];
            for (row, line) in block.iter_mut().enumerate() {
                let from = (top + row).min(last) * size;
                for (column, level) in line.iter_mut().enumerate() {
                    *level = plane[from + (left + column).min(last)] - 128.0;
                }
            }
            let mut frequencies = transposed(&product(&transposed(&product(&block, &basis)), &basis));
            for (line, steps) in frequencies.iter_mut().zip(table.as_chunks::<BLOCK>().0) {
                line.iter_mut().zip(steps).for_each(|(value, step)| *value = (*value / step).round() * step);
            }
            let back = transposed(&basis);
            let block = transposed(&product(&transposed(&product(&frequencies, &back)), &back));
            for (row, line) in block.iter().enumerate().take(size - top) {
                let width = BLOCK.min(size - left);
                let to = &mut plane[(top + row) * size + left..][..width];
                to.iter_mut().zip(line).for_each(|(level, value)| *level = value + 128.0);
            }
        }
    }
}

type Square = [[f32; BLOCK]; BLOCK];

/// The discrete cosine transform's basis, a frequency a column: `product(line, basis)` has a line's frequencies.
fn basis() -> Square {
    let mut basis = [[0.0; BLOCK]; BLOCK];
    for (place, line) in basis.iter_mut().enumerate() {
        for (frequency, value) in line.iter_mut().enumerate() {
            let angle = (2 * place + 1) as f64 * frequency as f64 * std::f64::consts::PI / 16.0;
            let norm = if frequency == 0 { 0.125f64.sqrt() } else { 0.5 };
            *value = (norm * angle.cos()) as f32;
        }
    }
    basis
}

fn product(left: &Square, right: &Square) -> Square {
    left.map(|line| {
        let mut sums = [0.0; BLOCK];
        for (value, row) in line.iter().zip(right) {
            sums.iter_mut().zip(row).for_each(|(sum, other)| *sum += value * other);
        }
        sums
    })
}

fn transposed(square: &Square) -> Square {
    std::array::from_fn(|row| std::array::from_fn(|column| square[column][row]))
}

/// Mean of each two by two pixels.
fn halved(plane: &[f32], size: usize) -> Vec<f32> {
    let (half, last) = (size.div_ceil(2), size - 1);
    let mean = |at: usize| {
        let (row, column) = (at / half * 2, at % half * 2);
        let level = |row: usize, column: usize| plane[row.min(last) * size + column.min(last)];
        (level(row, column) + level(row, column + 1) + level(row + 1, column) + level(row + 1, column + 1))
            / 4.0
    };
    (0..half * half).map(mean).collect()
}

/// JFIF's brightness and colour differences, each in `0..=255`.
fn to_ycbcr([red, green, blue]: [&Vec<f32>; 3]) -> [Vec<f32>; 3] {
    let mix = |weights: [f32; 3], offset: f32| -> Vec<f32> {
        let pixels = red.iter().zip(green).zip(blue);
        pixels.map(|((r, g), b)| weights[0] * r + weights[1] * g + weights[2] * b + offset).collect()
    };
    [
        mix([0.299, 0.587, 0.114], 0.0),
        mix([-0.168_736, -0.331_264, 0.5], 128.0),
        mix([0.5, -0.418_688, -0.081_312], 128.0),
    ]
}

fn from_ycbcr([y, cb, cr]: [&[f32]; 3], [red, green, blue]: [&mut Vec<f32>; 3]) {
    for at in 0..y.len() {
        let (y, cb, cr) = (y[at], cb[at] - 128.0, cr[at] - 128.0);
        red[at] = y + 1.402 * cr;
        green[at] = y - 0.344_136 * cb - 0.714_136 * cr;
        blue[at] = y + 1.772 * cb;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gradient with an edge, `[size, size, 3]`, whose channels differ by `colour`.
    fn picture(size: usize, colour: f32) -> Planes {
        let level = |index: usize| {
            let (row, column) = (index / size, index % size);
            (4 * row + 3 * column) as f32 + if column > row { 40.0 } else { 0.0 }
        };
        let levels: Vec<f32> =
            (0..size * size).flat_map(|index| [level(index), level(index) + colour, level(index)]).collect();
        Planes::new(&levels, size)
    }

    fn mean_difference(a: &mut Planes, b: &mut Planes) -> f32 {
        let pairs: Vec<(f32, f32)> = a.planes().concat().into_iter().zip(b.planes().concat()).collect();
        pairs.iter().map(|(a, b)| (a - b).abs()).sum::<f32>() / pairs.len() as f32
    }

    #[test]
    fn the_best_quality_changes_next_to_nothing_and_the_worst_much() {
        for colour in [0.0, 25.0] {
            let off = |quality| {
                let mut compressed = picture(20, colour);
                compress(&mut compressed, quality);
                mean_difference(&mut compressed, &mut picture(20, colour))
            };
            assert!(off(100.0) < 1.0, "{}", off(100.0));
            assert!(off(30.0) > off(90.0) && off(5.0) > off(30.0));
        }
    }

    /// Against the `image` crate's encoder and decoder, which write a real file.
    #[test]
    fn grey_levels_are_those_of_a_real_file() {
        let mut ours = picture(24, 0.0);
        let levels: Vec<u8> = ours.planes()[0].iter().map(|level| *level as u8).collect();
        compress(&mut ours, 40.0);
        let mut file = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 40);
        image::ImageEncoder::write_image(encoder, &levels, 24, 24, image::ExtendedColorType::L8)
            .expect("writes");
        let real = image::load_from_memory(&file).expect("reads").to_luma8();
        let off: Vec<f32> = ours.planes()[0]
            .iter()
            .zip(real.as_raw())
            .map(|(ours, real)| (ours - f32::from(*real)).abs())
            .collect();
        assert!(off.iter().all(|off| *off <= 2.0), "{off:?}");
        assert!(off.iter().sum::<f32>() / off.len() as f32 <= 0.2);
    }
}
