"""What each visitor of the app left here, under a token that nobody can guess, for a while."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Visits(Generic[T]):
    """Keeps at most `capacity` values, each for `keep_s` seconds after it was last asked for.

    Over the capacity the one that was not asked for the longest is forgotten. Safe to use from threads.
    """

    def __init__(self, capacity: int, keep_s: float, clock: Callable[[], float] = time.monotonic):
        self._capacity, self._keep_s, self._clock = capacity, keep_s, clock
        self._kept: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, value: T, token: object = None) -> str:
        """Keep a value under the token, where that is one of ours, or under a new one; the token."""
        with self._lock:
            self._forget_old()
            if not (isinstance(token, str) and token in self._kept):
                token = secrets.token_urlsafe(24)
            self._kept[token] = (self._clock(), value)
            self._kept.move_to_end(token)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
            return token

    def get(self, token: object) -> T | None:
        """What is kept under the token, which may be anything; None where there is nothing."""
        with self._lock:
            self._forget_old()
            if not (isinstance(token, str) and token in self._kept):
                return None
            value = self._kept[token][1]
            self._kept[token] = (self._clock(), value)
            self._kept.move_to_end(token)
            return value

    def forget_old(self) -> None:
        """Let go of what was kept for long enough."""
        with self._lock:
            self._forget_old()

    def _forget_old(self) -> None:
        oldest = self._clock() - self._keep_s
        while self._kept and next(iter(self._kept.values()))[0] < oldest:
            self._kept.popitem(last=False)
