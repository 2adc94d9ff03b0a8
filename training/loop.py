"""The one training loop: seed, data, networks, prepare, steps, checkpoints.

A recipe says what is trained and what one step does; the loop does everything that all of them share.
Data is a dataset whose item `n` is the n-th sample of an endless, seeded stream, so the position in the data
is nothing but the number of steps, and a run that was interrupted goes on with the very next sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from webcast.errors import WebcastError


class Recipe(Protocol):
    """One thing to train.

    `networks` and `optimizers` are what the loop prepares and saves; `averaged` names the network of which
    an exponential moving average is kept (its average is what `export` gets), or is empty.
    """

    networks: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]
    averaged: str

    def step(self, batch: Any, accelerator: Accelerator) -> dict[str, Tensor]:
        """One optimizer step on a batch; returns detached losses by name."""
        ...

    def rate(self, step: int, max_steps: int) -> float:
        """The part of the base learning rate that holds at this step."""
        ...

    def export(self, network: nn.Module, folder: Path) -> None:
        """Write weights for inference from `network`, the averaged one where there is an average."""
        ...

    def picture(self, network: nn.Module, folder: Path, step: int) -> None:
        """Write pictures a person can judge the run by; may do nothing."""
        ...


@dataclass(frozen=True)
class LoopConfig:
    """How long and how often; `recipe` is what the recipe was built with, saved for the record."""

    output_dir: str
    max_steps: int
    batch_size: int
    recipe: dict[str, Any]
    seed: int = 0
    workers: int = 1
    save_every: int = 500
    keep: int = 2
    ema_decay: float = 0.999
    mixed_precision: str = "no"


class SampleNumbers(Sampler[int]):
    """The numbers of the samples from `start` on, without end."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        number = self.start
        while True:
            yield number
            number += 1


def train(recipe: Recipe, dataset: Dataset, config: LoopConfig, resume: bool = False) -> None:
    """Train until `max_steps`; with `resume`, from the newest checkpoint in the output folder if there is one."""
    folder = Path(config.output_dir)
    accelerator = Accelerator(mixed_precision=config.mixed_precision)
    set_seed(config.seed)
    if accelerator.is_main_process:
        save_config(folder, config, resume)
    for name, network in recipe.networks.items():
        recipe.networks[name] = accelerator.prepare(network)
    for name, optimizer in recipe.optimizers.items():
        recipe.optimizers[name] = accelerator.prepare(optimizer)
    average = start_average(recipe, config.ema_decay, accelerator)
    first = load_checkpoint(folder, recipe, average) if resume else 0
    loader = DataLoader(
        dataset,
        batch_size=config.batch_size * accelerator.num_processes,
        sampler=SampleNumbers(first * config.batch_size * accelerator.num_processes),
        num_workers=config.workers,
    )
    bar = tqdm(total=config.max_steps, initial=first, unit="step", disable=not accelerator.is_main_process)
    for step, batch in zip(
        range(first + 1, config.max_steps + 1), share_of(loader, accelerator), strict=False
    ):
        for optimizer in recipe.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * float(recipe.rate(step, config.max_steps))
        losses = recipe.step(batch, accelerator)
        if average is not None:
            average.update_parameters(accelerator.unwrap_model(recipe.networks[recipe.averaged]))
        bar.update()
        if step % 20 == 0 and accelerator.is_main_process:
            report(folder, bar, step, losses)
        if (step % config.save_every == 0 or step == config.max_steps) and accelerator.is_main_process:
            save_checkpoint(folder, step, recipe, average, config.keep)
            network = average.module if average is not None else next(iter(recipe.networks.values()))
            recipe.export(accelerator.unwrap_model(network), folder / "export")
            recipe.picture(accelerator.unwrap_model(network), folder / "pictures", step)
    bar.close()


def share_of(loader: DataLoader, accelerator: Accelerator) -> Iterator[Any]:
    """This process's part of every batch, on its device: disjoint between processes, together the whole."""
    for batch in loader:
        size = len(next(iter(batch.values()))) // accelerator.num_processes
        start = size * accelerator.process_index
        yield {name: value[start : start + size].to(accelerator.device) for name, value in batch.items()}


def save_config(folder: Path, config: LoopConfig, resume: bool) -> None:
    """Write the config before the first step; a resumed run must have the same one but for its length."""
    path = folder / "config.json"
    wanted = asdict(config)
    if resume and path.exists():
        there = json.loads(path.read_text())
        free = {"max_steps", "save_every", "keep", "workers", "output_dir"}
        changed = [
            f"{k}: {there.get(k)!r} -> {v!r}"
            for k, v in wanted.items()
            if k not in free and there.get(k) != v
        ]
        if changed:
            raise WebcastError(
                f"The run in {folder} was started with another config ({'; '.join(changed)}); "
                "use those values or another --output-dir."
            )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(wanted, indent=2))


def start_average(recipe: Recipe, decay: float, accelerator: Accelerator) -> AveragedModel | None:
    if not recipe.averaged:
        return None
    network = accelerator.unwrap_model(recipe.networks[recipe.averaged])
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)


def report(folder: Path, bar: tqdm, step: int, losses: dict[str, Tensor]) -> None:
    numbers = {name: round(float(value), 5) for name, value in losses.items()}
    bar.set_postfix(numbers)
    with (folder / "losses.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, **numbers}) + "\n")


def save_checkpoint(
    folder: Path, step: int, recipe: Recipe, average: AveragedModel | None, keep: int
) -> None:
    """Write everything a run needs to go on, beside and then renamed, so that no half checkpoint is ever seen."""
    state = {
        "step": step,
        "networks": {name: network.state_dict() for name, network in recipe.networks.items()},
        "optimizers": {name: optimizer.state_dict() for name, optimizer in recipe.optimizers.items()},
        "average": average.state_dict() if average is not None else None,
        "torch_rng": torch.get_rng_state(),
    }
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    partial = checkpoints / "partial"
    torch.save(state, partial)
    partial.rename(checkpoints / f"step-{step:08d}.pt")
    for old in sorted(checkpoints.glob("step-*.pt"))[:-keep]:
        old.unlink()


def load_checkpoint(folder: Path, recipe: Recipe, average: AveragedModel | None) -> int:
    """Restore the newest checkpoint and return its step, or 0 where there is none."""
    saved = sorted((folder / "checkpoints").glob("step-*.pt"))
    if not saved:
        return 0
    state = torch.load(saved[-1], map_location="cpu", weights_only=True)
    for name, network in recipe.networks.items():
        network.load_state_dict(state["networks"][name])
    for name, optimizer in recipe.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    if average is not None:
        average.load_state_dict(state["average"])
    torch.set_rng_state(state["torch_rng"])
    return state["step"]


def seeded(seed: int, number: int) -> np.random.Generator:
    """The random numbers of the n-th sample: the same on every machine, process and resumed run."""
    return np.random.default_rng((seed, number))


@lru_cache(maxsize=2)
def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(count)


def shuffled(count: int, seed: int, number: int) -> int:
    """Which of `count` items the n-th sample is: every item once an epoch, in an order of the epoch's own."""
    epoch, place = divmod(number, count)
    return int(epoch_order(count, seed, epoch)[place])
