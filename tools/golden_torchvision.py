"""Makes crates/headstart/tests/golden/NET.safetensors for the nets of CUTS below: what they must compute, by torchvision.

    python tools/golden_torchvision.py [NET...]

Weights are drawn (torchvision_weights.py), arithmetic is f64, results are rounded to f32. For each picture i of 0, 1
(golden_images.py), its top left 64x64 pixels, RGB 0..1 minus ImageNet's means over its deviations:

    image_i.NODE       every so manieth element of the flat C, H, W of torchvision's node NODE, as CUTS has it
    image_i.NODE.norm  [1]  the L2 norm of the whole map
"""

import sys

import numpy as np
import torch
from torchvision.models.feature_extraction import create_feature_extractor

import golden_images
import safetensors_file
import torchvision_weights

# Steps are coprime to the numbers of pixels, so that every position is met.
CUTS = {
    "resnet50": {"layer2": 9, "layer4": 3},  # 512x8x8, 2048x2x2
    "efficientnet-b0": {"features.4": 1, "features.8": 3},  # 80x4x4, 1280x2x2
    "mobilenet-v3-large": {"features.10": 1, "features.16": 3},  # 80x4x4, 960x2x2
    "mobilenet-v3-small": {"features.6": 1, "features.12": 3},  # 40x4x4, 576x2x2
    "resnet18": {"layer2": 9, "layer4": 1},  # 128x8x8, 512x2x2
    "vgg11-bn": {"features.14": 15, "features.28": 1},  # 256x8x8, 512x2x2
    "mobilenet-v2": {"features.10": 1, "features.18": 3},  # 64x4x4, 1280x2x2
    "efficientnet-b2": {"features.4": 1, "features.8": 3},  # 88x4x4, 1408x2x2
    "densenet121": {"features.transition2": 5, "relu": 1},  # 256x4x4, 1024x2x2
}
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def maps_of(net):
    model = torchvision_weights.network(net)
    # The counts of batches are not drawn, nor used.
    tensors = {name: torch.from_numpy(array) for name, array in torchvision_weights.drawn(net).items()}
    model.load_state_dict(tensors, strict=False)
    extractor = create_feature_extractor(model.double().eval(), list(CUTS[net]))
    made = {}
    for index in range(2):
        pixels = (golden_images.load(index)[:64, :64] / 255 - np.array(MEAN)) / np.array(DEVIATION)
        with torch.inference_mode():
            maps = extractor(torch.from_numpy(pixels.transpose(2, 0, 1)[None]))
        for name, step in CUTS[net].items():
            flat = maps[name][0].numpy().reshape(-1)
            made[f"image_{index}.{name}"] = flat[::step]
            made[f"image_{index}.{name}.norm"] = np.linalg.norm(flat)[None]
            print(f"{net}, image_{index}.{name}: greatest {flat.max():.6g}, {(flat > 0).mean():.3f} positive")
    return made


def main():
    for net in sys.argv[1:] or CUTS:
        cuts = CUTS[net]
        path = golden_images.GOLDEN / f"{net}.safetensors"
        metadata = {"order": "C, H, W", "arithmetic": "f64, rounded to f32"}
        metadata |= {f"{name}.stride": str(step) for name, step in cuts.items()}
        made = {name: array.astype(np.float32) for name, array in maps_of(net).items()}
        safetensors_file.write(path, made, metadata)
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
