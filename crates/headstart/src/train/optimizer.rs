//! Burn's Adam and AdamW over named flat parameters.

use std::collections::BTreeMap;

use burn::optim::{Adam, AdamConfig, AdamState, AdamW, AdamWConfig, AdamWState, Optimizer as _};
use burn::tensor::{Gradients, Tensor};

use super::recipe::{Optimizer, Recipe};
use crate::network::Parameters;

/// Keras's epsilon.
const EPSILON: f32 = 1e-7;

/// An optimizer and the moments that it keeps of each parameter.
pub(super) enum Stepper {
    Adam(Adam, BTreeMap<String, AdamState<1>>),
    AdamW(AdamW, BTreeMap<String, AdamWState<1>>),
}

impl Stepper {
    pub(super) fn new(recipe: &Recipe) -> Self {
        match recipe.optimizer {
            Optimizer::Adam => Self::Adam(AdamConfig::new().with_epsilon(EPSILON).build(), BTreeMap::new()),
            Optimizer::Adamw => {
                let config = AdamWConfig::new().with_epsilon(EPSILON).with_weight_decay(recipe.weight_decay);
                Self::AdamW(config.build(), BTreeMap::new())
            }
        }
    }

    /// Takes one step of `learning_rate` with the gradients of `leaves`.
    pub(super) fn step(
        &mut self,
        learning_rate: f64,
        leaves: Parameters,
        gradients: &mut Gradients,
    ) -> Parameters {
        let mut stepped = Parameters::new();
        for (name, mut parameter) in leaves {
            let gradient = parameter.values.grad_remove(gradients);
            parameter.values = parameter.values.inner();
            if let Some(gradient) = gradient {
                parameter.values = self.step_one(learning_rate, &name, parameter.values, gradient);
            }
            stepped.insert(name, parameter);
        }
        stepped
    }

    fn step_one(&mut self, rate: f64, name: &str, values: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
        match self {
            Self::Adam(adam, states) => {
                let (values, state) = adam.step(rate, values, gradient, states.remove(name));
                states.extend(state.map(|state| (name.to_string(), state)));
                values
            }
            Self::AdamW(adam, states) => {
                let (values, state) = adam.step(rate, values, gradient, states.remove(name));
                states.extend(state.map(|state| (name.to_string(), state)));
                values
            }
        }
    }
}
