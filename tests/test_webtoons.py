"""Episodes through the real gallery-dl, which believes to ask the real sites, and webtoons found by title."""

import json
from importlib.util import find_spec

import pytest
import requests

from tests.collect_sites import picture
from tests.webtoon_sites import TITLE, served_webtoons
from training.collect import drawn, webtoons
from training.collect.commands import main
from training.collect.door import CollectError, Door
from training.collect.gate import opened_gate
from training.collect.titles import find_webtoon
from webcast.errors import WebcastError

NAVER = "https://comic.naver.com/webtoon/list?titleId=1"
WEBTOON = "https://www.webtoons.com/en/romance/hanas-story/list?title_no=7"

real_program = pytest.mark.skipif(
    not find_spec("gallery_dl"), reason="gallery-dl is not installed (pip install gallery-dl)"
)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Seven episodes of two pages on either site, which every process started here meets."""
    pages = {n: [picture(10 * n), picture(10 * n + 1)] for n in range(1, 8)}
    with served_webtoons(tmp_path, pages) as site:
        site.meet(monkeypatch)
        yield site


def download(url: str, episodes: str, tmp_path) -> list[str]:
    return webtoons.download(url, TITLE, "romance", episodes, tmp_path / "comics", 0)[1]


def pictures_asked(site) -> dict[str, int]:
    return {path: count for path, count in site.asked.items() if path.endswith(".jpg")}


@real_program
@pytest.mark.parametrize(
    "url", [NAVER + "&page=3&sort=DESC", WEBTOON, "https://www.webtoons.com/en/x/x/list?title_no=7"]
)
def test_gallery_dl_downloads_the_episodes_asked_for_and_nothing_twice(site, tmp_path, url):
    assert download(url, "4-5", tmp_path) == []
    folder = tmp_path / "comics" / TITLE
    assert [path.name for _, path in drawn.episodes_of(tmp_path / "comics")] == ["0004", "0005"]
    assert [(folder / "0005" / f"00{n}.jpg").read_bytes() for n in (1, 2)] == site.pages[5]
    viewers = [path for path in site.asked if "detail:" in path or "viewer:" in path]
    assert len(viewers) == 2, "no other episode was opened"
    before = site.asked.copy()
    assert download(url, "4-5", tmp_path) == []
    assert site.asked == before, "nothing is asked for what is whole"
    assert download(url, "3-5", tmp_path) == []
    assert set(pictures_asked(site).values()) == {1}
    assert len(pictures_asked(site)) == 6


SECOND = "/webtoon/1/1/1.jpg"
BAD_PAGES = {
    "403": (403, b"no", "text/plain"),
    "HTML in place of a picture": (200, b"<!DOCTYPE html><html>please log in</html>", "text/html"),
    "nothing": (200, b"", "image/jpeg"),
}


@real_program
@pytest.mark.parametrize("answer", BAD_PAGES.values(), ids=BAD_PAGES)
def test_a_page_that_is_no_picture_is_an_error_and_the_next_run_goes_on(site, tmp_path, answer):
    site.spoiled[SECOND] = answer
    with pytest.raises(CollectError, match=r"gallery-dl ended with \d+ on https://comic.naver.com"):
        webtoons.download(NAVER, TITLE, "", "1-2", tmp_path / "comics", 0)
    assert (tmp_path / "comics" / TITLE / "0001" / "001.jpg").is_file()
    site.spoiled.clear()
    assert download(NAVER, "1-2", tmp_path) == []
    asked = pictures_asked(site)
    assert asked["image-comic.pstatic.net/webtoon/1/1/0.jpg"] == 1
    assert len(list((tmp_path / "comics" / TITLE).glob("*/*.jpg"))) == 4


@real_program
@pytest.mark.parametrize(
    ("place", "told"),
    [("169.254.169.254", r"169\.254\.169\.254.*inside a private network"),
     ("localhost:8080", "inside a private network"),
     ("nowhere.invalid", r"nowhere\.invalid cannot be found")],
)  # fmt: skip
def test_gallery_dl_cannot_be_sent_into_a_private_network(site, tmp_path, place, told):
    site.pictures_at = place
    with pytest.raises(CollectError, match=f"gallery-dl cannot get all of https://comic.naver.com.*{told}"):
        download(NAVER, "1", tmp_path)


@real_program
def test_a_viewer_of_another_shape_is_an_error_that_names_the_site_and_no_empty_folder(site, tmp_path):
    site.changed = True
    with pytest.raises(CollectError, match=r"no page of the episodes 1-2 on comic\.naver\.com.*another"):
        download(NAVER, "1-2", tmp_path)


@real_program
def test_episodes_that_are_not_there_are_told(site, tmp_path):
    assert download(NAVER, "6-9", tmp_path) == ["These episodes gave no page: 8, 9."]
    with pytest.raises(CollectError, match="there are no such episodes"):
        download(NAVER, "90-95", tmp_path)


@real_program
def test_by_title_in_one_command(site, tmp_path, capfd):
    search = ["--site", f"{site.url}/api/search/all", f"{site.url}/en/search/immediate"]
    here = ["--allow-host", "127.0.0.1", "--seconds-between", "0", "--out", str(tmp_path / "comics")]
    assert main(["episodes", "하나  이야기", "--episodes", "2", "--genre", "romance", *search, *here]) == 0
    assert f"{TITLE} is at https://comic.naver.com/webtoon/list?titleId=1" in capfd.readouterr().out
    assert webtoons.read_about(tmp_path / "comics")[TITLE]["genre"] == "romance"
    assert len(list((tmp_path / "comics" / TITLE / "0002").glob("*.jpg"))) == 2


def look_up(site, title: str):
    door = Door(["127.0.0.1"], 0)
    return find_webtoon(door, title, f"{site.url}/api/search/all", f"{site.url}/en/search/immediate")


def test_a_title_is_looked_up_on_both_sites(site):
    assert look_up(site, TITLE).url == NAVER
    assert look_up(site, "hana's story").url == "https://www.webtoons.com/en/x/x/list?title_no=7"


def test_a_title_that_is_not_clear_gives_the_addresses_to_choose_from(site):
    site.titles = {TITLE: 1, "하나 이야기 2부": 2}
    with pytest.raises(WebcastError, match=r"No webtoon is called '하나'.*\n.*titleId=1\n.*titleId=2"):
        look_up(site, "하나")
    site.titles = {"Hana's Story": 9}
    with pytest.raises(WebcastError, match=r"Several webtoons are called.*\n.*titleId=9\n.*title_no=7"):
        look_up(site, "Hana's Story")
    with pytest.raises(WebcastError, match="Neither site knows 'nothing like it'"):
        look_up(site, "nothing like it")


def test_a_search_of_another_shape_is_an_error_that_names_the_site(site):
    site.changed = True
    with pytest.raises(CollectError, match=r"127\.0\.0\.1.*does not answer in the shape of 2026"):
        look_up(site, TITLE)
    assert look_up(site, "Hana's Story").url.startswith("https://www.webtoons.com"), "the other site has it"


def test_an_address_needs_a_title(tmp_path, capsys):
    assert main(["episodes", NAVER, "--out", str(tmp_path)]) == 2
    assert "needs --title" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "episodes", "told"),
    [("https://evil.example/list?titleId=1", "1", "no https address of a webtoon"),
     ("http://comic.naver.com/webtoon/list?titleId=1", "1", "no https address"),
     ("https://comic.naver.com/webtoon/list?titleId=1)", "1", "no https address"),
     ("https://comic.naver.com@evil.example/webtoon/list?titleId=1", "1", "no https address"),
     (NAVER, "1; rm", "no range of episodes"),
     (NAVER, "5-2", "no range of episodes")],
)  # fmt: skip
def test_what_gallery_dl_is_not_given(tmp_path, url, episodes, told):
    with pytest.raises(WebcastError, match=told):
        webtoons.download(url, TITLE, "", episodes, tmp_path / "comics", 0)


def test_without_gallery_dl_it_is_said_how_to_have_it(monkeypatch, tmp_path):
    monkeypatch.setattr(webtoons, "find_spec", lambda name: None)
    monkeypatch.setattr(webtoons.shutil, "which", lambda name: None)
    with pytest.raises(WebcastError, match="pip install gallery-dl"):
        webtoons.download(NAVER, TITLE, "", "1", tmp_path)


def test_gallery_dl_is_asked_to_be_slow_and_to_remember(tmp_path):
    settings = json.loads(json.dumps(webtoons.settings(tmp_path, 1.0, "http://127.0.0.1:9")))["extractor"]
    assert settings["sleep-request"] == settings["sleep"] == [1.0, 2.5]
    assert settings["archive"].endswith("downloaded.sqlite3")


def test_the_gate_lets_nothing_plain_through_and_only_allowed_hosts_of_a_private_network(site):
    proxied = requests.Session()
    with opened_gate([]) as gate:
        proxied.proxies = {"http": gate.url, "https": gate.url}
        assert proxied.get(f"{site.url}/api/search/all?keyword=x").status_code == 403
        with pytest.raises(requests.RequestException):
            proxied.get(site.url.replace("http", "https"))
        assert "no https address" in gate.refused[0]
        assert "inside a private network" in gate.refused[1]
    with opened_gate(["127.0.0.1"]) as gate:
        proxied.proxies = {"https": gate.url}
        with pytest.raises(requests.exceptions.SSLError):  # it is reached; the certificate is for other hosts
            proxied.get(site.url.replace("http", "https"), verify=str(site.authority))
        assert not gate.refused
