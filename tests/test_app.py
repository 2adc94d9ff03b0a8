"""The app over HTTP, with the bundle, as a program uses it."""

import json
import os
import subprocess
import sys

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tests.app_server import EXAMPLES, ROOT


@pytest.fixture(scope="module")
def client(app_url, tmp_path_factory):
    return Client(app_url, verbose=False, download_files=tmp_path_factory.mktemp("got"))


@pytest.fixture(scope="module")
def page():
    return handle_file(EXAMPLES[0])


def call(app_url, name, data, headers=None):
    """Call an endpoint as anybody can, past gradio_client; the last event's name and data."""
    posted = httpx.post(f"{app_url}gradio_api/call/{name}", json={"data": data}, headers=headers, timeout=60)
    if posted.status_code != 200:
        return "refused", posted.text
    event = posted.json()["event_id"]
    lines = httpx.get(f"{app_url}gradio_api/call/{name}/{event}", timeout=120).text.strip().splitlines()
    return lines[-2].removeprefix("event: "), json.loads(lines[-1].removeprefix("data: "))


def test_only_the_endpoints_that_are_promised_are_public(client):
    api = client.view_api(return_format="dict", print_info=False)
    assert set(api["named_endpoints"]) == {"/cast", "/detect", "/realize", "/gallery"}
    assert api["unnamed_endpoints"] == {}
    for endpoint in api["named_endpoints"].values():
        assert endpoint["description"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_of_each_school_is_cast(client, example):
    sheet, told = client.predict([handle_file(example)], [0], api_name="/cast")
    with Image.open(sheet) as picture:
        assert picture.size == (1080, 1350)
    assert [vote["rank"] for vote in told["ballots"][0]["votes"]] == [1, 2, 3, 4, 5]
    assert len(told["ballots"]) == 1
    votes = [standing["votes"] for standing in told["standings"]]
    assert votes == sorted(votes, reverse=True)
    assert sum(votes) == 5
    assert all(told["sources"].values())
    assert isinstance(told["firmness"]["firm"], bool)


def test_without_indices_every_face_counts_and_the_result_says_so(client, page):
    pages = [page, handle_file(EXAMPLES[-1])]
    _, found = client.predict(pages, api_name="/detect")
    _, told = client.predict(pages, api_name="/cast")
    assert len(told["ballots"]) == len(found["faces"]) > 1
    assert any("count as one character" in notice for notice in told["notices"])


def test_detect_gives_boxes_that_cast_takes_as_indices(client, page):
    boxed, told = client.predict([page], api_name="/detect")
    with Image.open(boxed[0]) as picture, Image.open(EXAMPLES[0]) as example:
        assert picture.size == example.size
        width, height = example.size
    assert [face["index"] for face in told["faces"]] == list(range(len(told["faces"])))
    for face in told["faces"]:
        x0, y0, x1, y1 = face["box"]
        assert x0 < x1
        assert y0 < y1
        assert x0 < width
        assert y0 < height
    last = told["faces"][-1]
    _, cast = client.predict([page], [last["index"]], api_name="/cast")
    assert cast["ballots"][0]["face"]["box"] == last["box"]


def test_the_other_similarity_can_be_asked_for(client, page):
    results = [client.predict([page], [0], name, api_name="/cast")[1] for name in ("direct", "realized")]
    near = [[vote["similarity"] for vote in told["ballots"][0]["votes"]] for told in results]
    assert near[0] != near[1]


def test_realize_gives_a_picture_for_each_face(client, page):
    photos, told = client.predict([page], [0], api_name="/realize")
    assert len(photos) == len(told["faces"]) == 1
    with Image.open(photos[0]) as photo:
        assert photo.width == photo.height >= 64
        assert max(high - low for low, high in photo.getextrema()) > 50, "the photo is nearly blank"


def test_the_gallery_names_its_people_and_where_they_are_from(client):
    told = client.predict(api_name="/gallery")
    assert told["people"]
    assert all(person["name"] and person["portraits"] for person in told["people"])
    assert told["sources"]["gallery_revision"]


def bad_file(folder, kind):
    path = folder / f"{kind}.png"
    if kind == "text":
        path.write_text("this is no picture")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "truncated":
        Image.effect_noise((300, 300), 80).save(path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "pixel":
        Image.new("RGB", (1, 1)).save(path)
    else:
        Image.new("RGB", (600, 600), "white").save(path)
    return path


@pytest.mark.parametrize("kind", ["text", "empty", "truncated", "pixel", "faceless"])
def test_a_bad_page_is_answered_with_a_sentence(client, tmp_path, kind):
    with pytest.raises(AppError) as answer:
        client.predict([handle_file(bad_file(tmp_path, kind))], api_name="/cast")
    said = str(answer.value)
    assert "face" in said if kind == "faceless" else f"{kind}.png" in said
    assert "Traceback" not in said
    assert str(tmp_path) not in said


def test_the_good_page_of_a_bad_call_is_still_cast(client, page, tmp_path):
    pages = [handle_file(bad_file(tmp_path, "text")), page]
    _, told = client.predict(pages, [0], api_name="/cast")
    assert told["standings"]
    assert any("text.png" in notice for notice in told["notices"])


@pytest.mark.parametrize("faces", [[999], [-1], [], ["0"], [0.5], [True], [None]])
def test_faces_that_are_not_there_are_refused(client, page, faces):
    with pytest.raises(AppError, match=r"no face|No face"):
        client.predict([page], faces, api_name="/cast")


@pytest.mark.parametrize(
    ("lang", "words"), [("ko", "얼굴을 찾지 못했습니다"), ("en", "No drawn face"), (None, "No drawn")]
)
def test_the_language_of_the_answer_can_be_chosen(client, tmp_path, lang, words):
    with pytest.raises(AppError, match=words):
        client.predict([handle_file(bad_file(tmp_path, "faceless"))], lang=lang, api_name="/detect")


def test_another_language_is_refused(client, page):
    with pytest.raises(AppError, match="choose en or ko"):
        client.predict([page], lang="tlh", api_name="/detect")


def test_the_language_follows_the_request(app_url):
    headers = {"accept-language": "ko-KR,ko;q=0.9"}
    event, said = call(app_url, "detect", [[], None], headers)
    assert event == "error"
    assert "아직 페이지가 없습니다" in said["error"]


@pytest.mark.parametrize("path", ["", "gallery", "about"])
def test_every_page_is_served(app_url, path):
    assert httpx.get(f"{app_url}{path}", timeout=60).status_code == 200


def test_another_similarity_is_refused(client, page):
    with pytest.raises(AppError, match="direct or realized"):
        client.predict([page], [0], "nearest", api_name="/cast")


def test_too_many_pages_are_refused(client, page):
    with pytest.raises(AppError, match="at most 12"):
        client.predict([page] * 13, api_name="/detect")


@pytest.mark.parametrize(
    "pages",
    [
        None,
        "page",
        [5],
        [None],
        ["/etc/passwd"],
        [{"path": "/etc/passwd"}],
        [{"path": str(EXAMPLES[0]) if EXAMPLES else ""}],
        ["http://x/gradio_api/file=/etc/passwd"],
        ["data:image/png;base64,%%%"],
        ["http://127.0.0.1:9/page.png"],
        ["file:///etc/passwd"],
    ],
)
def test_files_that_nobody_uploaded_are_not_read(app_url, pages):
    event, said = call(app_url, "detect", [pages, None])
    assert event == "error"
    assert said["error"], "a sentence is due, not a traceback kept silent"
    assert "root:" not in said["error"]


def test_gradio_itself_refuses_files_that_were_not_uploaded(app_url):
    stolen = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    assert call(app_url, "detect", [[stolen], None])[0] == "error"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("show_example", ["direct", None]),
        ("show_pages", [[], "direct", None]),
        ("show_all", ["direct", None]),
        ("use_folder", ["guessed token"]),
        ("use_actors", [["/etc/passwd"], None]),
    ],
)
def test_what_belongs_to_the_page_judges_what_it_gets_too(app_url, name, data):
    event, said = call(app_url, name, data)
    assert event in ("error", "refused")
    assert "Traceback" not in str(said)


def test_a_file_over_the_limit_is_refused_at_the_door(app_url):
    files = {"files": ("big.png", bytes(21_000_000))}
    assert httpx.post(f"{app_url}gradio_api/upload", files=files, timeout=60).status_code == 413


def test_the_page_says_limits_sources_and_when_uploads_go(app_url):
    page = httpx.get(f"{app_url}config", timeout=60).text
    for words in ("12 pages", "20 MB", "24 faces", "24 may", "deleted within", "AI resemblance", "Weights:"):
        assert words in page
    assert json.loads(page)["i18n_translations"]["ko"]["stop"] == "멈추기"


@pytest.mark.slow
def test_weights_that_are_not_there_end_the_start_with_a_sentence(tmp_path):
    environment = {**os.environ, "WEBCAST_WEIGHTS": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
    )
    assert ended.returncode != 0
    assert "webcast cannot start" in ended.stderr
    assert "Traceback" not in ended.stderr
