"""Looking a data set through: what is shown first, what saving does, and the page in a browser."""

import dataclasses

import datasets
import pytest

from tests.test_app_browser import ARGUMENTS, CHROMIUM
from tests.test_collect_faces import (
    ADA,
    BEN,
    RED,
    TITLE,
    comics,
    page,
    patterned,
    photos,
    stages,
)
from training.collect import drawn, portraits
from training.collect.ledger import REJECTED, Ledger
from training.curate import KEYS, build_page, counts_table, load_items, main, save

__all__ = ["comics", "photos", "stages"]  # fixtures


@pytest.fixture
def made(stages, comics, tmp_path):
    """What `training.collect drawn` writes: five faces of one webtoon and one of another."""
    remake(stages, comics, tmp_path / "out")
    return tmp_path / "out"


def remake(stages, comics, out) -> list[str]:
    drawn.find_faces(stages, comics, out / drawn.FOUND)
    drawn.build_dataset(stages, comics, out, 250, None, True)
    return keys(out)


def keys(out) -> list[str]:
    return [row["key"] for rows in datasets.load_from_disk(str(out / "dataset")).values() for row in rows]


def test_the_least_alike_comes_first(made):
    items = [item for item in load_items(made) if item.group == TITLE]
    assert items[0].similarity == min(item.similarity for item in items)
    assert items[0].suspicion > items[-1].suspicion


def test_small_and_blurred_is_more_suspicious(made):
    item = load_items(made)[-1]
    assert dataclasses.replace(item, side_px=20).suspicion > item.suspicion
    assert dataclasses.replace(item, sharpness=5.0).suspicion > item.suspicion


def test_a_saved_reject_is_out_of_the_dataset_and_of_every_later_one(stages, comics, made):
    first = load_items(made)[0]
    before = keys(made)
    save(made, [first])
    assert sorted(keys(made)) == sorted(key for key in before if key != first.entry.url)
    assert len(load_items(made)) == len(before) - 1
    assert first.entry.url not in remake(stages, comics, made)


def test_a_saved_reject_of_photos_is_hidden_and_no_run_brings_it_back(stages, photos, tmp_path):
    portraits.choose_portraits(stages, [ADA, BEN], photos, tmp_path / "chosen", 0.5)
    items = load_items(photos)
    foreign = next(item for item in items if item.entry.file == "5.png")
    assert foreign.similarity == min(item.similarity for item in items if item.similarity is not None)
    alike = next(item for item in items if item.entry.file == "3.png")
    save(photos, [foreign, alike])
    assert not (photos / "Ada" / "3.png").exists()
    assert Ledger(photos / "Ada").entry_of("3.png").outcome == REJECTED
    assert len(load_items(photos)) == len(items) - 2
    portraits.choose_portraits(stages, [ADA, BEN], photos, tmp_path / "chosen", -1)
    rows = datasets.load_from_disk(str(portraits.dataset_of(tmp_path / "chosen")))
    of_ada = [row["url"] for split in rows.values() for row in split if row["name"] == "Ada"]
    assert sorted(of_ada) == ["http://x/0", "http://x/1", "http://x/2"], "4.png is a copy of the reject"


def test_photos_without_a_ledger_can_be_looked_through_too(tmp_path):
    (tmp_path / "photos" / "Ada").mkdir(parents=True)
    page(patterned(RED, 1)).save(tmp_path / "photos" / "Ada" / "a.png")
    page(patterned(RED, 2)).save(tmp_path / "photos" / "Ada" / "b.png")
    save(tmp_path / "photos", load_items(tmp_path / "photos")[:1])
    assert len(load_items(tmp_path / "photos")) == 1


def test_the_counts_are_per_group_and_harmless(made):
    items = load_items(made)
    odd = [dataclasses.replace(items[0], group="<b>x"), *items[1:]]
    table = counts_table(odd, [0])
    assert "<tr><td>&lt;b&gt;x</td><td>0</td><td>1</td></tr>" in table


def test_a_folder_of_nothing_is_one_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "holds nothing to look through" in capsys.readouterr().err


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no chromium is installed (Debian: apt-get install chromium)")
def test_the_page_rejects_by_click_and_key_undoes_and_saves(made, tmp_path):
    from playwright.sync_api import expect, sync_playwright

    items = load_items(made)
    served = build_page(made, items)
    _, url, _ = served.launch(server_name="127.0.0.1", js=KEYS, prevent_thread_lock=True, quiet=True)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            opened = browser.new_page(viewport={"width": 1280, "height": 800})
            expect.set_options(timeout=60_000)
            opened.goto(url)
            pictures = opened.locator("#grid .thumbnail-item")
            expect(pictures).to_have_count(6)
            pictures.first.click()
            expect(pictures).to_have_count(5)
            pictures.first.click()  # the same place again
            expect(pictures).to_have_count(4)
            opened.screenshot(path=str(tmp_path / "curate.png"))
            opened.keyboard.press("u")
            expect(pictures).to_have_count(5)
            pictures.nth(2).hover()
            opened.keyboard.press("x")
            expect(pictures).to_have_count(4)
            expect(opened.locator("#status")).to_contain_text("2 rejected and not saved yet")
            assert len(keys(made)) == 6, "nothing is changed before it is saved"
            opened.keyboard.press("s")
            expect(opened.locator("#status")).to_contain_text("Saved: 2 pictures")
            browser.close()
    finally:
        served.close()
    rejected = {entry.url for entry in Ledger(made) if entry.outcome == REJECTED}
    assert items[0].entry.url in rejected
    assert len(rejected) == 2
    assert not rejected & set(keys(made))
