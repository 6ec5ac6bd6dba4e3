//! Checks of a recipe's settings that no type makes.

use super::pace::Thaw;
use super::recipe::{HeadLayer, Loss, Recipe};
use super::schedule::Schedule;
use crate::error::{Error, Result};
use crate::image::{Augment, Setting, Strength, TestView};

impl Recipe {
    /// Checks what no type can.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the setting, what it may be and what it is.
    pub fn check(&self) -> Result<()> {
        positive("epochs", self.epochs as f64)?;
        positive("seeds", self.seeds as f64)?;
        if let Some(folds) = self.folds.filter(|folds| *folds < 2) {
            return expect("folds", false, "2 or more", &folds.to_string());
        }
        self.test_views.iter().copied().try_for_each(check_test_view)?;
        positive("batch_size", self.batch_size as f64)?;
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

/// Pixels; more would leave nothing of an image, and take long.
const MOST_BLUR: f32 = 20.0;

fn check_blur(name: &str, value: f32) -> Result<()> {
    expect(name, (0.0..=MOST_BLUR).contains(&value), &format!("0 to {MOST_BLUR}"), &value.to_string())
}

fn check_views(augment: Augment) -> Result<()> {
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
            positive("units", *units as f64)?;
            not_negative("l2", f64::from(*l2))
        }
        HeadLayer::GlobalAveragePool | HeadLayer::Flatten => Ok(()),
    }
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
