//! What the tests share; each of them uses some.
#![allow(dead_code)]

use std::process::Command;

use headstart_kernels::Activation;
use proptest::prelude::*;

/// Seeded values in -1..1.
pub fn values(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// `activation(x)`, as it is defined.
pub fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Identity => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Silu => x / (1.0 + (-x).exp()),
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
    }
}

pub fn side() -> impl Strategy<Value = usize> {
    prop::sample::select(vec![1usize, 2, 3, 5, 7, 11, 13])
}

pub fn activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(Activation::ALL.to_vec())
}

/// What `run` gives with so many threads.
pub fn with_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(run)
}

/// Runs all other tests of this binary again as CPUs with lesser registers would: with each level that may be below
/// this one's.
pub fn run_again(this: &str) {
    for level in ["avx2", "portable"] {
        let binary = std::env::current_exe().expect("a path");
        let run = Command::new(binary).args(["--skip", this]).env("HEADSTART_VECTOR", level).output();
        let run = run.expect("the tests start");
        assert!(run.status.success(), "{level}:\n{}", String::from_utf8_lossy(&run.stdout));
    }
}
