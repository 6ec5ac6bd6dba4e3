//! What follows a layer's sum.
//!
//! Some activations are clamps, which sums pass while they are in registers. The others are curves of many
//! instructions: a task applies them to what it has written, while its cache holds it. They are plain
//! functions of one value that compilers vectorise.

use crate::vector::{Vector, with_vector};

/// What follows the sum of convolution, bias and residual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x · sigmoid(x)`, also called swish (Elfwing et al. 2017, arXiv:1702.03118).
    Silu,
    /// `x · min(max(x + 3, 0), 6) / 6` (Howard et al. 2019, arXiv:1905.02244).
    HardSwish,
    /// `1 / (1 + e⁻ˣ)`.
    Sigmoid,
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid,
}

impl Activation {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::Relu,
        Self::Relu6,
        Self::Silu,
        Self::HardSwish,
        Self::Sigmoid,
        Self::HardSigmoid,
    ];

    /// What a clamp clamps to; every value of a curve, which [`Activation::bend`] follows.
    pub(crate) fn range(self) -> (f32, f32) {
        match self {
            Self::Relu => (0.0, f32::INFINITY),
            Self::Relu6 => (0.0, 6.0),
            _ => (f32::NEG_INFINITY, f32::INFINITY),
        }
    }

    pub(crate) fn is_curve(self) -> bool {
        !matches!(self, Self::Identity | Self::Relu | Self::Relu6)
    }

    /// Applies a curve; a clamp has been applied already.
    pub(crate) fn bend(self, values: &mut [f32]) {
        if self.is_curve() {
            // SAFETY: plain Rust, compiled for the instruction set that was found.
            unsafe { bend_dispatched(self, values) }
        }
    }
}

with_vector! {
    unsafe fn bend_dispatched(activation: Activation, values: &mut [f32]) = bend_with;
}

/// A loop for each curve: the compiler vectorises them for each `V` by itself.
#[inline(always)]
unsafe fn bend_with<V: Vector>(activation: Activation, values: &mut [f32]) {
    macro_rules! each {
        ($x:ident => $y:expr) => {
            for value in values {
                let $x = *value;
                *value = $y;
            }
        };
    }
    match activation {
        Activation::Identity | Activation::Relu | Activation::Relu6 => {}
        Activation::Silu => each!(x => x * sigmoid::<V>(x)),
        Activation::HardSwish => each!(x => x * hard_sigmoid(x)),
        Activation::Sigmoid => each!(x => sigmoid::<V>(x)),
        Activation::HardSigmoid => each!(x => hard_sigmoid(x)),
    }
}

#[inline(always)]
pub(crate) fn sigmoid<V: Vector>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<V>(-x))
}

#[inline(always)]
pub(crate) fn hard_sigmoid(x: f32) -> f32 {
    (x + 3.0).clamp(0.0, 6.0) * (1.0 / 6.0)
}

/// `eˣ`, to 3e-7 of it where it is a normal number with a normal inverse, and as of there beyond.
#[inline(always)]
fn exp<V: Vector>(x: f32) -> f32 {
    /// The first has few bits, so that its multiples are exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    /// A sum with it is rounded to a whole number, and its last bits are those of an exponent.
    const ROUND: f32 = (3 << 22) as f32 + 127.0;
    /// Of the polynomial whose relative error up to ln 2 / 2 is least, 8e-8, from the highest power on.
    const FACTORS: [f32; 6] =
        [8.297_62e-3, 4.191_563e-2, 1.666_757_6e-1, 4.999_889e-1, 9.999_997e-1, 1.000_000_1];
    let x = x.clamp(-87.0, 87.0);
    let rounded = fused::<V>(x, std::f32::consts::LOG2_E, ROUND);
    let power = f32::from_bits(rounded.to_bits() << 23);
    let whole = rounded - ROUND;
    let rest = fused::<V>(-whole, LN_2[1], fused::<V>(-whole, LN_2[0], x));
    let mut sum = FACTORS[0];
    for factor in &FACTORS[1..] {
        sum = fused::<V>(sum, rest, *factor);
    }
    sum * power
}

/// `a · b + c`, in one instruction where there is one: elsewhere that would be a slow call.
#[inline(always)]
fn fused<V: Vector>(a: f32, b: f32, c: f32) -> f32 {
    if V::FUSES { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::Plain;

    #[test]
    fn exponentials_are_exact_to_a_few_units() {
        for step in -86_999..87_000 {
            let x = step as f32 * 1e-3;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp::<Plain>(x)) - exact).abs() / exact;
            assert!(error < 3e-7, "{x}: {error}");
        }
        let ends = [f32::NEG_INFINITY, f32::INFINITY].map(exp::<Plain>);
        assert!(ends.iter().all(|end| end.is_normal()) && exp::<Plain>(f32::NAN).is_nan());
    }
}
