"""Makes crates/headstart/tests/fixtures/torch/*.pth: small state dicts as PyTorch saves them.

    python tools/golden_state_dicts.py

    views.pth     the zip that torch.save writes: f32, f16, bf16 and f64; views of one storage with offsets and strides, one
                  of them turned; a parameter; a scalar; an integer that counts batches
    legacy.pth    the same in the format from before PyTorch 1.6
    training.pth  what a training keeps: epoch, optimizer, and under "state_dict" a module's, with "module." before each name;
                  pickle protocol 4

crates/headstart/tests/state_dicts.rs says which values they hold: those of RAMP below, which each type holds exactly.
"""

import pathlib

import torch

FOLDER = pathlib.Path(__file__).parent.parent / "crates/headstart/tests/fixtures/torch"
RAMP = torch.arange(24, dtype=torch.float32) / 8 - 1


def views():
    return {
        "whole": RAMP.reshape(2, 3, 4),
        "turned": RAMP.reshape(4, 6).t(),
        "part": RAMP[5:20:3],
        "parameter": torch.nn.Parameter(RAMP[:4].clone()),
        "half": RAMP.half(),
        "brain": RAMP.bfloat16(),
        "double": RAMP.double(),
        "scalar": torch.tensor(2.5),
        "bn.num_batches_tracked": torch.tensor(7),
    }


def training():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 2), torch.nn.BatchNorm2d(2))
    with torch.no_grad():
        net[0].weight.copy_(RAMP[:8].reshape(2, 1, 2, 2))
        net[0].bias.copy_(RAMP[8:10])
        net[1].running_mean.copy_(RAMP[10:12])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    state_dict = torch.nn.DataParallel(net).state_dict()
    return {"epoch": 3, "state_dict": state_dict, "optimizer": optimizer.state_dict(), "best": 0.5}


def main():
    FOLDER.mkdir(exist_ok=True)
    torch.save(views(), FOLDER / "views.pth")
    torch.save(views(), FOLDER / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(training(), FOLDER / "training.pth", pickle_protocol=4)
    for path in sorted(FOLDER.iterdir()):
        torch.load(path)
        print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
