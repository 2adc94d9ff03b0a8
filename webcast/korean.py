"""What the library tells its user, in Korean: errors, notices and doubts.

The library speaks English, so that an error reads the same in a log, in a test and to a program. Where a
person reads it, `said` translates the whole sentence. A sentence that is not in the table stays as it is.
`{places}` are filled with what the English sentence has there, translated in turn.
"""

from __future__ import annotations

import re
from functools import cache

LANGUAGES = ("en", "ko")
LONGEST = 1000  # signs; a stranger's words within could make the search take minutes

SENTENCES: tuple[tuple[str, str], ...] = (
    # Pictures
    ("The picture", "그림"),
    ("There is no picture here; give at least one page.", "그림이 없습니다. 한 장 이상 올려 주세요."),
    (
        "{name} is not a picture; use PNG, JPEG, WebP, GIF, BMP or TIFF.",
        "{name}: 그림 파일이 아닙니다. PNG, JPEG, WebP, GIF, BMP, TIFF를 써 주세요.",
    ),
    (
        "{name} cannot be opened; check the path and that you may read it.",
        "{name}: 열 수 없습니다. 경로와 읽기 권한을 확인해 주세요.",
    ),
    ("{name} is a folder; give the picture files in it.", "{name}: 폴더입니다. 그 안의 그림 파일을 주세요."),
    (
        "There is no picture file {name}; check the path.",
        "{name}: 그런 그림 파일이 없습니다. 경로를 확인해 주세요.",
    ),
    (
        "{name} is empty (0 bytes); save or download it again.",
        "{name}: 빈 파일(0바이트)입니다. 다시 저장하거나 내려받아 주세요.",
    ),
    (
        "{name} is only {width} x {height} px; each side needs at least {least} px.",
        "{name}: {width} x {height}픽셀밖에 되지 않습니다. 가로세로 {least}픽셀 이상이어야 합니다.",
    ),
    (
        "{name} is damaged or cut short; save or download it again.",
        "{name}: 손상되었거나 중간에 끊겼습니다. 다시 저장하거나 내려받아 주세요.",
    ),
    (
        "{name} is {width} x {height} px, which is too long and thin; cut it into pages first.",
        "{name}: {width} x {height}픽셀로 너무 길고 가늡니다. 먼저 페이지로 나눠 주세요.",
    ),
    (
        "{name} has more than {most} million pixels; cut it into pages first.",
        "{name}: {most}백만 픽셀이 넘습니다. 먼저 페이지로 나눠 주세요.",
    ),
    (
        "None of {count} pictures is usable: {first}",
        "그림 {count}장 가운데 쓸 수 있는 것이 없습니다: {first}",
    ),
    # Episodes
    (
        "There is no page here; give pictures, a folder, a ZIP or CBZ, or a PDF.",
        "페이지가 없습니다. 그림, 폴더, ZIP이나 CBZ, PDF를 주세요.",
    ),
    ("None of {count} pages is usable: {first}", "페이지 {count}장 가운데 쓸 수 있는 것이 없습니다: {first}"),
    (
        "{name} is an archive of a kind that is not read; make it a ZIP or CBZ.",
        "{name}: 읽을 수 없는 종류의 압축 파일입니다. ZIP이나 CBZ로 만들어 주세요.",
    ),
    (
        "The folder {name} has no pictures in it; give pages, or a folder of pages.",
        "{name}: 폴더에 그림이 없습니다. 페이지나 페이지가 든 폴더를 주세요.",
    ),
    (
        "{name} holds more than {most} files; leave some out.",
        "{name}: 파일이 {most}개가 넘습니다. 줄여 주세요.",
    ),
    (
        "{name} has no pictures in it; put the pages themselves into it.",
        "{name}: 그림이 들어 있지 않습니다. 페이지를 그대로 넣어 주세요.",
    ),
    (
        "{name} holds another archive; put the pages themselves into it.",
        "{name}: 압축 파일 안에 또 압축 파일이 있습니다. 페이지를 그대로 넣어 주세요.",
    ),
    (
        "{name} is encrypted; make it again without a password.",
        "{name}: 암호가 걸려 있습니다. 암호 없이 다시 만들어 주세요.",
    ),
    (
        "{name} is encrypted; save it without a password.",
        "{name}: 암호가 걸려 있습니다. 암호 없이 저장해 주세요.",
    ),
    (
        "An episode may have {most} pages at most; give fewer at once.",
        "한 번에 {most}쪽까지 됩니다. 나눠서 올려 주세요.",
    ),
    (
        "The pages have more than {most} million pixels together; give fewer at once.",
        "페이지가 모두 합해 {most}백만 픽셀을 넘습니다. 나눠서 올려 주세요.",
    ),
    (
        "The pages fall into more than {most} parts; give fewer at once.",
        "페이지가 {most}개가 넘는 조각으로 나뉩니다. 나눠서 올려 주세요.",
    ),
    (
        "Nobody is left to cast: every face is left out or every character dropped; bring some back.",
        "캐스팅할 인물이 없습니다. 얼굴이 모두 빠졌거나 인물을 모두 뺐습니다. 되돌려 주세요.",
    ),
    (
        "{name} cannot be unpacked ({error}); make the archive again.",
        "{name}: 압축을 풀 수 없습니다({error}). 압축 파일을 다시 만들어 주세요.",
    ),
    (
        "{page} in {name} cannot be unpacked ({error}) and is left out.",
        "{name}의 {page}: 압축을 풀 수 없어 뺐습니다({error}).",
    ),
    ("its list of files is too long", "파일 목록이 너무 깁니다"),
    ("it is packed in a way that is not read here", "여기서 읽지 않는 방식으로 압축되어 있습니다"),
    (
        "{name} unpacks to more than a comic needs; use smaller pictures.",
        "{name}: 압축을 풀면 만화라기에는 너무 큽니다. 더 작은 그림을 써 주세요.",
    ),
    ("{name} has no pages; give another PDF.", "{name}: 페이지가 없습니다. 다른 PDF를 주세요."),
    ("There is no file {name}; check the path.", "{name}: 그런 파일이 없습니다. 경로를 확인해 주세요."),
    (
        "{name} is not a PDF that can be read ({error}); save it again.",
        "{name}: 읽을 수 있는 PDF가 아닙니다({error}). 다시 저장해 주세요.",
    ),
    ("Page {number} of {name} has no size.", "{name}의 {number}쪽: 크기가 없습니다."),
    ("Page {number} of {name} cannot be drawn ({error}).", "{name}의 {number}쪽: 그릴 수 없습니다({error})."),
    ("it takes too long", "너무 오래 걸립니다"),
    ("PDFium broke down", "PDFium이 멈췄습니다"),
    ("it takes too much memory", "메모리가 너무 많이 듭니다"),
    ("the pages before it took too long", "앞 쪽들이 너무 오래 걸렸습니다"),
    ("no process can be started: {error}", "프로세스를 시작할 수 없습니다: {error}"),
    (
        "No drawn face was found on any page; try pages with larger, frontal faces.",
        "어느 페이지에서도 그려진 얼굴을 찾지 못했습니다. 얼굴이 크고 정면인 페이지로 해 보세요.",
    ),
    (
        "More than {most} faces were found; cast fewer pages at once.",
        "얼굴이 {most}개 넘게 나왔습니다. 페이지를 나눠서 캐스팅해 주세요.",
    ),
    (
        "The episode was read with another embedder; read its pages again.",
        "다른 임베더로 읽은 화입니다. 페이지를 다시 읽어 주세요.",
    ),
    # Edits
    ("Choose at least two characters to merge.", "합칠 인물을 둘 이상 골라 주세요."),
    (
        "Choose some of the character's faces, but not all of them, to split off.",
        "떼어 낼 얼굴을 골라 주세요. 그 인물의 얼굴 전부를 고를 수는 없습니다.",
    ),
    (
        "There is no gender {gender} to mark; choose female, male or none.",
        "{gender}: 표시할 수 없는 성별입니다. female, male을 고르거나 비워 두세요.",
    ),
    ("Face {face} does not vote as it is.", "{face}번 얼굴은 지금도 투표하지 않습니다."),
    ("Face {face} is not among those left out.", "{face}번 얼굴은 빠진 얼굴이 아닙니다."),
    ("There is no character {id}; there are {known}.", "{id}: 그런 인물이 없습니다. 있는 인물: {known}."),
    # Who may be cast
    ("There is no gallery to cast from; give at least one.", "갤러리가 없습니다. 하나 이상 주세요."),
    (
        "Nobody of {gallery} is left {wanted}; change the filters.",
        "{gallery}에 {wanted} 사람이 남지 않습니다. 조건을 바꿔 주세요.",
    ),
    ("whose gender is {gender}", "성별이 {gender}인"),
    (
        "from {low} to {high} years old (whoever has no year of birth is left out)",
        "{low}세에서 {high}세 사이인(태어난 해가 적히지 않은 사람은 빠집니다)",
    ),
    ("on the shortlist", "후보 명단에 든"),
    ("beside those left out", "제외하고 난 뒤의"),
    (
        "The ages from {low} to {high} hold nobody; give the lower one first.",
        "{low}세에서 {high}세까지는 아무도 없습니다. 어린 나이를 먼저 적어 주세요.",
    ),
    (
        "Nobody in the gallery is called {name}; check the name.",
        "갤러리에 {name}(이)라는 사람이 없습니다. 이름을 확인해 주세요.",
    ),
    (
        "The galleries {first} and {other} were made by different embedders; rebuild one of them with the "
        "weights of the other.",
        "갤러리 {first}, {other}: 서로 다른 임베더로 만들어졌습니다. 한쪽을 다른 쪽의 모델로 다시 만들어 주세요.",
    ),
    # Results
    (
        "This is no firmer than chance: {votes} from {faces} would come together for somebody in {chance} of "
        "random draws from this gallery.",
        "우연과 다르지 않습니다: {faces}에서 {votes} 정도는 이 갤러리에서 아무렇게나 뽑아도 {chance}에서 "
        "누군가에게 모입니다.",
    ),
    ("{number} votes", "{number}표"),
    ("{number} vote", "{number}표"),
    ("{number} faces", "얼굴 {number}개"),
    ("{number} face", "얼굴 {number}개"),
    (
        "This is no firmer than chance: nobody in the gallery stands out enough from the others (the "
        "nearest by {standout}, and it takes {limit}).",
        "우연과 다르지 않습니다: 갤러리에서 다른 사람들보다 뚜렷하게 닮은 사람이 없습니다(가장 닮은 사람이 {standout}"
        "만큼 두드러지는데, {limit} 이상이어야 합니다).",
    ),
    (
        "The gallery holds {name} alone, so nobody else could have been cast.",
        "갤러리에 {name} 한 사람뿐이라 다른 사람이 뽑힐 수 없었습니다.",
    ),
    (
        "No face cast a vote: choose at least one face and a gallery with portraits.",
        "투표한 얼굴이 없습니다. 얼굴을 하나 이상, 그리고 사진이 든 갤러리를 골라 주세요.",
    ),
    (
        "Nobody in {gallery} has the gender {gender}, so nobody can play this part.",
        "{gallery}에 성별이 {gender}인 사람이 없어 이 배역을 맡을 사람이 없습니다.",
    ),
    ("female", "여성"),
    ("male", "남성"),
    (
        "Everybody who could play this part plays another one.",
        "이 배역을 맡을 수 있는 사람은 모두 다른 배역을 맡았습니다.",
    ),
    (
        "No face voted for {name}: everybody it voted for plays another part.",
        "{name}에게 투표한 얼굴은 없습니다. 표를 받은 사람은 모두 다른 배역을 맡았습니다.",
    ),
    (
        "The faces' own first choice, {name}, plays another part.",
        "얼굴들의 첫 번째 선택인 {name}은(는) 다른 배역을 맡았습니다.",
    ),
    (
        "This is no firmer than chance: {share} of the episode's other faces resemble {name} as much as this "
        "character does.",
        "우연과 다르지 않습니다: 이 화의 다른 얼굴 {share}도 이 인물만큼 {name}을(를) 닮았습니다.",
    ),
    (
        "There are {parts} main characters and {people} people to play them, so {open} of the parts stay open; "
        "let more people in, or drop characters.",
        "주요 인물은 {parts}명인데 맡을 사람은 {people}명이라 배역 {open}개가 비어 있습니다. 사람을 더 넣거나 인물을 "
        "빼 주세요.",
    ),
    (
        "There is no similarity {name}; choose direct or realized.",
        "{name}: 그런 비교 방법은 없습니다. direct나 realized를 골라 주세요.",
    ),
    ("No face is chosen; choose at least one.", "고른 얼굴이 없습니다. 하나 이상 골라 주세요."),
    ("All {count} faces found count as one character.", "찾은 얼굴 {count}개를 모두 한 인물로 봅니다."),
    (
        "No drawn face was found on {where}; try one with a larger, frontal face.",
        "그려진 얼굴을 찾지 못했습니다. 얼굴이 더 크고 정면인 그림으로 해 보세요.",
    ),
    (
        "These weights have no realizer for {gender} characters; the common one was used.",
        "이 모델에는 {gender} 인물 전용 변환기가 없어 공통 변환기를 썼습니다.",
    ),
    ("Parts other than the weights' own: {parts}.", "모델 본래의 것이 아닌 부품: {parts}."),
    # Actors of one's own
    (
        "No picture was found; give a ZIP with one folder of photos per person.",
        "사진을 찾지 못했습니다. 사람마다 사진 폴더 하나씩 든 ZIP을 주세요.",
    ),
    (
        "At most {most} portraits can be used at once; leave some out.",
        "사진은 한 번에 {most}장까지 쓸 수 있습니다. 줄여 주세요.",
    ),
    (
        "The portraits have more than {most} million pixels together; use smaller photos.",
        "사진이 모두 합해 {most}백만 픽셀을 넘습니다. 더 작은 사진을 써 주세요.",
    ),
    (
        "{name} cannot be unpacked ({error}); make the ZIP again.",
        "{name}: 압축을 풀 수 없습니다({error}). ZIP을 다시 만들어 주세요.",
    ),
    (
        "{name} is encrypted; make a ZIP without a password.",
        "{name}: 암호가 걸려 있습니다. 암호 없는 ZIP을 만들어 주세요.",
    ),
    (
        "{name} is neither a picture nor a ZIP; give JPEG or PNG photos, or one ZIP.",
        "{name}: 사진도 ZIP도 아닙니다. JPEG나 PNG 사진, 또는 ZIP 하나를 주세요.",
    ),
    (
        "{name} holds another archive; ZIP the folders of photos themselves.",
        "{name}: 압축 파일 안에 또 압축 파일이 있습니다. 사진 폴더를 그대로 압축해 주세요.",
    ),
    (
        "{name} unpacks to more than {most} MB; use smaller photos.",
        "{name}: 압축을 풀면 {most} MB가 넘습니다. 더 작은 사진을 써 주세요.",
    ),
    (
        "{folder} gives no portrait with a face; put photos in it as person name/photo.jpg.",
        "{folder}: 얼굴이 보이는 사진이 없습니다. 사람 이름/사진.jpg로 사진을 넣어 주세요.",
    ),
    (
        "{unnamed} of {count} portraits have no source or licence; write both into people.csv before you "
        "publish the gallery.",
        "사진 {count}장 가운데 {unnamed}장에 출처나 사용 조건이 없습니다. 갤러리를 공개하기 전에 people.csv에 적어 주세요.",
    ),
    ("{photo} is left out: {why}", "{photo}: 빠졌습니다. {why}"),
    (
        "the face on it is too small; use a closer photo.",
        "얼굴이 너무 작습니다. 더 가까이서 찍은 사진을 쓰세요.",
    ),
    (
        "no face was found on it; use a photo that shows the face from the front.",
        "얼굴을 찾지 못했습니다. 정면 얼굴이 나온 사진을 써 주세요.",
    ),
    (
        "{file} needs a column called {needed}; it has {found}.",
        "{file}: {needed} 열이 필요합니다. 있는 열: {found}.",
    ),
    (
        "{file} has {text} under born; write a year such as 1990.",
        "{file}: born 열에 {text}이(가) 있습니다. 1990처럼 연도를 적어 주세요.",
    ),
    (
        "{file} cannot be read: save it as CSV in UTF-8 ({error}).",
        "{file}: 읽을 수 없습니다. UTF-8 CSV로 저장해 주세요({error}).",
    ),
    # Parts, and what they make of a picture
    ("CenterFace, our weights", "CenterFace (webcast 모델)"),
    ("animeface and Haar cascades, joined", "animeface와 Haar 캐스케이드 함께"),
    ("OpenCV's Haar cascades", "OpenCV의 Haar 캐스케이드"),
    ("LBP cascade for anime faces (nagadomi)", "애니메이션 얼굴용 LBP 캐스케이드(nagadomi)"),
    ("InsightFace's SCRFD", "InsightFace의 SCRFD"),
    ("OpenCV's ResNet-10 SSD", "OpenCV의 ResNet-10 SSD"),
    ("Real-ESRGAN compact, our weights", "Real-ESRGAN 소형 (webcast 모델)"),
    ("Real-ESRGAN compact, animevideov3", "Real-ESRGAN 소형, animevideov3"),
    ("Real-ESRGAN compact, general", "Real-ESRGAN 소형, 범용"),
    ("Real-ESRGAN x4plus (RRDBNet, 23 blocks)", "Real-ESRGAN x4plus (RRDBNet, 블록 23개)"),
    ("Real-ESRGAN x4plus anime (RRDBNet, 6 blocks)", "Real-ESRGAN x4plus anime (RRDBNet, 블록 6개)"),
    ("waifu2x {network}, {cleaned}", "waifu2x {network} 모델, {cleaned}"),
    ("no denoising", "잡음 제거 없음"),
    ("noise level {noise}", "잡음 제거 {noise}단계"),
    ("Image Super-Resolution's RDN, twofold", "Image Super-Resolution의 RDN, 2배"),
    ("FSRNet, eightfold", "FSRNet, 8배"),
    ("no upscaling", "키우지 않음"),
    (
        "pix2pix, and an active appearance model for the face, our weights",
        "pix2pix와 얼굴용 능동 외형 모델 (webcast 모델)",
    ),
    ("the drawing as it is", "그림 그대로"),
    ("ResNet18, our weights", "ResNet18 (webcast 모델)"),
    ("ResNet18, torchvision's ImageNet weights", "ResNet18, torchvision의 ImageNet 모델"),
    (
        "VGG16's first dense layer, torchvision's ImageNet weights",
        "VGG16의 첫 번째 밀집층, torchvision의 ImageNet 모델",
    ),
    ("cosine of the angle", "각도의 코사인"),
    ("Euclidean distance", "유클리드 거리"),
    ("no face", "얼굴 없음"),
    ("{width} x {height} px of {before}", "폭 {before}픽셀에서 {width} x {height}픽셀로"),
    ("{width} x {height} px", "{width} x {height}픽셀"),
    (
        "The weights of {name} are not in {folder}: {fetch}, where PARTS is the folder that you name with --parts.",
        "{folder}에 {name}의 모델이 없습니다. {fetch} (PARTS는 --parts로 지정하는 폴더)",
    ),
    ("give weights that have it", "그 부품이 든 모델을 주세요."),
    (
        "fetch {file} from {place} and run `python -m training.{module} {again} --out PARTS/{name}`",
        "{place}에서 {file}을(를) 받아 `python -m training.{module} {again} --out PARTS/{name}`를 실행하세요.",
    ),
    (
        "fetch {folder}/{file}.param and .bin from {place} and run `python -m training.convert_ncnn {param}.param {bin}.bin --out PARTS/{name}`",
        "{place}에서 {folder}/{file}.param과 .bin을 받아 `python -m training.convert_ncnn {param}.param {bin}.bin --out PARTS/{name}`를 실행하세요.",
    ),
    (
        "fetch {file} from {place} and put it into PARTS/{name}/",
        "{place}에서 {file}을(를) 받아 PARTS/{name}/에 넣으세요.",
    ),
    (
        "train it (`{command}`) and copy a direction of its export/ to PARTS/{name}",
        "훈련하고(`{command}`) export/의 한 방향을 PARTS/{name}에 복사하세요.",
    ),
    (
        "train it (`accelerate launch -m training.srcnn`) and copy its export/ to PARTS/srcnn",
        "훈련하고(`accelerate launch -m training.srcnn`) export/를 PARTS/srcnn에 복사하세요.",
    ),
    (
        "{train}, or fetch a generator that https://github.com/LS4GAN/uvcgan2 links and run `python -m training.convert_pth FILE --out PARTS/uvcgan2`",
        "{train} 또는 https://github.com/LS4GAN/uvcgan2에 링크된 생성기를 받아 `python -m training.convert_pth FILE --out PARTS/uvcgan2`를 실행하세요.",
    ),
    (
        "go on line once, or fetch {file} from https://download.pytorch.org/models/{again} and run `python -m training.convert_pth {third} --out PARTS/{name}`",
        "한 번 온라인에 연결하거나, https://download.pytorch.org/models/{again}에서 {file}을(를) 받아 `python -m training.convert_pth {third} --out PARTS/{name}`를 실행하세요.",
    ),
    (
        "fetch deploy.prototxt from https://github.com/opencv/opencv (samples/dnn/face_detector) and res10_300x300_ssd_iter_140000.caffemodel from https://github.com/opencv/opencv_3rdparty (branch dnn_samples_face_detector_20170830) and put both into PARTS/res10/",
        "https://github.com/opencv/opencv (samples/dnn/face_detector)에서 deploy.prototxt를, https://github.com/opencv/opencv_3rdparty (dnn_samples_face_detector_20170830 브랜치)에서 res10_300x300_ssd_iter_140000.caffemodel을 받아 PARTS/res10/에 넣으세요.",
    ),
    (
        "The part {name} needs a package: run pip install {package}.",
        "부품 {name}에는 패키지가 필요합니다. pip install {package}를 실행하세요.",
    ),
    # Files over HTTP
    ("The pages must be a list of picture files.", "페이지는 그림 파일의 목록이어야 합니다."),
    ("A page must be a file that was uploaded to this app.", "페이지는 이 앱에 올린 파일이어야 합니다."),
    (
        "A page is no data URI ({error}); upload it instead.",
        "페이지가 data URI가 아닙니다({error}). 파일로 올려 주세요.",
    ),
    (
        "A page must be an uploaded file of at most {most} MB, or a data URI.",
        "페이지는 {most} MB 이하의 올린 파일이거나 data URI여야 합니다.",
    ),
    # Weights, galleries and the command line
    ("There is no face {index}: {found} found.", "{index}번 얼굴은 없습니다. 찾은 얼굴: {found}"),
    ("one face was, number 0,", "하나, 번호는 0입니다."),
    ("{count} faces were, numbers 0 to {last},", "{count}개, 번호는 0부터 {last}까지입니다."),
    (
        "There is no realizer for {gender}; choose female, male or none of them.",
        "{gender}: 그런 변환기는 없습니다. female, male을 고르거나 비워 두세요.",
    ),
    (
        "No face was found on {name}; try a photo with a larger, frontal face.",
        "{name}: 얼굴을 찾지 못했습니다. 얼굴이 더 크고 정면인 사진으로 해 보세요.",
    ),
    ("the picture", "그림"),
    ("any of the {count} pictures", "그림 {count}장 가운데 어느 것"),
    (
        "The weights {name} have no drawer, which makes drawings of photos; name one with --drawer, a folder or a Hub id with what `python -m training.train` exported.",
        "모델 {name}에는 사진을 그림으로 바꾸는 부품이 없습니다. `python -m training.train`이 내보낸 폴더나 Hub id를 --drawer로 지정해 주세요.",
    ),
    (
        "The weights {name} do not say how faces are joined into characters; let `python -m training.episodes --calibrate --write` add that.",
        "모델 {name}에 얼굴을 인물로 묶는 기준이 없습니다. `python -m training.episodes --calibrate --write`로 더해 주세요.",
    ),
    (
        "How faces are joined into characters was set for the weights' own embedder and distance; choose no other for an episode.",
        "얼굴을 인물로 묶는 기준은 모델의 임베더와 거리에 맞춘 것입니다. 작품 한 편에는 다른 것을 고르지 마세요.",
    ),
    (
        "Nobody plays {name}, so there is no card to draw; choose another part.",
        "{name} 배역을 맡은 사람이 없어 카드를 그릴 수 없습니다. 다른 배역을 골라 주세요.",
    ),
    ("Character {number}", "인물 {number}"),
    (
        "There is no such edit; one is written as {written}.",
        "그런 편집은 없습니다. 편집은 이렇게 적습니다: {written}.",
    ),
    (
        "There is no stage {stage} to compare; choose one of {known}.",
        "{stage}: 비교할 수 없는 단계입니다. 고를 수 있는 단계: {known}.",
    ),
    (
        "There is no {stage} called {name}; choose one of {known}.",
        "{name}: 그런 {stage} 부품은 없습니다. 고를 수 있는 부품: {known}.",
    ),
    (
        "No face was found on the picture; try one with a larger, frontal face.",
        "그림에서 얼굴을 찾지 못했습니다. 얼굴이 더 크고 정면인 그림으로 해 보세요.",
    ),
    (
        "No face was found on the photo; try one with a larger, frontal face.",
        "사진에서 얼굴을 찾지 못했습니다. 얼굴이 더 크고 정면인 사진으로 해 보세요.",
    ),
    (
        "Give a gallery: embedders and distances are compared by whom they find in it.",
        "갤러리를 주세요. 임베더와 거리는 갤러리에서 누구를 찾는지로 비교합니다.",
    ),
    (
        "There is no device {name}; choose cuda, mps or cpu.",
        "{name}: 그런 장치는 없습니다. cuda, mps, cpu 가운데 골라 주세요.",
    ),
    (
        "This machine has no {kind} device that torch can use; choose another.",
        "이 컴퓨터에는 torch가 쓸 수 있는 {kind} 장치가 없습니다. 다른 장치를 골라 주세요.",
    ),
    (
        "The dataset in {folder} needs the columns name and image; it has {columns}.",
        "{folder}의 데이터셋에는 name과 image 열이 있어야 합니다. 지금 있는 열: {columns}.",
    ),
    (
        "The dataset in {folder} cannot be read ({error}); build it again.",
        "{folder}의 데이터셋을 읽을 수 없습니다({error}). 다시 만들어 주세요.",
    ),
    (
        "Row {number} of the dataset in {folder} has no name or no picture inside.",
        "{folder}의 데이터셋 {number}번째 행에 이름이나 그림이 없습니다.",
    ),
    (
        "The embeddings in {folder} are not lists of numbers of one length; rebuild it: {command}",
        "{folder}의 임베딩이 같은 길이의 숫자 목록이 아닙니다. 다시 만들어 주세요: {command}",
    ),
    (
        "The card {path} cannot be read ({error}); mend its YAML.",
        "카드 {path}: 읽을 수 없습니다({error}). YAML을 고쳐 주세요.",
    ),
    (
        "A portrait of {name} in the gallery is not a usable picture: {error}",
        "갤러리에 있는 {name}의 사진을 쓸 수 없습니다: {error}",
    ),
    (
        "The column gender of the dataset in {folder} has numbers; write female or male into it.",
        "{folder}의 데이터셋은 gender 열에 숫자가 있습니다. female이나 male로 적어 주세요.",
    ),
    (
        "{folder} is a dataset without webcast's embeddings; build a gallery of it: {command}",
        "{folder}: webcast의 임베딩이 없는 데이터셋입니다. 갤러리로 만들어 주세요: {command}",
    ),
    (
        "{folder} holds something that is not a gallery; name another folder.",
        "{folder}에 갤러리가 아닌 것이 들어 있습니다. 다른 폴더를 골라 주세요.",
    ),
    (
        "The gallery {name} needs one finite embedding for each of its {count} portraits; rebuild it: {command}",
        "갤러리 {name}에는 사진 {count}장마다 유한한 임베딩이 하나씩 있어야 합니다. 다시 만들어 주세요: {command}",
    ),
    (
        "The gallery {name} has embeddings not of length 1; rebuild it: {command}",
        "갤러리 {name}의 임베딩 길이가 1이 아닙니다. 다시 만들어 주세요: {command}",
    ),
    (
        "The gallery {name} holds vectors of length {length}, and the probes have shape {shape}; rebuild it: {command}",
        "갤러리 {name}의 벡터는 길이가 {length}인데 비교할 얼굴은 {shape}입니다. 다시 만들어 주세요: {command}",
    ),
    (
        "Nobody in the gallery {name} has the id {person}; {hint}",
        "갤러리 {name}에 id가 {person}인 사람이 없습니다. {hint}",
    ),
    ("did you mean {people}?", "혹시 {people}인가요?"),
    ("its ids stand in the column person_id.", "id는 person_id 열에 있습니다."),
    (
        "Nobody but {person} is in the gallery {name}; delete the whole gallery instead.",
        "갤러리 {name}에는 {person}뿐입니다. 갤러리 전체를 지워 주세요.",
    ),
    ("The gallery cannot be written to {folder}: {error}.", "{folder}: 갤러리를 쓸 수 없습니다({error})."),
    (
        "{repo} is not a Hub id such as user/name.",
        "{repo}: user/name 같은 Hub id가 아닙니다.",
    ),
    (
        "The gallery {name} is empty: add at least one portrait with a face.",
        "갤러리 {name}: 비어 있습니다. 얼굴이 나온 사진을 하나 이상 더해 주세요.",
    ),
    (
        "The gallery {name} is empty or none at all; build one from photos: {command}",
        "갤러리 {name}: 비어 있거나 갤러리가 아닙니다. 사진으로 만들어 주세요: {command}",
    ),
    (
        "The gallery {name} was made by the embedder {own} ({revision}), but the weights hold {other} ({other_revision}); rebuild it with these weights: {command} (and the same --embedder and --distance).",
        "갤러리 {name}: 임베더 {own}({revision})로 만들어졌는데 모델에는 {other}({other_revision})이 있습니다. 이 모델로 다시 만들어 주세요: {command} (--embedder와 --distance도 같게).",
    ),
    (
        "{folder} is not a folder; give one with person name/photo.jpg in it.",
        "{folder}: 폴더가 아닙니다. 사람 이름/사진.jpg가 든 폴더를 주세요.",
    ),
    (
        "{name} is neither a folder nor a Hub id such as user/name or user/name@revision.",
        "{name}: 폴더도 Hub id(user/name, user/name@revision)도 아닙니다.",
    ),
    (
        "{name} is missing: give a folder of webcast weights.",
        "{name}: 없습니다. webcast 모델이 든 폴더를 주세요.",
    ),
    ("{down} Meanwhile, what was fetched earlier is used.", "{down} 그동안 전에 받아 둔 것을 씁니다."),
    (
        "{down} Meanwhile, the bundled weights and demo troupe are used.",
        "{down} 그동안 함께 들어 있는 모델과 견본 배우를 씁니다.",
    ),
    (
        "The Hub could not be reached for the {what}; {later}.",
        "Hub에 닿지 못했습니다({what}). 나중에 다시 해 주세요.",
    ),
    (
        "The Hub answered {status} for the {what}; {later}.",
        "Hub가 {status}(으)로 답했습니다({what}). 나중에 다시 해 주세요.",
    ),
    (
        "--faces and --gender are for one character; leave them out with --episode.",
        "--faces와 --gender는 인물 하나를 캐스팅할 때만 씁니다. --episode와 함께 쓰지 마세요.",
    ),
    (
        "{options} needs --episode; add it, or leave that out.",
        "{options}: --episode가 있어야 합니다. 더하거나 빼 주세요.",
    ),
    ("a second --gallery", "두 번째 --gallery"),
    (
        "The folder {folder} cannot be made ({error}); name another.",
        "{folder}: 폴더를 만들 수 없습니다({error}). 다른 이름을 주세요.",
    ),
)


def said(sentence: str, lang: str) -> str:
    """The sentence of the library in one of `LANGUAGES`; in English, or where it is not known, as it is."""
    return sentence if lang == "en" else _translated(str(sentence))


def _translated(sentence: str) -> str:
    if len(sentence) > LONGEST:
        return sentence
    for english, korean in _patterns():
        if found := english.fullmatch(sentence):
            inside = {place: _translated(text) for place, text in found.groupdict().items()}
            return korean.format(**inside)
    return sentence


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Those that begin with words of their own first, since the others would take such words for a name; of
    each kind the longest first, so that one with many fixed words is tried before one with few."""
    by_length = sorted(
        SENTENCES, key=lambda pair: (pair[0].startswith("{"), -len(re.sub(r"{\w+}", "", pair[0])))
    )
    return tuple((re.compile(_regex(english), re.DOTALL), korean) for english, korean in by_length)


def _regex(template: str) -> str:
    return re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(template))
