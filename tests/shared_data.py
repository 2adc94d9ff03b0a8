"""The makers' data beside the checkout, and the mark for tests that cannot run without it."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

needs_shared = [
    pytest.mark.shared,
    pytest.mark.skipif(
        not SHARED.is_dir(), reason="../shared/data is not here; the makers of webcast have it"
    ),
]
