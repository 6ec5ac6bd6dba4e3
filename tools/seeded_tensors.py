"""Weights that any language can make again without a file: splitmix64 seeded by the tensor's name.

state = FNV-1a 64 of the ASCII name; each next element, in the tensor's own order, is
((splitmix64() >> 40) as f32 / 2^24 - 0.5) * 2 * bound, in f32. All but the last product is exact, so there is one
rounding and the same bits everywhere.
"""

import numpy as np

MASK = (1 << 64) - 1


def fnv1a64(name):
    digest = 0xCBF29CE484222325
    for byte in name.encode("ascii"):
        digest = ((digest ^ byte) * 0x100000001B3) & MASK
    return digest


def seeded(name, shape, bound):
    """A tensor of f32 in -bound..bound, in row-major order."""
    count = int(np.prod(shape))
    gamma = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a64(name)) + gamma * np.arange(1, count + 1, dtype=np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    unit = (z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)
    return ((unit - np.float32(0.5)) * np.float32(2) * np.float32(bound)).reshape(shape)


def he_bound(fan_in):
    """He's uniform bound sqrt(6 / fan_in), in f32."""
    return np.sqrt(np.float32(6) / np.float32(fan_in))
