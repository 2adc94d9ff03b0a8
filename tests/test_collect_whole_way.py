"""The commands of training/collect/README.md as they stand there, with local sites and the bundled troupe."""

import json
import re
import shlex
from pathlib import Path

import datasets
import pytest

from tests.app_server import EXAMPLES, ROOT
from tests.collect_sites import served
from tests.test_webtoons import real_program
from tests.webtoon_sites import served_webtoons
from training.collect.commands import main as collect
from webcast.__main__ import main as webcast
from webcast.dataset import read_photos, read_table
from webcast.gallery import load_gallery

README = ROOT / "training" / "collect" / "README.md"
PEOPLE = 4
PROGRAMS = {"training.collect": collect, "webcast": webcast}


def commands() -> list[list[str]]:
    """The words of each command of the whole way."""
    block = re.search(
        r"<!-- the whole way -->\n```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    return [shlex.split(line) for line in block[1].splitlines()]


@pytest.fixture
def site(tmp_path):
    """Wikimedia with photos of some of the bundled troupe; names.csv names them."""
    folder = ROOT / "webcast" / "bundle" / "gallery"
    rows = ["name,gender,query"]
    with served() as site:
        for number, photo in enumerate(read_photos(read_table(folder), folder)):
            name, path = photo.person.name, f"/files/{number}.jpg"
            if name not in site.people and len(site.people) == PEOPLE:
                break
            if name not in site.people:
                rows.append(f"{name},{photo.person.gender},{name}")
            site.files[path] = photo.file
            site.people.setdefault(name, []).append(path)
        (tmp_path / "names.csv").write_text("\n".join(rows), encoding="utf-8")
        with served_webtoons(
            tmp_path, {n: [page.read_bytes()] for n, page in enumerate(EXAMPLES, 1)}
        ) as webtoons:
            webtoons.titles = {"My webtoon": 1}
            site.webtoons = webtoons
            yield site


def local(words: list[str], site) -> list[str]:
    """The same command, but for where Wikimedia is, and the search by title."""
    here = ["--allow-host", "127.0.0.1", "--seconds-between", "0", "--site"]
    sites = {
        "people": [f"{site.url}/wikidata", f"{site.url}/commons"],
        "episodes": [f"{site.webtoons.url}/api/search/all", f"{site.webtoons.url}/en/search/immediate"],
    }
    return [*words, *here, *sites[words[3]]] if words[3] in sites else words


def test_the_whole_way_is_there():
    assert [words[2:4] for words in commands()] == [
        ["training.collect", "people"], ["training.collect", "portraits"], ["webcast", "gallery"],
        ["training.collect", "episodes"], ["training.collect", "drawn"], ["webcast", "cast"],
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
@real_program
def test_names_and_a_title_in_dataset_gallery_and_cast_out(site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    site.webtoons.meet(monkeypatch)
    for words in commands():
        python, flag, program, *rest = local(words, site)
        assert (python, flag) == ("python", "-m")
        assert PROGRAMS[program](rest) == 0, " ".join(words)

    gallery = load_gallery(Path("my-actors"), None)
    assert {person.name for person in gallery.people} == set(site.people)
    assert {portrait.licence for portrait in gallery.portraits} == {"CC BY-SA 4.0, by A. Grapher"}
    faces = datasets.load_from_disk("drawn-faces/dataset")
    assert set(faces["train"]["webtoon"]) == {"My webtoon"}
    assert set(faces["train"]["episode"]) == {"0001", "0002"}
    people = datasets.load_from_disk("portraits.dataset")
    assert not set(people["train"]["name"]) & set(people["test"]["name"])
    assert Path("drawn-faces/My webtoon.png").is_file()
    told = json.loads(Path("result/cast.json").read_text(encoding="utf-8"))
    assert told["standings"][0]["person"]["name"] in site.people

    before = dict(site.asked)
    assert collect(local(commands()[0], site)[3:]) == 0, "a second time"
    fetched = {path: count for path, count in site.asked.items() if path.startswith("/files/")}
    assert fetched == {path: before[path] for path in fetched}, "no picture is fetched twice"
