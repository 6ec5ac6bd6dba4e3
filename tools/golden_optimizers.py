"""Makes crates/headstart/tests/golden/optimizers.json: five steps of Keras's AdamW and SGD.

    python tools/golden_optimizers.py

A parameter of four values, whose loss is the sum of 3 * c * w^2 with c = 1, 0.1, 2, 0.5: gradients 6 * c * w, computed
in f32. Learning rate 0.01; AdamW with decoupled decay 0.1 and Keras's other defaults; SGD with momentum 0.9 and
decoupled decay 0.1, and once more with all gradients together cut to the norm 3.

Stored for each: the values behind every step, `[5][4]`. PyTorch's AdamW, whose epsilon has another place, must come
to the same within 1e-6, or nothing is written.
"""

import json
import os
import subprocess
import sys

import numpy as np

from golden_images import GOLDEN

START = np.array([2.0, -1.0, 0.5, -3.0], np.float32)
SLOPES = 6 * np.array([1.0, 0.1, 2.0, 0.5], np.float32)
STEPS, RATE, DECAY = 5, 0.01, 0.1


def in_keras():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    sgd = {"learning_rate": RATE, "momentum": 0.9, "weight_decay": DECAY}
    return {
        "adamw": track_of(keras.optimizers.AdamW(learning_rate=RATE, weight_decay=DECAY)),
        "sgd": track_of(keras.optimizers.SGD(**sgd)),
        "sgd_clipped": track_of(keras.optimizers.SGD(**sgd, global_clipnorm=3.0)),
    }


def track_of(optimizer):
    import tensorflow as tf

    values, track = tf.Variable(START), []
    for _ in range(STEPS):
        optimizer.apply([tf.convert_to_tensor(SLOPES * values.numpy())], [values])
        track.append(values.numpy().tolist())
    return track


def in_pytorch():
    import torch

    values, track = torch.tensor(START, requires_grad=True), []
    optimizer = torch.optim.AdamW([values], lr=RATE, weight_decay=DECAY, eps=1e-7)
    for _ in range(STEPS):
        values.grad = torch.tensor(SLOPES) * values.detach()
        optimizer.step()
        track.append(values.detach().tolist())
    return track


def main():
    if sys.argv[1:] == ["--pytorch"]:
        print(json.dumps(in_pytorch()))
        return
    # In a process of its own: both bring an LLVM.
    adamw = subprocess.run([sys.executable, __file__, "--pytorch"], check=True, capture_output=True).stdout
    tracks = in_keras()
    np.testing.assert_allclose(tracks["adamw"], json.loads(adamw), atol=1e-6)
    (GOLDEN / "optimizers.json").write_text(json.dumps(tracks, indent=1) + "\n")


if __name__ == "__main__":
    main()
