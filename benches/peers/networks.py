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
    x = ops.convolution(x, 3, 32, 3, stride=2, activation="relu6")
    channels_in = 32
    for blocks, kernel, first_stride, expansion, channels in EFFICIENTNET_STAGES:
        for position in range(blocks):
            stride = first_stride if position == 0 else 1
            before, wide = x, channels_in * expansion
            if expansion != 1:
                x = ops.convolution(x, channels_in, wide, 1, activation="relu6")
            x = ops.depthwise(x, wide, kernel, stride, activation="relu6")
            x = ops.convolution(x, wide, channels, 1)
            if stride == 1 and channels_in == channels:
                x = ops.add(x, before)
            channels_in = channels
    return ops.convolution(x, 320, 1280, 1, activation="relu6")


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
