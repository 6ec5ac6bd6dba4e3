//! Epochs in which blocks of the tail wait to thaw: what waits is a part of the trunk as long, so it runs
//! once, and what moves trains on the features behind it.

use super::Job;
use super::assembly::Assembled;
use super::members::{Member, records};
use super::recipe::ValidateOn;
use super::unfreeze_schedule::UnfreezeSchedule;
use super::views::Views;
use crate::backbone::spec::{Block, Layer};
use crate::error::Result;
use crate::features::{Further, Records};
use crate::network::Tail;
use crate::observer::Observer;

/// What moves while so many layers wait, and its features.
pub(super) struct Phase {
    /// Layers of the tail that wait.
    waiting: usize,
    /// The layers behind them.
    pub(super) tail: Tail,
    /// Of the training and validation images.
    pub(super) records: Records,
    pub(super) views: Views<'static>,
    /// Of the restyled validation images.
    pub(super) stressed: Views<'static>,
}

/// Those whose features are in the cache. In the others each step runs the layers that wait, too.
#[derive(Default)]
pub(super) struct Phases {
    each: Vec<Phase>,
    /// The pooled features that a linear probe reads, where the recipe has one.
    pooled: Option<Phase>,
}

impl Phases {
    /// The one in which so many layers of the tail wait.
    pub(super) fn at(&self, waiting: usize) -> Option<&Phase> {
        self.each.iter().find(|phase| phase.waiting == waiting)
    }

    /// The pooled features that a linear probe reads.
    pub(super) fn pooled(&self) -> Option<&Phase> {
        self.pooled.as_ref()
    }

    /// Names those that are kept: rounded as the cache rounds them, which the layers that wait are not.
    pub(super) fn kept(&self) -> String {
        self.each.iter().map(|phase| phase.waiting.to_string()).collect::<Vec<_>>().join(",")
    }

    /// Computes the features of each phase from those at the cut, as far as they pay and the cache may hold
    /// them. There are none when images are mixed: that is done at the cut.
    ///
    /// # Errors
    /// As [`Further::extract`].
    pub(super) fn extract(
        job: &Job,
        net: &Assembled,
        members: &[Member],
        (at_cut, views, stressed): (&Records, &Views<'_>, &Views<'_>),
        observer: &mut dyn Observer,
    ) -> Result<Self> {
        let (recipe, layers) = (&job.recipe, net.tail.layers());
        let place = (job.cache.as_path(), &job.ranks);
        let versions = recipe.versions();
        // An epoch runs one version of each image through the blocks that wait; the cache is given all.
        let train = records(members, |member| &member.train);
        let mut images = [train.clone(), records(members, |member| &member.validation)].concat();
        images.sort_unstable();
        images.dedup();
        let pooled = match recipe.probe {
            true => Some(pooled(job, net, &images, (at_cut, views, stressed), observer)?),
            false => None,
        };
        if recipe.mix.is_some() || recipe.thaw.epochs() * members.len() < versions {
            return Ok(Self { each: vec![], pooled });
        }
        let (cached, all) = views.cached();
        // Where not all views fit there is no room at all.
        let taken = if all { cached * train.len() * net.extractor.record_bytes() } else { usize::MAX };
        let mut room = job.cache_limit.unwrap_or(usize::MAX).saturating_sub(taken);
        let (blocks, mut phases) = (&net.blocks[net.cut..], Vec::new());
        let unfreeze_schedule = UnfreezeSchedule::new(blocks, recipe.thaw, recipe.block_rate);
        for epoch in (1..=recipe.all_epochs()).step_by(recipe.thaw.epochs()) {
            let waiting = unfreeze_schedule.waiting(layers, epoch);
            let further = Further::new(&layers[..waiting], &net.weights, net.tail.input(), net.tail.device());
            let shape = further.output();
            // The maps of the first blocks take more room than the images.
            if waiting == 0 || shape.len() > net.extractor.input().len() {
                continue;
            }
            let restyled = match recipe.validate_on {
                ValidateOn::Plain => 0,
                ValidateOn::Stressed | ValidateOn::Both => stressed.cached().0 * (images.len() - train.len()),
            };
            let bytes = 2 * shape.len() * (images.len() + cached * train.len() + restyled);
            let what =
                format!("epoch {epoch}: only {} is trained", moving(blocks, &unfreeze_schedule, epoch));
            if has_room(&what, bytes, &mut room, observer) {
                let tail = Tail::new(layers[waiting..].to_vec(), shape, &net.weights, net.tail.device());
                let records = further.extract(at_cut, &images, place, observer)?;
                let views = views.further(&further, place, observer)?;
                // Epochs look at restyled images only where these decide.
                let stressed = match recipe.validate_on {
                    ValidateOn::Plain => Views::default(),
                    ValidateOn::Stressed | ValidateOn::Both => stressed.further(&further, place, observer)?,
                };
                phases.push(Phase { waiting, tail, records, views, stressed });
            }
        }
        Ok(Self { each: phases, pooled })
    }
}

/// The features behind all pretrained blocks, pooled: what the head's last layer reads.
fn pooled(
    job: &Job,
    net: &Assembled,
    images: &[usize],
    (at_cut, views, stressed): (&Records, &Views<'_>, &Views<'_>),
    observer: &mut dyn Observer,
) -> Result<Phase> {
    let layers: Vec<Layer> = net.tail.layers().iter().filter(|layer| !layer.draws()).cloned().collect();
    let waiting = layers.len() - 1;
    let place = (job.cache.as_path(), &job.ranks);
    let further = Further::new(&layers[..waiting], &net.weights, net.tail.input(), net.tail.device());
    let tail = Tail::new(layers[waiting..].to_vec(), further.output(), &net.weights, net.tail.device());
    Ok(Phase {
        waiting,
        tail,
        records: further.extract(at_cut, images, place, observer)?,
        views: views.further(&further, place, observer)?,
        stressed: stressed.further(&further, place, observer)?,
    })
}

/// Whether the features of a phase may lie in the cache: they take from what `room` there is.
fn has_room(what: &str, bytes: usize, room: &mut usize, observer: &mut dyn Observer) -> bool {
    let mebibytes = |bytes: usize| bytes as f64 / (1 << 20) as f64;
    let wanted = mebibytes(bytes);
    if bytes > *room {
        observer.warn(&format!(
            "from {what}, but its features, {wanted:.1} MiB, do not fit into what is left of --cache-limit, {:.1} MiB: \
             each step runs the blocks that wait, too, which takes longer",
            mebibytes(*room)
        ));
        return false;
    }
    *room -= bytes;
    observer.say(&format!("from {what}; its features take {wanted:.1} MiB"));
    true
}

/// Names the blocks that move in `epoch`.
fn moving(blocks: &[Block], unfreeze_schedule: &UnfreezeSchedule, epoch: usize) -> String {
    let moves = |block: &&Block| {
        let mut parameters = block.layers.iter().flat_map(Layer::parameters);
        parameters.any(|(name, _)| unfreeze_schedule.share(&name, epoch).is_some())
    };
    let names: Vec<&str> = blocks.iter().filter(moves).map(|block| block.name.as_str()).collect();
    names.join(", ")
}
