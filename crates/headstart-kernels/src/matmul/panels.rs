//! B, the right side of a product, in panels that are as wide as two registers.

use rayon::prelude::*;

use crate::scratch::Scratch;
use crate::vector;

/// Columns of a panel.
pub(crate) fn panel_width() -> usize {
    match vector::level() {
        #[cfg(target_arch = "x86_64")]
        vector::Level::Avx512 => 32,
        #[cfg(target_feature = "simd128")]
        vector::Level::Simd128 => 8,
        _ => 16,
    }
}

/// B as panels `[columns / width][rows][width]`, zero behind the last column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panels<'a> {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(super) values: &'a [f32],
    /// From a panel to the next, and from a row of a panel to the next.
    pub(super) panel: usize,
    pub(super) row: usize,
}

impl<'a> Panels<'a> {
    /// A matrix that lies packed in `values`.
    pub(crate) fn new(rows: usize, columns: usize, values: &'a [f32]) -> Self {
        let width = panel_width();
        assert_eq!(values.len(), columns.div_ceil(width) * rows * width, "whole panels");
        Self { rows, columns, values, panel: rows * width, row: width }
    }

    /// A matrix that lies row by row, where its columns are whole panels.
    pub(crate) fn by_rows(rows: usize, columns: usize, values: &'a [f32]) -> Option<Self> {
        let width = panel_width();
        assert_eq!(values.len(), rows * columns, "{rows} rows of {columns}");
        columns.is_multiple_of(width).then_some(Self { rows, columns, values, panel: width, row: columns })
    }

    /// Some columns; the first begins a panel.
    pub(crate) fn columns(self, first: usize, columns: usize) -> Self {
        assert!(first + columns <= self.columns && first.is_multiple_of(panel_width()), "whole panels of B");
        Self { columns, values: &self.values[first / panel_width() * self.panel..], ..self }
    }

    /// The rows from `first` on.
    pub(crate) fn part(self, first: usize, rows: usize) -> Self {
        assert!(first + rows <= self.rows, "rows of B");
        Self { rows, values: &self.values[first * self.row..], ..self }
    }
}

/// B, packed and owned.
#[derive(Debug)]
pub(crate) struct PackedMatrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    values: Scratch,
}

impl PackedMatrix {
    /// Packs the matrix whose value at (row, column) is `value(row, column)`.
    pub(crate) fn new(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f32 + Sync) -> Self {
        Self::pack(rows, columns, |row, first, line| {
            line.iter_mut().enumerate().for_each(|(offset, slot)| *slot = value(row, first + offset));
        })
    }

    /// Packs a matrix that lies row by row.
    pub(crate) fn from_rows(columns: usize, source: &[f32]) -> Self {
        let rows = source.len() / columns;
        assert_eq!(source.len(), rows * columns, "whole rows");
        Self::pack(rows, columns, |row, first, line| {
            line.copy_from_slice(&source[row * columns + first..][..line.len()]);
        })
    }

    /// `fill(row, first column, values)` for each line of each panel.
    fn pack(rows: usize, columns: usize, fill: impl Fn(usize, usize, &mut [f32]) + Sync) -> Self {
        let width = panel_width();
        let mut values = Scratch::new(columns.div_ceil(width) * rows * width);
        values.par_chunks_exact_mut(rows * width).enumerate().for_each(|(panel, values)| {
            let first = panel * width;
            let filled = width.min(columns - first);
            for (row, line) in values.chunks_exact_mut(width).enumerate() {
                fill(row, first, &mut line[..filled]);
                line[filled..].fill(0.0);
            }
        });
        Self { rows, columns, values }
    }

    /// As what a product takes.
    pub(crate) fn panels(&self) -> Panels<'_> {
        Panels::new(self.rows, self.columns, &self.values)
    }
}
