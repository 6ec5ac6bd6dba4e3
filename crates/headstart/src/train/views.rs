//! Views of the training images: extracted once, one of them drawn for each image in each epoch.

use super::data::Usable;
use super::fit::Data;
use super::graft::Grafted;
use super::{Job, Observer};
use crate::dataset::{Dataset, Sample, Split};
use crate::error::{Error, Result};
use crate::features::{Extracted, Records, View};
use crate::random::Random;

/// Features of views of the training images.
#[derive(Default)]
pub(super) struct Views {
    /// By number, from 1 on; each holds a record for each training image.
    each: Vec<Records>,
    /// Where a record of the data set lies in these.
    places: Vec<usize>,
}

impl Views {
    /// Extracts as many views as the recipe wants and the cache may hold.
    pub(super) fn extract(
        job: &Job,
        net: &Grafted,
        dataset: &Dataset,
        (extracted, usable): (&Extracted, &Usable),
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let Some(augment) = job.recipe.augment else { return Ok(Self::default()) };
        let train = usable.of(Split::Train);
        let mut views = Self { each: vec![], places: vec![usize::MAX; extracted.usable.len()] };
        train.iter().enumerate().for_each(|(place, index)| views.places[*index] = place);
        let samples: Vec<Sample> =
            train.iter().map(|index| dataset.samples[extracted.usable[*index]].clone()).collect();
        let count = affordable(job, augment.views, net.extractor.record_bytes() * train.len(), observer);
        for number in 1..=count {
            observer.say(&format!("view {number} of {count} of each training image"));
            let view = Some(View { augment, number });
            let found = net.extractor.extract_view(&samples, view, &job.cache, observer)?;
            if let Some((path, why)) = found.set_aside.first() {
                let found = format!("{why}: it changed meanwhile");
                return Err(Error::invalid(path, "the file that was read at first", found));
            }
            views.each.push(found.records);
        }
        Ok(views)
    }

    /// Copies what training image `index` looks like this time.
    pub(super) fn draw(&self, data: &Data<'_>, index: usize, output: &mut [f32], random: &mut Random) {
        let number = if self.each.is_empty() { 0 } else { random.below(self.each.len() + 1) };
        match number.checked_sub(1) {
            None => data.records.copy(index, output),
            Some(view) => self.each[view].copy(self.places[index], output),
        }
    }
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
            "only {count} of {wanted} views of each training image fit into {:.0} MiB of cache, {:.0} MiB each",
            mebibytes(limit),
            mebibytes(bytes)
        ));
    }
    count
}
