"""The page in headless Chromium, as a fan uses it."""

import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.app_server import EXAMPLES, ROOT
from webcast.dataset import read_photos, read_table

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 120_000
BUNDLED_GALLERY = ROOT / "webcast" / "bundle" / "gallery"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="no chromium is installed (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, app_url):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    opened.goto(app_url)
    opened.wait_for_selector("#examples button")
    yield opened
    context.close()


def drop(page, where: str, *files: Path) -> None:
    page.locator(f"{where} input[type=file]").set_input_files([str(file) for file in files])


def wait_for_cast(page) -> None:
    page.wait_for_selector("#ballots .wc-ballot")
    page.wait_for_selector("#sheet img")


def open_settings(page) -> None:
    page.get_by_role("button", name="parts and settings").click()
    page.wait_for_timeout(1000)  # Gradio gives each field its value once more when they are first shown


def cast_face(page) -> str:
    """Which face the result shown is of: its drawn picture."""
    return page.locator("#ballots .wc-way img").first.get_attribute("src")


def test_one_click_on_an_example_gives_everything(page):
    page.locator("#examples button").first.click()
    wait_for_cast(page)
    assert page.locator(".wc-face[aria-pressed=true]").count() == 1
    assert page.locator("#ballots .wc-way img").count() == 3
    assert page.locator("#ballots .wc-nearest li").count() == 5
    assert page.locator("#ballots .wc-rank").all_inner_texts() == ["1", "2", "3", "4", "5"]
    assert page.locator("#sheet img").evaluate("image => image.naturalWidth") == 1080
    assert "%" not in page.locator("#ballots").inner_text()


def test_an_uploaded_page_is_cast_and_another_face_can_be_chosen(page):
    drop(page, "#pages", *EXAMPLES)
    wait_for_cast(page)
    first = cast_face(page)
    other = page.locator(".wc-face[aria-pressed=false]").first
    other.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "old => document.querySelector('#ballots .wc-way img').getAttribute('src') !== old", arg=first
    )
    assert other.get_attribute("aria-pressed") == "true" or page.locator("[aria-pressed=true]").count() == 1
    assert page.locator(".wc-page").count() == len(EXAMPLES)


def test_all_faces_can_be_one_character(page):
    drop(page, "#pages", *EXAMPLES)
    wait_for_cast(page)
    faces = page.locator(".wc-face").count()
    page.get_by_role("button", name="one character").click()
    page.wait_for_function(
        "count => document.querySelectorAll('#ballots .wc-ballot').length === count", arg=faces
    )


def test_the_main_characters_faces_vote_alone_and_her_gender_is_said(page):
    drop(page, "#pages", *EXAMPLES)
    wait_for_cast(page)
    open_settings(page)
    page.get_by_label("how many faces").fill("2")
    page.get_by_label("how many faces").press("Enter")
    page.get_by_label("how many faces").blur()  # as on the way to the button
    page.get_by_role("button", name="the 2 faces most like").click()
    page.wait_for_function("() => document.querySelectorAll('#ballots .wc-ballot').length === 2")
    assert page.locator(".wc-face[aria-pressed=true]").count() == 2
    photos = read_photos(read_table(BUNDLED_GALLERY), BUNDLED_GALLERY)
    women = {photo.person.name for photo in photos if photo.person.gender == "female"}
    page.locator("#character").get_by_label("man", exact=True).check()
    page.wait_for_function(
        "women => ![...document.querySelectorAll('#ballots .wc-nearest figcaption')]"
        ".some(it => women.some(name => it.innerText.includes(name)))",
        arg=sorted(women),
    )
    assert page.locator("#ballots .wc-ballot").count() == 2


def test_a_bad_file_is_answered_on_the_page_and_the_next_one_is_cast(page, tmp_path):
    bad = tmp_path / "<b>bad.png"
    bad.write_text("this is no picture")
    drop(page, "#pages", bad)
    said = page.get_by_text("is not a picture").first
    said.wait_for()
    assert "Traceback" not in page.inner_text("body")
    page.reload()
    drop(page, "#pages", EXAMPLES[0])
    wait_for_cast(page)


def test_a_page_without_a_face_is_answered_with_a_sentence(page, tmp_path):
    Image.new("RGB", (500, 500), "white").save(tmp_path / "white.png")
    drop(page, "#pages", tmp_path / "white.png")
    page.get_by_text("No drawn face was found").first.wait_for()


def own_actors(folder: Path, people: int) -> Path:
    """A ZIP of portraits of the bundle under other names."""
    photos = list(read_photos(read_table(BUNDLED_GALLERY), BUNDLED_GALLERY))[: 3 * people]
    with zipfile.ZipFile(folder / "actors.zip", "w") as archive:
        for number, photo in enumerate(photos):
            archive.writestr(f"우리 배우 {number // 3}/{number}.png", photo.file)
    return folder / "actors.zip"


def go_to(page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_selector(".wc-footer")


def test_own_actors_are_cast_on_every_page_and_for_this_visit_only(page, browser, app_url, tmp_path):
    go_to(page, "The gallery")
    page.get_by_role("button", name="Your own actors").click()
    drop(page, "#portraits", own_actors(tmp_path, 3))
    page.get_by_text("your 3 actors").wait_for()
    page.wait_for_function("() => document.querySelector('#people').innerText.includes('우리 배우 2')")
    go_to(page, "Cast a page")
    page.locator("#examples button").first.click()
    wait_for_cast(page)
    assert "우리 배우" in page.locator("#ballots .wc-nearest").first.inner_text()

    stranger = browser.new_context().new_page()
    stranger.goto(f"{app_url}gallery")
    stranger.locator("#people .thumbnail-item").first.wait_for(timeout=PATIENCE_MS)
    assert "우리 배우" not in stranger.inner_text("body")
    stranger.context.close()

    go_to(page, "The gallery")
    page.get_by_text("your 3 actors").wait_for()
    page.get_by_label("the gallery of this app").check()
    page.wait_for_function("() => !document.querySelector('#people').innerText.includes('우리 배우')")


def test_own_actors_come_as_a_folder_too(page, tmp_path):
    photos = list(read_photos(read_table(BUNDLED_GALLERY), BUNDLED_GALLERY))[:6]
    for number, photo in enumerate(photos):
        path = tmp_path / "troupe" / f"우리 배우 {number // 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo.file)
    go_to(page, "The gallery")
    open_settings(page)
    page.get_by_label("Upscales photos").click()
    page.get_by_role("option", name="no upscaling").click()
    page.get_by_role("button", name="Your own actors").click()
    page.locator("#portrait-folder input").set_input_files(tmp_path / "troupe")
    page.get_by_text("your 2 actors").wait_for()
    page.reload()
    open_settings(page)
    page.wait_for_function(
        "() => document.querySelector('[aria-label=\"Upscales photos\"]').value === 'no upscaling'"
    )


def test_the_gallery_can_be_searched_and_shows_where_portraits_are_from(page):
    go_to(page, "The gallery")
    page.locator("#people .thumbnail-item").first.wait_for()
    everyone = page.locator("#people .thumbnail-item").count()
    page.get_by_text("Women", exact=True).click()
    page.get_by_text("Shown: ").wait_for()
    assert 0 < page.locator("#people .thumbnail-item").count() < everyone
    photos = read_photos(read_table(BUNDLED_GALLERY), BUNDLED_GALLERY)
    woman = next(photo.person.name for photo in photos if photo.person.gender == "female")
    page.get_by_label("Search by name").fill(woman.upper())
    page.wait_for_function("() => document.querySelectorAll('#people .thumbnail-item').length === 1")
    page.locator("#people .thumbnail-item").first.click()
    page.locator("#person img").first.wait_for()
    assert "MIT" in page.locator("#person").inner_text()
    assert "Sources and licences" in page.locator("#sources").inner_text()
    page.get_by_label("Search by name").fill("<b>nobody")
    page.get_by_text("Nobody is called so").wait_for()


def test_a_person_is_left_out_of_the_gallery_for_this_visit_and_comes_back(page):
    go_to(page, "The gallery")
    page.locator("#people .thumbnail-item").first.wait_for()
    everyone = page.locator("#people .thumbnail-item").count()
    page.locator("#people .thumbnail-item").first.click()
    page.get_by_role("button", name="on this visit").click()
    shown = "count => document.querySelectorAll('#people .thumbnail-item').length === count"
    page.wait_for_function(shown, arg=everyone - 1)
    page.reload()
    page.wait_for_function(shown, arg=everyone - 1)
    page.locator("#left-out .token-remove").first.click()
    page.wait_for_function(shown, arg=everyone)
    page.locator("#left-out").wait_for(state="hidden")


def test_the_page_about_shows_the_cards(page):
    go_to(page, "About")
    page.get_by_role("button", name="The card of the weights").click()
    page.get_by_text("The bundled weights of webcast").wait_for()
    assert "never an identification" in page.inner_text("#about")


def test_a_photo_becomes_a_drawing(page):
    go_to(page, "Draw a photo")
    drop(page, "#photo", EXAMPLES[0])
    page.wait_for_selector("#drawing img")
    assert page.locator("#both img").count() == 2


def test_parts_are_compared_on_one_picture(page):
    go_to(page, "Compare")
    drop(page, "#picture", EXAMPLES[0])
    page.locator("#columns .wc-column").first.wait_for()
    assert page.locator("#columns .wc-column").count() >= 3
    assert "face" in page.locator("#columns .wc-column").first.inner_text()
    assert "lbpcascade_animeface.xml" in page.locator("#columns details").inner_html()


def test_a_part_chosen_on_the_page_is_used_and_remembered(page):
    page.locator("#examples button").first.click()
    wait_for_cast(page)
    open_settings(page)
    page.get_by_label("Upscales drawings").click()
    page.get_by_role("option", name="no upscaling").click()
    page.get_by_text("Parts other than the weights' own: upscaler none").wait_for()
    page.reload()
    open_settings(page)
    page.wait_for_function(
        "() => [...document.querySelectorAll('#settings input')].some(it => it.value === 'no upscaling')"
    )


def episode(folder: Path, copies: int = 1) -> Path:
    with zipfile.ZipFile(folder / "episode.zip", "w") as archive:
        for example in EXAMPLES:
            with Image.open(example) as picture:
                picture.convert("RGB").save(folder / "page.jpg", quality=85)
            for number in range(copies):
                archive.write(folder / "page.jpg", f"{number}/{example.stem}.jpg")
    return folder / "episode.zip"


def test_an_episode_is_cast_put_right_and_kept(page, tmp_path):
    go_to(page, "Cast an episode")
    drop(page, "#episode", episode(tmp_path))
    page.locator("#cast .wc-part").first.wait_for()
    characters = page.locator("#characters .wc-character").count()
    assert characters >= 2

    page.locator("#characters [data-tick]").nth(0).check()
    page.locator("#characters [data-tick]").nth(1).check()
    page.get_by_role("button", name="Merge the ticked").click()
    count = "count => document.querySelectorAll('#characters .wc-character').length === count"
    page.wait_for_function(count, arg=characters - 1)

    faces = page.locator("#characters .wc-character").first.locator("[data-face]")
    faces.first.click()
    assert faces.first.get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Split off").first.click()
    page.wait_for_function(count, arg=characters)

    name = page.locator("#characters input[data-do=rename]").first
    name.fill("Mina <b>")
    name.press("Enter")
    page.locator("#cast").get_by_text("Mina <b>").first.wait_for()

    without = page.locator("#cast [data-do=without]").first
    actor = without.inner_text().removeprefix("Not ")
    without.click()
    page.wait_for_function("name => !document.querySelector('#cast').innerText.includes(name)", arg=actor)

    page.locator("#cast [data-do=why]").first.click()
    page.locator("#why .wc-ballot").first.wait_for()
    assert page.locator("#why .wc-way figure").count() >= 3

    page.get_by_role("button", name="Keep the cast").click()
    page.locator("#cards img").first.wait_for()
    with page.expect_download() as download:
        page.locator("#files a[download]").first.click()
    sheet = Path(download.value.path()).read_text(encoding="utf-8")
    assert "Mina &lt;b&gt;" in sheet
    assert actor not in sheet

    page.reload()
    page.locator("#cast").get_by_text("Mina <b>").first.wait_for()
    assert actor not in page.inner_text("#cast"), "the visit is remembered, and who is left out"


def test_long_work_can_be_stopped_and_the_next_is_done(page, tmp_path):
    go_to(page, "Cast an episode")
    drop(page, "#episode", episode(tmp_path, copies=60))
    page.get_by_text("Looking for faces").first.wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped, as you asked").first.wait_for()
    page.locator("#example-episode").click()
    page.locator("#cast .wc-part").first.wait_for()


def test_work_that_waits_for_others_can_be_stopped(page, browser, tmp_path):
    go_to(page, "Cast an episode")
    drop(page, "#episode", episode(tmp_path, copies=60))
    page.get_by_text("Looking for faces").first.wait_for()
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    second = context.new_page()
    second.goto(page.url)
    with second.expect_response("**/queue/join*"):
        drop(second, "#episode", episode(tmp_path, copies=60))
    second.get_by_text("queue: ").first.wait_for()
    second.get_by_role("button", name="Stop").click()
    second.get_by_text("Stopped, as you asked").first.wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped, as you asked").first.wait_for()
    second.wait_for_timeout(3000)
    assert not second.get_by_text("Looking for faces").count(), "what was stopped has begun after all"
    second.locator("#example-episode").click()
    second.locator("#cast .wc-part").first.wait_for()
    context.close()


def test_leaving_a_page_ends_its_work(page, tmp_path):
    """The work asked for last would else replace the episode that the visit remembers."""
    go_to(page, "Cast an episode")
    page.locator("#example-episode").click()
    page.get_by_text("on 2 pages").wait_for()
    drop(page, "#episode", episode(tmp_path, copies=30))
    page.get_by_text("Looking for faces").first.wait_for()
    go_to(page, "About")
    go_to(page, "Cast an episode")
    page.locator("#cast .wc-told").wait_for()
    assert "on 2 pages" in page.inner_text("#cast .wc-told")


def test_a_bad_archive_is_answered_on_the_page(page, tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK this is no archive")
    go_to(page, "Cast an episode")
    drop(page, "#episode", tmp_path / "bad.zip")
    page.get_by_text("bad.zip cannot be unpacked").first.wait_for()
    assert "That did not work" in page.inner_text(".toast-body")
    assert "Traceback" not in page.inner_text("body")


def test_a_korean_browser_gets_korean(browser, app_url, tmp_path):
    context = browser.new_context(locale="ko-KR")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(app_url)
    page.get_by_text("가진 그림이 없나요?").wait_for()
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.get_by_role("link", name="배우 갤러리").wait_for()
    Image.new("RGB", (500, 500), "white").save(tmp_path / "white.png")
    drop(page, "#pages", tmp_path / "white.png")
    page.get_by_text("그려진 얼굴을 찾지 못했습니다").first.wait_for()
    assert "잘 되지 않았습니다" in page.inner_text(".toast-body")
    for name, size, told in (
        ("notes.txt", 5, "쓸 수 없는 종류의 파일"),
        ("big.png", 21_000_000, "20 MB가 넘습니다"),
    ):
        (tmp_path / name).write_bytes(bytes(size))
        page.reload()
        page.wait_for_selector("#examples button")
        drop(page, "#pages", tmp_path / name)
        page.get_by_text(f"{name}: ").first.wait_for()
        assert told in page.inner_text(".toast-body")
    page.goto(f"{app_url}compare")
    drop(page, "#picture", EXAMPLES[0])
    page.locator("#columns").get_by_text("얼굴 4개").first.wait_for()
    context.close()


def test_the_page_asks_nobody_else_and_fits_a_phone(browser, app_url):
    context = browser.new_context(viewport={"width": 375, "height": 812})
    context.set_default_timeout(PATIENCE_MS)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(app_url)
    page.locator("#examples button").first.click()
    wait_for_cast(page)
    page.wait_for_function("Math.abs(document.querySelector('#sheet').getBoundingClientRect().top) < 400")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    for path in ("episode", "draw", "gallery", "compare", "about"):
        page.goto(f"{app_url}{path}")
        page.wait_for_selector(".wc-footer")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
    assert [url for url in asked if not url.startswith((app_url, "data:", "blob:"))] == []
    context.close()


NAMELESS = """() => {
  const words = it => (it?.innerText || '').trim();
  const named = it => it.getAttribute('aria-label') || it.getAttribute('title') || it.getAttribute('alt')
    || (it.getAttribute('aria-labelledby') || '').split(' ').some(id => words(document.getElementById(id)))
    || [...(it.labels || [])].some(words)
    || (!['INPUT', 'SELECT', 'TEXTAREA', 'IMG'].includes(it.tagName) && words(it))
    || [...it.querySelectorAll('img[alt]:not([alt=""])')].length;
  const seen = it => it.getClientRects().length && !it.closest('[aria-hidden=true]');
  const decorates = it => it.tagName === 'IMG' && it.alt === '' && it.parentElement.closest('button, a');
  const all = 'button, a[href], input, select, textarea, summary, img, [role=button], [role=slider], '
    + '[tabindex="0"]';
  return [...document.querySelectorAll(all)].filter(it => seen(it) && !decorates(it) && !named(it))
    .map(it => it.outerHTML.slice(0, 200));
}"""


def open_everything(page) -> None:
    for folded in page.locator("#settings > button, #filters > button, #own-actors > button").all():
        folded.click()


def fill_cast_a_page(page) -> None:
    drop(page, "#pages", *EXAMPLES)
    wait_for_cast(page)


def fill_episode(page) -> None:
    page.locator("#example-episode").click()
    page.locator("#cast [data-do=why]").first.click()
    page.locator("#why .wc-ballot").first.wait_for()
    page.get_by_role("button", name="Keep the cast").click()
    page.locator("#cards img").first.wait_for()


def fill_draw(page) -> None:
    drop(page, "#photo", EXAMPLES[0])
    page.wait_for_selector("#drawing img")


def fill_gallery(page) -> None:
    page.locator("#people .thumbnail-item").first.click()
    page.get_by_role("button", name="on this visit").click()
    page.locator("#left-out .token-remove").first.wait_for()


def fill_compare(page) -> None:
    page.get_by_label("What to compare").click()
    page.get_by_role("option", name="Upscales drawings").click()
    drop(page, "#picture", EXAMPLES[0])
    page.locator("#columns .wc-column").first.wait_for()


@pytest.mark.parametrize(
    ("path", "fill"),
    [
        ("", fill_cast_a_page),
        ("episode", fill_episode),
        ("draw", fill_draw),
        ("gallery", fill_gallery),
        ("compare", fill_compare),
        ("about", open_everything),
    ],
)
def test_whatever_is_seen_or_pressed_has_a_name_for_a_screen_reader(page, app_url, path, fill):
    page.goto(f"{app_url}{path}")
    page.wait_for_selector(".wc-footer")
    fill(page)
    open_everything(page)
    page.wait_for_timeout(500)  # what unfolds is animated
    assert page.evaluate(NAMELESS) == []
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.lang") == "en"
