"""The drawn weights that all engines share."""

import numpy as np


class Weights:
    """Kernels in OIHW and biases, drawn in the order in which a network asks for them."""

    def __init__(self):
        self.generator = np.random.default_rng(7)

    def draw(self, channels_in, channels_out, kernel, gain=1.0):
        scale = gain * np.sqrt(2 / (channels_in * kernel * kernel))
        weight = self.generator.normal(0, scale, (channels_out, channels_in, kernel, kernel))
        return weight.astype(np.float32), self.generator.normal(0, 0.1, channels_out).astype(np.float32)
