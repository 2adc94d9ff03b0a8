import json
import re
import shlex
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from PIL import Image

from tests.launch import launch
from tests.launched import records
from training import train
from training.checkpoints import newest, read_checkpoint
from webcast.realize import REALIZERS

ROOT = Path(__file__).resolve().parents[1]
SMALL = ["--size-px", "96", "--channels", "2", "--blocks", "1", "--light", "--workers", "0"]


@pytest.fixture(autouse=True)
def fresh_accelerator():
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """Folders A and B with six noisy pictures each."""
    folder, random = tmp_path_factory.mktemp("sides"), np.random.default_rng(0)
    for side in "AB":
        (folder / side).mkdir()
        for number in range(6):
            noise = random.integers(0, 256, (100, 110, 3), dtype=np.uint8)
            Image.fromarray(noise).save(folder / side / f"{number}.png")
    return ["--data-a", str(folder / "A"), "--data-b", str(folder / "B")]


def test_two_steps_train_and_export_both_directions(tmp_path, sides, capsys):
    run = ["--output-dir", str(tmp_path), "--max-steps", "2", "--log-every", "1", "--trackers", ""]
    train.main([*SMALL, *sides, *run])
    assert "1 processes on" in capsys.readouterr().out
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["recipe"]["name"] == "ugatit"
    assert config["recipe"]["light"] is True
    assert config["data"]["a"]["place"] == sides[1]
    assert len((tmp_path / "losses.jsonl").read_text().splitlines()) == 2
    for direction in ("drawn-to-photo", "photo-to-drawn"):
        realizer = REALIZERS["ugatit"](tmp_path / "export" / direction, torch.device("cpu"))
        assert realizer.direction == direction
    assert Image.open(tmp_path / "pictures/step-00000002.png").size == (8 * 96, 6 * 96)


def test_a_changed_flag_is_refused_in_one_line(tmp_path, sides):
    run = ["--output-dir", str(tmp_path), "--max-steps", "1", "--trackers", "", "--recipe", "cyclegan"]
    small = ["--size-px", "32", "--channels", "2", "--blocks", "1", "--workers", "0"]
    train.main([*small, *sides, *run])
    with pytest.raises(SystemExit) as refused:
        train.main([*small, *sides, *run, "--resume", "latest", "--cycle-weight", "5"])
    assert "recipe.cycle_weight: 10 -> 5.0" in refused.value.code
    assert "\n" not in refused.value.code


def test_a_dry_run_says_what_would_be_trained_and_writes_nothing(tmp_path, sides, capsys):
    output = tmp_path / "run"
    train.main([*SMALL, *sides, "--output-dir", str(output), "--max-steps", "9", "--dry-run"])
    told = capsys.readouterr().out
    assert '"max_steps": 9' in told
    assert "gen_ab: " in told
    assert "A: 6 pictures" in told
    assert "1 processes on" in told
    assert not output.exists()


@pytest.mark.parametrize("recipe", sorted(train.RECIPES))
def test_every_setting_of_a_recipe_is_a_flag_with_help(recipe, capsys):
    with pytest.raises(SystemExit):
        train.main(["--recipe", recipe, "--help"])
    told = capsys.readouterr().out
    for setting in fields(train.RECIPES[recipe][0]):
        assert "--" + setting.name.replace("_", "-") in told


def test_the_readmes_command_is_one_that_the_parser_takes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    [command] = re.findall(r"^accelerate launch -m training.train (.*)$", readme, re.MULTILINE)
    args = train.parse(shlex.split(command))
    assert (args.recipe, args.light, args.resume) == ("ugatit", True, "latest")
    section = readme[readme.index("## Training a translator") : readme.index("## Measuring")]
    for recipe in train.RECIPES:
        assert f"`{recipe}`" in section


def test_half_a_validation_set_is_refused(tmp_path, sides):
    run = ["--output-dir", str(tmp_path / "run"), "--max-steps", "1", "--val-a", sides[1]]
    with pytest.raises(SystemExit, match="both --val-a and --val-b"):
        train.main([*SMALL, *sides, *run])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_take_disjoint_samples_and_train_as_one_does(tmp_path, sides):
    settings = [
        *SMALL,
        *sides,
        "--batch-size",
        "4",
        "--accumulate",
        "2",
        "--max-steps",
        "3",
        "--trackers",
        "",
    ]
    settings += ["--log-every", "1", "--seed", "3"]
    ends, losses = [], []
    for processes in (1, 2):
        output = tmp_path / f"run-{processes}"
        arguments = [*settings, "--output-dir", str(output)]
        told = launch(processes, tmp_path / f"record-{processes}", "train", *arguments)
        assert f"{processes} processes on cpu" in told
        assert json.loads((output / "config.json").read_text())["processes"] == processes
        ends.append(read_checkpoint(newest(output)))
        lines = (output / "losses.jsonl").read_text().splitlines()
        losses.append([json.loads(line) for line in lines])

    first, second = records(tmp_path / "record-2", "sample")
    assert first.isdisjoint(second)
    assert first | second == {str(number) for number in range(12)}
    assert records(tmp_path / "record-2", "processes") == [{"2"}, {"2"}]
    assert len(ends[1]["rng"]) == 2
    for name in ("gen_ab", "gen_ba"):
        torch.testing.assert_close(ends[0]["networks"][name], ends[1]["networks"][name], rtol=1e-3, atol=2e-5)
    for alone, together in zip(*losses, strict=True):
        assert alone == pytest.approx(together, rel=1e-3, abs=1e-4)
