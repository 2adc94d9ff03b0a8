"""The model card of newly trained weights: what they are, from what, how long, how good, and not for what.

What a program cannot know, where the pictures come from and under which terms, is asked for. Numbers are
what `training.evaluate` or `training.prove` wrote, with the command that gave them.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from training.checkpoints import newest
from webcast.errors import WeightsError
from webcast.hub import HUB_ID
from webcast.weights import CONFIG_NAME, MODEL_NAME, read_config, sha256

SECTIONS = ("Trained on", "How good it is", "What it is for, and what not", "Limits")
COMMAND = re.compile(r"`[^`]*python -m training\.")
"""The command that gave the numbers of a card."""


@dataclass(frozen=True)
class Run:
    """What a run's folder says about the training of one stage."""

    stage: str
    config: dict[str, Any]
    steps: int
    losses: dict[str, float]


def find_run(stage: str, export: Path) -> Run:
    """The run whose `export/` the folder lies in. Raises `WeightsError` where there is none."""
    for folder in (export.resolve().parent, export.resolve().parent.parent):
        checkpoint = newest(folder)
        if checkpoint and (folder / CONFIG_NAME).is_file():
            return Run(stage, read_config(folder), int(checkpoint.stem.split("-")[1]), last_losses(folder))
    raise WeightsError(f"{export} is not in the folder of a training run; give RUN/export or a folder in it.")


def last_losses(run: Path) -> dict[str, float]:
    """The last line of the run's losses, empty where it was too short to write one."""
    path = run / "losses.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return json.loads(lines[-1]) if lines else {}


def model_card(name: str, weights: Path, runs: list[Run], sources: str, numbers: list[str]) -> str:
    """The card in Markdown, with front matter for the Hub."""
    data = ModelCardData(
        license="other", library_name="webcast", pipeline_tag="image-to-image", tags=["webcast"]
    )
    text = TEXT.format(
        name=name,
        stages="\n".join(stage_rows(weights, {run.stage for run in runs})),
        sources=sources.strip(),
        data="\n".join(f"- {run.stage}: {told_of_data(run.config)}" for run in runs),
        training="\n\n".join(told_of_training(run) for run in runs),
        numbers="\n\n".join(text.strip() for text in numbers),
    )
    return f"---\n{data.to_yaml()}\n---\n\n{text}"


def stage_rows(weights: Path, trained: set[str]) -> list[str]:
    names = read_config(weights)["stages"]
    return [
        f"| {path.parent.name} | {names[path.parent.name]} | {path.stat().st_size / 2**20:.1f} MiB "
        f"| `{sha256(path)[:12]}` | {'this training' if path.parent.name in trained else 'taken over'} |"
        for path in sorted(weights.glob(f"*/{MODEL_NAME}"))
    ]


def told_of_data(config: dict[str, Any]) -> str:
    """Which data a run read; of a folder only its name, for paths are nobody else's business."""
    sides = {side.upper(): told for side, told in config.get("data", {}).items() if isinstance(told, dict)}
    told = [
        f"{side} `{about['place'] if HUB_ID.fullmatch(about['place']) else Path(about['place']).name}`"
        + (f", only {about['gender']}" if about.get("gender") else "")
        for side, about in sorted(sides.items())
    ]
    return "; ".join(told) or "as described above"


def told_of_training(run: Run) -> str:
    about = run.config
    recipe = {key: value for key, value in about["recipe"].items() if "/" not in str(value)}
    how = (
        f"{run.steps} of {about['max_steps']} steps, batch {about['batch_size']}, "
        f"{about.get('processes', 1)} processes, precision {about.get('mixed_precision', 'no')}, "
        f"seed {about['seed']}, moving average {about.get('ema_decay', 0)}"
    )
    losses = ", ".join(f"{name} {value:g}" for name, value in run.losses.items() if name != "step")
    told = f"**{run.stage}**, recipe `{recipe.get('name', '')}`: {how}."
    if losses:
        told += f" Losses at step {run.losses['step']}: {losses}."
    return f"{told}\n\n```json\n{json.dumps(recipe, indent=2)}\n```"


def check_card(text: str, path: Path) -> str:
    """The card with front matter. Raises `WeightsError` where a section or its numbers are missing."""
    headings = [line.lstrip("# ").lower() for line in text.splitlines() if line.startswith("#")]
    missing = [s for s in SECTIONS if not any(heading.startswith(s.lower()) for heading in headings)]
    if missing:
        raise WeightsError(f"The model card {path} has no section {', '.join(missing)}; write it first.")
    if not COMMAND.search(text):
        raise WeightsError(
            f"The model card {path} has no numbers with the command that gave them; write them with "
            "`python -m training.prove --write`."
        )
    if text.startswith("---"):
        return text
    data = ModelCardData(license="other", library_name="webcast", tags=["webcast"])
    return f"---\n{data.to_yaml()}\n---\n\n{text}"


TEXT = """\
# {name}

Weights for webcast: drawn faces are enlarged, turned into photo-like ones and compared with a gallery.

| stage | network | size | SHA-256 | from |
|---|---|---|---|---|
{stages}

## Trained on

{sources}

{data}

## How it was trained

{training}

## How good it is

{numbers}

## What it is for, and what not

For casting drawn characters for fun: to find, in a gallery whose people may be shown, portraits that
resemble a drawing.

Not for identifying anybody, for surveillance, or for any decision about a person. A realized face is
nobody's photo and must not be shown as one.

## Limits

The faces resemble those of the data above, in looks, age and light. How well it casts differs between
women and men and between styles of drawing: the tables above tell them apart where they were measured, and
nothing is known about a style that is not in them. A similarity is no probability of being somebody.
"""
