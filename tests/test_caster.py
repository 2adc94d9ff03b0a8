import dataclasses

import numpy as np
import pytest
from PIL import Image

from tests import fakes
from webcast.caster import Caster, enlarge
from webcast.errors import GalleryError, ImageError, NoFaceError, WebcastError, WeightsError
from webcast.parts import Parts
from webcast.types import Panel


@pytest.fixture(scope="module")
def caster(tmp_path_factory) -> Caster:
    return fakes.caster(tmp_path_factory.mktemp("photos"), each=5)


def name_of(result) -> str:
    return result.standings[0].person.name


@pytest.mark.parametrize("person", fakes.COLOURS)
def test_a_page_is_cast(caster, person):
    result = caster.cast(fakes.page(fakes.COLOURS[person]))
    assert name_of(result) == person
    assert result.standings[0].votes == 5
    assert result.firmness.firm
    assert result.notices == ()


def test_a_ballot_holds_what_the_face_became(caster):
    (ballot,) = caster.cast([fakes.page("#c03030")]).ballots
    assert ballot.face.crop.size == (90, 90)
    assert ballot.upscaled.size == (360, 360)
    assert ballot.realized.size == (128, 128)
    assert [vote.rank for vote in ballot.votes] == [1, 2, 3, 4, 5]


def test_without_a_choice_all_faces_are_one_character_and_the_result_says_so(caster):
    result = caster.cast([fakes.page("#c03030", "#c03030"), fakes.page("#c03030", "#30c030")])
    assert len(result.ballots) == 4
    assert name_of(result) == "Ada"
    assert result.firmness.agreement == 0.75
    assert "All 4 faces found count as one character." in result.notices


def test_indices_count_over_all_pages_in_order(caster):
    pages = [fakes.page("#c03030", "#30c030"), fakes.page("#3030c0")]
    assert [name_of(caster.cast(pages, faces=[index])) for index in range(3)] == ["Ada", "Ben", "Cem"]
    assert len(caster.cast(pages, faces=[2, 2]).ballots) == 1, "a face votes once"


def test_faces_can_be_given_themselves(caster):
    faces = caster.detect(fakes.page("#c03030", "#30c030"))
    assert name_of(caster.cast([], faces=[faces[1]])) == "Ben"


@pytest.mark.parametrize(
    ("faces", "told"), [([2], "numbers 0 to 1"), ([-1], "no face -1"), ([], "at least one")]
)
def test_a_face_that_is_not_there_is_an_error(caster, faces, told):
    with pytest.raises(WebcastError, match=told):
        caster.cast([fakes.page("red", "blue")], faces=faces)


def test_no_face_is_an_error(caster):
    with pytest.raises(WebcastError, match="No drawn face was found on the picture"):
        caster.cast(fakes.page())
    with pytest.raises(WebcastError, match="on any of the 2 pictures"):
        caster.cast([fakes.page(), fakes.page()])


def test_bad_pages_are_named_and_good_ones_cast(caster, tmp_path):
    (tmp_path / "bad.png").write_text("text")
    fakes.page("#c03030").save(tmp_path / "good.png")
    result = caster.cast([tmp_path / "bad.png", tmp_path / "good.png", tmp_path / "missing.png"])
    assert name_of(result) == "Ada"
    assert len(result.notices) == 2
    assert "bad.png is not a picture" in result.notices[0]
    with pytest.raises(ImageError):
        caster.cast([tmp_path / "bad.png"])


def test_the_similarity_says_what_is_compared(caster):
    page = fakes.page("#c03030")
    direct, realized = (caster.cast(page, similarity=name) for name in ("direct", "realized"))
    assert direct.standings[0].votes == 5
    assert realized.ballots[0].votes[0].similarity < direct.ballots[0].votes[0].similarity
    with pytest.raises(WebcastError, match="direct or realized"):
        caster.cast(page, similarity="both")


def test_the_weights_choose_the_similarity_and_what_is_firm(caster):
    stages = dataclasses.replace(caster.stages, similarity="realized", firm_standout={"direct": 99.0})
    other = Caster(stages, caster.gallery)
    default = other.cast(fakes.page("#c03030"))
    assert (
        default.ballots[0].votes == caster.cast(fakes.page("#c03030"), similarity="realized").ballots[0].votes
    )
    direct = other.cast(fakes.page("#c03030"), similarity="direct")
    assert not direct.firmness.firm
    assert "stands out" in direct.notices[-1]


class Painter:
    """A realizer that gives pictures of one colour."""

    def __init__(self, colour: str) -> None:
        self.colour = colour

    def realize(self, images):
        return [Image.new("RGB", (64, 64), self.colour) for _ in images]


@pytest.fixture(scope="module")
def genders(caster) -> Caster:
    realizers = {"female": Painter("#c03030"), "male": Painter("#3030c0")}
    return Caster(dataclasses.replace(caster.stages, realizers=realizers), caster.gallery)


@pytest.mark.parametrize(("gender", "name"), [("female", "Ada"), ("male", "Cem"), (None, "Ben")])
def test_the_realizer_goes_by_the_characters_gender(genders, gender, name):
    stages = dataclasses.replace(genders.stages, realizer=Painter("#30c030"))
    result = Caster(stages, genders.gallery).cast(fakes.page("#c0c030"), similarity="realized", gender=gender)
    assert result.standings[0].person.name == name
    assert not any("no realizer" in notice for notice in result.notices)


def test_weights_without_a_realizer_for_a_gender_say_so(caster):
    plain, told = (caster.cast(fakes.page("#c03030"), gender=gender) for gender in (None, "female"))
    expected = "These weights have no realizer for female characters; the common one was used."
    assert told.notices == (*plain.notices, expected)
    with pytest.raises(WebcastError, match="choose female, male or none"):
        caster.cast(fakes.page("#c03030"), gender="Female")


def test_the_largest_face_of_a_photo_is_drawn(caster):
    class Middle:
        """Gives the colour in the middle of what it gets."""

        def realize(self, images):
            return [Image.new("RGB", (8, 8), image.getpixel((image.width // 2,) * 2)) for image in images]

    stages = dataclasses.replace(caster.stages, drawer=Middle())
    photos = [fakes.page("#c03030", "#3030c0"), fakes.page("#30c030")]
    assert [drawn.getpixel((0, 0)) for drawn in stages.draw(photos)] == [(192, 48, 48), (48, 192, 48)]
    with pytest.raises(NoFaceError, match="No face was found on"):
        stages.draw([fakes.page()])
    with pytest.raises(WebcastError, match=r"have no drawer.*--drawer"):
        caster.stages.draw(photos)


def test_a_large_head_is_not_upscaled_and_a_tiny_one_twice():
    upscaler = fakes.Enlarger()
    heads = [Image.new("RGB", (side, side)) for side in (256, 20, 64, 400)]
    assert [head.width for head in enlarge(upscaler, heads)] == [256, 320, 256, 400]
    assert upscaler.calls == 2


def test_an_upscaler_that_does_nothing_ends():
    class Nothing:
        def upscale(self, images):
            return list(images)

    assert enlarge(Nothing(), [Image.new("RGB", (20, 20))])[0].size == (20, 20)


def test_a_hundred_faces_are_embedded_in_one_batch(caster):
    patches = Image.new("RGB", (1000, 1000), "white")
    for number in range(100):
        x, y = 100 * (number % 10) + 20, 100 * (number // 10) + 20
        patches.paste("#c03030", (x, y, x + 50, y + 50))
    before = caster.stages.embedder.calls
    result = caster.cast(patches)
    assert len(result.ballots) == 100
    assert caster.stages.embedder.calls == before + 1, "the gallery is not embedded again"


def test_progress_names_each_stage_and_can_end_the_cast(caster):
    seen = []
    caster.cast([fakes.page("red", "blue")], progress=lambda *told: seen.append(told))
    assert seen == [("detect", 1, 1), ("upscale", 2, 2), ("realize", 2, 2), ("embed", 2, 2), ("vote", 1, 1)]

    def stop(stage, done, total):
        if stage == "realize":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        caster.cast([fakes.page("red")], progress=stop)


def test_pages_may_be_panels_and_paths(caster, tmp_path):
    fakes.page("#c03030").save(tmp_path / "page.png")
    assert name_of(caster.cast(str(tmp_path / "page.png"))) == "Ada"
    result = caster.cast(Panel(fakes.page("#c03030"), "first"))
    assert result.ballots[0].face.panel.name == "first"


def test_stages_can_be_used_alone(caster):
    (face,) = caster.detect(fakes.page("#c03030"))
    assert caster.upscale([face.crop])[0].size == (360, 360)
    assert caster.realize([face.crop])[0].size == (128, 128)
    assert caster.detect(fakes.page()) == []


def test_sources_and_notices_are_in_the_result(caster):
    result = dataclasses.replace(caster, notices=("The Hub is down.",)).cast(fakes.page("#c03030"))
    assert result.sources.weights == "fakes"
    assert result.sources.gallery_revision == caster.gallery.revision
    assert result.notices[0] == "The Hub is down."


def test_another_gallery_shares_the_stages(caster, tmp_path):
    own = fakes.gallery(tmp_path, people={"Zoe": "#c03030"})
    result = caster.with_gallery(own).cast(fakes.page("#c03030"))
    assert name_of(result) == "Zoe"
    assert not result.firmness.firm
    assert "Zoe alone" in result.notices[-1]


def test_a_gallery_of_another_embedder_is_refused(caster):
    with pytest.raises(GalleryError, match="rebuild it with these weights"):
        caster.with_gallery(dataclasses.replace(caster.gallery, embedder_revision="ffffffffffff"))


def test_the_same_cast_twice_is_the_same(caster):
    page = fakes.page("#a05030", "#3060a0")
    first, second = caster.cast(page), caster.cast(page)
    assert first.standings == second.standings
    assert first.firmness == second.firmness
    assert np.array_equal(first.ballots[0].realized, second.ballots[0].realized)


def test_a_face_given_twice_votes_once(caster):
    (face,) = caster.detect(fakes.page("#30c030"))
    assert len(caster.cast([], faces=[face, face, face]).ballots) == 1


def test_an_index_may_be_numpys(caster):
    assert name_of(caster.cast(fakes.page("#c03030", "#30c030"), faces=[np.int64(1)])) == "Ben"


def test_a_head_as_small_as_a_detector_finds_it_is_upscaled_and_realized(caster):
    crop = Image.new("RGB", (20, 20), "#30c030")
    assert caster.stages.upscale([crop])[0].width > 20
    assert len(caster.stages.realize([crop])) == 1


def test_an_episode_with_another_embedder_says_why_not(caster):
    stages = dataclasses.replace(caster.stages, clustering=None, parts=Parts(distance="euclidean"))
    with pytest.raises(WeightsError, match="the weights' own embedder and distance"):
        dataclasses.replace(caster, stages=stages).cast_episode(fakes.page("#c03030"))
