"""Every part that can do a stage's work, by name, and where the weights of each are to be had.

A part's weights lie in the weights' own folder of that stage, or in a folder of the part's name inside a
folder (or Hub repository) of parts: `parts/waifu2x-cunet/config.json`,
`parts/yunet/face_detection_yunet_2023mar.onnx`. A folder there that this list does not know is a part too, if
its `config.json` names a network of the stage. Nothing here imports torch.
"""

import importlib.util
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from webcast.errors import WebcastError

JOIN = "+"


@dataclass(frozen=True, slots=True)
class Parts:
    """Which part does each stage; None is the one that the weights name.

    Detectors may be joined: `animeface+lbpcascade`. The photo parts are for portraits (building a gallery);
    where the weights name none for photos, it is the one they name for drawings. `distance` is cosine or
    euclidean. `folder` is a folder or a Hub id that holds the parts' weights, each in a folder of its name;
    None is `parts/` inside the weights.
    """

    detector: str | None = None
    photo_detector: str | None = None
    upscaler: str | None = None
    photo_upscaler: str | None = None
    realizer: str | None = None
    embedder: str | None = None
    distance: str | None = None
    folder: str | None = None

    @property
    def chosen(self) -> dict[str, str]:
        """The stages for which a part is named, and which."""
        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "folder"}
        return {stage: name for stage, name in named.items() if name is not None}

    def told(self) -> str:
        """`upscaler none, distance euclidean`, or nothing where every part is the weights' own."""
        return ", ".join(f"{stage.replace('_', ' ')} {name}" for stage, name in self.chosen.items())


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its name, what a reader calls it, and what it takes to have it.

    `fetch` says what to fetch from where and how to make weights of it; empty where nothing is needed.
    `package` is an optional package that it runs on. `photos` and `drawings` say what it is offered for.
    """

    name: str
    label: str
    fetch: str = ""
    package: str = ""
    drawings: bool = True
    photos: bool = False


def _convert(file: str, place: str, name: str, module: str = "convert_pth") -> str:
    return f"fetch {file} from {place} and run `python -m training.{module} {file} --out PARTS/{name}`"


def _put(file: str, place: str, name: str) -> str:
    return f"fetch {file} from {place} and put it into PARTS/{name}/"


def _train(recipe: str, name: str) -> str:
    command = f"python -m training.train --recipe {recipe}"
    return f"train it (`{command}`) and copy a direction of its export/ to PARTS/{name}"


def _torchvision(file: str, name: str) -> str:
    return (
        f"go on line once, or fetch {file} from https://download.pytorch.org/models/{file} and run "
        f"`python -m training.convert_pth {file} --out PARTS/{name}`"
    )


OURS = "give weights that have it"
REAL_ESRGAN = "the releases of https://github.com/xinntao/Real-ESRGAN (BSD-3)"
WAIFU2X = "https://github.com/nihui/waifu2x-ncnn-vulkan (MIT, folder models/)"


def _waifu2x(network: str, folder: str, noise: int | None) -> Part:
    name = f"waifu2x-{network}" + ("" if noise is None else f"-noise{noise}")
    file = ("" if noise is None else f"noise{noise}_") + "scale2.0x_model"
    cleaned = "no denoising" if noise is None else f"noise level {noise}"
    fetch = (
        f"fetch {folder}/{file}.param and .bin from {WAIFU2X} and run "
        f"`python -m training.convert_ncnn {file}.param {file}.bin --out PARTS/{name}`"
    )
    return Part(name, f"waifu2x {network}, {cleaned}", fetch)


DETECTORS = (
    Part("centerface", "CenterFace, our weights", OURS, photos=True),
    Part("joined", "animeface and Haar cascades, joined", photos=True),
    Part("animeface", "animeface"),
    Part("haar", "OpenCV's Haar cascades", photos=True),
    Part(
        "lbpcascade",
        "LBP cascade for anime faces (nagadomi)",
        _put(
            "lbpcascade_animeface.xml", "https://github.com/nagadomi/lbpcascade_animeface (MIT)", "lbpcascade"
        ),
    ),
    Part(
        "scrfd",
        "InsightFace's SCRFD",
        _put(
            "det_10g.onnx",
            "buffalo_l.zip in the releases of https://github.com/deepinsight/insightface",
            "scrfd",
        ),
        package="insightface",
        photos=True,
    ),
    Part(
        "yunet",
        "YuNet",
        _put(
            "face_detection_yunet_2023mar.onnx",
            "the Hub's opencv/face_detection_yunet@3cc26e7f1014a5ee5d74a42acee58bafc9d0a310 (MIT)",
            "yunet",
        ),
        photos=True,
    ),
    Part(
        "dsfd",
        "DSFD, ResNet152",
        _convert(
            "WIDERFace_DSFD_RES152.pth", "https://github.com/TencentYoutuResearch/FaceDetection-DSFD", "dsfd"
        ),
        drawings=False,
        photos=True,
    ),
    Part(
        "res10",
        "OpenCV's ResNet-10 SSD",
        "fetch deploy.prototxt from https://github.com/opencv/opencv (samples/dnn/face_detector) and "
        "res10_300x300_ssd_iter_140000.caffemodel from https://github.com/opencv/opencv_3rdparty (branch "
        "dnn_samples_face_detector_20170830) and put both into PARTS/res10/",
        drawings=False,
        photos=True,
    ),
)

UPSCALERS = (
    Part("realesrgan", "Real-ESRGAN compact, our weights", OURS, photos=True),
    Part(
        "realesrgan-animevideov3",
        "Real-ESRGAN compact, animevideov3",
        _convert("realesr-animevideov3.pth", REAL_ESRGAN, "realesrgan-animevideov3"),
    ),
    Part(
        "realesrgan-anime-6b",
        "Real-ESRGAN x4plus anime (RRDBNet, 6 blocks)",
        _convert("RealESRGAN_x4plus_anime_6B.pth", REAL_ESRGAN, "realesrgan-anime-6b"),
    ),
    *(
        _waifu2x(network, folder, noise)
        for network, folder in (
            ("upconv_7", "models-upconv_7_anime_style_art_rgb"),
            ("cunet", "models-cunet"),
        )
        for noise in (None, 0, 1, 2, 3)
    ),
    Part(
        "srcnn",
        "SRCNN",
        "train it (`accelerate launch -m training.srcnn`) and copy its export/ to PARTS/srcnn",
    ),
    Part(
        "realesrgan-x4plus",
        "Real-ESRGAN x4plus (RRDBNet, 23 blocks)",
        _convert("RealESRGAN_x4plus.pth", REAL_ESRGAN, "realesrgan-x4plus"),
        drawings=False,
        photos=True,
    ),
    Part(
        "realesrgan-general-x4v3",
        "Real-ESRGAN compact, general",
        _convert("realesr-general-x4v3.pth", REAL_ESRGAN, "realesrgan-general-x4v3"),
        drawings=False,
        photos=True,
    ),
    Part(
        "rdn",
        "Image Super-Resolution's RDN, twofold",
        _convert(
            "rdn-C6-D20-G64-G064-x2_ArtefactCancelling_epoch219.hdf5",
            "https://github.com/idealo/image-super-resolution (Apache-2.0)",
            "rdn",
            "convert_hdf5",
        ),
        drawings=False,
        photos=True,
    ),
    Part(
        "fsrnet",
        "FSRNet, eightfold",
        _convert("e099_psnr22.53.pth", "https://github.com/cs-giung/FSRNet-pytorch", "fsrnet"),
        drawings=False,
        photos=True,
    ),
    Part("none", "no upscaling", photos=True),
)

REALIZERS = (
    Part("appearance", "pix2pix, and an active appearance model for the face, our weights", OURS),
    Part("ugatit", "U-GAT-IT light", _train("ugatit --light", "ugatit")),
    Part("ugatit-full", "U-GAT-IT full", _train("ugatit --no-light", "ugatit-full")),
    Part("pix2pix", "pix2pix", _train("pix2pix", "pix2pix")),
    Part("cyclegan", "CycleGAN", _train("cyclegan", "cyclegan")),
    Part(
        "uvcgan2",
        "UVCGAN2",
        f"{_train('uvcgan2', 'uvcgan2')}, or fetch a generator that https://github.com/LS4GAN/uvcgan2 links "
        "and run `python -m training.convert_pth FILE --out PARTS/uvcgan2`",
    ),
    Part("none", "the drawing as it is"),
)

EMBEDDERS = (
    Part("resnet18", "ResNet18, our weights", OURS),
    Part(
        "resnet18-imagenet",
        "ResNet18, torchvision's ImageNet weights",
        _torchvision("resnet18-f37072fd.pth", "resnet18-imagenet"),
    ),
    Part(
        "vgg16-imagenet",
        "VGG16's first dense layer, torchvision's ImageNet weights",
        _torchvision("vgg16-397923af.pth", "vgg16-imagenet"),
    ),
)

METRICS = (Part("cosine", "cosine of the angle"), Part("euclidean", "Euclidean distance"))

CATALOGUE: Mapping[str, tuple[Part, ...]] = {
    "detector": DETECTORS,
    "photo_detector": DETECTORS,
    "upscaler": UPSCALERS,
    "photo_upscaler": UPSCALERS,
    "realizer": REALIZERS,
    "embedder": EMBEDDERS,
    "distance": METRICS,
}
"""The parts of each stage, a field of `Parts` each."""

NETWORKS: Mapping[str, tuple[str, ...]] = {
    "detector": ("centerface", "dsfd"),
    "upscaler": ("realesrgan", "rrdbnet", "waifu2x", "srcnn", "rdn", "fsrnet"),
    "realizer": ("appearance", "ugatit", "cyclegan", "pix2pix", "uvcgan2"),
    "embedder": ("resnet18", "resnet18-imagenet", "vgg16-imagenet"),
    "distance": (),
}
"""What the `name` in a part's config.json may be: the keys of the stages' registries that read weights."""

FILES: Mapping[str, str] = {
    "resnet18-imagenet": "resnet18-f37072fd.pth",
    "vgg16-imagenet": "vgg16-397923af.pth",
}
"""What torchvision keeps of a part in its own cache."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A part as a reader may choose it; `missing` says what it lacks, empty where it is here."""

    name: str
    label: str
    missing: str

    @property
    def is_here(self) -> bool:
        return not self.missing


def list_parts(stage: str, own: str, parts: Path) -> list[Listed]:
    """The parts of a stage (a key of `CATALOGUE`), the weights' `own` first.

    `parts` is the folder with the parts' weights; it need not be there.
    """
    offered = [part for part in CATALOGUE[stage] if is_offered(part, stage) or part.name == own]
    known = {part.name: part for part in CATALOGUE[stage]}
    extra = [Part(name, name) for name in _unlisted(stage, parts) if name not in known]
    if own not in known:
        extra.append(Part(own, own))
    listed = [Listed(part.name, part.label, missing(part, own, parts)) for part in [*offered, *extra]]
    return sorted(listed, key=lambda part: part.name != own)


def is_offered(part: Part, stage: str) -> bool:
    """Whether a list for this stage shows it; it can be named either way."""
    return part.photos if stage.startswith("photo_") else part.drawings


def missing(part: Part, own: str, parts: Path) -> str:
    """What the part lacks, as a sentence, or nothing."""
    if part.package and importlib.util.find_spec(part.package) is None:
        return f"The part {part.name} needs a package: run pip install {part.package}."
    in_cache = part.name in FILES and (_torch_cache() / FILES[part.name]).is_file()
    if not part.fetch or part.name == own or in_cache or (parts / part.name).is_dir():
        return ""
    return (
        f"The weights of {part.name} are not in {parts}: {part.fetch}, where PARTS is the folder that you "
        "name with --parts."
    )


def find_part(stage: str, name: str, parts: Path) -> Part:
    """The part of that name; `WebcastError` with the names there are."""
    known = {part.name: part for part in CATALOGUE[stage]}
    if name in known:
        return known[name]
    unlisted = _unlisted(stage, parts)
    if name in unlisted:
        return Part(name, name)
    names = [part.name for part in CATALOGUE[stage] if is_offered(part, stage)]
    known_here = ", ".join([*names, *unlisted])
    raise WebcastError(f"There is no {stage.replace('_', ' ')} called {name!r}; choose one of {known_here}.")


def _unlisted(stage: str, parts: Path) -> list[str]:
    """Folders of parts that the catalogue does not know and whose network is one of the stage's."""
    known = {part.name for part in CATALOGUE[stage]}
    networks = NETWORKS[stage.removeprefix("photo_")]
    return sorted(
        config.parent.name
        for config in parts.glob("*/config.json")
        if config.parent.name not in known and _network_of(config) in networks
    )


def _network_of(config: Path) -> str | None:
    try:
        read = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return read.get("name") if isinstance(read, dict) else None


def _torch_cache() -> Path:
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    return Path(home).expanduser() / "hub/checkpoints"
