//! Checks of a recipe's settings that no type makes.

use std::ops::RangeInclusive;

use super::recipe::{HeadLayer, Loss, Recipe};
use super::schedule::Schedule;
use super::unfreeze_schedule::Thaw;
use crate::error::{Error, Result};
use crate::image::{Augment, Setting, Strength, TestView};

impl Recipe {
    /// Checks what no type can.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the setting, what it may be and what it is.
    pub fn check(&self) -> Result<()> {
        count("epochs", self.epochs, 1..=MOST_EPOCHS)?;
        count("thaw.head_epochs", self.thaw.head_epochs(), 0..=MOST_EPOCHS)?;
        count("seeds", self.seeds, 1..=MOST_TRAININGS)?;
        self.folds.map_or(Ok(()), |folds| count("folds", folds, 2..=MOST_TRAININGS))?;
        count("test_views", self.test_views.len(), 0..=MOST_TEST_VIEWS)?;
        self.test_views.iter().copied().try_for_each(check_test_view)?;
        count("batch_size", self.batch_size, 1..=MOST_IMAGES)?;
        count("slices", self.slices, 1..=MOST_SLICES.min(self.batch_size))?;
        count("head", self.head.len(), 0..=MOST_LAYERS)?;
        positive("learning_rate", self.learning_rate)?;
        positive("block_rate", self.block_rate)?;
        let fraction = self.validation_fraction;
        expect(
            "validation_fraction",
            fraction > 0.0 && fraction < 1.0,
            "between 0 and 1",
            &fraction.to_string(),
        )?;
        share("momentum", self.momentum)?;
        share("label_smoothing", f64::from(self.label_smoothing))?;
        share("schedule.warmup", self.schedule.warmup())?;
        not_negative("weight_decay", f64::from(self.weight_decay))?;
        not_negative("focal_gamma", f64::from(self.focal_gamma))?;
        self.average.map_or(Ok(()), |decay| share("average", decay))?;
        self.gradient_clip.map_or(Ok(()), |limit| positive("gradient_clip", f64::from(limit)))?;
        self.mix.map_or(Ok(()), |mix| positive("mix.alpha", mix.alpha()))?;
        self.augment.map_or(Ok(()), check_views)?;
        if let Thaw::HeadFirst { learning_rate: Some(rate), .. } = self.thaw {
            positive("thaw.learning_rate", rate)?;
        }
        if let Schedule::Step { every, factor, .. } = self.schedule {
            positive("schedule.every", every as f64)?;
            positive("schedule.factor", factor)?;
        }
        self.card.check()?;
        if self.probe {
            let is_linear = self.head.first() == Some(&HeadLayer::GlobalAveragePool)
                && self.head[1..].iter().all(|layer| matches!(layer, HeadLayer::Dropout { .. }))
                && self.loss == Loss::CategoricalCrossEntropy;
            let expected =
                "false, or a head of global-average-pool and dropout only, with categorical-cross-entropy";
            expect("probe", is_linear, expected, "true")?;
        }
        self.head.iter().try_for_each(check_layer)
    }
}

/// What training can take in days, and not in years.
const MOST_EPOCHS: usize = 100_000;
const MOST_TRAININGS: usize = 1000;
const MOST_VIEWS: usize = 1000;
/// Each is computed for each image that is ever scored.
const MOST_TEST_VIEWS: usize = 256;
/// In a step, all of them in memory.
const MOST_IMAGES: usize = 65_536;
/// Of a batch; each is a pass through the tail.
const MOST_SLICES: usize = 1024;
/// Of the head.
const MOST_LAYERS: usize = 32;
const MOST_UNITS: usize = 65_536;

/// Pixels; more would leave nothing of an image, and take long.
const MOST_BLUR: f32 = 20.0;

fn check_blur(name: &str, value: f32) -> Result<()> {
    expect(name, (0.0..=MOST_BLUR).contains(&value), &format!("0 to {MOST_BLUR}"), &value.to_string())
}

fn check_views(augment: Augment) -> Result<()> {
    count("augment.views", augment.views, 0..=MOST_VIEWS)?;
    if augment.replace && augment.views == 0 {
        return expect(
            "augment.views",
            false,
            "1 or more, because replace = true leaves out the images",
            "0",
        );
    }
    if let Strength::Share(share) = augment.strength {
        expect("augment.strength", (0.0..=1.0).contains(&share), "\"auto\" or 0 to 1", &share.to_string())?;
    }
    for (name, setting, [least, most]) in augment.settings() {
        let Some(Setting { low, high, probability }) = setting else { continue };
        let is_range = low <= high && (least..=most).contains(&low) && (least..=most).contains(&high);
        let expected = format!("a range within {least} to {most}, the lesser number first");
        expect(&format!("augment.{name}"), is_range, &expected, &format!("[{low}, {high}]"))?;
        let name = format!("augment.{name}.probability");
        expect(&name, (0.0..=1.0).contains(&probability), "0 to 1", &probability.to_string())?;
    }
    Ok(())
}

fn check_test_view(view: TestView) -> Result<()> {
    check_blur("test_views.blur", view.blur)?;
    let [left, up] = view.shift.map(f64::from);
    let each = [("rotation", f64::from(view.rotation), 360.0), ("scale", f64::from(view.scale), 1.0)];
    for (name, value, limit) in each.into_iter().chain([("shift", left, 1.0), ("shift", up, 1.0)]) {
        let expected = format!("between -{limit} and {limit}");
        expect(&format!("test_views.{name}"), value.abs() < limit, &expected, &value.to_string())?;
    }
    Ok(())
}

fn check_layer(layer: &HeadLayer) -> Result<()> {
    match layer {
        HeadLayer::Dropout { rate } => share("rate", f64::from(*rate)),
        HeadLayer::Dense { units, l2, .. } => {
            count("units", *units, 1..=MOST_UNITS)?;
            not_negative("l2", f64::from(*l2))
        }
        HeadLayer::GlobalAveragePool | HeadLayer::Flatten => Ok(()),
    }
}

fn count(name: &str, found: usize, range: RangeInclusive<usize>) -> Result<()> {
    let expected = format!("{} to {}", range.start(), range.end());
    expect(name, range.contains(&found), &expected, &found.to_string())
}

fn positive(name: &str, value: f64) -> Result<()> {
    expect(name, value.is_finite() && value > 0.0, "a positive number", &value.to_string())
}

fn not_negative(name: &str, value: f64) -> Result<()> {
    expect(name, value.is_finite() && value >= 0.0, "0 or a positive number", &value.to_string())
}

fn share(name: &str, value: f64) -> Result<()> {
    expect(name, (0.0..1.0).contains(&value), "0 up to 1", &value.to_string())
}

fn expect(name: &str, holds: bool, expected: &str, found: &str) -> Result<()> {
    match holds {
        true => Ok(()),
        false => Err(Error::Usage(format!("{name}: expected {expected}, found {found}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_reason_are_refused_with_their_limits() {
        let recipe = || Recipe::find("default").expect("known");
        let refused = |recipe: Recipe| recipe.check().expect_err("too much").to_string();
        let most = 1_000_000_000;
        assert_eq!(
            refused(Recipe { seeds: most, ..recipe() }),
            "seeds: expected 1 to 1000, found 1000000000"
        );
        assert_eq!(refused(Recipe { folds: Some(1), ..recipe() }), "folds: expected 2 to 1000, found 1");
        assert_eq!(refused(Recipe { epochs: 0, ..recipe() }), "epochs: expected 1 to 100000, found 0");
        let found = refused(Recipe { slices: 33, batch_size: 32, ..recipe() });
        assert_eq!(found, "slices: expected 1 to 32, found 33");
        let views = Augment { views: most, ..Augment::default() };
        let found = refused(Recipe { augment: Some(views), ..recipe() });
        assert_eq!(found, "augment.views: expected 0 to 1000, found 1000000000");
        let units = HeadLayer::Dense { units: most, activation: Default::default(), l2: 0.0 };
        let found = refused(Recipe { head: vec![units], probe: false, ..recipe() });
        assert_eq!(found, "units: expected 1 to 65536, found 1000000000");
    }
}
