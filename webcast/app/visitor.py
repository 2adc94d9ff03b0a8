"""Who visits: what they brought and chose, and whom that casts among."""

import time
from dataclasses import dataclass, field, replace

from webcast.app.files import pass_over_folders
from webcast.app.limits import CLEAN_EVERY_S, KEEP_FOR_S, MAIN_FACES, MAX_EPISODES, MAX_VISITS
from webcast.app.loaded import OWN_PARTS, caster, gallery_seen_by, stages_with
from webcast.app.visits import Visits
from webcast.caster import Caster
from webcast.episode import EpisodeCast
from webcast.errors import WebcastError
from webcast.gallery import Gallery
from webcast.labels import label
from webcast.parts import Parts
from webcast.selection import Filters, join
from webcast.types import Embedder

EVERYBODY = Filters()


@dataclass(frozen=True)
class MainFaces:
    """How the main character's faces are told from the others: see `webcast.main_faces`."""

    embedder: str | None = None  # None: the one that casts
    distance: str = "cosine"
    count: int = MAIN_FACES


@dataclass(frozen=True)
class Visit:
    """What a visitor brought and chose; it holds on every page and for whatever their programs call."""

    own: Gallery | None = None
    among: str = "gallery"  # or own, or both
    filters: Filters = EVERYBODY
    similarity: str | None = None
    parts: Parts = OWN_PARTS
    main: MainFaces = MainFaces()
    episode: str | None = None  # the token of what was cast last
    seen: dict[tuple, Gallery] = field(default_factory=dict, compare=False)  # see seen_by


visits: Visits[Visit] = Visits(MAX_VISITS, KEEP_FOR_S)
episodes: Visits[EpisodeCast] = Visits(MAX_EPISODES, KEEP_FOR_S)


def visit_of(token: object) -> Visit:
    """What is remembered of a visitor of the page; a new one where that is nothing."""
    return visits.get(token) or Visit()


def visit_asked(token: str | None, lang: str) -> Visit:
    """The visit that a program names; one that is not there is an error."""
    found = Visit() if token is None else visits.get(token)
    if found is None:
        raise WebcastError(label("visit_gone", lang))
    return found


def people_of(visitor: Visit) -> Gallery:
    """Whom a visitor casts among."""
    if visitor.own is None or visitor.among == "gallery":
        return caster.gallery
    return visitor.own if visitor.among == "own" else join([visitor.own, caster.gallery])


def caster_of(visitor: Visit) -> Caster:
    stages = stages_with(visitor.parts)
    return replace(caster, stages=stages, gallery=seen_by(visitor, stages.embedder))


def seen_by(visitor: Visit, embedder: Embedder) -> Gallery:
    """Whom a visitor casts among, as that embedder sees them.

    The last of them that has people of the visitor's own is kept with the visit, and goes with it.
    """
    people = people_of(visitor)
    if people is caster.gallery:
        return gallery_seen_by(embedder)
    if (people.embedder_id, people.embedder_revision) == (embedder.id, embedder.revision):
        return people
    key = people.revision, embedder.id, embedder.revision
    if key not in visitor.seen:
        visitor.seen.clear()
        visitor.seen[key] = people.embedded_by(embedder)
    return visitor.seen[key]


def main_embedder(parts: Parts, main: MainFaces) -> Embedder:
    """What tells the main character's faces from the others."""
    chosen = main.embedder or parts.embedder
    return stages_with(replace(parts, embedder=chosen, distance=main.distance)).embedder


def filters_of(visitor: Visit) -> Filters:
    """The filters, without people whom the visitor does not cast among any more."""
    there = {person.id for person in people_of(visitor).people}
    chosen = visitor.filters
    shortlist, without = (
        tuple(id for id in ids if id in there) for ids in (chosen.shortlist, chosen.without)
    )
    return replace(chosen, shortlist=shortlist, without=without)


def forget_in_time() -> None:
    """Lets go of what visitors left, also where nobody comes by any more; runs for ever."""
    while True:
        time.sleep(CLEAN_EVERY_S)
        visits.forget_old()
        episodes.forget_old()
        pass_over_folders()
