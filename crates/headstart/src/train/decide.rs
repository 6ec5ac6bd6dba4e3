//! What follows once the epochs are over: whether a probe is kept, what the validation images decide, and the content of
//! the sealed model.

use super::evaluation::{Decided, Evaluation, Evaluator, Measured, Part};
use super::inputs::Inputs;
use super::members::{self, Trained};
use super::probed;
use super::setup::Setup;
use crate::backbone::weights::Weights;
use crate::classifier::{Description, FORMAT, Sealed};
use crate::error::Result;
use crate::evaluate::Doubt;
use crate::observer::Observer;

/// The trainings that make the model, and what was decided and measured with them.
pub(super) struct Decisions {
    trained: Vec<Trained>,
    /// Of the trunk and of the first tail.
    weights: Weights,
    evaluation: Evaluation,
}

/// What was measured on held-out images.
pub(super) struct Measurements {
    pub(super) measured: Vec<Measured>,
    /// The thresholds that validation cannot tell from the one that was chosen.
    pub(super) plateau: Option<[f64; 2]>,
}

impl<'a> Inputs<'a> {
    /// Leaves out probes that do not pay, lets the validation images decide, and measures the test images once.
    ///
    /// # Errors
    /// A threshold that cannot be chosen, and features that can no longer be read.
    pub(super) fn decide(&self, mut trained: Vec<Trained>, observer: &mut dyn Observer) -> Result<Decisions> {
        let mut weights = self.setup.net.weights.clone();
        weights.merge(trained[0].weights.clone());
        let kept =
            probed::kept(&trained, &self.usable, |trained| self.evaluator(trained, &weights), observer);
        trained.truncate(kept);
        let evaluation = self.evaluator(&trained, &weights).measure(&self.usable)?;
        self.shown.check()?;
        Ok(Decisions { trained, weights, evaluation })
    }

    fn evaluator<'b>(&'b self, trained: &'b [Trained], weights: &'b Weights) -> Evaluator<'b> {
        let Setup { job, positive, net, .. } = self.setup;
        Evaluator {
            tail: &net.tail,
            trained,
            weights,
            records: &self.shown.extracted.records,
            views: &self.shown.fixed,
            stressed: &self.shown.stressed,
            drawn: &self.shown.drawn,
            odd: &self.shown.odd,
            recipe: &job.recipe,
            positive: *positive,
            blocks: &net.blocks,
            cut: net.cut,
            groups: self.groups(),
        }
    }
}

impl Decisions {
    /// The content of the model, and what was measured.
    pub(super) fn sealed(self, inputs: &Inputs<'_>) -> (Sealed, Measurements) {
        let Setup { job, dataset, survey, positive, net, .. } = inputs.setup;
        let Self { trained, weights, evaluation } = self;
        let Evaluation { decided, fitted_gate, reference, verdicts, measured, alone } = evaluation;
        let Decided { threshold, plateau, calibration, conformal } = decided;
        let test = measured.iter().find(|found| found.part == Part::Test);
        let description = Description {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").into(),
            backbone: net.backbone.spec.name.clone(),
            blocks: net.blocks.clone(),
            cut: net.cut,
            preprocess: net.backbone.preprocess.clone(),
            output: job.recipe.loss.output(),
            classes: dataset.classes.clone(),
            positive: *positive,
            threshold,
            threshold_policy: job.recipe.threshold,
            calibration,
            conformal,
            gate: fitted_gate.as_ref().map(|fitted_gate| fitted_gate.facts),
            reference,
            verdicts,
            provenance: net.backbone.provenance.clone(),
            recipe: job.recipe.to_toml(),
            wording: job.recipe.card.resolved(survey.seems_medical(dataset)),
            seed: job.seed,
            device: job.device,
            training_images: inputs.training_images(),
            history: trained[0].history.clone(),
            members: members::sealed(&trained, alone),
            test_views: job.recipe.test_views.clone(),
            test: test.map(|found| found.metrics.clone()),
            threshold_counts: test.and_then(|found| found.threshold_counts(&inputs.usable.labels, *positive)),
            doubts: Doubt::of(&dataset.tally()),
            seen: Some(inputs.seen()),
            golden: vec![],
        };
        let others = trained.into_iter().skip(1).map(|trained| trained.weights).collect();
        let gate = fitted_gate.map(|fitted_gate| fitted_gate.gate);
        (Sealed { description, weights, others, gate }, Measurements { measured, plateau })
    }
}
