"""Makes crates/headstart/tests/golden/resnet50.safetensors: what ResNet-50 must compute, by torchvision.

    python tools/golden_resnet50.py

Weights are drawn (resnet50.py), arithmetic is f64, results are rounded to f32. For each picture i of 0, 1
(golden_images.py), its top left 64x64 pixels, RGB 0..1 minus ImageNet's means over its deviations:

    image_i.layer2  [3641]  of 512x8x8: every 9th element of the flat C, H, W
    image_i.layer4  [2731]  of 2048x2x2: every 3rd element
    image_i.{layer2,layer4}.norm  [1]  the L2 norm of the whole map
"""

import numpy as np
import torch
import torchvision
from torchvision.models.feature_extraction import create_feature_extractor

import golden_images
import resnet50
import safetensors_file

STRIDES = {"layer2": 9, "layer4": 3}  # coprime to 64 and 4, so that every position is met
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main():
    model = torchvision.models.resnet50()
    # The counts of batches are not drawn, nor used.
    model.load_state_dict({name: torch.from_numpy(array) for name, array in resnet50.drawn().items()}, strict=False)
    extractor = create_feature_extractor(model.double().eval(), list(STRIDES))
    made = {}
    for index in range(2):
        pixels = (golden_images.load(index)[:64, :64] / 255 - np.array(MEAN)) / np.array(DEVIATION)
        with torch.inference_mode():
            maps = extractor(torch.from_numpy(pixels.transpose(2, 0, 1)[None]))
        for name, step in STRIDES.items():
            flat = maps[name][0].numpy().reshape(-1)
            made[f"image_{index}.{name}"] = flat[::step]
            made[f"image_{index}.{name}.norm"] = np.linalg.norm(flat)[None]
            print(f"image_{index}.{name}: greatest {flat.max():.6g}, {(flat > 0).mean():.3f} positive")
    path = golden_images.GOLDEN / "resnet50.safetensors"
    metadata = {"order": "C, H, W", "arithmetic": "f64, rounded to f32"}
    metadata |= {f"{name}.stride": str(step) for name, step in STRIDES.items()}
    safetensors_file.write(path, {name: array.astype(np.float32) for name, array in made.items()}, metadata)
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
