"""Who visits: what they brought and chose, and whom that casts among."""

import time
from dataclasses import dataclass, replace

from webcast.app.limits import CLEAN_EVERY_S, KEEP_FOR_S, MAX_EPISODES, MAX_VISITS
from webcast.app.loaded import OWN_PARTS, caster, embedded, stages_with
from webcast.app.visits import Visits
from webcast.caster import Caster
from webcast.episode import EpisodeCast
from webcast.errors import WebcastError
from webcast.gallery import Gallery
from webcast.labels import label
from webcast.parts import Parts
from webcast.selection import Filters, join

EVERYBODY = Filters()


@dataclass(frozen=True)
class Visit:
    """What a visitor brought and chose; it holds on every page and for whatever their programs call."""

    own: Gallery | None = None
    among: str = "gallery"  # or own, or both
    filters: Filters = EVERYBODY
    similarity: str | None = None
    parts: Parts = OWN_PARTS
    episode: str | None = None  # the token of what was cast last


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
    return replace(caster, stages=stages, gallery=embedded(people_of(visitor), visitor.parts))


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
