//! A small sharp mark, such as a letter, that images of one class have at a place where the others have none.
//!
//! Pictures have marks of their own, and those of one class may have more of them. So a place counts by how far its marks
//! tell the class better than those around it do, and by how seldom shuffled labels do as well.

use serde::{Deserialize, Serialize};

use super::cues::Words;
use super::independent::Independent;
use super::shortcuts::{SUSPICIOUS, place};
use super::survey::Look;
use super::{SEED, Shortcut, Tells};
use crate::dataset::Dataset;
use crate::evaluate::delong;
use crate::random::Random;

/// Cells along a side.
const CELLS: usize = 16;
/// A place is two cells wide and high, and begins at any cell but the last: a mark need not keep to the cells.
const PLACES: usize = CELLS - 1;
/// Cells from a place to those around it: near enough to have the same marks, too far for the place's own.
const AROUND: std::ops::RangeInclusive<usize> = 3..=4;
/// Shufflings of the labels, of which one in twenty at most may tell as much.
const SHUFFLINGS: usize = 199;
const SELDOM: usize = 9;

/// Cells in which a picture has marks, a bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks([u16; CELLS]);

impl Marks {
    /// There is a mark with this middle, from the left and from the top, in parts of the picture.
    pub(super) fn add(&mut self, middle: [f32; 2]) {
        let [column, row] = middle.map(|at| ((at * CELLS as f32) as usize).min(CELLS - 1));
        self.0[row] |= 1 << column;
    }

    /// Whether there is one at this place.
    fn at(&self, place: usize) -> bool {
        let (column, row) = (place % PLACES, place / PLACES);
        (self.0[row] | self.0[row + 1]) >> column & 0b11 != 0
    }
}

/// What was seen at each place, and what lies around it.
struct Places {
    /// A bit for each image, by place.
    marked: Vec<Vec<u64>>,
    around: Vec<Vec<usize>>,
}

/// A place and how much more often a class has a mark there, less often below 0, than around.
#[derive(Clone, Copy)]
struct Excess {
    place: usize,
    more: f64,
}

/// The mark that tells a class best, if one is suspicious.
pub(super) fn find(dataset: &Dataset, looks: &[Option<Look>], images: &Independent) -> Option<Shortcut> {
    let marks: Vec<Marks> =
        images.samples.iter().filter_map(|sample| Some(looks[*sample].as_ref()?.appearance.marks)).collect();
    let places = Places::of(&marks);
    let (class, excess) = places.best(images.told(), &images.labels)?;
    if !is_rare(&places, images, excess) {
        return None;
    }
    let truth = images.are_of(class);
    let scores = images.out_of_fold(|others| {
        let found = places.excess(
            &bits(others.iter().copied().filter(|image| truth[*image]), truth.len()),
            &bits(others.iter().copied().filter(|image| !truth[*image]), truth.len()),
        );
        let places = &places;
        move |image| found.map_or(0.0, |found| found.more.signum() * places.stands_out(image, found.place))
    });
    let auc = delong(&truth, &scores);
    let tells = if excess.more > 0.0 { Tells::More } else { Tells::Less };
    let middle = [excess.place % PLACES, excess.place / PLACES].map(|at| (at + 1) as f32 / CELLS as f32);
    let (class, place) = (dataset.classes[class].clone(), place(middle));
    let meaning = Words::mark(&place).meaning(&class, tells);
    (auc.low > SUSPICIOUS).then(|| Shortcut {
        cue: format!("mark, {place}"),
        class,
        tells,
        auc,
        flagged: true,
        meaning,
    })
}

/// Whether shuffled labels seldom tell as much of any place.
fn is_rare(places: &Places, images: &Independent, found: Excess) -> bool {
    let (mut random, mut labels) = (Random::new(SEED, 0x3a7c), images.labels.clone());
    let mut as_much = 0;
    for _ in 0..SHUFFLINGS {
        random.shuffle(&mut labels);
        let best = places.best(images.told(), &labels);
        as_much += usize::from(best.is_some_and(|(_, best)| best.more.abs() >= found.more.abs()));
        if as_much > SELDOM {
            return false;
        }
    }
    true
}

/// Those of `count` images that are in `which`, a bit each.
fn bits(which: impl Iterator<Item = usize>, count: usize) -> Vec<u64> {
    let mut bits = vec![0u64; count.div_ceil(64)];
    which.for_each(|image| bits[image / 64] |= 1 << (image % 64));
    bits
}

impl Places {
    fn of(marks: &[Marks]) -> Self {
        let marked = |place: usize| {
            let having = marks.iter().enumerate().filter(|(_, marks)| marks.at(place));
            bits(having.map(|(image, _)| image), marks.len())
        };
        let around = |place: usize| {
            let far = |other: &usize| {
                let across = (place % PLACES).abs_diff(other % PLACES);
                AROUND.contains(&across.max((place / PLACES).abs_diff(other / PLACES)))
            };
            (0..PLACES * PLACES).filter(far).collect()
        };
        let all = 0..PLACES * PLACES;
        Self { marked: all.clone().map(marked).collect(), around: all.map(around).collect() }
    }

    /// The class with the largest excess.
    fn best(&self, classes: std::ops::Range<usize>, labels: &[usize]) -> Option<(usize, Excess)> {
        let of_class = |class: usize| {
            let of = |of_class: bool| {
                let which = labels.iter().enumerate().filter(|(_, label)| (**label == class) == of_class);
                bits(which.map(|(image, _)| image), labels.len())
            };
            Some((class, self.excess(&of(true), &of(false))?))
        };
        classes.filter_map(of_class).max_by(|a, b| a.1.more.abs().total_cmp(&b.1.more.abs()))
    }

    /// The place where images of one kind have a mark more often, or less, than others: more than around it.
    fn excess(&self, one: &[u64], others: &[u64]) -> Option<Excess> {
        let count = |bits: &[u64]| bits.iter().map(|word| word.count_ones()).sum::<u32>();
        let (ones, rest) = (f64::from(count(one)), f64::from(count(others)));
        let both = |left: &[u64], right: &[u64]| {
            f64::from(left.iter().zip(right).map(|(left, right)| (left & right).count_ones()).sum::<u32>())
        };
        let more: Vec<f64> =
            self.marked.iter().map(|marked| both(marked, one) / ones - both(marked, others) / rest).collect();
        let excess = |place: usize| Excess { place, more: more[place] - median(&more, &self.around[place]) };
        (0..more.len()).map(excess).max_by(|a, b| a.more.abs().total_cmp(&b.more.abs()))
    }

    /// Whether an image has a mark at a place, less the share of the places around it where it has one.
    fn stands_out(&self, image: usize, place: usize) -> f64 {
        let has = |place: usize| f64::from((self.marked[place][image / 64] >> (image % 64) & 1) as u8);
        let around = &self.around[place];
        has(place) - around.iter().map(|place| has(*place)).sum::<f64>() / around.len() as f64
    }
}

/// Of the values at these indices, of which there is at least one.
fn median(values: &[f64], which: &[usize]) -> f64 {
    let mut picked: Vec<f64> = which.iter().map(|index| values[*index]).collect();
    let middle = picked.len() / 2;
    *picked.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_lies_at_the_places_around_its_middle() {
        let mut marks = Marks::default();
        marks.add([0.99, 0.4]);
        let places: Vec<usize> = (0..PLACES * PLACES).filter(|place| marks.at(*place)).collect();
        // The last column, and the two rows of places that have cell 6.
        assert_eq!(places, [5 * PLACES + 14, 6 * PLACES + 14]);
    }

    /// So many images with marks at random cells, each cell with this probability.
    fn drawn(random: &mut Random, images: usize, share: impl Fn(usize) -> f32) -> Vec<Marks> {
        let mut marks = vec![Marks::default(); images];
        for (image, marks) in marks.iter_mut().enumerate() {
            for cell in 0..CELLS * CELLS {
                if random.unit() < share(image) {
                    marks.add([cell % CELLS, cell / CELLS].map(|at| (at as f32 + 0.5) / CELLS as f32));
                }
            }
        }
        marks
    }

    fn images(count: usize) -> Independent {
        Independent::evenly(2, count)
    }

    #[test]
    fn shuffled_labels_do_as_well_where_marks_lie_at_random() {
        let mut random = Random::new(3, 0);
        let images = images(120);
        let suspected = (0..20)
            .filter(|_| {
                let places = Places::of(&drawn(&mut random, 120, |_| 0.1));
                let (_, excess) = places.best(images.told(), &images.labels).expect("places");
                is_rare(&places, &images, excess)
            })
            .count();
        // One in twenty is expected.
        assert!(suspected <= 3, "{suspected} of 20");
    }

    #[test]
    fn a_class_with_more_marks_everywhere_has_no_place_of_its_own() {
        let mut random = Random::new(4, 0);
        let images = images(200);
        let mut marks = drawn(&mut random, 200, |image| [0.05, 0.3][images.labels[image]]);
        let best = |marks: &[Marks]| {
            let places = Places::of(marks);
            let (_, excess) = places.best(images.told(), &images.labels).expect("places");
            (excess.place, excess.more)
        };
        assert!(best(&marks).1.abs() < 0.35);
        // A mark in the lower right corner of nearly all images of the class that has few.
        let few = (0..200).filter(|image| images.labels[*image] == 0 && image % 9 != 0);
        few.for_each(|image| marks[image].add([0.93, 0.93]));
        let (place, more) = best(&marks);
        let holds_the_mark = [13, 14].contains(&(place % PLACES)) && [13, 14].contains(&(place / PLACES));
        assert!(more < -0.7 && holds_the_mark, "{place} {more}");
    }
}
