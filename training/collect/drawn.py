"""From episodes to a dataset of drawn faces: detect, crop, leave out what is bad, choose, upscale, write.

    python -m training.collect drawn COMICS --out drawn-faces

COMICS is laid out as `webtoons.py` says. What is found on an episode is kept in `OUT/found/`, so that a run
that was interrupted goes on with the next episode; an episode with other pages than then, or with another
detector, is looked at again. The dataset has a row a face: image, webtoon, genre, source (where it was
downloaded), episode, page, box (x0, y0, x1, y1 on the page, half open), detector, likelihood, similarity (to
the main character) and key; its splits train and test hold different webtoons. What `training.curate`
rejected stays out, and what looks like it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from unicodedata import normalize

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from training.collect.ledger import REJECTED, Ledger
from training.collect.quality import Seen, fault
from training.collect.rows import save_rows
from training.collect.webtoons import read_about
from webcast.caster import Stages
from webcast.dataset import encode
from webcast.errors import ImageError, WebcastError
from webcast.heads import enlarge
from webcast.images import open_image
from webcast.intake import PageFile, find_pages, natural, read_parts
from webcast.main_faces import main_faces, similarities
from webcast.photos import PICTURE_SUFFIXES
from webcast.types import Panel

EPISODE_SUFFIXES = {".cbz", ".zip", ".pdf"}
SHEET_FACES, SHEET_COLUMNS, SHEET_PX = 30, 6, 160
FOUND, BATCH = "found", 16


@dataclass(frozen=True, slots=True)
class Found:
    """One face as it was found; `file` is its crop inside the episode's folder of found faces."""

    file: str
    page: str
    box: tuple[int, int, int, int]
    detector: str
    likelihood: float


@dataclass(frozen=True, slots=True)
class Crop:
    """A found face, its episode's name, and its crop's path inside the folder of found faces.

    The path in NFC is its key in the ledger: macOS writes Hangul in pieces.
    """

    found: Found
    episode: str
    path: Path

    @property
    def key(self) -> str:
        return normalize("NFC", self.path.as_posix())


def episodes_of(comics: Path) -> Iterator[tuple[str, Path]]:
    """Each webtoon's folder name and each of its episodes, in natural order."""
    if not comics.is_dir():
        raise WebcastError(f"{comics} is not a folder; give one with TITLE/EPISODE/page.jpg in it.")
    for webtoon in sorted(path for path in comics.iterdir() if path.is_dir()):
        episodes = [p for p in webtoon.iterdir() if p.is_dir() or p.suffix.lower() in EPISODE_SUFFIXES]
        loose = any(p.suffix.lower() in PICTURE_SUFFIXES for p in webtoon.iterdir())
        for episode in [webtoon] if loose else sorted(episodes, key=lambda p: natural(p.name)):
            yield normalize("NFC", webtoon.name), episode


def find_faces(stages: Stages, comics: Path, found: Path) -> list[str]:
    """Detect and crop everywhere it was not done yet; returns a sentence for each thing left out."""
    notices: list[str] = []
    episodes = list(episodes_of(comics))
    if not episodes:
        raise WebcastError(
            f"{comics} holds no webtoon; lay it out as TITLE/EPISODE/page.jpg or TITLE/EPISODE.cbz."
        )
    for webtoon, episode in tqdm(episodes, desc="episodes", unit="episode"):
        folder = found / webtoon / normalize("NFC", episode.name)
        try:
            pages = find_pages([episode])
            made_of = {"pages": [page.name for page in pages], "detector": stages.names["detector"]}
            made_of |= {"weights": stages.revision}
            if read_found(folder).get("made_of") != made_of:
                about = {"made_of": made_of, "episode": name_of(episode)}
                find_on_episode(stages, pages, folder, about, notices)
        except WebcastError as error:
            notices.append(f"{webtoon}, {episode.name} is left out: {error}")
    return notices


def name_of(episode: Path) -> str:
    """The folder's name, or the archive's without its ending: `Episode 1.2` is a name and no ending."""
    is_archive = episode.suffix.lower() in EPISODE_SUFFIXES and episode.is_file()
    return normalize("NFC", episode.stem if is_archive else episode.name)


def read_found(folder: Path) -> dict:
    """What was found on an episode; empty where it was never looked at to the end."""
    path = folder / "faces.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def find_on_episode(
    stages: Stages, pages: Sequence[PageFile], folder: Path, about: dict, notices: list[str]
) -> None:
    """The good faces of one episode, each once; `faces.json` is written last, so its presence means all."""
    folder.mkdir(parents=True, exist_ok=True)
    seen, faces, left_out = Seen(), [], 0
    bar = tqdm(total=len(pages), desc=folder.name, unit="page", leave=False)
    for done, part, picture in read_parts(pages, notices):
        for face in stages.detector.detect([Panel(picture, part.name)])[0]:
            if fault(face.crop) or not seen.is_new(face.crop):
                left_out += 1
                continue
            box = face.box.shifted(part.place.x0, part.place.y0)
            corners = (box.x0, box.y0, box.x1, box.y1)
            place = f"{part.page} {part.number} {corners}"  # the same face has the same key in every run
            name = f"{hashlib.sha256(place.encode()).hexdigest()[:16]}.png"
            face.crop.save(folder / name)
            faces.append(Found(name, part.page, corners, face.detector, round(float(face.likelihood), 4)))
        bar.update(done - bar.n)
    bar.close()
    partial = folder / "faces.partial"
    told = about | {"faces": [asdict(face) for face in faces], "left_out": left_out}
    partial.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    partial.replace(folder / "faces.json")


def build_dataset(
    stages: Stages, comics: Path, out: Path, count: int, reference: Path | None, everyone: bool
) -> dict[str, int]:
    """Choose each webtoon's main character, or everybody, upscale, and save dataset and contact sheets.

    Returns how many rows each split has. Raises `WebcastError` where no face is left.
    """
    genres, rows = read_about(comics), []
    rejected = {normalize("NFC", entry.url) for entry in Ledger(out) if entry.outcome == REJECTED}
    probe = stages.embedder.embed([reference_head(stages, reference)])[0] if reference else None
    for webtoon in dict.fromkeys(name for name, _ in episodes_of(comics)):
        crops = new_crops(out / FOUND, webtoon, rejected)
        if not crops:
            continue
        about = genres.get(webtoon, {"title": webtoon, "genre": ""})
        rows += rows_of(stages, about, crops, out, (count, probe, everyone))
    if not rows:
        raise WebcastError("No face is left to write; give more or larger pages.")
    return save_rows(rows, "webtoon", out / "dataset")


def rows_of(
    stages: Stages,
    about: dict[str, str],
    crops: Sequence[Crop],
    out: Path,
    wanted: tuple[int, np.ndarray | None, bool],
) -> list[dict]:
    """The rows of one webtoon, nearest first; `wanted` is how many, the reference's vector, and everybody."""
    count, probe, everyone = wanted
    heads = upscaled(stages, crops, out)
    vectors = np.concatenate(
        [stages.embedder.embed([open_image(path) for path in batch]) for batch in batches(heads)]
    )
    distance = stages.names.get("distance", "cosine")
    order = main_faces(vectors, len(crops) if everyone else count, probe, distance)
    similarity = similarities(vectors, vectors[order[0]] if probe is None else probe, distance)
    nearest = order[:SHEET_FACES]
    sheet = contact_sheet([open_image(heads[i]) for i in nearest], similarity[nearest])
    sheet.save(out / f"{crops[0].path.parts[0]}.png")
    return [row_of(about, crops[i], heads[i], float(similarity[i])) for i in order]


def upscaled(stages: Stages, crops: Sequence[Crop], out: Path) -> list[Path]:
    """The enlarged heads, each made once by each upscaler and kept."""
    folder = out / "upscaled" / stages.names["upscaler"]
    made = {crop.path: (folder / crop.path).with_suffix(".jpg") for crop in crops}
    missing = [path for path, head in made.items() if not head.is_file()]
    for batch in tqdm(batches(missing), desc="upscale", unit="batch"):
        heads = enlarge(stages.upscaler, [open_image(out / FOUND / path) for path in batch])
        for path, head in zip(batch, heads, strict=True):
            made[path].parent.mkdir(parents=True, exist_ok=True)
            partial = made[path].with_suffix(".partial")
            partial.write_bytes(encode(head))
            partial.replace(made[path])
    return list(made.values())


def batches(paths: Sequence[Path]) -> list[Sequence[Path]]:
    return [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]


def new_crops(found: Path, webtoon: str, rejected: set[str]) -> list[Crop]:
    """The crops of a webtoon, each face once over all episodes; none that is or looks like a rejected one."""
    crops = list(crops_of(found, webtoon))
    seen = Seen()
    for crop in crops:
        if crop.key in rejected:
            seen.is_new(open_image(found / crop.path))
    return [c for c in crops if c.key not in rejected and seen.is_new(open_image(found / c.path))]


def crops_of(found: Path, webtoon: str) -> Iterator[Crop]:
    """The faces found in a webtoon, in the order of its episodes."""
    for about in sorted((found / webtoon).glob("*/faces.json"), key=lambda path: natural(path.parent.name)):
        told = read_found(about.parent)
        for face in told["faces"]:
            path = about.parent.relative_to(found) / face["file"]
            yield Crop(Found(**face | {"box": tuple(face["box"])}), told["episode"], path)


def reference_head(stages: Stages, reference: Path) -> Image.Image:
    try:
        (faces,) = stages.detector.detect([Panel(open_image(reference), reference.name)])
    except ImageError as error:
        raise WebcastError(f"--reference: {error}") from None
    if not faces:
        raise WebcastError(f"No face was found on {reference.name}; give a frontal face as --reference.")
    return enlarge(stages.upscaler, [faces[0].crop])[0]


def row_of(about: dict[str, str], crop: Crop, head: Path, similarity: float) -> dict:
    found = crop.found
    return {
        "image": {"bytes": head.read_bytes(), "path": None},
        "webtoon": about["title"],
        "genre": about["genre"],
        "source": about.get("source", ""),
        "episode": crop.episode,
        "page": found.page,
        "box": list(found.box),
        "detector": found.detector,
        "likelihood": found.likelihood,
        "similarity": round(similarity, 4),
        "key": crop.key,
    }


def contact_sheet(crops: Sequence[Image.Image], similarity: np.ndarray) -> Image.Image:
    """The nearest faces in rows, each with its similarity to the main character."""
    rows = -(-len(crops) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (SHEET_COLUMNS * SHEET_PX, rows * (SHEET_PX + 24)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (crop, value) in enumerate(zip(crops, similarity, strict=True)):
        x, y = number % SHEET_COLUMNS * SHEET_PX, number // SHEET_COLUMNS * (SHEET_PX + 24)
        sheet.paste(crop.resize((SHEET_PX, SHEET_PX), Image.Resampling.LANCZOS), (x, y))
        text = f"{number + 1}.  {value:.2f}"
        draw.text((x + 6, y + SHEET_PX + 3), text, "black", ImageFont.load_default(16))
    return sheet
