"""EfficientNet-Lite0's forward pass in plain PyTorch functions, written from the paper's table and the tensor names.

It shares no code with the Rust side, so that an error would have to be made twice to go unseen.
"""

import torch
import torch.nn.functional as functional

# One stage a row: blocks, kernel, stride of its first block, expansion, channels out (EfficientNet-B0's table).
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]
BATCH_NORM_EPSILON = 1e-3


def preprocess(pixels):
    """[N, H, W, 3] numbers in 0..255, RGB -> [N, 3, H, W] f64."""
    return (torch.as_tensor(pixels, dtype=torch.float64).permute(0, 3, 1, 2) - 127) / 128


def convolution(x, weight, stride=1, groups=1):
    """TensorFlow's 'same': ceil(size / stride) outputs, the odd pixel of padding on the right and bottom."""
    kernel = weight.shape[-1]
    pads = []
    for size in (x.shape[3], x.shape[2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return functional.conv2d(functional.pad(x, pads), weight, stride=stride, groups=groups)


def batch_norm(x, tensors, name):
    mean, var = tensors[f"{name}.running_mean"], tensors[f"{name}.running_var"]
    scale = tensors[f"{name}.weight"] / torch.sqrt(var + BATCH_NORM_EPSILON)
    shift = tensors[f"{name}.bias"] - mean * scale
    return x * scale[:, None, None] + shift[:, None, None]


def block(x, tensors, name, stride, expansion, channels_out):
    """Inverted residual: 1x1 expand, depthwise, 1x1 project without activation."""
    before, channels_in = x, x.shape[1]
    if expansion != 1:
        x = convolution(x, tensors[f"{name}._expand_conv.weight"])
        x = functional.relu6(batch_norm(x, tensors, f"{name}._bn0"))
    x = convolution(x, tensors[f"{name}._depthwise_conv.weight"], stride, groups=x.shape[1])
    x = functional.relu6(batch_norm(x, tensors, f"{name}._bn1"))
    x = batch_norm(convolution(x, tensors[f"{name}._project_conv.weight"]), tensors, f"{name}._bn2")
    return x + before if stride == 1 and channels_in == channels_out else x


@torch.inference_mode()
def forward(x, tensors):
    """[N, 3, 224, 224] -> {"stage1" .. "stage7", "head": [N, 1280, 7, 7], "logits": [N, 1000]}."""
    outputs = {}
    x = functional.relu6(batch_norm(convolution(x, tensors["_conv_stem.weight"], 2), tensors, "_bn0"))
    index = 0
    for stage, (blocks, kernel, first_stride, expansion, channels) in enumerate(STAGES, 1):
        for position in range(blocks):
            name = f"_blocks.{index}"
            assert tensors[f"{name}._depthwise_conv.weight"].shape[-1] == kernel
            x = block(x, tensors, name, first_stride if position == 0 else 1, expansion, channels)
            index += 1
        assert x.shape[1] == channels
        outputs[f"stage{stage}"] = x
    x = functional.relu6(batch_norm(convolution(x, tensors["_conv_head.weight"]), tensors, "_bn1"))
    outputs["head"] = x
    outputs["logits"] = x.mean((2, 3)) @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    return outputs
