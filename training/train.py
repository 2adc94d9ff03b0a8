"""Trains a translator between drawn faces (A) and photos (B), both ways.

    accelerate launch -m training.train --recipe ugatit --light --data-a DRAWN --data-b PHOTOS \\
        --output-dir runs/ugatit --max-steps 100000 --resume latest

`--recipe NAME --help` lists that recipe's own flags. The run's folder gets config.json, losses.jsonl,
pictures/, checkpoints/ and export/, which has weights for `webcast` in drawn-to-photo/ and photo-to-drawn/.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import torch

from training.data import Shuffled, Side, Unpaired, open_data, to_show
from training.loop import LoopConfig, Recipe, train
from training.processes import this_process
from training.recipes import cyclegan, pix2pix, ugatit, uvcgan2
from webcast.errors import WebcastError

RECIPES: dict[str, tuple[type, type[Recipe]]] = {
    "ugatit": (ugatit.Settings, ugatit.UGATIT),
    "cyclegan": (cyclegan.Settings, cyclegan.CycleGAN),
    "pix2pix": (pix2pix.Settings, pix2pix.Pix2Pix),
    "uvcgan2": (uvcgan2.Settings, uvcgan2.UVCGAN2),
    "uvcgan2-pretrain": (uvcgan2.PretrainSettings, uvcgan2.Pretraining),
}
PAIRED = {"pix2pix"}
EMA_DECAY = {"uvcgan2": 0.9999}
SHOWN = 8


def main(arguments: Sequence[str] | None = None) -> None:
    try:
        run(parse(arguments))
    except WebcastError as error:
        sys.exit(f"error: {error}")


def run(args: argparse.Namespace) -> None:
    make_settings, make_recipe = RECIPES[args.recipe]
    settings = make_settings(**{f.name: getattr(args, f.name) for f in fields(make_settings)})
    sides = [
        Side(place, column, args.gender, args.streaming)
        for place, column in ((args.data_a, args.column_a), (args.data_b, args.column_b))
    ]
    paired = args.recipe in PAIRED
    data = open_data(*sides, paired, settings.size_px, args.seed)
    seen = data
    if args.val_a or args.val_b:
        if not (args.val_a and args.val_b):
            raise WebcastError("Give both --val-a and --val-b, or neither.")
        shown_sides = (Side(args.val_a, args.column_a), Side(args.val_b, args.column_b))
        seen = open_data(*shown_sides, paired, settings.size_px, args.seed)
    torch.manual_seed(args.seed)
    recipe = make_recipe(settings, to_show(seen, SHOWN))
    config = make_config(args, {"name": args.recipe, **asdict(settings)}, [asdict(side) for side in sides])
    if args.dry_run:
        describe(recipe, data, config)
    else:
        train(recipe, data, config, resume=args.resume == "latest")


def make_config(args: argparse.Namespace, recipe: dict[str, Any], sides: list[dict]) -> LoopConfig:
    return LoopConfig(
        output_dir=args.output_dir,
        max_steps=args.max_steps,
        batch_size=args.batch_size,
        recipe=recipe,
        data={"a": sides[0], "b": sides[1], "val_a": args.val_a, "val_b": args.val_b},
        seed=args.seed,
        workers=args.workers,
        accumulate=args.accumulate,
        save_every=args.save_every,
        log_every=args.log_every,
        keep=args.keep,
        ema_decay=args.ema_decay,
        mixed_precision=args.mixed_precision,
        compile=args.compile,
        trackers=tuple(name for name in args.trackers.split(",") if name),
    )


def describe(recipe: Recipe, data: Unpaired, config: LoopConfig) -> None:
    """What would be trained, on what and how; nothing is written."""
    state = this_process()
    if not state.is_main_process:
        return
    print(json.dumps(asdict(config), indent=2))
    for name, network in recipe.networks.items():
        print(f"{name}: {sum(p.numel() for p in network.parameters()):,} parameters")
    for name, source in (("A", data.a), ("B", data.b)):
        print(f"{name}: {len(source)} pictures" if isinstance(source, Shuffled) else f"{name}: a stream")
    print(f"{state.num_processes} processes on {state.device.type}; nothing was written (--dry-run)")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    chooser = argparse.ArgumentParser(add_help=False)
    chooser.add_argument("--recipe", choices=RECIPES, default="ugatit", help="which translator to train")
    recipe = chooser.parse_known_args(arguments)[0].recipe
    parser = argparse.ArgumentParser(
        prog="python -m training.train",
        description=__doc__,
        parents=[chooser],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_flags(parser.add_argument_group("data"))
    add_run_flags(parser.add_argument_group("run"), EMA_DECAY.get(recipe, 0.999))
    add_settings(parser.add_argument_group(f"recipe {recipe}"), RECIPES[recipe][0])
    return parser.parse_args(arguments)


def add_data_flags(group: argparse._ArgumentGroup) -> None:
    where = "folder of pictures, folder with a dataset, or Hub id with optional @revision"
    group.add_argument("--data-a", required=True, help=f"drawn faces: {where}")
    group.add_argument("--data-b", required=True, help=f"photos: {where}")
    group.add_argument("--column-a", help="picture column of A, where a dataset has several")
    group.add_argument("--column-b", help="picture column of B, where a dataset has several")
    group.add_argument("--gender", help="only pictures that the column gender (or metadata.csv) gives this")
    group.add_argument("--streaming", action="store_true", help="read datasets from the Hub as they come")
    group.add_argument("--val-a", help="drawn faces to look at; without it, the first of --data-a")
    group.add_argument("--val-b", help="photos to look at; without it, the first of --data-b")


def add_run_flags(group: argparse._ArgumentGroup, ema_decay: float) -> None:
    group.add_argument("--output-dir", required=True, help="folder of this run")
    group.add_argument("--max-steps", type=int, required=True, help="steps of the optimizers in all")
    group.add_argument("--resume", choices=["latest"], help="go on from the run's newest checkpoint, if any")
    group.add_argument("--dry-run", action="store_true", help="say what would be trained, and stop")
    group.add_argument("--batch-size", type=int, default=1, help="samples of a step over all processes")
    group.add_argument("--accumulate", type=int, default=1, help="parts that a step's batch is taken in")
    group.add_argument("--mixed-precision", choices=["no", "bf16", "fp16"], default="no")
    group.add_argument("--compile", action="store_true", help="compile the networks with torch.compile")
    group.add_argument("--ema-decay", type=float, default=ema_decay, help="of the moving average; 0 for none")
    group.add_argument("--seed", type=int, default=0)
    group.add_argument("--workers", type=int, default=1, help="processes that read pictures, 0 for none")
    group.add_argument("--save-every", type=int, default=1000, help="steps from checkpoint to checkpoint")
    group.add_argument("--log-every", type=int, default=20, help="steps from one line of losses to the next")
    group.add_argument("--keep", type=int, default=2, help="how many checkpoints are kept")
    group.add_argument("--trackers", default="tensorboard", help="accelerate's trackers, with commas")


def add_settings(group: argparse._ArgumentGroup, settings: type) -> None:
    """A flag for every field of a recipe's settings."""
    for setting in fields(settings):
        flag = "--" + setting.name.replace("_", "-")
        text = f"{setting.metadata['help']} (default: {setting.default})"
        if setting.type is bool:
            action = argparse.BooleanOptionalAction
            group.add_argument(flag, action=action, default=setting.default, help=text)
        else:
            group.add_argument(flag, type=setting.type, default=setting.default, help=text)


if __name__ == "__main__":
    main()
