"""Face detectors that others published, with their own weights, as finders for `detect.PageDetector`.

YuNet: Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector" (2023, doi 10.1007/s11633-023-1423-y),
through OpenCV's `FaceDetectorYN`. SCRFD: Guo, Deng, Lattas, Zafeiriou, "Sample and Computation Redistribution
for Efficient Face Detection" (2021, arXiv 2105.04714), through the package `insightface`. DSFD: see
`networks.dsfd`. res10: OpenCV's face detector, an SSD (Liu et al. 2015, arXiv 1512.02325) on a ResNet-10,
through `cv2.dnn`. lbpcascade: nagadomi's cascade of local binary patterns for anime faces.

YuNet, SCRFD and DSFD learned the boxes of WIDER FACE, so what makes YuNet's box the canonical one (measured
on 415 portraits against mediapipe's face oval) is taken for all three, and for res10, whose weights could not
be had where webcast is built.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.ops import nms

from webcast.detect import Hit, PageDetector, canonical_box
from webcast.errors import WeightsError
from webcast.networks.dsfd import DSFD, decode
from webcast.opencv import cv2
from webcast.types import Detector
from webcast.weights import load_network

YUNET_LIKELIHOOD, SCRFD_LIKELIHOOD, DSFD_LIKELIHOOD, RES10_LIKELIHOOD = 0.6, 0.5, 0.5, 0.5
SAME_FACE_IOU = 0.3
LBP_WINDOWS = 5  # what its maker's example asks for
SCRFD_SIDE_PX = 640
RES10_SIDE_PX = 300
RES10_MEAN = (104.0, 177.0, 123.0)  # blue, green, red
DSFD_MEAN = (123.0, 117.0, 104.0)  # red, green, blue


class LBPFinder:
    """nagadomi's cascade; a face of n windows has the likelihood n / (n + `LBP_WINDOWS`)."""

    def __init__(self, file: Path) -> None:
        self._cascade = _read(cv2.CascadeClassifier, file)
        self._lock = threading.Lock()  # a cascade keeps its state while it searches

    def __call__(self, image: Image.Image) -> list[Hit]:
        grey = cv2.equalizeHist(cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2GRAY))
        with self._lock:
            squares, counts = self._cascade.detectMultiScale2(grey, 1.1, LBP_WINDOWS, 0, (24, 24))
        return [
            Hit(canonical_box(x, y, side, 0.8, -0.03), "lbpcascade", float(n / (n + LBP_WINDOWS)))
            for (x, y, side, _), n in zip(squares, counts, strict=True)
        ]


class YuNetFinder:
    """OpenCV's `FaceDetectorYN`, box and five points."""

    def __init__(self, file: Path) -> None:
        self._network = _read(
            lambda path: cv2.FaceDetectorYN.create(path, "", (320, 320), YUNET_LIKELIHOOD, SAME_FACE_IOU),
            file,
        )
        self._lock = threading.Lock()

    def __call__(self, image: Image.Image) -> list[Hit]:
        with self._lock:
            self._network.setInputSize(image.size)
            _, rows = self._network.detect(np.ascontiguousarray(np.asarray(image)[..., ::-1]))
        return [wider_hit(row[:4], row[14], "yunet", row[4:14]) for row in (rows if rows is not None else ())]


class SCRFDFinder:
    """InsightFace's SCRFD, box and five points."""

    def __init__(self, file: Path) -> None:
        from insightface.model_zoo.scrfd import SCRFD

        self._network = _read(SCRFD, file)
        self._network.prepare(-1, input_size=(SCRFD_SIDE_PX, SCRFD_SIDE_PX), det_thresh=SCRFD_LIKELIHOOD)
        self._lock = threading.Lock()

    def __call__(self, image: Image.Image) -> list[Hit]:
        with self._lock:
            rows, points = self._network.detect(np.ascontiguousarray(np.asarray(image)[..., ::-1]))
        points = [None] * len(rows) if points is None else points
        return [
            wider_hit((x0, y0, x1 - x0, y1 - y0), likelihood, "scrfd", five)
            for (x0, y0, x1, y1, likelihood), five in zip(rows, points, strict=True)
        ]


class Res10Finder:
    """OpenCV's ResNet-10 SSD, which sees a picture of 300 px; it is laid on a square first, not squashed."""

    def __init__(self, prototxt: Path, file: Path) -> None:
        self._network = _read(lambda path: cv2.dnn.readNetFromCaffe(str(prototxt), path), file)
        self._lock = threading.Lock()

    def __call__(self, image: Image.Image) -> list[Hit]:
        side = max(image.size)
        square = Image.new("RGB", (side, side))
        square.paste(image)
        blob = cv2.dnn.blobFromImage(
            np.asarray(square)[..., ::-1], 1.0, (RES10_SIDE_PX, RES10_SIDE_PX), RES10_MEAN
        )
        with self._lock:
            self._network.setInput(blob)
            rows = self._network.forward().reshape(-1, 7)
        found = [(row[2], row[3:] * side) for row in rows if row[2] >= RES10_LIKELIHOOD]
        return [wider_hit((a, b, c - a, d - b), sure, "res10") for sure, (a, b, c, d) in found]


class DSFDFinder:
    """DSFD on a ResNet152."""

    def __init__(self, network: DSFD, device: torch.device) -> None:
        self._network, self._device = network.to(device).eval(), device

    @torch.inference_mode()
    def __call__(self, image: Image.Image) -> list[Hit]:
        pixels = torch.from_numpy(np.array(image)).to(self._device).float() - torch.tensor(
            DSFD_MEAN, device=self._device
        )
        boxes, likelihoods = decode(*self._network(pixels.flip(-1).permute(2, 0, 1)[None]), image.size)
        sure = likelihoods[0] >= DSFD_LIKELIHOOD
        boxes, likelihoods = boxes[0][sure], likelihoods[0][sure]
        kept = nms(boxes, likelihoods, SAME_FACE_IOU)
        found = zip(boxes[kept].tolist(), likelihoods[kept].tolist(), strict=True)
        return [wider_hit((a, b, c - a, d - b), sure, "dsfd") for (a, b, c, d), sure in found]


def wider_hit(box, likelihood: float, detector: str, points=None) -> Hit:
    """A box x, y, width, height as WIDER FACE draws them, as a hit with the canonical box.

    `points` are five (x, y), the picture's left eye and corner of the mouth before the right ones.
    """
    x, y, width, height = (float(value) for value in box)
    canonical = canonical_box(x + (width - height) / 2, y, height, scale=0.86, drop=0.062)
    five = None if points is None else tuple((float(x), float(y)) for x, y in np.reshape(points, (5, 2)))
    return Hit(canonical, detector, min(1.0, float(likelihood)), five)


def _read(open_file: Callable, file: Path):
    """What a library reads from a file; `WeightsError` where it cannot."""
    try:
        read = open_file(str(file))
    except Exception as error:  # OpenCV's, onnxruntime's and protobuf's errors have no common parent
        reason = str(error).strip().splitlines()[-1:]
        raise WeightsError(f"{file} cannot be read ({' '.join(reason)}); fetch it again.") from None
    if hasattr(read, "empty") and read.empty():
        raise WeightsError(f"{file} cannot be read; fetch it again.")
    return read


def _only(folder: Path, pattern: str) -> Path:
    """The one file of that pattern in a part's folder."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise WeightsError(f"{folder} needs one file {pattern}, and has {len(found)}.")
    return found[0]


def load_lbpcascade(folder: Path, device: torch.device) -> PageDetector:
    """The cascade of a folder with one XML file."""
    return PageDetector(LBPFinder(_only(folder, "*.xml")))


def load_yunet(folder: Path, device: torch.device) -> PageDetector:
    """YuNet of a folder with one ONNX file."""
    return PageDetector(YuNetFinder(_only(folder, "*.onnx")))


def load_scrfd(folder: Path, device: torch.device) -> PageDetector:
    """SCRFD of a folder with one ONNX file."""
    return PageDetector(SCRFDFinder(_only(folder, "*.onnx")))


def load_res10(folder: Path, device: torch.device) -> PageDetector:
    """res10 of a folder with its prototxt and its caffemodel."""
    return PageDetector(Res10Finder(_only(folder, "*.prototxt"), _only(folder, "*.caffemodel")))


def load_dsfd(folder: Path, device: torch.device) -> PageDetector:
    """DSFD of a folder of weights."""
    with torch.device("meta"):
        network = DSFD()
    load_network(network, folder)
    return PageDetector(DSFDFinder(network, device))


PUBLISHED: dict[str, Callable[[Path, torch.device], Detector]] = {
    "lbpcascade": load_lbpcascade,
    "scrfd": load_scrfd,
    "yunet": load_yunet,
    "dsfd": load_dsfd,
    "res10": load_res10,
}
