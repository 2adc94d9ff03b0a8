"""Publishes weights, a gallery or the app: one repository of the Hub each, everything in one commit.

    python -m training.publish weights USER/NAME --realizer runs/ugatit/export/drawn-to-photo \\
        --sources sources.md --numbers evaluation/evaluation.md
    python -m training.publish gallery USER/NAME --folder my-actors
    python -m training.publish space USER/NAME --weights USER/WEIGHTS --gallery USER/GALLERY

Large files are sent first and count for nothing until the commit names them, so a push that breaks off
leaves the old revision as it was. Log in with `hf auth login`, or set HF_TOKEN, to a token that may write.
"""

import argparse
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoCard
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError

from training.bundle import STAGES, assemble, write_config
from training.model_card import check_card, find_run, model_card
from training.processes import this_process
from webcast.build import build_stages, choose_device
from webcast.dataset import CARD, PARQUET
from webcast.errors import GalleryError, HubError, WebcastError
from webcast.gallery import load_gallery
from webcast.hub import BUNDLE, HUB_ID, Pulled, pull, pull_models
from webcast.weights import CONFIG_NAME, MODEL_NAME, read_config

ROOT = Path(__file__).resolve().parents[1]
APP = ("app.py", "requirements.txt", "packages.txt", "LICENSE")
FRONT_MATTER = ("title", "sdk", "sdk_version", "python_version", "app_file", "license")
ADVICE = {
    400: "it says what is wrong with it",
    401: "run `hf auth login` with a token that may write",
    403: "use a token that may write there",
    409: "something else is being done to it, so run the command again",
    412: "somebody else changed it meanwhile, so look at it and run the command again",
    429: "these are too many requests, so run the command again in a few minutes",
}


@dataclass(frozen=True)
class Plan:
    """What a repository is to hold: its files by their path in it, the card as text.

    Files of an older revision that match `replaces` and are not in the plan go; others stay.
    """

    kind: str
    repo_id: str
    card: str
    files: dict[str, Path]
    replaces: tuple[str, ...]
    variables: dict[str, str] = field(default_factory=dict)

    def describe(self) -> str:
        """Every file with its size, and the card."""
        sizes = {CARD: len(self.card.encode())} | {n: path.stat().st_size for n, path in self.files.items()}
        lines = [f"{size:>12,}  {name}" for name, size in sorted(sizes.items())]
        lines += [
            f"{sum(sizes.values()):>12,}  bytes in {len(sizes)} files for the {self.kind} {self.repo_id}"
        ]
        lines += [f"{key}={value}" for key, value in self.variables.items()]
        return "\n".join([*lines, "", f"{CARD}:", "", self.card])


def plan_weights(args: argparse.Namespace, scratch: Path) -> Plan:
    """A folder of weights as it is, or with stages newly trained in the place of its own."""
    folder, trained = args.folder, {s: vars(args)[s] for s in STAGES if vars(args)[s]}
    name = args.repo_id.split("/")[-1]
    if trained:
        if not args.sources or not args.numbers:
            raise WebcastError(
                "New stages need --sources and --numbers, for a card without them says nothing."
            )
        runs = [find_run(stage, export) for stage, export in trained.items()]
        folder = scratch / "weights"
        kept = {stage: args.folder / stage for stage in STAGES if (args.folder / stage).is_dir()}
        assemble(kept | trained, folder)
        keep_measured(read_config(args.folder), folder, trained)
        numbers = [read_text(path) for path in args.numbers]
        card = check_card(model_card(name, folder, runs, read_text(args.sources), numbers), args.numbers[0])
    else:
        card = check_card(read_text(folder / CARD), folder / CARD)
    build_stages(pull_models(folder), choose_device("cpu"))  # raises where nobody could load them
    parts = [CONFIG_NAME, *(f"{stage}/{part}" for stage in STAGES for part in (CONFIG_NAME, MODEL_NAME))]
    files = {part: folder / part for part in parts if (folder / part).is_file()}
    return Plan("model", args.repo_id, card, files, tuple(f"{stage}/*" for stage in STAGES))


def keep_measured(old: dict, folder: Path, trained: Collection[str]) -> None:
    """Take over what was measured with the old weights, as far as it does not hang on a new stage."""
    new = read_config(folder)
    if "characters" in old and not {"detector", "embedder"} & set(trained):
        new["characters"] = old["characters"]
    if not {"detector", "upscaler", "embedder"} & set(trained):
        limits = old.get("firm_standout", {})
        if "realizer" in trained:
            new["firm_standout"] = {way: limit for way, limit in limits.items() if way == "direct"}
        else:
            new |= {"firm_standout": limits, "similarity": old["similarity"]}
    write_config(new, folder)


def plan_gallery(args: argparse.Namespace, scratch: Path) -> Plan:
    """A gallery that webcast built, every portrait of which says where it is from."""
    gallery = load_gallery(args.folder, embedder=None)
    unnamed = sum(not (portrait.source and portrait.licence) for portrait in gallery.portraits)
    if unnamed:
        raise GalleryError(
            f"{unnamed} of {len(gallery.portraits)} portraits have no source or licence; "
            "write both into people.csv, build the gallery again, and then publish it."
        )
    card, path = read_text(args.folder / CARD), args.folder / PARQUET
    if not path.is_file() or "how to be removed" not in card.lower():
        raise GalleryError(
            f"{args.folder} is not as `python -m webcast gallery build` leaves it: it needs {PARQUET}, and a "
            "card that tells how to be removed."
        )
    return Plan("dataset", args.repo_id, card, {PARQUET: path}, ("*.parquet",))


def plan_space(args: argparse.Namespace, scratch: Path) -> Plan:
    """The app of this checkout, which takes weights and gallery from their repositories, pinned."""
    weights, gallery = pinned(args.weights, args.gallery, args.dry_run)
    card = RepoCard.load(args.root / CARD)
    missing = [key for key in FRONT_MATTER if not card.data.get(key)]
    if missing:
        raise WebcastError(
            f"The front matter of {args.root / CARD} lacks {', '.join(missing)}; write it first."
        )
    card.data.models, card.data.datasets = [weights.partition("@")[0]], [gallery.partition("@")[0]]
    inside = [args.root / name for name in APP] + sorted((args.root / "webcast").rglob("*"))
    files = {
        path.relative_to(args.root).as_posix(): path
        for path in inside
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    variables = {"WEBCAST_WEIGHTS": weights, "WEBCAST_GALLERY": gallery}
    return Plan("space", args.repo_id, str(card), files, (*APP, "webcast/*"), variables)


def pinned(weights: str, gallery: str, is_rehearsal: bool) -> tuple[str, str]:
    """Both ids with the revision that they have now, after a look at whether they fit each other.

    A rehearsal leaves them as they are, for it talks to nobody.
    """
    for source in (weights, gallery):
        if not HUB_ID.fullmatch(source):
            raise HubError(f"{source} is not a Hub id such as user/name or user/name@revision.")
    if is_rehearsal:
        return weights, gallery
    models, people, notices = pull(weights, gallery)
    if notices:
        raise HubError(f"{notices[0].partition(';')[0]}; try again later.")
    stages = build_stages(models, choose_device("cpu"))
    load_gallery(people.folder, stages.embedder, people.name, people.revision)
    return pin(models), pin(people)


def pin(pulled: Pulled) -> str:
    return f"{pulled.name}@{pulled.revision}"


def read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WebcastError(f"{path} cannot be read ({error}); it must be a text in UTF-8.") from None


def push(plan: Plan, private: bool = False, revision: str | None = None) -> str:
    """Puts the plan into its repository, made if need be, as one commit; returns `id@commit`.

    `revision` is a branch, made if need be. Raises `HubError` with what to do; the repository is then as it
    was, or is new and empty.
    """
    api, where = HfApi(), {"repo_id": plan.repo_id, "repo_type": plan.kind}
    with errors_in_words(plan):
        sdk = {"space_sdk": "gradio"} if plan.kind == "space" else {}
        api.create_repo(**where, private=True if private else None, exist_ok=True, **sdk)
        if private and not api.repo_info(**where).private:
            raise HubError(f"{plan.repo_id} is public already; make it private in its settings first.")
        if revision:
            api.create_branch(**where, branch=revision, exist_ok=True)
        before = api.repo_info(**where, revision=revision)
        present = [file.rfilename for file in before.siblings or []]
        commit = api.create_commit(
            **where,
            operations=operations(plan, present),
            commit_message=f"Publish {plan.kind} with webcast",
            revision=revision,
            parent_commit=before.sha,
        )
        for key, value in plan.variables.items():
            api.add_space_variable(plan.repo_id, key, value)
    return f"{plan.repo_id}@{commit.oid}"


def operations(plan: Plan, present: Sequence[str]) -> list[CommitOperationAdd | CommitOperationDelete]:
    """Every file of the plan, and the end of those that it replaces."""
    stale = [
        name
        for name in present
        if name not in plan.files and any(fnmatch(name, pattern) for pattern in plan.replaces)
    ]
    added = [CommitOperationAdd(name, path) for name, path in plan.files.items()]
    card = CommitOperationAdd(CARD, plan.card.encode())
    return [*(CommitOperationDelete(name) for name in stale), card, *added]


@contextmanager
def errors_in_words(plan: Plan) -> Iterator[None]:
    """What the Hub or the way to it has against a push, as one sentence."""
    what = f"the {plan.kind} {plan.repo_id}"
    try:
        yield
    except WebcastError:
        raise
    except (HTTPError, HFValidationError, RuntimeError, ValueError, OSError) as error:
        # A file that could not be sent is told as a RuntimeError; why is in its cause.
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        raise HubError(f"{explain(cause, what)}.") from None


def explain(error: BaseException, what: str) -> str:
    safe = "nothing was changed unless all of it was, so run the same command again"
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        said = error.response.headers.get("X-Error-Message") or "no reason given"
        advice = ADVICE.get(status, safe)
        return f"The Hub answered {status} for {what} ({one_line(said)}); {advice}"
    if isinstance(error, HTTPError):
        return f"The connection to the Hub broke while publishing {what} ({one_line(str(error))}); {safe}"
    return f"{what[0].upper()}{what[1:]} cannot be published: {one_line(str(error))}"


def one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.publish",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="WHAT", required=True)
    weights = add_command(commands, "weights", plan_weights, "a folder of weights as a model repository")
    default = BUNDLE / "weights"
    weights.add_argument(
        "--folder", type=Path, default=default, help="the weights (default: the bundled ones)"
    )
    for stage in STAGES:
        text = f"a run's export to take the place of the folder's {stage}, or to be added"
        weights.add_argument(f"--{stage}", dest=stage, type=Path, metavar="RUN/export", help=text)
    text = "Markdown for the card: where the data of the new stages is from, and its terms"
    weights.add_argument("--sources", type=Path, metavar="FILE", help=text)
    text = "Markdown for the card: what training.evaluate wrote about the new stages"
    weights.add_argument("--numbers", type=Path, nargs="+", metavar="FILE", help=text)

    gallery = add_command(commands, "gallery", plan_gallery, "a gallery as a dataset repository")
    gallery.add_argument("--folder", type=Path, required=True, help="what `webcast gallery build` wrote")

    space = add_command(commands, "space", plan_space, "the app as a Space that uses published repositories")
    space.add_argument("--weights", required=True, metavar="ID[@REV]", help="the model repository it uses")
    space.add_argument("--gallery", required=True, metavar="ID[@REV]", help="the dataset repository it uses")
    space.add_argument("--root", type=Path, default=ROOT, help="the checkout with app.py (default: this one)")
    return parser.parse_args(arguments)


def add_command(commands, name: str, plan, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=f"Publishes {text}.")
    command.set_defaults(plan=plan)
    command.add_argument("repo_id", metavar="REPO_ID", help="USER/NAME on the Hub; made if it is not there")
    command.add_argument("--private", action="store_true", help="make it for you alone")
    command.add_argument("--revision", metavar="BRANCH", help="the branch to commit to (default: main)")
    command.add_argument("--dry-run", action="store_true", help="show every file and the card; send nothing")
    return command


def run(args: argparse.Namespace) -> None:
    if "@" in args.repo_id or not HUB_ID.fullmatch(args.repo_id):
        raise HubError(f"{args.repo_id} is not a Hub id such as user/name; a branch is told with --revision.")
    with tempfile.TemporaryDirectory(prefix="webcast-publish-") as scratch:
        plan = args.plan(args, Path(scratch))
        print(plan.describe() if args.dry_run else push(plan, args.private, args.revision))


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse(arguments)
    try:
        if this_process().is_main_process:  # one of those that `accelerate launch` started is enough
            run(args)
    except WebcastError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
