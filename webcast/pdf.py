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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from webcast.errors import EpisodeError, ImageError
from webcast.images import MAX_ASPECT, MAX_PIXELS, open_image

PROCESS = Path(__file__).with_name("pdf_process.py")
BREADTH_PX = 1200  # the shorter side of a page as it is drawn
PAGE_SECONDS = 20.0
ALL_SECONDS = 300.0  # of all PDFs that come together
LINE_BYTES = 2000  # of an answer without its pixels


class Allowance:
    """The time that PDFs may take: `PAGE_SECONDS` for each page, `ALL_SECONDS` for all of them together."""

    def __init__(self) -> None:
        self._seconds = ALL_SECONDS

    @contextmanager
    def page(self) -> Iterator[float]:
        """Until when, by `time.monotonic`, a page may take; raises `NoAnswer` where no time is left."""
        if self._seconds <= 0:
            raise NoAnswer("the pages before it took too long")
        started = time.monotonic()
        try:
            yield started + min(PAGE_SECONDS, self._seconds)
        finally:
            self._seconds -= time.monotonic() - started


class PdfPages:
    """A PDF's pages as RGB pictures; to be used in a `with`, which ends its process.

    `name` is what errors call the file. Raises `EpisodeError` for a file that is not there.
    """

    def __init__(self, path: Path, name: str, allowance: Allowance) -> None:
        if not path.is_file():
            raise EpisodeError(f"There is no file {name}; check the path.")
        self._path, self._name, self._allowance = path, name, allowance
        self._process: PdfProcess | None = None

    def __enter__(self) -> PdfPages:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process:
            self._process.end()

    def count(self) -> int:
        """How many pages there are; raises `EpisodeError` for what is no PDF or is encrypted."""
        try:
            with self._allowance.page() as deadline:
                return self._start(deadline)
        except NoAnswer as error:
            if "password" in str(error).lower():
                raise EpisodeError(f"{self._name} is encrypted; save it without a password.") from None
            raise EpisodeError(
                f"{self._name} is not a PDF that can be read ({error}); save it again."
            ) from None

    def draw(self, number: int) -> Image.Image:
        """A page, from 0, on white and `BREADTH_PX` broad; smaller where it would have too many pixels.

        Raises `ImageError` for a page that has no size, fails, or takes longer than is allowed.
        """
        try:
            with self._allowance.page() as deadline:
                if self._process is None or self._process.has_ended():
                    self._start(deadline)
                scale = self._scale(number, deadline)
                told, pixels = self._process.answer(deadline, f"draw {number} {scale}")
        except NoAnswer as error:
            raise ImageError(f"Page {number + 1} of {self._name} cannot be drawn ({error}).") from None
        return open_image(Image.frombytes("RGB", told["size"], pixels))

    def _start(self, deadline: float) -> int:
        """Starts a process for the file, which says how many pages there are."""
        self._process = PdfProcess(self._path)
        return self._process.answer(deadline)[0]["pages"]

    def _scale(self, number: int, deadline: float) -> float:
        width, height = self._process.answer(deadline, f"size {number}")[0]["size"]
        shorter, longer = sorted((width, height))
        if not (shorter > 0 and longer < 1e6 and longer <= MAX_ASPECT * shorter):
            raise ImageError(f"Page {number + 1} of {self._name} has no size.")
        return min(BREADTH_PX / shorter, (MAX_PIXELS / (width * height)) ** 0.5 * 0.99)


class NoAnswer(Exception):
    """Why there is none, in words for the middle of a sentence."""


class PdfProcess:
    """`pdf_process.py`, running for one file; raises `NoAnswer` where it cannot run."""

    def __init__(self, path: Path) -> None:
        try:
            self._running = subprocess.Popen(
                # -P, for beside the script lie modules of webcast that are named as some of Python's own
                [sys.executable, "-P", str(PROCESS), str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise NoAnswer(f"no process can be started: {error.strerror}") from None

    def has_ended(self) -> bool:
        return self._running.poll() is not None

    def end(self) -> None:
        self._running.kill()
        self._running.communicate()

    def answer(self, deadline: float, command: str = "") -> tuple[dict, bytes]:
        """What it says to a command, or of itself to an empty one, with pixels where it sends any.

        Raises `NoAnswer`, and ends it but for an error that it tells itself. `deadline` is by
        `time.monotonic`.
        """
        too_long = threading.Event()
        timer = threading.Timer(
            max(0.0, deadline - time.monotonic()), lambda: (too_long.set(), self._running.kill())
        )
        timer.start()
        try:
            told, pixels = self._exchange(command)
        except (OSError, ValueError):
            self.end()
            raise NoAnswer("it takes too long" if too_long.is_set() else "PDFium broke down") from None
        except BaseException:
            self.end()
            raise
        finally:
            timer.cancel()
            timer.join()
        if too_long.is_set():  # between the answer's end and the timer's
            self.end()
            raise NoAnswer("it takes too long")
        if "error" in told:
            raise NoAnswer(told["error"])
        return told, pixels

    def _exchange(self, command: str) -> tuple[dict, bytes]:
        if command:
            self._running.stdin.write(f"{command}\n".encode())
            self._running.stdin.flush()
        told = json.loads(self._running.stdout.readline(LINE_BYTES))
        if not command.startswith("draw") or "error" in told:
            return told, b""
        width, height = told["size"]
        if not 0 < width * height <= MAX_PIXELS:
            raise ValueError("no such picture was asked for")
        pixels = self._running.stdout.read(3 * width * height)
        if len(pixels) < 3 * width * height:
            raise ValueError("it ended on the way")
        return told, pixels
