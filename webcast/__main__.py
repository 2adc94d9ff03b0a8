"""The command line: `python -m webcast cast PAGE... --out DIR` and its smaller sisters.

A mistake of the user is one sentence on stderr and exit code 2; Ctrl-C is exit code 130.
"""

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from webcast.errors import WebcastError
from webcast.korean import LANGUAGES, said
from webcast.parts import Parts
from webcast.words import word

if TYPE_CHECKING:
    from webcast.gallery import Gallery
    from webcast.hub import Pulled
    from webcast.selection import Filters

# What imports torch is imported where it is used, so that --help answers at once.


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    args = build_parser().parse_args(argv)
    try:
        args.run(args)
    except WebcastError as error:
        print(f"webcast: {said(str(error), getattr(args, 'lang', 'en'))}", file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"webcast: {error.filename or 'A file'} cannot be read or written ({error.strerror}).",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _cast(args: argparse.Namespace) -> None:
    from webcast.build import load_caster
    from webcast.sheet import write_sheet

    if args.episode:
        return _cast_episode(args)
    _refuse_without_episode(args)
    out, pages = _new_folder(args.out), _pages(args.pages)
    gallery = args.gallery[0] if args.gallery else None
    caster = load_caster(gallery, args.weights, args.device, _parts_of(args))
    with Bars() as progress:
        result = caster.cast(pages, args.faces, progress, args.similarity, args.gender)
    written = write_sheet(result, out, args.lang)
    _tell(result.notices, args.lang)
    for place, standing in enumerate(result.standings[:5], start=1):
        told = {"name": standing.person.name, "votes": standing.votes, "similarity": standing.similarity}
        print(word("place", args.lang, place=place, **told))
    print(word("written", args.lang, count=len(written), folder=out))


def _cast_episode(args: argparse.Namespace) -> None:
    from webcast.build import load_caster, with_galleries
    from webcast.episode_sheet import write_episode
    from webcast.episode_words import character_name, part_verdict, player
    from webcast.share_card import leading_ballot

    if args.faces or args.gender:
        raise WebcastError("--faces and --gender are for one character; leave them out with --episode.")
    out, filters = _new_folder(args.out), _filters(args)
    first, *others = args.gallery or [None]
    caster = load_caster(first, args.weights, args.device, _parts_of(args))
    caster = with_galleries(caster, others)
    with Bars() as progress:
        cast = caster.cast_episode(args.pages, filters, progress, args.similarity)
        played = [part for part in cast.parts if part.person and part.ballots]
        why = {}
        for done, part in enumerate(played, start=1):
            why[part.character.id] = caster.explain(leading_ballot(part), part.person, args.similarity)
            progress("explain", done, len(played))
    written = write_episode(cast, out, args.lang, why)
    _tell(cast.notices, args.lang)
    for part in cast.parts:
        print(
            f"{character_name(part.character, args.lang)}  {part_verdict(part, args.lang)}: "
            f"{player(part, args.lang)}"
        )
    print(word("written", args.lang, count=len(written), folder=out))


def _filters(args: argparse.Namespace) -> "Filters":
    from webcast.selection import Filters

    youngest, oldest = args.age or (None, None)
    return Filters(args.actor_gender, youngest, oldest, tuple(args.shortlist), tuple(args.without))


def _refuse_without_episode(args: argparse.Namespace) -> None:
    """Options that only an episode has are not passed over in silence."""
    given = {
        "--actor-gender": args.actor_gender,
        "--age": args.age,
        "--shortlist": args.shortlist,
        "--without": args.without,
        "a second --gallery": len(args.gallery or ()) > 1,
    }
    if unfit := [option for option, is_given in given.items() if is_given]:
        raise WebcastError(f"{', '.join(unfit)} needs --episode; add it, or leave that out.")


def _detect(args: argparse.Namespace) -> None:
    from webcast.build import load_stages
    from webcast.images import load_panels
    from webcast.sheet import draw_boxes

    out = _new_folder(args.out) if args.out else None
    panels, notices = load_panels(_pages(args.pages))
    detector, number = load_stages(args.weights, args.device, _parts_of(args)).detector, 0
    for place, panel in enumerate(panels):
        (faces,) = detector.detect([panel])
        marks = [(index, face, False) for index, face in enumerate(faces, start=number)]
        number += len(faces)
        if out:
            draw_boxes(panel, marks).save(out / _file_name(place, panel.name))
        for index, face, _ in marks:
            box = face.box
            print(f"{index}  {panel.name}  x {box.x0}-{box.x1}  y {box.y0}-{box.y1}  {face.detector}")
    _tell(notices)
    if not number:
        raise WebcastError("No drawn face was found; try a page with a larger, frontal face.")


def _upscale(args: argparse.Namespace) -> None:
    from webcast.build import load_stages
    from webcast.images import load_panels

    out = _new_folder(args.out)
    panels, notices = load_panels(_pages(args.pages))
    upscaler = load_stages(args.weights, args.device, _parts_of(args)).upscaler
    with Bars() as progress:
        for place, panel in enumerate(panels):
            (large,) = upscaler.upscale([panel.image])
            large.save(out / _file_name(place, panel.name))
            progress("upscale", place + 1, len(panels))
    _tell(notices)
    print(f"{len(panels)} files in {out}")


def _realize(args: argparse.Namespace) -> None:
    from webcast.build import load_stages
    from webcast.caster import enlarge
    from webcast.images import load_panels

    out = _new_folder(args.out)
    panels, notices = load_panels(_pages(args.pages))
    stages, number = load_stages(args.weights, args.device, _parts_of(args)), 0
    with Bars() as progress:
        for place, panel in enumerate(panels):
            (faces,) = stages.detector.detect([panel])
            heads = enlarge(stages.upscaler, [face.crop for face in faces])
            for photo in stages.realizer.realize(heads):
                photo.save(out / _file_name(number, panel.name))
                number += 1
            progress("realize", place + 1, len(panels))
    _tell(notices)
    if not number:
        raise WebcastError("No drawn face was found; try a page with a larger, frontal face.")
    print(f"{number} files in {out}")


def _draw(args: argparse.Namespace) -> None:
    from webcast.build import load_stages, with_drawer
    from webcast.errors import NoFaceError
    from webcast.images import load_panels

    out = _new_folder(args.out)
    panels, notices = load_panels(_pages(args.pages))
    stages, number = load_stages(args.weights, args.device, _parts_of(args)), 0
    if args.drawer:
        stages = with_drawer(stages, args.drawer)
    with Bars() as progress:
        for place, panel in enumerate(panels):
            try:
                (drawing,) = stages.draw([panel])
                drawing.save(out / _file_name(place, panel.name))
                number += 1
            except NoFaceError as error:
                notices.append(str(error))
            progress("draw", place + 1, len(panels))
    _tell(notices)
    if not number:
        raise WebcastError("No face was found; try a photo with a larger, frontal face.")
    print(f"{number} files in {out}")


def _gallery_build(args: argparse.Namespace) -> None:
    from webcast.build import load_stages
    from webcast.gallery import build_gallery, check_replaceable
    from webcast.hub import pull_gallery

    check_replaceable(args.out)
    source, stages = pull_gallery(args.folder).folder, load_stages(args.weights, args.device, _parts_of(args))
    with Bars() as progress:
        gallery, notices = build_gallery(
            source,
            stages.embedder,
            stages.photo_detector or stages.detector,
            progress,
            stages.photo_upscaler or stages.upscaler,
        )
    gallery = dataclasses.replace(gallery, name=args.out.resolve().name)
    gallery.save(args.out)
    _tell(notices)
    print(gallery.info())


def _gallery_info(args: argparse.Namespace) -> None:
    from webcast.gallery import load_gallery
    from webcast.hub import pull_gallery

    found = pull_gallery(args.gallery)
    print(load_gallery(found.folder, None, found.name, found.revision).info())


def _gallery_remove(args: argparse.Namespace) -> None:
    from webcast.gallery import load_gallery
    from webcast.hub import pull_published, squash_history

    if args.squash and not args.push:
        raise WebcastError("--squash is for a published gallery; name it with --push USER/NAME.")
    person_id, gallery = args.person_id, load_gallery(args.gallery, None)
    found = pull_published(args.push) if args.push else None
    published = load_gallery(found.folder, None, found.name.split("/")[-1]) if found else None
    is_here, is_published = (
        any(person.id == person_id for person in place.people) if place else False
        for place in (gallery, published)
    )
    if not (is_here or is_published or args.squash):
        gallery.without(person_id)  # says what is wrong with the id
    if is_here:
        gallery.without(person_id).save(args.gallery)
        print(f"{person_id} is no longer in {args.gallery}.")
        _tell(["Take the photos out of the folder that the gallery was built from too, or they come back."])
    if is_published:
        print(f"{person_id} is no longer in {args.push}@{_push_without(person_id, published, found)}.")
    if args.squash:
        _tell_squashed(args.push, squash_history(args.push))
    elif args.push:
        _tell([f"Old revisions of {args.push} keep the pictures; the same command with --squash erases them, "
               "and with them the whole history, for good."])  # fmt: skip


def _push_without(person_id: str, published: "Gallery", found: "Pulled") -> str:
    """Publishes the gallery anew without that person; returns the commit."""
    from webcast.hub import replace_gallery

    with tempfile.TemporaryDirectory(prefix="webcast-remove-") as scratch:
        folder = Path(scratch) / published.name
        published.without(person_id).save(folder)
        return replace_gallery(found, folder, "Remove a person from the gallery")


def _tell_squashed(repo: str, others: Sequence[str]) -> None:
    print(f"The history of {repo} is one commit now.")
    notices = [
        "The Hub may keep large files that no revision names: delete them in the repository's settings.",
        "What others have fetched is in their hands.",
    ]
    if others:
        notices.append(f"These branches and tags keep what they had, delete them: {', '.join(others)}.")
    _tell(notices)


def _list_parts(args: argparse.Namespace) -> None:
    from webcast.build import load_stages, parts_here
    from webcast.parts import CATALOGUE

    stages = load_stages(args.weights, "cpu")
    for stage in CATALOGUE:
        print(stage.replace("_", " "))
        for number, part in enumerate(parts_here(stages, stage, args.parts)):
            state = "the weights' own" if number == 0 else part.missing or "here"
            print(f"  {part.name:<24}  {part.label}: {state}")


def _parts_of(args: argparse.Namespace) -> Parts:
    """The parts that the flags name; a command has the flags of the stages that it runs."""
    given = vars(args)
    return Parts(
        **{stage: given[stage] for stage in PART_FLAGS if given.get(stage)}, folder=given.get("parts") or None
    )


class Bars:
    """A bar on stderr for each stage in turn; called as the library calls its `progress`."""

    def __init__(self) -> None:
        self._bar: tqdm | None = None

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._bar is None or self._bar.desc != stage:
            self.close()
            self._bar = tqdm(total=total, desc=stage)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> "Bars":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _tell(notices: Sequence[str], lang: str = "en") -> None:
    for notice in notices:
        print(word("note", lang, notice=said(notice, lang)), file=sys.stderr)


def _new_folder(path: Path) -> Path:
    """The folder, made if need be, before any work is done for it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WebcastError(f"The folder {path} cannot be made ({error.strerror}); name another.") from None
    return path


def _pages(paths: Sequence[Path]) -> list[Path]:
    """The files given; a folder stands for the pictures in it, 2.png before 10.png."""
    from webcast.intake import natural
    from webcast.photos import PICTURE_SUFFIXES

    pages: list[Path] = []
    for path in paths:
        if not path.is_dir():
            pages.append(path)
            continue
        inside = [file for file in path.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES]
        if not inside:
            raise WebcastError(f"The folder {path} has no pictures in it; give pages, or a folder of pages.")
        pages += sorted(inside, key=lambda page: natural(page.name))
    return pages


def _file_name(number: int, name: str) -> str:
    """A name for a PNG that cannot lead out of its folder: `display_name` has tidied a panel's name."""
    return f"{number:03d}-{Path(name).stem}.png"


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _ages(text: str) -> tuple[int, int]:
    low, dash, high = text.partition("-")
    if not (dash and low.isdecimal() and high.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a range of ages such as 20-40")
    return int(low), int(high)


def _indices(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers such as 0,2") from None


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m webcast",
        description="Casts a webtoon with real people: finds the drawn faces of a page, turns them into "
        "photo-like ones and compares them with a gallery of portraits.",
        epilog="COMMAND --help says more, with an example.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    cast = _command(commands, "cast", _cast, "cast the character of some pages", CAST_EXAMPLE)
    _add_pages(cast)
    cast.add_argument(
        "--gallery",
        metavar="G",
        action="append",
        help="whom to cast: a folder or a Hub id user/name[@revision] (default: the bundled demo troupe); "
        "with --episode it may be given several times",
    )
    cast.add_argument(
        "--faces",
        type=_indices,
        metavar="0,2",
        help="the faces of the character, by the "
        "numbers that `detect` prints (default: every face found is the same character)",
    )
    cast.add_argument(
        "--similarity",
        choices=("direct", "realized"),
        help="compare the drawing itself, or "
        "the photo made of it (default: what the weights say casts better)",
    )
    cast.add_argument(
        "--gender",
        choices=("female", "male"),
        help="the character's, for weights with a realizer for each (default: the realizer for both)",
    )
    cast.add_argument(
        "--lang",
        choices=LANGUAGES,
        default="en",
        help="the language of the sheet, the cards, notices and errors (default: en)",
    )
    _add_episode(cast)
    _add_weights(cast)
    _add_parts(cast, "detector", "upscaler", "realizer", "embedder", "distance")
    _add_out(cast, "folder for sheet.html, sheet.png, cast.json and the pictures")

    detect = _command(commands, "detect", _detect, "find the drawn faces of some pages", DETECT_EXAMPLE)
    _add_pages(detect)
    _add_weights(detect)
    _add_parts(detect, "detector")
    _add_out(
        detect, "folder for the pages with their faces boxed and numbered (default: none is written)", False
    )

    upscale = _command(commands, "upscale", _upscale, "enlarge pictures", UPSCALE_EXAMPLE)
    _add_pages(upscale)
    _add_weights(upscale)
    _add_parts(upscale, "upscaler")
    _add_out(upscale, "folder for the enlarged pictures")

    text = "turn drawn faces into photo-like ones"
    realize = _command(commands, "realize", _realize, text, REALIZE_EXAMPLE)
    _add_pages(realize)
    _add_weights(realize)
    _add_parts(realize, "detector", "upscaler", "realizer")
    _add_out(realize, "folder for a picture of each face")

    draw = _command(commands, "draw", _draw, "turn the faces of photos into drawn ones", DRAW_EXAMPLE)
    _add_pages(draw, "PHOTO")
    draw.add_argument(
        "--drawer",
        metavar="D",
        help="what draws, where the weights have no drawer: a folder or a Hub id user/name[@revision] with "
        "what `python -m training.train` exported",
    )
    _add_weights(draw)
    _add_parts(draw, "photo_detector")
    _add_out(draw, "folder for a drawing of each photo's largest face")
    _add_gallery(commands)

    parts = _command(commands, "parts", _list_parts, "list the parts of each stage", PARTS_EXAMPLE)
    parts.add_argument("--weights", metavar="W", help=WEIGHTS_HELP)
    parts.add_argument("--parts", metavar="P", help=PARTS_HELP)
    return parser


def _add_episode(cast: argparse.ArgumentParser) -> None:
    """What only an episode has: who is considered."""
    cast.add_argument(
        "--episode",
        action="store_true",
        help="cast all characters of an episode, nobody twice; a PAGE may also be a strip, a ZIP or CBZ, "
        "or a PDF, and each folder, archive or PDF is an episode",
    )
    cast.add_argument(
        "--actor-gender", metavar="WORD", help="with --episode: only people of this gender (female, male)"
    )
    cast.add_argument(
        "--age", type=_ages, metavar="20-40", help="with --episode: only people of these ages, in years"
    )
    for option, text in (("--shortlist", "only these people"), ("--without", "none of these people")):
        cast.add_argument(
            option,
            type=_names,
            default=[],
            metavar="NAME,NAME",
            help=f"with --episode: {text}, by name or id",
        )


def _add_gallery(commands: argparse._SubParsersAction) -> None:
    gallery = commands.add_parser("gallery", help="build a gallery, say what is in one, or take somebody out")
    actions = gallery.add_subparsers(metavar="ACTION", required=True)
    build = _command(actions, "build", _gallery_build, "make a gallery of portraits", BUILD_EXAMPLE)
    build.add_argument(
        "folder",
        metavar="FOLDER",
        help="photos as `person name/photo.jpg`, with an optional "
        "people.csv (columns name, gender, born, source, licence; folder, where that is not the "
        "name); or a dataset with the columns name and image, as a folder or a Hub id",
    )
    _add_weights(build)
    _add_parts(build, "photo_detector", "photo_upscaler", "embedder", "distance")
    _add_out(build, "folder for the gallery; an older gallery there is replaced")
    info = _command(actions, "info", _gallery_info, "say what is in a gallery", INFO_EXAMPLE)
    info.add_argument(
        "gallery",
        metavar="G",
        nargs="?",
        help="a folder or a Hub id user/name[@revision] (default: the bundled demo troupe)",
    )
    text = "take a person out of a gallery, and out of the published one"
    remove = _command(actions, "remove", _gallery_remove, text, REMOVE_EXAMPLE)
    remove.add_argument("person_id", metavar="PERSON_ID", help="whom, by the column person_id")
    remove.add_argument(
        "--gallery", type=Path, metavar="DIR", required=True, help="the folder that `gallery build` wrote"
    )
    remove.add_argument(
        "--push",
        metavar="REPO",
        help="the published gallery user/name, changed in one commit, with a new card",
    )
    remove.add_argument(
        "--squash",
        action="store_true",
        help="erase the published gallery's history too, whose old revisions keep the pictures; for good",
    )


def _command(
    commands: argparse._SubParsersAction,
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
    example: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=f"example: {example}"
    )
    command.set_defaults(run=run)
    return command


def _add_pages(command: argparse.ArgumentParser, metavar: str = "PAGE") -> None:
    command.add_argument(
        "pages",
        nargs="+",
        type=Path,
        metavar=metavar,
        help="a picture (PNG, JPEG, WebP, GIF, BMP, TIFF), or a folder of pictures",
    )


def _add_weights(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--weights",
        metavar="W",
        help=WEIGHTS_HELP,
    )
    command.add_argument("--device", metavar="D", help="cuda, mps or cpu (default: the first that is here)")


def _add_parts(command: argparse.ArgumentParser, *stages: str) -> None:
    """A flag for the part of each stage, and one for where their weights are."""
    for stage in stages:
        command.add_argument(f"--{stage.replace('_', '-')}", metavar="NAME", help=PART_FLAGS[stage])
    command.add_argument("--parts", metavar="P", help=PARTS_HELP)


def _add_out(command: argparse.ArgumentParser, text: str, required: bool = True) -> None:
    command.add_argument("--out", type=Path, metavar="DIR", required=required, help=text)


WEIGHTS_HELP = "the models: a folder or a Hub id user/name[@revision] (default: the bundled ones)"
PARTS_HELP = (
    "where the weights of other parts are: a folder or a Hub id, with a folder of each part's name in it "
    "(default: parts/ in the weights)"
)
PART_FLAGS = {
    "detector": "what finds drawn faces; names joined with + search together (default: the weights' own; "
    "`parts` lists the names)",
    "photo_detector": "what finds faces on photos (default: the weights' own; `parts` lists the names)",
    "upscaler": "what enlarges drawn faces (default: the weights' own; `parts` lists the names)",
    "photo_upscaler": "what enlarges small portraits (default: the weights' own; `parts` lists the names)",
    "realizer": "what turns drawings into photos (default: the weights' own; `parts` lists the names)",
    "embedder": "what heads are compared by (default: the weights' own; `parts` lists the names); the "
    "gallery must have been built with the same",
    "distance": "cosine or euclidean (default: cosine); the gallery must have been built with the same",
}

CAST_EXAMPLE = "python -m webcast cast episode1/ --gallery my-actors --faces 0,2 --out result"
DETECT_EXAMPLE = "python -m webcast detect page1.png page2.png --out boxed"
UPSCALE_EXAMPLE = "python -m webcast upscale panel.png --out large"
REALIZE_EXAMPLE = "python -m webcast realize page1.png --out photos"
DRAW_EXAMPLE = "python -m webcast draw photo.jpg --drawer runs/ugatit/export --out drawings"
BUILD_EXAMPLE = "python -m webcast gallery build photos/ --out my-actors"
PARTS_EXAMPLE = "python -m webcast parts --parts my-parts"
REMOVE_EXAMPLE = "python -m webcast gallery remove kim-example --gallery my-actors --push me/my-actors"
INFO_EXAMPLE = "python -m webcast gallery info my-actors"

if __name__ == "__main__":
    sys.exit(main())
