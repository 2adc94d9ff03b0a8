"""Edits that are written down, as they come over HTTP."""

from dataclasses import dataclass, field

import pytest

from webcast import edits
from webcast.errors import EpisodeError


@dataclass(frozen=True)
class Asked:
    """Stands for an episode: what was asked of it."""

    calls: tuple = field(default=())


def test_each_edit_reaches_its_function_with_what_it_is_about(monkeypatch):
    def record(name):
        return lambda episode, *values: Asked((*episode.calls, (name, *values)))

    table = {name: (record(name), wanted) for name, (_, wanted) in edits.EDITS.items()}
    monkeypatch.setattr(edits, "EDITS", table)
    episode = Asked()
    for edit in (
        {"do": "merge", "ids": ["c1", "c2"]},
        {"do": "split", "id": "c1", "faces": [3]},
        {"do": "bring_back", "face": 5, "more": "is passed over"},
    ):
        episode = edits.apply(episode, edit)
    assert episode.calls == (("merge", ["c1", "c2"]), ("split", "c1", [3]), ("bring_back", 5))


@pytest.mark.parametrize(
    "edit",
    [
        None,
        [],
        "merge",
        {"do": None},
        {"do": ["merge"]},
        {"do": "merge", "ids": "c1"},
        {"do": "split", "id": "c1", "faces": [[1]]},
        {"do": "bring_back", "face": True},
        {"do": "rename", "id": "c1", "name": None},
    ],
)
def test_whatever_is_no_edit_is_refused_with_what_one_is(edit):
    with pytest.raises(EpisodeError, match="do: merge, ids"):
        edits.apply(None, edit)
