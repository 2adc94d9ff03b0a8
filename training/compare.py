"""Runs all parts of a stage on the same pictures: a table of quality and cost, and a sheet to look at.

    python -m training.compare detect --data ../shared/data --landmarks DIR --parts PARTS --out compared

The stages are detect, detect-photo, upscale, upscale-photo, main-faces, translate and match, or all. Each
part runs in a process of its own: its peak memory is what that process needed beyond the start. Time is of a
whole picture, loading left out, on the machine that the table names. A part whose weights are not here gets
an honest row. `--write` puts the tables between the marks in training/COMPARED.md.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from training.comparisons import COMPARISONS, MIB, Comparison, Meter, Outcome, Setup
from training.processes import fresh_processes
from webcast.build import parts_here
from webcast.errors import WebcastError
from webcast.hub import BUNDLE
from webcast.parts import JOIN, Listed

COMPARED = Path(__file__).parent / "COMPARED.md"
CELL_PX = 192
COSTS = ("s / picture", "peak MiB", "weights MiB")
NOT_HERE = "real weights not tried here"


def in_process(work: Callable, *arguments: Any) -> Any:
    """What the work gives, done in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=fresh_processes()) as executor:
        return executor.submit(work, *arguments).result()


def measure_alone(comparison: Comparison, setup: Setup, prepared: Any, name: str) -> Outcome:
    return comparison.measure(setup, prepared, name, Meter())


def list_alone(setup: Setup, stage: str) -> tuple[list[Listed], Path]:
    stages = setup.stages()
    return parts_here(stages, stage), stages.folder


def compare(comparison: Comparison, setup: Setup, out: Path) -> list[str]:
    """The lines of a stage's table in Markdown; its contact sheet is written to `out`."""
    listed, weights = in_process(list_alone, setup, comparison.stage)
    prepared = in_process(comparison.prepare, setup)
    header = ("part", *comparison.header, *COSTS)
    lines = [f"### {comparison.title}", "", row(header), "|---" * len(header) + "|"]
    columns: dict[str, list[Image.Image]] = {}
    for name in tqdm(comparison.names(listed), desc=comparison.title):
        outcome = in_process(measure_alone, comparison, setup, prepared, name)
        size = sum(size_mib(setup, weights, comparison.stage, part) for part in name.split()[0].split(JOIN))
        costs = (f"{outcome.seconds:.3f}", f"{outcome.peak_mib:.0f}", f"{size:.1f}" if size else "-")
        lines.append(row((name, *outcome.cells, *costs)))
        columns[name] = outcome.pictures
    absent = [(part.name, why_not(part)) for part in listed if not part.is_here]
    lines += [row((name, why, *[""] * (len(header) - 2))) for name, why in absent]
    sheet = contact_sheet(columns)
    sheet.save(out / f"{comparison.title.lower().replace(' ', '-')}.png")
    return lines


def why_not(part: Listed) -> str:
    """Nobody publishes what we have to train; the weights of all others are somewhere else."""
    is_ours = "train it" in part.missing and "or fetch" not in part.missing
    return "no trained weights here" if is_ours else NOT_HERE


def row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def size_mib(setup: Setup, weights: Path, stage: str, name: str) -> float:
    """The weights' files of a part; 0 where it has none or they come with a package."""
    kind = stage.removeprefix("photo_")
    folder = (setup.parts or weights / "parts") / name
    if not folder.is_dir():
        own = weights / kind
        folder = own if own.is_dir() and name not in ("none", "joined", "animeface", "haar") else folder
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    return sum(path.stat().st_size for path in files) / MIB


def contact_sheet(columns: dict[str, list[Image.Image]]) -> Image.Image:
    """A column for each part, and one picture below the other, in the order of the pictures."""
    rows = max((len(pictures) for pictures in columns.values()), default=0)
    sheet = Image.new("RGB", (CELL_PX * max(1, len(columns)), 24 + CELL_PX * rows), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for column, (name, pictures) in enumerate(columns.items()):
        draw.text((column * CELL_PX + 4, 5), name[:30], "black", font)
        for number, picture in enumerate(pictures):
            small = picture.copy()
            small.thumbnail((CELL_PX, CELL_PX), Image.Resampling.LANCZOS)
            sheet.paste(small, (column * CELL_PX, 24 + number * CELL_PX))
    return sheet


def machine() -> str:
    """Processor and number of cores, for tables that say how long something took."""
    names = [line.split(":", 1)[1].strip() for line in cpu_lines() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor() or 'unknown processor'}, {os.cpu_count()} cores"


def cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def told(arguments: Sequence[str], stage: str) -> list[str]:
    words = ["python -m training.compare", stage, *arguments]
    return ["", f"`{' '.join(words)}` on {machine()}.", ""]


def write(stage: str, lines: Sequence[str]) -> None:
    """Puts a stage's table between its marks in `COMPARED`."""
    text = COMPARED.read_text(encoding="utf-8")
    start, end = (f"<!-- {stage}: {mark} -->" for mark in ("start", "end"))
    before, found, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise WebcastError(f"{COMPARED} has no marks {start} and {end}; put them where the table belongs.")
    COMPARED.write_text("\n".join([before + start, *lines, end + after]), encoding="utf-8")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.compare",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", choices=(*COMPARISONS, "all"), help="what is compared")
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits/ and drawn/")
    parser.add_argument("--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz")
    parser.add_argument("--weights", type=Path, default=BUNDLE / "weights", help="default: the bundled ones")
    parser.add_argument("--parts", type=Path, help="folder of parts (default: parts/ in the weights)")
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and contact sheets")
    parser.add_argument("--count", type=int, default=40, help="pictures of each kind (default: 40)")
    parser.add_argument("--write", action="store_true", help="write the tables into training/COMPARED.md")
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    if args.count < 4:
        raise WebcastError(f"--count {args.count} measures nothing; take 4 pictures or more.")
    args.out.mkdir(parents=True, exist_ok=True)
    setup = Setup(args.data, args.landmarks, args.weights, args.parts, args.count)
    flags = ["--data ../shared/data --landmarks LANDMARKS", *(["--parts PARTS"] if args.parts else [])]
    flags += ["--out DIR", f"--count {args.count}"]
    for stage in COMPARISONS if args.stage == "all" else (args.stage,):
        lines = [*told(flags, stage), *compare(COMPARISONS[stage], setup, args.out)]
        print(*lines, sep="\n", flush=True)
        (args.out / f"{stage}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        if args.write:
            write(stage, lines)


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse(arguments)
    try:
        run(args)
    except WebcastError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
