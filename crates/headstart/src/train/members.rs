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
    /// One after the other, each with a checkpoint of its own: what is over is not done again.
    ///
    /// # Errors
    /// As [`fit::Fit::run`].
    pub(super) fn all(
        &self,
        members: Vec<Member>,
        print: &str,
        observer: &mut dyn Observer,
    ) -> Result<Trainings> {
        let start = Instant::now();
        let mut all = Trainings { trained: vec![], warnings: vec![], seconds: 0.0 };
        let count = members.len();
        for (number, member) in members.into_iter().enumerate() {
            if count > 1 {
                observer.say(&format!("training {} of {count}: {}", number + 1, member.name()));
            }
            let print = format!("{print} {}", member.name());
            let checkpoint = Checkpoint::new(self.job, number, print);
            let fitted = self.fit(&member, checkpoint.as_ref(), observer)?;
            all.warnings.extend(fitted.warnings);
            all.trained.push(Trained {
                member,
                weights: fitted.weights,
                history: fitted.history,
                is_probe: false,
            });
        }
        if self.job.recipe.probe {
            let probes = self.probes(&all.trained, observer)?;
            all.trained.extend(probes);
        }
        all.seconds = start.elapsed().as_secs_f64();
        Ok(all)
    }

    fn fit(
        &self,
        member: &Member,
        checkpoint: Option<&Checkpoint>,
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
