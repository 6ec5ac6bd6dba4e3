"""VGG16's block5 and the recipe's head: one training step on cached block4_pool features.

    python benches/peers/tail_step.py --batch 8 --threads 2 --runs 10

[B, 512, 14, 14] -> three 3x3 convolutions of 512, pooling, Flatten, Dense 128 relu with l2(0.05), Dense 2 sigmoid;
binary cross-entropy, Adam(1e-3): forward, backward and update. The recipe's dropout is left out, so that the
losses of the first step can be compared; it costs next to nothing. ONNX Runtime and OpenVINO do not train.
"""

import numpy as np

import timing
from weights import Weights


def batch_of(size):
    """Features [B, 512, 14, 14], half of them zero as after a relu, and one-hot labels [B, 2]."""
    generator = np.random.default_rng(1)
    features = np.maximum(generator.normal(0, 1, (size, 512, 14, 14)), 0).astype(np.float32)
    return features, np.eye(2, dtype=np.float32)[np.arange(size) % 2]


def tail_weights():
    """Three convolutions (OIHW), then two dense layers ([out, in], inputs in H, W, C order)."""
    weights = Weights()
    drawn = [weights.draw(512, 512, 3) for _ in range(3)]
    for inputs, outputs in [(7 * 7 * 512, 128), (128, 2)]:
        weight, bias = weights.draw(inputs, outputs, 1, gain=0.1)
        drawn.append((weight[:, :, 0, 0], bias))
    return drawn


def pytorch(args):
    import torch
    from torch import nn

    torch.set_num_threads(args.threads)

    class Tail(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolutions = nn.ModuleList(nn.Conv2d(512, 512, 3, padding=1) for _ in range(3))
            self.dense, self.output = nn.Linear(7 * 7 * 512, 128), nn.Linear(128, 2)
            for layer, (weight, bias) in zip([*self.convolutions, self.dense, self.output], tail_weights()):
                layer.weight.data, layer.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)

        def forward(self, x):
            for convolution in self.convolutions:
                x = torch.relu(convolution(x))
            x = nn.functional.max_pool2d(x, 2).permute(0, 2, 3, 1).flatten(1)
            return self.output(torch.relu(self.dense(x)))

    tail = Tail().to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(tail.parameters(), 1e-3, eps=1e-7)
    features, labels = batch_of(args.batch)
    x = torch.from_numpy(features).to(memory_format=torch.channels_last)
    y = torch.from_numpy(labels)

    def run():
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(tail(x), y) + 0.05 * tail.dense.weight.square().sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    return run, torch.__version__, float


def keras_tensorflow(args):
    import keras
    import tensorflow as tf
    from keras import layers, regularizers

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = keras.Sequential([
        layers.Input((14, 14, 512)),
        *(layers.Conv2D(512, 3, padding="same", activation="relu") for _ in range(3)),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(128, activation="relu", kernel_regularizer=regularizers.l2(0.05)),
        layers.Dense(2, activation="sigmoid"),
    ])
    weights = []
    for weight, bias in tail_weights():
        weights += [weight.transpose(2, 3, 1, 0) if weight.ndim == 4 else weight.T, bias]
    model.set_weights(weights)
    model.compile(keras.optimizers.Adam(1e-3), "binary_crossentropy")
    features, labels = batch_of(args.batch)
    x, y = tf.constant(features.transpose(0, 2, 3, 1)), tf.constant(labels)

    def run():
        model.reset_metrics()  # else the loss is the mean over all steps
        return model.train_on_batch(x, y)

    return run, f"{keras.__version__} on TensorFlow {tf.__version__}", float


if __name__ == "__main__":
    timing.main(__doc__, {"pytorch": pytorch, "keras": keras_tensorflow})
