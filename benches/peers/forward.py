"""One forward pass of a network of networks.py in PyTorch, Keras, ONNX Runtime and OpenVINO: the same weights, f32."""

import pathlib
import tempfile

import numpy as np

import timing


def picture(batch):
    """[B, 3, 224, 224] f32 in -1..1."""
    return np.random.default_rng(1).uniform(-1, 1, (batch, 3, 224, 224)).astype(np.float32)


def norm(array):
    return float(np.linalg.norm(np.asarray(array, np.float64).ravel()))


def onnx_file(network, batch, folder):
    import torch

    from in_pytorch import Network

    path = pathlib.Path(folder) / "network.onnx"
    with torch.inference_mode():
        torch.onnx.export(Network(network), (torch.zeros(batch, 3, 224, 224),), path, dynamo=True, verbose=False)
    return path


def pytorch(network):
    def engine(args):
        import torch

        from in_pytorch import Network

        torch.set_num_threads(args.threads)
        module = Network(network).to(memory_format=torch.channels_last)
        x = torch.from_numpy(picture(args.batch)).to(memory_format=torch.channels_last)

        def run():
            with torch.inference_mode():
                return module(x)

        return run, torch.__version__, norm

    return engine


def pytorch_frozen(network):
    def engine(args):
        import torch

        from in_pytorch import Network

        torch.set_num_threads(args.threads)
        module = Network(network).to(memory_format=torch.channels_last)
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

        import in_keras

        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        model = in_keras.model(network)
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
