"""Keeps every test off the network and out of the user's caches."""

import os
import tempfile
from pathlib import Path

_home = Path(tempfile.mkdtemp(prefix="webcast-tests-"))
os.environ["HF_HOME"] = str(_home / "huggingface")
os.environ["GRADIO_TEMP_DIR"] = str(_home / "gradio")
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
