"""Webtoon episodes by address, through gallery-dl; what a user has already is laid out the same way.

    COMICS/TITLE/EPISODE/001.jpg ...    or COMICS/TITLE/EPISODE.cbz, .zip, .pdf
    COMICS/webtoons.csv                 title, genre (and source where it was downloaded)

gallery-dl (https://github.com/mikf/gallery-dl, GPL-2.0) is a program of its own that the user installs; it is
run, never imported. It knows Naver Webtoon (comic.naver.com) and WEBTOON (webtoons.com). Its requests do not
pass `door.py`, so only addresses of those two sites are handed to it. Episodes are counted by the number in
their address (`no=`, `episode_no=`). It waits between requests and remembers in `downloaded.sqlite3` what it
has. Both sites' terms allow reading: what you download is for your own eyes.
"""

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from training.collect.door import CollectError
from training.collect.people import folder_name
from webcast.errors import WebcastError

EPISODE_NUMBER = {"comic.naver.com": "no", "www.webtoons.com": "episode_no"}
"""The sites, and what gallery-dl 1.32 calls the number of an episode in each one's list."""

PROGRAM = "gallery-dl"
ABOUT = "webtoons.csv"
SECONDS_BETWEEN = (1.0, 2.5)


def download(
    url: str, title: str, genre: str, episodes: str, out: Path, program: Sequence[str] = (PROGRAM,)
) -> Path:
    """Download the episodes (a range such as 1-10) of a webtoon's list page; returns its folder.

    Raises `WebcastError` for another site, for a range that is none, and where gallery-dl is not installed,
    and `CollectError` where it fails.
    """
    check_address(url)
    wanted = chosen(url, episodes)
    if shutil.which(program[0]) is None:
        raise WebcastError(
            f"{program[0]} is not installed; run pip install gallery-dl, or give folders of pages."
        )
    folder = out / folder_name(title)
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "gallery-dl.json"
    config.write_text(json.dumps(settings(folder), indent=2), encoding="utf-8")
    done = subprocess.run(
        [*program, "--config-ignore", "--config", str(config), "--chapter-filter", wanted, url]
    )
    if done.returncode:
        raise CollectError(
            f"gallery-dl ended with {done.returncode} on {url}; what it has is kept, run it again."
        )
    write_about(out, title, genre, url)
    return folder


def check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.hostname not in EPISODE_NUMBER or "/list" not in parts.path:
        raise WebcastError(
            f"{url} is no https address of a webtoon's list of episodes on {' or '.join(EPISODE_NUMBER)}; "
            "download it yourself and give the folder."
        )


def chosen(url: str, episodes: str) -> str:
    """gallery-dl's filter for a range of episodes such as 3 or 1-10."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", episodes, re.ASCII)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if first > last:
        raise WebcastError(f"{episodes!r} is no range of episodes; write it as 3 or 1-10.")
    return f"{first} <= {EPISODE_NUMBER[urlsplit(url).hostname]} <= {last}"


def settings(folder: Path) -> dict:
    """gallery-dl's config: one folder an episode, slowly, and nothing twice."""
    low, high = SECONDS_BETWEEN
    return {
        "extractor": {
            "base-directory": str(folder),
            "directory": ["{episode_no|episode:>04}"],
            "filename": "{num:>03}.{extension}",
            "archive": str(folder / "downloaded.sqlite3"),
            "sleep-request": [low, high],
            "sleep": [low, high],
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
