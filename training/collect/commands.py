"""The commands of `python -m training.collect`: data in, a training set and a gallery out (README.md)."""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from training.collect import drawn, namesakes, people, portraits, titles, webtoons
from training.collect.door import NO_CONTACT, SECONDS_BETWEEN, Door
from training.collect.google import Google
from training.collect.naver import Naver
from training.collect.sources import Source
from training.collect.wikimedia import Wikimedia
from training.faces import development_photos
from webcast.__main__ import PART_FLAGS, PARTS_HELP
from webcast.build import load_stages
from webcast.caster import Stages
from webcast.errors import WebcastError
from webcast.parts import Parts

SOURCES = ("wikimedia", "naver", "google")
DOCS = Path(__file__).with_name("NAMESAKES.md")
FOR_PHOTOS = ("photo_detector", "photo_upscaler", "embedder")
DEFAULTS = {"photo_detector": "haar"}
OWN_PARTS = dict.fromkeys(PART_FLAGS, "the weights' own") | {
    "upscaler": "the first waifu2x in --parts, else the weights' own"
}
START, END = "<!-- measured by training.collect namesakes -->", "<!-- end of measured -->"


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    try:
        return args.run(args)
    except WebcastError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped; run the same command again to go on.", file=sys.stderr)
        return 130


def run_episodes(args: argparse.Namespace) -> int:
    url, title = args.webtoon, args.title
    if not url.startswith(("https://", "http://")):
        door = Door(args.allow_host, args.seconds_between, contact=args.contact)
        found = titles.find_webtoon(door, args.webtoon, *(args.site or ()))
        url, title = found.url, title or found.title
        print(f"{found.title} is at {url}")
    elif not title:
        raise WebcastError("An address needs --title, what to call the webtoon.")
    folder, notices = webtoons.download(
        url, title, args.genre, args.episodes, args.out, args.seconds_between, args.allow_host
    )
    tell(notices)
    print(f"The episodes are in {folder}")
    return 0


def run_drawn(args: argparse.Namespace) -> int:
    stages = stages_of(args)
    args.out.mkdir(parents=True, exist_ok=True)
    tell(drawn.find_faces(stages, args.comics, args.out / drawn.FOUND))
    made = drawn.build_dataset(stages, args.comics, args.out, args.count, args.reference, args.everyone)
    for split, rows in made.items():
        print(f"{split}: {rows} faces")
    print(f"The dataset is in {args.out / 'dataset'}, a contact sheet of each webtoon beside it.")
    print(f"Look it through: python -m training.curate {args.out}")
    return 0


def run_people(args: argparse.Namespace) -> int:
    if args.source == "wikimedia" and args.contact == NO_CONTACT:
        tell(["Wikimedia asks for a way to reach whoever asks it: say --contact YOUR-ADDRESS."])
    make_door = partial(Door, args.allow_host, args.seconds_between, contact=args.contact)
    problems = people.collect_people(
        people.read_names(args.names), source_of(args), make_door, args.out, args.count, args.processes
    )
    tell(problems)
    print(f"The photos are in {args.out}")
    return 2 if problems else 0


def tell(notices: Sequence[str]) -> None:
    for notice in notices:
        print(f"note: {notice}", file=sys.stderr)


def stages_of(args: argparse.Namespace) -> Stages:
    """The stages with the parts that the flags name, and what they are, told."""
    given = vars(args)
    chosen = {stage: given[stage] for stage in PART_FLAGS if given.get(stage)}
    if "upscaler" in given and "upscaler" not in chosen and (waifu2x := first_waifu2x(args.parts)):
        chosen["upscaler"] = waifu2x
    stages = load_stages(args.weights, args.device, Parts(**chosen, folder=args.parts))
    shown = [stage for stage in PART_FLAGS if stage in given]
    print(", ".join(f"{stage.replace('_', ' ')} {stages.names[stage]}" for stage in shown))
    return stages


def first_waifu2x(parts: str | None) -> str | None:
    """The first team enlarged drawn faces by waifu2x; its name, where the folder of parts has it."""
    return next((path.name for path in sorted(Path(parts).glob("waifu2x-*"))), None) if parts else None


def source_of(args: argparse.Namespace) -> Source:
    """The site of that name, or a mirror of it."""
    if args.source == "wikimedia":
        return Wikimedia(**({"wikidata": args.site[0], "commons": args.site[-1]} if args.site else {}))
    kind = {"naver": Naver, "google": Google}[args.source]
    return kind(**({"search": args.site[0]} if args.site else {}), faces_only=not args.any_picture)


def run_portraits(args: argparse.Namespace) -> int:
    stages = stages_of(args)
    names = people.read_names(args.names)
    tell(filter(None, [namesakes.notice_of(stages.embedder, args.limit)]))
    tell(portraits.choose_portraits(stages, names, args.photos, args.out, args.limit))
    print(f"The portraits are in {args.out}, every face with its source in {portraits.dataset_of(args.out)}.")
    print(f"Look the photos through: python -m training.curate {args.photos}")
    print(f"Then: python -m webcast gallery build {args.out} --out DIR")
    return 0


def run_namesakes(args: argparse.Namespace) -> int:
    stages = stages_of(args)
    paths = [
        photo.path for photo in development_photos(args.data, args.landmarks) if "lfw" in photo.path.parts
    ]
    points, count = namesakes.measure(stages, namesakes.photos_by_person(paths))
    best = namesakes.at_recall(points, namesakes.WANTED_RECALL)
    told = (
        f"{count} development people of five photos or more, one foreign face for every four of theirs; the"
        f" faces found by {stages.names['photo_detector']}, compared by {stages.embedder.id} "
        f"({stages.embedder.revision}). At recall {best.recall:.3f} precision is {best.precision:.3f}, which "
        f"is the limit to use, {best.limit:.3f}; without the filter precision is {points[0].precision:.3f}. "
        "The limit is chosen on these same people."
    )
    print(told, namesakes.as_table(points), sep="\n\n")
    if args.write:
        write_measured(told, points, best.limit, [stages.embedder.id, stages.embedder.revision])
    return 0


def write_measured(
    told: str, points: Sequence[namesakes.Point], limit: float, embedder: Sequence[str]
) -> None:
    """The curve into the docs, and the limit to where `namesakes.LIMIT` is read from."""
    measured = {"limit": round(limit, 3), "embedder": list(embedder)}
    namesakes.MEASURED.write_text(json.dumps(measured) + "\n", encoding="utf-8")
    DOCS.with_suffix(".svg").write_text(namesakes.as_svg(points), encoding="utf-8")
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(START)
    picture, table = "![precision over recall](NAMESAKES.svg)", namesakes.as_table(points)
    body = "\n\n".join([START, told, picture, table, END])
    DOCS.write_text(before + body + rest.partition(END)[2], encoding="utf-8")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.collect", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_episodes, add_drawn, add_people, add_portraits, add_namesakes):
        add(commands)
    return parser.parse_args(arguments)


def add_episodes(commands: Any) -> None:
    command = commands.add_parser("episodes", help="download episodes of a webtoon through gallery-dl")
    command.add_argument("webtoon", help="its title, or its list page on comic.naver.com or webtoons.com")
    command.add_argument("--title", help="what to call it, the folder's name (default: its title)")
    command.add_argument("--genre", default="", help="romance, action ...; a column of the dataset")
    command.add_argument("--episodes", default="1-5", help="by number, 3 or 1-10 (%(default)s)")
    command.add_argument("--out", type=Path, required=True, help="the folder of comics")
    command.add_argument("--site", nargs=2, help="other addresses of the two sites' search, of a mirror")
    add_door_flags(command)
    command.set_defaults(run=run_episodes)


def add_drawn(commands: Any) -> None:
    command = commands.add_parser("drawn", help="make a dataset of drawn faces from episodes")
    command.add_argument(
        "comics", type=Path, help="TITLE/EPISODE/page.jpg, or TITLE/EPISODE.cbz, .zip or .pdf"
    )
    command.add_argument("--count", type=int, default=250, help="faces of each main character (%(default)s)")
    command.add_argument(
        "--reference", type=Path, help="a picture of the main character; else the densest face"
    )
    command.add_argument("--everyone", action="store_true", help="all characters, not the main one alone")
    add_stage_flags(command, "detector", "upscaler", "embedder", "distance")
    add_out(command)
    command.set_defaults(run=run_drawn)


def add_people(commands: Any) -> None:
    command = commands.add_parser("people", help="fetch photos of people by name")
    command.add_argument("names", type=Path, nargs="?", default=people.NAMES, help="CSV: name, gender, query")
    command.add_argument("--source", choices=SOURCES, default="wikimedia", help="where to look (%(default)s)")
    command.add_argument("--count", type=int, default=20, help="photos of each person (%(default)s)")
    command.add_argument(
        "--processes", type=int, default=people.PROCESSES, help="names fetched at a time (%(default)s)"
    )
    command.add_argument("--any-picture", action="store_true", help="not only pictures that show a face")
    command.add_argument("--site", nargs="+", help="other addresses of the source, of a mirror of yours")
    add_door_flags(command)
    command.add_argument("--out", type=Path, required=True, help="the folder to write, one folder a person")
    command.set_defaults(run=run_people)


def add_portraits(commands: Any) -> None:
    command = commands.add_parser("portraits", help="choose each person's best photos for a gallery")
    command.add_argument("photos", type=Path, help="one folder of photos a person, as `people` writes them")
    command.add_argument("--names", type=Path, default=people.NAMES, help="CSV: name, gender")
    command.add_argument(
        "--limit", type=float, default=namesakes.LIMIT, help="lower keeps more (%(default)s)"
    )
    add_stage_flags(command, *FOR_PHOTOS)
    add_out(command)
    command.set_defaults(run=run_portraits)


def add_namesakes(commands: Any) -> None:
    command = commands.add_parser("namesakes", help="measure the filter of namesakes")
    command.add_argument("--data", type=Path, required=True, help="folder with portraits/ and lfw/")
    command.add_argument(
        "--landmarks", type=Path, required=True, help="folder with portraits.npz and lfw.npz"
    )
    command.add_argument("--write", action="store_true", help="write the curve into NAMESAKES.md")
    add_stage_flags(command, *FOR_PHOTOS)
    command.set_defaults(run=run_namesakes)


def add_door_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds-between", type=float, default=SECONDS_BETWEEN, help="requests to one host (%(default)s)"
    )
    parser.add_argument(
        "--allow-host", action="append", default=[], help="a host in a private network of yours"
    )
    parser.add_argument("--contact", default=NO_CONTACT, help="an address that the sites may write to you at")


def add_stage_flags(parser: argparse.ArgumentParser, *stages: str) -> None:
    parser.add_argument("--weights", help="a folder or a Hub id; else the bundle")
    parser.add_argument("--device", help="cuda, mps or cpu; else the fastest here")
    for stage in stages:
        default = DEFAULTS.get(stage)
        help_text = f"{PART_FLAGS[stage].partition(' (default')[0]} (default: {default or OWN_PARTS[stage]})"
        flag = f"--{stage.replace('_', '-')}"
        parser.add_argument(flag, metavar="NAME", default=default, help=help_text)
    parser.add_argument("--parts", metavar="P", help=PARTS_HELP)


def add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
