"""One forward pass of a network of networks.py in PyTorch, Keras, ONNX Runtime and OpenVINO: the same weights, f32."""

import pathlib
import tempfile

import numpy as np

import timing


class Weights:
    """Kernels in OIHW and biases, drawn in the order in which a network asks for them."""

    def __init__(self):
        self.generator = np.random.default_rng(7)

    def draw(self, channels_in, channels_out, kernel, gain=1.0):
        scale = gain * np.sqrt(2 / (channels_in * kernel * kernel))
        weight = self.generator.normal(0, scale, (channels_out, channels_in, kernel, kernel))
        return weight.astype(np.float32), self.generator.normal(0, 0.1, channels_out).astype(np.float32)


def picture(batch):
    """[B, 3, 224, 224] f32 in -1..1."""
    return np.random.default_rng(1).uniform(-1, 1, (batch, 3, 224, 224)).astype(np.float32)


def norm(array):
    return float(np.linalg.norm(np.asarray(array, np.float64).ravel()))


def pads(size, kernel, stride, symmetric):
    """(before, after) of one dimension: symmetric, or TensorFlow's 'same'."""
    if symmetric:
        return kernel // 2, kernel // 2
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def torch_module(network):
    import torch
    from torch import nn

    class Convolution(nn.Module):
        def __init__(self, weights, size, channels_in, channels_out, kernel, stride, groups, symmetric, activation, gain):
            super().__init__()
            before, after = pads(size, kernel, stride, symmetric)
            self.pad = (before, after, before, after) if before != after else None
            self.convolution = nn.Conv2d(
                channels_in, channels_out, kernel, stride, 0 if self.pad else before, groups=groups
            )
            weight, bias = weights.draw(channels_in // groups, channels_out, kernel, gain)
            self.convolution.weight.data, self.convolution.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
            self.activation = {"relu": nn.ReLU(True), "relu6": nn.ReLU6(True), None: nn.Identity()}[activation]

        def forward(self, x):
            if self.pad:
                x = nn.functional.pad(x, self.pad)
            return self.activation(self.convolution(x))

    class Ops:
        """Makes each layer when first asked for it, and uses it again afterwards."""

        def __init__(self):
            self.weights, self.layers, self.next = Weights(), nn.ModuleList(), 0

        def layer(self, *settings):
            if self.next == len(self.layers):
                self.layers.append(Convolution(self.weights, *settings))
            self.next += 1
            return self.layers[self.next - 1]

        def convolution(self, x, channels_in, channels_out, kernel, stride=1, symmetric=False, activation=None, gain=1.0):
            size = int(x.shape[-1])
            return self.layer(size, channels_in, channels_out, kernel, stride, 1, symmetric, activation, gain)(x)

        def depthwise(self, x, channels, kernel, stride, activation):
            return self.layer(int(x.shape[-1]), channels, channels, kernel, stride, channels, False, activation, 1.0)(x)

        def max_pool(self, x, kernel, stride=None, pad=0):
            return nn.functional.max_pool2d(x, kernel, stride or kernel, pad)

        def add(self, x, y):
            return x + y

        def relu(self, x):
            return nn.functional.relu(x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.ops = Ops()
            with torch.no_grad():
                self(torch.zeros(1, 3, 224, 224))
            self.layers = self.ops.layers

        def forward(self, x):
            self.ops.next = 0
            return network(self.ops, x)

    return Net().eval()


def keras_model(network):
    import keras
    from keras import layers

    class Ops:
        def __init__(self):
            self.weights = Weights()

        def activate(self, x, activation):
            return layers.Activation(activation)(x) if activation else x

        def convolution(self, x, channels_in, channels_out, kernel, stride=1, symmetric=False, activation=None, gain=1.0):
            padding = "same"
            if symmetric and stride > 1:
                x, padding = layers.ZeroPadding2D(kernel // 2)(x), "valid"
            layer = layers.Conv2D(channels_out, kernel, stride, padding)
            x = layer(x)
            weight, bias = self.weights.draw(channels_in, channels_out, kernel, gain)
            layer.set_weights([weight.transpose(2, 3, 1, 0), bias])
            return self.activate(x, activation)

        def depthwise(self, x, channels, kernel, stride, activation):
            layer = layers.DepthwiseConv2D(kernel, stride, "same")
            x = layer(x)
            weight, bias = self.weights.draw(1, channels, kernel)
            layer.set_weights([weight.transpose(2, 3, 0, 1), bias])
            return self.activate(x, activation)

        def max_pool(self, x, kernel, stride=None, pad=0):
            if pad:
                x = layers.ZeroPadding2D(pad)(x)  # what is pooled follows a relu, so a zero changes no maximum
            return layers.MaxPooling2D(kernel, stride or kernel)(x)

        def add(self, x, y):
            return layers.Add()([x, y])

        def relu(self, x):
            return layers.Activation("relu")(x)

    image = layers.Input((224, 224, 3))
    return keras.Model(image, network(Ops(), image))


def onnx_file(network, batch, folder):
    import torch

    path = pathlib.Path(folder) / "network.onnx"
    with torch.inference_mode():
        torch.onnx.export(torch_module(network), (torch.zeros(batch, 3, 224, 224),), path, dynamo=True, verbose=False)
    return path


def pytorch(network):
    def engine(args):
        import torch

        torch.set_num_threads(args.threads)
        module = torch_module(network).to(memory_format=torch.channels_last)
        x = torch.from_numpy(picture(args.batch)).to(memory_format=torch.channels_last)

        def run():
            with torch.inference_mode():
                return module(x)

        return run, torch.__version__, norm

    return engine


def pytorch_frozen(network):
    def engine(args):
        import torch

        torch.set_num_threads(args.threads)
        module = torch_module(network).to(memory_format=torch.channels_last)
        x = torch.from_numpy(picture(args.batch)).to(memory_format=torch.channels_last)
        with torch.no_grad():
            graph = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(module, x)))

        def run():
            with torch.inference_mode():
                return graph(x)

        return run, torch.__version__, norm

    return engine


def keras_tensorflow(network):
    def engine(args):
        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        model = keras_model(network)
        x = tf.constant(picture(args.batch).transpose(0, 2, 3, 1))
        call = tf.function(lambda image: model(image, training=False))
        version = f"{keras.__version__} on TensorFlow {tf.__version__}"
        return lambda: call(x), version, norm

    return engine


def onnx_runtime(network):
    def engine(args):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
        with tempfile.TemporaryDirectory() as folder:
            path = onnx_file(network, args.batch, folder)
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: picture(args.batch)}
        return lambda: session.run(None, feed)[0], onnxruntime.__version__, norm

    return engine


def openvino(network):
    def engine(args):
        import openvino

        core = openvino.Core()
        settings = {  # bf16 would be its own choice where the processor has it
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": args.threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        with tempfile.TemporaryDirectory() as folder:
            path = onnx_file(network, args.batch, folder)
            request = core.compile_model(core.read_model(path), "CPU", settings).create_infer_request()
        x = picture(args.batch)
        return lambda: request.infer([x])[0], openvino.__version__, norm

    return engine


def main(description, network):
    timing.main(description, {
        "pytorch": pytorch(network),
        "pytorch_frozen_graph": pytorch_frozen(network),
        "keras": keras_tensorflow(network),
        "onnx_runtime": onnx_runtime(network),
        "openvino": openvino(network),
    })
