//! Views of images: extracted once. One of the training images' is drawn for each of them in each epoch.

use std::path::Path;
use std::sync::Arc;

use super::Job;
use super::assembly::Assembled;
use super::fit::Data;
use super::gate_fit::with_copies;
use crate::dataset::{Dataset, Digest, Sample, Split};
use crate::error::{Error, Result};
use crate::features::{Extracted, ExtractedViews, Extractor, Further, Records, View, Wanted};
use crate::image::{Augment, Image, Limits, OddCopy, RESTYLED, Stylist};
use crate::observer::Observer;
use crate::random::Random;
use crate::ranks::Ranks;

/// Training images whose grey levels others may be given.
const HISTOGRAMS: usize = 64;

/// Features of views of some images.
#[derive(Default)]
pub(super) struct Views<'a> {
    /// Each holds a record for each of the images.
    each: Vec<Records>,
    /// Where a record of the data set lies in these.
    places: Vec<usize>,
    /// Views that the cache has no room for.
    anew: Option<Anew<'a>>,
    /// Whether they stand in for the images.
    replace: bool,
}

/// Views that pass the trunk whenever they are drawn.
struct Anew<'a> {
    extractor: &'a Extractor,
    views: Vec<View>,
    /// By place, each with the content that it had at first.
    samples: Vec<(Sample, Digest)>,
}

/// Which views of which images a training needs.
pub(super) struct Needed {
    /// Of the training images: those that the cache may hold, then those that it may not.
    drawn: (Vec<View>, Vec<View>),
    replace: bool,
    /// Of validation and test images, besides themselves.
    fixed: Vec<View>,
    /// Of validation images, restyled: the first, then its fixed views.
    stressed: Vec<View>,
    /// Odd copies, and of which images.
    odd: (Vec<View>, Vec<usize>),
    train: Vec<usize>,
    validation: Vec<usize>,
    scored: Vec<usize>,
}

/// What was extracted, by what it is for.
pub(super) struct Shown<'a> {
    /// Every image as it is.
    pub(super) extracted: Extracted,
    /// Of the training images.
    pub(super) drawn: Views<'a>,
    /// Of validation and test images.
    pub(super) fixed: Views<'a>,
    /// Of validation images.
    pub(super) stressed: Views<'a>,
    /// Copies of some training and validation images that no camera makes.
    pub(super) odd: Views<'a>,
}

impl Shown<'_> {
    /// Whether every record that was read so far could be read.
    ///
    /// # Errors
    /// As [`Records::check`].
    pub(super) fn check(&self) -> Result<()> {
        self.extracted.records.check()?;
        [&self.drawn, &self.fixed, &self.stressed].into_iter().try_for_each(Views::check)
    }
}

/// Odd copies, and the images that have them.
fn odd(train: &[usize], validation: &[usize]) -> (Vec<View>, Vec<usize>) {
    let images = with_copies(train, validation);
    let copies = OddCopy::ALL.map(View::odd).to_vec();
    (if images.is_empty() { vec![] } else { copies }, images)
}

impl Needed {
    /// What the recipe asks for.
    pub(super) fn new(job: &Job, net: &Assembled, dataset: &Dataset, observer: &mut dyn Observer) -> Self {
        let recipe = &job.recipe;
        // With folds each image trains some members and validates others.
        let of = |wanted: &[Split]| -> Vec<usize> {
            let is_wanted = |sample: &Sample| {
                wanted.contains(&sample.split.unwrap_or(Split::Train))
                    || recipe.folds.is_some() && sample.split != Some(Split::Test)
            };
            (0..dataset.samples.len()).filter(|index| is_wanted(&dataset.samples[*index])).collect()
        };
        let (train, validation) = (of(&[Split::Train]), of(&[Split::Validation]));
        let augment = recipe.augment.unwrap_or_default();
        let stylist = Arc::new(stylist(augment, net, dataset, &train));
        let mut cached: Vec<View> = (1..=augment.views).map(|number| View::drawn(&stylist, number)).collect();
        let room = affordable(job, augment.views, net.extractor.record_bytes() * train.len(), observer);
        let left = cached.split_off(room);
        let restyled = View::drawn(&Arc::new(Stylist::new(RESTYLED)), 0);
        let fixed = |view: &View| recipe.test_views.iter().map(|fixed| view.clone().then(*fixed)).collect();
        let of_restyled: Vec<View> = fixed(&restyled);
        Self {
            drawn: (cached, left),
            replace: augment.replace,
            fixed: fixed(&View::default()),
            stressed: [vec![restyled], of_restyled].concat(),
            scored: of(&[Split::Validation, Split::Test]),
            odd: odd(&train, &validation),
            train,
            validation,
        }
    }

    /// Runs the trunk over all of it.
    ///
    /// # Errors
    /// As [`Extractor::extract_views`].
    pub(super) fn extract<'a>(
        self,
        job: &Job,
        extractor: &'a Extractor,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Shown<'a>> {
        let samples = &dataset.samples;
        let whole = Wanted { view: View::default(), samples: (0..samples.len()).collect() };
        let each = |views: &[View], samples: &[usize]| -> Vec<Wanted> {
            views.iter().map(|view| Wanted { view: view.clone(), samples: samples.to_vec() }).collect()
        };
        let [drawn, fixed, stressed, odd] = [
            each(&self.drawn.0, &self.train),
            each(&self.fixed, &self.scored),
            each(&self.stressed, &self.validation),
            each(&self.odd.0, &self.odd.1),
        ];
        let counts = [drawn.len(), fixed.len(), stressed.len(), odd.len()];
        let wanted = [vec![whole], drawn, fixed, stressed, odd].concat();
        let ExtractedViews { usable, mut records, set_aside } =
            extractor.extract_views(samples, &wanted, (&job.cache, &job.ranks), observer)?;
        let mut take = |count: usize, of: &[usize]| {
            let (mut places, mut place) = (vec![usize::MAX; usable.len()], 0);
            let is_of: std::collections::HashSet<usize> = of.iter().copied().collect();
            for (record, index) in usable.iter().enumerate() {
                if is_of.contains(index) {
                    places[record] = place;
                    place += 1;
                }
            }
            Views { each: records.splice(1..=count, []).collect(), places, anew: None, replace: false }
        };
        let drawn = take(counts[0], &self.train);
        let fixed = take(counts[1], &self.scored);
        let stressed = take(counts[2], &self.validation);
        let odd = take(counts[3], &self.odd.1);
        let images = usable.iter().zip(records[0].contents());
        let trained = images.zip(&drawn.places).filter(|(_, place)| **place != usize::MAX);
        let again = || trained.map(|((index, content), _)| (samples[*index].clone(), *content)).collect();
        let anew =
            (!self.drawn.1.is_empty()).then(|| Anew { extractor, views: self.drawn.1, samples: again() });
        let drawn = Views { anew, replace: self.replace, ..drawn };
        Ok(Shown {
            extracted: Extracted { records: records.remove(0), usable, set_aside },
            drawn,
            fixed,
            stressed,
            odd,
        })
    }
}

/// Draws the training's views; where they are given other images' grey levels, those of some at even steps.
fn stylist(augment: Augment, net: &Assembled, dataset: &Dataset, train: &[usize]) -> Stylist {
    let stylist = Stylist::new(augment);
    if augment.histogram.is_none() {
        return stylist;
    }
    let step = train.len().div_ceil(HISTOGRAMS).max(1);
    let read = |index: &usize| dataset.samples[*index].read(&Limits::default()).ok();
    let images: Vec<Image> = train.iter().step_by(step).filter_map(read).collect();
    stylist.with_histograms(&net.backbone.preprocess, &images)
}

impl<'a> Views<'a> {
    /// Copies what the training images `indices` look like this time to `output`, one after the other.
    ///
    /// # Errors
    /// When a file that must be read again has changed.
    pub(super) fn draw(
        &self,
        data: &Data<'_>,
        indices: &[usize],
        output: &mut [f32],
        random: &mut Random,
    ) -> Result<()> {
        let count = self.each.len() + self.anew.as_ref().map_or(0, |anew| anew.views.len());
        let mut left = Vec::new();
        let length = output.len() / indices.len();
        for (index, slot) in indices.iter().zip(output.chunks_exact_mut(length)) {
            let number = match (count, self.replace) {
                (0, _) => 0,
                (_, true) => 1 + random.below(count),
                (_, false) => random.below(count + 1),
            };
            match number.checked_sub(1) {
                None => data.records.copy(*index, slot),
                Some(view) if view < self.each.len() => self.each[view].copy(self.places[*index], slot),
                Some(view) => left.push((self.places[*index], view - self.each.len(), slot)),
            }
        }
        data.records.check()?;
        self.check()?;
        match &self.anew {
            Some(anew) if !left.is_empty() => anew.compute(left),
            _ => Ok(()),
        }
    }

    /// Whether every record that was drawn so far could be read.
    ///
    /// # Errors
    /// As [`Records::check`].
    pub(super) fn check(&self) -> Result<()> {
        self.each.iter().try_for_each(Records::check)
    }

    /// The same views at a later cut.
    ///
    /// # Errors
    /// As [`Further::extract`].
    pub(super) fn further(
        &self,
        further: &Further,
        place: (&Path, &Ranks),
        observer: &mut dyn Observer,
    ) -> Result<Views<'static>> {
        let mut each = Vec::with_capacity(self.each.len());
        for records in &self.each {
            let all: Vec<usize> = (0..records.contents().len()).collect();
            each.push(further.extract(records, &all, place, observer)?);
        }
        Ok(Views { each, places: self.places.clone(), anew: None, replace: self.replace })
    }

    /// All that training may see of its images, a set for each version: records, and the images' places in them. Views
    /// that are not in the cache are left out.
    pub(super) fn versions<'v>(&'v self, data: &Data<'v>) -> Vec<(&'v Records, Vec<usize>)> {
        let itself = (data.records, data.train.to_vec());
        let is_wanted = !self.replace || self.each.is_empty();
        is_wanted.then_some(itself).into_iter().chain(self.of(data.train)).collect()
    }

    /// How many lie in the cache, and whether these are all.
    pub(super) fn cached(&self) -> (usize, bool) {
        (self.each.len(), self.anew.is_none())
    }

    /// Those of these images that have views.
    pub(super) fn among(&self, images: &[usize]) -> Vec<usize> {
        images
            .iter()
            .copied()
            .filter(|index| self.places.get(*index).is_some_and(|at| *at != usize::MAX))
            .collect()
    }

    /// Each view's records, and which of them belong to these images.
    pub(super) fn of<'v>(
        &'v self,
        images: &[usize],
    ) -> impl Iterator<Item = (&'v Records, Vec<usize>)> + use<'v, 'a> {
        let place = |index: &usize| self.places.get(*index).copied().unwrap_or(usize::MAX);
        let places: Vec<usize> = images.iter().map(place).collect();
        self.each.iter().map(move |records| (records, places.clone()))
    }
}

impl Anew<'_> {
    /// Fills slots, each with the place of its image and the number of its view.
    fn compute(&self, slots: Vec<(usize, usize, &mut [f32])>) -> Result<()> {
        let wanted: Vec<(&Sample, &Digest, &View)> = slots
            .iter()
            .map(|(place, view, _)| {
                let (sample, content) = &self.samples[*place];
                (sample, content, &self.views[*view])
            })
            .collect();
        let features = self.extractor.features_of(&wanted).map_err(|(path, why)| changed(&path, &why))?;
        let length = features.len() / slots.len();
        for ((_, _, slot), features) in slots.into_iter().zip(features.chunks_exact(length)) {
            slot.copy_from_slice(features);
        }
        Ok(())
    }
}

fn changed(path: &str, why: &str) -> Error {
    Error::invalid(path, "the file that was read at first", format!("{why}: it changed meanwhile"))
}

/// How many views the cache may hold, `bytes` each.
fn affordable(job: &Job, wanted: usize, bytes: usize, observer: &mut dyn Observer) -> usize {
    let mebibytes = |bytes: usize| bytes as f64 / (1 << 20) as f64;
    if wanted == 0 {
        return 0;
    }
    let Some(limit) = job.cache_limit else {
        observer
            .say(&format!("{wanted} views of each training image take {:.0} MiB", mebibytes(bytes * wanted)));
        return wanted;
    };
    let count = wanted.min(limit / bytes.max(1));
    if count < wanted {
        observer.warn(&format!(
            "{count} of {wanted} views of each training image fit into {:.0} MiB of cache, {:.0} MiB each; the others are \
             computed each time they are drawn, which takes longer",
            mebibytes(limit),
            mebibytes(bytes)
        ));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Cache;
    use crate::train::state::Within;

    /// Records of the images 1 and 2, whose values are their numbers and ten times that of their view.
    fn records(folder: &Path, view: f32) -> Records {
        let mut cache = Cache::open(folder, &format!("view{view}"), 1).expect("opens");
        cache.append(&[[1; 32], [2; 32]], &[10.0 * view + 1.0, 10.0 * view + 2.0]).expect("writes");
        cache.read(&[[1; 32], [2; 32]])
    }

    #[test]
    fn images_and_epochs_draw_views_of_their_own_and_an_epoch_the_same_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let each = vec![records(folder.path(), 1.0), records(folder.path(), 2.0)];
        let views = Views { each, places: vec![0, 1], anew: None, replace: false };
        let itself = records(folder.path(), 0.0);
        let data = Data {
            records: &itself,
            views: &views,
            stressed: &Views::default(),
            labels: &[0, 1],
            train: &[0, 1],
            validation: &[],
            classes: 2,
            positive: 1,
        };
        let epoch = |epoch: usize| {
            let mut drawn = [0.0; 2];
            views.draw(&data, &[0, 1], &mut drawn, &mut Within::start(7, epoch).views).expect("draws");
            drawn
        };
        let epochs: Vec<[f32; 2]> = (1..=30).map(epoch).collect();
        for (image, number) in [1.0, 2.0].into_iter().enumerate() {
            for version in [number, 10.0 + number, 20.0 + number] {
                assert!(epochs.iter().any(|drawn| drawn[image] == version), "{version} is never drawn");
            }
        }
        assert!(epochs.iter().any(|[first, second]| second - first != 1.0), "all images draw the same view");
        assert_eq!(epoch(3), epochs[2]);
    }
}
