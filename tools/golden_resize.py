"""Resizes two drawn pictures with Pillow: crates/headstart/tests/golden/resize/.

    python tools/golden_resize.py

`wide.png` and `tall.png` are the sources; `SOURCE_MODE_FILTER_SIZE.png` the results of Pillow's antialiased
`Image.resize` for the modes of `headstart::image::Resize`: squash (both sides to SIZE), crop (the shorter side to SIZE,
then the centre), pad (the longer side to SIZE, on black).
"""

import pathlib

import numpy as np
from PIL import Image

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "crates/headstart/tests/golden/resize"
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
SIZES = (16, 72)


def picture(width, height, seed):
    """[height, width, 3] u8: waves, a hard-edged box, noise of 16 levels in one half."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = [128 + 100 * np.sin(columns / a + rows / b) for a, b in ((3.1, 7.0), (9.0, 2.3), (5.0, 5.5))]
    field = np.stack(waves, axis=-1)
    field[height // 4 : height // 2, width // 3 : width // 2] = (255, 0, 40)
    field[:, width // 2 :] += generator.integers(-8, 9, (height, width - width // 2, 3))
    return Image.fromarray(np.clip(np.rint(field), 0, 255).astype(np.uint8))


def resized(image, sides, filter):
    """`image.resize(sides, filter)`, along x and then along y: Pillow 13 takes y first for some tall images."""
    return image.resize((sides[0], image.height), filter).resize(sides, filter)


def scaled(image, size, reference, filter):
    """Both sides times size / reference, rounded (half up), at least 1."""
    sides = [max(1, (2 * side * size + reference) // (2 * reference)) for side in image.size]
    return resized(image, sides, filter)


def squash(image, size, filter):
    return resized(image, (size, size), filter)


def crop(image, size, filter):
    whole = scaled(image, size, min(image.size), filter)
    left, top = ((side - size) // 2 for side in whole.size)
    return whole.crop((left, top, left + size, top + size))


def pad(image, size, filter):
    whole = scaled(image, size, max(image.size), filter)
    square = Image.new("RGB", (size, size))
    square.paste(whole, tuple((size - side) // 2 for side in whole.size))
    return square


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, image in {"wide": picture(61, 37, 1), "tall": picture(30, 50, 2)}.items():
        image.save(GOLDEN / f"{name}.png", optimize=True)
        for mode in (squash, crop, pad):
            for filter, resampling in FILTERS.items():
                for size in SIZES:
                    result = mode(image, size, resampling)
                    result.save(GOLDEN / f"{name}_{mode.__name__}_{filter}_{size}.png", optimize=True)
    print(f"{sum(path.stat().st_size for path in GOLDEN.iterdir())} bytes")


if __name__ == "__main__":
    main()
