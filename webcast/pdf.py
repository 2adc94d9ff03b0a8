"""The pages of a PDF, drawn by a process that may crash, fill its memory or never end.

PDFium is a large C++ program that reads a stranger's file. It runs in `pdf_process.py`, one process for one
open PDF, which is killed where a page takes too long and started again for the next one.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from PIL import Image

from webcast.errors import EpisodeError, ImageError
from webcast.images import MAX_ASPECT, MAX_PIXELS, open_image

PROCESS = Path(__file__).with_name("pdf_process.py")
BREADTH_PX = 1200  # the shorter side of a page as it is drawn
PAGE_SECONDS = 20.0
DOCUMENT_SECONDS = 300.0  # of all its pages together
PIPE_BYTES = 1 << 20  # a page is some megabytes, which small pipes take in many turns
LINE_BYTES = 2000  # of an answer without its pixels


class PdfPages:
    """A PDF's pages as RGB pictures; to be used in a `with`, which ends its process.

    `name` is what errors call the file. Raises `EpisodeError` for a file that is not there, is no PDF or is
    encrypted.
    """

    def __init__(self, path: Path, name: str) -> None:
        if not path.is_file():
            raise EpisodeError(f"There is no file {name}; check the path.")
        self._path, self._name, self._seconds_left = path, name, DOCUMENT_SECONDS
        self._start()

    def __enter__(self) -> PdfPages:
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.end()

    def __len__(self) -> int:
        return self._count

    def draw(self, number: int) -> Image.Image:
        """A page, from 0, on white and `BREADTH_PX` broad; smaller where it would have too many pixels.

        Raises `ImageError` for a page that has no size, fails or takes longer than `PAGE_SECONDS`, and
        `EpisodeError` once all of them took longer than `DOCUMENT_SECONDS`.
        """
        if self._seconds_left <= 0:
            raise EpisodeError(f"{self._name} takes too long to draw; save its pages as pictures.")
        if self._process.has_ended():
            self._start()
        try:
            width, height = self._ask(f"size {number}")[0]["size"]
            shorter, longer = sorted((width, height))
            if not (shorter > 0 and longer < 1e6 and longer <= MAX_ASPECT * shorter):
                raise ImageError(f"Page {number + 1} of {self._name} has no size.")
            scale = min(BREADTH_PX / shorter, (MAX_PIXELS / (width * height)) ** 0.5 * 0.99)
            told, pixels = self._ask(f"draw {number} {scale}")
        except NoAnswer as error:
            raise ImageError(f"Page {number + 1} of {self._name} cannot be drawn ({error}).") from None
        return open_image(Image.frombytes("RGB", told["size"], pixels))

    def _start(self) -> None:
        self._process = PdfProcess(self._path)
        try:
            self._count = self._ask()[0]["pages"]
        except NoAnswer as error:
            if "password" in str(error).lower():
                raise EpisodeError(f"{self._name} is encrypted; save it without a password.") from None
            raise EpisodeError(
                f"{self._name} is not a PDF that can be read ({error}); save it again."
            ) from None

    def _ask(self, command: str = "") -> tuple[dict, bytes]:
        started = time.monotonic()
        try:
            return self._process.answer(min(PAGE_SECONDS, self._seconds_left), command)
        finally:
            self._seconds_left -= time.monotonic() - started


class NoAnswer(Exception):
    """Why there is none, in words for the middle of a sentence."""


class PdfProcess:
    """`pdf_process.py`, running for one file."""

    def __init__(self, path: Path) -> None:
        self._running = subprocess.Popen(
            # -P, for beside the script lie modules of webcast that are named as some of Python's own
            [sys.executable, "-P", str(PROCESS), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pipesize=PIPE_BYTES,
        )

    def has_ended(self) -> bool:
        return self._running.poll() is not None

    def end(self) -> None:
        self._running.kill()
        self._running.communicate()

    def answer(self, seconds: float, command: str) -> tuple[dict, bytes]:
        """What it says to a command, or of itself to an empty one, with pixels where it sends any.

        Raises `NoAnswer`, and ends it but for an error that it tells itself.
        """
        too_long = threading.Event()
        timer = threading.Timer(seconds, lambda: (too_long.set(), self._running.kill()))
        timer.start()
        try:
            if command:
                self._running.stdin.write(f"{command}\n".encode())
                self._running.stdin.flush()
            told = json.loads(self._running.stdout.readline(LINE_BYTES))
            pixels = self._pixels(told["size"]) if command.startswith("draw") and "size" in told else b""
        except (OSError, ValueError):
            self.end()
            raise NoAnswer("it takes too long" if too_long.is_set() else "PDFium broke down") from None
        except BaseException:
            self.end()
            raise
        finally:
            timer.cancel()
        if "error" in told:
            raise NoAnswer(told["error"])
        return told, pixels

    def _pixels(self, size: tuple[int, int]) -> bytes:
        width, height = size
        if not 0 < width * height <= MAX_PIXELS:
            raise ValueError("no such picture was asked for")
        pixels = self._running.stdout.read(3 * width * height)
        if len(pixels) < 3 * width * height:
            raise ValueError("it ended on the way")
        return pixels
