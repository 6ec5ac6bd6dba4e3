"""A torchvision net's weights, drawn or its own, as a safetensors file, names kept. headstart reads torchvision's .pth
without this.

    python tools/torchvision_weights.py resnet50 resnet50.safetensors           torchvision downloads IMAGENET1K_V1
    python tools/torchvision_weights.py resnet50 resnet50.safetensors --state-dict FILE.pth     one that lies here
    python tools/torchvision_weights.py resnet50 resnet50.safetensors --drawn   drawn ones, where only speed matters

A state dict is read with torch's `weights_only`, so nothing in it is executed. Drawn weights (seeded_tensors.py): He's
uniform bound for kernels and classifier, 0.1 for biases and running means; the scales and variances of BatchNorm are
1 + a value within 0.1.
"""

import argparse
import pathlib

import numpy as np
import torch
import torchvision

import safetensors_file
from seeded_tensors import he_bound, seeded

# headstart's names: torchvision's have underscores.
NETS = {name: name.replace("-", "_") for name in (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide-resnet50-2",
    "vgg11", "vgg13", "vgg19", "vgg11-bn", "vgg13-bn", "vgg16-bn", "vgg19-bn",
    "densenet121", "densenet169", "densenet201",
    "mobilenet-v2", "mobilenet-v3-large", "mobilenet-v3-small",
    "efficientnet-b0", "efficientnet-b1", "efficientnet-b2", "efficientnet-b3", "efficientnet-b4",
)} | {"vgg16-torchvision": "vgg16"}


def network(name):
    """The net without weights."""
    return torchvision.models.get_model(NETS[name])


def drawn(name):
    """{tensor: f32} of the whole net, classifier included."""
    tensors = {}
    for tensor, values in network(name).state_dict().items():
        shape = tuple(values.shape)
        if len(shape) > 1:
            tensors[tensor] = seeded(tensor, shape, he_bound(np.prod(shape[1:])))
        elif shape:
            around_one = tensor.endswith(("weight", "running_var"))
            tensors[tensor] = seeded(tensor, shape, 0.1) + np.float32(around_one)
    return tensors


def pretrained(name, state_dict):
    if state_dict:
        tensors = torch.load(state_dict, map_location="cpu", weights_only=True)
    else:
        weights = torchvision.models.get_model_weights(NETS[name])["IMAGENET1K_V1"]
        tensors = weights.get_state_dict(check_hash=True)
    return {tensor: values.float().numpy() for tensor, values in tensors.items() if values.is_floating_point()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("net", choices=NETS)
    parser.add_argument("file", type=pathlib.Path)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--state-dict", type=pathlib.Path, metavar="FILE.pth")
    source.add_argument("--drawn", action="store_true")
    args = parser.parse_args()
    tensors = drawn(args.net) if args.drawn else pretrained(args.net, args.state_dict)
    safetensors_file.write(args.file, tensors, {"source": "drawn" if args.drawn else f"torchvision {args.net}"})
    print(f"{args.file}: {len(tensors)} tensors, {args.file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
