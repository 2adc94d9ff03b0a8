"""The README is tested: its commands, its flags, its Python, and the lines on top that make it a Space."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.test_main import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FRONT_MATTER = yaml.safe_load(README.split("---")[1])
PYTHON_BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_flag_stands_beside_its_command(name):
    row = next((line for line in README.splitlines() if line.startswith(f"| `{name}")), "")
    assert row, f"the README's table has no row for {name}"
    for action in COMMANDS[name]._actions:
        for flag in action.option_strings:
            if flag not in ("-h", "--help"):
                assert f"`{flag}`" in row


def test_there_is_python_to_run():
    assert PYTHON_BLOCKS


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_the_python_runs_as_it_stands(block):
    ran = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


def test_the_space_runs_the_gradio_that_is_required():
    required = re.search(r"^gradio\[mcp\]==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert FRONT_MATTER["sdk"] == "gradio"
    assert FRONT_MATTER["sdk_version"] == required[1]
    assert FRONT_MATTER["python_version"] == "3.12"
    assert (ROOT / FRONT_MATTER["app_file"]).is_file()
    assert {"license", "models", "datasets"} <= FRONT_MATTER.keys()


def test_every_path_and_module_that_it_names_is_there():
    paths = re.findall(r"`((?:webcast|training|tests)/[\w/.]+)`|\]\(((?!http)[^)]+)\)", README)
    for path in (one or other for one, other in paths):
        assert (ROOT / path).exists(), path
    for module in re.findall(r"-m ((?:webcast|training|tests)[\w.]*)", README):
        base = ROOT / module.replace(".", "/")
        assert base.with_suffix(".py").is_file() or (base / "__main__.py").is_file(), module


def test_ci_finds_the_test_command():
    block = re.search(r"<!-- test command -->\n```sh\n(.*?)\n```", README, re.DOTALL)
    assert "pytest" in block[1]
