//! The minimum of a smooth convex function: limited-memory BFGS (Nocedal 1980; algorithm 7.4 in
//! Nocedal & Wright 2006) with a backtracking line search.

use std::collections::VecDeque;

/// Steps that are remembered.
const MEMORY: usize = 10;
/// Share of the promised decrease that a step must bring (Armijo 1966).
const DECREASE: f64 = 1e-4;
/// Halvings after which no step is small enough: the minimum is reached but for rounding.
const HALVINGS: usize = 30;

/// A remembered step, the change of the gradient over it, and the inverse of their product.
struct Step {
    moved: Vec<f64>,
    turned: Vec<f64>,
    scale: f64,
}

/// Minimises from `start` in at most `iterations` steps, or until no part of the gradient is larger
/// than `tolerance`. `function` returns its value at a point and its gradient.
pub(super) fn minimise(
    start: Vec<f64>,
    iterations: usize,
    tolerance: f64,
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Vec<f64> {
    let mut point = start;
    let (mut value, mut gradient) = function(&point);
    let mut steps = VecDeque::<Step>::with_capacity(MEMORY);
    for _ in 0..iterations {
        if gradient.iter().all(|part| part.abs() <= tolerance) {
            break;
        }
        let direction = direction(&gradient, &steps);
        let slope = dot(&direction, &gradient);
        // The first step is as long as 1; later ones know the scale.
        let mut length = if steps.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt() } else { 1.0 };
        let mut next = None;
        for _ in 0..HALVINGS {
            let tried: Vec<f64> =
                point.iter().zip(&direction).map(|(at, along)| at + length * along).collect();
            let (tried_value, tried_gradient) = function(&tried);
            if tried_value <= value + DECREASE * length * slope {
                next = Some((tried, tried_value, tried_gradient));
                break;
            }
            length /= 2.0;
        }
        let Some((next_point, next_value, next_gradient)) = next else { break };
        remember(&mut steps, difference(&next_point, &point), difference(&next_gradient, &gradient));
        (point, value, gradient) = (next_point, next_value, next_gradient);
    }
    point
}

/// Minus the gradient times an estimate of the inverse Hessian, by the two loops.
fn direction(gradient: &[f64], steps: &VecDeque<Step>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|part| -part).collect();
    let mut amounts = Vec::with_capacity(steps.len());
    for step in steps.iter().rev() {
        let amount = step.scale * dot(&step.moved, &direction);
        add(&mut direction, -amount, &step.turned);
        amounts.push(amount);
    }
    if let Some(last) = steps.back() {
        let curvature = 1.0 / (last.scale * dot(&last.turned, &last.turned));
        direction.iter_mut().for_each(|part| *part *= curvature);
    }
    for (step, amount) in steps.iter().zip(amounts.into_iter().rev()) {
        let amount = amount - step.scale * dot(&step.turned, &direction);
        add(&mut direction, amount, &step.moved);
    }
    direction
}

/// Keeps a step along which the gradient grew, as it does where the function is convex.
fn remember(steps: &mut VecDeque<Step>, moved: Vec<f64>, turned: Vec<f64>) {
    let product = dot(&moved, &turned);
    if product > f64::EPSILON * dot(&turned, &turned) {
        if steps.len() == MEMORY {
            steps.pop_front();
        }
        steps.push_back(Step { moved, turned, scale: 1.0 / product });
    }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn add(sum: &mut [f64], factor: f64, parts: &[f64]) {
    sum.iter_mut().zip(parts).for_each(|(sum, part)| *sum += factor * part);
}

fn difference(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| left - right).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadratic_s_minimum_is_found() {
        // Σ i · (x_i − i)² of scales 1 to 50.
        let quadratic = |point: &[f64]| {
            let parts =
                || point.iter().enumerate().map(|(index, at)| (index as f64 + 1.0, at - index as f64));
            let value = parts().map(|(scale, off)| scale * off * off).sum();
            (value, parts().map(|(scale, off)| 2.0 * scale * off).collect())
        };
        let found = minimise(vec![0.0; 50], 200, 1e-9, quadratic);
        let worst = found.iter().enumerate().map(|(index, at)| (at - index as f64).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-6, "{worst}");
    }

    #[test]
    fn a_narrow_valley_is_followed() {
        // Rosenbrock's function, minimum at (1, 1).
        let valley = |point: &[f64]| {
            let (x, y) = (point[0], point[1]);
            let value = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
            (value, vec![-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)])
        };
        let found = minimise(vec![-1.2, 1.0], 200, 1e-8, valley);
        assert!((found[0] - 1.0).abs() < 1e-5 && (found[1] - 1.0).abs() < 1e-5, "{found:?}");
    }
}
