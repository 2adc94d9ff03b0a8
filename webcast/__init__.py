"""Casts a webtoon with real people: drawn faces in, the nearest people of a gallery out.

>>> from webcast import load_caster
>>> caster = load_caster()                                  # the bundled weights and demo troupe
>>> result = caster.cast(["page.png"])
>>> result.standings[0].person.name
"""

from webcast.errors import WebcastError
from webcast.parts import Parts
from webcast.types import Box, CastResult, Face, Panel, Person

__all__ = ["Box", "CastResult", "Face", "Panel", "Parts", "Person", "WebcastError", "load_caster"]


def __getattr__(name: str):
    # torch takes seconds to import; `import webcast` and `--help` do without it.
    if name == "load_caster":
        from webcast.build import load_caster

        return load_caster
    raise AttributeError(f"module 'webcast' has no attribute {name!r}")
