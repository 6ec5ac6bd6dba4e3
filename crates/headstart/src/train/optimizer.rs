//! Adam, AdamW and SGD over named flat parameters, as Keras takes their steps.

use std::collections::BTreeMap;

use burn::tensor::{Gradients, Tensor};
use headstart_kernels::Adam;
use headstart_kernels::burn::{adam, sum_of_squares};

use super::recipe::{Optimizer, Recipe};
use crate::network::Parameters;

/// Keras's epsilon, and its decays of both moments.
const EPSILON: f32 = 1e-7;
const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;

/// An optimizer, and what it keeps of each parameter.
pub(super) struct Stepper {
    optimizer: Optimizer,
    weight_decay: f64,
    momentum: f64,
    clip: Option<f32>,
    steps: i32,
    moments: Moments,
}

/// Of each parameter: both moments of Adam, or the velocity of SGD.
pub(super) type Moments = BTreeMap<String, Vec<Tensor<1>>>;

impl Stepper {
    pub(super) fn new(recipe: &Recipe) -> Self {
        let weight_decay = match recipe.optimizer {
            Optimizer::Adam => 0.0,
            Optimizer::Adamw | Optimizer::Sgd => f64::from(recipe.weight_decay),
        };
        let (optimizer, momentum, clip) = (recipe.optimizer, recipe.momentum, recipe.gradient_clip);
        Self { optimizer, weight_decay, momentum, clip, steps: 0, moments: Moments::new() }
    }

    /// One that goes on after `steps` steps with their moments.
    pub(super) fn resumed(recipe: &Recipe, steps: i32, moments: Moments) -> Self {
        Self { steps, moments, ..Self::new(recipe) }
    }

    /// Steps taken.
    pub(super) fn steps(&self) -> i32 {
        self.steps
    }

    /// What is kept of each parameter that has moved.
    pub(super) fn moments(&self) -> &Moments {
        &self.moments
    }

    /// Takes one step with the gradients of `leaves`, each by the rate of its name. Those without a
    /// gradient stay as they are.
    pub(super) fn step(
        &mut self,
        rate: &dyn Fn(&str) -> f64,
        leaves: Parameters,
        gradients: &mut Gradients,
    ) -> Parameters {
        self.steps += 1;
        let found: BTreeMap<String, Tensor<1>> = leaves
            .iter()
            .filter_map(|(name, leaf)| Some((name.clone(), leaf.values.grad_remove(gradients)?)))
            .collect();
        let shrink = self.shrink(&found);
        let mut stepped = Parameters::new();
        for (name, mut parameter) in leaves {
            parameter.values = parameter.values.inner();
            if let Some(gradient) = found.get(&name) {
                let gradient = match shrink {
                    Some(share) => gradient.clone().mul_scalar(share),
                    None => gradient.clone(),
                };
                parameter.values = self.moved(&name, rate(&name), parameter.values, gradient);
            }
            stepped.insert(name, parameter);
        }
        stepped
    }

    /// What to multiply all gradients by, so that their common norm is no more than the limit (Pascanu 2013).
    fn shrink(&self, gradients: &BTreeMap<String, Tensor<1>>) -> Option<f32> {
        let limit = self.clip?;
        let squares =
            gradients.values().map(|gradient| sum_of_squares(gradient.clone()).into_scalar::<f32>());
        let norm = squares.sum::<f32>().sqrt();
        (norm > limit).then(|| limit / norm)
    }

    fn moved(&mut self, name: &str, rate: f64, values: Tensor<1>, gradient: Tensor<1>) -> Tensor<1> {
        let moments = self.moments.remove(name).unwrap_or_default();
        let zeros = || values.zeros_like();
        let (values, moments) = match self.optimizer {
            Optimizer::Adam | Optimizer::Adamw => {
                let moments = <[Tensor<1>; 2]>::try_from(moments).unwrap_or_else(|_| [zeros(), zeros()]);
                let (values, moments) = adam(self.settings(rate), values, gradient, moments);
                (values, moments.to_vec())
            }
            Optimizer::Sgd => {
                let velocity = moments.into_iter().next().unwrap_or_else(zeros).mul_scalar(self.momentum);
                let velocity = velocity - gradient.mul_scalar(rate);
                let keep = 1.0 - rate * self.weight_decay;
                (values.mul_scalar(keep) + velocity.clone(), vec![velocity])
            }
        };
        self.moments.insert(name.into(), moments);
        values
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

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::network::{Parameter, host};

    /// Minimises `3·w²` from `w = 2`; the gradient is `6·w`.
    fn steps(recipe: &Recipe, count: usize) -> f32 {
        let values = Tensor::<1>::from_floats([2.0], &Device::flex().autodiff().inner());
        let mut parameters = Parameters::from([("w".into(), Parameter { shape: vec![1], values })]);
        let mut stepper = Stepper::new(recipe);
        for _ in 0..count {
            let leaf = parameters.get_mut("w").expect("there");
            leaf.values = Tensor::from_inner(leaf.values.clone()).require_grad();
            let loss = leaf.values.clone().powf_scalar(2.0).mul_scalar(3.0).sum();
            parameters = stepper.step(&|_| 0.01, parameters, &mut loss.backward());
        }
        host(parameters["w"].values.clone())[0]
    }

    fn recipe(optimizer: Optimizer) -> Recipe {
        let plain = Recipe::find("keras-vgg16").expect("known");
        Recipe { optimizer, momentum: 0.5, weight_decay: 0.0, ..plain }
    }

    #[test]
    fn sgd_has_momentum() {
        let recipe = recipe(Optimizer::Sgd);
        // v = -0.12, w = 1.88; v = -0.06 - 0.1128, w = 1.7072.
        assert!((steps(&recipe, 1) - 1.88).abs() < 1e-6);
        assert!((steps(&recipe, 2) - 1.7072).abs() < 1e-6);
        let decayed = Recipe { weight_decay: 0.1, ..recipe };
        assert!((steps(&decayed, 1) - (2.0 * 0.999 - 0.12)).abs() < 1e-6);
    }

    #[test]
    fn a_gradient_is_cut_to_the_limit() {
        let clipped = Recipe { gradient_clip: Some(3.0), ..recipe(Optimizer::Sgd) };
        // 12 becomes 3.
        assert!((steps(&clipped, 1) - 1.97).abs() < 1e-6);
        let loose = Recipe { gradient_clip: Some(13.0), ..clipped };
        assert!((steps(&loose, 1) - 1.88).abs() < 1e-6);
    }
}
