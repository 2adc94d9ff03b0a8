import numpy as np

from tests.small_appearance import CONFIG, red_face
from training.castback import Heads
from training.prove import CARD_END, CARD_START, Report, choose_similarity, untrained_realizer, write_card
from webcast.networks.pix2pix import Generator
from webcast.weights import write_stage


def test_the_tables_come_between_the_marks_of_a_card_and_the_rest_stays(tmp_path):
    card = tmp_path / "README.md"
    card.write_text(f"before\n{CARD_START}\nold\n{CARD_END}\nafter\n")
    report = Report()
    report.say("new")
    write_card(tmp_path, report)
    told = card.read_text()
    assert told.startswith(f"before\n{CARD_START}\nnew\n")
    assert told.endswith(f"{CARD_END}\nafter\n")
    assert "old" not in told


def test_weights_without_a_card_get_one(tmp_path):
    """`training.bundle` writes none, and to measure takes a quarter of an hour."""
    report = Report()
    report.say("new")
    write_card(tmp_path, report)
    assert f"{CARD_START}\nnew\n\n{CARD_END}" in (tmp_path / "README.md").read_text()


def test_the_similarity_is_the_one_that_finds_more_of_the_development_people(monkeypatch):
    places = {("one", "direct"): [1, 5, 9, 9], ("one", "realized"): [2, 9, 9, 9]}
    places |= {("two", "direct"): [9, 9, 9, 9], ("two", "realized"): [3, 4, 5, 9]}
    monkeypatch.setattr("training.prove.ways_to_compare", lambda stages: {w: (w, len) for _, w in places})
    monkeypatch.setattr(
        "training.prove.ranks", lambda drawn, others, way, _: np.array(places[drawn.crops["way"], way])
    )
    people = ("a", "b", "c", "d")
    drawn = [[Heads({"way": "one"}, people)], [Heads({"way": "two"}, people)]]
    report = Report()
    assert choose_similarity(report, None, drawn, Heads({}, people)) == "realized"
    assert "direct 25 (" in report.lines[-1]


def test_the_untrained_realizer_has_the_fitted_model_and_no_trained_layer(tmp_path):
    trained = red_face(Generator(2, 5))
    write_stage(tmp_path / "realizer", CONFIG, trained)
    untrained = untrained_realizer(tmp_path)._network
    assert untrained.texture_mean.equal(trained.texture_mean)
    assert untrained.matte.equal(trained.matte)
    for name, parameter in trained.named_parameters():
        if parameter.dim() > 1:
            assert not untrained.get_parameter(name).allclose(parameter, atol=1e-2), name
