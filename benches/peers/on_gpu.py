"""headstart on a graphics processor, beside PyTorch on the same and headstart on all cores: one Markdown table.

    pip install torch torchvision numpy
    python benches/peers/on_gpu.py --device cuda --weights vgg16=vgg16_notop_oihw_bgr.safetensors --out gpu.md

It builds headstart with the device's feature, holds what the device computes to what the CPU does
(tools/check_gpu.sh), and then times the trunks of VGG16, ResNet-50 and EfficientNet-Lite0 and VGG16's training step at
batches of 32 and 128, each engine a process of its own, a few runs of each in turn. Everyone's time has the way to the
device and back in it. PyTorch is channels-last, once in f32 and once with TF32. The first run is the one in which
headstart compiles its kernels; memory is what nvidia-smi says of the process.

    python benches/peers/on_gpu.py --smoke

tries all of this without a graphics processor and without PyTorch: Mesa's software driver for Vulkan, one small net,
batches of 2. Its numbers mean nothing.
"""

import argparse
import importlib.util
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import types

from in_turn import REPOSITORY, RUNS, Engine

WORKS = {  # name: network of the peers, headstart's work and backbone
    "VGG16, all 13 convolutions and pools": ("vgg16", "trunk", "vgg16"),
    "ResNet-50 trunk": ("resnet50", "trunk", "resnet50"),
    "EfficientNet-Lite0 trunk": ("efficientnet_lite0", "trunk", "efficientnet-lite0"),
    "VGG16's block5 + head, training step": ("tail_step", "tail-step", "vgg16"),
}
SMOKE = {
    "EfficientNet-Lite0 trunk": WORKS["EfficientNet-Lite0 trunk"],
    "EfficientNet-Lite0's last block + head, training step": (None, "tail-step", "efficientnet-lite0"),
}
HALF, FIVE_TIMES = 0.5, 5.0  # what makes a device supported: of PyTorch's speed, and of the CPU's


def pytorch(work, batch, tf32):
    """What PyTorch does once: images to the device, through the network, features back; or a training step."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    if work == "tail_step":
        return tail_step(batch)
    import forward
    import networks
    from in_pytorch import Network

    module = Network(getattr(networks, work)).to("cuda", memory_format=torch.channels_last)
    x = torch.from_numpy(forward.picture(batch)).to(memory_format=torch.channels_last)

    def run():
        with torch.inference_mode():
            module(x.to("cuda")).cpu()

    return run


def tail_step(batch):
    """The step of tail_step.py, whose features lie on the device before it begins, as headstart's do."""
    import torch

    import tail_step

    torch.set_default_device("cuda")
    from_numpy = torch.from_numpy
    torch.from_numpy = lambda array: from_numpy(array).to("cuda")
    run, _, _ = tail_step.pytorch(types.SimpleNamespace(batch=batch, threads=os.cpu_count()))

    def step():
        run()
        torch.cuda.synchronize()

    return step


def serve(args):
    """Does the work once for each line on standard input, and prints how long it took."""
    run = pytorch(args.serve, args.batch[0], args.engine == "tf32")
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(f"{1000 * (time.perf_counter() - start):.3f}", flush=True)


def memory(engine, smoke):
    """MiB that the device holds for a process; of a software driver, what the process itself held."""
    if smoke:
        status = pathlib.Path(f"/proc/{engine.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024
    query = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
    try:
        rows = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return None
    held = [row.split(",")[1].strip() for row in rows if row.split(",")[0].strip() == str(engine.process.pid)]
    return int(held[0]) if held and held[0].isdigit() else None


def engines(work, batch, args):
    network, kind, backbone = work
    weights = [args.weights[backbone]] if backbone in args.weights else []
    ours = [str(REPOSITORY / "target/release/examples/in_turn"), kind, backbone, str(batch), *weights]
    cores = os.cpu_count()
    started = {
        name: Engine(name, ["env", f"HEADSTART_DEVICE={name}", *ours], cores) for name in (args.device, "cpu")
    }
    if not args.smoke and args.pytorch:
        script = [sys.executable, __file__, "--serve", network, "--batch", str(batch), "--engine"]
        started |= {name: Engine(name, [*script, name], cores) for name in ("f32", "tf32")}
    return started


def measure(work, batch, args):
    """Medians in milliseconds by engine; headstart's first run and memory on the device."""
    started = engines(work, batch, args)
    first = started[args.device].run() / 1000
    for engine in started.values():
        engine.turn()
    for _ in range(args.rounds):
        for engine in started.values():
            engine.milliseconds += engine.turn()
    held = memory(started[args.device], args.smoke)
    for engine in started.values():
        engine.close()
    return {name: statistics.median(engine.milliseconds) for name, engine in started.items()}, first, held


def verdict(times, device):
    if "f32" not in times:
        return "not compared"
    share, gain = times["f32"] / times[device], times["cpu"] / times[device]
    return "supported" if share >= HALF and gain >= FIVE_TIMES else "experimental"


def row(name, batch, measured, device):
    times, first, held = measured
    cell = lambda engine: f"{times[engine]:.1f}" if engine in times else "–"
    share = f"{times['f32'] / times[device]:.2f}" if "f32" in times else "–"
    cells = [name, batch, cell(device), f"{first:.1f}", "–" if held is None else held, cell("f32"), cell("tf32"),
             cell("cpu"), share, f"{times['cpu'] / times[device]:.2f}", verdict(times, device)]
    return "| " + " | ".join(str(value) for value in cells) + " |"


def head(device):
    names = ["work", "batch", f"headstart on {device}, ms", "first run, s", "memory, MiB", "PyTorch f32, ms",
             "PyTorch TF32, ms", f"headstart on {os.cpu_count()} cores, ms", "of PyTorch's speed (f32)",
             "times the CPU", "so"]
    return "| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|"


def prepare(args):
    """Builds headstart for the device and holds it to the CPU."""
    feature = "vulkan-wgsl" if args.smoke else args.device
    cargo = ["cargo", "build", "--release", "--package", "headstart", "--features", feature, "--example", "in_turn"]
    subprocess.run(cargo, cwd=REPOSITORY, check=True)
    if args.parity:
        device = [] if args.smoke else [args.device]
        subprocess.run([str(REPOSITORY / "tools/check_gpu.sh"), *device], check=True)


def draw_resnet50(args, folder):
    """Drawn weights, where only speed matters."""
    if args.smoke or "resnet50" in args.weights or importlib.util.find_spec("torchvision") is None:
        return
    file = str(pathlib.Path(folder) / "resnet50.safetensors")
    script = str(REPOSITORY / "tools/torchvision_weights.py")
    subprocess.run([sys.executable, script, "resnet50", file, "--drawn"], check=True)
    args.weights["resnet50"] = file


def software_driver():
    """Lets Vulkan see Mesa's software driver only."""
    drivers = sorted(pathlib.Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))
    if not drivers:
        raise SystemExit("no software driver for Vulkan: apt-get install mesa-vulkan-drivers")
    os.environ |= {"VK_ICD_FILENAMES": str(drivers[0]), "VK_DRIVER_FILES": str(drivers[0])}


def main(args):
    if args.smoke:
        args.device, args.batch, args.rounds, works = "vulkan", [2], 1, SMOKE
        software_driver()
    else:
        works = WORKS
    prepare(args)
    with tempfile.TemporaryDirectory() as folder:
        draw_resnet50(args, folder)
        lines = [head(args.device)]
        for name, work in works.items():
            if work[2] not in {"efficientnet-lite0", *args.weights}:
                print(f"{name}: left out, --weights names no file for {work[2]}", file=sys.stderr)
                continue
            for batch in args.batch:
                lines.append(row(name, batch, measure(work, batch, args), args.device))
                print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines) + f"\n\nMedians of {RUNS * args.rounds} runs.\n"
    pathlib.Path(args.out).write_text(text) if args.out else print(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "vulkan"], default="cuda")
    files = "files that `headstart bench BACKBONE --weights` takes; ResNet-50's are drawn where torchvision is installed"
    parser.add_argument("--weights", nargs="+", default=[], metavar="BACKBONE=FILE", help=files)
    parser.add_argument("--batch", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", metavar="FILE", help="write the table there")
    parser.add_argument("--no-parity", dest="parity", action="store_false", help="only measure")
    parser.add_argument("--no-pytorch", dest="pytorch", action="store_false", help="leave PyTorch out")
    parser.add_argument("--smoke", action="store_true", help="try the script on a software driver")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.weights = dict(given.split("=", 1) for given in arguments.weights)
    serve(arguments) if arguments.serve else main(arguments)
