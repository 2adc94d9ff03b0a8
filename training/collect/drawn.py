"""From episodes to a dataset of drawn faces: detect, crop, leave out what is bad, choose, upscale, write.

    python -m training.collect drawn COMICS --out drawn-faces

COMICS is laid out as `webtoons.py` says. What is found on an episode is kept in `OUT/found/`, so that a run
that was interrupted goes on with the next episode. The dataset has a row a face: image, webtoon, genre,
episode, page, box (x0, y0, x1, y1 on the page, half open), detector, likelihood, similarity (to the main
character) and key; its splits train and test hold different webtoons. What `training.curate` rejected stays
out.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import datasets
import numpy as np
from PIL import Image
from tqdm import tqdm

from training.collect.groups import is_test_group
from training.collect.ledger import REJECTED, Ledger
from training.collect.people import folder_name
from training.collect.quality import Seen, fault
from training.collect.webtoons import read_about
from webcast.caster import Stages
from webcast.errors import WebcastError
from webcast.heads import enlarge
from webcast.images import open_image
from webcast.intake import find_pages, natural, read_parts
from webcast.main_faces import main_faces
from webcast.photos import PICTURE_SUFFIXES
from webcast.types import Panel

EPISODE_SUFFIXES = {".cbz", ".zip", ".pdf"}
SHEET_FACES, SHEET_COLUMNS, SHEET_PX = 30, 6, 160


@dataclass(frozen=True, slots=True)
class Found:
    """One face as it was found; `file` is its crop inside the found folder."""

    file: str
    page: str
    box: tuple[int, int, int, int]
    detector: str
    likelihood: float


def episodes_of(comics: Path) -> Iterator[tuple[str, Path]]:
    """Each webtoon's folder name and each of its episodes, in natural order."""
    for webtoon in sorted(path for path in comics.iterdir() if path.is_dir()):
        episodes = [p for p in webtoon.iterdir() if p.is_dir() or p.suffix.lower() in EPISODE_SUFFIXES]
        loose = any(p.suffix.lower() in PICTURE_SUFFIXES for p in webtoon.iterdir())
        for episode in [webtoon] if loose else sorted(episodes, key=lambda p: natural(p.name)):
            yield webtoon.name, episode


def find_faces(stages: Stages, comics: Path, found: Path) -> list[str]:
    """Detect and crop everywhere it was not done yet; returns a sentence for each thing left out."""
    notices: list[str] = []
    episodes = list(episodes_of(comics))
    if not episodes:
        raise WebcastError(
            f"{comics} holds no webtoon; lay it out as TITLE/EPISODE/page.jpg or TITLE/EPISODE.cbz."
        )
    for webtoon, episode in tqdm(episodes, desc="episodes", unit="episode"):
        folder = found / webtoon / folder_name(episode.stem)
        if not (folder / "faces.json").exists():
            find_on_episode(stages, episode, folder, notices)
    return notices


def find_on_episode(stages: Stages, episode: Path, folder: Path, notices: list[str]) -> None:
    """The good faces of one episode, each once; `faces.json` is written last, so its presence means all."""
    folder.mkdir(parents=True, exist_ok=True)
    seen, faces, left_out = Seen(), [], 0
    pages = find_pages([episode])
    bar = tqdm(total=len(pages), desc=episode.name, unit="page", leave=False)
    for done, part, picture in read_parts(pages, notices):
        for face in stages.detector.detect([Panel(picture, part.name)])[0]:
            if fault(face.crop) or not seen.is_new(face.crop):
                left_out += 1
                continue
            name = f"{len(faces):05d}.png"
            face.crop.save(folder / name)
            box = face.box.shifted(part.place.x0, part.place.y0)
            corners = (box.x0, box.y0, box.x1, box.y1)
            faces.append(Found(name, part.page, corners, face.detector, round(float(face.likelihood), 4)))
        bar.update(done - bar.n)
    bar.close()
    about = {"faces": [asdict(face) for face in faces], "left_out": left_out}
    partial = folder / "faces.partial"
    partial.write_text(json.dumps(about), encoding="utf-8")
    partial.replace(folder / "faces.json")


def build_dataset(
    stages: Stages, comics: Path, out: Path, count: int, reference: Path | None, everyone: bool
) -> datasets.DatasetDict:
    """Choose each webtoon's main character, or everybody, upscale, and save dataset and contact sheets."""
    genres, rows = read_about(comics), []
    rejected = {entry.url for entry in Ledger(out) if entry.outcome == REJECTED}
    for webtoon in sorted(path for path in (out / "found").iterdir() if path.is_dir()):
        found = [(file, face) for file, face in faces_of(webtoon) if f"{webtoon.name}/{file}" not in rejected]
        if not found:
            continue
        crops = [open_image(webtoon / file) for file, _ in found]
        vectors = stages.embedder.embed(enlarge(stages.upscaler, crops))
        probe = stages.embedder.embed([reference_head(stages, reference)])[0] if reference else None
        order = main_faces(vectors, len(found) if everyone else count, probe)
        similarity = vectors @ (vectors[order[0]] if probe is None else probe)
        contact_sheet([crops[i] for i in order], similarity[order]).save(out / f"{webtoon.name}.png")
        about = genres.get(webtoon.name, {"title": webtoon.name, "genre": ""})
        rows += [
            row_of(about, found[i], crops[i], float(similarity[i])) for i in tqdm(order, desc=webtoon.name)
        ]
    return save_dataset(stages, rows, out)


def faces_of(webtoon: Path) -> Iterator[tuple[str, Found]]:
    """The faces found in a webtoon, each with its crop's path inside that webtoon's folder."""
    for about in sorted(webtoon.glob("*/faces.json"), key=lambda path: natural(path.parent.name)):
        for face in json.loads(about.read_text(encoding="utf-8"))["faces"]:
            yield f"{about.parent.name}/{face['file']}", Found(**face)


def reference_head(stages: Stages, reference: Path) -> Image.Image:
    (faces,) = stages.detector.detect([Panel(open_image(reference), reference.name)])
    if not faces:
        raise WebcastError(f"No face was found on {reference.name}; give a frontal face as --reference.")
    return enlarge(stages.upscaler, [faces[0].crop])[0]


def row_of(about: dict[str, str], found: tuple[str, Found], crop: Image.Image, similarity: float) -> dict:
    file, face = found
    return {
        "image": crop,
        "webtoon": about["title"],
        "genre": about["genre"],
        "episode": Path(file).parent.name,
        "page": face.page,
        "box": list(face.box),
        "detector": face.detector,
        "likelihood": face.likelihood,
        "similarity": round(similarity, 4),
        "key": f"{folder_name(about['title'])}/{file}",
    }


def save_dataset(stages: Stages, rows: list[dict], out: Path) -> datasets.DatasetDict:
    """Upscale row by row and write train and test; raises `WebcastError` where no face is left."""
    if not rows:
        raise WebcastError("No face is left to write; give more or larger pages.")

    def upscaled(wanted: list[dict]) -> Iterator[dict]:
        for row in wanted:
            yield row | {"image": encoded(enlarge(stages.upscaler, [row["image"]])[0])}

    features = datasets.Features(
        {
            "image": datasets.Image(),
            **{
                name: datasets.Value("string")
                for name in ("webtoon", "genre", "episode", "page", "detector", "key")
            },
            "box": datasets.Sequence(datasets.Value("int32"), length=4),
            **{name: datasets.Value("float32") for name in ("likelihood", "similarity")},
        }
    )
    splits = {"train": [], "test": []}
    for row in rows:
        splits["test" if is_test_group(row["webtoon"]) else "train"].append(row)
    made = {
        name: datasets.Dataset.from_list(list(upscaled(tqdm(wanted, desc=name))), features=features)
        for name, wanted in splits.items()
        if wanted
    }
    dataset = datasets.DatasetDict(made)
    dataset.save_to_disk(str(out / "dataset"))
    return dataset


def encoded(image: Image.Image) -> dict[str, bytes]:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return {"bytes": buffer.getvalue()}


def contact_sheet(crops: Sequence[Image.Image], similarity: np.ndarray) -> Image.Image:
    """The nearest faces in rows, each with its similarity to the main character."""
    from PIL import ImageDraw, ImageFont

    shown = list(zip(crops, similarity, strict=True))[:SHEET_FACES]
    rows = -(-len(shown) // SHEET_COLUMNS)
    sheet = Image.new("RGB", (SHEET_COLUMNS * SHEET_PX, rows * (SHEET_PX + 24)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (crop, value) in enumerate(shown):
        x, y = number % SHEET_COLUMNS * SHEET_PX, number // SHEET_COLUMNS * (SHEET_PX + 24)
        sheet.paste(crop.resize((SHEET_PX, SHEET_PX), Image.Resampling.LANCZOS), (x, y))
        draw.text(
            (x + 6, y + SHEET_PX + 3), f"{number + 1}.  {value:.2f}", "black", ImageFont.load_default(16)
        )
    return sheet
