"""Finds drawn faces of both schools, big-eyed and realistic: with a network, or with published detectors.

The network (`networks.centerface`, where its papers are named) finds both schools and five points of each
face. Without weights, animeface finds big-eyed faces and Haar cascades realistic ones.

animeface: https://github.com/nya3jp/python-animeface. Haar cascades: Viola and Jones, "Rapid Object
Detection using a Boosted Cascade of Simple Features" (2001); Lienhart and Maydt (2002), as OpenCV ships them.
Deliberate difference: a single cascade sees faces in windows and folds, or misses drawn ones, so three
cascades count their raw windows together and a face needs many of them to agree.

Every detector's own box is moved to the canonical face box, hairline to chin, so that a head's crop does not
depend on which detector found it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import animeface
import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn

from webcast.align import align_head, align_pixels, head_matrix, transform, warp
from webcast.errors import WebcastError
from webcast.images import crop_head, slices
from webcast.networks.centerface import COARSEST_STRIDE, CenterFace, decode, decode_middle, fuse
from webcast.networks.pointsnet import CROP_PX, PointsNet
from webcast.opencv import cv2
from webcast.types import Box, Detector, Face, Panel
from webcast.weights import load_network, read_config, setting

COARSEST_PX, FINE_PX, FINEST_PX = 256, 800, 1600  # the shorter side of what is searched, see search_scales
ANIMEFACE_LIKELIHOOD = 0.9
HAAR_WINDOW_PX = 64  # below, patterns of dots and windows look like faces to it
HAAR_PROPOSAL = 4  # so many windows of the first cascade make a proposal
HAAR_WINDOWS = 20  # so many windows of all three make a face; windows of buildings and dots reach 18
CENTERFACE_PROPOSAL = 0.3
# Any limit from 0.54 to 0.60 makes about as few mistakes (tests/benchmarks/detection_limit.py). It is a low
# one, for a face that is missed cannot be cast, and one too many can be left out.
CENTERFACE_LIKELIHOOD = 0.55
CENTERFACE_CLOSER_PX = 96
CENTERFACE_FINE_PX, CENTERFACE_FINEST_PX = 720, 1280  # the shorter side, as FINE_PX and FINEST_PX
CENTERFACE_COARSE = 1 / 3  # of the fine scale, for faces larger than it was trained on
CENTERFACE_SIDES = (12, 240), (48, 1000)  # of the faces that the fine and the coarse scale answer for
BATCH, CLOSER_BATCH = 4, 32  # slices of a page, heads
LOOKS = 3  # each turns what is left of a tilt
SAME_FACE = 0.3  # two boxes that share more than this part of the smaller one are one face


@dataclass(frozen=True, slots=True)
class Hit:
    """One detection: the canonical face box in the picture searched, who found it, how sure (0 to 1)."""

    box: Box
    detector: str
    likelihood: float
    points: tuple[tuple[float, float], ...] | None = None


Finder = Callable[[Image.Image], list[Hit]]


class PageDetector:
    """Searches pages of any shape with one or more finders and keeps the surest hit of each face."""

    def __init__(self, *finders: Finder) -> None:
        self._finders = finders

    def detect(self, panels: Sequence[Panel]) -> list[list[Face]]:
        """The faces of each panel, largest first; boxes lie on the panel, crops are `images.crop_head`."""
        return [self._faces(panel) for panel in panels]

    def _faces(self, panel: Panel) -> list[Face]:
        hits = merge([hit for part in slices(panel.image.size) for hit in self._search(panel.image, part)])
        hits.sort(key=lambda hit: -hit.box.area)
        return [
            Face(panel, hit.box, _crop(panel.image, hit), hit.detector, hit.likelihood, hit.points)
            for hit in hits
        ]

    def _search(self, image: Image.Image, part: Box) -> list[Hit]:
        """Hits on one slice, in pixels of the page; a face that the slice cuts is left to its neighbour."""
        picture = image.crop((part.x0, part.y0, part.x1, part.y1))
        hits = []
        for scale in search_scales(min(picture.size)):
            size = (round(part.width * scale), round(part.height * scale))
            scaled = picture if scale == 1 else picture.resize(size, Image.Resampling.LANCZOS)
            found = [hit for finder in self._finders for hit in finder(scaled)]
            hits += [_on_page(hit, scale, part) for hit in found]
        whole = [hit for hit in hits if not _is_cut(hit.box, part, image.size)]
        return [replace(hit, box=_clipped(hit.box, image.size)) for hit in whole]


def search_scales(breadth_px: int) -> tuple[float, float]:
    """The two scales at which a slice of this breadth is searched, the fine one and its half.

    The half is for large faces: animeface misses one in fifteen close-ups at 256 px, and finds nearly all of
    those at 150. The fine one is the full size up to `FINE_PX`; beyond that a page is at most halved, until
    `FINEST_PX`.
    """
    breadth = min(max(breadth_px, COARSEST_PX), max(FINE_PX, breadth_px / 2), FINEST_PX)
    return breadth / breadth_px, breadth / breadth_px / 2


class FaceNetworks(nn.Module):
    """The two networks of `CenterFaceDetector`, whose weights are one file."""

    def __init__(self, first: CenterFace, points: PointsNet) -> None:
        super().__init__()
        self.first, self.points = first, points

    def fused(self) -> FaceNetworks:
        """Both for inference; see `networks.centerface.fuse`."""
        return fuse(self)


class CenterFaceDetector:
    """Searches pages of any shape with CenterFace; its crops are upright; see `types.Detector`.

    What it finds on the page it looks at closer: PointsNet finds the points, each time on a head turned
    upright by the points before, and CenterFace sees the upright head again, so that what is no face closer
    by is dropped.
    """

    def __init__(self, networks: FaceNetworks, device: torch.device) -> None:
        networks = networks.fused().to(device, memory_format=torch.channels_last)
        self._first, self._points = networks.first, networks.points
        self._device = device

    def detect(self, panels: Sequence[Panel]) -> list[list[Face]]:
        """The faces of each panel, largest first; boxes and points lie on the panel."""
        return [self._faces(panel) for panel in panels]

    def _faces(self, panel: Panel) -> list[Face]:
        pixels = np.asarray(panel.image)
        fine = centerface_scale(min(panel.image.size))
        scales = zip((fine, fine * CENTERFACE_COARSE), CENTERFACE_SIDES, strict=True)
        hits = merge([hit for scale, sides in scales for hit in self._search(pixels, scale, sides)])
        hits = [hit for hit in self._closer(pixels, hits) if hit.likelihood >= CENTERFACE_LIKELIHOOD]
        hits.sort(key=lambda hit: -hit.box.area)
        crops = [Image.fromarray(align_pixels(pixels, hit.points)) for hit in hits]
        return [
            Face(panel, hit.box, crop, hit.detector, hit.likelihood, hit.points)
            for hit, crop in zip(hits, crops, strict=True)
        ]

    def _search(self, page: np.ndarray, scale: float, sides: tuple[int, int]) -> list[Hit]:
        """Hits on a page at one scale, faces of `sides` pixels there; a face on a cut is its neighbour's."""
        size = tuple(max(1, round(side * scale)) for side in page.shape[1::-1])
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        scaled = page if scale == 1 else cv2.resize(page, size, interpolation=interpolation)
        ratio = np.array(page.shape[1::-1]) / size
        parts, hits = slices(size), []
        for start in range(0, len(parts), BATCH):
            batch = parts[start : start + BATCH]
            for part, faces in zip(batch, self._run(scaled, batch), strict=True):
                own = faces[(faces[:, 3] >= sides[0]) & (faces[:, 3] <= sides[1])]
                hits += [_centerface_hit(face, part, ratio, size) for face in own]
        return [hit for hit in hits if hit is not None]

    @torch.inference_mode()
    def _closer(self, page: np.ndarray, hits: Sequence[Hit]) -> list[Hit]:
        """The hits with PointsNet's points, and the mean likelihood of both looks."""
        closer = []
        for start in range(0, len(hits), CLOSER_BATCH):
            batch = hits[start : start + CLOSER_BATCH]
            first = points = np.array([hit.points for hit in batch])
            for _ in range(LOOKS):
                points = self._pointed(page, points)
            points = np.where(_strayed(first, points)[:, None, None], first, points)
            heads = [
                warp(page, head_matrix(five, CENTERFACE_CLOSER_PX), CENTERFACE_CLOSER_PX) for five in points
            ]
            sure = decode_middle(self._first(self._tensor(np.stack(heads))))[:, 0].tolist()
            for hit, five, likelihood in zip(batch, points.tolist(), sure, strict=True):
                where = tuple((x, y) for x, y in five)
                closer.append(replace(hit, points=where, likelihood=(hit.likelihood + likelihood) / 2))
        return closer

    def _pointed(self, page: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Points (N, 5, 2) on the page, from rough ones; each head is seen as it is and mirrored."""
        matrices = [head_matrix(five, CROP_PX) for five in points]
        heads = np.stack([warp(page, matrix, CROP_PX) for matrix in matrices])
        both = self._tensor(np.concatenate([heads, heads[:, :, ::-1]]))
        found = self._points(both).cpu().numpy().reshape(2, len(points), 5, 2)
        found[1] = (found[1] * (-1, 1) + (1, 0))[:, [1, 0, 2, 4, 3]]
        back = [cv2.invertAffineTransform(matrix) for matrix in matrices]
        return np.array([transform(five, b) for five, b in zip(found.mean(0) * CROP_PX, back, strict=True)])

    @torch.inference_mode()
    def _run(self, page: np.ndarray, parts: Sequence[Box]) -> list[np.ndarray]:
        """What `decode` finds on each part; all are of one size, give or take a pixel."""
        height, width = (
            -(-max(sides) // COARSEST_STRIDE) * COARSEST_STRIDE
            for sides in ([part.height for part in parts], [part.width for part in parts])
        )
        pixels = np.empty((len(parts), height, width, 3), np.uint8)
        for room, part in zip(pixels, parts, strict=True):
            margins = ((0, height - part.height), (0, width - part.width), (0, 0))
            room[:] = np.pad(page[part.y0 : part.y1, part.x0 : part.x1], margins, mode="edge")
        output = self._first(self._tensor(pixels))
        return [faces.cpu().numpy() for faces in decode(output, CENTERFACE_PROPOSAL)]

    def _tensor(self, pixels: np.ndarray) -> torch.Tensor:
        """uint8 (N, H, W, 3) as the network reads it."""
        return torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2).float().div(255)


def _strayed(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Which of some faces' points (N, 5, 2) left the face where they started, bool (N,)."""
    reach = np.linalg.norm(first - first.mean(1, keepdims=True), axis=2).mean(1)
    spread = np.linalg.norm(last - last.mean(1, keepdims=True), axis=2).mean(1)
    moved = np.linalg.norm(last.mean(1) - first.mean(1), axis=1)
    return (moved > reach) | (spread < reach / 2) | (spread > reach * 2)


def centerface_scale(breadth_px: int) -> float:
    """The fine scale for a page whose shorter side is `breadth_px`."""
    breadth = min(
        max(breadth_px, COARSEST_PX), max(CENTERFACE_FINE_PX, breadth_px / 2.4), CENTERFACE_FINEST_PX
    )
    return breadth / breadth_px


class JoinedDetector:
    """Searches with several detectors and keeps the surest face of those that lie on each other."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = detectors

    def detect(self, panels: Sequence[Panel]) -> list[list[Face]]:
        """The faces of each panel, largest first."""
        found = [detector.detect(panels) for detector in self._detectors]
        return [_surest([face for faces in each for face in faces]) for each in zip(*found, strict=True)]


def _surest(faces: list[Face]) -> list[Face]:
    kept = merge(faces)
    return sorted(kept, key=lambda face: -face.box.area)


class AnimefaceFinder:
    """animeface behind a canary: together with Pillow 12 it finds nothing, ever, and does not say so."""

    def __init__(self) -> None:
        if not animeface.detect(draw_face(128)):
            raise WebcastError(
                "animeface finds nothing, not even a plain drawn face, because Pillow is too new for it; "
                "run pip install 'pillow>=11.3,<12'."
            )

    def __call__(self, image: Image.Image) -> list[Hit]:
        hits = []
        for face in animeface.detect(image):
            if face.likelihood >= ANIMEFACE_LIKELIHOOD:
                box = canonical_box(
                    face.face.pos.x, face.face.pos.y, face.face.pos.width, scale=1.05, drop=-0.05
                )
                hits.append(Hit(box, "animeface", face.likelihood))
        return hits


class HaarFinder:
    """Three frontal Haar cascades that vote.

    One proposes, from windows of its own that agree; the other two add their windows around each proposal. A
    face of n windows in all has the likelihood n / (n + HAAR_WINDOWS), so that the weakest has one half.
    """

    def __init__(self) -> None:
        if not hasattr(cv2, "CascadeClassifier"):
            raise WebcastError("OpenCV 5 has no Haar cascades; run pip install 'opencv-python>=4.10,<5'.")
        names = [f"haarcascade_frontalface_{kind}.xml" for kind in ("default", "alt", "alt2")]
        cascades = [cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / name)) for name in names]
        self._proposer, *self._seconders = cascades
        self._lock = threading.Lock()  # a cascade keeps its state while it searches

    def __call__(self, image: Image.Image) -> list[Hit]:
        grey = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2GRAY)
        smallest = (HAAR_WINDOW_PX, HAAR_WINDOW_PX)
        with self._lock:
            squares, counts = self._proposer.detectMultiScale2(grey, 1.1, HAAR_PROPOSAL - 1, 0, smallest)
            votes = [n + self._second(grey, *square[:3]) for square, n in zip(squares, counts, strict=True)]
        return [
            Hit(canonical_box(x, y, side, scale=1.0, drop=0.09), "haar", float(n / (n + HAAR_WINDOWS)))
            for (x, y, side, _), n in zip(squares, votes, strict=True)
            if n >= HAAR_WINDOWS
        ]

    def _second(self, grey: np.ndarray, x: int, y: int, side: int) -> int:
        """How many windows of the other cascades lie on a proposed square."""
        margin = side // 3
        left, top = max(0, x - margin), max(0, y - margin)
        around = np.ascontiguousarray(grey[top : y + side + margin, left : x + side + margin])
        square, sizes = (
            Box(x - left, y - top, x - left + side, y - top + side),
            (side * 2 // 3, side * 3 // 2),
        )
        windows = [
            window
            for cascade in self._seconders
            for window in cascade.detectMultiScale(around, 1.1, 0, 0, (sizes[0],) * 2, (sizes[1],) * 2)
        ]
        return sum(square.iou(Box(a, b, a + w, b + w)) > 0.5 for a, b, w, _ in windows)


Found = TypeVar("Found", Hit, Face)


def merge(hits: Sequence[Found]) -> list[Found]:
    """One hit for each face, the surest; a weaker one that shares `SAME_FACE` of its area is dropped."""
    kept: list[Found] = []
    for hit in sorted(hits, key=lambda hit: -hit.likelihood):
        if all(_shared(hit.box, other.box) <= SAME_FACE for other in kept):
            kept.append(hit)
    return kept


def draw_face(side_px: int) -> Image.Image:
    """A plain big-eyed face that animeface is sure of: the canary, and a face for tests without data."""
    image = Image.new("RGB", (512, 512), (200, 220, 240))
    draw = ImageDraw.Draw(image)
    hair, skin, ink = (90, 60, 50), (250, 225, 205), (40, 25, 25)
    draw.ellipse((86, 40, 426, 440), fill=hair, outline=ink, width=4)
    draw.rectangle((100, 240, 412, 470), fill=hair)
    draw.rectangle((226, 400, 286, 512), fill=(235, 205, 185))
    jaw = [(136, 200), (376, 200), (376, 300), (340, 390), (270, 440), (242, 440), (172, 390), (136, 300)]
    draw.polygon(jaw, fill=skin, outline=ink)
    draw.ellipse((136, 110, 376, 330), fill=skin)
    draw.pieslice((120, 60, 392, 380), 180, 360, fill=hair)
    for left, tip, right in ((130, 170, 200), (200, 250, 300), (300, 345, 382)):
        draw.polygon([(left, 215), (tip, 264), (right, 215)], fill=hair)
    for x in (196, 316):
        draw.ellipse((x - 34, 258, x + 34, 346), fill="white", outline=ink, width=3)
        draw.ellipse((x - 26, 264, x + 26, 344), fill=(50, 90, 160))
        draw.ellipse((x - 14, 286, x + 14, 330), fill=(15, 25, 50))
        draw.ellipse((x - 20, 272, x - 4, 292), fill="white")
        draw.arc((x - 40, 250, x + 40, 340), 200, 340, fill=ink, width=9)
        draw.arc((x - 40, 220, x + 40, 300), 225, 315, fill=hair, width=5)
    draw.line((256, 352, 254, 366), fill=(200, 150, 130), width=4)
    draw.arc((232, 372, 280, 400), 20, 160, fill=(170, 70, 70), width=5)
    return image.resize((side_px, side_px), Image.Resampling.LANCZOS)


def canonical_box(x: float, y: float, side: float, scale: float, drop: float) -> Box:
    """A detector's square as a canonical face box: `scale` times the side, moved down by `drop` sides."""
    centre_x, centre_y, half = x + side / 2, y + side * (0.5 + drop), side * scale / 2
    return Box(*(round(v) for v in (centre_x - half, centre_y - half, centre_x + half, centre_y + half)))


def _crop(image: Image.Image, hit: Hit) -> Image.Image:
    """The head, upright where the finder gave five points."""
    return align_head(image, hit.points) if hit.points else crop_head(image, hit.box)


def _on_page(hit: Hit, scale: float, part: Box) -> Hit:
    """A hit on a scaled slice, in pixels of the page."""
    points = hit.points and tuple((x / scale + part.x0, y / scale + part.y0) for x, y in hit.points)
    return Hit(_unscaled(hit.box, scale, part), hit.detector, hit.likelihood, points)


def _unscaled(box: Box, scale: float, part: Box) -> Box:
    x0, y0, x1, y1 = (round(value / scale) for value in (box.x0, box.y0, box.x1, box.y1))
    return Box(x0, y0, x1, y1).shifted(part.x0, part.y0)


def _is_cut(box: Box, part: Box, size: tuple[int, int]) -> bool:
    """Whether a box reaches an edge of its slice that is not an edge of the page."""
    return (
        (box.x0 <= part.x0 > 0)
        or (box.y0 <= part.y0 > 0)
        or (box.x1 >= part.x1 < size[0])
        or (box.y1 >= part.y1 < size[1])
    )


def _clipped(box: Box, size: tuple[int, int]) -> Box:
    return Box(max(0, box.x0), max(0, box.y0), min(size[0], box.x1), min(size[1], box.y1))


def _shared(a: Box, b: Box) -> float:
    return a.overlap(b) / max(1, min(a.area, b.area))


def _centerface_hit(face: np.ndarray, part: Box, ratio: np.ndarray, size: tuple[int, int]) -> Hit | None:
    """A row of `decode` as a hit on the page, or None where the part cuts it or its points are no face's.

    `size` is the page's as it was searched, `ratio` leads from there to the page's own pixels.
    """
    likelihood, centre, side, points = face[0], face[1:3], face[3], face[4:].reshape(5, 2)
    places = np.array([part.x0, part.y0]) + np.vstack([centre - side / 2, centre + side / 2, points])
    if _is_cut(_box(places), part, size) or np.abs(points.mean(0) - centre).max() > side / 2:
        return None
    on_page = places * ratio
    page_size = tuple(np.round(size * ratio).astype(int).tolist())
    where = tuple((x, y) for x, y in on_page[2:].tolist())
    return Hit(_clipped(_box(on_page), page_size), "centerface", float(likelihood), where)


def _box(corners: np.ndarray) -> Box:
    """The box between the first two of some points (N, 2)."""
    return Box(*corners[:2].round().astype(int).ravel().tolist())


def load_centerface(folder: Path, device: torch.device) -> CenterFaceDetector:
    """The detector of a folder whose config has channels and points_channels."""
    config = read_config(folder)
    channels, of_points = (setting(config, key, int, folder) for key in ("channels", "points_channels"))
    networks = FaceNetworks(CenterFace(channels), PointsNet(of_points))
    load_network(networks, folder)
    return CenterFaceDetector(networks, device)


def load_joined(folder: Path, device: torch.device) -> PageDetector:
    """No weights, no device."""
    return PageDetector(AnimefaceFinder(), HaarFinder())


def load_animeface(folder: Path, device: torch.device) -> PageDetector:
    """No weights, no device."""
    return PageDetector(AnimefaceFinder())


def load_haar(folder: Path, device: torch.device) -> PageDetector:
    """No weights, no device."""
    return PageDetector(HaarFinder())


DETECTORS: dict[str, Callable[[Path, torch.device], Detector]] = {
    "centerface": load_centerface,
    "joined": load_joined,
    "animeface": load_animeface,
    "haar": load_haar,
}
