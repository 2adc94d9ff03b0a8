"""What programs and MCP clients call: each function is an endpoint of its name."""

from dataclasses import asdict, replace

import gradio as gr

from webcast import edits
from webcast.app.answers import answer, in_words
from webcast.app.compute import (
    compute,
    compute_columns,
    compute_drawings,
    compute_main_faces,
    compute_maps,
    compute_photos,
)
from webcast.app.episodes import cast_cards, cast_files, last_cast, part_of, remember_cast, sent_pages
from webcast.app.faces import choose, find_faces
from webcast.app.files import picture_file, read_pages, uploaded
from webcast.app.filters import AMONG, checked_filters, checked_gender
from webcast.app.loaded import PARTS_HERE, caster, stages_with
from webcast.app.own_actors import remember_actors
from webcast.app.settings import with_main_faces, with_settings
from webcast.app.visitor import Visit, people_of, visit_asked, visits
from webcast.app.work import Report
from webcast.compare import STAGES
from webcast.episode_sheet import episode_json
from webcast.errors import WebcastError
from webcast.images import display_name
from webcast.labels import label
from webcast.parts import Listed
from webcast.sheet import draw_boxes, draw_sheet, face_json, to_json


def cast(
    pages: list[gr.FileData],
    request: gr.Request,
    faces: list[int] | None = None,
    similarity: str | None = None,
    gender: str | None = None,
    visit: str | None = None,
    lang: str | None = None,
) -> tuple[gr.FileData, dict]:
    """Cast a drawn character with people of the gallery: AI resemblance, not identification.

    Args:
        pages: The pages, panels or strips as picture files.
        faces: Which faces are the character, as indices from /detect; without it all faces count as one.
        similarity: "direct" compares the drawing, "realized" its photo; without it the better one.
        gender: The character's, "female" or "male": people of that gender alone get the part.
        visit: What /own_actors or /settings gave, to cast among your own actors or with other parts.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The casting sheet as a picture
        The standings (best first), every face's ballot, how firm the result is, and its sources
    """
    with answer(request, lang) as lang:
        visitor, whose = visit_asked(visit, lang), checked_gender(gender, lang)
        visitor = with_settings(visitor, similarity or visitor.similarity, {}, lang)
        found, _, notices = find_faces(uploaded(pages), stages_with(visitor.parts), lang)
        if faces is None and len(found) > 1:
            notices.append(label("all_count", lang, count=len(found)))
        chosen = choose(found, range(len(found)) if faces is None else faces, lang)
        result = compute(chosen, visitor, whose, None)
    told = [in_words(notice, lang) for notice in result.notices]
    result = replace(result, notices=(*notices, *told))
    return picture_file(draw_sheet(result, lang), "sheet"), to_json(result)


def detect(
    pages: list[gr.FileData], request: gr.Request, visit: str | None = None, lang: str | None = None
) -> tuple[list[gr.FileData], dict]:
    """Find the drawn faces of webtoon pages.

    Args:
        pages: The pages, panels or strips as picture files.
        visit: What /settings gave, to use other parts.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The pages with every face boxed and numbered
        The faces: index for /cast and /realize, number as drawn, page, box in pixels, detector, likelihood
    """
    with answer(request, lang) as lang:
        stages = stages_with(visit_asked(visit, lang).parts)
        faces, panels, notices = find_faces(uploaded(pages), stages, lang)
    marks = {panel: [] for panel in panels}
    for index, face in enumerate(faces):
        marks[face.panel].append((index + 1, face, False))
    boxed = [picture_file(draw_boxes(panel, mine), "boxed") for panel, mine in marks.items()]
    told = [{"index": index, "number": index + 1, **face_json(face)} for index, face in enumerate(faces)]
    return boxed, {"faces": told, "notices": notices}


def main_faces(
    pages: list[gr.FileData],
    request: gr.Request,
    reference: int | None = None,
    visit: str | None = None,
    lang: str | None = None,
) -> dict:
    """Choose the main character's faces among all faces of the pages, for /cast.

    Args:
        pages: The pages, panels or strips as picture files.
        reference: A face of the character, as index from /detect; without it who appears most often.
        visit: What /settings gave, to compare by another embedder or distance, or for another number.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The faces as indices, nearest first, and what was left out
    """
    with answer(request, lang) as lang:
        visitor = visit_asked(visit, lang)
        found, _, notices = find_faces(uploaded(pages), stages_with(visitor.parts), lang)
        if reference is not None:
            choose(found, [reference], lang)
        return {"faces": compute_main_faces(found, reference, visitor), "notices": notices}


def realize(
    pages: list[gr.FileData],
    request: gr.Request,
    faces: list[int] | None = None,
    gender: str | None = None,
    visit: str | None = None,
    lang: str | None = None,
) -> tuple[list[gr.FileData], dict]:
    """Turn the drawn faces of webtoon pages into photo-like pictures of nobody.

    Args:
        pages: The pages, panels or strips as picture files.
        faces: Which faces, as indices from /detect; without it all faces.
        gender: The characters', "female" or "male", where the weights have a realizer for each.
        visit: What /settings gave, to use other parts.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The photo-like pictures, in the order of the faces
        The faces: page, box in pixels, detector, likelihood
    """
    with answer(request, lang) as lang:
        visitor, whose = visit_asked(visit, lang), checked_gender(gender, lang)
        stages = stages_with(visitor.parts)
        found, _, notices = find_faces(uploaded(pages), stages, lang)
        notices += [in_words(doubt, lang) for doubt in stages.doubts_of(whose)]
        chosen = choose(found, range(len(found)) if faces is None else faces, lang)
        photos = compute_photos([face.crop for face in chosen], visitor, whose)
    told = {"faces": [face_json(face) for face in chosen], "notices": notices}
    return [picture_file(photo, "realized") for photo in photos], told


def cast_episode(
    episode: list[gr.FileData], request: gr.Request, visit: str | None = None, lang: str | None = None
) -> tuple[list[gr.FileData], list[gr.FileData], dict]:
    """Cast a whole episode: who plays whom, and nobody two parts. AI resemblance, not identification.

    Args:
        episode: Pages or strips as pictures, ZIP or CBZ archives, or PDFs.
        visit: What /own_actors or /settings gave, to cast among your own actors, with filters or other parts.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The cast as a sheet (HTML), as JSON and as CSV
        Two cards to post for each part, 1080 x 1080 and 1200 x 630
        The characters, most present first, each with id, faces, standings and the person assigned; the visit
    """
    with answer(request, lang) as lang:
        visitor = visit_asked(visit, lang)
        pages = sent_pages([(path, display_name(path)) for path in uploaded(episode)], lang)
        return told_cast(pages, visitor, visit, lang)


def edit_episode(
    visit: str, changes: list[dict], request: gr.Request, lang: str | None = None
) -> tuple[list[gr.FileData], list[gr.FileData], dict]:
    """Put the characters of an episode right; everything after follows. Without edits it is cast again.

    Args:
        visit: What /cast_episode gave.
        changes: In their order: {"do": "merge", "ids": ["c1", "c2"]}, {"do": "drop", "id": "c1"}, ...
            The others are split (id, faces), restore (id), rename (id, name), gender (id, gender), leave_out
            (faces) and bring_back (face).
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The cast as a sheet (HTML), as JSON and as CSV
        Two cards to post for each part, 1080 x 1080 and 1200 x 630
        The characters, as /cast_episode tells them
    """
    with answer(request, lang) as lang:
        visitor = visit_asked(visit, lang)
        episode = last_cast(visitor, lang).episode
        for change in changes if isinstance(changes, list) else [changes]:
            episode = edits.apply(episode, change)
        return told_cast(episode, visitor, visit, lang)


def told_cast(pages, visitor: Visit, visit: str | None, lang: str) -> tuple[list[dict], list[dict], dict]:
    cast, visit = remember_cast(pages, visitor, visit, Report(lang))
    cards = [picture_file(card, name) for name, _, card in cast_cards(cast, lang)]
    return cast_files(cast, lang), cards, {**episode_json(cast, lang), "visit": visit}


def explain(
    visit: str, character: str, request: gr.Request, lang: str | None = None
) -> tuple[list[gr.FileData], dict]:
    """Why somebody got a part: which regions of the character's best faces carried the match.

    Args:
        visit: What /cast_episode gave.
        character: The id of a character with a part.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        A map of each of the best faces: the brighter, the more of the match is lost when that is covered
        The faces' numbers, and for each a grid of how much the similarity falls
    """
    with answer(request, lang) as lang:
        visitor = visit_asked(visit, lang)
        part = part_of(last_cast(visitor, lang), character, lang)
        maps = compute_maps(part, visitor)
    drops = {str(number): found.drop.round(4).tolist() for number, found in maps.items()}
    pictures = [picture_file(found.picture, f"face-{number}") for number, found in maps.items()]
    return pictures, {"faces": list(maps), "drop": drops}


def draw(
    photos: list[gr.FileData], request: gr.Request, lang: str | None = None
) -> tuple[list[gr.FileData], dict]:
    """Turn the largest face of each photo into a webtoon drawing.

    Args:
        photos: Photos with a face as picture files.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The drawings, in the order of the photos that could be opened
        What was left out and why
    """
    with answer(request, lang) as lang:
        panels, notices = read_pages(uploaded(photos), lang)
        drawings = compute_drawings(panels)
    return [picture_file(drawing, "drawing") for drawing in drawings], {"notices": notices}


def compare(
    picture: gr.FileData,
    stage: str,
    request: gr.Request,
    visit: str | None = None,
    lang: str | None = None,
) -> tuple[list[gr.FileData], dict]:
    """Let every part of a stage that is here do its work on one picture, side by side.

    Args:
        picture: A picture file with a face.
        stage: detector, photo_detector, upscaler, photo_upscaler, realizer, embedder or distance.
        visit: What /own_actors gave, to compare embedders by whom they find among your own actors.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        What each part made of the picture, for the parts that are here
        Every part: its name and label, what is told of it or what it lacks, and its seconds
    """
    with answer(request, lang) as lang:
        panels, _ = read_pages(uploaded([picture]), lang)
        columns = compute_columns(stage, panels[0], visit_asked(visit, lang), None)
    pictures = [picture_file(column.picture, column.part) for column in columns if column.picture]
    parts = [
        {
            "part": column.part,
            "label": in_words(column.label, lang),
            "here": column.picture is not None,
            "told": in_words(column.told, lang),
            "seconds": round(column.seconds, 3),
        }
        for column in columns
    ]
    return pictures, {"parts": parts}


def gallery(request: gr.Request, visit: str | None = None, lang: str | None = None) -> dict:
    """Who can be cast: the people of the gallery, and which weights and gallery this app has.

    Args:
        visit: What /own_actors or /settings gave, to see whom it casts among.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The people (id, name, gender, number of portraits) and the sources
    """
    with answer(request, lang) as lang:
        people = people_of(visit_asked(visit, lang))
    told = [{**asdict(person), "portraits": n} for person, n in people.portraits_each.items()]
    notices = [in_words(notice, lang) for notice in caster.notices]
    return {"people": told, "sources": asdict(caster.sources), "notices": notices}


def own_actors(
    photos: list[gr.FileData], request: gr.Request, visit: str | None = None, lang: str | None = None
) -> dict:
    """Bring actors of your own: loose photos named after the person, or ZIPs with a folder per person.

    Args:
        photos: The photos or ZIPs. Only use photos that you may use.
        visit: What an earlier call gave, to keep its settings.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The visit, which the other endpoints take, and the people in it
    """
    with answer(request, lang) as asked:
        paths = uploaded(photos)
        if visit is not None:
            visit_asked(visit, asked)
    files = [(path, display_name(path)) for path in paths]
    visit = remember_actors(files, visit, request, lang, None)
    return {"visit": visit, "people": [asdict(person) for person in visits.get(visit).own.people]}


def settings(
    request: gr.Request,
    gender: str | None = None,
    youngest: int | None = None,
    oldest: int | None = None,
    shortlist: list[str] | None = None,
    without: list[str] | None = None,
    among: str = "gallery",
    similarity: str | None = None,
    detector: str | None = None,
    photo_detector: str | None = None,
    upscaler: str | None = None,
    photo_upscaler: str | None = None,
    realizer: str | None = None,
    embedder: str | None = None,
    distance: str | None = None,
    main_embedder: str | None = None,
    main_distance: str | None = None,
    main_count: int | None = None,
    visit: str | None = None,
    lang: str | None = None,
) -> dict:
    """Choose who may be cast, and the parts that cast by name; without a name the weights' own part does it.

    Args:
        gender: "female" or "male", as the gallery says; without it everybody.
        youngest: In years; people without a year of birth are out where an age is given.
        oldest: In years.
        shortlist: Ids of the only people to consider.
        without: Ids of people who get no part.
        among: "gallery", "own" (your own actors, from /own_actors) or "both".
        similarity: "direct" compares the drawing, "realized" its photo; without it the better one.
        detector: What finds drawn faces; several are joined with +.
        photo_detector: What finds faces on photos of your own actors; several are joined with +.
        upscaler: What upscales drawings.
        photo_upscaler: What upscales photos of your own actors.
        realizer: What turns drawings into photos.
        embedder: What compares faces.
        distance: "cosine" or "euclidean".
        main_embedder: What /main_faces compares faces by, such as "resnet18" or "vgg16-imagenet".
        main_distance: "cosine" or "euclidean", for /main_faces.
        main_count: How many faces /main_faces gives at most.
        visit: What an earlier call gave, to keep its actors.
        lang: "en" or "ko", the language of the answer; without it that of the request.

    Returns:
        The visit, which the other endpoints take, and for each stage the parts: name, label, what is missing
    """
    with answer(request, lang) as lang:
        parts = detector, photo_detector, upscaler, photo_upscaler, realizer, embedder, distance
        if among not in AMONG:
            raise WebcastError(label("bad_filter", lang))
        filters = checked_filters(gender, youngest, oldest, shortlist, without, lang)
        visitor = replace(visit_asked(visit, lang), filters=filters, among=among)
        visitor = with_settings(visitor, similarity, dict(zip(STAGES, parts, strict=True)), lang)
        visitor = with_main_faces(visitor, main_embedder, main_distance, main_count, lang)
        visit = visits.put(visitor, visit)
        listed = {stage: [told_part(part, lang) for part in parts] for stage, parts in PARTS_HERE.items()}
    return {"visit": visit, "parts": listed}


def told_part(part: Listed, lang: str) -> dict[str, str]:
    return {"name": part.name, "label": in_words(part.label, lang), "missing": in_words(part.missing, lang)}


ENDPOINTS = (
    cast, detect, main_faces, realize, cast_episode, edit_episode, explain, draw, compare, own_actors,
    settings,
)  # fmt: skip
