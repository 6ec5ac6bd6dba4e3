//! What a training settles before any image passes the net: the splits, the settings that follow from the images, and the
//! net with its new head.

use super::assembly::Assembled;
use super::data::{self, Prepared};
use super::{Job, Recipe, depth, style};
use crate::audit::{StyleAudit, Survey};
use crate::dataset::{Dataset, Split};
use crate::error::Result;
use crate::observer::Observer;
use crate::sha256::sha256;

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
        check_ranks(job)?;
        // First, because reading the images may take minutes.
        let device = job.open_device(observer)?;
        let backbone = job.backbone()?;
        depth::check(&job.recipe.unfreeze, &backbone.spec)?;
        let Prepared { dataset, survey, cut, positive } = data::prepare(job, observer)?;
        job.recipe.card.check_classes(&dataset.classes)?;
        let style = StyleAudit::of(&dataset, &survey, observer)?;
        // A stopwatch may decide, and each rank has another.
        let decides = job.ranks.is_first();
        let unfreeze =
            decides.then(|| depth::resolve(job, &backbone, (&dataset, &device), observer)).transpose()?;
        let unfreeze = job.ranks.first(unfreeze)?;
        let recipe = style::resolve(&job.recipe, &style, observer);
        let job = Job { recipe: Recipe { unfreeze, ..recipe }, ..job.clone() };
        let net = Assembled::new(backbone, &job.recipe, (dataset.classes.len(), job.seed), &device)?;
        net.announce(dataset.samples.len(), observer);
        Ok(Self { job, dataset, survey, cut, positive, style, net })
    }
}

/// Checks that all ranks compute the same, and to the same bits.
fn check_ranks(job: &Job) -> Result<()> {
    let Job { ranks, .. } = job;
    ranks.agree("the version", env!("CARGO_PKG_VERSION"))?;
    ranks.agree("the device", job.device.name())?;
    ranks.agree("the vector level (which HEADSTART_VECTOR sets)", headstart_kernels::vector_level())?;
    let settings = format!("{} {} {:?}", job.recipe.to_toml(), job.seed, job.data);
    ranks.agree("the settings", &sha256(settings.as_bytes())[..8])
}
