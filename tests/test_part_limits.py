"""The tables by which limits of an episode are judged, on parts and boxes that are known."""

from types import SimpleNamespace

from tests.test_episodes import sighting, told
from training.episodes import Read
from training.part_limits import LIKELIHOODS, measure_likelihoods, measure_strangers
from training.prove import Report
from webcast.types import Person

ADA, BEN = Person("ada", "Ada"), Person("ben", "Ben")


def part(face: int, person: Person | None, first: Person, strangers: float | None, firm: bool):
    character = SimpleNamespace(faces=(face,))
    firmness = SimpleNamespace(firm=firm)
    return SimpleNamespace(
        character=character, person=person, first_choice=first, strangers=strangers, firmness=firmness
    )


def cells(report: Report) -> list[list[str]]:
    """The rows below the header of the last table."""
    rows = [line.strip("| ").split(" | ") for line in report.lines if line.startswith("| ")]
    return rows[1:]


def test_boxes_where_nobody_is_are_counted_apart():
    seen = sighting(0, 0), sighting(1, 700)
    story = told((0, "ada"))
    for one, likelihood in zip(seen, (0.9, 0.575), strict=True):
        object.__setattr__(one.face, "likelihood", likelihood)
    read = Read(SimpleNamespace(sightings=seen), story, seen, ())
    report = Report()
    measure_likelihoods(report, [read])
    rows = {float(limit): (faces, others) for limit, faces, others in cells(report)}
    assert set(rows) == set(LIKELIHOODS)
    assert (rows[0.57], rows[0.58]) == (("0%", "0%"), ("0%", "100%"))


def test_parts_are_counted_from_each_limit_on():
    seen = tuple(sighting(n, 0) for n in range(4))
    read = Read(None, told(), seen, ("ada", "ben", "ada", "ben"))
    parts = (
        part(0, ADA, ADA, 0.96, firm=True),
        part(1, ADA, ADA, 0.86, firm=True),
        part(2, ADA, BEN, 0.86, firm=True),
        part(3, None, BEN, None, firm=False),
    )
    report = Report()
    measure_strangers(report, [read], [SimpleNamespace(parts=parts)])
    rows = {float(limit): counts for limit, *counts in cells(report)}
    assert rows[0.0] == ["3", "2", "2", "1"]
    assert rows[0.9] == ["1", "1", "1", "1"]
    assert rows[0.98] == ["0", "0", "0", "0"]
