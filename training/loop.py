"""The one training loop: seed, data, networks, prepare, steps, checkpoints.

A recipe says what is trained and what one step does; the loop does everything that all of them share.
Data is a dataset whose item `n` is the n-th sample of an endless, seeded stream. So the position in the data
is nothing but the number of steps, processes share the stream by taking different numbers of it, and a run
that was interrupted goes on with the very next sample.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from accelerate.tracking import LOGGER_TYPE_TO_CLASS, get_available_trackers
from accelerate.utils import set_seed
from PIL import Image
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from training.checkpoints import (
    gather_rng,
    newest,
    read_checkpoint,
    restore_rng,
    write_aside,
    write_checkpoint,
)
from training.processes import check_together
from webcast.errors import WebcastError

FREE = {"output_dir", "max_steps", "save_every", "log_every", "keep", "workers", "trackers"}
"""What a resumed run may have otherwise than the run that it goes on with."""


class Recipe(ABC):
    """One thing to train.

    `networks` and `optimizers` are what the loop prepares and saves. `averaged` names the networks of which
    an exponential moving average is kept; `export` and `picture` get the averages in their place.
    """

    networks: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]
    averaged: tuple[str, ...] = ()

    @abstractmethod
    def step(self, batch: dict[str, Tensor], accelerator: Accelerator) -> dict[str, Tensor]:
        """Forward, backward and optimizer steps on a batch; returns detached losses by name.

        The accelerator skips the optimizers' steps while gradients are accumulated.
        """

    @abstractmethod
    def rate(self, step: int, max_steps: int) -> float:
        """The part of the base learning rate that holds at this step, counted from 1."""

    @abstractmethod
    def export(self, networks: dict[str, nn.Module], folder: Path) -> None:
        """Write weights for inference."""

    def picture(self, networks: dict[str, nn.Module]) -> np.ndarray | None:
        """RGB uint8 (H, W, 3) by which a person can judge the run, or None where there is nothing to see."""
        return None

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold beside networks and optimizers; the same in every process."""
        return {}

    def restore(self, state: dict[str, Any], device: torch.device) -> None:
        """Take back what `state` gave, tensors now on the CPU."""
        assert not state


@dataclass(frozen=True)
class LoopConfig:
    """How long and how often; `recipe` and `data` are what those were built with, saved for the record.

    `batch_size` counts the samples of one step over all processes and accumulated parts, so that the result
    does not depend on how the batch is shared out; but for what looks at a batch as a whole, which is each
    process's own part: batch norm, and the embedder's contrast.
    """

    output_dir: str
    max_steps: int
    batch_size: int
    recipe: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    workers: int = 1
    accumulate: int = 1
    save_every: int = 500
    log_every: int = 20
    keep: int = 2
    ema_decay: float = 0.999
    mixed_precision: str = "no"
    compile: bool = False
    trackers: tuple[str, ...] = ("tensorboard",)


class Share(Sampler[list[int]]):
    """The sample numbers of one process from a step on, part after part, without end.

    Step `s` has the numbers from `s * batch_size` on. Its `accumulate` parts follow each other, and in each
    part every process has a run of numbers of its own.
    """

    def __init__(self, first: int, batch_size: int, accumulate: int, process: int, processes: int) -> None:
        if batch_size % (accumulate * processes):
            raise WebcastError(
                f"A batch of {batch_size} cannot be shared evenly by {processes} processes and {accumulate} "
                f"accumulated parts; use a multiple of {accumulate * processes}."
            )
        self.part, self.processes, self.process = batch_size // accumulate, processes, process
        self.first = first * accumulate

    def __iter__(self) -> Iterator[list[int]]:
        size, number = self.part // self.processes, self.first
        while True:
            start = number * self.part + self.process * size
            yield list(range(start, start + size))
            number += 1


def train(recipe: Recipe, dataset: Dataset, config: LoopConfig, resume: bool = False) -> None:
    """Train until `max_steps`; with `resume`, from the newest checkpoint in the output folder, if any.

    Raises `WebcastError` if a run is there already and `resume` is not set, or its config was another one.
    """
    folder = Path(config.output_dir)
    accelerator = start_accelerator(config)
    set_seed(config.seed, device_specific=True)
    save_config(folder, config, resume, accelerator)
    bare = dict(recipe.networks)
    averages = start_averages(recipe, config.ema_decay, accelerator)
    prepare(recipe, config, accelerator)
    first = load(folder, recipe, bare, averages, accelerator) if resume else 0
    share = Share(
        first, config.batch_size, config.accumulate, accelerator.process_index, accelerator.num_processes
    )
    # With a generator of its own, the loader draws nothing from the random numbers just restored.
    loader = DataLoader(dataset, batch_sampler=share, num_workers=config.workers, generator=torch.Generator())
    parts = iter(loader)
    log = Log(folder, config, first, accelerator)
    for step in range(first + 1, config.max_steps + 1):
        set_rate(recipe, float(recipe.rate(step, config.max_steps)))
        losses = one_step(recipe, parts, config.accumulate, accelerator)
        for name, average in averages.items():
            average.update_parameters(bare[name])
        log.losses(step, losses)
        if step % config.save_every == 0 or step == config.max_steps:
            # The checkpoint comes last: where a run is killed before it, the rest is written again.
            present(recipe, bare | {n: a.module for n, a in averages.items()}, step, log, accelerator)
            save(folder, step, recipe, bare, averages, config.keep, accelerator)
    log.close()


@torch.inference_mode()
def made_by(
    network: nn.Module, batch: Tensor, run: Callable[[nn.Module, Tensor], Tensor] = nn.Module.__call__
) -> Tensor:
    """What a network on any device makes of a batch on the CPU, on the CPU, for a recipe's `picture`.

    `run` says how a network is used, where that is not by calling it.
    """
    return run(network, batch.to(next(network.parameters()).device)).cpu()


def start_accelerator(config: LoopConfig) -> Accelerator:
    """Raises `WebcastError` for what this machine cannot do; accelerate passes over a missing tracker."""
    for name in config.trackers:
        if name not in LOGGER_TYPE_TO_CLASS:
            known = ", ".join(sorted(LOGGER_TYPE_TO_CLASS))
            raise WebcastError(f"There is no tracker {name!r}; choose from {known}.")
        if name not in map(str, get_available_trackers()):
            raise WebcastError(f"The tracker {name} is not installed; pip install {name}.")
    if config.mixed_precision == "fp16" and not torch.cuda.is_available():
        raise WebcastError("fp16 needs a GPU; use --mixed-precision bf16 or no.")
    accelerator = Accelerator(
        mixed_precision=config.mixed_precision,
        gradient_accumulation_steps=config.accumulate,
        log_with=list(config.trackers) or None,
        project_dir=config.output_dir,
        # A generator runs several times before one backward, and a broadcast in between would change
        # buffers that this backward still needs; all processes compute the same ones.
        kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
    )
    check_together(accelerator.num_processes)
    return accelerator


def prepare(recipe: Recipe, config: LoopConfig, accelerator: Accelerator) -> None:
    for name, network in recipe.networks.items():
        if config.compile:
            network.compile()
        recipe.networks[name] = accelerator.prepare(network)
    for name, optimizer in recipe.optimizers.items():
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        recipe.optimizers[name] = accelerator.prepare(optimizer)


def start_averages(recipe: Recipe, decay: float, accelerator: Accelerator) -> dict[str, AveragedModel]:
    """Copies of the networks to average; made before they are prepared, so that they are plain modules."""
    averages = {}
    for name in recipe.averaged:
        average = AveragedModel(
            recipe.networks[name], multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True
        )
        averages[name] = average.to(accelerator.device).eval().requires_grad_(False)
    return averages


def set_rate(recipe: Recipe, rate: float) -> None:
    for optimizer in recipe.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * rate


def one_step(
    recipe: Recipe, parts: Iterator[dict[str, Tensor]], accumulate: int, accelerator: Accelerator
) -> dict[str, Tensor]:
    """One step of the optimizers; the losses are means over the accumulated parts of this process."""
    totals: dict[str, Tensor] = {}
    for _ in range(accumulate):
        batch = {name: value.to(accelerator.device) for name, value in next(parts).items()}
        with accelerator.accumulate(*recipe.networks.values()):
            losses = recipe.step(batch, accelerator)
        for name, loss in losses.items():
            totals[name] = totals.get(name, 0) + loss / accumulate
    return totals


def present(
    recipe: Recipe, networks: dict[str, nn.Module], step: int, log: Log, accelerator: Accelerator
) -> None:
    """Weights for inference and a picture to look at, by the main process."""
    if not accelerator.is_main_process:
        return
    recipe.export(networks, log.folder / "export")
    picture = recipe.picture(networks)
    if picture is not None:
        log.picture(step, picture)


def save_config(folder: Path, config: LoopConfig, resume: bool, accelerator: Accelerator) -> None:
    """Write the config before the first step; a resumed run must have the same one but for what is `FREE`."""
    path = folder / "config.json"
    wanted = json.loads(json.dumps(asdict(config) | {"processes": accelerator.num_processes}))
    if newest(folder) is not None and not resume:
        raise WebcastError(
            f"There is a run in {folder} already; go on with --resume latest or use another --output-dir."
        )
    if resume and path.exists():
        changed = differences(flat(json.loads(path.read_text())), flat(wanted))
        if changed:
            raise WebcastError(
                f"The run in {folder} was started with another config ({'; '.join(changed)}); "
                "use those values or another --output-dir."
            )
    accelerator.wait_for_everyone()
    accelerator.print(f"{accelerator.num_processes} processes on {accelerator.device.type}, run in {folder}")
    if accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
        write_aside(path, lambda file: file.write(json.dumps(wanted, indent=2).encode()))


def flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found = {}
    for key, value in config.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    keys = [key for key in before | now if key not in FREE and before.get(key) != now.get(key)]
    return [f"{key}: {before.get(key)!r} -> {now.get(key)!r}" for key in keys]


class Log:
    """Progress bar, `losses.jsonl`, trackers and pictures; only the main process shows and writes."""

    def __init__(self, folder: Path, config: LoopConfig, first: int, accelerator: Accelerator) -> None:
        self.folder, self.every, self.accelerator = folder, config.log_every, accelerator
        main = accelerator.is_main_process
        self.bar = tqdm(total=config.max_steps, initial=first, unit="step", disable=not main)
        if main:
            keep_lines(folder / "losses.jsonl", first)
        settings = {key: str(value) for key, value in flat(asdict(config)).items()}
        accelerator.init_trackers("webcast", settings)

    def losses(self, step: int, losses: dict[str, Tensor]) -> None:
        """Every so many steps, means over all processes."""
        self.bar.update()
        if step % self.every:
            return
        means = self.accelerator.reduce(torch.stack(list(losses.values())).float(), "mean").tolist()
        numbers = {name: round(mean, 5) for name, mean in zip(losses, means, strict=True)}
        self.bar.set_postfix(numbers)
        self.accelerator.log(numbers, step=step)
        if self.accelerator.is_main_process:
            with (self.folder / "losses.jsonl").open("a") as file:
                file.write(json.dumps({"step": step, **numbers}) + "\n")

    def picture(self, step: int, picture: np.ndarray) -> None:
        pictures = self.folder / "pictures"
        pictures.mkdir(exist_ok=True)
        Image.fromarray(picture).save(pictures / f"step-{step:08d}.png")
        for tracker in self.accelerator.trackers:
            if tracker.name == "tensorboard":  # each of accelerate's trackers wants pictures another way
                tracker.log_images({"pictures": picture[None]}, step=step, dataformats="NHWC")

    def close(self) -> None:
        self.bar.close()
        self.accelerator.end_training()


def keep_lines(path: Path, last: int) -> None:
    """Drop the lines of steps after `last`, which a resumed run takes again."""
    if path.exists():
        lines = [line for line in path.read_text().splitlines() if step_of(line) <= last]
        write_aside(path, lambda file: file.write("".join(f"{line}\n" for line in lines).encode()))


def step_of(line: str) -> float:
    try:
        return json.loads(line)["step"]
    except ValueError:  # the run was killed while it wrote this line
        return float("inf")


def save(
    folder: Path,
    step: int,
    recipe: Recipe,
    bare: dict[str, nn.Module],
    averages: dict[str, AveragedModel],
    keep: int,
    accelerator: Accelerator,
) -> None:
    """Everything that the run needs to go on; all processes take part, and the main one writes."""
    rng = gather_rng()
    if accelerator.is_main_process:
        state = {
            "step": step,
            "networks": {name: network.state_dict() for name, network in bare.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in recipe.optimizers.items()},
            "averages": {name: average.state_dict() for name, average in averages.items()},
            "recipe": recipe.state(),
            "scaler": accelerator.scaler.state_dict() if accelerator.scaler is not None else None,
            "rng": rng,
        }
        write_checkpoint(folder, state, keep)
    accelerator.wait_for_everyone()


def load(
    folder: Path,
    recipe: Recipe,
    bare: dict[str, nn.Module],
    averages: dict[str, AveragedModel],
    accelerator: Accelerator,
) -> int:
    """Restore the newest checkpoint and return its step, or 0 where there is none."""
    path = newest(folder)
    if path is None:
        return 0
    state = read_checkpoint(path)
    for name, network in bare.items():
        network.load_state_dict(state["networks"][name])
    for name, optimizer in recipe.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    for name, average in averages.items():
        average.load_state_dict(state["averages"][name])
    recipe.restore(state["recipe"], accelerator.device)
    if accelerator.scaler is not None:
        accelerator.scaler.load_state_dict(state["scaler"])
    restore_rng(state["rng"][accelerator.process_index])
    return state["step"]


def seeded(seed: int, number: int) -> np.random.Generator:
    """The random numbers of the n-th sample: the same on every machine, process and resumed run."""
    return np.random.default_rng((seed, number))


@lru_cache(maxsize=4)
def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(count)


def shuffled(count: int, seed: int, number: int) -> int:
    """Which of `count` items the n-th sample is: every item once an epoch, in an order of the epoch's own."""
    epoch, place = divmod(number, count)
    return int(epoch_order(count, seed, epoch)[place])
