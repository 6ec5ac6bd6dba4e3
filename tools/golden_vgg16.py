"""Makes crates/headstart/tests/golden/vgg16.safetensors: what VGG16's convolutional part must compute, by Keras.

    python tools/golden_vgg16.py --weights vgg16_notop_oihw_bgr.safetensors

The weights file holds Keras's ImageNet VGG16 without its top: block{b}_conv{c}.{weight,bias}, OIHW, input channels
B, G, R. Preprocessing is keras.applications.vgg16.preprocess_input: RGB 0..255 -> B, G, R minus 103.939, 116.779,
123.68. Arithmetic is f64 (Keras's floatx), results are rounded to f32 and stored in C, H, W order.

With those weights, for each picture i of 0, 1 (golden_images.py, 224x224):

    image_i.block4_pool  [11151]  of 512x14x14: every 9th element of the flat C, H, W
    image_i.block5_pool  [8363]   of 512x7x7: every 3rd element
    image_i.{block4_pool,block5_pool}.norm  [1]  the L2 norm of the whole map

With seeded weights (seeded_tensors.py: He's uniform bound with fan_in = channels in * 9, 0.1 for biases, each
kernel drawn in OIHW order), on the top left 64x64 pixels of each picture, same preprocessing, every element:

    seeded.image_i.block4_pool  [512, 4, 4]     seeded.image_i.block5_pool  [512, 2, 2]     and their .norm  [1]
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from safetensors.numpy import load_file

import golden_images
import safetensors_file
from seeded_tensors import he_bound, seeded

STRIDES = {"block4_pool": 9, "block5_pool": 3}  # coprime to 196 and 49, so that every position is met


def vgg16(size, tensors):
    """A model that gives block4_pool and block5_pool, [1, H, W, 512] each."""
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(size, size, 3))
    for layer in base.layers:
        if "_conv" in layer.name:
            kernel = tensors[f"{layer.name}.weight"].transpose(2, 3, 1, 0)  # OIHW -> HWIO
            layer.set_weights([kernel, tensors[f"{layer.name}.bias"]])
    return keras.Model(base.input, [base.get_layer(name).output for name in STRIDES])


def seeded_weights():
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(64, 64, 3))
    tensors = {}
    for layer in base.layers:
        if "_conv" in layer.name:
            _, _, channels_in, channels_out = layer.kernel.shape
            shape = (channels_out, channels_in, 3, 3)
            tensors[f"{layer.name}.weight"] = seeded(f"{layer.name}.weight", shape, he_bound(channels_in * 9))
            tensors[f"{layer.name}.bias"] = seeded(f"{layer.name}.bias", (channels_out,), 0.1)
    return tensors


def features(model, pixels):
    """{name: [C, H, W] f64} of one [H, W, 3] RGB picture."""
    x = keras.applications.vgg16.preprocess_input(pixels[None].astype(np.float64))
    maps = model.predict(x, verbose=0)
    return {name: array[0].transpose(2, 0, 1) for name, array in zip(STRIDES, maps)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    args = parser.parse_args()
    keras.config.set_floatx("float64")
    real, drawn = vgg16(224, load_file(args.weights)), vgg16(64, seeded_weights())
    made = {}
    for index in range(2):
        pixels = golden_images.load(index)
        for name, array in features(real, pixels).items():
            made[f"image_{index}.{name}"] = array.reshape(-1)[:: STRIDES[name]]
            made[f"image_{index}.{name}.norm"] = np.linalg.norm(array.reshape(-1))[None]
        for name, array in features(drawn, pixels[:64, :64]).items():
            made[f"seeded.image_{index}.{name}"] = array
            made[f"seeded.image_{index}.{name}.norm"] = np.linalg.norm(array.reshape(-1))[None]
    made = {name: array.astype(np.float32) for name, array in made.items()}

    path = golden_images.GOLDEN / "vgg16.safetensors"
    metadata = {"order": "C, H, W", "arithmetic": "f64, rounded to f32", "seeded.stride": "1"}
    safetensors_file.write(path, made, metadata | {f"{name}.stride": str(stride) for name, stride in STRIDES.items()})
    for name, array in made.items():
        print(name, list(array.shape), f"{float(np.abs(array).max()):.6g}", f"{float((array > 0).mean()):.3f} positive")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
