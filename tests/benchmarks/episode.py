"""How long an episode takes, by stage, with how much memory, and what the same costs page after page.

    python -m tests.benchmarks.episode              60 pages of 800 x 1500 with some 150 faces, cast at once
    python -m tests.benchmarks.episode --strip      one strip of 800 x 100000
    python -m tests.benchmarks.episode --naive 3    3 of the pages, each cast by a fresh start of webcast,
    beside

The pages are composed of the bundled troupe's portraits under OpenCV's pencil, so that nothing but the
repository is needed. Memory is the most that the process held.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tests.benchmarks.cast import Stopwatch
from training.pages import compose
from webcast.build import load_caster
from webcast.gallery import Gallery
from webcast.images import head_box
from webcast.types import Box

PAGE, PAGES, FACES = (800, 1500), 60, 150
STRIP = (800, 100_000)
CHARACTERS = 12


def drawn_heads(gallery: Gallery) -> list[list[tuple[Image.Image, Box]]]:
    """Each character's portraits as pencil drawings, with their face boxes."""
    heads: dict[str, list[tuple[Image.Image, Box]]] = {}
    for portrait in gallery.portraits:
        if len(heads) == CHARACTERS and portrait.person.id not in heads:
            continue
        picture = portrait.image.resize((256, 256))
        drawn = cv2.pencilSketch(np.asarray(picture), sigma_s=40, sigma_r=0.1, shade_factor=0.05)[1]
        whole = head_box(Box(0, 0, 100, 100))
        scale = 256 / whole.width
        box = Box(*(round(v * scale) for v in (-whole.x0, -whole.y0, 100 - whole.x0, 100 - whole.y0)))
        heads.setdefault(portrait.person.id, []).append((Image.fromarray(drawn), box))
    return list(heads.values())


def write_pages(heads: list[list[tuple[Image.Image, Box]]], count: int, faces: int, folder: Path) -> None:
    """Pages of `PAGE` pixels with about `faces` faces on all of them."""
    rng = np.random.default_rng(0)
    for number in range(count):
        shown = faces * (number + 1) // count - faces * number // count
        people = rng.integers(len(heads), size=shown)
        page, _ = compose([heads[p][rng.integers(len(heads[p]))] for p in people], PAGE, rng)
        page.save(folder / f"page{number + 1}.png", compress_level=1)


def write_strip(folder: Path, path: Path) -> None:
    """The pages below each other as one strip of `STRIP` pixels, gutters between them."""
    strip = Image.new("RGB", STRIP, "white")
    pages = sorted(folder.iterdir())
    pitch = STRIP[1] // len(pages)
    for number, page in enumerate(pages):
        with Image.open(page) as picture:
            strip.paste(picture, (0, number * pitch))
    strip.save(path, compress_level=1)


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def naive_seconds(pages: list[Path], weights: str | None, out: Path) -> float:
    """How long a page takes that a fresh process casts, on average."""
    start = time.perf_counter()
    for page in pages:
        command = [sys.executable, "-m", "webcast", "cast", str(page), "--out", str(out)]
        command += ["--weights", weights] if weights else []
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode not in (0, 2):  # 2: no face is on the page, which takes as long to find out
            raise SystemExit(f"{page.name} was not cast: {done.stderr}")
    return (time.perf_counter() - start) / len(pages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--weights", help="the models (default: the bundled ones)")
    parser.add_argument("--pages", type=int, default=PAGES, help="how many")
    parser.add_argument("--faces", type=int, default=FACES, help="how many on all of them")
    parser.add_argument("--strip", action="store_true", help="as one strip of 800 x 100000")
    parser.add_argument("--naive", type=int, default=0, metavar="N", help="also cast N pages one by one")
    args = parser.parse_args()
    caster = load_caster(weights=args.weights)
    with tempfile.TemporaryDirectory() as name:
        folder, strip = Path(name) / "episode", Path(name) / "strip.png"
        folder.mkdir()
        write_pages(drawn_heads(caster.gallery), args.pages, args.faces, folder)
        if args.strip:
            write_strip(folder, strip)
        before, start, clock = peak_gb(), time.perf_counter(), Stopwatch()
        cast = caster.cast_episode([strip if args.strip else folder], progress=clock)
        whole = time.perf_counter() - start
        for stage, seconds in clock.seconds.items():
            print(f"{stage:12s} {seconds:7.1f} s")
        episode = cast.episode
        print(f"{'together':12s} {whole:7.1f} s, {len(episode.sightings)} faces, {len(cast.parts)} parts")
        print(f"memory       {peak_gb():7.2f} GB at most, {before:.2f} GB before")
        if args.naive:
            pages = sorted(folder.iterdir())[: args.naive]
            each = naive_seconds(pages, args.weights, Path(name) / "out")
            print(f"page by page {each:7.1f} s a page: {each * args.pages / whole:.1f} times as long")


if __name__ == "__main__":
    main()
