"""Untrained weights as small as their networks can be, and a training run of a realizer on paper."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from training.bundle import assemble
from webcast.embed import resnet18
from webcast.networks.srvgg import SRVGGNetCompact
from webcast.networks.ugatit import Generator
from webcast.weights import write_stage

REALIZER = {"name": "ugatit", "size_px": 32, "light": True, "blocks": 1, "channels": 4}
EMBEDDER = {"name": "resnet18", "size_px": 112, "dim": 512, "mean": [0.5] * 3, "std": [0.5] * 3}
CARD = """\
# tiny

## Trained on

Nothing.

## How good it is

`python -m training.prove` was not run: untrained.

## What it is for, and what not

For tests.

## Limits

All.
"""


def write_realizer(folder: Path, seed: int = 0, direction: str = "drawn-to-photo") -> Path:
    torch.manual_seed(seed)
    write_stage(folder, REALIZER | {"direction": direction}, Generator(32, True, channels=4, blocks=1))
    return folder


def write_weights(folder: Path) -> Path:
    """A folder of weights that `load_caster` takes, with a card."""
    torch.manual_seed(0)
    with TemporaryDirectory() as parts:
        stages = {stage: Path(parts) / stage for stage in ("upscaler", "realizer", "embedder")}
        upscaler = {"name": "realesrgan", "scale": 4, "features": 4, "convs": 1}
        write_stage(stages["upscaler"], upscaler, SRVGGNetCompact(num_feat=4, num_conv=1, upscale=4))
        write_realizer(stages["realizer"])
        write_stage(stages["embedder"], EMBEDDER, resnet18())
        assemble(stages, folder)
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    return folder


def write_run(folder: Path) -> Path:
    """What two steps of training a realizer leave behind, as far as publishing reads it."""
    config = {
        "output_dir": str(folder),
        "max_steps": 2,
        "batch_size": 1,
        "seed": 7,
        "processes": 2,
        "recipe": {"name": "ugatit", "size_px": 32, "cycle_weight": 10},
        "data": {
            "a": {"place": "/home/somebody/drawn", "gender": "f"},
            "b": {"place": "user/photos@main", "gender": None},
            "val_a": None,
        },
    }
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "step-00000002.pt").write_bytes(b"")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "losses.jsonl").write_text('{"step": 1, "cycle": 3.0}\n{"step": 2, "cycle": 2.5}\n')
    write_realizer(folder / "export" / "drawn-to-photo", seed=1)
    return folder
