"""Keeps every test off the network and out of the user's caches."""

import os
import tempfile
from pathlib import Path

import pytest

_home = Path(tempfile.mkdtemp(prefix="webcast-tests-"))
os.environ["HF_HOME"] = str(_home / "huggingface")
os.environ["GRADIO_TEMP_DIR"] = str(_home / "gradio")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    """The address of the app with its bundle, started once."""
    from tests.app_server import serve

    with serve(tmp_path_factory.mktemp("app") / "log.txt") as url:
        yield url
