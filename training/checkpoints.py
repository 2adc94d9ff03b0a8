"""Checkpoints of a training run: whole or not there, read without trust, and only the newest few kept.

A checkpoint is one file, `checkpoints/step-00001000.pt`, of plain containers, numbers and tensors.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from accelerate.utils import gather_object

FOLDER = "checkpoints"


def newest(folder: Path) -> Path | None:
    """The checkpoint of the latest step in a run's folder."""
    return max((folder / FOLDER).glob("step-*.pt"), default=None)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state that was written, its tensors on the CPU."""
    return torch.load(path, map_location="cpu", weights_only=True)


def write_checkpoint(folder: Path, state: dict[str, Any], keep: int) -> None:
    """Write `state`, which says its `step`, and then delete all but the newest `keep` checkpoints."""
    checkpoints = folder / FOLDER
    checkpoints.mkdir(parents=True, exist_ok=True)
    write_aside(checkpoints / f"step-{state['step']:08d}.pt", lambda file: torch.save(state, file))
    for old in sorted(checkpoints.glob("step-*.pt"))[:-keep]:
        old.unlink()


def write_aside(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a file beside `path`, and rename it once it is on the disk, so that no half shows."""
    partial = path.with_name(f"partial-{path.name}")
    with partial.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def gather_rng() -> list[dict[str, Any]]:
    """The state of every process's random numbers, in the order of the processes; all must call it."""
    name, keys, position, has_gauss, gauss = np.random.get_state()
    state = {
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_available() else None,
    }
    return gather_object([state])


def restore_rng(state: dict[str, Any]) -> None:
    """Take back what `gather_rng` gave for this process."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None:
        torch.cuda.set_rng_state(state["cuda"])
