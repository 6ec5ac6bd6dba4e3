"""The networks that are timed, written once, over an `ops` that draws them in PyTorch or Keras (forward.py).

BatchNorm is folded: every convolution is a kernel, a bias and an activation. The classifier is left out, as it is
for a trunk that hands features to a new head. Speed does not depend on the weights, so they are drawn (He normal).
"""

EFFICIENTNET_STAGES = [  # blocks, kernel, stride of its first block, expansion, channels out
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]

MOBILENET_BOTTLENECKS = [  # kernel, channels within, channels out, of its gate, activation, stride
    (3, 16, 16, 0, "relu", 1),
    (3, 64, 24, 0, "relu", 2),
    (3, 72, 24, 0, "relu", 1),
    (5, 72, 40, 24, "relu", 2),
    (5, 120, 40, 32, "relu", 1),
    (5, 120, 40, 32, "relu", 1),
    (3, 240, 80, 0, "hard_swish", 2),
    (3, 200, 80, 0, "hard_swish", 1),
    (3, 184, 80, 0, "hard_swish", 1),
    (3, 184, 80, 0, "hard_swish", 1),
    (3, 480, 112, 120, "hard_swish", 1),
    (3, 672, 112, 168, "hard_swish", 1),
    (5, 672, 160, 168, "hard_swish", 2),
    (5, 960, 160, 240, "hard_swish", 1),
    (5, 960, 160, 240, "hard_swish", 1),
]


def vgg16(ops, x):
    """[B, 3, 224, 224] -> block5_pool [B, 512, 7, 7]."""
    channels_in = 3
    for convolutions, channels in [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]:
        for _ in range(convolutions):
            x = ops.convolution(x, channels_in, channels, 3, activation="relu")
            channels_in = channels
        x = ops.max_pool(x, 2)
    return x


def efficientnet_lite0(ops, x):
    """[B, 3, 224, 224] -> the head convolution's [B, 1280, 7, 7]."""
    return efficientnet(ops, x, activation="relu6")


def efficientnet_b0(ops, x):
    """[B, 3, 224, 224] -> [B, 1280, 7, 7], torchvision's."""
    return efficientnet(ops, x, activation="silu", gated=True, symmetric=True)


def efficientnet(ops, x, activation, gated=False, symmetric=False):
    x = ops.convolution(x, 3, 32, 3, stride=2, symmetric=symmetric, activation=activation)
    channels_in = 32
    for blocks, kernel, first_stride, expansion, channels in EFFICIENTNET_STAGES:
        for position in range(blocks):
            stride = first_stride if position == 0 else 1
            before, wide = x, channels_in * expansion
            if expansion != 1:
                x = ops.convolution(x, channels_in, wide, 1, activation=activation)
            x = ops.depthwise(x, wide, kernel, stride, activation=activation, symmetric=symmetric)
            if gated:
                x = ops.gate(x, wide, channels_in // 4, "silu", "sigmoid")
            x = ops.convolution(x, wide, channels, 1)
            if stride == 1 and channels_in == channels:
                x = ops.add(x, before)
            channels_in = channels
    return ops.convolution(x, 320, 1280, 1, activation=activation)


def mobilenet_v3_large(ops, x):
    """[B, 3, 224, 224] -> [B, 960, 7, 7], torchvision's."""
    x = ops.convolution(x, 3, 16, 3, stride=2, symmetric=True, activation="hard_swish")
    channels_in = 16
    for kernel, wide, channels, squeezed, activation, stride in MOBILENET_BOTTLENECKS:
        before = x
        if wide != channels_in:
            x = ops.convolution(x, channels_in, wide, 1, activation=activation)
        x = ops.depthwise(x, wide, kernel, stride, activation=activation, symmetric=True)
        if squeezed:
            x = ops.gate(x, wide, squeezed, "relu", "hard_sigmoid")
        x = ops.convolution(x, wide, channels, 1)
        if stride == 1 and channels_in == channels:
            x = ops.add(x, before)
        channels_in = channels
    return ops.convolution(x, 160, 960, 1, activation="hard_swish")


def resnet50(ops, x):
    """[B, 3, 224, 224] -> [B, 2048, 7, 7]; the stride sits on the 3x3 convolution (torchvision's, "v1.5")."""
    x = ops.convolution(x, 3, 64, 7, stride=2, symmetric=True, activation="relu")
    x = ops.max_pool(x, 3, 2, pad=1)
    channels_in = 64
    for blocks, narrow, first_stride in [(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)]:
        for position in range(blocks):
            stride = first_stride if position == 0 else 1
            shortcut = x
            if position == 0:
                shortcut = ops.convolution(x, channels_in, 4 * narrow, 1, stride=stride)
            x = ops.convolution(x, channels_in, narrow, 1, activation="relu")
            x = ops.convolution(x, narrow, narrow, 3, stride=stride, symmetric=True, activation="relu")
            x = ops.convolution(x, narrow, 4 * narrow, 1, gain=0.1)
            x = ops.relu(ops.add(x, shortcut))
            channels_in = 4 * narrow
    return x
