//! Layers ready to run without gradients: as a plan of our own kernels on the CPU, or as the same layers on Burn's
//! tensors on a graphics processor.

#[cfg(feature = "cube")]
mod on_device;
mod stages;

use headstart_kernels::Aligned;

use crate::backbone::spec::{Layer, MapShape};
use crate::backbone::weights::Weights;
use crate::device::Device;
use crate::trunk::{Buffers, Plan};
#[cfg(feature = "cube")]
use on_device::{OnDevice, UnderWay};

pub(crate) use stages::Stages;

/// Images that run through a plan at a time: at most.
const MOST: usize = 16;
/// At least, so that no thread is idle while they are decoded.
const LEAST: usize = 4;
/// Values that all maps of one layer may have together: VGG16's first layer makes three million of an image.
const VALUES: usize = 1 << 24;

/// Compiled layers.
#[derive(Debug)]
pub(crate) enum Compiled {
    /// For the CPU.
    Plan(Plan),
    /// For a graphics processor.
    #[cfg(feature = "cube")]
    OnDevice(Box<OnDevice>),
}

/// A batch that was started.
pub(crate) enum Started {
    /// The CPU is done with it.
    Done(Aligned),
    /// The device works on it while the program goes on.
    #[cfg(feature = "cube")]
    UnderWay(UnderWay),
}

impl Compiled {
    /// Compiles `layers` for maps of shape `input`. `weights` were verified against the layers.
    pub(crate) fn new<'a>(
        layers: impl IntoIterator<Item = &'a Layer>,
        weights: &Weights,
        input: MapShape,
        device: &Device,
    ) -> Self {
        #[cfg(feature = "cube")]
        if !device.class().is_cpu() {
            return Self::OnDevice(Box::new(OnDevice::new(layers, weights, input, device)));
        }
        debug_assert!(device.class().is_cpu(), "no other device can be opened");
        Self::Plan(Plan::new(layers, weights, input))
    }

    /// Shape of one input map.
    pub(crate) fn input(&self) -> MapShape {
        match self {
            Self::Plan(plan) => plan.input(),
            #[cfg(feature = "cube")]
            Self::OnDevice(net) => net.input(),
        }
    }

    /// Shape of one output map.
    pub(crate) fn output(&self) -> MapShape {
        match self {
            Self::Plan(plan) => plan.output(),
            #[cfg(feature = "cube")]
            Self::OnDevice(net) => net.output(),
        }
    }

    /// Images that are best run at a time.
    pub(crate) fn batch_size(&self) -> usize {
        match self {
            Self::Plan(plan) => (VALUES / plan.widest()).clamp(LEAST, MOST),
            #[cfg(feature = "cube")]
            Self::OnDevice(net) => net.batch_size(),
        }
    }

    /// Batches that may be under way while the next is decoded. On the CPU the same threads do both.
    pub(crate) fn ahead(&self) -> usize {
        match self {
            Self::Plan(_) => 0,
            #[cfg(feature = "cube")]
            Self::OnDevice(_) => 1,
        }
    }

    /// Runs a batch.
    ///
    /// # Shapes
    /// - `maps`: `[batch, H, W, C]` of [`Compiled::input`]
    /// - result: `[batch, H, W, C]` of [`Compiled::output`]
    pub(crate) fn forward(&self, maps: &[f32], batch: usize, buffers: &mut Buffers) -> Aligned {
        self.start(maps, batch, buffers).finish(buffers)
    }

    /// Begins to run a batch, as [`Compiled::forward`] does: a device works on it while the program goes on.
    pub(crate) fn start(&self, maps: &[f32], batch: usize, buffers: &mut Buffers) -> Started {
        match self {
            Self::Plan(plan) => Started::Done(plan.forward(maps, batch, buffers)),
            #[cfg(feature = "cube")]
            Self::OnDevice(net) => Started::UnderWay(net.start(maps, batch)),
        }
    }
}

impl Started {
    /// Waits for the result.
    #[cfg_attr(
        not(feature = "cube"),
        expect(unused_variables, reason = "a plan has filled a buffer already")
    )]
    pub(crate) fn finish(self, buffers: &mut Buffers) -> Aligned {
        match self {
            Self::Done(output) => output,
            #[cfg(feature = "cube")]
            Self::UnderWay(parts) => buffers.copy(&parts.finish()),
        }
    }
}
