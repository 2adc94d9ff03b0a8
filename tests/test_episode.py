"""An episode with fake stages: who is who, who plays whom, and that an edit computes nothing twice."""

from dataclasses import replace

import pytest
from PIL import Image

from tests import fakes
from webcast import edits
from webcast.caster import Caster
from webcast.errors import EpisodeError, GalleryError, WebcastError, WeightsError
from webcast.selection import Filters

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


def names(cast) -> list[str | None]:
    return [part.person and part.person.name for part in cast.parts]


def test_characters_come_most_present_first_and_extras_get_no_part(caster, pages):
    episode = caster.read_episode(pages)
    assert [len(character.faces) for character in episode.characters] == [3, 2, 1]
    assert [len(character.faces) for character in episode.mains] == [3, 2]
    assert [character.id for character in episode.extras] == ["c3"]


def test_each_part_is_played_by_the_one_whom_its_faces_resemble(caster, pages):
    cast = caster.cast_episode(pages)
    assert names(cast) == ["Ada", "Ben"]
    assert [part.first_choice.name for part in cast.parts] == ["Ada", "Ben"]


def test_nobody_plays_two_parts(caster):
    pages = [fakes.page(RED), fakes.page(RED), fakes.page("#d05050"), fakes.page("#d05050")]
    caster = replace(
        caster, stages=replace(caster.stages, clustering=replace(caster.stages.clustering, limit=1e-4))
    )
    cast = caster.cast_episode(pages)
    assert len(cast.parts) == 2
    assert [part.first_choice.name for part in cast.parts] == ["Ada", "Ada"]
    assert len(set(names(cast))) == 2
    second = next(part for part in cast.parts if part.person.name != "Ada")
    assert not second.firm
    assert "Ada" in " ".join(second.doubts)


def test_more_characters_than_actors_leaves_parts_open_and_says_so(caster):
    pages = [fakes.page(RED, GREEN, BLUE), fakes.page(RED, GREEN, BLUE)]
    cast = caster.cast_episode(pages, Filters(shortlist=("Ada", "Ben")))
    assert sorted(str(name) for name in names(cast)) == ["Ada", "Ben", "None"]
    assert "3 main characters and 2 people" in " ".join(cast.notices)
    assert not next(part for part in cast.parts if part.person is None).firm


def test_an_episode_of_one_character_is_cast(caster):
    assert names(caster.cast_episode([fakes.page(GREEN)])) == ["Ben"]


def test_pages_without_a_face_are_refused_in_a_sentence(caster):
    with pytest.raises(EpisodeError, match="No drawn face was found on any page"):
        caster.cast_episode([Image.new("RGB", (300, 300), "white")])


def test_a_shortlist_that_leaves_nobody_is_refused(caster, pages):
    with pytest.raises(GalleryError, match=r"Nobody of .* is left"):
        caster.cast_episode(pages, Filters(shortlist=("Ada",), without=("Ada",)))


def test_another_similarity_is_refused_before_any_page_is_read(caster):
    with pytest.raises(WebcastError, match="choose direct or realized"):
        caster.cast_episode([], similarity="likeness")


def test_weights_that_do_not_say_how_faces_are_joined_are_refused(caster, pages):
    caster = replace(caster, stages=replace(caster.stages, clustering=None))
    with pytest.raises(WeightsError, match=r"training\.episodes"):
        caster.read_episode(pages)


def test_an_episode_of_another_embedder_is_refused(caster, pages):
    episode = replace(caster.read_episode(pages), embedder="another 0")
    with pytest.raises(EpisodeError, match="another embedder"):
        caster.cast_episode(episode)


def test_an_edit_computes_nothing_that_was_computed_before(caster, pages):
    cast = caster.cast_episode(pages)
    embedder, upscaler = caster.stages.embedder, caster.stages.upscaler
    before = embedder.calls, upscaler.calls
    episode = edits.rename(edits.mark_gender(cast.episode, "c2", None), "c1", "Mina")
    again = caster.cast_episode(episode, Filters(without=("Ada",)))
    assert (embedder.calls, upscaler.calls) == before
    assert again.parts[0].person.name != "Ada"
    assert again.parts[0].ballots[0].upscaled is cast.parts[0].ballots[0].upscaled


def test_only_the_faces_of_main_characters_are_read(caster, pages):
    assert set(caster.cast_episode(pages).episode.readings) == {0, 1, 2, 4, 5}


def test_a_merged_character_is_cast_by_all_its_faces(caster, pages):
    cast = caster.cast_episode(pages)
    merged = caster.cast_episode(edits.merge(cast.episode, ["c2", "c3"]))
    part = next(part for part in merged.parts if part.character.id == "c2")
    assert len(part.ballots) == 3


def test_a_gender_is_of_the_players_too(caster, pages, people):
    cast = caster.cast_episode(edits.mark_gender(caster.read_episode(pages), "c1", "female"))
    assert cast.parts[0].person is None
    assert "Nobody in" in cast.parts[0].doubts[0]
    assert cast.parts[1].person.name == "Ben"


def test_progress_names_each_stage_with_counts(caster, pages):
    seen = []
    caster.cast_episode(pages, progress=lambda *told: seen.append(told))
    assert [stage for stage, done, total in seen if done == total] == [
        "detect", "embed faces", "realize", "vote",
    ]  # fmt: skip
    assert ("detect", 1, 3) in seen


def test_what_progress_raises_ends_the_work(caster, pages):
    def stop(stage, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        caster.cast_episode(pages, progress=stop)


def test_a_match_is_explained_against_one_person_alone(caster, pages):
    cast = caster.cast_episode(pages)
    before = caster.stages.embedder.calls
    found = caster.explain(cast.parts[0].ballots[0], cast.parts[0].person)
    assert found.drop.shape == (7, 7)
    assert caster.stages.embedder.calls == before + 1
