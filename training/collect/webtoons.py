"""Webtoon episodes by address, through gallery-dl; what a user has already is laid out the same way.

    COMICS/TITLE/EPISODE/001.jpg ...    or COMICS/TITLE/EPISODE.cbz, .zip, .pdf
    COMICS/webtoons.csv                 title, genre (and source where it was downloaded)

gallery-dl (https://github.com/mikf/gallery-dl, GPL-2.0) is a program of its own that the user installs; it is
run, never imported. It knows Naver Webtoon (comic.naver.com) and WEBTOON (webtoons.com). Its requests do not
pass `door.py`, so only addresses of those two sites are handed to it. It waits between requests and remembers
in `downloaded.sqlite3` what it has. Both sites' terms allow reading: what you download is for your own eyes.
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

HOSTS = ("comic.naver.com", "m.comic.naver.com", "www.webtoons.com", "m.webtoons.com")
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
    if not re.fullmatch(r"\d+(-\d+)?", episodes):
        raise WebcastError(f"{episodes!r} is no range of episodes; write it as 3 or 1-10.")
    if shutil.which(program[0]) is None:
        raise WebcastError(
            f"{program[0]} is not installed; run pip install gallery-dl, or give folders of pages."
        )
    folder = out / folder_name(title)
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "gallery-dl.json"
    config.write_text(json.dumps(settings(folder), indent=2), encoding="utf-8")
    done = subprocess.run(
        [*program, "--config-ignore", "--config", str(config), "--chapter-range", episodes, url]
    )
    if done.returncode:
        raise CollectError(
            f"gallery-dl ended with {done.returncode} on {url}; what it has is kept, run it again."
        )
    write_about(out, title, genre, url)
    return folder


def check_address(url: str) -> None:
    if urlsplit(url).scheme != "https" or urlsplit(url).hostname not in HOSTS:
        raise WebcastError(
            f"{url} is no https address of {', '.join(HOSTS)}; download it yourself and give the folder."
        )


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
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"title", "genre"} <= rows[0].keys():
        raise WebcastError(f"{path} needs the columns title and genre.")
    return {
        folder_name(row["title"]): {key: row.get(key) or "" for key in ("title", "genre", "source")}
        for row in rows
    }
