//! Sharpness: blur, unsharp masking, and less resolution.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::F32;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::planes::Planes;

/// Deviation in pixels of what unsharp masking takes away.
const UNSHARP: f32 = 2.0;

/// Convolves with a Gaussian of this deviation in pixels, along lines first, then along columns. What lies outside is
/// the nearest pixel of the edge.
pub(super) fn blur(planes: &mut Planes, deviation: f32) {
    let size = planes.size();
    planes.each(|plane| blurred(plane, size, deviation));
}

/// Adds `amount` times what a blur would take away, as Pillow's `UnsharpMask` of radius 2 without a threshold.
pub(super) fn sharpen(planes: &mut Planes, amount: f32) {
    let size = planes.size();
    planes.each(|plane| {
        let soft = blurred(plane, size, UNSHARP);
        plane
            .iter()
            .zip(soft)
            .map(|(level, soft)| (level + (level - soft) * amount).clamp(0.0, 255.0))
            .collect()
    });
}

/// The weights of a Gaussian blur along one axis; `None` where nothing but the middle is left, as of a deviation of less
/// than a third of a pixel.
pub(super) fn gaussian(deviation: f32) -> Option<Vec<f32>> {
    let reach = (3.0 * deviation) as usize;
    let bell = |distance: usize| (-0.5 * (distance as f64 / f64::from(deviation)).powi(2)).exp();
    let taps: Vec<f64> = (0..=2 * reach).map(|tap| bell(tap.abs_diff(reach))).collect();
    let sum: f64 = taps.iter().sum();
    (reach > 0).then(|| taps.iter().map(|tap| (tap / sum) as f32).collect())
}

fn blurred(plane: &[f32], size: usize, deviation: f32) -> Vec<f32> {
    let Some(taps) = gaussian(deviation) else { return plane.to_vec() };
    let reach = taps.len() / 2;
    let mut across = Vec::with_capacity(plane.len());
    let mut wide = vec![0.0; size + 2 * reach];
    for line in plane.chunks_exact(size) {
        wide[..reach].fill(line[0]);
        wide[reach..reach + size].copy_from_slice(line);
        wide[reach + size..].fill(line[size - 1]);
        let start = across.len();
        across.resize(start + size, 0.0);
        add_weighted(&mut across[start..], &taps, |tap| &wide[tap..tap + size]);
    }
    let mut down = vec![0.0; plane.len()];
    for (row, line) in down.chunks_exact_mut(size).enumerate() {
        add_weighted(line, &taps, |tap| {
            let from = (row + tap).saturating_sub(reach).min(size - 1);
            &across[from * size..][..size]
        });
    }
    down
}

fn add_weighted<'a>(sums: &mut [f32], taps: &[f32], line: impl Fn(usize) -> &'a [f32]) {
    for (tap, weight) in taps.iter().enumerate() {
        sums.iter_mut().zip(line(tap)).for_each(|(sum, level)| *sum += weight * level);
    }
}

/// Shrinks to `share` of the side and enlarges again: the details are gone. Bilinear, then cubic.
pub(super) fn lower_resolution(planes: &mut Planes, share: f32) {
    let size = planes.size();
    let small = ((size as f32 * share).round() as usize).clamp(1, size);
    if small == size {
        return;
    }
    planes.each(|plane| {
        let shrunk = resized(plane, size, small, FilterType::Bilinear);
        let mut view = resized(&shrunk, small, size, FilterType::CatmullRom);
        view.iter_mut().for_each(|level| *level = level.clamp(0.0, 255.0));
        view
    });
}

fn resized(plane: &[f32], from: usize, to: usize, filter: FilterType) -> Vec<f32> {
    let (from, to) = (from as u32, to as u32);
    let source = TypedImageRef::<F32>::from_buffer(from, from, bytemuck::cast_slice(plane))
        .expect("these are all its pixels");
    let mut target = TypedImage::<F32>::new(to, to);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    Resizer::new().resize_typed(&source, &mut target, &options).expect("the part lies in the image");
    target.pixels().iter().map(|pixel| pixel.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 5;

    /// Against SciPy: `gaussian_filter(x, (1.0, 1.0), mode="nearest", radius=3)` of a picture that is 0 but for 100 at
    /// row 2, column 1.
    #[test]
    fn blurring_is_a_gaussian() {
        let mut plane = vec![0.0; SIZE * SIZE];
        plane[2 * SIZE + 1] = 100.0;
        let found = blurred(&plane, SIZE, 1.0);
        let expected = [
            [1.3071, 2.1551, 1.3071, 0.2917, 0.0239],
            [5.8582, 9.6585, 5.8582, 1.3071, 0.1073],
            [9.6585, 15.9241, 9.6585, 2.1551, 0.1769],
        ];
        for (row, expected) in expected.iter().enumerate() {
            for (column, expected) in expected.iter().enumerate() {
                let found = found[row * SIZE + column];
                assert!((found - expected).abs() < 1e-3, "{row} {column}: {found}");
            }
        }
        assert_eq!(blurred(&plane, SIZE, 0.0), plane);
    }

    #[test]
    fn sharpening_takes_an_edge_apart_and_leaves_plain_grey() {
        let levels: Vec<f32> =
            (0..64).flat_map(|index| [if index % 8 < 4 { 100.0 } else { 150.0 }; 3]).collect();
        let mut planes = Planes::new(&levels, 8);
        sharpen(&mut planes, 1.0);
        let row = &planes.planes()[0][..8];
        assert!(row[3] < 95.0 && row[4] > 155.0, "{row:?}");
        let mut plain = Planes::new(&[90.0; 3 * 64], 8);
        sharpen(&mut plain, 2.0);
        assert!(plain.planes()[0].iter().all(|level| (level - 90.0).abs() < 1e-3));
    }

    #[test]
    fn details_are_lost_and_means_stay() {
        let levels: Vec<f32> =
            (0..256).flat_map(|index| [if index % 2 == 0 { 0.0 } else { 200.0 }; 3]).collect();
        let mut planes = Planes::new(&levels, 16);
        lower_resolution(&mut planes, 0.25);
        assert!(planes.planes()[0].iter().all(|level| (level - 100.0).abs() < 30.0), "{planes:?}");
    }
}
