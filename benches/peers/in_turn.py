"""headstart and its peers, a few runs of each in turn, so that what else the machine does meets all of them alike.

    cargo build --release --workspace --examples
    python tools/torchvision_weights.py resnet50 /tmp/resnet50.safetensors --drawn
    python benches/peers/in_turn.py --weights vgg16=vgg16.safetensors resnet50=/tmp/resnet50.safetensors

Each engine is a process of its own that is ready to run and waits; a round lets one after the other do the work four
times, of which the first does not count: it wakes threads and fills caches. A pause before each lets the thread pools
of the engine before come to rest. Prints a table in Markdown: median, least and greatest milliseconds, and how many
times as long as headstart an engine took, by medians.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time
import types

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PAUSE = 0.25
RUNS = 3  # of a round, after one that does not count
FORWARD = ["onnx_runtime", "openvino", "keras", "pytorch", "pytorch_frozen_graph"]
WORKS = {  # name: network of the peers' script, headstart's work and backbone, peers
    "VGG16, all 13 convolutions and pools": ("vgg16", "trunk", "vgg16", FORWARD),
    "EfficientNet-Lite0 trunk": ("efficientnet_lite0", "trunk", "efficientnet-lite0", FORWARD),
    "ResNet-50 trunk": ("resnet50", "trunk", "resnet50", FORWARD),
    "EfficientNet-B0 trunk": ("efficientnet_b0", "trunk", "efficientnet-b0", FORWARD),
    "MobileNetV3-Large trunk": ("mobilenet_v3_large", "trunk", "mobilenet-v3-large", FORWARD),
    "VGG16's block5 + head, training step": ("tail_step", "tail-step", "vgg16", ["pytorch", "keras"]),
}


def engines(work):
    """The peers' engines for a work, by name."""
    import forward
    import networks
    import tail_step

    if work == "tail_step":
        return {"pytorch": tail_step.pytorch, "keras": tail_step.keras_tensorflow}
    network = getattr(networks, work)
    return {
        "pytorch": forward.pytorch(network),
        "pytorch_frozen_graph": forward.pytorch_frozen(network),
        "keras": forward.keras_tensorflow(network),
        "onnx_runtime": forward.onnx_runtime(network),
        "openvino": forward.openvino(network),
    }


def serve(work, engine, batch, threads):
    """Does the work once for each line on standard input, and prints how long it took."""
    run, _, _ = engines(work)[engine](types.SimpleNamespace(batch=batch, threads=threads))
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(f"{1000 * (time.perf_counter() - start):.3f}", flush=True)


class Engine:
    def __init__(self, name, command, threads):
        limits = {"OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads, "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment = os.environ | {key: str(value) for key, value in limits.items()}
        self.name, self.milliseconds = name, []
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def turn(self):
        """Milliseconds of each run that counts."""
        time.sleep(PAUSE)
        self.run()
        return [self.run() for _ in range(RUNS)]

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        while line and not line.strip().replace(".", "", 1).isdigit():
            line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended: run its script by itself to see why")
        return float(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(work, batch, args):
    network, kind, backbone, peers = WORKS[work]
    weights = [args.weights[backbone]] if backbone in args.weights else []
    ours = [str(REPOSITORY / "target/release/examples/in_turn"), kind, backbone, str(batch), *weights]
    script = [sys.executable, __file__, "--serve", network, "--batch", str(batch), "--threads", str(args.threads)]
    started = [Engine("headstart", ours, args.threads)]
    started += [Engine(peer, [*script, "--engine", peer], args.threads) for peer in peers]
    for engine in started:
        engine.turn()
    for _ in range(args.rounds):
        for engine in started:
            engine.milliseconds += engine.turn()
    for engine in started:
        engine.close()
    table(work, batch, started)


def table(work, batch, started):
    print(f"\n{work}, batch {batch}\n\n| engine | median ms | least | greatest | × headstart |\n|---|---|---|---|---|")
    ours = statistics.median(started[0].milliseconds)
    for engine in started:
        times = engine.milliseconds
        median = statistics.median(times)
        print(f"| {engine.name} | {median:.1f} | {min(times):.1f} | {max(times):.1f} | {median / ours:.2f} |")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    files = "files that `headstart bench BACKBONE --weights` takes; without its file only efficientnet-lite0 is measured"
    parser.add_argument("--weights", nargs="+", default=[], metavar="BACKBONE=FILE", help=files)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, help="only this batch")
    parser.add_argument("--work", help="only works whose name holds this")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.weights = dict(given.split("=", 1) for given in args.weights)
    if args.serve:
        serve(args.serve, args.engine, args.batch, args.threads)
        raise SystemExit
    for work, (_, kind, backbone, _) in WORKS.items():
        if args.work and args.work not in work or backbone not in {"efficientnet-lite0", *args.weights}:
            continue
        for batch in [args.batch] if args.batch else [8] if kind == "tail-step" else [8, 1]:
            measure(work, batch, args)
