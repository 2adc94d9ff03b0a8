"""One stage, all of its parts, one picture of the user's: what each part makes of it, side by side.

`compare_stage` runs the parts that are here one after the other and gives a `Column` for each; those whose
weights are not here get a column that says what to fetch. `training.compare` measures the same parts on many
pictures.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from webcast.build import parts_here, with_parts
from webcast.caster import Page, Stages
from webcast.errors import NoFaceError, WebcastError
from webcast.gallery import Gallery
from webcast.heads import enlarge
from webcast.images import load_panels
from webcast.types import Face, Panel

STAGES = ("detector", "photo_detector", "upscaler", "photo_upscaler", "realizer", "embedder", "distance")
HEADS_SHOWN = 4
PHOTO_SIDE_PX = 128
NEAREST_SHOWN = 5

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What one part made of the picture.

    `picture` is None where the part is not here, and then `told` says what to fetch. Else `told` sums up what
    is seen (`3 faces`), and `seconds` is how long the part took, loading left out.
    """

    part: str
    label: str
    picture: Image.Image | None
    told: str
    seconds: float = 0.0


def compare_stage(
    stage: str,
    page: Page,
    stages: Stages,
    gallery: Gallery | None = None,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[Column]:
    """A column for each part of `stage`, one of `STAGES`, on one page (a path, a PIL image or a Panel).

    `detector` and `photo_detector` show the page with its faces boxed; `upscaler`, `photo_upscaler` and
    `realizer` the page's heads, up to `HEADS_SHOWN`, as the part makes them; `embedder` and `distance` the
    head of the largest face and the portraits of `gallery` nearest to it, whose portraits are embedded anew
    for each part. All other stages are those of `stages`. `names` are the parts to run, by default all that
    the stage has; `progress` is called with a part's name, how many are done and of how many.

    Raises `WebcastError` for another stage or part, a page without a face where heads are needed, and where
    `gallery` is missing for `embedder` and `distance`.
    """
    if stage not in STAGES:
        raise WebcastError(f"There is no stage {stage!r} to compare; choose one of {', '.join(STAGES)}.")
    (panel,), _ = load_panels([page])
    listed = {part.name: part for part in parts_here(stages, stage)}
    chosen = list(names) if names else list(listed)
    show = SHOWN[stage](panel, stages, gallery)
    columns = []
    for done, name in enumerate(chosen, start=1):
        missing = listed[name].missing if name in listed else ""
        label = listed[name].label if name in listed else name
        if missing:
            columns.append(Column(name, label, None, missing))
        else:
            changed = with_parts(stages, replace(stages.parts, **{stage: name}))
            picture, told, seconds = show(changed)
            columns.append(Column(name, label, picture, told, seconds))
        if progress:
            progress(name, done, len(chosen))
    return columns


Shown = tuple[Image.Image, str, float]
Show = Callable[[Stages], Shown]


def _boxes(panel: Panel, stages: Stages, gallery: Gallery | None) -> Show:
    return lambda changed: _boxed(panel, lambda: changed.detector.detect([panel])[0])


def _photo_boxes(panel: Panel, stages: Stages, gallery: Gallery | None) -> Show:
    return lambda changed: _boxed(
        panel, lambda: (changed.photo_detector or changed.detector).detect([panel])[0]
    )


def _boxed(panel: Panel, detect: Callable[[], list[Face]]) -> Shown:
    faces, seconds = timed(detect)
    told = "no face" if not faces else f"{len(faces)} face{'s' if len(faces) > 1 else ''}"
    return draw_faces(panel.image, faces), told, seconds


def draw_faces(image: Image.Image, faces: Sequence[Face]) -> Image.Image:
    """The picture with a box around each face, and its five points where the detector gave them."""
    picture, width = image.copy(), max(2, min(image.size) // 150)
    draw = ImageDraw.Draw(picture)
    for face in faces:
        box = face.box
        draw.rectangle((box.x0, box.y0, box.x1 - 1, box.y1 - 1), outline=(255, 0, 80), width=width)
        for x, y in face.points or ():
            draw.ellipse((x - width, y - width, x + width, y + width), fill=(0, 160, 255))
    return picture


def _heads(panel: Panel, stages: Stages) -> list[Image.Image]:
    (faces,) = stages.detector.detect([panel])
    if not faces:
        raise NoFaceError("No face was found on the picture; try one with a larger, frontal face.")
    return [face.crop for face in faces[:HEADS_SHOWN]]


def _enlarged(panel: Panel, stages: Stages, gallery: Gallery | None) -> Show:
    heads = _heads(panel, stages)

    def show(changed: Stages) -> Shown:
        made, seconds = timed(lambda: changed.upscaler.upscale(heads))
        return in_row(made), f"{made[0].width} x {made[0].height} px of {heads[0].width}", seconds

    return show


def _enlarged_photos(panel: Panel, stages: Stages, gallery: Gallery | None) -> Show:
    (faces,) = (stages.photo_detector or stages.detector).detect([panel])
    if not faces:
        raise NoFaceError("No face was found on the photo; try one with a larger, frontal face.")
    heads = [face.crop for face in faces[:HEADS_SHOWN]]
    for head in heads:
        head.thumbnail((PHOTO_SIDE_PX, PHOTO_SIDE_PX), Image.Resampling.LANCZOS)

    def show(changed: Stages) -> Shown:
        made, seconds = timed(lambda: (changed.photo_upscaler or changed.upscaler).upscale(heads))
        return in_row(made), f"{made[0].width} x {made[0].height} px of {heads[0].width}", seconds

    return show


def _realized(panel: Panel, stages: Stages, gallery: Gallery | None) -> Show:
    heads = enlarge(stages.upscaler, _heads(panel, stages))

    def show(changed: Stages) -> Shown:
        made, seconds = timed(lambda: changed.realizer.realize(heads))
        return in_row(made), f"{made[0].width} x {made[0].height} px", seconds

    return show


def _nearest(panel: Panel, stages: Stages, gallery: Gallery | None) -> Show:
    if gallery is None:
        raise WebcastError("Give a gallery: embedders and distances are compared by whom they find in it.")
    (head,) = enlarge(stages.upscaler, _heads(panel, stages)[:1])

    def show(changed: Stages) -> Shown:
        seen = changed.realizer.realize([head]) if changed.similarity == "realized" else [head]
        people = gallery.embedded_by(changed.embedder)
        probe, seconds = timed(lambda: changed.embedder.embed(seen))
        ((votes, _),) = people.search(probe, NEAREST_SHOWN)
        found = [vote.portrait.image for vote in votes]
        return in_row([*seen, *found]), ", ".join(vote.portrait.person.name for vote in votes), seconds

    return show


SHOWN: dict[str, Callable[[Panel, Stages, Gallery | None], Show]] = {
    "detector": _boxes,
    "photo_detector": _photo_boxes,
    "upscaler": _enlarged,
    "photo_upscaler": _enlarged_photos,
    "realizer": _realized,
    "embedder": _nearest,
    "distance": _nearest,
}


def timed(work: Callable) -> tuple:
    """What the work gives, and how many seconds it took."""
    start = time.perf_counter()
    given = work()
    return given, time.perf_counter() - start


def in_row(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures side by side, all as high as the highest."""
    height = max(picture.height for picture in pictures)
    fitted = list(_at_height(pictures, height))
    row = Image.new("RGB", (sum(picture.width for picture in fitted), height), "white")
    x = 0
    for picture in fitted:
        row.paste(picture, (x, 0))
        x += picture.width
    return row


def _at_height(pictures: Sequence[Image.Image], height: int) -> Iterator[Image.Image]:
    for picture in pictures:
        width = round(picture.width * height / picture.height)
        yield (
            picture if picture.height == height else picture.resize((width, height), Image.Resampling.LANCZOS)
        )
