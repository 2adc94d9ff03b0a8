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
    "lead_draw": (
        "The way back: a photo becomes a webtoon drawing.",
        "반대 방향: 사진이 웹툰 그림이 됩니다.",
    ),
    "lead_episode": (
        "A whole story gets its cast: who plays her, who plays him, and nobody twice.",
        "이야기 전체를 캐스팅합니다. 그녀는 누가, 그는 누가 맡을지, 한 사람이 두 역을 맡지 않게.",
    ),
    "lead_compare": (
        "Every part that can do a stage, side by side on a picture of yours.",
        "한 단계를 할 수 있는 모든 부품을 내 그림으로 나란히 비교합니다.",
    ),
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
        "an episode of {episode_pages} pages and {episode_faces} faces; {photos} portraits of your own. One call is computed at a time, {waiting} may wait.",
        "한 번에 {file_mb} MB 이하 페이지 {pages}장, 모두 합해 {megapixels}메가픽셀, 얼굴 {faces}개, 한 화는 {episode_pages}쪽과 얼굴 {episode_faces}개, "
        "내 배우 사진 {photos}장까지. 계산은 한 번에 하나씩, 대기는 {waiting}명까지 합니다.",
    ),
    "foot_private": (
        "Your pictures go to the machine that runs this page, serve for nothing else, and are deleted within "
        "{minutes} minutes. Your own actors and your episode are forgotten within {minutes} minutes after you last used them.",
        "올린 그림은 이 페이지를 돌리는 컴퓨터로만 가고, 다른 데에 쓰이지 않으며, {minutes}분 안에 지워집니다. "
        "내 배우와 작품은 마지막으로 쓴 뒤 {minutes}분 안에 잊혀집니다.",
    ),
    "foot_sources": (
        "Weights: {weights} <code>{weights_revision}</code>. Gallery: {gallery} "
        "<code>{gallery_revision}</code>.",
        "모델: {weights} <code>{weights_revision}</code>. 갤러리: {gallery} <code>{gallery_revision}</code>.",
    ),
    "failed": ("That did not work", "잘 되지 않았습니다"),
    "wrong_kind": (
        "{file} is of a kind that cannot be used here; choose another file.",
        "{file}: 여기서 쓸 수 없는 종류의 파일입니다. 다른 파일을 골라 주세요.",
    ),
    "too_large": (
        "{file} is over {limit} MB; make it smaller, or send it in parts.",
        "{file}: {limit} MB가 넘습니다. 줄이거나 나눠서 올려 주세요.",
    ),
    "download": ("Download", "내려받기"),
    "stop": ("Stop", "멈추기"),
    "stopped": ("Stopped, as you asked.", "요청대로 멈췄습니다."),
    # Progress by stage
    "stage_detect": ("Looking for faces", "얼굴을 찾는 중"),
    "stage_embed faces": ("Telling the characters apart", "등장인물을 가려내는 중"),
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
    "main_faces": (
        "Only the main character: the {count} faces most like the chosen one vote",
        "주인공만: 고른 얼굴과 가장 닮은 얼굴 {count}개가 함께 투표하기",
    ),
    "character": ("This character is", "이 인물은"),
    "gender_unsaid": ("not said", "정하지 않음"),
    "sheet": ("The casting sheet", "캐스팅 시트"),
    "slider": ("Drag: from the drawing to the photo", "끌어 보세요: 그림에서 사진으로"),
    "settings": ("How it is done: parts and settings", "어떻게 하나요: 부품과 설정"),
    "settings_hint": (
        "Every stage can be done by another part. What you choose holds on all pages of this visit.",
        "단계마다 다른 부품을 쓸 수 있습니다. 고른 것은 이번 방문의 모든 페이지에 적용됩니다.",
    ),
    "similarity": ("Compare with the portraits", "배우 사진과 비교할 것"),
    "similarity_info": (
        "Chosen at first is the one that was measured to cast better.",
        "처음 골라진 것이 측정 결과 캐스팅을 더 잘한 방법입니다.",
    ),
    "direct": ("The drawing itself", "그림 그대로"),
    "realized": ("The photo it became", "사진이 된 얼굴"),
    "detector": ("Finds drawn faces", "그려진 얼굴 찾기"),
    "detector_info": ("Several are joined.", "여럿을 고르면 함께 씁니다."),
    "photo_detector": ("Finds faces on photos", "사진 속 얼굴 찾기"),
    "upscaler": ("Upscales drawings", "그림 키우기"),
    "photo_upscaler": ("Upscales photos", "사진 키우기"),
    "realizer": ("Turns drawings into photos", "그림을 사진으로"),
    "embedder": ("Compares faces", "얼굴 비교"),
    "distance": ("Measures nearness", "가까움 재기"),
    "main_hint": (
        "On pages with many faces, the main character's are those most like the face that is chosen.",
        "얼굴이 많은 페이지에서는 고른 얼굴과 가장 닮은 얼굴들을 주인공의 얼굴로 봅니다.",
    ),
    "main_embedder": ("Main character: compares faces", "주인공: 얼굴 비교"),
    "main_distance": ("Main character: measures nearness", "주인공: 가까움 재기"),
    "main_count": ("Main character: how many faces", "주인공: 얼굴 수"),
    "bad_count": (
        "The number of the main character's faces is a whole one from 1 to {limit}.",
        "주인공의 얼굴 수는 1부터 {limit}까지의 정수입니다.",
    ),
    "no_similarity": (
        "There is no such similarity; choose direct or realized.",
        "그런 비교 방법은 없습니다. direct 또는 realized를 고르세요.",
    ),
    "no_part": ("A part is named by its name.", "부품은 이름으로 고르세요."),
    "visit_gone": (
        "This visit is not remembered (any more); call /own_actors or /settings again.",
        "이 방문은 (더 이상) 기억하고 있지 않습니다. /own_actors 또는 /settings를 다시 부르세요.",
    ),
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
    # Draw a photo
    "draw_drop": ("A photo with a face", "얼굴이 나온 사진"),
    "draw_hint": (
        "<ol><li><b>Drop a photo</b> that you may use.</li>"
        "<li>The largest face on it is <b>drawn as a webtoon</b>.</li>"
        "<li><b>Drag</b> to compare, and keep the drawing.</li></ol>",
        "<ol><li>써도 되는 <b>사진을 올리세요.</b></li>"
        "<li>가장 큰 얼굴을 <b>웹툰처럼 그립니다.</b></li>"
        "<li><b>끌어서</b> 비교하고 그림을 간직하세요.</li></ol>",
    ),
    "draw_slider": ("Drag: from the photo to the drawing", "끌어 보세요: 사진에서 그림으로"),
    "drawing": ("The drawing", "그림"),
    # Compare
    "compare_drop": ("One picture", "그림 한 장"),
    "compare_stage": ("What to compare", "비교할 단계"),
    "compare_go": ("Compare", "비교하기"),
    "compare_hint": (
        "<ol><li><b>Drop a picture</b> and choose a stage.</li>"
        "<li>Every part that is here does it, <b>one after the other</b>.</li>"
        "<li>See what each made of it, and how long it took.</li></ol>",
        "<ol><li><b>그림을 올리고</b> 단계를 고르세요.</li>"
        "<li>여기 있는 모든 부품이 <b>차례로</b> 해 봅니다.</li>"
        "<li>무엇이 나왔고 얼마나 걸렸는지 보세요.</li></ol>",
    ),
    "compare_took": ("{seconds} s", "{seconds}초"),
    "compare_missing": (
        "Not here, for want of weights or packages",
        "모델이나 패키지가 없어 여기에 없는 부품",
    ),
    "compare_of": ("{part}: what it made of the picture", "{part}: 그림에서 나온 결과"),
    # Cast an episode
    "episode_drop": (
        "The episode: pages, strips, ZIP, CBZ or PDF",
        "한 화: 페이지, 긴 그림, ZIP, CBZ 또는 PDF",
    ),
    "episode_example": ("No episode at hand? Cast ours", "가진 작품이 없나요? 예시로 캐스팅하기"),
    "episode_hint": (
        "<ol><li><b>Drop a whole episode.</b> Its characters are found by themselves.</li>"
        "<li><b>Set it right</b>: merge, split, rename, leave an actor out. The cast follows at once.</li>"
        "<li><b>Keep the cast</b>: a sheet to read, cards to post, tables for programs.</li></ol>",
        "<ol><li><b>한 화를 통째로 올리세요.</b> 등장인물을 알아서 찾습니다.</li>"
        "<li><b>바로잡으세요</b>: 합치기, 나누기, 이름 짓기, 배우 빼기. 캐스팅이 바로 따라옵니다.</li>"
        "<li><b>캐스팅을 간직하세요</b>: 읽을 시트, 올릴 카드, 프로그램용 표.</li></ol>",
    ),
    "episode_kept": (
        "At most {episodes} episodes are remembered at once; a new one replaces the one that was used least "
        "recently.",
        "작품은 동시에 {episodes}개까지 기억하며, 새 작품이 가장 오래 쓰지 않은 것을 대신합니다.",
    ),
    "episode_gone": (
        "This episode is no longer remembered; drop it again.",
        "이 작품은 더 이상 기억하고 있지 않습니다. 다시 올리세요.",
    ),
    "no_episode": ("There is no episode yet; drop one.", "아직 작품이 없습니다. 올려 주세요."),
    "cast_title": ("The cast", "캐스팅"),
    "cast_told": (
        "{parts} parts from {faces} faces on {pages} pages.",
        "{pages}쪽의 얼굴 {faces}개에서 나온 배역 {parts}개.",
    ),
    "not_them": ("Not {name}", "{name} 빼기"),
    "why": ("Why?", "왜?"),
    "why_of": ("Why {person} for {character}?", "왜 {character} 역에 {person}인가요?"),
    "why_nobody": ("How the faces of {character} voted", "{character}의 얼굴들이 한 투표"),
    "why_map": (
        "Where the likeness lies: the brighter, the more of the match is lost when that region is covered.",
        "닮은 곳: 밝을수록, 그 부분을 가렸을 때 닮음이 더 많이 사라집니다.",
    ),
    "characters_title": ("The characters", "등장인물"),
    "characters_hint": (
        "Tick characters to merge them. Tick faces to split them off as a character of their own, or to leave "
        "them out.",
        "인물을 골라 합치세요. 얼굴을 골라 따로 떼거나 뺄 수 있습니다.",
    ),
    "merge": ("Merge the ticked characters", "고른 인물 합치기"),
    "tick": ("Merge", "합치기"),
    "tick_of": ("Tick {character} to merge", "{character} 합치려고 고르기"),
    "split": ("Split off the ticked faces", "고른 얼굴 떼어 내기"),
    "leave_face": ("Leave the ticked faces out", "고른 얼굴 빼기"),
    "drop": ("Drop", "빼기"),
    "drop_of": ("Drop {character}: no part for them", "{character} 빼기: 배역 없음"),
    "restore": ("Bring back", "되돌리기"),
    "restore_of": ("Bring {character} back", "{character} 되돌리기"),
    "name_of": ("Name of {character}", "{character}의 이름"),
    "gender_of": ("Gender of {character}", "{character}의 성별"),
    "gender_none": ("gender not marked", "성별 표시 없음"),
    "gender_female": ("woman", "여성"),
    "gender_male": ("man", "남성"),
    "faces_of": ("Face {number} of {character}, {page}", "{character}의 {number}번 얼굴, {page}"),
    "one_face": ("{count} face", "얼굴 {count}개"),
    "faces_count": ("{count} faces", "얼굴 {count}개"),
    "extra": ("an extra, no part", "단역, 배역 없음"),
    "is_dropped": ("dropped", "뺀 인물"),
    "left_faces_title": ("Faces that did not vote", "투표하지 않은 얼굴"),
    "left_faces_hint": (
        "Too small, blurred or odd. Click one to bring it back to the nearest character.",
        "너무 작거나 흐리거나 이상한 얼굴입니다. 누르면 가장 가까운 인물에게 돌아갑니다.",
    ),
    "bring_face": ("Bring face {number} back: {reason}", "{number}번 얼굴 되돌리기: {reason}"),
    "filters": ("Who may be cast", "누구를 캐스팅할까요"),
    "filter_gender": ("Gender", "성별"),
    "youngest": ("Youngest, in years", "최소 나이"),
    "oldest": ("Oldest, in years", "최대 나이"),
    "shortlist": ("Shortlist: only these", "후보: 이 사람들만"),
    "without": ("Not these", "이 사람들은 빼기"),
    "keep": ("Keep the cast: sheet, cards and tables", "캐스팅 간직하기: 시트, 카드, 표"),
    "too_many_seen": (
        "{count} faces are too many for one episode here; at most {limit} can be cast.",
        "얼굴 {count}개는 한 화로는 너무 많습니다. {limit}개까지 캐스팅할 수 있습니다.",
    ),
    "no_part_of": ("The character {id} has no part.", "{id} 인물에게는 배역이 없습니다."),
    "bad_filter": (
        "These filters cannot be understood: a gender is female or male, an age is from 0 to 200, people are "
        "lists of ids, and among is gallery, own or both.",
        "이 조건은 알아들을 수 없습니다. 성별은 female이나 male, 나이는 0부터 200까지, 사람은 id의 목록, among은 gallery, own, both "
        "가운데 하나입니다.",
    ),
    "way_drawn": ("drawn", "그림"),
    "way_realized": ("as a photo", "사진으로"),
    "way_map": ("where the likeness lies", "닮은 곳"),
    "face_number": ("Face {number}", "얼굴 {number}"),
    "get_cards": ("Cards to post", "올릴 카드"),
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
    "left_out": ("Left out on this visit", "이번 방문에서 뺀 사람"),
    "left_out_info": (
        "They get no part on any page here. Take a name away to bring them back.",
        "이 사이트의 어떤 페이지에서도 배역을 받지 않습니다. 이름을 지우면 돌아옵니다.",
    ),
    "leave_person": ("Leave {name} out on this visit", "이번 방문에서 {name} 빼기"),
    "own_actors": ("Your own actors", "내 배우"),
    "own_hint": (
        "Drop one ZIP with a folder of photos per person, or loose photos named after the person "
        "(`Marlowe Finch 1.jpg`). Use photos you may use; "
        "nobody else sees them.",
        "사람마다 폴더 하나씩 담은 ZIP을 올리거나, 이름을 파일명으로 한 사진(`한겨울 1.jpg`)을 올리세요. "
        "써도 되는 사진만 쓰세요. 다른 사람에게는 보이지 않습니다.",
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
    "both_told": (
        "Casting among the gallery and **your own actors**, {people} people together, for this visit only.",
        "이번 방문 동안 갤러리와 **내 배우**, 모두 {people}명 중에서 캐스팅합니다.",
    ),
    "gallery_told": (
        "Casting among the **{people} people** of the gallery {name} (`{revision}`).",
        "갤러리 {name} (`{revision}`)의 **{people}명** 중에서 캐스팅합니다.",
    ),
    "among": ("Cast among", "누구 중에서 캐스팅할까요"),
    "among_gallery": ("the gallery of this app", "이 앱의 갤러리"),
    "among_own": ("your own actors", "내 배우"),
    "among_both": ("both", "둘 다"),
    "no_folder": ("That is no folder.", "폴더가 아닙니다."),
    "sources": ("Sources and licences", "출처와 이용 허락"),
    "source": ("Source", "출처"),
    "licence": ("Licence", "이용 허락"),
    "portraits": ("Portraits", "사진"),
    "not_said": ("not said", "적혀 있지 않음"),
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
