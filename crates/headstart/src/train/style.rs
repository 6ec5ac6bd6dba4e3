//! How far views go from the training images, where the recipe leaves that to the images: as far as their style tells
//! their class.

use super::recipe::{Recipe, ValidateOn};
use crate::audit::StyleAudit;
use crate::image::Strength;
use crate::observer::Observer;

/// Below this strength views would be the images, and are not made.
const LEAST: f32 = 0.05;

/// The recipe with its views at their strength.
pub(super) fn resolve(recipe: &Recipe, style: &StyleAudit, observer: &mut dyn Observer) -> Recipe {
    let Some(augment) = recipe.augment else { return recipe.clone() };
    let strength = match augment.strength {
        Strength::Share(share) => share,
        Strength::Auto(_) => {
            observer.say(&found(style));
            style.strength()
        }
    };
    at_strength(recipe, strength)
}

/// What the images' style tells, and what follows from it.
fn found(audit: &StyleAudit) -> String {
    let views = match audit.strength() {
        strength if strength < LEAST => "training sees the images as they are".into(),
        strength => format!("views at strength {strength:.2}"),
    };
    match &audit.skipped {
        Some(why) => format!("style not measured, {why}: {views}"),
        None => format!("style alone tells the class with an AUC of {:.3}: {views}", audit.all.value),
    }
}

/// Without views no restyled image is like those of the training, so that plain ones decide.
fn at_strength(recipe: &Recipe, strength: f32) -> Recipe {
    let augment = recipe.augment.filter(|_| strength >= LEAST).map(|augment| augment.at(strength));
    let validate_on = if augment.is_some() { recipe.validate_on } else { ValidateOn::Plain };
    Recipe { augment, validate_on, ..recipe.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_follow_the_strength_and_are_left_out_where_it_is_next_to_nothing() {
        let recipe = Recipe::find("default").expect("known");
        let half = at_strength(&recipe, 0.5).augment.expect("views");
        let whole = at_strength(&recipe, 1.0).augment.expect("views");
        assert_eq!(whole.area.map(|area| area.low), Some(0.6));
        assert_eq!(half.area.map(|area| area.low), Some(0.8));
        assert_eq!(half.jpeg.map(|jpeg| jpeg.low), Some(70.0));
        let none = at_strength(&recipe, 0.01);
        assert_eq!((none.augment, none.validate_on), (None, ValidateOn::Plain));
    }
}
