//! Adam, AdamW and SGD over named flat parameters, as Keras takes their steps.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use headstart_kernels::Adam;
use headstart_kernels::burn::{adam, sum_of_squares};

use super::recipe::{Optimizer, Recipe};
use super::step::Gradients;
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

    /// Takes one step with the gradients of `parameters`, each by the rate of its name. Those without a
    /// gradient stay as they are.
    pub(super) fn step(
        &mut self,
        rate: &dyn Fn(&str) -> f64,
        parameters: Parameters,
        gradients: &Gradients,
    ) -> Parameters {
        self.steps += 1;
        let shrink = self.shrink(gradients);
        let mut stepped = Parameters::new();
        for (name, mut parameter) in parameters {
            if let Some(gradient) = gradients.get(&name) {
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
    fn shrink(&self, gradients: &Gradients) -> Option<f32> {
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
    use std::path::Path;

    use burn::tensor::Device;

    use super::*;
    use crate::network::{Parameter, host};

    const START: [f32; 4] = [2.0, -1.0, 0.5, -3.0];
    const SLOPES: [f32; 4] = [6.0, 0.6, 12.0, 3.0];

    /// The values behind each of five steps with the gradients `SLOPES · w`.
    fn track(recipe: &Recipe) -> Vec<Vec<f32>> {
        let device = Device::flex().autodiff();
        let values = Tensor::<1>::from_floats(START, &device.clone().inner());
        let mut parameters = Parameters::from([("w".into(), Parameter { shape: vec![4], values })]);
        let mut stepper = Stepper::new(recipe);
        let mut step = || {
            let leaf = Tensor::<1>::from_inner(parameters["w"].values.clone()).require_grad();
            let slopes = Tensor::<1>::from_floats(SLOPES, &device);
            let loss = (leaf.clone().powf_scalar(2.0) * slopes).mul_scalar(0.5).sum();
            let gradient = leaf.grad(&loss.backward()).expect("it moves");
            let gradients = Gradients::from([("w".into(), gradient)]);
            parameters = stepper.step(&|_| 0.01, std::mem::take(&mut parameters), &gradients);
            host(parameters["w"].values.clone())
        };
        (0..5).map(|_| step()).collect()
    }

    #[test]
    fn steps_are_those_of_keras() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/optimizers.json");
        let golden = std::fs::read(golden).expect("a golden file");
        let golden: BTreeMap<String, Vec<Vec<f32>>> = serde_json::from_slice(&golden).expect("tracks");
        let plain = Recipe::find("keras-vgg16").expect("known");
        let decayed = Recipe { weight_decay: 0.1, momentum: 0.9, ..plain };
        let recipes = [
            ("adamw", Recipe { optimizer: Optimizer::Adamw, ..decayed.clone() }),
            ("sgd", Recipe { optimizer: Optimizer::Sgd, ..decayed.clone() }),
            ("sgd_clipped", Recipe { optimizer: Optimizer::Sgd, gradient_clip: Some(3.0), ..decayed }),
        ];
        for (name, recipe) in recipes {
            for (step, (found, golden)) in track(&recipe).iter().zip(&golden[name]).enumerate() {
                let close = found.iter().zip(golden).all(|(found, golden)| (found - golden).abs() < 1e-6);
                assert!(close, "{name}, step {step}: {found:?}, {golden:?}");
            }
        }
    }

    #[test]
    fn a_limit_that_is_not_reached_changes_nothing() {
        let plain = Recipe::find("keras-vgg16").expect("known");
        let loose = Recipe { gradient_clip: Some(100.0), ..plain.clone() };
        assert_eq!(track(&loose), track(&plain));
    }
}
