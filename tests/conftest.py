"""Keeps every test off the network and out of the user's caches; of what it writes, what failed is left."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

_home = Path(tempfile.mkdtemp(prefix="webcast-tests-"))
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())  # what failed is kept to be looked at
os.environ["TMPDIR"] = tempfile.tempdir = str(_home)
os.environ["HF_HOME"] = str(_home / "huggingface")
os.environ["GRADIO_TEMP_DIR"] = str(_home / "gradio")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    """The address of the app with its bundle and an untrained drawer, started once."""
    from tests.app_server import serve
    from tests.tiny_weights import write_realizer

    folder = tmp_path_factory.mktemp("app")
    drawer = write_realizer(folder / "drawer", direction="photo-to-drawn")
    with serve(folder / "log.txt", drawer) as url:
        yield url
