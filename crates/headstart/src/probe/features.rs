//! The features that a probe sees: of a map the mean over its positions.

use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

use crate::backbone::spec::MapShape;
use crate::features::Records;

/// Features of images, one row for each.
#[derive(Debug)]
pub struct Features<'a> {
    width: usize,
    rows: Rows<'a>,
}

/// Where the rows are.
#[derive(Debug)]
enum Rows<'a> {
    /// In the cache, as they are.
    Kept(&'a Records),
    /// Means of the cache's maps, `[N, channels]`.
    Means(Vec<f16>),
}

impl<'a> Features<'a> {
    /// Of `count` records of the given shape.
    pub fn new(records: &'a Records, count: usize, shape: MapShape) -> Self {
        let width = shape.channels;
        if shape.len() == width {
            return Self { width, rows: Rows::Kept(records) };
        }
        let mut means = vec![f16::ZERO; count * width];
        means.par_chunks_exact_mut(width).enumerate().for_each(|(index, row)| {
            let mut map = vec![0.0; shape.len()];
            records.copy(index, &mut map);
            row.convert_from_f32_slice(&mean(&map, width));
        });
        Self { width, rows: Rows::Means(means) }
    }

    /// Of records of one place each, gathered from several sets.
    pub(crate) fn gathered<'r>(width: usize, rows: impl Iterator<Item = (&'r Records, usize)>) -> Self {
        let (mut all, mut row) = (Vec::new(), vec![0.0; width]);
        for (records, place) in rows {
            records.copy(place, &mut row);
            all.extend(row.iter().map(|value| f16::from_f32(*value)));
        }
        Self { width, rows: Rows::Means(all) }
    }

    /// Of rows as they are, one for each image, all of one length.
    pub(crate) fn of_rows(rows: &[Vec<f32>]) -> Self {
        let all = rows.iter().flatten().map(|value| f16::from_f32(*value)).collect();
        Self { width: rows.first().map_or(0, Vec::len), rows: Rows::Means(all) }
    }

    /// Those of the images that `order` names, in that order.
    pub(crate) fn reordered(&self, order: &[usize]) -> Features<'static> {
        let mut all = vec![f16::ZERO; order.len() * self.width];
        let mut row = vec![0.0; self.width];
        for (index, to) in order.iter().zip(all.chunks_exact_mut(self.width)) {
            self.copy(*index, &mut row);
            to.convert_from_f32_slice(&row);
        }
        Features { width: self.width, rows: Rows::Means(all) }
    }

    /// Features of an image.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Copies the features of image `index` to `row`.
    pub(super) fn copy(&self, index: usize, row: &mut [f32]) {
        match &self.rows {
            Rows::Kept(records) => records.copy(index, row),
            Rows::Means(means) => means[index * self.width..][..self.width].convert_to_f32_slice(row),
        }
    }
}

/// The mean over the positions of a map, `[positions, channels]`.
fn mean(map: &[f32], channels: usize) -> Vec<f32> {
    let mut mean = vec![0.0; channels];
    for position in map.chunks_exact(channels) {
        mean.iter_mut().zip(position).for_each(|(sum, value)| *sum += value);
    }
    let positions = (map.len() / channels) as f32;
    mean.iter_mut().for_each(|sum| *sum /= positions);
    mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Cache;

    #[test]
    fn a_map_s_features_are_its_means() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = Cache::open(folder.path(), "maps", 4).expect("opens");
        let contents = [[1; 32], [2; 32]];
        cache.append(&contents, &[1.0, 10.0, 3.0, 30.0, 0.0, 0.0, 0.5, -1.0]).expect("writes");
        let records = cache.read(&contents);
        let of = |shape: MapShape, index: usize| {
            let features = Features::new(&records, 2, shape);
            let mut row = vec![0.0; features.width()];
            features.copy(index, &mut row);
            row
        };
        assert_eq!(of(MapShape::new(1, 2, 2), 0), [2.0, 20.0]);
        assert_eq!(of(MapShape::new(1, 2, 2), 1), [0.25, -0.5]);
        assert_eq!(of(MapShape::new(1, 1, 4), 0), [1.0, 10.0, 3.0, 30.0]);
    }
}
