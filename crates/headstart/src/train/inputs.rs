//! What the epochs of a training read: features of the images and of their views, labels, and which training of several
//! uses which of them.

use std::time::Instant;

use super::Recipe;
use super::data::Usable;
use super::members::{Fitting, Member, Trainings, records};
use super::phases::Phases;
use super::setup::Setup;
use super::views::{Needed, Shown};
use crate::audit::{Features, Labels};
use crate::classifier::Seen;
use crate::dataset::Digest;
use crate::error::Result;
use crate::image::first_frames;
use crate::observer::Observer;
use crate::sha256::{hexadecimal, sha256};

/// All of it.
pub(super) struct Inputs<'a> {
    pub(super) setup: &'a Setup,
    pub(super) shown: Shown<'a>,
    pub(super) usable: Usable,
    members: Vec<Member>,
    phases: Phases,
    /// How long it took to compute them.
    pub(super) seconds: f64,
}

impl<'a> Inputs<'a> {
    /// Runs the images through the frozen trunk.
    ///
    /// # Errors
    /// When a class has no image that can be used, and as [`Needed::extract`] and [`Phases::extract`].
    pub(super) fn extract(setup: &'a Setup, observer: &mut dyn Observer) -> Result<Self> {
        let Setup { job, dataset, net, .. } = setup;
        let start = Instant::now();
        let needed = Needed::new(job, net, dataset, observer);
        let shown = needed.extract(job, &net.extractor, dataset, observer)?;
        let Shown { extracted, drawn, stressed, .. } = &shown;
        let usable = Usable::new(dataset, extracted)?;
        let members = Member::all(&job.recipe, job.seed, dataset, (&usable, &extracted.usable))?;
        let phases = Phases::extract(job, net, &members, (&extracted.records, drawn, stressed), observer)?;
        let seconds = start.elapsed().as_secs_f64();
        net.extractor.rest();
        Ok(Self { setup, shown, usable, members, phases, seconds })
    }

    /// Trains every member.
    ///
    /// # Errors
    /// As [`Fitting::all`].
    pub(super) fn fit(&self, observer: &mut dyn Observer) -> Result<Trainings> {
        let Setup { job, dataset, survey, positive, net, .. } = self.setup;
        let fitting = Fitting {
            job,
            net,
            records: &self.shown.extracted.records,
            views: &self.shown.drawn,
            stressed: &self.shown.stressed,
            phases: &self.phases,
            usable: &self.usable,
            positive: *positive,
            groups: &self.groups(),
        };
        let print = self.fingerprint();
        job.ranks.agree("the images and settings", &print)?;
        let mut trainings = fitting.all(self.members.clone(), &print, observer)?;
        trainings.warnings.extend(first_frames(survey.first_frames(dataset)));
        Ok(trainings)
    }

    /// Looks for labels that are probably wrong, by the features.
    ///
    /// # Errors
    /// As [`Labels::check`].
    pub(super) fn check_labels(&self, observer: &mut dyn Observer) -> Result<Labels> {
        let Setup { dataset, survey, net, .. } = self.setup;
        let extracted = &self.shown.extracted;
        let features = Features::new(&extracted.records, extracted.usable.len(), net.extractor.output());
        Labels::check(dataset, survey, &extracted.usable, &features, observer)
    }

    /// The patient of each record, if known.
    pub(super) fn groups(&self) -> Vec<Option<&'a str>> {
        let samples = &self.setup.dataset.samples;
        self.shown.extracted.usable.iter().map(|index| samples[*index].group.as_deref()).collect()
    }

    /// How many images some member trains with.
    pub(super) fn training_images(&self) -> usize {
        records(&self.members, |member| &member.train).len()
    }

    /// Hashes of the images that some member trains or validates with.
    pub(super) fn seen(&self) -> Seen {
        let Setup { dataset, survey, .. } = self.setup;
        let digests = |records: Vec<usize>| -> Vec<Digest> {
            let usable = &self.shown.extracted.usable;
            let samples = records.iter().map(|record| &dataset.samples[usable[*record]]);
            samples.filter_map(|sample| survey.content(sample)).collect()
        };
        let of = |of: fn(&Member) -> &[usize]| digests(records(&self.members, of)).into_iter();
        Seen::new(of(|member| &member.train), of(|member| &member.validation))
    }

    /// Names everything that the epochs of a training depend on: not how many there shall be, unless the
    /// learning rate's schedule asks. Part by part, so that a checkpoint can tell which one differs.
    fn fingerprint(&self) -> String {
        let Setup { job, dataset, net, .. } = self.setup;
        let epochs = if job.recipe.schedule.depends_on_length() { job.recipe.epochs } else { 0 };
        let recipe = Recipe { epochs, patience: 0, ..job.recipe.clone() }.to_toml();
        let version = env!("CARGO_PKG_VERSION");
        let settings = format!("{version} {} {} {recipe}", net.extractor.key(), job.seed);
        let mut images = String::new();
        let extracted = &self.shown.extracted;
        for (index, content) in extracted.usable.iter().zip(extracted.records.contents()) {
            let sample = &dataset.samples[*index];
            let content = hexadecimal(content);
            images += &format!("{} {} {:?} {content}\n", sample.path(), sample.label, sample.split);
        }
        let digest = |text: &str| sha256(text.as_bytes());
        format!("settings={} images={} kept={}", digest(&settings), digest(&images), self.phases.kept())
    }
}
