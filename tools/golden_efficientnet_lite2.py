"""Makes crates/headstart/tests/golden/efficientnet-lite2.safetensors: what EfficientNet-Lite2 must compute, by the package
efficientnet-lite-pytorch, whose tensor names headstart has.

    pip install torch efficientnet-lite-pytorch
    python tools/golden_efficientnet_lite2.py

Weights are drawn as in torchvision_weights.py, arithmetic is f64, results are rounded to f32. For each picture i of 0, 1
(golden_images.py), its top left 64x64 pixels, RGB minus 127 over 128: image_i.NAME, every so manieth element of the flat
C, H, W, as CUTS has it.
"""

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

import golden_images
import safetensors_file
from seeded_tensors import he_bound, seeded

# The module whose output is meant, and the step.
CUTS = {"block4": ("_blocks.10", 1), "top": ("_swish", 3)}


def drawn(model):
    tensors = {}
    for name, values in model.state_dict().items():
        shape = tuple(values.shape)
        if len(shape) > 1:
            tensors[name] = torch.from_numpy(seeded(name, shape, he_bound(np.prod(shape[1:]))))
        elif shape:
            around_one = name.endswith(("weight", "running_var"))
            tensors[name] = torch.from_numpy(seeded(name, shape, 0.1) + np.float32(around_one))
    return tensors


def main():
    # Padding is fixed for the size of the images.
    model = EfficientNet.from_name("efficientnet-lite2", image_size=64)
    model.load_state_dict(drawn(model), strict=False)
    model = model.double().eval()
    modules, maps = dict(model.named_modules()), {}
    for name, (module, _) in CUTS.items():
        # The stem and the top share an activation: what is kept last is the top's.
        modules[module].register_forward_hook(lambda _, __, output, name=name: maps.update({name: output}))
    made = {}
    for index in range(2):
        pixels = (golden_images.load(index)[:64, :64] - 127.0) / 128.0
        with torch.inference_mode():
            model.extract_features(torch.from_numpy(pixels.transpose(2, 0, 1)[None]))
        for name, (_, step) in CUTS.items():
            flat = maps[name][0].numpy().reshape(-1)
            made[f"image_{index}.{name}"] = flat[::step].astype(np.float32)
            print(f"image_{index}.{name}: {tuple(maps[name].shape)}, greatest {flat.max():.6g}, {(flat > 0).mean():.3f} positive")
    path = golden_images.GOLDEN / "efficientnet-lite2.safetensors"
    safetensors_file.write(path, made, {"order": "C, H, W", "arithmetic": "f64, rounded to f32"})
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
