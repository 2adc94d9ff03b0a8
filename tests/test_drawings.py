import sys

import pytest

from training import drawings


def test_heads_of_other_photos_or_by_another_seed_are_not_mixed_with_those_that_are_there(
    tmp_path, monkeypatch, capsys
):
    """Arrays that are there are kept: every head after the first difference would be its neighbour's."""
    monkeypatch.setattr(drawings, "training_photos", lambda data, landmarks: [])
    monkeypatch.setattr(drawings, "draw_all", lambda *_: None)

    def run(seed: int) -> None:
        flags = ("--data", tmp_path, "--landmarks", tmp_path, "--out", tmp_path / "heads", "--seed", seed)
        monkeypatch.setattr(sys, "argv", ["drawings", *map(str, flags)])
        drawings.main()

    run(0)
    run(0)  # goes on
    with pytest.raises(SystemExit):
        run(1)
    assert "by another seed; name another folder" in capsys.readouterr().err
