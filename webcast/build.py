"""The composition root: names in, a Caster out. Only here do stages, gallery and Hub meet."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from webcast.caster import GENDERS, SIMILARITIES, Caster, Stages
from webcast.detect import DETECTORS
from webcast.embed import EMBEDDERS
from webcast.errors import WebcastError, WeightsError
from webcast.gallery import load_gallery
from webcast.hub import Pulled, pull, pull_models
from webcast.realize import REALIZERS
from webcast.types import Realizer
from webcast.upscale import UPSCALERS
from webcast.weights import CONFIG_NAME, MODEL_NAME, check_hashes, pick, read_config, setting

FORMAT = 1


def load_caster(
    gallery: str | Path | None = None, weights: str | Path | None = None, device: str | None = None
) -> Caster:
    """A caster with a gallery and weights, each a folder, a Hub id with optional `@revision`, or None.

    None is the bundle. `device` is cuda, mps or cpu, by default the first of them that is here. Where the
    Hub cannot be reached both fall back together and every result says so. Raises `HubError`,
    `WeightsError`, `GalleryError` or `WebcastError`, each with what to do.
    """
    chosen = choose_device(device)
    models, people, notices = pull(weights, gallery)
    stages = build_stages(models, chosen)
    found = load_gallery(people.folder, stages.embedder, people.name, people.revision)
    return Caster(stages, found, notices)


def load_stages(weights: str | Path | None = None, device: str | None = None) -> Stages:
    """The stages alone, for what needs no gallery; the arguments and errors are those of `load_caster`."""
    return build_stages(pull_models(weights), choose_device(device))


def choose_device(name: str | None) -> torch.device:
    """The device of that name, or the fastest one here."""
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name is None:
        return torch.device(next(device for device, is_here in here.items() if is_here))
    kind = name.partition(":")[0]
    if kind not in here:
        raise WebcastError(f"There is no device {name!r}; choose cuda, mps or cpu.")
    if not here[kind]:
        raise WebcastError(f"This machine has no {kind} device that torch can use; choose another.")
    return torch.device(name)


def build_stages(models: Pulled, device: torch.device) -> Stages:
    """The stages that the `config.json` of a folder of weights names, after its hashes were checked."""
    folder = models.folder
    config = read_config(folder)
    if config.get("format") != FORMAT:
        raise WeightsError(
            f"{folder / CONFIG_NAME} has format {config.get('format')!r}, and this webcast reads {FORMAT}; "
            "update webcast, or take an older revision of the weights."
        )
    _check_all_hashes(folder, setting(config, "sha256", dict, folder))
    names = setting(config, "stages", dict, folder)
    similarity = setting(config, "similarity", str, folder)
    if similarity not in SIMILARITIES:
        raise WeightsError(f"{folder / CONFIG_NAME} has similarity {similarity!r}; it is direct or realized.")
    standouts = setting(config, "firm_standout", dict, folder) if "firm_standout" in config else {}
    return Stages(
        pick(DETECTORS, setting(names, "detector", str, folder), "detector")(folder / "detector", device),
        pick(UPSCALERS, setting(names, "upscaler", str, folder), "upscaler")(folder / "upscaler", device),
        pick(REALIZERS, setting(names, "realizer", str, folder), "realizer")(folder / "realizer", device),
        pick(EMBEDDERS, setting(names, "embedder", str, folder), "embedder")(folder / "embedder", device),
        models.name,
        models.revision,
        similarity,
        {name: setting(standouts, name, float, folder) for name in standouts},
        str(device),
        _realizers_by_gender(names, folder, device),
        load_translator(folder / "drawer", device, "photo-to-drawn") if "drawer" in names else None,
    )


def _realizers_by_gender(names: Mapping[str, str], folder: Path, device: torch.device) -> dict[str, Realizer]:
    """Those of a folder of weights whose config names `realizer-female` or `realizer-male`."""
    return {
        gender: load_translator(folder / f"realizer-{gender}", device, "drawn-to-photo")
        for gender in GENDERS
        if f"realizer-{gender}" in names
    }


def load_translator(folder: Path, device: torch.device, direction: str) -> Realizer:
    """A translator of any recipe from its folder; raises `WeightsError` where it goes another way."""
    name = setting(read_config(folder), "name", str, folder)
    translator = pick(REALIZERS, name, "realizer")(folder, device)
    goes = getattr(translator, "direction", "nowhere")
    if goes != direction:
        raise WeightsError(f"The translator in {folder} goes {goes}; one that goes {direction} is wanted.")
    return translator


def with_drawer(stages: Stages, drawer: str | Path) -> Stages:
    """The stages with another drawer: a folder or a Hub id with optional `@revision`.

    It may hold a translator's `photo-to-drawn/`, as `training.train` exports it, be that folder itself, or be
    weights with a `drawer/`.
    """
    found = pull_models(drawer).folder
    config = read_config(found) if (found / CONFIG_NAME).is_file() else {}
    if "sha256" in config:
        check_hashes(found, setting(config, "sha256", dict, found))
    inside = next((name for name in ("drawer", "photo-to-drawn") if (found / name).is_dir()), "")
    return replace(
        stages, drawer=load_translator(found / inside, torch.device(stages.device), "photo-to-drawn")
    )


def _check_all_hashes(folder: Path, hashes: dict[str, str]) -> None:
    """Raises `WeightsError` for a wrong hash, and for a model that the config gives no hash for."""
    check_hashes(folder, hashes)
    for path in sorted(folder.glob(f"*/{MODEL_NAME}")):
        name = path.relative_to(folder).as_posix()
        if name not in hashes:
            raise WeightsError(f"{folder / CONFIG_NAME} has no SHA-256 for {name}; write it under sha256.")
