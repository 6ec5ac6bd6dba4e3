//! Adam and AdamW over named flat parameters, as Keras takes their steps.

use std::collections::BTreeMap;

use burn::tensor::{Gradients, Tensor};
use headstart_kernels::Adam;
use headstart_kernels::burn::adam;

use super::recipe::{Optimizer, Recipe};
use crate::network::Parameters;

/// Keras's epsilon, and its decays of both moments.
const EPSILON: f32 = 1e-7;
const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;

/// The moments that Adam keeps of each parameter.
pub(super) struct Stepper {
    /// Of AdamW; 0 is Adam.
    weight_decay: f64,
    steps: i32,
    moments: BTreeMap<String, [Tensor<1>; 2]>,
}

impl Stepper {
    pub(super) fn new(recipe: &Recipe) -> Self {
        let weight_decay = match recipe.optimizer {
            Optimizer::Adam => 0.0,
            Optimizer::Adamw => f64::from(recipe.weight_decay),
        };
        Self { weight_decay, steps: 0, moments: BTreeMap::new() }
    }

    /// One that goes on after `steps` steps with their moments.
    pub(super) fn resumed(recipe: &Recipe, steps: i32, moments: BTreeMap<String, [Tensor<1>; 2]>) -> Self {
        Self { steps, moments, ..Self::new(recipe) }
    }

    /// Steps taken.
    pub(super) fn steps(&self) -> i32 {
        self.steps
    }

    /// Both moments of each parameter.
    pub(super) fn moments(&self) -> &BTreeMap<String, [Tensor<1>; 2]> {
        &self.moments
    }

    /// Takes one step of `learning_rate` with the gradients of `leaves`.
    pub(super) fn step(
        &mut self,
        learning_rate: f64,
        leaves: Parameters,
        gradients: &mut Gradients,
    ) -> Parameters {
        self.steps += 1;
        let step = self.settings(learning_rate);
        let mut stepped = Parameters::new();
        for (name, mut parameter) in leaves {
            let gradient = parameter.values.grad_remove(gradients);
            parameter.values = parameter.values.inner();
            if let Some(gradient) = gradient {
                let moments = self.moments.remove(&name).unwrap_or_else(|| {
                    let zeros = parameter.values.zeros_like();
                    [zeros.clone(), zeros]
                });
                let (values, moments) = adam(step, parameter.values, gradient, moments);
                parameter.values = values;
                self.moments.insert(name.clone(), moments);
            }
            stepped.insert(name, parameter);
        }
        stepped
    }

    /// Keras puts both bias corrections into the rate, so that epsilon is added to a root that is
    /// not corrected, and takes powers of the decays as f32 has them.
    fn settings(&self, learning_rate: f64) -> Adam {
        let remainder = |beta: f32| 1.0 - f64::from(beta).powi(self.steps);
        Adam {
            rate: (learning_rate * remainder(BETA_2).sqrt() / remainder(BETA_1)) as f32,
            beta_1: BETA_1,
            beta_2: BETA_2,
            epsilon: EPSILON,
            keep: (1.0 - learning_rate * self.weight_decay) as f32,
        }
    }
}
