"""Train or test, decided by the webtoon or the person, never by the picture: of one, all are on one side."""

import hashlib
import unicodedata
from collections.abc import Iterable

TEST_SHARE = 0.2


def choose_test_groups(names: Iterable[str], share: float = TEST_SHARE) -> set[str]:
    """The names that are for the test: those whose hash is low, so that they stay when others are added.

    Of two or more names at least one is for the test and one is not, by the rank of their hashes; a single
    one is for training.
    """
    ranked = sorted(set(names), key=draw)
    chosen = sum(draw(name) < share for name in ranked)
    return set(ranked[: min(max(chosen, 1), len(ranked) - 1)])


def draw(name: str) -> float:
    """A number from 0 to 1 that a name always draws, on every machine and in every run."""
    digest = hashlib.sha256(unicodedata.normalize("NFC", name).strip().lower().encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32
