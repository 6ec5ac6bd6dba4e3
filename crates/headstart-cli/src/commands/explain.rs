//! `headstart predict --explain`: a PNG for each image.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use headstart::classifier::{Classifier, cascade};
use headstart::explain::{Method, overlay, side_by_side};
use headstart::image::{Image, encode_png};
use headstart::visible::visible;

use crate::cli::PredictArguments;
use crate::print::err;

/// Seed of the check's shuffling.
const SEED: u64 = 1;

/// Where explanations go, and how they are made.
pub struct Explanations {
    folder: PathBuf,
    method: Method,
    /// The model's file, when the check is wanted.
    check: Option<PathBuf>,
    written: BTreeSet<String>,
}

impl Explanations {
    /// Those of the sealed `model`; `None` when none are wanted.
    pub fn new(arguments: &PredictArguments, model: &Path) -> Result<Option<Self>> {
        let Some(folder) = arguments.explain.clone() else { return Ok(None) };
        let method = arguments.explain_method;
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let check = arguments.explain_check.then(|| model.to_path_buf());
        Ok(Some(Self { folder, method, check, written: BTreeSet::new() }))
    }

    /// Writes `NAME.png`: the image, and beside it what spoke for class `label`.
    pub fn write(&mut self, classifier: &Classifier, file: &str, image: &Image, label: usize) -> Result<()> {
        let Some(map) = classifier.explain(image, label, self.method) else { return Ok(()) };
        let name = self.name(file);
        let resize = classifier.description().preprocess.resize;
        let picture = side_by_side(&[image.clone(), overlay(image, &map, resize)]);
        self.save(&name, &picture)?;
        if let Some(model) = &self.check {
            let steps = cascade(model, image, label, self.method, SEED)?;
            for step in &steps {
                let shown = visible(&name);
                let destroyed = step.block.as_deref().unwrap_or("nothing");
                err!("{shown}: destroyed down to {destroyed}: rank correlation {:.2}", step.correlation);
            }
            let row: Vec<Image> = [image.clone()]
                .into_iter()
                .chain(steps.iter().map(|step| overlay(image, &step.map, resize)))
                .collect();
            self.save(&format!("{name}-check"), &side_by_side(&row))?;
        }
        Ok(())
    }

    /// The file's stem; with a number where another image has the same.
    fn name(&mut self, file: &str) -> String {
        let stem = Path::new(file).file_stem().map_or_else(|| "image".into(), |stem| stem.to_string_lossy());
        let numbered = (2..).map(|number| format!("{stem}-{number}"));
        let name = [stem.to_string()].into_iter().chain(numbered).find(|name| !self.written.contains(name));
        let name = name.unwrap_or_else(|| stem.to_string());
        self.written.insert(name.clone());
        name
    }

    fn save(&self, name: &str, picture: &Image) -> Result<()> {
        let path = self.folder.join(format!("{name}.png"));
        std::fs::write(&path, encode_png(picture)).with_context(|| format!("cannot write {}", path.display()))
    }
}
