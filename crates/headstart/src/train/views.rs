//! Views of images: extracted once. One of the training images' is drawn for each of them in each epoch.

use std::path::Path;

use super::Job;
use super::Observer;
use super::fit::Data;
use super::graft::Grafted;
use crate::dataset::{Dataset, Sample};
use crate::error::{Error, Result};
use crate::features::{Extracted, Extractor, Further, Records, View};
use crate::random::Random;

/// Features of views of some images.
#[derive(Default)]
pub(super) struct Views<'a> {
    /// Each holds a record for each of the images.
    each: Vec<Records>,
    /// Where a record of the data set lies in these.
    places: Vec<usize>,
    /// Views that the cache has no room for.
    anew: Option<Anew<'a>>,
}

/// Views that pass the trunk whenever they are drawn.
struct Anew<'a> {
    extractor: &'a Extractor,
    views: Vec<View>,
    /// By place.
    samples: Vec<Sample>,
}

impl<'a> Views<'a> {
    /// Extracts the first `cached` of these views of the images with these records; the others are computed
    /// when they are drawn.
    ///
    /// # Errors
    /// As [`Extractor::extract`], and for a file that changed meanwhile.
    pub(super) fn extract(
        (views, cached): (&[View], usize),
        images: &[usize],
        (extractor, cache): (&'a Extractor, &Path),
        (dataset, extracted): (&Dataset, &Extracted),
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let mut places = vec![usize::MAX; extracted.usable.len()];
        images.iter().enumerate().for_each(|(place, index)| places[*index] = place);
        let samples: Vec<Sample> =
            images.iter().map(|index| dataset.samples[extracted.usable[*index]].clone()).collect();
        let (cached, drawn) = views.split_at(cached);
        let mut each = Vec::with_capacity(cached.len());
        for (number, view) in cached.iter().enumerate() {
            let (count, images) = (views.len(), samples.len());
            observer.say(&format!("view {} of {count} of {images} images", number + 1));
            let found = extractor.extract_view(&samples, Some(*view), cache, observer)?;
            if let Some((path, why)) = found.set_aside.first() {
                return Err(changed(path, why));
            }
            each.push(found.records);
        }
        let anew = Anew { extractor, views: drawn.to_vec(), samples };
        Ok(Self { each, places, anew: (!drawn.is_empty()).then_some(anew) })
    }

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
            let number = if count == 0 { 0 } else { random.below(count + 1) };
            match number.checked_sub(1) {
                None => data.records.copy(*index, slot),
                Some(view) if view < self.each.len() => self.each[view].copy(self.places[*index], slot),
                Some(view) => left.push((self.places[*index], view - self.each.len(), slot)),
            }
        }
        match &self.anew {
            Some(anew) if !left.is_empty() => anew.compute(left),
            _ => Ok(()),
        }
    }

    /// The same views at a later cut.
    ///
    /// # Errors
    /// As [`Further::extract`].
    pub(super) fn further(
        &self,
        further: &Further,
        cache: &Path,
        observer: &mut dyn Observer,
    ) -> Result<Views<'static>> {
        let mut each = Vec::with_capacity(self.each.len());
        for records in &self.each {
            let all: Vec<usize> = (0..records.contents().len()).collect();
            each.push(further.extract(records, &all, cache, observer)?);
        }
        Ok(Views { each, places: self.places.clone(), anew: None })
    }

    /// How many lie in the cache, and whether these are all.
    pub(super) fn cached(&self) -> (usize, bool) {
        (self.each.len(), self.anew.is_none())
    }

    /// Each view's records, and which of them belong to these images.
    pub(super) fn of<'v>(
        &'v self,
        images: &[usize],
    ) -> impl Iterator<Item = (&'v Records, Vec<usize>)> + use<'v, 'a> {
        let places: Vec<usize> = images.iter().map(|index| self.places[*index]).collect();
        self.each.iter().map(move |records| (records, places.clone()))
    }
}

impl Anew<'_> {
    /// Fills slots, each with the place of its image and the number of its view.
    fn compute(&self, slots: Vec<(usize, usize, &mut [f32])>) -> Result<()> {
        let wanted: Vec<(&Sample, View)> =
            slots.iter().map(|(place, view, _)| (&self.samples[*place], self.views[*view])).collect();
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

/// The views of `images` training images that the recipe wants, and how many of them the cache may hold.
pub(super) fn drawn(
    job: &Job,
    net: &Grafted,
    images: usize,
    observer: &mut dyn Observer,
) -> (Vec<View>, usize) {
    let Some(augment) = job.recipe.augment else { return (vec![], 0) };
    let cached = affordable(job, augment.views, net.extractor.record_bytes() * images, observer);
    ((1..=augment.views).map(|number| View::Drawn { augment, number }).collect(), cached)
}

/// How many views the cache may hold, `bytes` each.
fn affordable(job: &Job, wanted: usize, bytes: usize, observer: &mut dyn Observer) -> usize {
    let mebibytes = |bytes: usize| bytes as f64 / (1 << 20) as f64;
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
        cache.read(&[[1; 32], [2; 32]]).expect("maps")
    }

    #[test]
    fn images_and_epochs_draw_views_of_their_own_and_an_epoch_the_same_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let each = vec![records(folder.path(), 1.0), records(folder.path(), 2.0)];
        let views = Views { each, places: vec![0, 1], anew: None };
        let itself = records(folder.path(), 0.0);
        let data = Data {
            records: &itself,
            views: &views,
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
