//! A logistic regression on one variable, by Newton's method: the slope and the intercept of a
//! calibration, with their standard errors.

/// Steps after which a fit that has not settled never will: its classes can be told apart perfectly.
const STEPS: usize = 60;
/// A slope beyond this is that of a step.
const STEEPEST: f64 = 1e3;

/// `P(y = 1) = 1 / (1 + exp(−(intercept + slope · x)))`, and the standard errors of both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) intercept: f64,
    pub(super) slope: f64,
    pub(super) intercept_error: f64,
    pub(super) slope_error: f64,
}

/// One observation: `x`, the target from 0 to 1, and how often it counts.
pub(super) type Observation = (f64, f64, f64);

/// The line of greatest likelihood; `None` when there is none, because the classes are separable or
/// one is missing.
pub(super) fn line(observations: &[Observation]) -> Option<Line> {
    let (mut intercept, mut slope) = (0.0, 0.0);
    let mut likelihood = log_likelihood(observations, intercept, slope);
    for _ in 0..STEPS {
        let sums = Sums::at(observations, intercept, slope);
        let determinant = sums.w * sums.wxx - sums.wx * sums.wx;
        if determinant.is_nan() || determinant <= 1e-12 * sums.w * sums.wxx {
            return None;
        }
        let change = [
            (sums.wxx * sums.g - sums.wx * sums.gx) / determinant,
            (sums.w * sums.gx - sums.wx * sums.g) / determinant,
        ];
        if change[0].abs() + change[1].abs() < 1e-9 {
            let [intercept_error, slope_error] =
                [sums.wxx / determinant, sums.w / determinant].map(f64::sqrt);
            return Some(Line { intercept, slope, intercept_error, slope_error });
        }
        // Where the curve is flat Newton's step overshoots: it is halved until it climbs.
        let climbs = (0..STEPS).map(|halvings| 0.5f64.powi(halvings as i32)).find_map(|part| {
            let place = [intercept + part * change[0], slope + part * change[1]];
            let there = log_likelihood(observations, place[0], place[1]);
            // At the top rounding decides.
            (there >= likelihood - 1e-12 * likelihood.abs()).then_some((place, there))
        });
        let ([next_intercept, next_slope], next_likelihood) = climbs?;
        (intercept, slope, likelihood) = (next_intercept, next_slope, next_likelihood);
        if slope.abs() > STEEPEST {
            return None;
        }
    }
    None
}

fn log_likelihood(observations: &[Observation], intercept: f64, slope: f64) -> f64 {
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let of_one = |(x, target, weight): &Observation| {
        let odds = intercept + slope * x;
        weight * (target * odds - softplus(odds))
    };
    observations.iter().map(of_one).sum()
}

/// The intercept of greatest likelihood with the slope held at 1, and its standard error: how far all
/// scores are too low (above 0) or too high (below 0), in log odds.
pub(super) fn shift(observations: &[Observation]) -> Option<(f64, f64)> {
    let mut intercept = 0.0;
    for _ in 0..STEPS {
        let sums = Sums::at(observations, intercept, 1.0);
        let change = (sums.g / sums.w).clamp(-5.0, 5.0);
        if change.is_nan() || intercept.abs() > STEEPEST {
            return None;
        }
        intercept += change;
        if change.abs() < 1e-10 {
            return Some((intercept, sums.w.sqrt().recip()));
        }
    }
    None
}

/// Gradient and curvature of the likelihood.
#[derive(Default)]
struct Sums {
    g: f64,
    gx: f64,
    w: f64,
    wx: f64,
    wxx: f64,
}

impl Sums {
    fn at(observations: &[Observation], intercept: f64, slope: f64) -> Self {
        let mut sums = Self::default();
        for (x, target, weight) in observations {
            let chance = sigmoid(intercept + slope * x);
            let (gradient, curvature) = (weight * (target - chance), weight * chance * (1.0 - chance));
            sums.g += gradient;
            sums.gx += gradient * x;
            sums.w += curvature;
            sums.wx += curvature * x;
            sums.wxx += curvature * x * x;
        }
        sums
    }
}

/// `1 / (1 + exp(−x))`.
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_by_two_tables_have_a_closed_form() {
        // Odds 1:3 at x = 0 and 3:1 at x = 1: intercept −ln 3, slope ln 9; the slope's variance is the
        // sum of the reciprocal counts (Woolf 1955).
        let table = [(0.0, 1.0, 1.0), (0.0, 0.0, 3.0), (1.0, 1.0, 3.0), (1.0, 0.0, 1.0)];
        let line = line(&table).expect("not separable");
        assert!((line.intercept + 3f64.ln()).abs() < 1e-9 && (line.slope - 9f64.ln()).abs() < 1e-9);
        assert!((line.slope_error - (8.0f64 / 3.0).sqrt()).abs() < 1e-9, "{line:?}");
        assert!((line.intercept_error - (4.0f64 / 3.0).sqrt()).abs() < 1e-9, "{line:?}");
    }

    #[test]
    fn sure_mistakes_far_out_do_not_throw_it_off() {
        let mut observations: Vec<Observation> = (0..30u8).map(|i| (f64::from(i) - 2.0, 1.0, 1.0)).collect();
        observations.extend((0..30u8).map(|i| (f64::from(i) / 2.0 - 12.0, 0.0, 1.0)));
        observations.push((16.0, 0.0, 1.0));
        let line = line(&observations).expect("not separable");
        let sums = Sums::at(&observations, line.intercept, line.slope);
        assert!(sums.g.abs() < 1e-6 && sums.gx.abs() < 1e-6 && line.slope > 0.1, "{line:?}");
    }

    #[test]
    fn a_shift_is_found() {
        let observations = [(0.0, 1.0, 3.0), (0.0, 0.0, 1.0)];
        let (shift, error) = shift(&observations).expect("both classes");
        assert!((shift - 3f64.ln()).abs() < 1e-9 && (error - (4.0f64 / 3.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn separable_and_single_classes_have_none() {
        assert_eq!(line(&[(-1.0, 0.0, 1.0), (1.0, 1.0, 1.0)]), None);
        assert_eq!(line(&[(-1.0, 1.0, 1.0), (1.0, 1.0, 1.0)]), None);
        assert_eq!(shift(&[(0.0, 1.0, 2.0)]), None);
    }
}
