"""Makes what Keras's nets must compute and what their files look like:

    python tools/golden_keras.py [NET...]

crates/headstart/tests/golden/NET.safetensors, for the nets of CUTS below. Weights are drawn from headstart's names of them
(seeded_tensors.py; a kernel in the order out, in, height, width), arithmetic is f64, results are rounded to f32. For each
picture i of 0, 1 (golden_images.py), its top left 64x64 pixels as the net's `preprocess_input` makes them; EfficientNet
scales pixels in its first layers, as trained on ImageNet to 0..1 minus ImageNet's means over its deviations:

    image_i.LAYER       every so manieth element of the flat C, H, W of Keras's layer LAYER, as CUTS has it
    image_i.LAYER.norm  [1]  the L2 norm of the whole map

crates/headstart/tests/fixtures/keras/: a small net, saved by Keras as HDF5 (`saved.h5`), and the same tensors by h5py in
chunks with gzip (`chunked.h5`), in the newest version of the format (`newest.h5`), and under the names of Keras 1 and of
nested layers (`old_names.h5`). Its weights are drawn in the same way.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np

import golden_images
import safetensors_file
from seeded_tensors import he_bound, seeded

# Steps are coprime to the numbers of pixels, so that every position is met.
CUTS = {
    "vgg19-keras": {"block4_pool": 9, "block5_pool": 1},  # 512x4x4, 512x2x2
    "resnet50-keras": {"conv3_block4_out": 9, "conv5_block3_out": 5},  # 512x8x8, 2048x2x2
    "densenet121-keras": {"pool3_pool": 5, "relu": 1},  # 256x4x4, 1024x2x2
    "mobilenet-v2-keras": {"block_9_add": 1, "out_relu": 3},  # 64x4x4, 1280x2x2
    "efficientnet-b0-keras": {"block4c_add": 1, "top_activation": 3},  # 80x4x4, 1280x2x2
}
APPLICATIONS = keras.applications
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
NETS = {
    "vgg19-keras": (APPLICATIONS.VGG19, APPLICATIONS.vgg19.preprocess_input),
    "resnet50-keras": (APPLICATIONS.ResNet50, APPLICATIONS.resnet50.preprocess_input),
    "densenet121-keras": (APPLICATIONS.DenseNet121, APPLICATIONS.densenet.preprocess_input),
    "mobilenet-v2-keras": (APPLICATIONS.MobileNetV2, APPLICATIONS.mobilenet_v2.preprocess_input),
    # Without ImageNet's weights its first layers divide by 255 alone.
    "efficientnet-b0-keras": (APPLICATIONS.EfficientNetB0, lambda x: 255 * (x / 255 - MEAN) / DEVIATION),
}
FIXTURES = golden_images.GOLDEN.parent / "fixtures" / "keras"
PARTS = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias",
         "moving_mean": "running_mean", "moving_variance": "running_var"}


def drawn(layer, variable):
    """A variable's values, in Keras's layout."""
    shape, name = tuple(variable.shape), f"{layer.name}.{PARTS[variable.name]}"
    if len(shape) == 4 and isinstance(layer, keras.layers.DepthwiseConv2D):
        height, width, channels, _ = shape
        return seeded(name, (channels, 1, height, width), he_bound(height * width)).transpose(2, 3, 0, 1)
    if len(shape) == 4:
        height, width, inputs, outputs = shape
        return seeded(name, (outputs, inputs, height, width), he_bound(inputs * height * width)).transpose(2, 3, 1, 0)
    if len(shape) == 2:
        return seeded(name, shape, he_bound(shape[0]))
    return seeded(name, shape, 0.1) + np.float32(name.endswith((".weight", ".running_var")))


def draw(model):
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Normalization):
            layer.set_weights([drawn(layer, variable) for variable in layer.weights])


def goldens(net):
    build, preprocess = NETS[net]
    base = build(weights=None, include_top=False, input_shape=(64, 64, 3))
    draw(base)
    model = keras.Model(base.input, [base.get_layer(name).output for name in CUTS[net]])
    made = {}
    for index in range(2):
        pixels = golden_images.load(index)[:64, :64].astype(np.float64)
        maps = model.predict(preprocess(pixels[None].copy()), verbose=0)
        for (name, step), array in zip(CUTS[net].items(), maps):
            flat = array[0].transpose(2, 0, 1).reshape(-1)
            made[f"image_{index}.{name}"] = flat[::step]
            made[f"image_{index}.{name}.norm"] = np.linalg.norm(flat)[None]
            print(f"{net}, image_{index}.{name}: greatest {flat.max():.6g}, {(flat > 0).mean():.3f} positive")
    return made


def small():
    """A net with a layer of each kind that has weights."""
    layers = [
        keras.layers.Input((8, 8, 3)),
        keras.layers.Conv2D(4, (3, 2), name="conv"),
        keras.layers.DepthwiseConv2D(3, name="filter"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.GlobalAveragePooling2D(name="mean"),
        keras.layers.Dense(2, name="output"),
    ]
    model = keras.Sequential(layers)
    draw(model)
    return model


def fixtures():
    FIXTURES.mkdir(parents=True, exist_ok=True)
    model = small()
    model.save(FIXTURES / "saved.h5")
    values = {(layer.name, variable.name): variable.numpy() for layer in model.layers for variable in layer.weights}
    packed = {"compression": "gzip", "shuffle": True, "fletcher32": True}
    with h5py.File(FIXTURES / "chunked.h5", "w") as file:
        for (layer, name), array in values.items():
            # Chunks that do not fill the shape.
            chunks = tuple(max(1, 2 * side // 3) for side in array.shape)
            file.create_dataset(f"{layer}/{layer}/{name}:0", data=array, chunks=chunks, **packed)
    with h5py.File(FIXTURES / "newest.h5", "w", libver="latest") as file:
        for (layer, name), array in values.items():
            file.create_dataset(f"{layer}/{layer}/{name}:0", data=array.astype(np.float16))
    old = {"kernel": "W_1", "bias": "b_1"}
    with h5py.File(FIXTURES / "old_names.h5", "w") as file:
        for (layer, name), array in values.items():
            if layer == "conv":
                file.create_dataset(f"{layer}/{layer}_{old[name]}:0", data=array.astype(np.float64))
            else:
                file.create_dataset(f"net/{layer}/{name}:0", data=array)
    for path in sorted(FIXTURES.iterdir()):
        print(f"{path.name}: {path.stat().st_size} bytes")


def main():
    fixtures()
    keras.config.set_floatx("float64")
    for net in sys.argv[1:] or CUTS:
        path = golden_images.GOLDEN / f"{net}.safetensors"
        metadata = {"order": "C, H, W", "arithmetic": "f64, rounded to f32"}
        metadata |= {f"{name}.stride": str(step) for name, step in CUTS[net].items()}
        safetensors_file.write(path, {name: array.astype(np.float32) for name, array in goldens(net).items()}, metadata)
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
