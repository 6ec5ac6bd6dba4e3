"""Draws a network of networks.py as a PyTorch module."""

import torch
from torch import nn

from weights import Weights


ACTIVATIONS = {
    None: nn.Identity,
    "relu": lambda: nn.ReLU(True),
    "relu6": lambda: nn.ReLU6(True),
    "silu": lambda: nn.SiLU(True),
    "hard_swish": lambda: nn.Hardswish(True),
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
}


def pads(size, kernel, stride, symmetric):
    """(before, after) of one dimension: symmetric, or TensorFlow's 'same'."""
    if symmetric:
        return kernel // 2, kernel // 2
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class Convolution(nn.Module):
    def __init__(self, weights, size, channels_in, channels_out, kernel, stride, groups, symmetric, activation, gain):
        super().__init__()
        before, after = pads(size, kernel, stride, symmetric)
        self.pad = (before, after, before, after) if before != after else None
        self.convolution = nn.Conv2d(
            channels_in, channels_out, kernel, stride, 0 if self.pad else before, groups=groups
        )
        weight, bias = weights.draw(channels_in // groups, channels_out, kernel, gain)
        self.convolution.weight.data, self.convolution.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x):
        if self.pad:
            x = nn.functional.pad(x, self.pad)
        return self.activation(self.convolution(x))


class Ops:
    """Makes each layer when first asked for it, and uses it again afterwards."""

    def __init__(self):
        self.weights, self.layers, self.next = Weights(), nn.ModuleList(), 0

    def layer(self, *settings):
        if self.next == len(self.layers):
            self.layers.append(Convolution(self.weights, *settings))
        self.next += 1
        return self.layers[self.next - 1]

    def convolution(self, x, channels_in, channels_out, kernel, stride=1, symmetric=False, activation=None, gain=1.0):
        size = int(x.shape[-1])
        return self.layer(size, channels_in, channels_out, kernel, stride, 1, symmetric, activation, gain)(x)

    def depthwise(self, x, channels, kernel, stride, activation, symmetric=False):
        size = int(x.shape[-1])
        return self.layer(size, channels, channels, kernel, stride, channels, symmetric, activation, 1.0)(x)

    def gate(self, x, channels, squeezed, inner, outer):
        factors = self.convolution(x.mean((2, 3), keepdim=True), channels, squeezed, 1, activation=inner)
        return x * self.convolution(factors, squeezed, channels, 1, activation=outer)

    def max_pool(self, x, kernel, stride=None, pad=0):
        return nn.functional.max_pool2d(x, kernel, stride or kernel, pad)

    def add(self, x, y):
        return x + y

    def relu(self, x):
        return nn.functional.relu(x)


class Network(nn.Module):
    """A network of networks.py, in inference mode."""

    def __init__(self, network):
        super().__init__()
        self.network, self.ops = network, Ops()
        with torch.no_grad():
            self(torch.zeros(1, 3, 224, 224))
        self.layers = self.ops.layers
        self.eval()

    def forward(self, x):
        self.ops.next = 0
        return self.network(self.ops, x)
