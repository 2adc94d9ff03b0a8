"""An episode with fake stages: who is who, who plays whom, and that an edit computes nothing twice."""

import pytest
from PIL import Image

from tests import fakes
from webcast.caster import Caster

RED, GREEN, BLUE = fakes.COLOURS["Ada"], fakes.COLOURS["Ben"], fakes.COLOURS["Cem"]


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return fakes.gallery(tmp_path_factory.mktemp("people"))


@pytest.fixture
def caster(people) -> Caster:
    return Caster(fakes.stages(), people)


@pytest.fixture
def pages() -> list[Image.Image]:
    return [fakes.page(RED, GREEN), fakes.page(RED, BLUE), fakes.page(RED, GREEN)]


def test_characters_come_most_present_first_and_extras_get_no_part(caster, pages):
    episode = caster.read_episode(pages)
    assert [len(character.faces) for character in episode.characters] == [3, 2, 1]
    assert [len(character.faces) for character in episode.mains] == [3, 2]
    assert [character.id for character in episode.extras] == ["c3"]


def test_each_part_is_played_by_the_one_whom_its_faces_resemble(caster, pages):
    cast = caster.cast_episode(pages)
    assert [part.person.name for part in cast.parts] == ["Ada", "Ben"]
    assert [part.first_choice.name for part in cast.parts] == ["Ada", "Ben"]
