//! The trainings of a job: one, or one for each seed and fold, whose mean the model will be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::Job;
use super::assembly::Assembled;
use super::checkpoint::Checkpoint;
use super::data::Usable;
use super::fit;
use super::phases::Phases;
use super::recipe::Recipe;
use super::state::Fitted;
use super::unfreeze_schedule::UnfreezeSchedule;
use super::views::Views;
use crate::backbone::weights::Weights;
use crate::classifier::{self, MemberMetrics};
use crate::dataset::{Dataset, Split};
use crate::error::Result;
use crate::features::Records;
use crate::history::History;
use crate::observer::Observer;
use crate::ranks::Ranks;

/// One training to come.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    /// Of its head, order and dropout.
    pub(super) seed: u64,
    /// The fold that it validates on, from 0 on.
    pub(super) fold: Option<usize>,
    /// Records that it trains with.
    pub(super) train: Vec<usize>,
    /// Records that it validates with.
    pub(super) validation: Vec<usize>,
}

/// A training that is over.
pub(super) struct Trained {
    pub(super) member: Member,
    /// Of the tail.
    pub(super) weights: Weights,
    pub(super) history: History,
    /// Whether it is a linear probe, which has no epochs.
    pub(super) is_probe: bool,
}

impl Member {
    /// All that the recipe asks for: each seed on each fold.
    ///
    /// # Errors
    /// When the data has too few groups for the folds.
    pub(super) fn all(
        recipe: &Recipe,
        seed: u64,
        dataset: &Dataset,
        (usable, records): (&Usable, &[usize]),
    ) -> Result<Vec<Self>> {
        let parts = match recipe.folds {
            None => vec![(None, usable.of(Split::Train), usable.of(Split::Validation))],
            Some(folds) => {
                let of_sample = dataset.folds(folds, seed)?;
                let pool = [usable.of(Split::Train), usable.of(Split::Validation)].concat();
                let part = |fold: usize| {
                    let inside = |record: &usize| of_sample[records[*record]] == Some(fold);
                    let (validation, train) = pool.iter().partition(|record| inside(record));
                    (Some(fold), train, validation)
                };
                (0..folds).map(part).collect()
            }
        };
        let seeds = (0..recipe.seeds as u64).map(|step| seed + step);
        Ok(seeds
            .flat_map(|seed| {
                parts.iter().map(move |(fold, train, validation)| Self {
                    seed,
                    fold: *fold,
                    train: train.clone(),
                    validation: validation.clone(),
                })
            })
            .collect())
    }

    /// What it is called.
    pub(super) fn name(&self) -> String {
        let fold = self.fold.map(|fold| format!(", validated on fold {}", fold + 1));
        format!("seed {}{}", self.seed, fold.unwrap_or_default())
    }
}

/// What ranks share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    /// Whole trainings: each is one rank's.
    Members,
    /// The slices of each step of one training after the other.
    Steps,
}

impl Share {
    /// Whole trainings, where there is one for each rank or steps are not cut: they need not hear of each other.
    fn of(members: usize, job: &Job) -> Self {
        match job.recipe.slices == 1 || members >= job.ranks.size() {
            true => Self::Members,
            false => Self::Steps,
        }
    }

    fn is_ours(self, member: usize, ranks: &Ranks) -> bool {
        self == Self::Steps || ranks.has(member)
    }

    /// Says where ranks have nothing to do.
    fn warning(self, job: &Job) -> Option<String> {
        let (ranks, members) = (job.ranks.size(), job.recipe.seeds * job.recipe.folds.unwrap_or(1));
        let (busy, more) = match self {
            Self::Members => (members, "slices in the recipe lets them share each step"),
            Self::Steps => (job.recipe.slices, "more slices in the recipe would"),
        };
        (busy < ranks).then(|| {
            format!("{busy} of {ranks} ranks train, the others have shared the features and wait: {more}")
        })
    }
}

/// The trainings that are over.
pub(super) struct Trainings {
    pub(super) trained: Vec<Trained>,
    /// What went wrong, in words for the user.
    pub(super) warnings: Vec<String>,
    /// How long they took.
    pub(super) seconds: f64,
}

/// What all trainings of a job share.
pub(super) struct Fitting<'a> {
    pub(super) job: &'a Job,
    pub(super) net: &'a Assembled,
    pub(super) records: &'a Records,
    pub(super) views: &'a Views<'a>,
    /// Of the validation images, restyled.
    pub(super) stressed: &'a Views<'a>,
    pub(super) phases: &'a Phases,
    pub(super) usable: &'a Usable,
    pub(super) positive: usize,
    /// The patient of each record, if known.
    pub(super) groups: &'a [Option<&'a str>],
}

impl Fitting<'_> {
    /// Each with a checkpoint of its own: what is over is not done again. Ranks share them, or each of them; rank 0 has
    /// what comes of it.
    ///
    /// # Errors
    /// As [`fit::Fit::run`].
    pub(super) fn all(
        &self,
        members: Vec<Member>,
        print: &str,
        observer: &mut dyn Observer,
    ) -> Result<Trainings> {
        let (start, ranks) = (Instant::now(), &self.job.ranks);
        let share = Share::of(members.len(), self.job);
        if let Some(warning) = share.warning(self.job) {
            observer.warn(&warning);
        }
        let mut fitted = BTreeMap::new();
        for (number, member) in members.iter().enumerate().filter(|(number, _)| share.is_ours(*number, ranks))
        {
            if members.len() > 1 {
                observer.say(&format!("training {} of {}: {}", number + 1, members.len(), member.name()));
            }
            let checkpoint = Checkpoint::new(self.job, number, format!("{print} {}", member.name()));
            let alone = Ranks::default();
            let sharing = if share == Share::Steps { ranks } else { &alone };
            fitted.insert(number, self.fit(member, checkpoint.as_ref(), sharing, observer)?);
        }
        let mut all = Trainings { trained: vec![], warnings: vec![], seconds: 0.0 };
        if share == Share::Members && !ranks.is_first() {
            fitted.values().try_for_each(|fitted| ranks.send(0, &fitted.to_bytes()))?;
            return Ok(all);
        }
        for (number, member) in members.into_iter().enumerate() {
            let fitted = match fitted.remove(&number) {
                Some(own) => own,
                None => self.received(number, &member, observer)?,
            };
            all.warnings.extend(fitted.warnings);
            all.trained.push(Trained {
                member,
                weights: fitted.weights,
                history: fitted.history,
                is_probe: false,
            });
        }
        if self.job.recipe.probe && ranks.is_first() {
            let probes = self.probes(&all.trained, observer)?;
            all.trained.extend(probes);
        }
        all.seconds = start.elapsed().as_secs_f64();
        Ok(all)
    }

    /// What another rank's training came to.
    fn received(&self, number: usize, member: &Member, observer: &mut dyn Observer) -> Result<Fitted> {
        let ranks = &self.job.ranks;
        let rank = number % ranks.size();
        let fitted = Fitted::from_bytes(&ranks.receive(rank)?, rank)?;
        observer.say(&format!("training {}, by rank {rank}: {}", number + 1, member.name()));
        fitted.history.epochs.iter().for_each(|record| observer.epoch(record));
        fitted.warnings.iter().for_each(|warning| observer.warn(warning));
        Ok(fitted)
    }

    fn fit(
        &self,
        member: &Member,
        checkpoint: Option<&Checkpoint>,
        ranks: &Ranks,
        observer: &mut dyn Observer,
    ) -> Result<Fitted> {
        let Self { job, net, .. } = *self;
        let data = fit::Data {
            records: self.records,
            views: self.views,
            stressed: self.stressed,
            labels: &self.usable.labels,
            train: &member.train,
            validation: &member.validation,
            classes: net.classes(),
            positive: self.positive,
        };
        let unfreeze_schedule =
            UnfreezeSchedule::new(&net.blocks[net.cut..], job.recipe.thaw, job.recipe.block_rate);
        let fit = fit::Fit {
            tail: &net.tail,
            data: &data,
            recipe: &job.recipe,
            unfreeze_schedule: &unfreeze_schedule,
            phases: self.phases,
            seed: member.seed,
            checkpoint,
            checkpoint_every: job.checkpoint_every,
            ranks,
        };
        fit.run(&net.fresh_weights(member.seed), observer)
    }
}

/// The records that any of them trains with, or with `validation` validates with, in order.
pub(super) fn records<'a>(
    members: impl IntoIterator<Item = &'a Member>,
    of: fn(&Member) -> &[usize],
) -> Vec<usize> {
    let all: BTreeSet<usize> = members.into_iter().flat_map(|member| of(member).iter().copied()).collect();
    all.into_iter().collect()
}

/// What is sealed of the trainings; nothing of a single one. `alone` is what each is worth, by split.
pub(super) fn sealed(
    trained: &[Trained],
    alone: Vec<BTreeMap<String, MemberMetrics>>,
) -> Vec<classifier::Member> {
    if trained.len() < 2 {
        return vec![];
    }
    let member = |(trained, measured): (&Trained, _)| classifier::Member {
        seed: trained.member.seed,
        fold: trained.member.fold.map(|fold| fold + 1),
        history: trained.history.clone(),
        probe: trained.is_probe,
        measured,
    };
    trained.iter().zip(alone).map(member).collect()
}
