"""Makes crates/headstart/tests/golden/keras_step.safetensors: five training steps of the Keras recipe's tail.

    python tools/golden_keras_step.py

The model, small: Conv 3x3 'same' relu (8 -> 8 channels on 8x8), MaxPooling 2, Flatten (H, W, C order), Dense 16 relu
with an l2(0.05) kernel penalty, Dense 2 sigmoid; binary_crossentropy against one-hot labels; Adam(1e-3). No dropout.
Five steps on one batch of four, labels 0, 1, 1, 0.

Weights and input are drawn by seeded_tensors.py in the shapes written here, then transposed for Keras where needed:

    conv.weight [8, 8, 3, 3] OIHW, fan_in 72    dense.weight [128, 16], fan_in 128    output.weight [16, 2], fan_in 16
    conv.bias [8], dense.bias [16], output.bias [2], bound 0.1                        input [4, 8, 8, 8] NHWC, bound 1

What Keras does, and other libraries do not:
  * binary_crossentropy is the mean over both outputs, then over the batch, of scores clipped to 1e-7 .. 1 - 1e-7;
  * the penalty is 0.05 * sum(w^2), without a half and not divided by the batch, so its gradient is 0.1 * w;
  * Adam's epsilon, 1e-7, is added to sqrt(v) before bias correction is applied to the step:
    w -= lr * sqrt(1 - 0.999^t) / (1 - 0.9^t) * m / (sqrt(v) + epsilon). It takes both powers of the f32 numbers
    next to 0.9 and 0.999, so that after five steps its weights differ by 5e-8 from this formula in f64. The smallest
    non-zero gradient here is 6e-6, so another place for epsilon shows.

Stored, f64 rounded to f32, in the shapes above:

    loss.data [5], loss.total [5]     without and with the penalty, before each step's update
    gradient.NAME                     of loss.total, at the first step
    after.NAME                        the weights after the fifth step
    scores.first [4, 2], scores.last [4, 2]     before the first and after the fifth step

The same run through compile() and fit() must give the same losses and weights, or nothing is written.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import layers, regularizers

import safetensors_file
from golden_images import GOLDEN
from seeded_tensors import he_bound, seeded

STEPS = 5
LABELS = [0, 1, 1, 0]
SHAPES = {  # name: (shape, bound)
    "conv.weight": ((8, 8, 3, 3), he_bound(72)),
    "conv.bias": ((8,), 0.1),
    "dense.weight": ((128, 16), he_bound(128)),
    "dense.bias": ((16,), 0.1),
    "output.weight": ((16, 2), he_bound(16)),
    "output.bias": ((2,), 0.1),
}


def to_keras(name, array):
    return array.transpose(2, 3, 1, 0) if name == "conv.weight" else array


def from_keras(name, array):
    array = np.asarray(array)
    return array.transpose(3, 2, 0, 1) if name == "conv.weight" else array


def build():
    model = keras.Sequential([
        layers.Input((8, 8, 8)),
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(16, activation="relu", kernel_regularizer=regularizers.l2(0.05)),
        layers.Dense(2, activation="sigmoid"),
    ])
    model.set_weights([to_keras(name, seeded(name, *drawn)) for name, drawn in SHAPES.items()])
    return model


def step_by_step(x, y):
    model, optimizer = build(), keras.optimizers.Adam(1e-3)
    made = {"scores.first": model(x)}
    data_losses, total_losses = [], []
    for step in range(STEPS):
        with tf.GradientTape() as tape:
            data_loss = tf.reduce_mean(keras.losses.binary_crossentropy(y, model(x, training=True)))
            total_loss = data_loss + tf.add_n(model.losses)
        gradients = tape.gradient(total_loss, model.trainable_variables)
        data_losses.append(float(data_loss))
        total_losses.append(float(total_loss))
        if step == 0:
            made |= {f"gradient.{name}": from_keras(name, g) for name, g in zip(SHAPES, gradients)}
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    made |= {f"after.{name}": from_keras(name, w) for name, w in zip(SHAPES, model.get_weights())}
    made |= {"loss.data": data_losses, "loss.total": total_losses, "scores.last": model(x)}
    return {name: np.asarray(array, np.float64) for name, array in made.items()}


def assert_fit_agrees(made, x, y):
    model = build()
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    history = model.fit(x, y, batch_size=len(x), epochs=STEPS, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], made["loss.total"], rtol=1e-12)
    for name, weight in zip(SHAPES, model.get_weights()):
        np.testing.assert_allclose(from_keras(name, weight), made[f"after.{name}"], rtol=1e-12, atol=1e-15)


def main():
    keras.config.set_floatx("float64")
    x = seeded("input", (4, 8, 8, 8), 1).astype(np.float64)
    y = np.eye(2)[LABELS]
    made = step_by_step(x, y)
    assert_fit_agrees(made, x, y)
    path = GOLDEN / "keras_step.safetensors"
    safetensors_file.write(path, {name: array.astype(np.float32) for name, array in made.items()}, {
        "made by": f"keras {keras.__version__}, tensorflow {tf.__version__}",
        "arithmetic": "f64, rounded to f32",
        "labels": str(LABELS),
    })
    for name, array in sorted(made.items()):
        print(name, list(array.shape), array.tolist() if array.size <= 8 else f"norm {np.linalg.norm(array):.9g}")
    for name in SHAPES:
        gradient = np.abs(made[f"gradient.{name}"])
        print(name, f"smallest non-zero gradient {gradient[gradient > 0].min():.3g}, {(gradient == 0).sum()} zeros")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
