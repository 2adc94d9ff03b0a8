"""The app over HTTP, with the bundle, as a program uses it."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tests.app_server import EXAMPLES, ROOT
from webcast.dataset import read_photos, read_table

BUNDLED_GALLERY = ROOT / "webcast" / "bundle" / "gallery"


RESNET = ["resnet18", "cosine"]
ENDPOINTS = {
    "cast", "cast_episode", "edit_episode", "explain", "detect", "main_faces", "realize", "draw", "compare",
    "gallery", "own_actors", "settings",
}  # fmt: skip


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
    assert {name.strip("/") for name in api["named_endpoints"]} == ENDPOINTS
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


def test_realize_says_so_where_there_is_one_realizer_for_all(client, page):
    _, told = client.predict([page], [0], gender="female", api_name="/realize")
    assert told["notices"] == [
        "These weights have no realizer for female characters; the common one was used."
    ]
    _, told = client.predict([page], [0], gender="male", lang="ko", api_name="/realize")
    assert re.search("[가-힣]", told["notices"][-1])
    with pytest.raises(AppError, match="female"):
        client.predict([page], [0], gender="magic", api_name="/realize")


def test_the_gallery_names_its_people_and_where_they_are_from(client):
    told = client.predict(api_name="/gallery")
    assert told["people"]
    assert all(person["name"] and person["portraits"] for person in told["people"])
    assert told["sources"]["gallery_revision"]


def test_a_photo_becomes_a_drawing(client, page):
    drawings, told = client.predict([page], api_name="/draw")
    with Image.open(drawings[0]) as drawing:
        assert drawing.width == drawing.height
    assert told == {"notices": []}


def test_the_parts_of_a_stage_are_compared(client, page):
    pictures, told = client.predict(page, "realizer", api_name="/compare")
    here = [part for part in told["parts"] if part["here"]]
    assert len(pictures) == len(here) >= 2
    assert all(part["seconds"] >= 0 and part["told"] for part in here)
    missing = next(part for part in told["parts"] if part["part"] == "cyclegan")
    assert not missing["here"]
    assert "train it" in missing["told"]


def test_the_parts_are_compared_in_korean_too(client, page):
    _, told = client.predict(page, "upscaler", lang="ko", api_name="/compare")
    labels = {part["part"]: part["label"] for part in told["parts"]}
    assert labels["none"] == "키우지 않음"
    assert all(re.search("[가-힣]", part["told"]) for part in told["parts"])


def test_another_stage_is_refused_with_the_right_ones(client, page):
    with pytest.raises(AppError, match="choose one of detector"):
        client.predict(page, "sharpener", api_name="/compare")


def test_a_program_can_bring_its_own_actors_and_nobody_else_sees_them(client, page, tmp_path):
    photos = list(read_photos(read_table(BUNDLED_GALLERY), BUNDLED_GALLERY))[:4]
    paths = [tmp_path / f"우리 배우 {number}.png" for number in range(4)]
    for path, photo in zip(paths, photos, strict=True):
        path.write_bytes(photo.file)
    told = client.predict([handle_file(path) for path in paths], api_name="/own_actors")
    assert [person["name"] for person in told["people"]] == ["우리 배우"]
    _, cast = client.predict([page], [0], visit=told["visit"], api_name="/cast")
    assert cast["standings"][0]["person"]["name"] == "우리 배우"
    mine = client.predict(visit=told["visit"], api_name="/gallery")["people"]
    assert [person["portraits"] for person in mine] == [4]
    assert "우리 배우" not in json.dumps(client.predict(api_name="/gallery"), ensure_ascii=False)


def test_another_visit_is_refused(client, page):
    for name in ("/cast", "/detect", "/realize"):
        with pytest.raises(AppError, match="not remembered"):
            client.predict([page], visit="guessed", api_name=name)


def test_parts_are_chosen_by_name_for_a_visit(client, page):
    told = client.predict(upscaler="none", realizer="none", api_name="/settings")
    assert {"name", "label", "missing"} == set(told["parts"]["upscaler"][0])
    _, cast = client.predict([page], [0], visit=told["visit"], api_name="/cast")
    assert any("upscaler none, realizer none" in notice for notice in cast["notices"])


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"upscaler": "magic"}, "waifu2x"),
        ({"similarity": "magic"}, "direct or realized"),
        ({"detector": "haar+magic"}, "lbpcascade"),
        ({"photo_detector": "magic"}, "yunet"),
        ({"photo_upscaler": "magic"}, "realesrgan-x4plus"),
        ({"main_embedder": "magic"}, "resnet18, resnet18-imagenet, vgg16-imagenet"),
        ({"main_distance": "magic"}, "cosine, euclidean"),
        ({"main_count": 0}, "from 1 to 24"),
        ({"gender": "unicorn"}, "female or male"),
        ({"among": "strangers"}, "gallery, own or both"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_right_ones(client, wrong, right):
    with pytest.raises(AppError, match=right):
        client.predict(**wrong, api_name="/settings")


def test_parts_for_photos_are_chosen_for_own_actors(client, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(next(read_photos(read_table(BUNDLED_GALLERY), BUNDLED_GALLERY)).file)
    visit = client.predict(photo_detector="haar", photo_upscaler="none", api_name="/settings")["visit"]
    told = client.predict([handle_file(path)], visit, api_name="/own_actors")
    assert [person["name"] for person in told["people"]] == ["photo"]
    visit = client.predict(photo_detector="animeface", api_name="/settings")["visit"]
    with pytest.raises(AppError, match="no face was found on it"):
        client.predict([handle_file(path)], visit, api_name="/own_actors")


def test_the_main_characters_faces_are_chosen_nearest_first(client):
    pages = [handle_file(example) for example in EXAMPLES]
    _, found = client.predict(pages, api_name="/detect")
    last = found["faces"][-1]["index"]
    chosen = {"main_embedder": "resnet18", "main_distance": "euclidean", "main_count": 2}
    visit = client.predict(**chosen, api_name="/settings")["visit"]
    told = client.predict(pages, last, visit, api_name="/main_faces")
    assert told["faces"][0] == last
    assert len(set(told["faces"])) == 2
    assert len(client.predict(pages, api_name="/main_faces")["faces"]) == len(found["faces"])
    with pytest.raises(AppError, match="no face 99"):
        client.predict(pages, 99, api_name="/main_faces")


@pytest.mark.parametrize("gender", ["female", "male"])
def test_a_character_of_a_gender_is_played_by_one_of_it(client, page, gender):
    _, told = client.predict([page], [0], gender=gender, api_name="/cast")
    assert {standing["person"]["gender"] for standing in told["standings"]} == {gender}


def test_a_part_without_its_weights_says_what_to_fetch(client):
    with pytest.raises(AppError, match="train it") as answer:
        client.predict(realizer="cyclegan", api_name="/settings")
    assert str(ROOT) not in str(answer.value), "where the server keeps its files is nobody's business"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The example pages as an episode, in an order that only natural sorting puts right."""
    path = tmp_path_factory.mktemp("episode") / "한 화.cbz"
    with zipfile.ZipFile(path, "w") as pages:
        for number, example in zip((10, 2), EXAMPLES[:2], strict=True):
            pages.write(example, f"한 화/page{number}.png")
    return path


@pytest.fixture(scope="module")
def episode(client, archive):
    """What /cast_episode answers to it: files, cards and what is told."""
    return client.predict([handle_file(archive)], api_name="/cast_episode")


def test_an_episode_is_cast_and_nobody_plays_two_parts(episode):
    files, cards, told = episode
    people = [c["person"]["id"] for c in told["characters"] if c["person"]]
    assert people
    assert len(people) == len(set(people)) == len(cards) / 2
    assert [Path(file).suffix for file in files] == [".html", ".json", ".csv"]
    assert json.loads(Path(files[1]).read_text(encoding="utf-8"))["characters"] == told["characters"]
    assert {Path(face["page"]).name for c in told["characters"] for face in c["faces"]} == {
        "page2.png",
        "page10.png",
    }
    sizes = []
    for card in cards[:2]:
        with Image.open(card) as picture:
            sizes.append(picture.size)
    assert sizes == [(1080, 1080), (1200, 630)]


def test_what_is_put_right_is_followed(client, episode):
    told = episode[2]
    first, second = (character["id"] for character in told["characters"][:2])
    changes = [{"do": "rename", "id": first, "name": "미나"}, {"do": "drop", "id": second}]
    _, cards, after = client.predict(told["visit"], changes, api_name="/edit_episode")
    assert after["characters"][0]["name"] == "미나"
    assert len(cards) == 2 * sum(character["person"] is not None for character in after["characters"])
    assert second not in [character["id"] for character in after["characters"]]

    out = after["characters"][0]["person"]["id"]
    visit = client.predict(without=[out], visit=told["visit"], api_name="/settings")["visit"]
    _, _, again = client.predict(visit, [{"do": "restore", "id": second}], api_name="/edit_episode")
    assert out not in [c["person"]["id"] for c in again["characters"] if c["person"]]


def test_why_is_told_as_a_map_of_each_of_the_best_faces(client, episode):
    told = episode[2]
    maps, said = client.predict(told["visit"], told["characters"][0]["id"], api_name="/explain")
    assert len(maps) == len(said["faces"]) > 0
    assert all(len(grid) > 1 for grid in said["drop"].values())


@pytest.mark.parametrize(
    "change",
    [
        None,
        "merge",
        {},
        {"do": "explode"},
        {"do": "merge"},
        {"do": "merge", "ids": ["c1"]},
        {"do": "merge", "ids": [["c1"], {"c": 2}]},
        {"do": "split", "id": "c1", "faces": ["a"]},
        {"do": "split", "id": "c999", "faces": [0]},
        {"do": "rename", "id": "c1", "name": 5},
        {"do": "gender", "id": "c1", "gender": "unicorn"},
        {"do": "bring_back", "face": True},
        {"do": "leave_out", "faces": [10**9]},
    ],
)
def test_a_change_that_cannot_be_made_is_refused_with_a_sentence(client, episode, change):
    with pytest.raises(AppError) as answer:
        client.predict(episode[2]["visit"], [change], api_name="/edit_episode")
    assert str(answer.value).endswith(".")
    assert "Traceback" not in str(answer.value)


def test_another_visits_episode_cannot_be_had(client, episode):
    visit = client.predict(api_name="/settings")["visit"]
    with pytest.raises(AppError, match="no episode yet"):
        client.predict(visit, [], api_name="/edit_episode")
    with pytest.raises(AppError, match="not remembered"):
        client.predict("guessed", "c1", api_name="/explain")


@pytest.mark.parametrize("kind", ["broken", "nested", "crowded", "textual"])
def test_a_bad_archive_is_answered_with_a_sentence(client, tmp_path, kind):
    path = tmp_path / f"{kind}.zip"
    with zipfile.ZipFile(path, "w") as pages:
        if kind == "nested":
            pages.writestr("inner.zip", b"PK")
        for number in range(201 if kind == "crowded" else 0):
            pages.writestr(f"{number}.png", b"")
        pages.writestr("notes.txt", "no page")
    if kind == "broken":
        path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(AppError) as answer:
        client.predict([handle_file(path)], lang="ko", api_name="/cast_episode")
    assert re.search("[가-힣]", str(answer.value)), "the library's sentence is told in Korean"
    assert str(tmp_path) not in str(answer.value)


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
    event, said = call(app_url, "detect", [[], None, None], headers)
    assert event == "error"
    assert "아직 페이지가 없습니다" in said["error"]


@pytest.mark.parametrize("path", ["", "episode", "draw", "gallery", "compare", "about"])
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
        ["/gradio_api/file=a\0b"],
        [{"path": "/etc/passwd"}],
        [{"path": str(EXAMPLES[0]) if EXAMPLES else ""}],
        ["http://x/gradio_api/file=/etc/passwd"],
        ["data:image/png;base64,%%%"],
        ["http://127.0.0.1:9/page.png"],
        ["file:///etc/passwd"],
    ],
)
def test_files_that_nobody_uploaded_are_not_read(app_url, pages):
    event, said = call(app_url, "detect", [pages, None, None])
    assert event == "error"
    assert said["error"], "a sentence is due, not a traceback kept silent"
    assert "root:" not in said["error"]


@pytest.mark.parametrize("as_text", [True, False])
def test_the_folder_of_everybodys_uploads_is_no_page(app_url, client, page, as_text):
    client.predict([page], api_name="/detect")  # now it holds an upload of somebody else's
    home = os.environ["GRADIO_TEMP_DIR"]
    assert any(Path(home).rglob("*.png"))
    folder = f"{app_url}gradio_api/file={home}" if as_text else {"path": home}
    event, said = call(app_url, "cast_episode", [[folder], None, None])
    assert event == "error"
    assert "uploaded" in said["error"]


def test_gradio_itself_refuses_files_that_were_not_uploaded(app_url):
    stolen = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    assert call(app_url, "detect", [[stolen], None, None])[0] == "error"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("show_example", [None]),
        ("show_pages", [[], None]),
        ("show_all", ["guessed token"]),
        ("show_drawing", [None]),
        ("show_comparison", [None, "detector", None]),
        ("show_episode", [["/etc/passwd"], None]),
        ("show_edited", [None]),
        ("show_without", ["guessed token"]),
        ("show_why", [None]),
        ("show_files", [None]),
        ("set_filters", [None, "unicorn", None, None, [], []]),
        ("set_filters", [None, "", "old", {"a": 1}, [{"b": 2}], 5]),
        ("set_parts", [None, "direct", ["../../etc"], [], "none", "none", "none", *RESNET * 2, 12]),
        ("set_parts", [None, {"a": 1}, [[]], 5, None, None, None, *RESNET * 2, 12]),
        ("set_parts", [None, "direct", [], [], "none", "none", "none", *RESNET, {"b": 2}, [], "many"]),
        ("set_left_out", [[{"a": 1}], None]),
        ("leave_out", ["guessed token"]),
        ("show_main", [[7], {"a": 1}, "guessed token"]),
        ("show_again", [[7], "unicorn", None]),
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
    assert json.loads(page)["i18n_translations"]["ko"]["webcast_stop"] == "멈추기"


@pytest.mark.slow
def test_weights_that_are_not_there_end_the_start_with_a_sentence(tmp_path):
    environment = {**os.environ, "WEBCAST_WEIGHTS": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
    )
    assert ended.returncode != 0
    assert "webcast cannot start" in ended.stderr
    assert "Traceback" not in ended.stderr
