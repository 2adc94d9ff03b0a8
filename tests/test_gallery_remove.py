"""Taking a person out of a gallery, here and on a Hub of our own, whose old revisions keep the pictures."""

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http

from tests import fakes
from tests.hub_repo import Repo
from tests.hub_server import Fault, Hub, User, serve
from webcast.__main__ import main
from webcast.errors import GalleryError
from webcast.gallery import load_gallery

PARQUET = "data/train-00000-of-00001.parquet"


@pytest.fixture
def gallery(tmp_path):
    fakes.gallery(tmp_path / "photos", each=2).save(tmp_path / "actors")
    return tmp_path / "actors"


@pytest.fixture
def hub(monkeypatch, tmp_path, gallery):
    """A Hub with the gallery on it as me/actors, that the client of this process is logged in to."""
    tokens = {"hf_me": User("me"), "hf_reader": User("me", can_write=False)}
    files = {"README.md": (gallery / "README.md").read_bytes(), PARQUET: (gallery / PARQUET).read_bytes()}
    with serve(Hub(tokens=tokens)) as served:
        served.repos["dataset", "me/actors"] = Repo(files | {"data/old.parquet": files[PARQUET]})
        monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
        template = f"{served.endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
        monkeypatch.setenv("HF_TOKEN", "hf_me")
        yield served


def published(hub, tmp_path, revision: str = "main") -> set[str]:
    """The names in the published gallery."""
    folder = tmp_path / f"seen-{revision}-{len(hub.requests)}"
    for name, blob in hub.repos["dataset", "me/actors"].at(revision).files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(blob.content)
    return {person.name for person in load_gallery(folder, None).people}


def remove(gallery, person: str, *flags: str) -> int:
    return main(["gallery", "remove", person, "--gallery", str(gallery), *flags])


def names(gallery) -> set[str]:
    return {person.name for person in load_gallery(gallery, None).people}


def test_a_person_is_taken_out_of_the_folder(gallery, capsys):
    before = load_gallery(gallery, None)
    assert remove(gallery, "ben") == 0
    after = load_gallery(gallery, None)
    assert names(gallery) == {"Ada", "Cem", "Dua", "Eli"}
    assert len(after.portraits) == len(after.embeddings) == len(before.portraits) - 2
    assert after.revision != before.revision
    assert after.embedder_id == before.embedder_id
    assert "or they come back" in capsys.readouterr().err


def test_a_wrong_id_is_told_with_the_nearest_and_changes_nothing(gallery, capsys):
    before = (gallery / PARQUET).read_bytes()
    assert remove(gallery, "Ben") == 2
    assert "did you mean ben?" in capsys.readouterr().err
    assert (gallery / PARQUET).read_bytes() == before


def test_the_last_person_cannot_be_taken_out(tmp_path):
    gallery = fakes.gallery(tmp_path / "photos", people={"Ada": "#c03030"})
    with pytest.raises(GalleryError, match="delete the whole gallery"):
        gallery.without("ada")


def test_the_published_gallery_changes_in_one_commit_and_the_old_one_is_told_of(
    hub, gallery, tmp_path, capsys
):
    repo = hub.repos["dataset", "me/actors"]
    old = repo.commit
    assert remove(gallery, "ben", "--push", "me/actors") == 0
    assert published(hub, tmp_path) == names(gallery) == {"Ada", "Cem", "Dua", "Eli"}
    assert set(repo.at("main").files) == {"README.md", PARQUET}, "an older table that held Ben is gone"
    assert repo.at("main").parent == old
    assert "Old revisions of me/actors keep the pictures" in capsys.readouterr().err
    assert "Ben" in published(hub, tmp_path, old)


def test_the_history_is_squashed_now_or_later(hub, gallery, tmp_path, capsys):
    repo = hub.repos["dataset", "me/actors"]
    remove(gallery, "ben", "--push", "me/actors")
    repo.add_branch("draft", "main")
    assert remove(gallery, "ben", "--push", "me/actors", "--squash") == 0
    assert repo.at("main").parent == ""
    assert "Ben" not in published(hub, tmp_path)
    told = capsys.readouterr()
    assert "is one commit now" in told.out
    assert "delete them: draft" in told.err


def test_after_the_squash_no_revision_holds_the_person(hub, gallery, tmp_path):
    repo = hub.repos["dataset", "me/actors"]
    assert remove(gallery, "ben", "--push", "me/actors", "--squash") == 0
    assert list(repo.commits) == [repo.commit]
    assert published(hub, tmp_path) == {"Ada", "Cem", "Dua", "Eli"}


def test_a_push_that_fails_is_told_and_the_same_command_goes_on(hub, gallery, tmp_path, capsys):
    hub.faults.append(Fault("POST /api/datasets/me/actors/commit", status=412))
    assert remove(gallery, "ben", "--push", "me/actors") == 2
    assert "somebody else changed it meanwhile" in capsys.readouterr().err
    assert "Ben" in published(hub, tmp_path)
    assert remove(gallery, "ben", "--push", "me/actors") == 0
    assert "Ben" not in published(hub, tmp_path)


@pytest.mark.parametrize(
    ("flags", "told"),
    [(["--push", "me/nothing"], "The Hub has no dataset me/nothing"),
     (["--push", "nowhere"], "not a Hub id"),
     (["--squash"], "name it with --push")],
)  # fmt: skip
def test_mistakes_are_one_sentence_and_nothing_is_removed(hub, gallery, capsys, flags, told):
    assert remove(gallery, "ben", *flags) == 2
    assert told in capsys.readouterr().err
    assert "Ben" in names(gallery)


def test_a_token_for_reading_is_not_enough(hub, gallery, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    assert remove(gallery, "ben", "--push", "me/actors") == 2
    assert "log in with one that does" in capsys.readouterr().err
