//! Mobile blocks: an expansion or none, a depthwise convolution, a gate or none, a projection.

use headstart_kernels::Separable;

use super::pack::{Spare, behind, convolution, geometry, squeeze_excite};
use crate::backbone::spec::{Convolution, Layer, MapShape, SqueezeExcite};
use crate::backbone::weights::Weights;

/// A mobile block that is computed in one go.
pub(super) struct Mobile<'a> {
    expand: Option<&'a Convolution>,
    depthwise: &'a Convolution,
    gate: Option<&'a SqueezeExcite>,
    project: &'a Convolution,
}

impl<'a> Mobile<'a> {
    /// The block that `layers` begin with, on maps of shape `input`.
    pub(super) fn first(layers: &[&'a Layer], input: MapShape) -> Option<Self> {
        use Layer::{Convolution, SqueezeExcite};
        let expanded = match layers {
            [Convolution(expand), Convolution(depthwise), Convolution(project), ..] => {
                Some(Self { expand: Some(expand), depthwise, gate: None, project })
            }
            [Convolution(expand), Convolution(depthwise), SqueezeExcite(gate), Convolution(project), ..] => {
                Some(Self { expand: Some(expand), depthwise, gate: Some(gate), project })
            }
            _ => None,
        };
        let bare = match layers {
            [Convolution(depthwise), Convolution(project), ..] => {
                Some(Self { expand: None, depthwise, gate: None, project })
            }
            [Convolution(depthwise), SqueezeExcite(gate), Convolution(project), ..] => {
                Some(Self { expand: None, depthwise, gate: Some(gate), project })
            }
            _ => None,
        };
        expanded.into_iter().chain(bare).find(|block| block.fits(input))
    }

    /// How many layers it is.
    pub(super) fn len(&self) -> usize {
        2 + usize::from(self.expand.is_some()) + usize::from(self.gate.is_some())
    }

    /// Channels in between that fill up the last register. Without an expansion they are those of the input.
    fn spare(&self) -> usize {
        let channels = self.depthwise.input;
        self.expand.map_or(0, |_| channels.next_multiple_of(Separable::LANES) - channels)
    }

    fn fits(&self, input: MapShape) -> bool {
        let (wide, spare) = (self.wide(input), self.spare());
        let both = Spare { input: spare, output: spare };
        let expand =
            self.expand.map(|expand| geometry(expand, input, Spare { output: spare, ..Spare::default() }));
        let deep = behind(self.depthwise, wide);
        let project = geometry(self.project, deep, Spare { input: spare, ..Spare::default() });
        Separable::fits(expand.as_ref(), &geometry(self.depthwise, wide, both), &project)
    }

    pub(super) fn compile(&self, weights: &Weights, input: MapShape) -> Separable {
        let (wide, spare) = (self.wide(input), self.spare());
        let to = Spare { input: 0, output: spare };
        let from = Spare { input: spare, output: 0 };
        Separable::new(
            self.expand.map(|expand| convolution(expand, weights, input, to)),
            convolution(self.depthwise, weights, wide, Spare { input: spare, output: spare }),
            self.gate.map(|gate| squeeze_excite(gate, weights, spare)),
            convolution(self.project, weights, behind(self.depthwise, wide), from),
        )
    }

    fn wide(&self, input: MapShape) -> MapShape {
        self.expand.map_or(input, |expand| behind(expand, input))
    }
}
