//! How much detail a picture has at which scale and in which direction: Haar's transform (1910), whose
//! parts add up to the picture's variance, and the Laplacian.

use super::super::plane::SIDE;

/// Mean squares below this, in squared grey levels, are a decoder's rounding.
pub(super) const FLOOR: f64 = 0.01;
/// How often the picture is halved: from 256 pixels to 4. What is coarser is composition, not style.
const HALVINGS: usize = 6;

/// Mean squares of the detail that one halving takes away.
#[derive(Debug, Clone, Copy, Default)]
struct Detail {
    /// Between the left and the right of four pixels.
    across: f64,
    /// Between the upper and the lower.
    down: f64,
    /// Between the diagonals.
    diagonal: f64,
}

/// Mean square and mean fourth power of the Laplacian.
#[derive(Debug, Clone, Copy)]
pub(super) struct Laplacian {
    pub(super) square: f64,
    fourth: f64,
}

/// What a picture shows at each scale.
pub(super) struct Scales {
    /// Finest first.
    details: [Detail; HALVINGS],
    /// Variance of the whole picture.
    pub(super) variance: f64,
    /// At full size.
    pub(super) full: Laplacian,
    /// At half size.
    pub(super) half: Laplacian,
}

impl Scales {
    /// `grey`: `[SIDE, SIDE]`
    pub(super) fn of(grey: &[f32]) -> Self {
        let mut details = [Detail::default(); HALVINGS];
        let (half, finest) = halved(grey, SIDE);
        details[0] = finest;
        let laplacians = (Laplacian::of(grey, SIDE), Laplacian::of(&half, SIDE / 2));
        let (mut plane, mut side) = (half, SIDE / 2);
        for detail in &mut details[1..] {
            (plane, *detail) = halved(&plane, side);
            side /= 2;
        }
        Self { details, variance: variance(grey), full: laplacians.0, half: laplacians.1 }
    }

    /// Logarithm of horizontal over vertical detail, but for the coarsest scale.
    pub(super) fn anisotropy(&self) -> [f32; HALVINGS - 1] {
        let ratio = |detail: &Detail| ((detail.across + FLOOR) / (detail.down + FLOOR)).ln() as f32;
        std::array::from_fn(|scale| ratio(&self.details[scale]))
    }

    /// Logarithm of each scale's share of the variance.
    pub(super) fn bands(&self) -> [f32; HALVINGS] {
        self.details.map(|detail| {
            let energy = detail.across + detail.down + detail.diagonal;
            ((energy + FLOOR) / (self.variance + FLOOR)).ln() as f32
        })
    }
}

/// The means of 2×2 pixels, and what they leave out.
fn halved(plane: &[f32], side: usize) -> (Vec<f32>, Detail) {
    let half = side / 2;
    let mut means = Vec::with_capacity(half * half);
    let mut detail = Detail::default();
    for rows in plane.chunks_exact(2 * side) {
        let (upper, lower) = rows.split_at(side);
        // Sums of a row in f32 keep six digits.
        let (mut across, mut down, mut diagonal) = (0.0f32, 0.0f32, 0.0f32);
        for ([a, b], [c, d]) in upper.as_chunks().0.iter().zip(lower.as_chunks().0) {
            means.push((a + b + c + d) / 4.0);
            across += (a - b + c - d).powi(2);
            down += (a + b - c - d).powi(2);
            diagonal += (a - b - c + d).powi(2);
        }
        detail.across += f64::from(across);
        detail.down += f64::from(down);
        detail.diagonal += f64::from(diagonal);
    }
    let mean = |sum: f64| sum / (16 * half * half) as f64;
    let detail =
        Detail { across: mean(detail.across), down: mean(detail.down), diagonal: mean(detail.diagonal) };
    (means, detail)
}

impl Laplacian {
    fn of(plane: &[f32], side: usize) -> Self {
        let (mut square, mut fourth) = (0.0, 0.0);
        for y in 1..side - 1 {
            let row = |y: usize| &plane[y * side..][..side];
            let (above, here, below) = (row(y - 1), row(y), row(y + 1));
            let (mut squares, mut fourths) = (0.0f32, 0.0f32);
            for x in 1..side - 1 {
                let value = here[x - 1] + here[x + 1] + above[x] + below[x] - 4.0 * here[x];
                let power = value * value;
                (squares, fourths) = (squares + power, fourths + power * power);
            }
            (square, fourth) = (square + f64::from(squares), fourth + f64::from(fourths));
        }
        let count = ((side - 2) * (side - 2)) as f64;
        Self { square: square / count, fourth: fourth / count }
    }

    /// Logarithm of the fourth moment over the squared second: large where there are few strong edges.
    pub(super) fn peaks(&self) -> f64 {
        ((self.fourth + FLOOR * FLOOR) / (self.square + FLOOR).powi(2)).ln()
    }
}

fn variance(plane: &[f32]) -> f64 {
    let count = plane.len() as f64;
    let mean = plane.iter().map(|level| f64::from(*level)).sum::<f64>() / count;
    plane.iter().map(|level| (f64::from(*level) - mean).powi(2)).sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(level: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        (0..SIDE * SIDE).map(|index| level(index % SIDE, index / SIDE)).collect()
    }

    #[test]
    fn the_details_add_up_to_the_variance() {
        let drawn = plane(|x, y| ((x * 31 + y * 17 + x * y * 7) % 97) as f32);
        let scales = Scales::of(&drawn);
        let of_details: f64 = scales.details.iter().map(|one| one.across + one.down + one.diagonal).sum();
        // What six halvings leave is 4×4 means.
        let mut rest = drawn.clone();
        (0..HALVINGS).for_each(|times| rest = halved(&rest, SIDE >> times).0);
        assert_eq!(rest.len(), 16);
        assert!((of_details + variance(&rest) - scales.variance).abs() < 1e-3 * scales.variance);
    }

    #[test]
    fn stripes_lie_in_one_direction_and_band() {
        // Upright stripes of two pixels: nothing is left of them after two halvings.
        let scales = Scales::of(&plane(|x, _| if x % 4 < 2 { 100.0 } else { 0.0 }));
        let shares = scales.bands().map(f32::exp);
        assert!(shares[0] < 1e-5 && (shares[1] - 1.0).abs() < 1e-5 && shares[2] < 1e-5, "{shares:?}");
        assert!(scales.anisotropy()[1] > 10.0 && scales.anisotropy()[0] == 0.0);
    }

    #[test]
    fn a_flat_picture_has_finite_statistics() {
        let scales = Scales::of(&plane(|_, _| 7.0));
        let all = [scales.anisotropy().as_slice(), &scales.bands()].concat();
        assert!(all.iter().all(|value| *value == 0.0) && scales.full.peaks() == 0.0);
    }
}
