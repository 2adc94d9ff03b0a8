"""Who may be cast: filters and galleries joined."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from webcast import selection
from webcast.errors import GalleryError
from webcast.gallery import Gallery
from webcast.selection import Filters, join, select
from webcast.types import Person, Portrait

ADA = Person("ada", "Ada", "female", 1990)
BEN = Person("ben", "벤 Ben", "male", 2000)
CEM = Person("cem", "Cem")


def gallery(*people: Person, name: str = "troupe", revision: str = "0") -> Gallery:
    picture = Image.new("RGB", (32, 32))
    portraits = tuple(Portrait(person, picture) for person in people)
    return Gallery(portraits, np.eye(len(people), 8, dtype=np.float32), "e", "r", name, revision)


@pytest.fixture(autouse=True)
def in_2026(monkeypatch):
    class Today(selection.datetime.date):
        @classmethod
        def today(cls):
            return cls(2026, 6, 1)

    monkeypatch.setattr(selection.datetime, "date", Today)


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (Filters(), ["Ada", "벤 Ben", "Cem"]),
        (Filters(gender="female"), ["Ada"]),
        (Filters(youngest=30), ["Ada"]),
        (Filters(oldest=26), ["벤 Ben"]),
        (Filters(youngest=26, oldest=36), ["Ada", "벤 Ben"]),
        (Filters(shortlist=("ADA", "cem")), ["Ada", "Cem"]),
        (Filters(without=("벤 ben",)), ["Ada", "Cem"]),
        (Filters(shortlist=("ada", "ben"), without=("ada",)), ["벤 Ben"]),
    ],
)
def test_filters_leave_whom_they_name(filters, left):
    assert [person.name for person in select(gallery(ADA, BEN, CEM), filters).people] == left


def test_vectors_stay_with_their_people():
    chosen = select(gallery(ADA, BEN, CEM), Filters(without=("ada",)))
    assert chosen.embeddings.tolist() == np.eye(3, 8)[1:].tolist()


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        (Filters(gender="other"), "whose gender is other"),
        (Filters(youngest=70), "from 70 to 200 years old"),
        (Filters(youngest=40, oldest=30), "give the lower one first"),
        (Filters(shortlist=("Nobody",)), "Nobody in the gallery is called 'Nobody'"),
        (Filters(without=("ada", "ben", "cem")), "beside those left out"),
    ],
)
def test_what_leaves_nobody_is_refused_in_words(filters, told):
    with pytest.raises(GalleryError, match=told):
        select(gallery(ADA, BEN, CEM), filters)


def test_galleries_are_joined_and_a_person_in_two_of_them_is_one():
    both = join([gallery(ADA, BEN, name="a"), gallery(CEM, ADA, name="b", revision="1")])
    assert both.name == "a + b"
    assert [person.name for person in both.people] == ["Ada", "벤 Ben", "Cem"]
    assert len(both.portraits) == 4


def test_different_people_of_one_id_stay_apart():
    other = replace(ADA, name="Ada Other")
    both = join([gallery(ADA), gallery(other)])
    assert [person.id for person in both.people] == ["ada", "ada-2"]


def test_galleries_of_different_embedders_are_not_joined():
    with pytest.raises(GalleryError, match="different embedders"):
        join([gallery(ADA), replace(gallery(BEN), embedder_revision="another")])


def test_an_id_means_one_person_also_where_it_is_anothers_name():
    """With own actors joined to a gallery, somebody may be called as another one's id says."""
    other = Person("ada-2", "ADA", "male")
    left = select(gallery(ADA, other, BEN), Filters(without=("ada",)))
    assert left.people == (other, BEN)
    assert select(gallery(ADA, other, BEN), Filters(without=("Ada",))).people == (BEN,)
