import csv
import dataclasses
import io
import unicodedata
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet
import pytest
from huggingface_hub import DatasetCard
from PIL import Image

from tests import fakes
from webcast import gallery as module
from webcast.errors import GalleryError
from webcast.gallery import Gallery, best_of, build_gallery, load_gallery
from webcast.types import Person, Portrait

BLANK = Image.new("RGB", (32, 32))


def build(folder: Path):
    return build_gallery(folder, fakes.ColourEmbedder(), fakes.PatchDetector())


def small(vectors: np.ndarray, names: str = "abcdefgh") -> Gallery:
    portraits = tuple(Portrait(Person(name, name), BLANK) for name in names[: len(vectors)])
    return Gallery(portraits, vectors, "colours-12", "000000000001", "small", "r")


def jpeg(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(file, "JPEG")
    return file.getvalue()


# --- search ------------------------------------------------------------------------------------------


def test_search_gives_the_nearest_first_with_rank_and_cosine():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(8, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    probe = vectors[3]
    ((votes, standout),) = small(vectors).search(probe[None], k=5)
    similarity = vectors @ probe
    assert [vote.portrait.person.name for vote in votes] == [
        "abcdefgh"[i] for i in np.argsort(-similarity)[:5]
    ]
    assert [vote.rank for vote in votes] == [1, 2, 3, 4, 5]
    assert votes[0].similarity == pytest.approx(1.0, abs=1e-5)
    expected = (1.0 - similarity.mean()) / similarity.std() - best_of(len(vectors))
    assert standout == pytest.approx(expected, rel=1e-4)


def test_fewer_portraits_give_fewer_votes():
    ((votes, _),) = small(np.eye(3, dtype=np.float32)).search(np.eye(3, dtype=np.float32)[:1])
    assert len(votes) == 3


def test_equal_portraits_keep_their_order_and_nobody_stands_out():
    same = np.tile(np.eye(1, 4, dtype=np.float32), (6, 1))
    ((votes, standout),) = small(same).search(same[:1], k=6)
    assert [vote.portrait.person.name for vote in votes] == list("abcdef")
    assert standout == 0.0


def test_a_probe_of_another_length_is_refused():
    with pytest.raises(GalleryError, match="gallery build"):
        small(np.eye(3, dtype=np.float32)).search(np.ones((1, 4), np.float32))


@pytest.mark.parametrize(
    ("vectors", "told"),
    [
        (np.zeros((0, 3), np.float32), "is empty"),
        (np.full((2, 3), np.nan, np.float32), "finite"),
        (np.ones((2, 3), np.float32), "not of length 1"),
        (np.ones(2, np.float32), "one finite embedding"),
    ],
)
def test_unfit_vectors_are_refused(vectors, told):
    with pytest.raises(GalleryError, match=told):
        small(vectors)


# --- building ----------------------------------------------------------------------------------------


def test_a_folder_of_photos_becomes_a_gallery(tmp_path):
    gallery, notices = build(fakes.photos(tmp_path / "actors"))
    assert [person.name for person in gallery.people] == list(fakes.COLOURS)
    assert set(gallery.portraits_each.values()) == {3}
    assert gallery.embeddings.shape == (15, 12)
    assert gallery.embeddings.dtype == np.float32
    assert gallery.name == "actors"
    assert "15 of 15 portraits have no source or licence" in notices[0]
    crop = gallery.portraits[0].image
    assert crop.width == crop.height
    assert crop.width < 200, "the head is cut out of the photo"


def test_people_csv_gives_gender_source_and_licence(tmp_path):
    folder = fakes.photos(tmp_path, each=1, people={"Ada": "red", "dal": "blue"})
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Name", "folder", "gender", "source", "licence"])
        writer.writerow(["Ada", "", "woman", "https://example.org/ada", "CC-BY-4.0"])
        writer.writerow(["달/../etc", "dal", "", "own photo", "CC0-1.0"])
    gallery, notices = build(folder)
    ada, dal = gallery.portraits
    assert ada.person == Person("ada", "Ada", "woman")
    assert (ada.source, ada.licence) == ("https://example.org/ada", "CC-BY-4.0")
    assert dal.person == Person("달-etc", "달/../etc", None)
    assert notices == ()


def test_photos_csv_says_where_a_single_photo_is_from(tmp_path):
    folder = fakes.photos(tmp_path, each=2, people={"Ada": "red"})
    (folder / "people.csv").write_text("name,source,licence\nAda,her album,CC0-1.0\n")
    first = sorted((folder / "Ada").iterdir())[0]
    row = f"Ada/{first.name},https://example.org/1,CC-BY-4.0,2019"
    (folder / "photos.csv").write_text(f"file,source,licence,date\n{row}\n")
    origins = [(portrait.source, portrait.licence) for portrait in build(folder)[0].portraits]
    assert origins == [("https://example.org/1", "CC-BY-4.0"), ("her album", "CC0-1.0")]


@pytest.mark.parametrize(
    ("text", "told"),
    [(b"person,gender\nAda,woman\n", "column called name"), (b"name\n\xff\xfe\x00", "UTF-8")],
)
def test_a_bad_people_csv_is_an_error(tmp_path, text, told):
    fakes.photos(tmp_path, each=1)
    (tmp_path / "people.csv").write_bytes(text)
    with pytest.raises(GalleryError, match=told):
        build(tmp_path)


def test_hangul_in_pieces_is_the_same_person(tmp_path):
    whole, pieces = unicodedata.normalize("NFC", "김민수"), unicodedata.normalize("NFD", "김민수")
    fakes.photos(tmp_path / "actors", each=1, people={pieces: "red"})
    (tmp_path / "actors" / "people.csv").write_text(f"name,gender\n{whole},man\n", encoding="utf-8")
    gallery, _ = build(tmp_path / "actors")
    assert gallery.people == (Person("김민수", whole, "man"),)


def test_names_that_would_share_an_id_do_not(tmp_path):
    gallery, _ = build(
        fakes.photos(tmp_path, each=1, people={"Kim Ah": "red", "kim_ah": "blue", "!!!": "green"})
    )
    assert sorted(person.id for person in gallery.people) == ["kim-ah", "kim-ah-2", "person"]


def test_what_cannot_be_used_is_named_and_left_out(tmp_path):
    fakes.photos(tmp_path, each=1)
    (tmp_path / "Ada" / "text.png").write_text("not a picture")
    Image.new("RGB", (200, 200), "white").save(tmp_path / "Ben" / "nobody.png")
    (tmp_path / "Ben" / "notes.txt").write_text("passed over")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.png").write_text("passed over")
    gallery, notices = build(tmp_path)
    assert len(gallery.portraits) == 5
    left_out = sorted(notice for notice in notices if "left out" in notice)
    assert len(left_out) == 2
    assert "text.png is not a picture" in left_out[0]
    assert "nobody.png is left out: no face was found" in left_out[1]


def test_a_photo_in_no_folder_is_of_whom_its_name_says(tmp_path):
    fakes.page("red").save(tmp_path / "Ada Lee.png")
    gallery, _ = build(tmp_path)
    assert gallery.people == (Person("ada-lee", "Ada Lee"),)


def test_a_large_photo_gives_a_portrait_of_256_px(tmp_path):
    (tmp_path / "Ada").mkdir()
    fakes.page("red", size=(100, 100)).resize((1500, 1500)).save(tmp_path / "Ada" / "large.png")
    gallery, _ = build(tmp_path)
    assert gallery.portraits[0].image.size == (256, 256)


def test_a_folder_without_a_face_is_an_error(tmp_path):
    with pytest.raises(GalleryError, match="no portrait with a face"):
        build(tmp_path)
    with pytest.raises(GalleryError, match="not a folder"):
        build(tmp_path / "missing")


def test_progress_counts_photos_and_embeddings(tmp_path):
    seen = []
    folder = fakes.photos(tmp_path, each=1)
    build_gallery(folder, fakes.ColourEmbedder(), fakes.PatchDetector(), lambda *told: seen.append(told))
    assert seen == [*[("find portraits", done, 5) for done in range(1, 6)], ("embed portraits", 5, 5)]


# --- on disk -----------------------------------------------------------------------------------------


def test_a_saved_gallery_comes_back_as_it_was(tmp_path):
    saved = fakes.gallery(tmp_path / "photos")
    saved.save(tmp_path / "gallery")
    loaded = load_gallery(tmp_path / "gallery", fakes.ColourEmbedder())
    assert loaded.people == saved.people
    assert np.array_equal(loaded.embeddings, saved.embeddings)
    assert loaded.revision == saved.revision
    assert loaded.name == "gallery"
    pairs = zip(loaded.portraits, saved.portraits, strict=True)
    assert all(np.array_equal(a.image, b.image) for a, b in pairs)


def test_it_is_a_dataset_with_a_card(tmp_path):
    fakes.gallery(tmp_path / "photos", each=2).save(tmp_path / "gallery")
    dataset = datasets.load_dataset(
        str(tmp_path / "gallery"), split="train", cache_dir=str(tmp_path / "cache")
    )
    columns = "person_id name gender born image source licence embedding"
    assert dataset.column_names == columns.split()
    assert isinstance(dataset.features["image"], datasets.Image)
    assert dataset[0]["name"] == "Ada"
    assert dataset[0]["image"].mode == "RGB"
    assert len(dataset[0]["embedding"]) == 12
    card = DatasetCard.load(tmp_path / "gallery" / "README.md")
    assert card.data.webcast == {"embedder_id": "colours-12", "embedder_revision": "000000000001"}
    assert "How to be removed" in card.text
    assert "| not said | not said | 10 |" in card.text


def test_the_card_of_hostile_sources_stays_a_table(tmp_path):
    person = Person("a", "a|b\n# c")
    portrait = Portrait(person, BLANK, "x | y\n## <script>", "{licence}")
    Gallery((portrait,), np.eye(1, 4, dtype=np.float32), "e", "r", "---\nx: 1", "r").save(tmp_path / "g")
    card = DatasetCard.load(tmp_path / "g" / "README.md")
    assert card.data.webcast == {"embedder_id": "e", "embedder_revision": "r"}
    assert "| x \\| y ## &lt;script> | {licence} | 1 |" in card.text


def test_another_embedder_is_told_how_to_rebuild(tmp_path):
    fakes.gallery(tmp_path / "photos", each=1).save(tmp_path / "gallery")
    with pytest.raises(GalleryError, match=r"python -m webcast gallery build FOLDER --out DIR"):
        load_gallery(tmp_path / "gallery", fakes.ColourEmbedder("ffffffffffff"))


def test_a_gallery_is_rebuilt_from_its_own_crops(tmp_path):
    old = fakes.gallery(tmp_path / "photos", each=1)
    old.save(tmp_path / "gallery")

    class NoDetector:
        def detect(self, panels):
            raise AssertionError("the pictures of a gallery are crops already")

    again, _ = build_gallery(tmp_path / "gallery", fakes.ColourEmbedder("ffffffffffff"), NoDetector())
    assert again.embedder_revision == "ffffffffffff"
    assert again.people == old.people


def test_a_dataset_of_photos_without_embeddings_has_to_be_built(tmp_path):
    pictures = [fakes.page(colour) for colour in ("red", "blue")]
    features = datasets.Features(name=datasets.Value("string"), image=datasets.Image())
    made = datasets.Dataset.from_dict({"name": ["Ada", "Ben"], "image": pictures}, features=features)
    made.save_to_disk(tmp_path / "saved")
    with pytest.raises(GalleryError, match="without webcast's embeddings; build"):
        load_gallery(tmp_path / "saved", fakes.ColourEmbedder())
    gallery, _ = build(tmp_path / "saved")
    assert gallery.people == (Person("ada", "Ada"), Person("ben", "Ben"))


def test_a_gallery_saved_by_datasets_is_loaded_too(tmp_path):
    fakes.gallery(tmp_path / "photos", each=1).save(tmp_path / "gallery")
    dataset = datasets.load_dataset(str(tmp_path / "gallery"), cache_dir=str(tmp_path / "cache"))
    dataset.save_to_disk(tmp_path / "saved")
    (tmp_path / "saved" / "README.md").write_bytes((tmp_path / "gallery" / "README.md").read_bytes())
    assert len(load_gallery(tmp_path / "saved", fakes.ColourEmbedder()).portraits) == 5


def test_saving_replaces_a_gallery_and_nothing_else(tmp_path):
    gallery = fakes.gallery(tmp_path / "photos", each=1)
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        gallery.save(tmp_path / "empty")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("keep me")
    with pytest.raises(GalleryError, match="not a gallery"):
        gallery.save(tmp_path / "mine")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "mine", "photos"]
    assert (tmp_path / "mine" / "diary.txt").read_text() == "keep me"


def test_a_save_that_breaks_leaves_the_old_gallery_whole(tmp_path, monkeypatch):
    gallery = fakes.gallery(tmp_path / "photos", each=1)
    gallery.save(tmp_path / "gallery")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_card", full_disk)
    with pytest.raises(GalleryError, match="No space left on device"):
        gallery.save(tmp_path / "gallery")
    assert len(load_gallery(tmp_path / "gallery", fakes.ColourEmbedder()).portraits) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gallery", "photos"]


def test_info_says_who_and_by_whom(tmp_path):
    told = fakes.gallery(tmp_path, each=2).info()
    assert "people     5 (gender: 5 not said)" in told
    assert "portraits  10" in told
    assert "colours-12 (000000000001), vectors of length 12" in told


# --- strangers' galleries ----------------------------------------------------------------------------


def hostile(folder: Path, column: str, values: list) -> Path:
    """A saved gallery of five with one column replaced."""
    fakes.gallery(folder / "photos", each=1).save(folder / "gallery")
    file = next((folder / "gallery" / "data").glob("*.parquet"))
    table = pyarrow.parquet.read_table(file)
    rows = table.to_pydict() | {column: values}
    pyarrow.parquet.write_table(pyarrow.table(rows), file)
    return folder / "gallery"


def load(folder: Path) -> Gallery:
    return load_gallery(folder, fakes.ColourEmbedder())


def test_a_portrait_is_never_read_from_a_path_on_this_machine(tmp_path):
    secret = tmp_path / "secret.png"
    fakes.page("red").save(secret)
    folder = hostile(tmp_path, "image", [{"bytes": None, "path": str(secret)}] * 5)
    with pytest.raises(GalleryError, match="no picture inside"):
        load(folder)


def test_a_portrait_that_is_no_picture_is_an_error_when_looked_at(tmp_path):
    gallery = load(hostile(tmp_path, "image", [{"bytes": b"%!PS-Adobe", "path": None}] * 5))
    with pytest.raises(GalleryError, match="A portrait of Ada in the gallery is not a usable picture"):
        _ = gallery.portraits[0].image


@pytest.mark.parametrize(
    "embedding",
    [
        [[1.0] * 12] * 5,
        [[float("nan")] * 12] * 5,
        [[1.0], [1.0, 0.0], [1.0], [1.0], [1.0]],
        [None] * 5,
        ["x"] * 5,
    ],
    ids=["too long", "nan", "ragged", "none", "text"],
)
def test_embeddings_of_a_stranger_are_judged(tmp_path, embedding):
    with pytest.raises(GalleryError, match="gallery build"):
        load(hostile(tmp_path, "embedding", embedding))


def test_ids_of_a_stranger_cannot_lead_out_of_a_folder(tmp_path):
    gallery = load(hostile(tmp_path, "person_id", ["../../etc", "..", "/root", "a\\b", "a/b"]))
    assert [person.id for person in gallery.people] == ["etc", "person", "root", "a-b", "a-b-2"]


def test_a_card_that_is_no_yaml_is_an_error(tmp_path):
    folder = hostile(tmp_path, "gender", [None] * 5)
    (folder / "README.md").write_text("---\nwebcast: [\n---\n")
    with pytest.raises(GalleryError, match="mend its YAML"):
        load(folder)


def test_a_file_that_is_no_parquet_is_an_error(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.parquet").write_text("not parquet")
    with pytest.raises(GalleryError, match="cannot be read"):
        load(tmp_path)


def test_an_empty_folder_and_an_empty_dataset_are_errors(tmp_path):
    with pytest.raises(GalleryError, match="is empty or none"):
        load(tmp_path)
    fakes.gallery(tmp_path / "photos", each=1).save(tmp_path / "gallery")
    file = next((tmp_path / "gallery" / "data").glob("*.parquet"))
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(file).slice(0, 0), file)
    with pytest.raises(GalleryError, match="is empty"):
        load(tmp_path / "gallery")


def test_columns_that_are_missing_are_named(tmp_path):
    (tmp_path / "data").mkdir()
    pyarrow.parquet.write_table(pyarrow.table({"text": ["x"]}), tmp_path / "data" / "train.parquet")
    with pytest.raises(GalleryError, match="needs the columns name and image; it has text"):
        build(tmp_path)


def test_the_best_of_many_strangers_is_where_the_best_of_many_random_numbers_is():
    """So a face of nobody in the gallery stands out by about nothing, however large the gallery is."""
    draws = np.random.default_rng(0).normal(size=(4000, 100)).max(1).mean()
    assert best_of(100) == pytest.approx(draws, abs=0.03)
    assert best_of(1) == 0


def test_a_face_that_stays_too_small_is_left_out_and_the_others_are_built(tmp_path):
    """Without an upscaler: such a head could not be opened again, and would have ended the whole build."""

    class Far(fakes.PatchDetector):
        def detect(self, panels):
            found = super().detect(panels)
            if "Ada" not in panels[0].name:
                return found
            return [[dataclasses.replace(face, crop=face.crop.resize((20, 20)))] for (face,) in found]

    folder = fakes.photos(tmp_path, each=1)
    made, notices = build_gallery(folder, fakes.ColourEmbedder(), Far())
    assert {person.name for person in made.people} == set(fakes.COLOURS) - {"Ada"}
    assert any("too small; use a closer photo" in notice for notice in notices)


def test_a_dataset_with_numbers_for_genders_is_refused(tmp_path):
    genders = datasets.ClassLabel(names=["female", "male"])
    features = datasets.Features(
        {"name": datasets.Value("string"), "image": datasets.Image(), "gender": genders}
    )
    rows = {"name": ["Ann"], "image": [{"bytes": jpeg(), "path": None}], "gender": [0]}
    path = tmp_path / "data" / "train-00000-of-00001.parquet"
    path.parent.mkdir()
    datasets.Dataset.from_dict(rows, features).to_parquet(path)
    with pytest.raises(GalleryError, match=r"gender of the dataset in .* has numbers; write female or male"):
        build(tmp_path)
