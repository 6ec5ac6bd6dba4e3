//! Data cut into splits that no group crosses.

use std::path::{Path, PathBuf};

use crate::audit::Survey;
use crate::dataset::stream::{Cut, Streamed};
use crate::dataset::{Dataset, Grouping, Sample, Split, Tally};
use crate::error::{Error, Result};
use crate::evaluate::Doubt;
use crate::image::first_frames;
use crate::numbers::thousands;
use crate::observer::Observer;
use crate::ranks::Ranks;
use crate::visible::visible;
use crate::whole_file::replace;

/// How data becomes splits.
#[derive(Debug, Clone)]
pub struct Partition {
    /// The images.
    pub data: PathBuf,
    /// Images that a program lists itself, instead of what `data` holds.
    pub own_data: Option<Dataset>,
    /// A list of images to leave out, one path a line.
    pub exclude: Option<PathBuf>,
    /// At most so many training images.
    pub train_images: Option<usize>,
    /// What tells which images belong together.
    pub groups: Grouping,
    /// Whether to cut again what comes with splits.
    pub resplit: bool,
    /// Whether no test images are cut off.
    pub no_test: bool,
    /// Share of the images that validation gets, and test.
    pub fraction: f64,
    /// Decides which.
    pub seed: u64,
    /// Folder where it is kept what pictures look like. Without one they are not looked at, and
    /// nothing is known of near duplicates.
    pub cache: Option<PathBuf>,
    /// Share the looking.
    pub ranks: Ranks,
}

impl Partition {
    /// Opens the data, joins what shows the same to one group, cuts the splits that are missing and
    /// says what came of it: the last of the results are the splits that were missing. What makes an evaluation
    /// doubtful, such as given splits that leak, is a warning.
    ///
    /// # Errors
    /// Data that cannot be used or is too little to cut, each named; [`Error::Interrupted`].
    pub fn cut(&self, observer: &mut dyn Observer) -> Result<(Dataset, Survey, Vec<Split>)> {
        let mut dataset = self.open(observer)?;
        let survey = match &self.cache {
            Some(cache) => Survey::of(&dataset, (cache, &self.ranks), &mut Looking(observer))?,
            None => Survey::default(),
        };
        first_frames(survey.first_frames(&dataset)).iter().for_each(|line| observer.warn(line));
        let joined = dataset.join(&survey.same(&dataset));
        let wanted = [(Split::Test, !self.no_test), (Split::Validation, true)];
        let missing = wanted.into_iter().filter(|(split, wanted)| *wanted && !dataset.has(*split));
        let missing: Vec<Split> = missing.map(|(split, _)| split).collect();
        for split in &missing {
            match split {
                Split::Test => dataset.assign_test(self.fraction, self.seed),
                Split::Train | Split::Validation => dataset.assign_validation(self.fraction, self.seed),
            }
        }
        self.say(&dataset.tally(), &survey.unusable(&dataset), joined, observer)?;
        Ok((dataset, survey, missing))
    }

    /// Cuts as [`cut`](Self::cut) does, and into `folds` too, and writes `split.csv` to `out`. Of a CSV of which neither
    /// pictures nor folds are asked for, the rows are never all in memory.
    ///
    /// # Errors
    /// As [`cut`](Self::cut); [`Error::Io`] when `out` cannot be written. What was there before is then still there.
    pub fn write(&self, folds: Option<usize>, out: &Path, observer: &mut dyn Observer) -> Result<()> {
        let is_csv = self.data.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if is_csv
            && self.data.is_file()
            && self.cache.is_none()
            && folds.is_none()
            && self.train_images.is_none()
        {
            let streamed = self.stream(&*observer)?;
            self.say_left_out(streamed.left_out, observer);
            self.say(&streamed.tally, &[], 0, observer)?;
            return replace(out, |file| streamed.write_split(file, out));
        }
        let (dataset, ..) = self.cut(observer)?;
        if dataset.images_folder().is_none() {
            observer.warn("the images lie in an array and are no files: the table names them, but nothing can be trained from it");
        }
        let folds = folds.map(|folds| dataset.folds(folds, self.seed)).transpose()?;
        replace(out, |file| dataset.write_split(folds.as_deref(), file, out))
    }

    fn stream(&self, observer: &dyn Observer) -> Result<Streamed> {
        let cut = Cut {
            file: &self.data,
            groups: &self.groups,
            exclude: self.exclude.as_deref(),
            resplit: self.resplit,
            fraction: self.fraction,
            seed: self.seed,
            stop: &|| observer.stop(),
        };
        cut.run()
    }

    fn say_left_out(&self, images: usize, observer: &mut dyn Observer) {
        if let Some(list) = &self.exclude {
            observer.say(&format!("{images} images left out, as {} says", list.display()));
        }
    }

    fn open(&self, observer: &mut dyn Observer) -> Result<Dataset> {
        let mut dataset = match &self.own_data {
            Some(own) => own.clone().checked()?,
            None => Dataset::open(&self.data)?,
        };
        dataset.group_by(&self.groups)?;
        if let Some(list) = &self.exclude {
            let left_out = dataset.exclude(list)?;
            self.say_left_out(left_out, observer);
        }
        if self.resplit {
            dataset.clear_splits();
        }
        if let Some(limit) = self.train_images {
            let there = dataset.samples.iter().filter(|sample| sample.is_trainable()).count();
            if limit > there {
                observer.warn(&format!(
                    "train_images {limit}: there are {} images to train with, and all are used",
                    thousands(there)
                ));
            }
            dataset.train_subset(limit);
        }
        Ok(dataset)
    }

    /// The counts of images that can be used, and the proof that no group is in two splits, or the warning that some
    /// are.
    fn say(
        &self,
        tally: &Tally,
        unusable: &[&Sample],
        joined: usize,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let mut usable = tally.clone();
        unusable.iter().for_each(|sample| usable.remove(sample.split, sample.label));
        let is_there = |split: &Split| *split != Split::Test || !self.no_test || tally.has(Split::Test);
        for split in Split::ALL.into_iter().filter(is_there) {
            if let Some(class) = tally.counts(Some(split)).iter().position(|count| *count == 0) {
                let found = format!("too few of {} to cut a {split} split", tally.classes[class]);
                return Err(Error::invalid(&self.data, "several images of each class", found));
            }
            let shown = tally.classes.iter().zip(usable.counts(Some(split)));
            let shown = shown.map(|(class, count)| format!("{} {count}", visible(class)));
            observer.say(&format!("{split:<11} {}", shown.collect::<Vec<_>>().join(", ")));
        }
        if !unusable.is_empty() {
            let files = if unusable.len() == 1 { "file that" } else { "files that" };
            observer.say(&format!("{:<11} {} {files} cannot be used", "besides", thousands(unusable.len())));
        }
        let (groups, shared) = (tally.groups, tally.shared_groups);
        let joined = match joined {
            0 => String::new(),
            joined => format!(", {} of them joined by duplicates", thousands(joined)),
        };
        observer.say(&format!("{:<11} {}{joined}; groups in common {shared}", "groups", thousands(groups)));
        for doubt in Doubt::of(tally) {
            let remedy = match doubt {
                Doubt::SharedGroups { .. } => " Splitting the data again (resplit) mends that.",
                Doubt::FewImages { .. } => "",
            };
            observer.warn(&format!("{doubt}{remedy}"));
        }
        Ok(())
    }
}

/// Says how far the look at the pictures is. What cannot be used is told when features are computed.
struct Looking<'a>(&'a mut dyn Observer);

impl Observer for Looking<'_> {
    fn surveyed(&mut self, done: usize, total: usize) {
        self.0.surveyed(done, total);
    }

    fn stop(&self) -> bool {
        self.0.stop()
    }
}
