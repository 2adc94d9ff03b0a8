"""Throw away what does not belong in a data set, by looking: a page with the most suspicious pictures first.

    python -m training.curate FOLDER

FOLDER is what `training.collect people` or `training.collect drawn` wrote. A click on a picture, or the key x
over it, rejects it; u takes the last one back; s saves. Nothing is changed until then. Saving writes the
rejects into the ledgers (`ledger.jsonl`), so that no later run brings them back, moves rejected photos into a
hidden folder `.rejected` beside the others, and takes rejected faces out of the dataset.

Suspicious is what is unlike its group (the similarity that `drawn` or `portraits` found), blurred or small.
"""

import argparse
import html
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from shutil import rmtree

import datasets
import gradio as gr
from PIL import Image
from tqdm import tqdm

from training.collect.ledger import KEPT, REJECTED, Entry, Ledger
from training.collect.portraits import FACES, REJECTED_FOLDER
from training.collect.quality import BLURRED_BELOW, SMALLEST_PX, sharpness
from webcast.errors import ImageError, WebcastError
from webcast.images import open_image
from webcast.photos import PICTURE_SUFFIXES

A_PAGE, THUMB_PX = 48, 180
EVERYBODY = "everything"
HOW = (
    "Click a picture (or **x** over it) to reject it. **u** takes the last one back, **s** saves. "
    "Nothing is changed before you save."
)


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A picture that may be rejected: its group (a person, a webtoon), its thumbnail and its ledger's entry.

    `similarity` to the rest of its group is None where nobody measured it; `side_px` is that of the face, or
    of the photo.
    """

    ledger: Path
    entry: Entry
    group: str
    thumb: Image.Image
    similarity: float | None
    sharpness: float
    side_px: int

    @property
    def suspicion(self) -> float:
        """More for what is unlike, blurred, small: 0 to about 4."""
        unlike = 0.5 if self.similarity is None else 1 - self.similarity
        blurred = max(0.0, 1 - self.sharpness / (4 * BLURRED_BELOW))
        return unlike + blurred + max(0.0, 1 - self.side_px / (4 * SMALLEST_PX))

    @property
    def caption(self) -> str:
        alike = "" if self.similarity is None else f"{self.similarity:.2f} · "
        return f"{alike}{self.side_px} px · sharp {self.sharpness:.0f} · {self.group}"


def load_items(folder: Path) -> list[Item]:
    """The pictures of a folder that were not rejected yet, most suspicious first.

    Raises `WebcastError` where the folder is neither a data set of drawn faces nor photos of people.
    """
    if (folder / "dataset").is_dir():
        items = list(drawn_items(folder))
    else:
        people = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        items = [item for person in tqdm(people, desc="photos") for item in photo_items(person)]
    if not items:
        raise WebcastError(f"{folder} holds nothing to look through; name what `training.collect` wrote.")
    return sorted(items, key=lambda item: -item.suspicion)


def drawn_items(folder: Path) -> Iterator[Item]:
    for rows in datasets.load_from_disk(str(folder / "dataset")).values():
        for row in tqdm(rows, desc="faces"):
            x0, y0, x1, y1 = row["box"]
            entry, side = Entry(row["key"], KEPT), min(x1 - x0, y1 - y0)
            picture = row["image"].convert("RGB")
            yield item_of(folder, entry, row["webtoon"], picture, row["similarity"], side)


def photo_items(person: Path) -> Iterator[Item]:
    """The photos of one person's folder."""
    entries = {entry.file: entry for entry in Ledger(person) if entry.file}
    faces = person / FACES
    known = json.loads(faces.read_text(encoding="utf-8")) if faces.is_file() else {}
    for path in sorted(p for p in person.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES):
        try:
            picture = open_image(path)
        except ImageError:
            continue
        entry = entries.get(path.name) or Entry(path.name, KEPT, path.name)
        yield item_of(person, entry, person.name, picture, known.get(path.name), min(picture.size))


def item_of(
    ledger: Path, entry: Entry, group: str, picture: Image.Image, similarity: float | None, side_px: int
) -> Item:
    thumb = picture.copy()
    thumb.thumbnail((THUMB_PX, THUMB_PX))
    return Item(ledger, entry, group, thumb, similarity, sharpness(picture), side_px)


def save(folder: Path, rejected: Sequence[Item]) -> None:
    """Notes the rejects in their ledgers, and takes them out of the data set or from among the photos."""
    ledgers = {path: Ledger(path) for path in {item.ledger for item in rejected}}
    for item in rejected:
        ledgers[item.ledger].add(replace(item.entry, outcome=REJECTED))
        if item.entry.file:
            (item.ledger / REJECTED_FOLDER).mkdir(exist_ok=True)
            (item.ledger / item.entry.file).rename(item.ledger / REJECTED_FOLDER / item.entry.file)
    keys = {item.entry.url for item in rejected if not item.entry.file}
    if keys:
        drop_rows(folder / "dataset", keys)


def drop_rows(dataset: Path, keys: set[str]) -> None:
    """The dataset without those rows; it is replaced when the new one is whole."""
    saved, partial_ = datasets.load_from_disk(str(dataset)), dataset.with_name(".dataset.partial")
    kept = {
        side: rows.select([i for i, key in enumerate(rows["key"]) if key not in keys])
        for side, rows in saved.items()
    }
    rmtree(partial_, ignore_errors=True)
    datasets.DatasetDict(kept).save_to_disk(str(partial_))
    rmtree(dataset)
    partial_.rename(dataset)


def counts_table(items: Sequence[Item], gone: Sequence[int]) -> str:
    """Rows of HTML: each group, how many are left of it, how many were rejected here."""
    all_, out = Counter(item.group for item in items), Counter(items[i].group for i in gone)
    rows = "".join(
        f"<tr><td>{html.escape(group)}</td><td>{all_[group] - out[group]}</td><td>{out[group]}</td></tr>"
        for group in sorted(all_)
    )
    return f"<table><tr><th>of</th><th>left</th><th>rejected</th></tr>{rows}</table>"


KEYS = """() => document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea")) return;
  const press = (id) => document.querySelector(id + " button, button" + id)?.click();
  const shown = [...document.querySelectorAll("#grid .thumbnail-item")];
  const at = shown.findIndex((one) => one.matches(":hover, :focus"));
  if (event.key === "u") press("#undo");
  if (event.key === "s") press("#save");
  if (event.key === "x") (shown[at] ?? shown[0])?.click();
  if (event.key === "ArrowRight") shown[at + 1]?.focus();
  if (event.key === "ArrowLeft") shown[at - 1]?.focus();
})"""


def build_page(folder: Path, items: Sequence[Item]) -> gr.Blocks:
    """The page; what was rejected and not yet saved belongs to the visit."""
    saved: list[int] = []
    groups = sorted({item.group for item in items})

    def view(rejected: list[int], group: str, number: int, told: str = "") -> tuple:
        gone = set(saved) | set(rejected)
        inside = [i for i in range(len(items)) if i not in gone and group in (EVERYBODY, items[i].group)]
        pages = max(1, -(-len(inside) // A_PAGE))
        number = min(max(1, int(number or 1)), pages)
        shown = inside[(number - 1) * A_PAGE : number * A_PAGE]
        grid = [(items[i].thumb, items[i].caption) for i in shown]
        count = f"{len(inside)} pictures, page {number} of {pages}"
        status = told or f"{count}; {len(rejected)} rejected and not saved yet."
        table = counts_table(items, [*saved, *rejected])
        return rejected, shown, number, gr.Gallery(grid, selected_index=None), table, status

    def reject(rejected: list[int], shown: list[int], group: str, number: int, event: gr.SelectData) -> tuple:
        return view([*rejected, shown[event.index]], group, number)

    def undo(rejected: list[int], group: str, number: int) -> tuple:
        return view(rejected[:-1], group, number)

    def keep(rejected: list[int], group: str, number: int) -> tuple:
        new = [i for i in dict.fromkeys(rejected) if i not in saved]
        save(folder, [items[i] for i in new])
        saved.extend(new)
        return view([], group, number, f"Saved: {len(new)} pictures are rejected for good.")

    with gr.Blocks(title="webcast: look through", analytics_enabled=False) as page:
        gr.Markdown(f"## {folder.name}\n{HOW}")
        rejected, shown = gr.State([]), gr.State([])
        with gr.Row():
            group = gr.Dropdown([EVERYBODY, *groups], value=EVERYBODY, label="Of", elem_id="group")
            number = gr.Number(1, label="Page", precision=0, minimum=1, elem_id="page")
            undo_button = gr.Button("Undo (u)", elem_id="undo")
            save_button = gr.Button("Save (s)", variant="primary", elem_id="save")
        status = gr.Markdown(elem_id="status")
        with gr.Row():
            grid = gr.Gallery(columns=6, height="auto", allow_preview=False, show_label=False, elem_id="grid",
                              scale=4, object_fit="contain", interactive=False)  # fmt: skip
            table = gr.HTML(elem_id="counts")
        out, where = [rejected, shown, number, grid, table, status], [group, number]
        hidden = {"show_progress": "hidden", "api_visibility": "private"}
        page.load(view, [rejected, *where], out, **hidden)
        grid.select(reject, [rejected, shown, *where], out, **hidden)
        group.input(partial(view), [rejected, *where], out, **hidden)
        number.submit(view, [rejected, *where], out, **hidden)
        undo_button.click(undo, [rejected, *where], out, **hidden)
        save_button.click(keep, [rejected, *where], out, **hidden)
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.curate", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="what `training.collect people` or `drawn` wrote")
    parser.add_argument("--port", type=int, default=7861, help="of the page on this machine (%(default)s)")
    args = parser.parse_args(arguments)
    try:
        page = build_page(args.folder, load_items(args.folder))
    except WebcastError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page.launch(server_name="127.0.0.1", server_port=args.port, js=KEYS, share=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
