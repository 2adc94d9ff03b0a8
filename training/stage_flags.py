"""The flags that the trainers of webcast's own stages share, and the loop's config made of them."""

import argparse
from pathlib import Path
from typing import Any

from training.loop import LoopConfig


def add_run_flags(
    parser: argparse.ArgumentParser,
    max_steps: int,
    batch_size: int,
    learning_rate: float,
    save_every: int = 200,
    samples: str = "samples",
) -> None:
    """Where a run goes, how long it takes and how it goes on; `samples` says what a batch counts."""
    parser.add_argument("--output-dir", type=Path, required=True, help="folder of this run")
    parser.add_argument("--max-steps", type=int, default=max_steps, help="steps in all (%(default)s)")
    parser.add_argument("--batch-size", type=int, default=batch_size, help=f"{samples} in a step")
    parser.add_argument("--learning-rate", type=float, default=learning_rate, help="at its highest")
    parser.add_argument("--start-from", type=Path, help="an earlier run's export/ to start from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save-every", type=int, default=save_every, help="steps between checkpoints")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint there")


def loop_config(args: argparse.Namespace, ema_decay: float, recipe: dict[str, Any]) -> LoopConfig:
    """The config of those flags; `recipe` is saved with the learning rate and where the run started from."""
    started = {"learning_rate": args.learning_rate, "start_from": str(args.start_from or "")}
    return LoopConfig(
        output_dir=str(args.output_dir),
        max_steps=args.max_steps,
        batch_size=args.batch_size,
        seed=args.seed,
        save_every=args.save_every,
        ema_decay=ema_decay,
        recipe=recipe | started,
    )
