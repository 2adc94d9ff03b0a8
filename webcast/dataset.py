"""A gallery on disk: a `datasets` dataset with a card, the same in a folder, in the bundle and on the Hub.

    README.md                               its YAML has `webcast: {embedder_id, embedder_revision}`
    data/train-00000-of-00001.parquet       person_id, name, gender, born, image, source, licence, embedding

What is read here may be a stranger's: pictures have to be inside it, for a path could name any file of
this machine, and they stay bytes until `images.open_image` lets them in.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import yaml
from huggingface_hub import DatasetCard, DatasetCardData
from PIL import Image

from webcast.errors import GalleryError, ImageError
from webcast.images import open_image
from webcast.photos import Photo, birth_year, unique_id
from webcast.types import Person, Portrait

PARQUET = "data/train-00000-of-00001.parquet"
CARD = "README.md"
REBUILD = "python -m webcast gallery build FOLDER --out DIR"


class StoredPortrait(Portrait):
    """A portrait kept as its file's bytes, which are decoded each time the picture is looked at.

    So a gallery of a hundred thousand portraits opens without decoding one of them.
    """

    __slots__ = ("encoded",)

    def __init__(self, person: Person, encoded: bytes, source: str = "", licence: str = "") -> None:
        fields = {"person": person, "encoded": encoded, "source": source, "licence": licence}
        for name, value in fields.items():
            object.__setattr__(self, name, value)  # Portrait is frozen

    @property
    def image(self) -> Image.Image:
        try:
            return open_image(self.encoded)
        except ImageError as error:
            raise GalleryError(
                f"A portrait of {self.person.name} in the gallery is not a usable picture: {error}"
            ) from None


def encode(image: Image.Image) -> bytes:
    """The picture as JPEG, for a portrait of 256 px about 20 kB."""
    file = BytesIO()
    image.save(file, "JPEG", quality=95)
    return file.getvalue()


def read_table(folder: Path) -> pa.Table | None:
    """The dataset in a folder, saved by `datasets` or as parquet files; None where there is none."""
    try:
        if (folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file():
            return _read_saved(folder)
        files = sorted(folder.glob("data/*.parquet")) or sorted(folder.glob("*.parquet"))
        return pa.concat_tables(pyarrow.parquet.read_table(file) for file in files) if files else None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise GalleryError(f"The dataset in {folder} cannot be read ({error}); build it again.") from None


def _read_saved(folder: Path) -> pa.Table:
    import datasets  # takes a second to import, and only this layout needs it

    saved = datasets.load_from_disk(str(folder))
    if isinstance(saved, datasets.DatasetDict):
        saved = datasets.concatenate_datasets(list(saved.values()))
    return saved.with_format("arrow")[:]


def read_photos(table: pa.Table, folder: Path) -> Iterator[Photo]:
    """The rows of a dataset; those of one `person_id` (or name, where there is none) are one person's."""
    wanted = {"person_id", "name", "gender", "born", "image", "source", "licence"}
    columns = wanted & set(table.column_names)
    if not {"name", "image"} <= columns:
        found = ", ".join(table.column_names)
        raise GalleryError(f"The dataset in {folder} needs the columns name and image; it has {found}.")
    people, taken = {}, set()
    for number, row in enumerate(table.select(sorted(columns)).to_pylist()):
        encoded = row["image"].get("bytes") if isinstance(row["image"], dict) else row["image"]
        if not isinstance(encoded, bytes) or not row["name"]:
            raise GalleryError(f"Row {number} of the dataset in {folder} has no name or no picture inside.")
        key = str(row.get("person_id") or row["name"])
        if key not in people:
            born, gender = birth_year(row.get("born"), path=folder), row.get("gender") or None
            if isinstance(row.get("gender"), int):
                raise GalleryError(
                    f"The column gender of the dataset in {folder} has numbers; write female or male into it."
                )
            people[key] = Person(unique_id(key, taken), str(row["name"]), gender, born)
            taken.add(people[key].id)
        about = {"source": row.get("source") or "", "licence": row.get("licence") or ""}
        yield Photo(people[key], encoded, f"row {number}", **about)


def read_embeddings(table: pa.Table, folder: Path) -> np.ndarray:
    """The embedding column as float32 (N, D)."""
    try:
        return np.stack(table["embedding"].to_numpy()).astype(np.float32)
    except (TypeError, ValueError):
        raise GalleryError(
            f"The embeddings in {folder} are not lists of numbers of one length; rebuild it: {REBUILD}"
        ) from None


def read_card(folder: Path) -> dict:
    """What the card says under `webcast:`; nothing where there is no card or it does not speak of webcast."""
    path = folder / CARD
    if not path.is_file():
        return {}
    try:
        told = DatasetCard(path.read_text(encoding="utf-8"), ignore_metadata_errors=True).data.to_dict()
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise GalleryError(f"The card {path} cannot be read ({error}); mend its YAML.") from None
    made_by = told.get("webcast")
    return made_by if isinstance(made_by, dict) else {}


def write_table(portraits: Sequence[Portrait], embeddings: np.ndarray, path: Path) -> None:
    """Writes the portraits and their embeddings as parquet with the features that the Hub's viewer shows."""
    import datasets  # takes a second to import, and casting never writes

    text, number = datasets.Value("string"), datasets.Value("float32")
    features = datasets.Features(
        person_id=text,
        name=text,
        gender=text,
        born=datasets.Value("int32"),
        image=datasets.Image(),
        source=text,
        licence=text,
        embedding=datasets.Sequence(number, length=embeddings.shape[1]),
    )
    columns = {
        "person_id": [portrait.person.id for portrait in portraits],
        "name": [portrait.person.name for portrait in portraits],
        "gender": [portrait.person.gender for portrait in portraits],
        "born": [portrait.person.born for portrait in portraits],
        "image": [{"bytes": _bytes_of(portrait), "path": None} for portrait in portraits],
        "source": [portrait.source for portrait in portraits],
        "licence": [portrait.licence for portrait in portraits],
        "embedding": list(embeddings),
    }
    datasets.Dataset.from_dict(columns, features=features).to_parquet(path)


def _bytes_of(portrait: Portrait) -> bytes:
    return portrait.encoded if isinstance(portrait, StoredPortrait) else encode(portrait.image)


def write_card(portraits: Sequence[Portrait], made_by: dict[str, str], name: str, path: Path) -> None:
    """Writes the dataset card: front matter for the Hub and for webcast, then what a reader has to know."""
    data = DatasetCardData(
        pretty_name=name, license="other", tags=["webcast", "image-feature-extraction"], webcast=made_by
    )
    text = CARD_TEXT.format(
        name=name,
        people=len({portrait.person for portrait in portraits}),
        portraits=len(portraits),
        origins=_origins(portraits),
        rebuild=REBUILD,
        **made_by,
    )
    path.write_text(f"---\n{data.to_yaml()}\n---\n\n{text}", encoding="utf-8")


def _origins(portraits: Sequence[Portrait]) -> str:
    """Rows of a Markdown table: each source and licence, and how many portraits have it."""
    counts = Counter((portrait.source, portrait.licence) for portrait in portraits)
    return "\n".join(
        f"| {_cell(source)} | {_cell(licence)} | {count} |"
        for (source, licence), count in sorted(counts.items())
    )


def _cell(text: str) -> str:
    """Text that cannot break out of its cell."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;") or "not said"


CARD_TEXT = """\
# {name}

A webcast gallery: {people} people, {portraits} portraits. Drawn faces are compared with these
portraits, and the results speak of resemblance, never of identification.

Each row has `person_id`, `name`, `gender` and `born` (a year), as the gallery's maker wrote
them, `image` (the head, at most 256 px), `source`, `licence` and `embedding`, a vector of length 1 made by
`{embedder_id}` ({embedder_revision}). Only the same embedder can be compared with it; for another, rebuild
the gallery: `{rebuild}`.

## Sources and licences

Each portrait carries its own in the columns `source` and `licence`.

| source | licence | portraits |
|---|---|---|
{origins}

## How to be removed

If you are shown here and do not want to be, open a discussion in this repository (or write to whoever
gave you this folder) with your name or the number of the row. The maker deletes every row of that
`person_id` and publishes the gallery anew; no reason is needed.

## Not for

Identifying people, surveillance, or any decision about a person.
"""
