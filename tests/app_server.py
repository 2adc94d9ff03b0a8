"""Starts the real app as `python app.py` does, on a free port, once for all tests that want it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "webcast" / "bundle" / "examples").glob("*.png"))
START_S = 280  # below the timeout of one test


@contextmanager
def serve(log: Path, drawer: Path) -> Iterator[str]:
    """The app's address, from when it answers until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "WEBCAST_DRAWER": str(drawer),
    }
    with log.open("w") as written:
        app = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=written, stderr=subprocess.STDOUT
        )
    try:
        wait_for(url, app, log)
        yield url
    finally:
        app.terminate()
        app.wait(30)


def wait_for(url: str, app: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if app.poll() is not None:
            raise RuntimeError(f"app.py ended with {app.returncode}:\n{log.read_text()[-3000:]}")
        try:
            if httpx.get(url, timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.5)
    raise RuntimeError(f"app.py does not answer after {START_S} s:\n{log.read_text()[-3000:]}")
