"""The words of the app's page, each in English and in Korean. Words about a result are in `words`.

A value may hold Markdown or HTML of ours and `{places}` for what the app fills in; what a stranger wrote is
escaped before it gets there.
"""

from __future__ import annotations

LANGUAGES = ("en", "ko")

LABELS: dict[str, tuple[str, str]] = {
    # Every page
    "tagline": (
        "Who would play them? Drop a webtoon page, and the drawn face votes for the people it resembles.",
        "누가 연기하면 좋을까요? 웹툰 한 장면을 올리면, 그려진 얼굴이 가장 닮은 사람에게 투표합니다.",
    ),
    "nav_page": ("Cast a page", "한 장면 캐스팅"),
    "nav_episode": ("Cast an episode", "한 화 캐스팅"),
    "nav_draw": ("Draw a photo", "사진을 웹툰으로"),
    "nav_gallery": ("The gallery", "배우 갤러리"),
    "nav_compare": ("Compare", "비교"),
    "nav_about": ("About", "소개"),
    "lead_gallery": (
        "Who can be cast, and where their pictures are from. Bring your own actors, too.",
        "캐스팅할 수 있는 사람들과 사진의 출처입니다. 내 배우를 데려올 수도 있습니다.",
    ),
    "lead_about": (
        "What it does, with which models, and what it must not be used for.",
        "무엇을 어떤 모델로 하는지, 그리고 어디에 쓰면 안 되는지.",
    ),
    "foot_likeness": (
        "<b>AI resemblance, not an identification.</b> Votes come from the likeness of pictures. They say "
        "nothing about who anybody is.",
        "<b>AI가 찾은 닮은꼴일 뿐, 신원 확인이 아닙니다.</b> 투표는 그림의 닮음에서 나올 뿐, 누가 누구인지는 "
        "말해 주지 않습니다.",
    ),
    "foot_limits": (
        "At once: {pages} pages of {file_mb} MB each, {megapixels} megapixels together; {faces} faces; "
        "{photos} portraits of your own. One call is computed at a time, {waiting} may wait.",
        "한 번에 {file_mb} MB 이하 페이지 {pages}장, 모두 합해 {megapixels}메가픽셀, 얼굴 {faces}개, 내 배우 사진 "
        "{photos}장까지. 계산은 한 번에 하나씩, 대기는 {waiting}명까지 합니다.",
    ),
    "foot_private": (
        "Your pictures go to the machine that runs this page, serve for nothing else, and are deleted within "
        "{minutes} minutes. Your own actors are forgotten when you have been away for {keep} minutes.",
        "올린 그림은 이 페이지를 돌리는 컴퓨터로만 가고, 다른 데에 쓰이지 않으며, {minutes}분 안에 지워집니다. "
        "내 배우는 {keep}분 동안 쓰지 않으면 잊혀집니다.",
    ),
    "foot_sources": (
        "Weights: {weights} <code>{weights_revision}</code>. Gallery: {gallery} "
        "<code>{gallery_revision}</code>.",
        "모델: {weights} <code>{weights_revision}</code>. 갤러리: {gallery} <code>{gallery_revision}</code>.",
    ),
    "failed": ("That did not work", "잘 되지 않았습니다"),
    "stop": ("Stop", "멈추기"),
    "stopped": ("Stopped, as you asked.", "요청대로 멈췄습니다."),
    # Progress by stage
    "stage_read": ("Opening the pages", "페이지를 여는 중"),
    "stage_detect": ("Looking for faces", "얼굴을 찾는 중"),
    "stage_upscale": ("Upscaling the heads", "얼굴을 크게 만드는 중"),
    "stage_realize": ("Turning the drawings into photos", "그림을 사진으로 바꾸는 중"),
    "stage_embed": ("Comparing with the gallery", "갤러리와 비교하는 중"),
    "stage_vote": ("Counting the votes", "표를 세는 중"),
    "stage_draw": ("Turning the photos into drawings", "사진을 그림으로 바꾸는 중"),
    "stage_find portraits": ("Looking for the faces of your actors", "내 배우의 얼굴을 찾는 중"),
    "stage_embed portraits": (
        "Remembering your actors for this visit",
        "이번 방문 동안 내 배우를 기억하는 중",
    ),
    # Cast a page
    "page_drop": ("Webtoon pages", "웹툰 페이지"),
    "page_examples": ("No page at hand? Click one of ours.", "가진 그림이 없나요? 예시를 눌러 보세요."),
    "example_alt": ("Cast our example page", "예시 페이지로 캐스팅"),
    "example_big-eyed": ("big eyed", "큰 눈 그림체"),
    "example_romance": ("romance", "로맨스"),
    "page_hint": (
        "<ol><li><b>Drop a page</b>, or take one of ours.</li>"
        "<li><b>Pick the face</b> to cast. The largest is picked for you.</li>"
        "<li><b>Keep the sheet</b>: the drawing, the photo it became, and who gets the part.</li></ol>",
        "<ol><li><b>페이지를 올리거나</b> 예시를 고르세요.</li>"
        "<li><b>캐스팅할 얼굴을 고르세요.</b> 가장 큰 얼굴이 먼저 골라져 있습니다.</li>"
        "<li><b>캐스팅 시트를 간직하세요.</b> 그림, 사진이 된 얼굴, 그리고 배역을 맡을 사람.</li></ol>",
    ),
    "found_one": ("1 face found.", "얼굴 1개를 찾았습니다."),
    "found_many": (
        "{count} faces found. Click the one to cast.",
        "얼굴 {count}개를 찾았습니다. 캐스팅할 얼굴을 누르세요.",
    ),
    "face_button": ("Cast face {number} on {page}", "{page}의 {number}번 얼굴 캐스팅"),
    "all_faces": (
        "All {count} faces are one character: let them all vote",
        "얼굴 {count}개가 모두 같은 인물입니다: 함께 투표하기",
    ),
    "sheet": ("The casting sheet", "캐스팅 시트"),
    "slider": ("Drag: from the drawing to the photo", "끌어 보세요: 그림에서 사진으로"),
    "settings": ("How faces are compared", "얼굴을 비교하는 방법"),
    "similarity": ("Compare with the portraits", "배우 사진과 비교할 것"),
    "similarity_info": (
        "Chosen at first is the one that was measured to cast better.",
        "처음 골라진 것이 측정 결과 캐스팅을 더 잘한 방법입니다.",
    ),
    "direct": ("The drawing itself", "그림 그대로"),
    "realized": ("The photo it became", "사진이 된 얼굴"),
    "no_page": (
        "There is no page yet; drop at least one picture.",
        "아직 페이지가 없습니다. 그림을 한 장 이상 올리세요.",
    ),
    "too_many_pages": (
        "{count} pages are too many at once; drop at most {limit}.",
        "{count}장은 한 번에 너무 많습니다. {limit}장까지 올리세요.",
    ),
    "too_many_pixels": (
        "The pages have over {limit} megapixels together; drop fewer.",
        "페이지가 모두 합해 {limit}메가픽셀을 넘습니다. 더 적게 올리세요.",
    ),
    "no_face_on": ("No drawn face was found on {page}.", "{page}에서 그려진 얼굴을 찾지 못했습니다."),
    "no_face": (
        "No drawn face was found; try a page with a larger, frontal face.",
        "그려진 얼굴을 찾지 못했습니다. 얼굴이 크고 정면인 페이지로 해 보세요.",
    ),
    "no_such_face": (
        "There is no face {index}; the faces have the numbers 0 to {last}.",
        "{index}번 얼굴은 없습니다. 얼굴 번호는 0부터 {last}까지입니다.",
    ),
    "no_choice": ("No face is chosen; choose at least one.", "고른 얼굴이 없습니다. 하나 이상 고르세요."),
    "too_many_faces": (
        "{count} faces are too many at once; choose at most {limit}.",
        "얼굴 {count}개는 한 번에 너무 많습니다. {limit}개까지 고르세요.",
    ),
    "all_count": (
        "All {count} faces found count as one character.",
        "찾은 얼굴 {count}개를 모두 한 인물로 셉니다.",
    ),
    "no_example": (
        "There is no such example; click one of those shown.",
        "그런 예시는 없습니다. 보이는 것 중에서 누르세요.",
    ),
    # The gallery
    "search": ("Search by name", "이름으로 찾기"),
    "search_hint": ("a name, or a part of it", "이름 또는 그 일부"),
    "gender": ("Gender, as the gallery says", "갤러리에 적힌 성별"),
    "everyone": ("Everyone", "모두"),
    "women": ("Women", "여성"),
    "men": ("Men", "남성"),
    "people": ("The people who can be cast", "캐스팅할 수 있는 사람들"),
    "people_told": (
        "**{count} people** with {portraits} portraits can be cast. Click one to see every portrait and where "
        "it is from.",
        "사진 {portraits}장, **{count}명**을 캐스팅할 수 있습니다. 한 사람을 누르면 모든 사진과 출처가 보입니다.",
    ),
    "people_shown": ("Shown: {shown} of {found}.", "{found}명 중 {shown}명을 보여 줍니다."),
    "nobody_found": ("Nobody is called so.", "그런 이름을 가진 사람이 없습니다."),
    "portraits_of": ("Portraits of {name}", "{name}의 사진"),
    "no_origin": ("source and licence not said", "출처와 이용 허락이 적혀 있지 않음"),
    "leave_out": ("Do not cast {name} on this visit", "이번 방문에서 {name} 빼기"),
    "left_out": ("Left out on this visit", "이번 방문에서 뺀 사람"),
    "left_out_info": (
        "They get no part on any page here. Take a name away to bring them back.",
        "이 사이트의 어떤 페이지에서도 배역을 받지 않습니다. 이름을 지우면 돌아옵니다.",
    ),
    "own_actors": ("Your own actors", "내 배우"),
    "own_hint": (
        "Drop one ZIP with a folder of photos per person, or loose photos named after the person "
        "(`Marlowe Finch 1.jpg`). They take the gallery's place for this visit. Use photos you may use; "
        "nobody else sees them.",
        "사람마다 폴더 하나씩 담은 ZIP을 올리거나, 이름을 파일명으로 한 사진(`한겨울 1.jpg`)을 올리세요. "
        "이번 방문 동안 갤러리를 대신합니다. 써도 되는 사진만 쓰세요. 다른 사람에게는 보이지 않습니다.",
    ),
    "own_drop": ("Portraits", "배우 사진"),
    "own_folder": (
        "Or choose a folder with a folder of photos per person",
        "또는 사람마다 사진 폴더가 든 폴더를 고르세요",
    ),
    "own_told": (
        "Casting among **your {people} actors** ({portraits} portraits), for this visit only.",
        "이번 방문 동안 **내 배우 {people}명**(사진 {portraits}장) 중에서 캐스팅합니다.",
    ),
    "gallery_told": (
        "Casting among the **{people} people** of the gallery {name} (`{revision}`).",
        "갤러리 {name} (`{revision}`)의 **{people}명** 중에서 캐스팅합니다.",
    ),
    "back": ("Back to the gallery of this app", "이 앱의 갤러리로 돌아가기"),
    "no_folder": ("That is no folder.", "폴더가 아닙니다."),
    "sources": ("Sources and licences", "출처와 이용 허락"),
    "source": ("Source", "출처"),
    "licence": ("Licence", "이용 허락"),
    "portraits": ("Portraits", "사진"),
    "not_said": ("not said", "적혀 있지 않음"),
    "nobody_left": (
        "Everybody is left out; bring somebody back on the page The gallery.",
        "모두 빠져 있습니다. 배우 갤러리 페이지에서 누군가를 되돌리세요.",
    ),
    # About
    "about": (
        "## What this is\n\nwebcast casts a webtoon with real people. It finds the drawn faces, upscales them, "
        "turns them into photo-like faces, and compares each with a gallery of portraits; every face votes for "
        "its five nearest. Who gets most votes gets the part, and the result says how firm it is.\n\n"
        "**It is never an identification.** Do not use it to find out who somebody is, or to judge anybody "
        "by their looks.\n\n"
        "## What becomes of your pictures\n\n{private}\n\n## Limits\n\n{limits}\n\n"
        "## For programs\n\nEverything on these pages can be called too: see *Use via API or MCP* below; the "
        "argument `lang` chooses the language of the answers.",
        "## 이것은 무엇인가요\n\nwebcast는 웹툰을 실제 사람으로 캐스팅합니다. 그려진 얼굴을 찾아 크게 만들고, 사진 "
        "같은 얼굴로 바꾸어 갤러리의 사진과 비교하며, 얼굴마다 가장 가까운 다섯 장에 투표합니다. 표를 가장 많이 "
        "얻은 사람이 배역을 맡고, 결과가 얼마나 확실한지도 알려 줍니다.\n\n"
        "**결코 신원 확인이 아닙니다.** 누가 누구인지 알아내거나 외모로 사람을 판단하는 데 쓰지 마세요.\n\n"
        "## 올린 그림은 어떻게 되나요\n\n{private}\n\n## 한도\n\n{limits}\n\n"
        "## 프로그램에서 쓰기\n\n이 페이지들의 모든 기능을 프로그램에서도 부를 수 있습니다. 아래 *API 또는 MCP*를 "
        "보세요. `lang`으로 답의 언어를 고릅니다.",
    ),
    "sources_now": ("Which weights, which gallery", "어떤 모델, 어떤 갤러리"),
    "card_weights": ("The card of the weights", "모델 카드"),
    "card_gallery": ("The card of the gallery", "갤러리 카드"),
    "no_card": ("It has no card.", "카드가 없습니다."),
}


def label(key: str, lang: str, **values: object) -> str:
    """The words of that key in a language of `LANGUAGES`, with its places filled in."""
    words = LABELS[key][LANGUAGES.index(lang)]
    return words.format(**values) if values else words


def preferred(accepted: str | None) -> str:
    """The language of `LANGUAGES` that an Accept-Language header asks for most, English where none is."""
    wishes = []
    for place, wish in enumerate((accepted or "").split(",")[:20]):
        tag, _, quality = wish.strip().partition(";q=")
        weight = float(quality) if quality.replace(".", "", 1).isdecimal() else 1.0
        wishes.append((-weight, place, tag.lower().split("-")[0]))
    return next((tag for _, _, tag in sorted(wishes) if tag in LANGUAGES), "en")
