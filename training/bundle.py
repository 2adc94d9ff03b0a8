"""Puts trained stages together into one folder of weights, the shape of a model repository and of the bundle.

    python -m training.bundle --detector runs/points/export --upscaler runs/upscaler/export \
        --realizer runs/realizer/export --embedder runs/embedder/export --out webcast/bundle/weights

`training.prove` then measures the folder and writes what it found into its config and card.
"""

import argparse
import json
import shutil
from pathlib import Path

from webcast.build import FORMAT
from webcast.weights import CONFIG_NAME, MODEL_NAME, read_config, sha256

NEEDED = ("upscaler", "realizer", "embedder")
STAGES = ("detector", *NEEDED, "realizer-female", "realizer-male", "drawer")


def assemble(folders: dict[str, Path], out: Path) -> None:
    """Copy each stage's folder and write the config with the stages' names and the files' hashes.

    Without a detector among them the joined one is taken, which needs no weights.
    """
    for stage, folder in folders.items():
        (out / stage).mkdir(parents=True, exist_ok=True)
        for name in (CONFIG_NAME, MODEL_NAME):
            shutil.copyfile(folder / name, out / stage / name)
    config = {
        "format": FORMAT,
        "similarity": "direct",
        "stages": {"detector": "joined"} | {stage: read_config(out / stage)["name"] for stage in folders},
        "firm_standout": {},
        "sha256": {f"{stage}/{MODEL_NAME}": sha256(out / stage / MODEL_NAME) for stage in folders},
    }
    write_config(config, out)


def write_config(config: dict, out: Path) -> None:
    (out / CONFIG_NAME).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for stage in STAGES:
        text = f"the {stage}'s export folder"
        parser.add_argument(f"--{stage}", dest=stage, type=Path, required=stage in NEEDED, help=text)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    folders = {stage: vars(args)[stage] for stage in STAGES}
    assemble({stage: folder for stage, folder in folders.items() if folder}, args.out)


if __name__ == "__main__":
    main()
