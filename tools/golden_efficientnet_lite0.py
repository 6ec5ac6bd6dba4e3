"""Makes crates/headstart/tests/golden/efficientnet_lite0.safetensors: what the embedded backbone must compute.

    python tools/golden_efficientnet_lite0.py [--hymenoptera DIR]

The weights are the f16-rounded ones of assets/, the arithmetic is f64, the results are rounded to f32. For each
picture i of 0, 1 (golden_images.py; read as RGB, not resized):

    image_i.stage5       [112, 14, 14]  after the 112-channel stage, every element
    image_i.head         [12544]        after the 1280x7x7 convolution and relu6: every 5th element of the flat C, H, W
    image_i.logits       [1000]
    image_i.{stage5,head}.norm  [1]     the L2 norm of the whole map

`--hymenoptera DIR` also counts the ImageNet top-1 hits on real photographs: DIR/{train,val}/{bees,ants}, class 309
bee and 310 ant, the first 25 files of each folder by sorted name. With the copy whose shorter side is at most 256:

    resize                                             train: bees, ants    val: bees, ants
    whole image to 224x224, bilinear                           19, 20              19, 14
    whole image to 224x224, bicubic                            19, 20              20, 14
    shorter side to 224, bilinear or bicubic, middle 224       19, 19              21, 18
    shorter side to 256, bilinear or bicubic, middle 224       22, 21              21, 20

So "bees 21 of 25, ants 20 of 25" is val, shorter side 256 (bilinear and bicubic alike), middle 224x224.
"""

import argparse
import pathlib

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file

import efficientnet_lite0
import golden_images
import safetensors_file

ASSET = pathlib.Path(__file__).resolve().parent.parent / "assets/efficientnet_lite0.f16.safetensors"
HEAD_STRIDE = 5  # coprime to 49, so that every position is met
CLASSES = {"bees": 309, "ants": 310}


def resize_whole(image):
    return image.resize((224, 224), Image.Resampling.BILINEAR)


def resize_and_crop(resize_to, filter):
    """The shorter side to `resize_to`, then the middle 224 x 224."""

    def apply(image):
        factor = resize_to / min(image.size)
        width, height = (round(side * factor) for side in image.size)
        left, top = (width - 224) // 2, (height - 224) // 2
        return image.resize((width, height), filter).crop((left, top, left + 224, top + 224))

    return apply


RESIZES = {
    "whole image to 224x224, bilinear": resize_whole,
    "whole image to 224x224, bicubic": lambda image: image.resize((224, 224), Image.Resampling.BICUBIC),
    "shorter side to 224, bilinear, middle 224": resize_and_crop(224, Image.Resampling.BILINEAR),
    "shorter side to 224, bicubic, middle 224": resize_and_crop(224, Image.Resampling.BICUBIC),
    "shorter side to 256, bilinear, middle 224": resize_and_crop(256, Image.Resampling.BILINEAR),
    "shorter side to 256, bicubic, middle 224": resize_and_crop(256, Image.Resampling.BICUBIC),
}


def golden(tensors):
    made = {}
    for index in range(2):
        outputs = efficientnet_lite0.forward(
            efficientnet_lite0.preprocess(golden_images.load(index)[None]), tensors
        )
        maps = {name: outputs[name][0].numpy() for name in ("stage5", "head", "logits")}
        made[f"image_{index}.stage5"] = maps["stage5"]
        made[f"image_{index}.head"] = maps["head"].reshape(-1)[::HEAD_STRIDE]
        made[f"image_{index}.logits"] = maps["logits"]
        for name in ("stage5", "head"):
            made[f"image_{index}.{name}.norm"] = np.linalg.norm(maps[name].reshape(-1))[None]
        print(f"image_{index}: top-5 {np.argsort(-maps['logits'])[:5].tolist()}")
    return {name: array.astype(np.float32) for name, array in made.items()}


def count_hits(folder, tensors):
    tensors = {name: tensor.float() for name, tensor in tensors.items()}
    for title, resize in RESIZES.items():
        for split in ("train", "val"):
            hits = {}
            for name, label in CLASSES.items():
                files = sorted((folder / split / name).iterdir())[:25]
                pixels = np.stack([np.asarray(resize(Image.open(f).convert("RGB"))) for f in files])
                logits = efficientnet_lite0.forward(efficientnet_lite0.preprocess(pixels).float(), tensors)["logits"]
                hits[name] = f"{name} {int((logits.argmax(1) == label).sum())} of {len(files)}"
            print(f"{title}; {split}: {', '.join(hits.values())}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hymenoptera", type=pathlib.Path, metavar="DIR")
    args = parser.parse_args()
    tensors = {name: torch.from_numpy(array).double() for name, array in load_file(ASSET).items()}
    path = golden_images.GOLDEN / "efficientnet_lite0.safetensors"
    safetensors_file.write(path, golden(tensors), {
        "order": "C, H, W",
        "weights": "assets/efficientnet_lite0.f16.safetensors",
        "arithmetic": "f64, rounded to f32",
        "stage5.stride": "1",
        "head.stride": str(HEAD_STRIDE),
    })
    print(f"{path.name}: {path.stat().st_size} bytes")
    if args.hymenoptera:
        count_hits(args.hymenoptera, tensors)


if __name__ == "__main__":
    main()
