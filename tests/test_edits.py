"""Edits at their edges: nobody left, and nobody dropped who never was."""

import pytest

from tests import fakes
from webcast import edits
from webcast.caster import Caster
from webcast.episode import Episode
from webcast.episode_sheet import write_episode

RED, GREEN, BLUE = fakes.COLOURS["Ada"], fakes.COLOURS["Ben"], fakes.COLOURS["Cem"]


@pytest.fixture(scope="module")
def caster(tmp_path_factory) -> Caster:
    return Caster(fakes.stages(), fakes.gallery(tmp_path_factory.mktemp("people")))


@pytest.fixture
def episode(caster) -> Episode:
    return caster.read_episode([fakes.page(RED, GREEN), fakes.page(RED, BLUE), fakes.page(RED, GREEN)])


def everybody_dropped(episode: Episode) -> Episode:
    for character in episode.characters:
        episode = edits.drop(episode, character.id)
    return episode


def every_face_left_out(episode: Episode) -> Episode:
    for sighting in episode.sightings:
        episode = edits.leave_out(episode, sighting.number)
    return episode


@pytest.mark.parametrize("edit", [everybody_dropped, every_face_left_out])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_with_nobody_left_the_cast_is_empty_and_says_so(caster, episode, edit, lang, tmp_path):
    cast = caster.cast_episode(edit(episode))
    assert cast.parts == ()
    assert "bring some back" in cast.notices[-1]
    assert (tmp_path / "sheet.html") in write_episode(cast, tmp_path, lang)


def test_what_is_brought_back_after_that_is_cast_again(caster, episode):
    cast = caster.cast_episode(every_face_left_out(episode))
    back = edits.bring_back(cast.episode, 0)
    assert [part.person.name for part in caster.cast_episode(back).parts] == ["Ada"]


def test_a_new_character_is_not_dropped_because_an_older_one_of_its_id_was(episode):
    dropped = edits.drop(episode, "c3")
    emptied = edits.leave_out(dropped, episode.characters[2].faces[0])
    split = edits.split(emptied, "c1", episode.characters[0].faces[:1])
    assert not split.dropped
