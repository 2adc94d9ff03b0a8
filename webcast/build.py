"""The composition root: names in, a Caster out. Only here do stages, gallery, parts and Hub meet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from webcast.caster import GENDERS, SIMILARITIES, Caster, Stages
from webcast.characters import Clustering
from webcast.detect import DETECTORS, JoinedDetector
from webcast.embed import EMBEDDERS
from webcast.errors import WebcastError, WeightsError
from webcast.gallery import load_gallery
from webcast.hub import Pulled, pull, pull_gallery, pull_models, pull_parts
from webcast.parts import JOIN, Listed, Parts, find_part, list_parts, missing
from webcast.published_detectors import PUBLISHED
from webcast.realize import REALIZERS
from webcast.selection import join
from webcast.types import Realizer
from webcast.upscale import UPSCALERS
from webcast.weights import CONFIG_NAME, MODEL_NAME, check_hashes, pick, read_config, setting

FORMAT = 1
REGISTRIES: Mapping[str, Mapping[str, Callable]] = {
    "detector": DETECTORS | PUBLISHED,
    "upscaler": UPSCALERS,
    "realizer": REALIZERS,
    "embedder": EMBEDDERS,
}
NONE_CHOSEN = Parts()
LOADED = ("detector", "photo_detector", "upscaler", "photo_upscaler", "realizer", "embedder")


def load_caster(
    gallery: str | Path | None = None,
    weights: str | Path | None = None,
    device: str | None = None,
    parts: Parts | None = None,
) -> Caster:
    """A caster with a gallery and weights, each a folder, a Hub id with optional `@revision`, or None.

    None is the bundle. `device` is cuda, mps or cpu, by default the first of them that is here. `parts` names
    other parts than the weights' own. Where the Hub cannot be reached both fall back together and every
    result says so. Raises `HubError`, `WeightsError`, `GalleryError` or `WebcastError`, each with what to do.
    """
    chosen = choose_device(device)
    models, people, notices = pull(weights, gallery)
    stages = build_stages(models, chosen, parts or NONE_CHOSEN)
    found = load_gallery(people.folder, stages.embedder, people.name, people.revision)
    return Caster(stages, found, notices)


def with_galleries(caster: Caster, galleries: Sequence[str | Path]) -> Caster:
    """The caster with the people of more galleries beside its own, each a folder or a Hub id.

    Raises what `load_caster` does for a gallery.
    """
    more = []
    for gallery in galleries:
        found = pull_gallery(gallery)
        more.append(load_gallery(found.folder, caster.stages.embedder, found.name, found.revision))
    return caster.with_gallery(join([caster.gallery, *more]))


def load_stages(
    weights: str | Path | None = None, device: str | None = None, parts: Parts | None = None
) -> Stages:
    """The stages alone, for what needs no gallery; the arguments and errors are those of `load_caster`."""
    return build_stages(pull_models(weights), choose_device(device), parts or NONE_CHOSEN)


def load_part(
    stage: str, name: str, weights: str | Path | None = None, folder: str | Path | None = None
) -> object:
    """One part alone, on the CPU: `name` of `stage`, a key of `parts.CATALOGUE` other than distance.

    For measuring it; the other arguments and errors are those of `load_caster` and `Parts`.
    """
    models, parts = pull_models(weights), Parts(folder=str(folder) if folder else None)
    own = _own_names(_read_checked(models.folder), models.folder)
    return _Builder(models, torch.device("cpu"), parts, own, None).build(stage, name)


def with_parts(stages: Stages, parts: Parts) -> Stages:
    """The same weights on the same device with other parts; what both have is not loaded again.

    `parts` counts from the weights' own parts, not from those that `stages` has: `with_parts(stages,
    Parts())` gives the weights' own. A part that was built here once and dropped is loaded again, so keep
    the stages that are wanted often. Raises `WeightsError` or `WebcastError` with what to do for a part that
    is not here.
    """
    models = Pulled(stages.folder, stages.name, stages.revision)
    return build_stages(models, torch.device(stages.device), parts, stages)


def parts_here(stages: Stages, stage: str, folder: str | None = None) -> list[Listed]:
    """The parts of a stage, a key of `parts.CATALOGUE`: names, labels and what is missing of each.

    The weights' own comes first. `folder` is that of `Parts.folder`, by default the one `stages` was built
    with.
    """
    models = Pulled(stages.folder, stages.name, stages.revision)
    where = _parts_folder(models, Parts(folder=folder or stages.parts.folder))
    return list_parts(stage, _own_names(_read_checked(stages.folder), stages.folder)[stage], where)


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
    try:
        device = torch.device(name)
    except RuntimeError:
        raise WebcastError(f"There is no device {name!r}; choose cuda, mps or cpu.") from None
    if kind == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise WebcastError(f"There is no device {name!r}; choose cuda, mps or cpu.")
    return device


def build_stages(
    models: Pulled, device: torch.device, parts: Parts = NONE_CHOSEN, like: Stages | None = None
) -> Stages:
    """The stages that `parts` and the `config.json` of a folder of weights name, after its hashes were
    checked.

    What `like` has already is taken from it.
    """
    folder = models.folder
    config = _read_checked(folder)
    similarity = setting(config, "similarity", str, folder)
    if similarity not in SIMILARITIES:
        raise WeightsError(f"{folder / CONFIG_NAME} has similarity {similarity!r}; it is direct or realized.")
    standouts = setting(config, "firm_standout", dict, folder) if "firm_standout" in config else {}
    limits = {name: setting(standouts, name, float, folder) for name in standouts}
    own = _own_names(config, folder)
    names = own | parts.chosen
    find_part("distance", names["distance"], folder)
    builder = _Builder(models, device, parts, own, like)
    built = {stage: builder.build(stage, names[stage]) for stage in LOADED}
    return Stages(
        **built | {"embedder": built["embedder"].by(names["distance"])},
        name=models.name,
        revision=models.revision,
        similarity=similarity,
        firm_standout=_limits_that_hold(limits, names, own),
        device=str(device),
        realizers=builder.realizers_by_gender(config["stages"], names),
        drawer=builder.drawer(config["stages"]),
        names=names,
        parts=parts,
        folder=folder,
        clustering=_clustering(config, folder) if _is_own_embedding(names, own) else None,
    )


class _Builder:
    """Builds each part once, also where two stages share it, and takes over what `like` has."""

    def __init__(
        self, models: Pulled, device: torch.device, parts: Parts, own: Mapping[str, str], like: Stages | None
    ) -> None:
        self.weights, self.device, self.own, self.like = models.folder, device, own, like
        self.parts = _parts_folder(models, parts)
        self.built: dict[tuple[str, str], object] = {}
        for stage in LOADED if like else ():
            is_same = like.parts.folder == parts.folder or like.names[stage] == own[stage]
            if is_same:
                self.built[_kind(stage), like.names[stage]] = getattr(like, stage)

    def build(self, stage: str, name: str) -> object:
        key = (_kind(stage), name)
        if key not in self.built:
            joined = dict.fromkeys(name.split(JOIN)) if key[0] == "detector" else [name]
            singles = [self._single(stage, part) for part in joined]
            self.built[key] = JoinedDetector(singles) if len(singles) > 1 else singles[0]
        return self.built[key]

    def _single(self, stage: str, name: str) -> object:
        kind = _kind(stage)
        if name in (self.own[kind], self.own[stage]):
            return pick(REGISTRIES[kind], name, kind)(self.weights / kind, self.device)
        part = find_part(stage, name, self.parts)
        if lack := missing(part, self.own[kind], self.parts):
            raise WeightsError(lack)
        folder = self.parts / name
        network = name if name in REGISTRIES[kind] else setting(read_config(folder), "name", str, folder)
        return pick(REGISTRIES[kind], network, kind)(folder, self.device)

    def realizers_by_gender(
        self, named: Mapping[str, str], names: Mapping[str, str]
    ) -> Mapping[str, Realizer]:
        """Those that the config names, `realizer-female` and `realizer-male`; none beside a chosen part."""
        own = self.own["realizer"]
        if names["realizer"] != own:
            return {}
        if self.like and self.like.names["realizer"] == own:
            return self.like.realizers
        return {
            gender: load_translator(self.weights / f"realizer-{gender}", self.device, "drawn-to-photo")
            for gender in GENDERS
            if f"realizer-{gender}" in named
        }

    def drawer(self, named: Mapping[str, str]) -> Realizer | None:
        if self.like:
            return self.like.drawer
        if "drawer" not in named:
            return None
        return load_translator(self.weights / "drawer", self.device, "photo-to-drawn")


def _kind(stage: str) -> str:
    """The registry of a stage: the photo stages share those of the drawings."""
    return stage.removeprefix("photo_")


def _parts_folder(models: Pulled, parts: Parts) -> Path:
    return pull_parts(parts.folder).folder if parts.folder else models.folder / "parts"


def _read_checked(folder: Path) -> dict:
    """The config of a folder of weights, whose format and hashes are right."""
    config = read_config(folder)
    if config.get("format") != FORMAT:
        raise WeightsError(
            f"{folder / CONFIG_NAME} has format {config.get('format')!r}, and this webcast reads {FORMAT}; "
            "update webcast, or take an older revision of the weights."
        )
    _check_all_hashes(folder, setting(config, "sha256", dict, folder))
    return config


def _own_names(config: Mapping, folder: Path) -> dict[str, str]:
    """The part that the weights name for each stage; for photos, where they name none, that for drawings."""
    stages = setting(config, "stages", dict, folder)
    names = {stage: setting(stages, stage, str, folder) for stage in REGISTRIES}
    optional = {
        "photo_detector": names["detector"],
        "photo_upscaler": names["upscaler"],
        "distance": "cosine",
    }
    given = {stage: setting(stages, stage, str, folder) for stage in optional if stage in stages}
    return names | optional | given


def _limits_that_hold(
    limits: Mapping[str, float], names: Mapping[str, str], own: Mapping[str, str]
) -> dict[str, float]:
    """The limits of firmness that hold with these parts: not with another embedder, distance or realizer."""
    if not _is_own_embedding(names, own):
        return {}
    return {
        way: limit for way, limit in limits.items() if way == "direct" or names["realizer"] == own["realizer"]
    }


def _clustering(config: Mapping, folder: Path) -> Clustering | None:
    """How faces are joined into characters, as the config says under `characters`; None where it does not."""
    if "characters" not in config:
        return None
    told = setting(config, "characters", dict, folder)
    return Clustering(*(setting(told, key, float, folder) for key in ("limit", "colour_weight")))


def _is_own_embedding(names: Mapping[str, str], own: Mapping[str, str]) -> bool:
    """Whether vectors are made and compared as by the weights' own parts."""
    return names["embedder"] == own["embedder"] and names["distance"] == own["distance"]


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
