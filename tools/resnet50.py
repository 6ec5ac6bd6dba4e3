"""ResNet-50's weights as headstart reads them: torchvision's state dict, names kept, as a safetensors file.

    python tools/resnet50.py resnet50.safetensors                            torchvision downloads IMAGENET1K_V1
    python tools/resnet50.py resnet50.safetensors --state-dict FILE.pth      a state dict that lies here already
    python tools/resnet50.py resnet50.safetensors --drawn                    drawn ones, where only speed matters

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


def drawn():
    """{name: f32} of the whole net, classifier included."""
    tensors = {}
    for name, tensor in torchvision.models.resnet50().state_dict().items():
        shape = tuple(tensor.shape)
        if len(shape) > 1:
            tensors[name] = seeded(name, shape, he_bound(np.prod(shape[1:])))
        elif shape:
            around_one = name.endswith(("weight", "running_var"))
            tensors[name] = seeded(name, shape, 0.1) + np.float32(around_one)
    return tensors


def pretrained(state_dict):
    if state_dict:
        tensors = torch.load(state_dict, map_location="cpu", weights_only=True)
    else:
        tensors = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.get_state_dict(check_hash=True)
    return {name: tensor.float().numpy() for name, tensor in tensors.items() if tensor.is_floating_point()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--state-dict", type=pathlib.Path, metavar="FILE.pth")
    source.add_argument("--drawn", action="store_true")
    args = parser.parse_args()
    tensors = drawn() if args.drawn else pretrained(args.state_dict)
    safetensors_file.write(args.file, tensors, {"source": "drawn" if args.drawn else "torchvision ResNet-50"})
    print(f"{args.file}: {len(tensors)} tensors, {args.file.stat().st_size} bytes")


if __name__ == "__main__":
    main()
