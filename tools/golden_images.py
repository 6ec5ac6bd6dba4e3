"""Makes the two pictures that the golden outputs are computed on: crates/headstart/tests/golden/image_{0,1}.png.

    python tools/golden_images.py

224x224 RGB, smooth coloured fields with edges and a little noise, so that they fill a net's value range as a
photograph does and still compress well. They are drawn from a seed; the committed files are what counts, since
another numpy or PNG encoder may write other bytes.
"""

import pathlib

import numpy as np
from PIL import Image

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "crates/headstart/tests/golden"
SIZE = 224


def smooth_field(generator, cells):
    """[SIZE, SIZE, 3] in about -1..1: random values on a coarse grid, interpolated."""
    coarse = generator.uniform(-1, 1, (cells, cells, 3)).astype(np.float32)
    planes = [Image.fromarray(coarse[..., c]).resize((SIZE, SIZE), Image.Resampling.BICUBIC) for c in range(3)]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def picture(seed):
    """[SIZE, SIZE, 3] u8: three octaves of smooth colour, six ellipses with hard edges, noise of one level."""
    generator = np.random.default_rng(seed)
    field = 128 + 70 * smooth_field(generator, 4) + 40 * smooth_field(generator, 9) + 12 * smooth_field(generator, 28)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    for _ in range(6):
        centre, radius = generator.uniform(0, SIZE, 2), generator.uniform(12, 60, 2)
        inside = ((rows - centre[0]) / radius[0]) ** 2 + ((columns - centre[1]) / radius[1]) ** 2 < 1
        field[inside] = 0.4 * field[inside] + 0.6 * generator.uniform(0, 255, 3)
    noise = generator.integers(-1, 2, (SIZE, SIZE, 1))
    return np.clip(np.rint(field) + noise, 0, 255).astype(np.uint8)


def load(index):
    """[224, 224, 3] u8, RGB: the committed picture."""
    return np.array(Image.open(GOLDEN / f"image_{index}.png").convert("RGB"))


def main():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for index in range(2):
        path = GOLDEN / f"image_{index}.png"
        Image.fromarray(picture(seed=index)).save(path, optimize=True)
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
