//! `headstart recipes`.

use crate::print::{out, text};
use anyhow::Result;
use headstart::train::Recipe;
use headstart::train::recipe::RECIPES;

/// Names, and the comment that opens each.
pub fn list() {
    for (name, text) in RECIPES {
        let about = text.lines().map_while(|line| line.strip_prefix("# ")).collect::<Vec<_>>().join(" ");
        out!("{name}\n    {about}");
    }
}

/// Every setting of a recipe, those included that its file leaves out.
pub fn show(name: &str) -> Result<()> {
    let recipe = Recipe::find(name)?;
    recipe.check()?;
    text(&recipe.to_toml());
    Ok(())
}
