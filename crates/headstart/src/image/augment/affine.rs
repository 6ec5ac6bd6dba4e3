//! Turning, moving, scaling and mirroring.

use super::planes::Planes;

/// Where a pixel of a view comes from, both counted from the centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine {
    matrix: [[f32; 2]; 2],
    /// Share of the side.
    shift: [f32; 2],
}

impl Affine {
    /// `rotation` in degrees, clockwise; `scale` as the share by which the view is larger; `shift` as shares of the side.
    pub(super) fn new(rotation: f32, scale: f32, shift: [f32; 2], flip: bool) -> Self {
        let (sine, cosine) = rotation.to_radians().sin_cos();
        let (zoom, mirror) = (1.0 / (1.0 + scale), if flip { -1.0 } else { 1.0 });
        let matrix = [[cosine * zoom * mirror, -sine * zoom * mirror], [sine * zoom, cosine * zoom]];
        Self { matrix, shift }
    }

    pub(super) fn is_identity(&self) -> bool {
        self.matrix == [[1.0, 0.0], [0.0, 1.0]] && self.shift == [0.0; 2]
    }

    /// Where each pixel of a square view comes from, counted from the left and the top, line after line.
    pub(super) fn sources(&self, size: usize) -> impl Iterator<Item = [f32; 2]> {
        let (side, centre) = (size as f32, (size as f32 - 1.0) / 2.0);
        let (matrix, shift) = (self.matrix, self.shift);
        (0..size * size).map(move |index| {
            let [x, y] = [(index % size) as f32 - centre, (index / size) as f32 - centre];
            [0, 1].map(|axis| {
                let at = matrix[axis][0] * x + matrix[axis][1] * y;
                (at + centre + shift[axis] * side).clamp(0.0, side - 1.0)
            })
        })
    }

    /// Bilinear; what lies outside is the nearest pixel of the edge.
    pub(super) fn apply(&self, planes: &mut Planes) {
        if self.is_identity() {
            return;
        }
        let size = planes.size();
        planes.each(|plane| self.sources(size).map(|[left, top]| between(plane, size, left, top)).collect());
    }
}

/// The plane's value at a place between four pixels.
fn between(plane: &[f32], size: usize, left: f32, top: f32) -> f32 {
    let (column, row) = (left as usize, top as usize);
    let (right, below) = ((column + 1).min(size - 1), (row + 1).min(size - 1));
    let (x, y) = (left - column as f32, top - row as f32);
    let at = |row: usize, column: usize| plane[row * size + column];
    let upper = at(row, column) + (at(row, right) - at(row, column)) * x;
    let lower = at(below, column) + (at(below, right) - at(below, column)) * x;
    upper + (lower - upper) * y
}
