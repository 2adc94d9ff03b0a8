"""Looking a data set through: what is shown first, what saving does, and the page in a browser."""

import dataclasses
import shutil
from pathlib import Path

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
from training.collect.ledger import KEPT, REJECTED, Ledger
from training.collect.rows import read_sides, save_sides
from training.curate import CSS, KEYS, Visit, build_page, counts_table, load_items, main, save

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
    assert sorted(item.is_rejected for item in load_items(made)) == [*[False] * (len(before) - 1), True]
    assert first.entry.url not in remake(stages, comics, made)


def test_a_saved_reject_of_photos_is_hidden_and_no_run_brings_it_back(stages, photos, tmp_path):
    portraits.choose_portraits(stages, [ADA, BEN], photos, tmp_path / "chosen", 0.5)
    items = load_items(photos)
    foreign = next(item for item in items if item.entry.file == "5.png")
    assert foreign.similarity == min(item.similarity for item in items if item.similarity is not None)
    alike = next(item for item in items if item.entry.file == "3.png")
    turned = save(photos, [foreign, alike])
    assert all(item.is_rejected for item in turned)
    assert not (photos / "Ada" / "3.png").exists()
    assert Ledger(photos / "Ada").entry_of("3.png").outcome == REJECTED
    assert sum(not item.is_rejected for item in load_items(photos)) == len(items) - 2
    portraits.choose_portraits(stages, [ADA, BEN], photos, tmp_path / "chosen", -1)
    rows = datasets.load_from_disk(str(portraits.dataset_of(tmp_path / "chosen")))
    of_ada = [row["url"] for split in rows.values() for row in split if row["name"] == "Ada"]
    assert sorted(of_ada) == ["http://x/0", "http://x/1", "http://x/2"], "4.png is a copy of the reject"


def test_a_saved_reject_can_be_taken_back(stages, comics, made):
    """With all that its row said, on its webtoon's side, now and in the next run."""
    before = {row["key"]: row for side in rows_of(made).values() for row in side}
    first, second = load_items(made)[:2]
    save(made, [first, second])
    (back,) = (item for item in load_items(made) if item.entry.url == first.entry.url)
    save(made, [back])
    after = {row["key"]: row for side in rows_of(made).values() for row in side}
    assert after == {key: row for key, row in before.items() if key != second.entry.url}
    sides = [set(side["webtoon"]) for side in rows_of(made).values()]
    assert not set.intersection(*sides)
    assert first.entry.url in remake(stages, comics, made)


def rows_of(out):
    return datasets.load_from_disk(str(out / "dataset"))


def test_a_run_that_was_killed_while_it_moved_a_row_shows_it_once(made):
    first = load_items(made)[0]
    kept = made.parent / "kept"
    shutil.copytree(made / "dataset", kept)
    save(made, [first])
    shutil.rmtree(made / "dataset")
    kept.rename(made / "dataset")
    items = load_items(made)
    assert [item.is_rejected for item in items if item.entry.url == first.entry.url] == [True]
    save(made, [item for item in items if item.is_rejected])
    assert keys(made).count(first.entry.url) == 1


def test_all_can_be_rejected_and_brought_back(made):
    before = sorted(keys(made))
    save(made, load_items(made))
    assert keys(made) == []
    save(made, load_items(made))
    assert sorted(keys(made)) == before


def test_a_rejected_photo_comes_back_where_it_was(stages, photos, tmp_path):
    before = sorted(path.name for path in (photos / "Ada").glob("*.png"))
    save(photos, [item for item in load_items(photos) if item.entry.file == "3.png"])
    save(photos, [item for item in load_items(photos) if item.is_rejected])
    assert sorted(path.name for path in (photos / "Ada").glob("*.png")) == before
    assert Ledger(photos / "Ada").entry_of("3.png").outcome == KEPT
    assert not any(item.is_rejected for item in load_items(photos))


def test_nothing_is_deleted_before_it_is_said(photos, made, capsys):
    save(photos, [item for item in load_items(photos) if item.entry.file == "3.png"])
    save(made, load_items(made)[:1])
    assert (photos / "Ada" / ".rejected" / "3.png").is_file()
    assert main([str(photos), "--delete-rejected"]) == main([str(made), "--delete-rejected"]) == 0
    assert "Deleted what was rejected, 1 folders" in capsys.readouterr().out
    assert not list(photos.rglob("3.png"))
    assert not any(item.is_rejected for item in [*load_items(photos), *load_items(made)])
    assert Ledger(photos / "Ada").entry_of("3.png").outcome == REJECTED


def test_undo_goes_back_over_what_is_saved(made):
    items, visit = load_items(made), Visit()
    visit.turn(items, 0)
    visit.turn(items, 1)
    visit.turn(items, 0)  # brought back before it was saved
    assert visit.unsaved(items) == [1]
    (items[1],) = save(made, [items[1]])
    visit.wanted.clear()
    assert visit.unsaved(items) == []
    visit.undo()
    visit.undo()
    assert visit.unsaved(items) == [0, 1]
    assert [visit.is_out(items, i) for i in (0, 1)] == [True, False]
    visit.undo()
    visit.undo()
    assert visit.unsaved(items) == [1]


def test_photos_without_a_ledger_can_be_looked_through_too(tmp_path):
    (tmp_path / "photos" / "Ada").mkdir(parents=True)
    page(patterned(RED, 1)).save(tmp_path / "photos" / "Ada" / "a.png")
    page(patterned(RED, 2)).save(tmp_path / "photos" / "Ada" / "b.png")
    save(tmp_path / "photos", load_items(tmp_path / "photos")[:1])
    assert sorted(item.is_rejected for item in load_items(tmp_path / "photos")) == [False, True]


def test_the_counts_are_per_group_and_harmless(made):
    items = load_items(made)
    odd = [dataclasses.replace(items[0], group="<b>x"), *items[1:]]
    table = counts_table(odd, {0})
    assert "<tr><td>&lt;b&gt;x</td><td>0</td><td>1</td></tr>" in table


def test_a_folder_of_nothing_is_one_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "holds nothing to look through" in capsys.readouterr().err


@pytest.fixture
def opened(made, tmp_path):
    """The page on the drawn faces, in a browser."""
    from playwright.sync_api import expect, sync_playwright

    served = build_page(made, load_items(made))
    settings = {"js": KEYS, "css": CSS, "prevent_thread_lock": True, "quiet": True}
    _, url, _ = served.launch(server_name="127.0.0.1", **settings)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            expect.set_options(timeout=60_000)
            page.goto(url)
            expect(page.locator("#grid .thumbnail-item")).to_have_count(6)
            yield page, expect
            browser.close()
    finally:
        served.close()


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no chromium is installed (Debian: apt-get install chromium)")
def test_the_page_rejects_by_click_and_key_undoes_saves_and_brings_back(opened, made, tmp_path):
    page, expect = opened
    pictures, status = page.locator("#grid .thumbnail-item"), page.locator("#status")
    pictures.first.click()
    expect(pictures).to_have_count(5)
    pictures.first.click()  # the same place again
    expect(pictures).to_have_count(4)
    page.keyboard.press("u")
    expect(pictures).to_have_count(5)
    pictures.nth(2).hover()
    page.keyboard.press("x")
    expect(pictures).to_have_count(4)
    expect(status).to_contain_text("2 decisions not saved yet")
    page.screenshot(path=str(tmp_path / "desktop.png"))
    assert len(keys(made)) == 6, "nothing is changed before it is saved"
    page.keyboard.press("s")
    expect(status).to_contain_text("Saved: 2 rejected, 0 brought back")
    assert len(keys(made)) == 4

    page.keyboard.press("u")  # the saved one that was rejected by key
    expect(pictures).to_have_count(5)
    page.get_by_label("rejected").check()
    expect(pictures).to_have_count(1)
    pictures.first.click()
    expect(pictures).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_label("to keep").check()
    expect(pictures).to_have_count(6)
    page.screenshot(path=str(tmp_path / "phone.png"))
    page.get_by_role("button", name="Save").click()
    expect(status).to_contain_text("Saved: 0 rejected, 2 brought back")
    assert len(keys(made)) == 6
    assert {entry.outcome for entry in Ledger(made)} == {KEPT}


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="no chromium is installed (Debian: apt-get install chromium)")
def test_the_page_can_be_used_by_keys_alone(opened, made):
    page, expect = opened
    pictures = page.locator("#grid .thumbnail-item")
    order = [item.entry.url for item in load_items(made)]
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"):  # to the second one
        page.keyboard.press(key)
    page.keyboard.press("x")
    expect(pictures).to_have_count(5)
    page.wait_for_function("document.activeElement === document.querySelectorAll('#grid .thumbnail-item')[1]")
    page.keyboard.press("x")  # the one that moved up
    expect(pictures).to_have_count(4)
    page.keyboard.press("s")
    expect(page.locator("#status")).to_contain_text("Saved: 2 rejected")
    assert {entry.url for entry in Ledger(made) if entry.outcome == REJECTED} == set(order[1:3])
    expect(page.locator("#counts")).to_contain_text("rejected")
    told = page.locator("#counts tr").all_inner_texts()
    assert sum(int(row.split()[-1]) for row in told[1:]) == 2
    assert sum(int(row.split()[-2]) for row in told[1:]) == 4


def test_a_dataset_is_whole_wherever_its_replacement_was_killed(tmp_path, monkeypatch):
    rows = [datasets.Dataset.from_dict({"n": [number]}) for number in (1, 2)]
    folder = tmp_path / "dataset"
    save_sides({"train": rows[0]}, folder)

    def killed(self, target):
        if target == folder:
            raise KeyboardInterrupt
        return rename(self, target)

    rename = Path.rename
    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        save_sides({"train": rows[1]}, folder)
    monkeypatch.undo()
    assert read_sides(folder)["train"]["n"] == [1]
    save_sides({"train": rows[1]}, folder)
    assert read_sides(folder)["train"]["n"] == [2]
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]
