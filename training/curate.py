"""Throw away what does not belong in a data set, by looking: a page with the most suspicious pictures first.

    python -m training.curate FOLDER

FOLDER is what `training.collect people` or `training.collect drawn` wrote. A click on a picture, or the key
x, rejects it; among the rejected ones it brings it back. The arrows go from picture to picture, u takes the
last decision back, also a saved one, s saves. Nothing is changed until then. Saving writes the decisions into
the ledgers (`ledger.jsonl`), so that no later run brings rejects back, moves rejected photos into a hidden
folder `.rejected` beside the others, and rejected faces from the dataset into one of that name. Nothing is
deleted before `--delete-rejected` says so.

Suspicious is what is unlike its group (the similarity that `drawn` or `portraits` found), blurred or small.
"""

import argparse
import html
import io
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

from training.collect import needed
from training.collect.ledger import KEPT, REJECTED, Entry, Ledger
from webcast.errors import ImageError, WebcastError
from webcast.images import open_image
from webcast.photos import PICTURE_SUFFIXES

try:
    from training.collect.portraits import FACES, REJECTED_FOLDER
    from training.collect.quality import BLURRED_BELOW, SMALLEST_PX, sharpness
    from training.collect.rows import read_sides, save_sides
except ModuleNotFoundError as missing:
    sys.exit(needed(missing))

A_PAGE, THUMB_PX = 48, 180
EVERYBODY = "everything"
TO_KEEP, THROWN_AWAY = "to keep", "rejected"
DATASET = "dataset"
HOW = (
    "Click a picture to reject it (keys: arrows and **x**); under *rejected*, to bring it back. **u** takes "
    "the last decision back, **s** saves. Nothing is changed before you save, and nothing is deleted then."
)


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A picture that may be rejected: its group (a person, a webtoon), its thumbnail and its ledger's entry.

    The thumbnail is kept as a JPEG, for there may be ten thousand of them. `similarity` to the rest of its
    group is None where nobody measured it; `side_px` is that of the face, or of the photo.
    """

    ledger: Path
    entry: Entry
    group: str
    thumb: bytes
    similarity: float | None
    sharpness: float
    side_px: int

    @property
    def is_rejected(self) -> bool:
        return self.entry.outcome == REJECTED

    @property
    def suspicion(self) -> float:
        """More for what is unlike, blurred, small: 0 to about 4."""
        unlike = 0.5 if self.similarity is None else 1 - self.similarity
        blurred = max(0.0, 1 - self.sharpness / (4 * BLURRED_BELOW))
        return unlike + blurred + max(0.0, 1 - self.side_px / (4 * SMALLEST_PX))

    @property
    def caption(self) -> str:
        alike = "" if self.similarity is None else f"{self.similarity:.2f} · "
        return f"{alike}{self.group} · {self.side_px} px · sharp {self.sharpness:.0f}"


def load_items(folder: Path) -> list[Item]:
    """The pictures of a folder, most suspicious first; the rejected ones too, while they are not deleted.

    Raises `WebcastError` where the folder is neither a data set of drawn faces nor photos of people.
    """
    if (folder / DATASET).is_dir():
        items = list(drawn_items(folder))
    else:
        people = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        items = [item for person in tqdm(people, desc="photos") for item in photo_items(person)]
    if not items:
        raise WebcastError(f"{folder} holds nothing to look through; name what `training.collect` wrote.")
    return sorted(items, key=lambda item: -item.suspicion)


def drawn_items(folder: Path) -> Iterator[Item]:
    outcomes = {entry.url: entry.outcome for entry in Ledger(folder)}
    seen: set[str] = set()
    for rows in [*read_sides(folder / DATASET).values(), *read_sides(folder / REJECTED_FOLDER).values()]:
        for row in tqdm(rows, desc="faces"):
            if row["key"] in seen:  # a run was killed while it moved it
                continue
            seen.add(row["key"])
            x0, y0, x1, y1 = row["box"]
            entry, side = Entry(row["key"], outcomes.get(row["key"], KEPT)), min(x1 - x0, y1 - y0)
            picture = row["image"].convert("RGB")
            yield item_of(folder, entry, row["webtoon"], picture, row["similarity"], side)


def photo_items(person: Path) -> Iterator[Item]:
    """The photos of one person's folder."""
    entries = {entry.file: entry for entry in Ledger(person) if entry.file}
    faces = person / FACES
    known = json.loads(faces.read_text(encoding="utf-8")) if faces.is_file() else {}
    for path in sorted([*person.iterdir(), *person.glob(f"{REJECTED_FOLDER}/*")]):
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            continue
        try:
            picture = open_image(path)
        except ImageError:
            continue
        entry = entries.get(path.name) or Entry(path.name, KEPT, path.name)
        yield item_of(person, entry, person.name, picture, known.get(path.name), min(picture.size))


def item_of(
    ledger: Path, entry: Entry, group: str, picture: Image.Image, similarity: float | None, side_px: int
) -> Item:
    thumb, small = io.BytesIO(), picture.copy()
    small.thumbnail((THUMB_PX, THUMB_PX))
    small.save(thumb, format="JPEG", quality=90)
    return Item(ledger, entry, group, thumb.getvalue(), similarity, sharpness(picture), side_px)


def save(folder: Path, decided: Sequence[Item]) -> list[Item]:
    """Turns the decision about each item over, rejected or not, and returns the items as they are now.

    The ledgers note it; photos and the dataset's rows go to where rejected ones lie, or come back.
    """
    ledgers = {path: Ledger(path) for path in {item.ledger for item in decided}}
    turned = []
    for item in decided:
        now = replace(item, entry=replace(item.entry, outcome=KEPT if item.is_rejected else REJECTED))
        ledgers[item.ledger].add(now.entry)
        if item.entry.file:
            move_photo(item.ledger, item.entry.file, now.is_rejected)
        turned.append(now)
    for is_rejected in (True, False):
        keys = {i.entry.url for i in turned if not i.entry.file and i.is_rejected == is_rejected}
        if keys:
            places = (folder / DATASET, folder / REJECTED_FOLDER)
            move_rows(*(places if is_rejected else reversed(places)), keys)
    return turned


def move_photo(person: Path, file: str, is_rejected: bool) -> None:
    rejected = person / REJECTED_FOLDER
    rejected.mkdir(exist_ok=True)
    source, target = (person, rejected) if is_rejected else (rejected, person)
    if (source / file).is_file():
        (source / file).replace(target / file)


def move_rows(source: Path, target: Path, keys: set[str]) -> None:
    """Moves the rows of those keys to another dataset, to the side where their webtoon's others are.

    They are written there before they are taken out here, so that a run that is killed loses none.
    """
    here, there = read_sides(source), read_sides(target)
    side_of = {webtoon: side for side, rows in there.items() for webtoon in rows["webtoon"]}
    new = keys - {key for rows in there.values() for key in rows["key"]}
    for side, rows in here.items():
        goals: dict[str, list[int]] = {}
        for i, (key, webtoon) in enumerate(zip(rows["key"], rows["webtoon"], strict=True)):
            if key in new:
                goals.setdefault(side_of.get(webtoon, side), []).append(i)
        for goal, places in goals.items():
            before = [there[goal]] if goal in there else []
            there[goal] = datasets.concatenate_datasets([*before, rows.select(places)])
        here[side] = rows.select([i for i, key in enumerate(rows["key"]) if key not in keys])
    save_sides(there, target)
    save_sides(here, source)


def delete_rejected(folder: Path) -> int:
    """Deletes for good what was rejected, and returns from how many folders; the decisions stay noted."""
    places = [
        place for place in (folder / REJECTED_FOLDER, *folder.glob(f"*/{REJECTED_FOLDER}")) if place.is_dir()
    ]
    for place in places:
        rmtree(place)
    return len(places)


def counts_table(items: Sequence[Item], out: set[int]) -> str:
    """Rows of HTML: each group, how many are left of it, how many are rejected."""
    all_, gone = Counter(item.group for item in items), Counter(items[i].group for i in out)
    rows = "".join(
        f"<tr><td>{html.escape(group)}</td><td>{all_[group] - gone[group]}</td><td>{gone[group]}</td></tr>"
        for group in sorted(all_)
    )
    return f"<table><tr><th>of</th><th>left</th><th>rejected</th></tr>{rows}</table>"


class Visit:
    """What somebody decided on the page: by item, what is not saved yet; and in order, what was before."""

    def __init__(self) -> None:
        self.wanted: dict[int, bool] = {}
        self.history: list[tuple[int, bool]] = []

    def is_out(self, items: Sequence[Item], i: int) -> bool:
        return self.wanted.get(i, items[i].is_rejected)

    def turn(self, items: Sequence[Item], i: int) -> None:
        self.history.append((i, self.is_out(items, i)))
        self.wanted[i] = not self.is_out(items, i)

    def undo(self) -> None:
        """The last decision as it was before, whether it is saved or not."""
        if self.history:
            i, before = self.history.pop()
            self.wanted[i] = before

    def unsaved(self, items: Sequence[Item]) -> list[int]:
        return [i for i, is_out in self.wanted.items() if is_out != items[i].is_rejected]


KEYS = """() => {
  let at = 0, byKeys = false;
  const shown = () => [...document.querySelectorAll("#grid .thumbnail-item")];
  const look = (i) => { at = Math.max(0, Math.min(i, shown().length - 1)); shown()[at]?.focus(); };
  const press = (id) => document.querySelector(id + " button, button" + id)?.click();
  const across = () => shown().filter((one) => one.offsetTop === shown()[0].offsetTop).length;
  const reject = () => {
    const pointed = shown().findIndex((one) => one.matches(":hover"));
    shown()[byKeys || pointed < 0 ? at : pointed]?.click();
    if (!byKeys) return;
    let times = 0;  // the pictures are drawn anew, and the one that moved up is looked at
    const again = setInterval(() => { look(at); if (++times === 8) clearInterval(again); }, 100);
  };
  document.addEventListener("mousemove", () => { byKeys = false; });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea")) return;
    const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: across(), ArrowUp: -across()};
    if (event.key in steps) {
      event.preventDefault();
      look(byKeys ? at + steps[event.key] : 0);
      byKeys = true;
    }
    if (event.key === "x") reject();
    if (event.key === "u") press("#undo");
    if (event.key === "s") press("#save");
  });
}"""

CSS = """
#grid .thumbnail-item:focus { outline: 4px solid #d9480f; outline-offset: -4px; }
#grid .caption-label {
  left: 0; right: 0; bottom: 0; max-width: 100%; padding: 1px 6px; border-radius: 0; font-size: 11px;
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
}
#counts table { width: 100%; }
#counts td, #counts th { text-align: left; padding: 2px 8px; }
@media (max-width: 640px) {
  #look { flex-direction: column; }
  #look > * { width: 100%; }
  #grid .grid-container { grid-template-columns: repeat(3, 1fr) !important; }
}
"""


def shown(items: Sequence[Item], visit: Visit, which: str, group: str, number: int, told: str = "") -> tuple:
    """What the page shows: the visit, which items, the page's number, the grid, the counts and a sentence."""
    out = {i for i in range(len(items)) if visit.is_out(items, i)}
    inside = [
        i
        for i in range(len(items))
        if (i in out) == (which == THROWN_AWAY) and group in (EVERYBODY, items[i].group)
    ]
    pages = max(1, -(-len(inside) // A_PAGE))
    number = min(max(1, int(number or 1)), pages)
    here = inside[(number - 1) * A_PAGE : number * A_PAGE]
    grid = [(Image.open(io.BytesIO(items[i].thumb)), items[i].caption) for i in here]
    count = f"{len(inside)} pictures {which}, page {number} of {pages}"
    status = told or f"{count}; {len(visit.unsaved(items))} decisions not saved yet."
    return visit, here, number, gr.Gallery(grid, selected_index=None), counts_table(items, out), status


def save_visit(folder: Path, items: list[Item], visit: Visit) -> str:
    """Saves what was decided, puts the items in their places as they are now, and says what it did."""
    changed = visit.unsaved(items)
    for i, item in zip(changed, save(folder, [items[i] for i in changed]), strict=True):
        items[i] = item
    visit.wanted.clear()
    rejected = sum(items[i].is_rejected for i in changed)
    return f"Saved: {rejected} rejected, {len(changed) - rejected} brought back."


def build_page(folder: Path, items: list[Item]) -> gr.Blocks:
    """The page; what is decided and not yet saved belongs to the visit, and `items` are as they are saved."""
    groups = sorted({item.group for item in items})
    view = partial(shown, items)

    def turn(visit: Visit, here: list[int], event: gr.SelectData, *where: object) -> tuple:
        visit.turn(items, here[event.index])
        return view(visit, *where)

    def undo(visit: Visit, *where: object) -> tuple:
        visit.undo()
        return view(visit, *where)

    def keep(visit: Visit, *where: object) -> tuple:
        return view(visit, *where, told=save_visit(folder, items, visit))

    with gr.Blocks(title="webcast: look through", analytics_enabled=False) as page:
        gr.Markdown(f"## {folder.name}\n{HOW}")
        visit, here = gr.State(Visit()), gr.State([])
        with gr.Row():
            which = gr.Radio([TO_KEEP, THROWN_AWAY], value=TO_KEEP, label="Show", elem_id="which")
            group = gr.Dropdown([EVERYBODY, *groups], value=EVERYBODY, label="Of", elem_id="group")
            number = gr.Number(1, label="Page", precision=0, minimum=1, elem_id="page")
            undo_button = gr.Button("Undo (u)", elem_id="undo")
            save_button = gr.Button("Save (s)", variant="primary", elem_id="save")
        status = gr.Markdown(elem_id="status")
        with gr.Row(elem_id="look"):
            grid = gr.Gallery(columns=6, height="auto", allow_preview=False, show_label=False, elem_id="grid",
                              scale=4, object_fit="contain", interactive=False)  # fmt: skip
            table = gr.HTML(elem_id="counts")
        out, where = [visit, here, number, grid, table, status], [which, group, number]
        hidden = {"show_progress": "hidden", "api_visibility": "private"}
        page.load(view, [visit, *where], out, **hidden)
        grid.select(turn, [visit, here, *where], out, **hidden)
        which.input(view, [visit, *where], out, **hidden)
        group.input(view, [visit, *where], out, **hidden)
        number.submit(view, [visit, *where], out, **hidden)
        undo_button.click(undo, [visit, *where], out, **hidden)
        save_button.click(keep, [visit, *where], out, **hidden)
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.curate", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="what `training.collect people` or `drawn` wrote")
    parser.add_argument("--port", type=int, default=7861, help="of the page on this machine (%(default)s)")
    parser.add_argument("--delete-rejected", action="store_true", help="delete what was rejected, for good")
    args = parser.parse_args(arguments)
    if args.delete_rejected:
        print(
            f"Deleted what was rejected, {delete_rejected(args.folder)} folders; it stays out of later runs."
        )
        return 0
    try:
        page = build_page(args.folder, load_items(args.folder))
    except WebcastError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page.launch(server_name="127.0.0.1", server_port=args.port, js=KEYS, css=CSS, share=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
