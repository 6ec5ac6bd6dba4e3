//! A picture looked at again: a part of it, turned a little, or mirrored. Copies that were made so are found by it.

use super::plane::SIDE;

/// Where the points of a square are taken from. Lengths are in parts of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    /// Width and height of the part that is seen.
    pub(super) scale: [f32; 2],
    /// How far the middle of that part lies off the picture's.
    pub(super) shift: [f32; 2],
    /// Degrees.
    pub(super) turn: f32,
    /// Left to right.
    pub(super) mirrored: bool,
}

/// Places within a picture, from a view's points.
pub(super) struct Map {
    x: [f32; 3],
    y: [f32; 3],
}

/// A crop that takes away a twentieth, wherever it lies, is one of these to within a hundredth, a turn by up to five
/// degrees to within one, and a border of up to an eighth of the side to within a twentieth. Hashes forgive that much.
pub(super) const VIEWS: [View; 18] = {
    let (off, part) = (0.0167, 0.95);
    [
        View::part(part, -off, -off),
        View::part(part, 0.0, -off),
        View::part(part, off, -off),
        View::part(part, -off, 0.0),
        View::part(part, 0.0, 0.0),
        View::part(part, off, 0.0),
        View::part(part, -off, off),
        View::part(part, 0.0, off),
        View::part(part, off, off),
        View::turned(-4.5),
        View::turned(-3.0),
        View::turned(-1.5),
        View::turned(1.5),
        View::turned(3.0),
        View::turned(4.5),
        // What a border was put around is seen from farther away.
        View::part(1.09, 0.0, 0.0),
        View::part(1.17, 0.0, 0.0),
        View::part(1.25, 0.0, 0.0),
    ]
};

/// Grey levels that a border differs in at most.
const EVEN: f32 = 6.0;
/// A border takes at most this share of a side.
const WIDEST: f32 = 0.15;

impl View {
    /// The whole picture as it is.
    pub(super) const WHOLE: Self = Self::part(1.0, 0.0, 0.0);

    const fn part(scale: f32, right: f32, down: f32) -> Self {
        Self { scale: [scale, scale], shift: [right, down], turn: 0.0, mirrored: false }
    }

    const fn turned(turn: f32) -> Self {
        Self { turn, ..Self::WHOLE }
    }

    /// The whole picture, mirrored.
    pub(super) const fn mirrored() -> Self {
        Self { mirrored: true, ..Self::WHOLE }
    }

    /// What lies inside of an even border; `None` without one.
    ///
    /// # Shapes
    /// `grey`: `[SIDE, SIDE]`
    pub(super) fn within_border(grey: &[f32]) -> Option<Self> {
        let line = |index: usize, by_row: bool| {
            (0..SIDE).map(move |at| if by_row { grey[index * SIDE + at] } else { grey[at * SIDE + index] })
        };
        let corner = grey[0];
        let is_border =
            |index: usize, by_row: bool| line(index, by_row).all(|level| (level - corner).abs() <= EVEN);
        let most = (WIDEST * SIDE as f32) as usize;
        let width = |by_row: bool, from_end: bool| {
            let place = |depth: usize| if from_end { SIDE - 1 - depth } else { depth };
            (0..=most).take_while(|depth| is_border(place(*depth), by_row)).count()
        };
        let [left, right, top, bottom] =
            [width(false, false), width(false, true), width(true, false), width(true, true)];
        let widest = left.max(right).max(top).max(bottom);
        if widest == 0 || widest > most {
            return None;
        }
        let part = |low: usize, high: usize| (SIDE - low - high) as f32 / SIDE as f32;
        let middle = |low: usize, high: usize| (low as f32 - high as f32) / 2.0 / SIDE as f32;
        Some(Self {
            scale: [part(left, right), part(top, bottom)],
            shift: [middle(left, right), middle(top, bottom)],
            ..Self::WHOLE
        })
    }

    pub(super) fn map(&self) -> Map {
        let (sin, cos) = self.turn.to_radians().sin_cos();
        let side = if self.mirrored { -1.0 } else { 1.0 };
        let [width, height] = self.scale;
        Map {
            x: [cos * side * width, -sin * width, self.shift[0]],
            y: [sin * side * height, cos * height, self.shift[1]],
        }
    }
}

impl Map {
    /// The place in the picture of a point of the view, both from the middle.
    pub(super) fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let place = |[by_x, by_y, shift]: [f32; 3]| by_x * x + by_y * y + shift;
        [place(self.x), place(self.y)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_is_stepped_over() {
        let framed: Vec<f32> = (0..SIDE * SIDE)
            .map(|index| {
                let (x, y) = (index % SIDE, index / SIDE);
                let inside = (16..SIDE).contains(&x) && (0..SIDE - 8).contains(&y);
                if inside { 60.0 + (x * 7 % 100) as f32 } else { 0.0 }
            })
            .collect();
        let view = View::within_border(&framed).expect("a border");
        assert_eq!(view.scale, [240.0 / 256.0, 248.0 / 256.0]);
        assert_eq!(view.shift, [8.0 / 256.0, -4.0 / 256.0]);
        assert_eq!(View::within_border(&vec![9.0; SIDE * SIDE]), None, "nothing but border");
    }

    #[test]
    fn points_are_turned_scaled_and_mirrored() {
        let view = View { scale: [0.5, 1.0], shift: [0.1, 0.0], turn: 90.0, mirrored: false };
        let [x, y] = view.map().at(0.2, 0.3);
        assert!((x - (0.1 - 0.15)).abs() < 1e-6 && (y - 0.2).abs() < 1e-6, "{x} {y}");
        assert_eq!(View::mirrored().map().at(0.2, 0.3), [-0.2, 0.3]);
    }
}
