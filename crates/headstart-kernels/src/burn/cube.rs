//! Graphics processors, which have no kernels here: every operation is composed of Burn's own, forward and backward.

use ::burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use ::burn::backend::{Autodiff, Cube};
use burn_cubecl::CubeBackend;

use super::ops::MapOps;

impl MapOps for CubeBackend {}

impl<C: CheckpointStrategy> MapOps for Autodiff<Cube, C> {}
