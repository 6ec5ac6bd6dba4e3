//! What a training settles before any image passes the net: the splits, the settings that follow from the images, and the
//! net with its new head.

use super::assembly::Assembled;
use super::data::{self, Prepared};
use super::{Job, Recipe, depth, style};
use crate::audit::{StyleAudit, Survey};
use crate::dataset::{Dataset, Split};
use crate::error::Result;
use crate::observer::Observer;

/// All of it.
pub(super) struct Setup {
    /// The job, with what its recipe left to the images.
    pub(super) job: Job,
    pub(super) dataset: Dataset,
    pub(super) survey: Survey,
    /// The splits that did not come with the data.
    pub(super) cut: Vec<Split>,
    pub(super) positive: usize,
    pub(super) style: StyleAudit,
    pub(super) net: Assembled,
}

impl Setup {
    /// # Errors
    /// Data, weights or settings that cannot be used, each named.
    pub(super) fn new(job: &Job, observer: &mut dyn Observer) -> Result<Self> {
        job.recipe.check()?;
        // First, because reading the images may take minutes.
        let backbone = job.backbone()?;
        depth::check(&job.recipe.unfreeze, &backbone.spec)?;
        let Prepared { dataset, survey, cut, positive } = data::prepare(job, observer)?;
        job.recipe.card.check_classes(&dataset.classes)?;
        let style = StyleAudit::of(&dataset, &survey, observer)?;
        let unfreeze = depth::resolve(job, &backbone, &dataset, observer)?;
        let recipe = style::resolve(&job.recipe, &style, observer);
        let job = Job { recipe: Recipe { unfreeze, ..recipe }, ..job.clone() };
        let net = Assembled::new(backbone, &job.recipe, dataset.classes.len(), job.seed)?;
        net.announce(dataset.samples.len(), observer);
        Ok(Self { job, dataset, survey, cut, positive, style, net })
    }
}
