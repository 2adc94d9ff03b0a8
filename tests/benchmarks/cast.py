"""How long a cast takes, stage by stage, and against a naive run: python -m tests.benchmarks.cast

A page of 1000 x 1000 px with one face is cast `--repeat` times with everything loaded; the median of each
stage is printed. That nothing is loaded again is enforced: reading weights or a gallery then raises. The
naive run loads everything for every page, embeds the gallery anew one portrait at a time, and takes one face
at a time.
"""

import argparse
import os
import statistics
import time
from collections import defaultdict
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image

from webcast import load_caster
from webcast.caster import Caster
from webcast.types import CastResult

PAGE_SIDE_PX, FACE_SIDE_PX = 1000, 220
LIMIT_S = 3.0


def a_page(caster: Caster, faces: int = 1) -> Image.Image:
    """White, with portraits of the gallery in place of drawn faces, small enough to be upscaled."""
    page = Image.new("RGB", (PAGE_SIDE_PX, PAGE_SIDE_PX), "white")
    for number in range(faces):
        portrait = caster.gallery.portraits[number % len(caster.gallery.portraits)].image
        corner = (60 + 300 * (number % 3), 60 + 300 * (number // 3))
        page.paste(portrait.resize((FACE_SIDE_PX, FACE_SIDE_PX)), corner)
    return page


class Stopwatch:
    """Called as `progress`: the time since the last call belongs to the stage that calls."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._last = time.perf_counter()

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.perf_counter()
        self.seconds[stage] += now - self._last
        self._last = now


def cast_loaded(caster: Caster, page: Image.Image) -> tuple[dict[str, float], CastResult]:
    """Seconds of each stage of one cast that may read neither weights nor a gallery."""
    refuse = {"side_effect": AssertionError("something was loaded again")}
    with patch("webcast.weights.load_file", **refuse), patch("webcast.gallery.read_table", **refuse):
        watch = Stopwatch()
        result = caster.cast([page], progress=watch)
    return dict(watch.seconds), result


def cast_naively(args: argparse.Namespace, page: Image.Image) -> tuple[float, CastResult]:
    """Seconds of one cast from nothing, and its result."""
    start = time.perf_counter()
    caster = load_caster(args.gallery, args.weights, args.device)
    rows = [caster.stages.embedder.embed([portrait.image]) for portrait in caster.gallery.portraits]
    np.testing.assert_allclose(np.concatenate(rows), caster.gallery.embeddings, atol=0.05)
    for face in caster.detect(page):
        result = caster.cast([page], faces=[face])
    return time.perf_counter() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gallery", help="a folder or a Hub id (default: the bundle)")
    parser.add_argument("--weights", help="a folder or a Hub id (default: the bundle)")
    parser.add_argument("--device", help="cuda, mps or cpu (default: the first that is here)")
    parser.add_argument("--repeat", type=int, default=5, help="casts to take the median of (default: 5)")
    args = parser.parse_args()

    start = time.perf_counter()
    caster = load_caster(args.gallery, args.weights, args.device)
    loaded = time.perf_counter() - start
    page = a_page(caster)
    cast_loaded(caster, page)  # the first one warms up caches and threads
    runs = [cast_loaded(caster, page) for _ in range(args.repeat)]
    total = statistics.median(sum(seconds.values()) for seconds, _ in runs)
    naive, naive_result = cast_naively(args, page)
    assert naive_result.standings[0].person == runs[0][1].standings[0].person

    load = os.getloadavg()[0]
    print(f"{caster.device}, {torch.get_num_threads()} threads, {os.cpu_count()} cores, load {load:.1f}")
    print(f"gallery of {len(caster.gallery.portraits)}, {len(runs[0][1].ballots)} face(s) found")
    print(f"load, once   {loaded:7.3f} s")
    for stage in runs[0][0]:
        print(f"{stage:<12} {statistics.median(seconds[stage] for seconds, _ in runs):7.3f} s")
    print(f"cast, loaded {total:7.3f} s   (asked for: under {LIMIT_S:.0f} s)")
    print(f"cast, naive  {naive:7.3f} s   {naive / total:.1f} times as long")


if __name__ == "__main__":
    main()
