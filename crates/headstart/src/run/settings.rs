//! What a training was asked for, in its run folder from the first second on: it can go on without being told again, and
//! a command that asks for something else is found out before any work.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::train::{Job, Recipe};
use crate::whole_file::write_whole;

/// Its name in the run folder.
pub(super) const FILE: &str = "settings.toml";

/// The file.
#[derive(Serialize, Deserialize)]
struct Settings {
    /// Version of the program.
    headstart: String,
    job: Job,
}

impl Job {
    /// The job of the training that was begun in the folder `run`, with places as absolute paths; `None` where there is
    /// none.
    ///
    /// # Errors
    /// A file that cannot be read, or that holds something else.
    pub fn stored(run: &Path) -> Result<Option<Self>> {
        let file = run.join(FILE);
        if !file.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&file).map_err(|why| Error::io("read", &file, why))?;
        let settings: Settings = toml::from_str(&text)
            .map_err(|why| Error::invalid(&file, "the settings of a training", why.to_string()))?;
        Ok(Some(settings.job))
    }

    /// Writes the settings into the folder `run`, which is there.
    pub(super) fn store(&self, run: &Path) -> Result<()> {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let job = Self {
            data: absolute(&self.data),
            weights: self.weights.as_ref().map(absolute),
            exclude: self.exclude.as_ref().map(absolute),
            cache: absolute(&self.cache),
            ..self.clone()
        };
        let settings = Settings { headstart: env!("CARGO_PKG_VERSION").into(), job };
        // A path that is no UTF-8 cannot be written: such a training goes on where all is given again.
        let Ok(text) = toml::to_string(&settings) else { return Ok(()) };
        write_whole(&run.join(FILE), text.as_bytes())
    }

    /// Checks that nothing that the bits depend on differs from the training that was begun in the folder `run`.
    pub(super) fn check_same(&self, begun: &Self, run: &Path) -> Result<()> {
        let (now, then) = (self.essentials(), begun.essentials());
        let names = now.keys().chain(then.keys().filter(|name| !now.contains_key(*name)));
        let show = |value: Option<&String>| value.map_or("none", String::as_str).to_string();
        let differences: Vec<String> = names
            .filter(|name| now.get(*name) != then.get(*name))
            .map(|name| format!("{name} {} instead of {}", show(now.get(name)), show(then.get(name))))
            .collect();
        match differences.is_empty() {
            true => Ok(()),
            false => Err(Error::invalid(run, "the settings that it was begun with", differences.join(", "))),
        }
    }

    /// Names and values of all that the bits of a training depend on. How many epochs there shall be does not count,
    /// unless the learning rate's schedule asks.
    fn essentials(&self) -> BTreeMap<String, String> {
        let place =
            |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone()).display().to_string();
        let mut all = recipe(&self.recipe);
        let mut add = |name: &str, value: Option<String>| {
            all.extend(value.map(|value| (name.to_string(), value)));
        };
        add("data", Some(place(&self.data)));
        add("weights", self.weights.as_ref().map(place));
        add("exclude", self.exclude.as_ref().map(place));
        add("image_size", self.image_size.map(|size| size.to_string()));
        add("seed", Some(self.seed.to_string()));
        add("train_images", self.train_images.map(|images| images.to_string()));
        add("groups", Some(String::from(self.groups.clone())));
        add("resplit", self.resplit.then(|| "given".into()));
        add("no_test", self.no_test.then(|| "given".into()));
        add("positive", self.positive.clone());
        add("device", (!self.device.is_cpu()).then(|| self.device.to_string()));
        all
    }
}

/// Each setting of a recipe, tables within it as one.
fn recipe(recipe: &Recipe) -> BTreeMap<String, String> {
    let table: toml::Table = toml::from_str(&recipe.to_toml()).expect("a recipe's TOML is read back");
    let counts = |name: &str| match name {
        "epochs" => recipe.schedule.depends_on_length(),
        "patience" => false,
        _ => true,
    };
    let settings = table.into_iter().filter(|(name, _)| counts(name));
    settings.map(|(name, value)| (format!("the recipe's {name}"), value.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        let recipe = Recipe::find("thorough").expect("known");
        Job { seed: 9, positive: Some("sick".into()), ..Job::new("data".into(), recipe, "c".into()) }
    }

    #[test]
    fn a_job_comes_back_as_it_was() {
        let run = tempfile::tempdir().expect("a folder");
        assert!(Job::stored(run.path()).expect("nothing").is_none());
        let job = job();
        job.store(run.path()).expect("writes");
        let stored = Job::stored(run.path()).expect("reads").expect("is there");
        assert_eq!(stored.data, std::path::absolute("data").expect("a path"));
        assert_eq!((&stored.recipe, stored.seed, &stored.positive), (&job.recipe, 9, &job.positive));
        stored.check_same(&stored, run.path()).expect("the same");
    }

    #[test]
    fn each_difference_is_named() {
        let begun = job();
        let mut now = begun.clone();
        now.recipe.patience += 1;
        now.check_same(&begun, Path::new("run")).expect("patience changes no bit of an epoch");
        (now.seed, now.image_size, now.recipe.learning_rate) = (8, Some(32), 0.5);
        let problem = now.check_same(&begun, Path::new("run")).expect_err("differs").to_string();
        assert!(
            problem.starts_with("run: expected the settings that it was begun with, found "),
            "{problem}"
        );
        assert!(problem.contains("image_size 32 instead of none, seed 8 instead of 9"), "{problem}");
        assert!(problem.contains("the recipe's learning_rate 0.5 instead of "), "{problem}");
    }
}
