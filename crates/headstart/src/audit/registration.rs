//! Whether two pictures show the same, pixel on pixel: their fine detail is laid on each other, moved until it fits
//! best, and correlated. Pictures that only look alike, as X-rays do, have other detail.

use super::plane::SIDE;
use super::view::View;

/// Side of the picture that is moved at first.
const COARSE: usize = 64;
/// Reach of the mean that is taken off each level, to leave detail: twice, which is nearly a Gaussian of three pixels.
const REACH: usize = 3;
/// A standard deviation of the detail, in the steps that are kept.
const UNIT: f32 = 32.0;
/// Detail is divided by how much of it is around, so that a few strong edges, of a marker or of a frame, do not outweigh
/// all the rest. This share of the picture's mean square is added, so that the noise of an even area does not count as much.
const FLOOR: f32 = 0.1;
/// Reach of the mean that takes noise and traces of compression off the fine picture first.
const NOISE: usize = 1;
/// Pixels at the edge of the coarse and of the fine picture that do not count: beside a border or the filled corner of a
/// turned copy there is the detail of its edge, which the original does not have.
const COARSE_MARGIN: usize = 5;
const FINE_MARGIN: usize = 6;
/// With less of a picture inside the other nothing is told.
const LEAST_COMMON: f32 = 0.5;
/// What correlates less at first does not at last.
const HOPELESS: f32 = 0.25;
/// Steps of shift and scale, in parts of the picture, and of the turn, in degrees.
const STEPS: [f32; 3] = [0.012, 0.015, 1.0];
/// Rounds of one search.
const ROUNDS: usize = 8;

/// The detail of a picture, at two sizes.
pub(super) struct Print {
    coarse: Detail,
    fine: Detail,
}

/// Levels less the mean around them, divided by their deviation around them, `[side, side]`.
struct Detail {
    side: usize,
    margin: usize,
    levels: Vec<i8>,
}

impl Print {
    /// Of a grey picture.
    ///
    /// # Shapes
    /// `grey`: `[SIDE, SIDE]`
    pub(super) fn of(grey: &[f32]) -> Self {
        const STEP: usize = SIDE / COARSE;
        let mut small = vec![0.0; COARSE * COARSE];
        for (index, level) in grey.iter().enumerate() {
            small[index / SIDE / STEP * COARSE + index % SIDE / STEP] += level / (STEP * STEP) as f32;
        }
        let clean = blurred(grey, SIDE, NOISE);
        Self {
            coarse: Detail::of(&small, COARSE, COARSE_MARGIN),
            fine: Detail::of(&clean, SIDE, FINE_MARGIN),
        }
    }

    /// Correlation of this picture, seen as `view` says or nearly so, with another; below 0 for a negative.
    pub(super) fn correlation(&self, other: &Self, view: View, inverted: bool) -> f32 {
        let sign = if inverted { -1.0 } else { 1.0 };
        let coarse = |view: &View| sign * self.coarse.correlation(&other.coarse, view, 1);
        let fine = |view: &View| sign * self.fine.correlation(&other.fine, view, 3);
        let (view, found) = climb(view, 1.0, coarse);
        if found < HOPELESS {
            return found;
        }
        let (view, _) = climb(view, 0.4, coarse);
        let (view, _) = climb(view, 0.25, fine);
        climb(view, 0.1, fine).1
    }
}

/// The best view around one, step by step in one thing after the other.
fn climb(start: View, size: f32, merit: impl Fn(&View) -> f32) -> (View, f32) {
    let (mut best, mut found) = (start, merit(&start));
    let [shift, scale, turn] = STEPS.map(|step| step * size);
    for _ in 0..ROUNDS {
        let before = found;
        for step in 0..10 {
            let mut next = best;
            let sign = if step % 2 == 0 { 1.0 } else { -1.0 };
            match step / 2 {
                0 => next.shift[0] += sign * shift,
                1 => next.shift[1] += sign * shift,
                2 => next.scale[0] += sign * scale,
                3 => next.scale[1] += sign * scale,
                _ => next.turn += sign * turn,
            }
            let reached = merit(&next);
            if reached > found {
                (best, found) = (next, reached);
            }
        }
        if found <= before {
            break;
        }
    }
    (best, found)
}

impl Detail {
    fn of(levels: &[f32], side: usize, margin: usize) -> Self {
        let smooth = |levels: &[f32]| blurred(&blurred(levels, side, REACH), side, REACH);
        let detail: Vec<f32> =
            levels.iter().zip(smooth(levels)).map(|(level, around)| level - around).collect();
        let squares: Vec<f32> = detail.iter().map(|value| value * value).collect();
        let floor = FLOOR * squares.iter().sum::<f32>() / squares.len() as f32 + f32::EPSILON;
        let even = |(value, square): (&f32, f32)| value * UNIT / (square + floor).sqrt();
        let kept = |value: f32| value.round().clamp(-127.0, 127.0) as i8;
        Self { side, margin, levels: detail.iter().zip(smooth(&squares)).map(even).map(kept).collect() }
    }

    /// Over every `step`-th point of `other` that lies inside.
    fn correlation(&self, other: &Self, view: &View, step: usize) -> f32 {
        let (side, map, margin) = (self.side, view.map(), self.margin);
        let counted = || (margin..side - margin).step_by(step);
        let (mut sums, mut count) = ([0.0f32; 5], 0usize);
        for row in counted() {
            let y = (row as f32 + 0.5) / side as f32 - 0.5;
            for column in counted() {
                let x = (column as f32 + 0.5) / side as f32 - 0.5;
                let Some(here) = self.at(map.at(x, y)) else { continue };
                let there = f32::from(other.levels[row * side + column]);
                let terms = [here, there, here * here, there * there, here * there];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
                count += 1;
            }
        }
        let points = counted().count().pow(2) as f32;
        if (count as f32) < LEAST_COMMON * points {
            return 0.0;
        }
        let [here, there, here_squared, there_squared, both] = sums.map(|sum| sum / count as f32);
        let spread = (here_squared - here * here) * (there_squared - there * there);
        if spread > 0.0 { (both - here * there) / spread.sqrt() } else { 0.0 }
    }

    /// Between pixels in proportion; `None` outside and in the margin.
    fn at(&self, place: [f32; 2]) -> Option<f32> {
        let [x, y] = place.map(|at| (at + 0.5) * self.side as f32 - 0.5);
        let inside = self.margin as f32..(self.side - 1 - self.margin) as f32;
        if !inside.contains(&x) || !inside.contains(&y) {
            return None;
        }
        let (column, row) = (x as usize, y as usize);
        let (right, down) = (x - column as f32, y - row as f32);
        let level = |row: usize, column: usize| f32::from(self.levels[row * self.side + column]);
        let along = |row: usize| level(row, column) * (1.0 - right) + level(row, column + 1) * right;
        Some(along(row) * (1.0 - down) + along(row + 1) * down)
    }
}

/// The mean over a square of `2 · reach + 1` pixels, cut at the edges.
fn blurred(levels: &[f32], side: usize, reach: usize) -> Vec<f32> {
    let along = |levels: &[f32]| -> Vec<f32> {
        let row = |row: &[f32]| -> Vec<f32> {
            (0..side)
                .map(|x| {
                    let window = &row[x.saturating_sub(reach)..(x + reach + 1).min(side)];
                    window.iter().sum::<f32>() / window.len() as f32
                })
                .collect()
        };
        levels.chunks_exact(side).flat_map(row).collect()
    };
    let turned = |levels: &[f32]| -> Vec<f32> {
        (0..side * side).map(|index| levels[index % side * side + index / side]).collect()
    };
    turned(&along(&turned(&along(levels))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Detail at all scales, drawn from a seed.
    fn picture(seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed, 23);
        let mut level = vec![120.0; SIDE * SIDE];
        for (cell, depth) in [(64, 40.0), (16, 20.0), (6, 14.0)] {
            let count = SIDE / cell + 2;
            let grid: Vec<f32> = (0..count * count).map(|_| random.symmetric(depth)).collect();
            for (index, level) in level.iter_mut().enumerate() {
                let (x, y) = ((index % SIDE) as f32 / cell as f32, (index / SIDE) as f32 / cell as f32);
                let (column, row) = (x as usize, y as usize);
                let at = |row: usize, column: usize| grid[row * count + column];
                let along =
                    |row: usize| at(row, column) + (at(row, column + 1) - at(row, column)) * x.fract();
                *level += along(row) + (along(row + 1) - along(row)) * y.fract();
            }
        }
        level
    }

    fn seen(grey: &[f32], view: &View) -> Vec<f32> {
        let map = view.map();
        (0..SIDE * SIDE)
            .map(|index| {
                let part = |at: usize| (at as f32 + 0.5) / SIDE as f32 - 0.5;
                let [x, y] = map.at(part(index % SIDE), part(index / SIDE));
                let pixel = |at: f32| ((at + 0.5) * SIDE as f32).clamp(0.0, SIDE as f32 - 1.0) as usize;
                grey[pixel(y) * SIDE + pixel(x)]
            })
            .collect()
    }

    #[test]
    fn a_copy_fits_from_a_view_near_by_and_another_picture_does_not() {
        let (original, other) = (picture(1), picture(2));
        let cut = View { scale: [0.945, 0.955], shift: [0.02, -0.012], turn: 0.6, mirrored: false };
        let near = View { scale: [0.95, 0.95], shift: [0.0167, -0.0167], turn: 0.0, mirrored: false };
        let copy = Print::of(&seen(&original, &cut));
        let found = Print::of(&original).correlation(&copy, near, false);
        assert!(found > 0.8, "{found}");
        let negative: Vec<f32> = original.iter().map(|level| 255.0 - level).collect();
        assert!(Print::of(&negative).correlation(&copy, near, true) > 0.8);
        let foreign = Print::of(&other).correlation(&copy, near, false);
        assert!(foreign < 0.3, "{foreign}");
    }
}
