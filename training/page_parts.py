"""Parts of comic pages with heads on them, of which every face's box and points are known.

What the detector is trained on. A part is a window on a page without faces (`training.pages`) on which heads
(`training.heads`) are pasted: as panels with a frame, faded into the scene, cut by a panel's edge, as one
close-up; turned, mirrored, tinted, grey, behind bubbles, small and large, or none at all.
"""

from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np

from training.heads import HEAD_PX, Head
from training.pages import WORDS

SHARES = {"anime": 0.4, "published": 0.15, "drawn": 0.3, "photo": 0.15}
SMALLEST_PX, LARGEST_PX = 14, 0.95  # of a face; the largest in parts of the window
TILT_DEGREES = 35
VISIBLE, DOUBTFUL = 0.5, 0.15  # from so much of a face on it is one; between the two nobody can say
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
)


@dataclass(frozen=True, eq=False)
class PlacedFace:
    """A face on a part of a page, in its pixels: five points (5, 2), centre (2,), side of the canonical box.

    `is_doubtful` is a face of which too little is seen to say that it is one or none.
    """

    points: np.ndarray
    centre: np.ndarray
    side: float
    is_doubtful: bool = False


class PageParts:
    """An endless supply of page parts of `size_px` a side."""

    def __init__(self, heads: list[Head], scenes: np.ndarray, cuttings: np.ndarray, size_px: int) -> None:
        self.by_kind: dict[str, list[Head]] = defaultdict(list)
        for head in heads:
            self.by_kind[head.kind].append(head)
        self.kinds = [kind for kind in SHARES if self.by_kind[kind]]
        shares = np.array([SHARES[kind] for kind in self.kinds])
        self.shares = shares / shares.sum()
        self.scenes, self.cuttings, self.size_px = scenes, cuttings, size_px

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, list[PlacedFace]]:
        """RGB uint8 (size_px, size_px, 3) and the faces on it."""
        page = self.background(rng)
        seen = np.zeros(page.shape[:2], np.uint8)  # number of the head that is seen, counted from 1
        placed = []
        for side, centre in self.places(rng):
            head = self.head(rng)
            placed.append(self.paste(page, seen, head, side, centre, len(placed) + 1, rng))
        for _ in range(int(rng.integers(0, 3))):
            letter(page, seen, placed, rng)
        if rng.random() < 0.3:
            adorn(page, placed, rng)
        faces = [judged(face, seen == number) for number, face in enumerate(placed, 1)]
        return printed(page, rng), [face for face in faces if face is not None]

    def background(self, rng: np.random.Generator) -> np.ndarray:
        size = self.size_px
        if rng.random() < 0.12:
            top, bottom = rng.uniform(0, 255, 3), rng.uniform(0, 255, 3)
            if rng.random() < 0.5:
                top = bottom = np.full(3, rng.choice([255.0, 255.0, 20.0]))
            ramp = np.linspace(0, 1, size)[:, None, None]
            return np.tile((top + (bottom - top) * ramp).astype(np.uint8), (1, size, 1))
        scenes = self.cuttings if rng.random() < 0.3 else self.scenes
        scene = scenes[rng.integers(len(scenes))]
        window = int(rng.uniform(0.25, 1.0) * scene.shape[0])
        y, x = rng.integers(0, scene.shape[0] - window + 1, 2)
        part = np.ascontiguousarray(scene[y : y + window, x : x + window, :: rng.choice([-1, 1])])
        page = cv2.resize(tinted(part, rng), (size, size), interpolation=cv2.INTER_AREA)
        return cuttings_on(page, self.cuttings, rng) if rng.random() < 0.3 else page

    def places(self, rng: np.random.Generator) -> list[tuple[float, np.ndarray]]:
        """Side and centre of each face to come; no two cover each other by much."""
        size, chance = self.size_px, rng.random()
        if chance < 0.15:
            return []
        if chance < 0.4:
            side = rng.uniform(0.35, LARGEST_PX) * size
            return [(side, size / 2 + rng.normal(0, 0.12, 2) * size)]
        places: list[tuple[float, np.ndarray]] = []
        for _ in range(int(rng.integers(1, 8))):
            side = float(np.exp(rng.uniform(np.log(SMALLEST_PX), np.log(0.6 * size))))
            centre = rng.uniform(0, size, 2)
            if all(np.abs(centre - c).max() > 0.55 * (side + s) for s, c in places):
                places.append((side, centre))
        return places

    def head(self, rng: np.random.Generator) -> Head:
        heads = self.by_kind[str(rng.choice(self.kinds, p=self.shares))]
        return heads[rng.integers(len(heads))]

    def paste(
        self,
        page: np.ndarray,
        seen: np.ndarray,
        head: Head,
        side: float,
        centre: np.ndarray,
        number: int,
        rng: np.random.Generator,
    ) -> PlacedFace:
        """Puts a head on the page in one of the ways that pages show them."""
        picture, points, middle = turned_over(head, rng)
        matrix = pose(middle, side / head.side, centre, tilt(rng))
        if side > 0.35 * self.size_px and rng.random() < 0.7:
            window, mask = (0, 0, self.size_px, self.size_px), None
        elif rng.random() < 0.5:
            window, mask = panel(side, centre, rng), None
        else:
            window, mask = panel(side * 1.3, centre, rng), oval(rng)
        blend(page, seen, tinted(picture, rng), matrix, window, mask, number, rng)
        moved = points @ matrix[:, :2].T + matrix[:, 2]
        return PlacedFace(moved, np.asarray(centre, float), side)


def cuttings_on(page: np.ndarray, cuttings: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A page with a few cuttings pasted anywhere, as panels in which nobody is."""
    for _ in range(int(rng.integers(1, 5))):
        side = int(rng.uniform(0.1, 0.45) * page.shape[0])
        x, y = rng.integers(0, page.shape[0] - side, 2)
        cutting = cuttings[rng.integers(len(cuttings))]
        page[y : y + side, x : x + side] = cv2.resize(cutting, (side, side), interpolation=cv2.INTER_AREA)
    return page


def adorn(page: np.ndarray, faces: list[PlacedFace], rng: np.random.Generator) -> None:
    """Stars, blossoms, bubbles and buttons beside the faces: small round things in bunches."""
    corners, inner, colour = int(rng.integers(3, 9)), rng.uniform(0.35, 1.0), rng.uniform(0, 255, 3)
    for _ in range(int(rng.integers(2, 12))):
        radius = rng.uniform(0.015, 0.1) * page.shape[0]
        middle = rng.uniform(0, page.shape[0], 2)
        if any(np.abs(face.centre - middle).max() < face.side / 2 + radius for face in faces):
            continue
        angles = np.arange(2 * corners) * np.pi / corners + rng.uniform(0, 2 * np.pi)
        reach = radius * np.where(np.arange(2 * corners) % 2, inner, 1.0)
        outline = middle + reach[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
        shape = [np.round(outline * 8).astype(np.int32)]
        cv2.fillPoly(page, shape, colour, cv2.LINE_AA, 3)
        if inner > 0.7:
            for dot in middle + radius * rng.uniform(-0.5, 0.5, (int(rng.integers(0, 5)), 2)):
                cv2.circle(page, dot.astype(int).tolist(), max(1, int(radius / 6)), (25, 22, 30), -1)
        if corners % 2:
            cv2.polylines(page, shape, True, (25, 22, 30), 1, cv2.LINE_AA, 3)


def turned_over(head: Head, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, points and face's centre, mirrored half of the time; left stays the picture's left."""
    if rng.random() < 0.5:
        return head.picture, head.points, head.centre
    flip = np.array([-1, 1])
    points = (head.points * flip + [HEAD_PX, 0])[[1, 0, 2, 4, 3]]
    return head.picture[:, ::-1], points, head.centre * flip + [HEAD_PX, 0]


def tilt(rng: np.random.Generator) -> float:
    """Degrees: mostly a little, sometimes a lot."""
    return rng.normal(0, 6) if rng.random() < 0.6 else rng.uniform(-TILT_DEGREES, TILT_DEGREES)


def pose(middle: np.ndarray, scale: float, centre: np.ndarray, degrees: float) -> np.ndarray:
    """The similarity (2, 3) that turns and scales about `middle` and moves it to `centre`."""
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, centre - linear @ middle])


def panel(side: float, centre: np.ndarray, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A window (x0, y0, x1, y1) around a face; one in five cuts it."""
    reach = rng.uniform(0.55, 1.0, 4) * side
    if rng.random() < 0.2:
        reach[rng.integers(4)] = rng.uniform(0.05, 0.5) * side
    x0, y0 = centre - reach[:2]
    x1, y1 = centre + reach[2:]
    return int(x0), int(y0), int(np.ceil(x1)), int(np.ceil(y1))


def oval(rng: np.random.Generator) -> np.ndarray:
    """Where a head is opaque, uint8 (HEAD_PX, HEAD_PX), fading toward the picture's edges."""
    mask = np.zeros((HEAD_PX, HEAD_PX), np.uint8)
    reach = (int(HEAD_PX * rng.uniform(0.34, 0.42)), int(HEAD_PX * rng.uniform(0.4, 0.45)))
    cv2.ellipse(mask, (HEAD_PX // 2, HEAD_PX // 2), reach, 0, 0, 360, 255, -1)
    return cv2.blur(mask, (9, 9)) if rng.random() < 0.6 else mask


def tinted(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half of the time in other colours: grey, in one hue, lighter or darker."""
    if rng.random() < 0.5:
        return picture
    if rng.random() < 0.35:
        picture = np.repeat(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)[..., None], 3, -1)
    gain, offset = rng.uniform(0.7, 1.3, 3), rng.uniform(-30, 30)
    table = np.clip(np.arange(256)[:, None] * gain + offset, 0, 255).astype(np.uint8)
    return cv2.LUT(np.ascontiguousarray(picture), table[None])


def blend(
    page: np.ndarray,
    seen: np.ndarray,
    picture: np.ndarray,
    matrix: np.ndarray,
    window: tuple[int, int, int, int],
    mask: np.ndarray | None,
    number: int,
    rng: np.random.Generator,
) -> None:
    """Paints a head into a window of the page, opaque or through its own mask, and notes where it is seen."""
    height, width = page.shape[:2]
    x0, y0, x1, y1 = max(0, window[0]), max(0, window[1]), min(width, window[2]), min(height, window[3])
    if x0 >= x1 or y0 >= y1:
        return
    shrink = min(1.0, 1.5 * float(np.hypot(*matrix[:, 0])))
    small = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    there = np.column_stack([matrix[:, :2] * HEAD_PX / small.shape[0], matrix[:, 2] - [x0, y0]])
    size = (x1 - x0, y1 - y0)
    head = cv2.warpAffine(small, there, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    part = page[y0:y1, x0:x1]
    if mask is None:
        part[:] = head
        seen[y0:y1, x0:x1] = number
        if rng.random() < 0.6:
            frame = int(rng.integers(1, 4))
            cv2.rectangle(page, (window[0], window[1]), (window[2], window[3]), rng.uniform(0, 50, 3), frame)
        return
    small_mask = cv2.resize(mask, small.shape[:2], interpolation=cv2.INTER_AREA)
    opaque = cv2.warpAffine(small_mask, there, size, flags=cv2.INTER_LINEAR)
    weight = opaque[..., None].astype(np.float32) / 255
    part[:] = (part + (head - part.astype(np.float32)) * weight).astype(np.uint8)
    seen[y0:y1, x0:x1][opaque > 127] = number


def letter(page: np.ndarray, seen: np.ndarray, faces: list[PlacedFace], rng: np.random.Generator) -> None:
    """A bubble or a loud word; one that would hide much of a face is rarely drawn."""
    size = page.shape[0]
    width = int(rng.uniform(0.12, 0.5) * size)
    height = int(width * rng.uniform(0.3, 0.8))
    x, y = int(rng.uniform(-0.3, 1) * size), int(rng.uniform(-0.2, 1) * size)
    middle = np.array([x + width / 2, y + height / 2])
    reach = np.array([width, height]) / 2
    hides = any((np.abs(face.centre - middle) < reach + 0.35 * face.side).all() for face in faces)
    if hides and rng.random() < 0.85:
        return
    words = " ".join(rng.choice(WORDS, size=2))
    font, scale = FONTS[rng.integers(len(FONTS))], width / 180
    if rng.random() < 0.25:
        colour = rng.uniform(0, 255, 3)
        cv2.putText(page, words.upper(), (x, y), font, 2 * scale, colour, max(1, int(4 * scale)), cv2.LINE_AA)
        return
    bubble = np.zeros(page.shape[:2], np.uint8)
    if rng.random() < 0.6:
        cv2.ellipse(bubble, (x + width // 2, y + height // 2), (width // 2, height // 2), 0, 0, 360, 1, -1)
    else:
        cv2.rectangle(bubble, (x, y), (x + width, y + height), 1, -1)
    page[bubble > 0] = 255 if rng.random() < 0.9 else 15
    seen[bubble > 0] = 0
    outline, _ = cv2.findContours(bubble, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(page, outline, -1, (25, 22, 30), int(rng.integers(1, 3)), cv2.LINE_AA)
    for line in range(int(rng.integers(1, 4))):
        at = (x + width // 6, y + height // 3 + int(line * 36 * scale))
        cv2.putText(page, words, at, font, scale * 0.7, (25, 22, 30), 1, cv2.LINE_AA)


def judged(face: PlacedFace, seen: np.ndarray) -> PlacedFace | None:
    """The face as far as it is seen: as it is, doubtful, or None."""
    half = face.side / 2
    x0, y0 = np.round(face.centre - half).astype(int)
    x1, y1 = np.round(face.centre + half).astype(int)
    area = max(1, (x1 - x0) * (y1 - y0))
    share = seen[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)].sum() / area
    inside = (face.centre >= 0).all() and (face.centre < seen.shape[0]).all()
    if share >= VISIBLE and inside:
        return face
    return PlacedFace(face.points, face.centre, face.side, True) if share >= DOUBTFUL else None


def printed(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The part as a reader's file may show it: grey, in one tint, screened, blurred, noisy, as JPEG."""
    chance = rng.random()
    if chance < 0.15:
        page = np.repeat(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)[..., None], 3, -1)
    elif chance < 0.25:
        table = np.clip(np.arange(256)[:, None] * rng.uniform(0.7, 1.2, 3) + rng.uniform(-20, 20, 3), 0, 255)
        page = cv2.LUT(page, table.astype(np.uint8)[None])
    elif chance < 0.3:
        page = screened(page, rng)
    if rng.random() < 0.15:
        page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.1:
        page = np.clip(page + rng.normal(0, rng.uniform(2, 10), page.shape), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = int(rng.integers(35, 95))
        page = cv2.imdecode(cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)
    return page


def screened(page: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Black and white with a dot pattern in the middle tones, as printed manga."""
    grey = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY).astype(np.float32)
    step = int(rng.integers(3, 7))
    rows, columns = np.indices(grey.shape)
    dots = np.cos(2 * np.pi * (rows + columns) / step) + np.cos(2 * np.pi * (rows - columns) / step)
    mixed = np.where(grey < 70, 20, np.where(grey > 175, 250, np.where(dots * 25 + grey > 122, 235, 90)))
    return np.repeat(mixed.astype(np.uint8)[..., None], 3, -1)
