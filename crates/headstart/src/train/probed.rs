//! A linear probe beside the trained tail: the pretrained blocks stay as they are, and a logistic regression on their
//! pooled features is the head. It shares the trunk with the trained tail, and the model is the mean of both, where that
//! is better on validation than the tail alone: with few images it is, with many it need not be.

use super::data::Usable;
use super::evaluation::Evaluator;
use super::fit::Data;
use super::members::{Fitting, Member, Trained};
use crate::error::Result;
use crate::history::History;
use crate::observer::Observer;
use crate::probe::{Features, Head, Table};

/// Parts that choose how strongly the probe is held back.
const FOLDS: usize = 5;

/// How many of the trainings, the probes last, make the model: probes that do not lower the loss on the validation images
/// that decide are left out.
pub(super) fn kept<'a>(
    trained: &'a [Trained],
    usable: &Usable,
    evaluator: impl Fn(&'a [Trained]) -> Evaluator<'a>,
    observer: &mut dyn Observer,
) -> usize {
    let (tails, probes) = trained.split_at(trained.partition_point(|trained| !trained.is_probe));
    if probes.is_empty() {
        return trained.len();
    }
    let [alone, together] = [tails, trained].map(|trained| evaluator(trained).log_loss(usable));
    let (what, kept) =
        if together < alone { ("is kept", trained.len()) } else { ("is left out", tails.len()) };
    observer.say(&format!("the probe {what}: validation loss {alone:.4} without it, {together:.4} with it"));
    kept
}

impl Fitting<'_> {
    /// A probe for each part of the data that is trained on: one, or one for each fold.
    ///
    /// # Errors
    /// [`crate::Error::Interrupted`], and as [`super::views::Views::rows`].
    pub(super) fn probes(&self, trained: &[Trained], observer: &mut dyn Observer) -> Result<Vec<Trained>> {
        let first_seed = trained.first().map(|trained| trained.member.seed);
        let parts: Vec<Member> = trained
            .iter()
            .map(|trained| trained.member.clone())
            .filter(|member| Some(member.seed) == first_seed)
            .collect();
        parts.into_iter().map(|member| self.probe(member, observer)).collect()
    }

    fn probe(&self, member: Member, observer: &mut dyn Observer) -> Result<Trained> {
        let Self { net, phases, usable, .. } = *self;
        let pooled = phases.pooled().expect("the recipe's probe had its features computed");
        let data = Data {
            records: &pooled.records,
            views: &pooled.views,
            stressed: &pooled.stressed,
            labels: &usable.labels,
            train: &member.train,
            validation: &member.validation,
            classes: net.classes(),
            positive: self.positive,
        };
        let versions = pooled.views.versions(&data);
        let width = pooled.tail.input().len();
        let rows =
            versions.iter().flat_map(|(records, places)| places.iter().map(|place| (*records, *place)));
        let features = Features::gathered(width, rows);
        let labels: Vec<usize> =
            versions.iter().flat_map(|_| member.train.iter().map(|index| usable.labels[*index])).collect();
        let folds = self.parts(&member);
        let head = Head::fit(&Table::new(&features, &labels, data.classes), &folds, observer)?;
        observer.say(&format!(
            "a linear probe of {} rows of pooled features, its penalty {} by {FOLDS} folds",
            labels.len(),
            head.penalty
        ));
        let mut weights = net.tail.weights(&net.tail.parameters(&net.weights));
        weights.insert("head.output.weight", vec![width, data.classes], head.weight);
        weights.insert("head.output.bias", vec![data.classes], head.bias);
        Ok(Trained { member, weights, history: History::default(), is_probe: true })
    }

    /// The part of each training image, whole groups in one.
    fn parts(&self, member: &Member) -> Vec<usize> {
        let labels: Vec<usize> = member.train.iter().map(|index| self.usable.labels[*index]).collect();
        let mut first = std::collections::HashMap::new();
        let units: Vec<usize> = member
            .train
            .iter()
            .enumerate()
            .map(|(place, index)| match self.groups[*index] {
                Some(group) => *first.entry(group).or_insert(place),
                None => place,
            })
            .collect();
        crate::dataset::folds::folds(self.net.classes(), &labels, &units, FOLDS, member.seed)
    }
}
