"""A run small enough for tests: a tiny CycleGAN, with its pool of older fakes, on noise."""

import os
import signal
import threading
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from training import checkpoints
from training.loop import LoopConfig, seeded, train
from training.recipes.cyclegan import CycleGAN, Settings

STEPS, SAVE_EVERY = 60, 3


class Noise(Dataset):
    """Sample `n` is noise of its own."""

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        pixels = seeded(0, number).uniform(-1, 1, (2, 3, 32, 32)).astype("float32")
        return {"real_a": torch.from_numpy(pixels[0]), "real_b": torch.from_numpy(pixels[1])}


def small_recipe() -> CycleGAN:
    torch.manual_seed(0)
    sample = Noise()[0]
    return CycleGAN(
        Settings(size_px=32, channels=2, blocks=1, pool_size=4), {n: p[None] for n, p in sample.items()}
    )


def small_config(folder: Path, **changed: object) -> LoopConfig:
    settings = {"max_steps": STEPS, "batch_size": 2, "save_every": SAVE_EVERY, "log_every": 1, "workers": 0}
    return LoopConfig(output_dir=str(folder), recipe={"name": "small"}, trackers=(), **settings | changed)


def run(folder: Path, kill: str = "", limit: float = 0.0) -> None:
    """Go on with the run in `folder`; `kill` says where this process ends it, with SIGKILL.

    "time": after `limit` seconds of its own CPU time. "write", "rename", "prune": inside the checkpoint that
    is the `limit`-th, when half of it is written, before it gets its name, or before older ones are deleted.
    """
    torch.set_num_threads(1)
    if kill == "time":
        threading.Thread(target=kill_after, args=(time.process_time() + limit,), daemon=True).start()
    elif kill:
        kill_in_checkpoint(kill, int(limit))
    train(small_recipe(), Noise(), small_config(folder), resume=True)


def timed_run(folder: Path) -> None:
    """An uninterrupted run, which leaves its CPU time in seconds."""
    start = time.process_time()
    run(folder)
    (folder / "seconds.txt").write_text(str(time.process_time() - start))


def kill_after(deadline: float) -> None:
    while time.process_time() < deadline:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)


def kill_in_checkpoint(where: str, number: int) -> None:
    """Put a hook into the writing of checkpoints."""
    begun = 0

    def save(state: dict, file) -> None:
        nonlocal begun
        begun += 1
        whole_save(state, file)
        if begun == number and where == "write":
            file.truncate(file.tell() // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    def replace(path: Path, target: Path) -> Path:
        if begun == number and where == "rename" and target.suffix == ".pt":
            os.kill(os.getpid(), signal.SIGKILL)
        return whole_replace(path, target)

    def unlink(path: Path) -> None:
        if begun == number and where == "prune":
            os.kill(os.getpid(), signal.SIGKILL)
        whole_unlink(path)

    whole_save, whole_replace, whole_unlink = torch.save, Path.replace, Path.unlink
    checkpoints.torch.save, Path.replace, Path.unlink = save, replace, unlink
