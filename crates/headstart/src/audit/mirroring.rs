//! One class whose pictures are mirrored: what its pictures have on the left more than on the right, the others have on the
//! right.

use serde::{Deserialize, Serialize};

use super::cues::Words;
use super::independent::Independent;
use super::plane::SIDE;
use super::shortcuts::SUSPICIOUS;
use super::survey::Look;
use super::{SEED, Shortcut, Tells};
use crate::dataset::Dataset;
use crate::evaluate::{Estimate, delong};
use crate::random::Random;

/// Cells along a side, of which the halves are compared.
const CELLS: usize = 16;
const HALF: usize = CELLS / 2;
/// Steps of a standard deviation of the picture.
const UNIT: f32 = 32.0;
/// The mean pictures' differences of the sides are opposite where the cosine between them is below this: not chance, and
/// not two classes of which only one has a side.
const OPPOSITE: f32 = -0.5;
/// And where the smaller of them is at least this share of the larger: otherwise only one class has a side.
const ALIKE: f32 = 0.33;
/// Shufflings of the labels, of which one in twenty at most may set the means as far apart.
const SHUFFLINGS: usize = 99;
const SELDOM: usize = 4;

/// Left less right of the mean levels of cells, in parts of the picture's standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sides([[i8; HALF]; CELLS]);

impl Sides {
    /// # Shapes
    /// `grey`: `[SIDE, SIDE]`
    pub(super) fn of(grey: &[f32]) -> Self {
        const STEP: usize = SIDE / CELLS;
        let mut cells = [[0.0f32; CELLS]; CELLS];
        for (index, level) in grey.iter().enumerate() {
            cells[index / SIDE / STEP][index % SIDE / STEP] += level / (STEP * STEP) as f32;
        }
        let count = (CELLS * CELLS) as f32;
        let mean = cells.as_flattened().iter().sum::<f32>() / count;
        let variance = cells.as_flattened().iter().map(|level| (level - mean).powi(2)).sum::<f32>() / count;
        // A level more, so that a flat picture has no sides.
        let unit = UNIT / (variance.sqrt() + 1.0);
        let less = |row: &[f32; CELLS], column: usize| (row[column] - row[CELLS - 1 - column]) * unit;
        Self(
            cells.map(|row| {
                std::array::from_fn(|column| less(&row, column).round().clamp(-127.0, 127.0) as i8)
            }),
        )
    }

    fn values(&self) -> impl Iterator<Item = f32> {
        self.0.as_flattened().iter().map(|value| f32::from(*value))
    }
}

/// A class that is mirrored, if there is one.
pub(super) fn find(dataset: &Dataset, looks: &[Option<Look>], images: &Independent) -> Option<Shortcut> {
    let sides: Vec<Sides> =
        images.samples.iter().filter_map(|sample| Some(looks[*sample].as_ref()?.appearance.sides)).collect();
    let told = images.told().filter_map(|class| Some((class, mirrored(&sides, images, class)?)));
    let (class, auc) = told.max_by(|a, b| a.1.value.total_cmp(&b.1.value))?;
    let (class, tells) = (dataset.classes[class].clone(), Tells::Mirrored);
    let meaning = Words::mirrored().meaning(&class, tells);
    Some(Shortcut { cue: "left and right".into(), class, tells, auc, flagged: true, meaning })
}

/// How well the sides tell a class whose mean is opposite to that of the others.
fn mirrored(sides: &[Sides], images: &Independent, class: usize) -> Option<Estimate> {
    let truth = images.are_of(class);
    let all: Vec<usize> = (0..sides.len()).collect();
    let [own, others] = means(sides, &truth, &all);
    let sizes = [&own, &others].map(|mean| dot(mean.iter().copied(), mean).sqrt());
    let is_mirrored = cosine(&own, &others) <= OPPOSITE
        && sizes[0].min(sizes[1]) >= ALIKE * sizes[0].max(sizes[1])
        && is_rare(sides, &truth, &all);
    if !is_mirrored {
        return None;
    }
    let scores = images.out_of_fold(|others| {
        let [own, rest] = means(sides, &truth, others);
        let towards: Vec<f32> = own.iter().zip(rest).map(|(own, rest)| own - rest).collect();
        move |image: usize| f64::from(dot(sides[image].values(), &towards))
    });
    let auc = delong(&truth, &scores);
    (auc.low > SUSPICIOUS).then_some(auc)
}

/// Whether shuffled labels seldom set the means of the two kinds as far apart.
fn is_rare(sides: &[Sides], truth: &[bool], all: &[usize]) -> bool {
    let apart = |truth: &[bool]| {
        let [own, others] = means(sides, truth, all);
        let between: Vec<f32> = own.iter().zip(&others).map(|(own, other)| own - other).collect();
        dot(between.iter().copied(), &between)
    };
    let (found, mut shuffled) = (apart(truth), truth.to_vec());
    let mut random = Random::new(SEED, 0x51de);
    let as_far = (0..SHUFFLINGS).filter(|_| {
        random.shuffle(&mut shuffled);
        apart(&shuffled) >= found
    });
    as_far.count() <= SELDOM
}

/// The means of those of `which` that are of a class and of those that are not.
fn means(sides: &[Sides], truth: &[bool], which: &[usize]) -> [Vec<f32>; 2] {
    [true, false].map(|of_class| {
        let (mut sum, mut count) = (vec![0.0f64; CELLS * HALF], 0.0);
        for image in which.iter().filter(|image| truth[**image] == of_class) {
            sum.iter_mut().zip(sides[*image].values()).for_each(|(sum, value)| *sum += f64::from(value));
            count += 1.0;
        }
        sum.iter().map(|sum| (sum / f64::max(count, 1.0)) as f32).collect()
    })
}

fn dot(left: impl Iterator<Item = f32>, right: &[f32]) -> f32 {
    left.zip(right).map(|(left, right)| left * right).sum()
}

/// 0 where one is nothing.
fn cosine(left: &[f32], right: &[f32]) -> f32 {
    let product = |left: &[f32], right: &[f32]| dot(left.iter().copied(), right);
    product(left, right) / (product(left, left) * product(right, right)).sqrt().max(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A spot whose middle lies around `at`, in parts of the side, and grain.
    fn picture(random: &mut Random, at: f32) -> Vec<f32> {
        let middle = (at + random.symmetric(0.06)) * SIDE as f32;
        let level = |index: usize| {
            let (x, y) = ((index % SIDE) as f32, (index / SIDE) as f32);
            200.0 * (-((x - middle).powi(2) + (y - 128.0).powi(2)) / 3000.0).exp()
        };
        (0..SIDE * SIDE).map(|index| level(index) + random.symmetric(9.0)).collect()
    }

    #[test]
    fn a_mirrored_class_is_told_and_others_are_not() {
        let mut random = Random::new(6, 0);
        let images = Independent::evenly(2, 60);
        let mut auc = |places: [f32; 2]| {
            let sides: Vec<Sides> =
                images.labels.iter().map(|label| Sides::of(&picture(&mut random, places[*label]))).collect();
            mirrored(&sides, &images, 1)
        };
        assert!(auc([0.55, 0.45]).is_some_and(|auc| auc.value > 0.8));
        // The same side, one further out; no side at all; only one class with a side.
        assert_eq!([[0.55, 0.6], [0.5, 0.5], [0.5, 0.6]].map(|places| auc(places).is_some()), [false; 3]);
    }

    #[test]
    fn the_sides_of_a_mirrored_picture_are_the_other_way_round() {
        let drawn = picture(&mut Random::new(7, 0), 0.3);
        let turned: Vec<f32> = drawn.chunks_exact(SIDE).flat_map(|row| row.iter().rev().copied()).collect();
        let (drawn, turned) = (Sides::of(&drawn), Sides::of(&turned));
        assert!(drawn.values().zip(turned.values()).all(|(left, right)| (left + right).abs() <= 1.0));
        assert!(drawn.values().any(|value| value > 20.0));
        assert_eq!(Sides::of(&vec![7.0; SIDE * SIDE]), Sides([[0; HALF]; CELLS]));
    }
}
