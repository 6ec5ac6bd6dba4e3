"""Copies of labelled images, altered in known ways, for measuring what a gate refuses.

    pip install numpy pillow
    python tools/gate_copies.py IMAGES OUT [--most 200]

IMAGES is a folder of class folders. Each kind becomes a folder OUT/KIND/CLASS. `style` alters crop, aspect, grey levels,
resolution, sharpness, compression and angle at random; the others do one thing.
"""

import argparse
import io
import math
import random
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

SIDE = 224


def crop(image, draw):
    for _ in range(20):
        area = draw.uniform(0.6, 1.0) * image.width * image.height
        ratio = math.exp(draw.uniform(-0.4, 0.4))
        width, height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if width <= image.width and height <= image.height:
            break
    else:
        width, height = image.size
    x, y = draw.randint(0, image.width - width), draw.randint(0, image.height - height)
    return image.crop((x, y, x + width, y + height)).resize((SIDE, SIDE), Image.BILINEAR)


def grey_levels(image, draw):
    gamma = math.exp(draw.uniform(-0.4, 0.4))
    image = image.point([min(255, int(255 * (level / 255) ** gamma + 0.5)) for level in range(256)])
    image = ImageEnhance.Contrast(image).enhance(math.exp(draw.uniform(-0.4, 0.4)))
    return ImageEnhance.Brightness(image).enhance(draw.uniform(0.8, 1.2))


def sharpness(image, draw):
    chance = draw.random()
    if chance < 0.35:
        return shrunk(image, draw.randint(64, 200))
    if chance < 0.55:
        return image.filter(ImageFilter.GaussianBlur(draw.uniform(0.3, 2)))
    if chance < 0.7:
        return image.filter(ImageFilter.UnsharpMask(2, draw.randint(50, 200), 0))
    return image


def jpeg(image, quality):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(io.BytesIO(file.getvalue())).convert("L")


def style(image, draw):
    image = sharpness(grey_levels(crop(image, draw), draw), draw)
    if draw.random() < 0.2:
        image = ImageOps.autocontrast(image, cutoff=draw.randint(0, 4))
    return jpeg(image.rotate(draw.uniform(-8, 8), Image.BILINEAR), draw.randint(40, 95))


def shrunk(image, side):
    return image.resize((side, side), Image.BILINEAR).resize((SIDE, SIDE), Image.BICUBIC)


def border(image, _):
    width = round(0.1 * SIDE)
    framed = Image.new("L", (SIDE, SIDE), 0)
    framed.paste(image.resize((SIDE - 2 * width,) * 2, Image.BILINEAR), (width, width))
    return framed


def noise(image, draw):
    noise = np.random.default_rng(draw.randint(0, 2**31)).normal(0, 4, (image.height, image.width))
    return Image.fromarray((np.asarray(image, float) + noise).round().clip(0, 255).astype("uint8"))


KINDS = {
    "plain": lambda image, _: image,
    "style": style,
    "border": border,
    "noise": noise,
    "jpeg-50": lambda image, _: jpeg(image, 50),
    "turned-5": lambda image, _: image.rotate(5, Image.BILINEAR),
    "28-pixels": lambda image, _: shrunk(image, 28),
    "inverted": lambda image, _: ImageOps.invert(image),
    "inverted-style": lambda image, draw: ImageOps.invert(style(image, draw)),
    "upside-down": lambda image, _: ImageOps.flip(image),
    "upside-down-style": lambda image, draw: ImageOps.flip(style(image, draw)),
    "turned-180": lambda image, _: image.rotate(180),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--most", type=int, default=200, help="images of which copies are made")
    given = parser.parse_args()
    files = sorted(given.images.glob("*/*"), key=lambda file: zlib.crc32(file.name.encode()))[: given.most]
    for kind, alter in KINDS.items():
        for file in files:
            image = Image.open(file).convert("L").resize((SIDE, SIDE), Image.BILINEAR)
            copy = given.out / kind / file.parent.name / f"{file.stem}.png"
            copy.parent.mkdir(parents=True, exist_ok=True)
            alter(image, random.Random(zlib.crc32((file.name + kind).encode()))).save(copy)


if __name__ == "__main__":
    main()
