"""What the app computes for a visitor: by the parts they chose, for the gender they said."""

from dataclasses import replace

import pytest

from tests import fakes
from webcast.app import compute, episodes, files, filters, visitor
from webcast.app.visitor import MainFaces, Visit
from webcast.errors import ImageError


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return fakes.gallery(tmp_path_factory.mktemp("people"))


def with_stages(monkeypatch, stages) -> list:
    """Lets the app compute by these stages; what parts they were asked for with."""
    asked = []

    def stages_with(parts):
        asked.append(parts)
        return stages

    for module in (compute, visitor):
        monkeypatch.setattr(module, "stages_with", stages_with)
    monkeypatch.setattr(compute, "caster", fakes_caster(stages))
    return asked


def fakes_caster(stages):
    return type("Caster", (), {"stages": stages})()


class Blind(fakes.PatchDetector):
    def detect(self, panels):
        return [[] for _ in panels]


def test_own_actors_are_found_by_the_chosen_parts(monkeypatch, tmp_path):
    photos, enlarger = fakes.photos(tmp_path, each=1), fakes.Enlarger()
    stages = replace(
        fakes.stages(), detector=Blind(), photo_detector=fakes.PatchDetector(), photo_upscaler=enlarger
    )
    parts = replace(Visit().parts, photo_upscaler="none")
    asked = with_stages(monkeypatch, stages)
    made, _ = compute.compute_gallery(photos, Visit(parts=parts), None)
    assert {person.name for person in made.people} == set(fakes.COLOURS)
    assert enlarger.calls > 0
    assert asked == [parts]


@pytest.mark.parametrize(("said", "filtered"), [("female", None), (None, "female"), ("female", "male")])
def test_a_characters_gender_chooses_realizer_and_people(monkeypatch, people, said, filtered):
    greyer, asked = fakes.Greyer(), []

    class ForWomen(fakes.Greyer):
        def realize(self, images):
            asked.append(len(images))
            return greyer.realize(images)

    genders = {"Ada": "female", "Ben": "male", "Cem": "male", "Dua": "female", "Eli": "female"}
    whose = {person: replace(person, gender=genders[person.name]) for person in people.people}
    portraits = tuple(replace_person(portrait, whose) for portrait in people.portraits)
    caster = fakes.Caster(
        replace(fakes.stages(), realizers={"female": ForWomen()}), replace(people, portraits=portraits)
    )
    monkeypatch.setattr(compute, "caster_of", lambda visitor: caster)
    faces = caster.detect(fakes.page("#30c030"))
    visitor_ = Visit(filters=replace(Visit().filters, gender=filtered))
    result = compute.compute(faces, visitor_, said, None)
    assert {standing.person.gender for standing in result.standings} == {"female"}
    assert asked == [1]
    assert not any("common" in notice for notice in result.notices)


def replace_person(portrait, whose):
    return type(portrait)(whose[portrait.person], portrait.encoded, portrait.source, portrait.licence)


def test_the_main_characters_faces_are_those_most_like_the_reference(monkeypatch):
    asked = with_stages(monkeypatch, fakes.stages())
    red, green = "#c03030", "#30c030"
    faces = fakes.stages().detect(fakes.page(green, red, green, red, red, green))
    reds = [index for index, face in enumerate(faces) if face.crop.getpixel((40, 40))[0] > 150]
    visitor_ = Visit(main=MainFaces("vgg16-imagenet", "euclidean", 3))
    assert sorted(compute.compute_main_faces(faces, reds[0], visitor_)) == reds
    assert asked[-1].embedder == "vgg16-imagenet"
    assert asked[-1].distance == "euclidean"


def test_own_people_seen_by_another_embedder_go_with_the_visit(people):
    mine = Visit(own=people, among="own")
    other = fakes.ColourEmbedder("000000000002")
    seen = visitor.seen_by(mine, other)
    assert seen.embedder_revision == other.revision
    assert visitor.seen_by(replace(mine, similarity="direct"), other) is seen
    assert other.calls == 1
    assert visitor.seen_by(mine, fakes.ColourEmbedder()) is people


def test_what_was_chosen_while_an_episode_was_cast_is_kept(monkeypatch):
    token = visitor.visits.put(Visit())
    women = replace(Visit().filters, gender="female")

    def compute_episode(pages, visiting, report):
        visitor.visits.put(replace(visitor.visits.get(token), filters=women), token)
        return object()

    monkeypatch.setattr(episodes, "compute_episode", compute_episode)
    _, after = episodes.remember_cast([], visitor.visits.get(token), token, None)
    assert after == token
    assert visitor.visits.get(token).filters == women
    assert visitor.visits.get(token).episode


def test_a_folder_among_the_uploads_does_not_end_their_deletion(monkeypatch, tmp_path):
    sets = [{str(tmp_path), str(tmp_path / "page.png")}]
    monkeypatch.setattr(files.demo, "temp_file_sets", sets)
    with pytest.raises(ImageError, match="uploaded to this app"):
        files.uploaded([{"path": str(tmp_path)}])
    assert sets == [{str(tmp_path / "page.png")}]


@pytest.mark.parametrize(
    ("born", "youngest", "shown"), [(None, None, False), (None, 20, True), (1990, None, True)]
)
def test_a_filter_that_is_set_can_be_seen(monkeypatch, people, born, youngest, shown):
    whose = {person: replace(person, born=born) for person in people.people}
    aged = tuple(replace_person(portrait, whose) for portrait in people.portraits)
    monkeypatch.setattr(filters, "people_of", lambda visiting: replace(people, portraits=aged))
    token = visitor.visits.put(Visit(filters=replace(Visit().filters, youngest=youngest)))
    assert filters.show_filters(token)[1].visible is shown
