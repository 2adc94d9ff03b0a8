"""Face detectors in the published file formats, small enough to be written here: a red patch is a face to
them.

SCRFD: an ONNX graph with the nine outputs of `det_10g.onnx` (likelihoods, boxes and points at strides 8, 16
and 32, two anchors a place). res10: a prototxt and a caffemodel with the input and the last layers of
OpenCV's `deploy.prototxt` (priors, softmax, DetectionOutput), behind one average instead of a ResNet-10.
"""

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
ANCHORS = 2
SIDE_IN_STRIDES = 2.0  # a box reaches so many strides from its place, each way
POINTS = ((-0.8, -0.6), (0.8, -0.6), (0.0, 0.0), (-0.6, 0.8), (0.6, 0.8))  # in strides, as SCRFD gives them


def write_scrfd(path: Path, stride: int = 32) -> Path:
    """A face of 2 x `SIDE_IN_STRIDES` strides where the average over a place of that stride is red."""
    nodes, constants, outputs = [], [], []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    for kind, width in (("score", 1), ("bbox", 4), ("kps", 10)):
        for step in STRIDES:
            weight, bias = _heads(kind, width, step == stride)
            mean, raw, last, flat = (f"{kind}_{step}_{part}" for part in ("mean", "raw", "last", "flat"))
            names = [constant(f"{flat}_w", weight), constant(f"{flat}_b", bias)]
            constants.append(numpy_helper.from_array(np.array([-1, width], np.int64), f"{flat}_shape"))
            nodes += [
                helper.make_node(
                    "AveragePool", ["input.1"], [mean], kernel_shape=[step] * 2, strides=[step] * 2
                ),
                helper.make_node("Conv", [mean, *names], [raw]),
                helper.make_node("Transpose", [raw], [last], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [last, f"{flat}_shape"], [flat]),
                helper.make_node("Sigmoid" if kind == "score" else "Identity", [flat], [f"{kind}_{step}"]),
            ]
            outputs.append(helper.make_tensor_value_info(f"{kind}_{step}", TensorProto.FLOAT, ["n", width]))
    picture = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, "h", "w"])
    graph = helper.make_graph(nodes, "scrfd", [picture], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)
    onnx.save(model, path)
    return path


def _heads(kind: str, width: int, is_seeing: bool) -> tuple[np.ndarray, np.ndarray]:
    """A 1 x 1 convolution on the mean colour, -1 to 1: its weight (2 x width, 3, 1, 1) and bias."""
    weight, bias = np.zeros((ANCHORS, width, 3)), np.zeros((ANCHORS, width))
    if kind == "score":
        bias[:] = -20
        if is_seeing:  # the first anchor, where red is high and green low
            weight[0, 0], bias[0] = (20, -20, 0), -20
    elif kind == "bbox":
        bias[:] = SIDE_IN_STRIDES
    else:
        bias[:] = np.array(POINTS).ravel()
    return weight.reshape(-1, 3, 1, 1), bias.ravel()


PROTOTXT = """\
name: "small" input: "data" input_shape { dim: 1 dim: 3 dim: 300 dim: 300 } layer { name: "mean" type:
"Pooling" bottom: "data" top: "mean" pooling_param { pool: AVE kernel_size: 30 stride: 30 } } layer { name:
"mbox_loc_conv" type: "Convolution" bottom: "mean" top: "mbox_loc_conv" convolution_param { num_output: 4
kernel_size: 1 } } layer { name: "mbox_loc_perm" type: "Permute" bottom: "mbox_loc_conv" top: "mbox_loc_perm"
permute_param { order: 0 order: 2 order: 3 order: 1 } } layer { name: "mbox_loc" type: "Flatten" bottom:
"mbox_loc_perm" top: "mbox_loc" flatten_param { axis: 1 } } layer { name: "mbox_conf_conv" type: "Convolution"
bottom: "mean" top: "mbox_conf_conv" convolution_param { num_output: 2 kernel_size: 1 } } layer { name:
"mbox_conf_perm" type: "Permute" bottom: "mbox_conf_conv" top: "mbox_conf_perm" permute_param { order: 0
order: 2 order: 3 order: 1 } } layer { name: "mbox_conf" type: "Flatten" bottom: "mbox_conf_perm" top:
"mbox_conf" flatten_param { axis: 1 } } layer { name: "mbox_priorbox" type: "PriorBox" bottom: "mean" bottom:
"data" top: "mbox_priorbox" prior_box_param { min_size: 60 clip: false variance: 0.1 variance: 0.1 variance:
0.2 variance: 0.2 step: 30 offset: 0.5 } } layer { name: "mbox_conf_reshape" type: "Reshape" bottom:
"mbox_conf" top: "mbox_conf_reshape" reshape_param { shape { dim: 0 dim: -1 dim: 2 } } } layer { name:
"mbox_conf_softmax" type: "Softmax" bottom: "mbox_conf_reshape" top: "mbox_conf_softmax" softmax_param { axis:
2 } } layer { name: "mbox_conf_flatten" type: "Flatten" bottom: "mbox_conf_softmax" top: "mbox_conf_flatten"
flatten_param { axis: 1 } } layer { name: "detection_out" type: "DetectionOutput" bottom: "mbox_loc" bottom:
"mbox_conf_flatten" bottom: "mbox_priorbox" top: "detection_out" detection_output_param { num_classes: 2
share_location: true background_label_id: 0 nms_param { nms_threshold: 0.45 top_k: 400 } code_type:
CENTER_SIZE keep_top_k: 200 confidence_threshold: 0.01 } }
"""


def write_res10(folder: Path) -> Path:
    """A face of 60 of 300 px where a place of 30 px is red."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "deploy.prototxt").write_text(PROTOTXT)
    conf = np.zeros((2, 3, 1, 1), np.float32)
    conf[1, :, 0, 0] = (0, -0.1, 0.1)  # blue, green, red
    layers = {
        "mbox_loc_conv": (np.zeros((4, 3, 1, 1), np.float32), np.zeros(4, np.float32)),
        "mbox_conf_conv": (conf, np.array([5, 0], np.float32)),
    }
    net = b"".join(_field(100, _layer(name, blobs)) for name, blobs in layers.items())
    (folder / "res10_300x300_ssd_iter_140000.caffemodel").write_bytes(net)
    return folder


def _layer(name: str, blobs: Iterable[np.ndarray]) -> bytes:
    """Caffe's LayerParameter: name 1, type 2, blobs 7; a BlobProto has data 5 and shape 7."""
    told = _field(1, name.encode()) + _field(2, b"Convolution")
    for blob in blobs:
        shape = _field(1, b"".join(_varint(side) for side in blob.shape))
        data = struct.pack(f"<{blob.size}f", *blob.ravel())
        told += _field(7, _field(5, data) + _field(7, shape))
    return told


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
