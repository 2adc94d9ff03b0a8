"""Webtoon episodes by address, through gallery-dl; what a user has already is laid out the same way.

    COMICS/TITLE/EPISODE/001.jpg ...    or COMICS/TITLE/EPISODE.cbz, .zip, .pdf
    COMICS/webtoons.csv                 title, genre (and source where it was downloaded)

gallery-dl (https://codeberg.org/mikf/gallery-dl, GPL-2.0) is a program of its own that the user installs; it
is run, never imported. It knows Naver Webtoon (comic.naver.com) and WEBTOON (webtoons.com), is handed
addresses of these two alone, and asks through `gate.py`. Episodes are counted by the number in their address
(`no=`, `episode_no=`). It waits between requests and remembers in `downloaded.sqlite3` which pages it has;
`complete.json` says which episodes are whole, so that they are not even looked at again. Both sites' terms
allow reading: what you download is for your own eyes.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from training.collect.door import SECONDS_BETWEEN, CollectError
from training.collect.gate import Gate, opened_gate
from training.collect.people import folder_name
from webcast.errors import WebcastError
from webcast.photos import PICTURE_SUFFIXES

LISTS = {
    "comic.naver.com": (r"/(webtoon|challenge|bestChallenge)/list(\.nhn)?", "titleId"),
    "www.webtoons.com": (r"/[\w-]+/[\w-]+/[^/]+/list", "title_no"),
}
"""The sites: what the path of a list of episodes is like, and what numbers the webtoon."""

WANTED = {
    "comic.naver.com": "{first} <= no and (no <= {last} or abort()) and no not in {done}",
    "www.webtoons.com": (
        "episode_no <= {last} and ({first} <= episode_no or abort()) and episode_no not in {done}"
    ),
}
"""gallery-dl's filter of episodes; Naver lists the first episode first and WEBTOON the last, as of 1.32."""

PROGRAM = "gallery-dl"
ABOUT, COMPLETE = "webtoons.csv", "complete.json"
LONGER = 2.5
"""Times the shortest pause is the longest one."""
POLL_S = 0.1


def download(
    url: str,
    title: str,
    genre: str,
    episodes: str,
    out: Path,
    seconds_between: float = SECONDS_BETWEEN,
    allowed_hosts: Collection[str] = (),
) -> tuple[Path, list[str]]:
    """Download the episodes (a range such as 1-10) of a webtoon's list page, but for those that are whole.

    Returns its folder, and a sentence where some of the episodes gave no page. Raises `WebcastError` for
    another site, for a range that is none, and where gallery-dl is not installed, and `CollectError` where it
    fails or finds no page at all.
    """
    url, wanted = list_address(url), numbers_of(episodes)
    folder = out / folder_name(title)
    done = complete_of(folder)
    if set(wanted) <= done:
        return folder, []
    with opened_gate(allowed_hosts) as gate:
        run_gallery_dl(gate, url, filter_of(url, wanted, done), folder, seconds_between)
    write_about(out, title, genre, url)
    have = sorted(number for number in wanted if has_pages(folder / episode_name(number)))
    if not have:
        raise CollectError(
            f"gallery-dl found no page of the episodes {episodes} on {urlsplit(url).hostname}: there are no "
            "such episodes, they cannot be read without an account, or the site has another shape than "
            "gallery-dl knows; look at the site, and run pip install -U gallery-dl."
        )
    (folder / COMPLETE).write_text(json.dumps(sorted(done | set(have))), encoding="utf-8")
    missing = [str(number) for number in wanted if number not in have]
    return folder, [f"These episodes gave no page: {', '.join(missing)}."] if missing else []


def run_gallery_dl(gate: Gate, url: str, chosen: str, folder: Path, seconds_between: float) -> None:
    program = installed()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "gallery-dl.json"
    config.write_text(json.dumps(settings(folder, seconds_between, gate.url), indent=2), encoding="utf-8")
    arguments = ["--config-ignore", "--config", str(config), "--chapter-filter", chosen, url]
    with subprocess.Popen([*program, *arguments]) as running:
        try:
            while running.poll() is None and not gate.refused:
                time.sleep(POLL_S)
        finally:
            running.terminate()
    if gate.refused:
        raise CollectError(f"gallery-dl cannot get all of {url}: {gate.refused[0]}")
    if running.returncode:
        raise CollectError(
            f"gallery-dl ended with {running.returncode} on {url}; what it has is kept, run it again."
        )


def filter_of(url: str, wanted: range, done: set[int]) -> str:
    """gallery-dl's filter of the episodes wanted, but for those that are done."""
    have = f"({''.join(f'{number},' for number in sorted(done))})"
    return WANTED[urlsplit(url).hostname].format(first=wanted[0], last=wanted[-1], done=have)


def installed() -> list[str]:
    """How to run gallery-dl: the program, or the module of this Python, in a process of its own."""
    if path := shutil.which(PROGRAM):
        return [path]
    if find_spec("gallery_dl"):
        return [sys.executable, "-m", "gallery_dl"]
    raise WebcastError(f"{PROGRAM} is not installed; run pip install gallery-dl, or give folders of pages.")


def list_address(url: str) -> str:
    """The address of a webtoon's list of episodes, from its beginning and in the site's own order."""
    parts = urlsplit(url)
    path, number = LISTS.get(parts.hostname or "", ("", ""))
    numbers = parse_qs(parts.query).get(number, [""])
    if parts.scheme != "https" or not re.fullmatch(path, parts.path) or not numbers[0].isdecimal():
        raise WebcastError(
            f"{url} is no https address of a webtoon's list of episodes on {' or '.join(LISTS)}; "
            "download it yourself and give the folder."
        )
    return f"https://{parts.hostname}{parts.path}?{number}={numbers[0]}"


def numbers_of(episodes: str) -> range:
    """The numbers of a range of episodes such as 3 or 1-10."""
    found = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", episodes, re.ASCII)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if first > last:
        raise WebcastError(f"{episodes!r} is no range of episodes; write it as 3 or 1-10.")
    return range(first, last + 1)


def episode_name(number: int) -> str:
    return f"{number:04d}"


def has_pages(episode: Path) -> bool:
    return episode.is_dir() and any(path.suffix.lower() in PICTURE_SUFFIXES for path in episode.iterdir())


def complete_of(folder: Path) -> set[int]:
    """The episodes that an earlier run downloaded to their end and that are still there."""
    path = folder / COMPLETE
    numbers = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return {number for number in numbers if has_pages(folder / episode_name(number))}


def settings(folder: Path, seconds_between: float, proxy: str) -> dict:
    """gallery-dl's config: one folder an episode, pages alone, slowly, and nothing twice."""
    pause = [seconds_between, LONGER * seconds_between]
    return {
        "extractor": {
            "base-directory": str(folder),
            "directory": ["{episode_no|episode:>04}"],
            "filename": "{num:>03}.{extension}",
            "archive": str(folder / "downloaded.sqlite3"),
            "sleep-request": pause,
            "sleep": pause,
            "proxy": proxy,
            "webtoons": {"bgm": False, "banners": False, "thumbnails": False},
        },
        "downloader": {"filesize-max": "50M", "retries": 4, "timeout": 30.0},
    }


def write_about(out: Path, title: str, genre: str, source: str) -> None:
    rows = read_about(out) | {folder_name(title): {"title": title, "genre": genre, "source": source}}
    with (out / ABOUT).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("title", "genre", "source"))
        writer.writeheader()
        writer.writerows(rows.values())


def read_about(out: Path) -> dict[str, dict[str, str]]:
    """What `webtoons.csv` says, by folder name; empty where there is none."""
    path = out / ABOUT
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise WebcastError(f"{path} cannot be read; save it as CSV in UTF-8 ({error}).") from None
    if rows and not {"title", "genre"} <= rows[0].keys():
        raise WebcastError(f"{path} needs the columns title and genre.")
    return {
        folder_name(row["title"]): {key: row.get(key) or "" for key in ("title", "genre", "source")}
        for row in rows
    }
