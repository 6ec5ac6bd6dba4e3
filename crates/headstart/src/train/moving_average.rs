//! A running mean of the tail's weights (Polyak & Juditsky 1992, exponential as in Tarvainen & Valpola 2017).

use crate::network::Parameters;

/// Moves `mean` towards `parameters`. Early on it forgets faster, or the start would weigh too much:
/// after `steps` steps it keeps at most `(1 + steps) / (10 + steps)`, as TensorFlow does.
pub(super) fn follow(mean: &mut Parameters, parameters: &Parameters, decay: f64, steps: i32) {
    let keep = decay.min(f64::from(1 + steps) / f64::from(10 + steps)) as f32;
    for (name, parameter) in parameters {
        let Some(mean) = mean.get_mut(name) else { continue };
        let step = (parameter.values.clone() - mean.values.clone()).mul_scalar(1.0 - keep);
        mean.values = mean.values.clone() + step;
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::network::{Parameter, host};

    #[test]
    fn it_forgets_by_the_decay_but_faster_at_first() {
        let parameter = |value: f32| {
            let values = Tensor::<1>::from_floats([value], &Device::flex());
            Parameters::from([("w".into(), Parameter { shape: vec![1], values })])
        };
        let after = |steps| {
            let mut mean = parameter(0.0);
            follow(&mut mean, &parameter(1.0), 0.9, steps);
            host(mean["w"].values.clone())[0]
        };
        // 1 − 2/11 and 1 − 0.9.
        assert!((after(1) - 9.0 / 11.0).abs() < 1e-6 && (after(10_000) - 0.1).abs() < 1e-6);
    }
}
