"""Converts published upscalers from ncnn's format to webcast's: `config.json` and `model.safetensors`.

    python -m training.convert_ncnn MODEL.param MODEL.bin --out DIR

It knows waifu2x's upconv_7 and cunet (the scale 2 models of nihui/waifu2x-ncnn-vulkan) and
SRVGGNetCompact (realesr-animevideov3 of xinntao/Real-ESRGAN), and recognises them by their layers. The
format is described in Tencent/ncnn's wiki, "param and model file structure". Nothing in the files is run.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from webcast.errors import WebcastError, WeightsError
from webcast.networks.srvgg import SRVGGNetCompact
from webcast.networks.waifu2x import CUNet, UpConv7
from webcast.weights import write_stage

MAGIC = "7767517"
FP32_TAGS = (0, 0x0002C056)
FP16_TAG = 0x01306B47

# ncnn's numbers for what a layer is configured with.
OUTPUTS, KERNEL, STRIDE, PADDING, CONV_BIAS, CONV_COUNT = "0", "1", "3", "4", "5", "6"
LINEAR_BIAS, LINEAR_COUNT = "1", "2"

# A layer as `_describe` describes it, and its tensors in torch's layout.
Read = tuple[tuple, list[Tensor]]


@dataclass(frozen=True)
class Layer:
    """One line of the `.param` file: what it is, its name and its settings, by ncnn's numbers."""

    kind: str
    name: str
    settings: dict[str, str]

    def number(self, key: str, default: int = 0) -> int:
        try:
            return int(self.settings.get(key, default))
        except ValueError:
            raise WeightsError(
                f"The layer {self.name!r} has {key}={self.settings[key]}, not a number."
            ) from None


def read_layers(path: Path) -> list[Layer]:
    """The layers of a `.param` file, in its order, which is also the order of the `.bin` file."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as an ncnn .param file ({error}).") from None
    if len(lines) < 2 or lines[0].strip() != MAGIC:
        raise WeightsError(f"{path} is not an ncnn .param file: its first line is not {MAGIC}.")
    layers = [_read_layer(line, path) for line in lines[2:] if line.strip()]
    if lines[1].split()[:1] != [str(len(layers))]:
        raise WeightsError(f"{path} is cut short or damaged: it has {len(layers)} layers, not what it says.")
    return layers


def _read_layer(line: str, path: Path) -> Layer:
    kind, *rest = line.split()
    settings = [word.split("=", 1) for word in rest if "=" in word]
    if not rest:
        raise WeightsError(f"{path} has a line that is no layer: {line!r}.")
    return Layer(kind, rest[0], dict(settings))


class BinReader:
    """Takes the weights of one layer after another from a `.bin` file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        try:
            self._bytes = path.read_bytes()
        except OSError as error:
            raise WeightsError(f"{path} cannot be read ({error}).") from None

    def plain(self, count: int, dtype: str = "<f4") -> Tensor:
        """The next `count` numbers; the file is aligned to four bytes."""
        size = count * np.dtype(dtype).itemsize
        if not 0 < size <= len(self._bytes) - self._offset:
            raise WeightsError(
                f"{self._path} is too short for its .param file, or not the one it belongs to."
            )
        values = np.frombuffer(self._bytes, dtype, count, self._offset)
        self._offset += -(-size // 4) * 4
        return torch.from_numpy(values.astype(np.float32))

    def tagged(self, count: int) -> Tensor:
        """The next `count` weights, behind a tag that says how they are stored."""
        if len(self._bytes) - self._offset < 4:
            raise WeightsError(f"{self._path} is too short for its .param file.")
        tag = int.from_bytes(self._bytes[self._offset : self._offset + 4], "little")
        self._offset += 4
        if tag not in (*FP32_TAGS, FP16_TAG):
            raise WeightsError(
                f"{self._path} stores weights in a way (tag {tag:#010x}) other than fp32 and fp16."
            )
        return self.plain(count, "<f2" if tag == FP16_TAG else "<f4")

    def finish(self) -> None:
        """Raises unless everything was taken."""
        if self._offset != len(self._bytes):
            left = len(self._bytes) - self._offset
            raise WeightsError(f"{self._path} has {left} bytes that its .param file does not account for.")


def _describe(module: nn.Module) -> tuple:
    """What a layer of ours must have in common with ncnn's: kind, shape of the weights, step and edge."""
    shape = tuple(module.weight.shape)
    if isinstance(module, nn.Linear | nn.PReLU):
        return type(module).__name__, shape
    return type(module).__name__, shape, module.stride[0], module.padding[0]


def _read_prelu(layer: Layer, reader: BinReader) -> Read:
    slopes = reader.plain(layer.number(OUTPUTS))
    return ("PReLU", tuple(slopes.shape)), [slopes]


def _read_linear(layer: Layer, reader: BinReader) -> Read:
    weight, bias = _weight_and_bias(layer, reader, LINEAR_COUNT, LINEAR_BIAS, ())
    return ("Linear", tuple(weight.shape)), [weight, bias]


def _read_conv(layer: Layer, reader: BinReader) -> Read:
    kernel, step, edge = layer.number(KERNEL, 1), layer.number(STRIDE, 1), layer.number(PADDING)
    weight, bias = _weight_and_bias(layer, reader, CONV_COUNT, CONV_BIAS, (kernel, kernel))
    if layer.kind == "Convolution":
        return ("Conv2d", tuple(weight.shape), step, edge), [weight, bias]
    # ncnn keeps a deconvolution's outputs first, torch its inputs.
    weight = weight.transpose(0, 1)
    return ("ConvTranspose2d", tuple(weight.shape), step, edge), [weight, bias]


def _weight_and_bias(
    layer: Layer, reader: BinReader, count_key: str, bias_key: str, area: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """The weight (outputs, inputs, *area) and the bias (outputs)."""
    outputs, count = layer.number(OUTPUTS), layer.number(count_key)
    sizes = (outputs, count, *area)
    if min(sizes) < 1 or count % (outputs * math.prod(area)) or not layer.number(bias_key):
        raise WeightsError(f"The layer {layer.name!r} has sizes that do not fit each other, or no bias.")
    return reader.tagged(count).reshape(outputs, -1, *area), reader.plain(outputs)


READERS = {
    "Convolution": _read_conv,
    "Deconvolution": _read_conv,
    "InnerProduct": _read_linear,
    "PReLU": _read_prelu,
}


def _candidates(described: list[tuple]) -> Iterator[tuple[dict, nn.Module]]:
    """The networks that these layers might be, each with its config."""
    yield {"name": "waifu2x", "network": "upconv_7", "scale": 2}, UpConv7()
    yield {"name": "waifu2x", "network": "cunet", "scale": 2}, CUNet()
    if len(described) > 2 and described[1][0] == "PReLU":
        features, convs = described[0][1][0], len(described) // 2 - 1
        scale = round((described[-1][1][0] / 3) ** 0.5)
        config = {"name": "realesrgan", "scale": scale, "features": features, "convs": convs}
        yield config, SRVGGNetCompact(num_feat=features, num_conv=convs, upscale=scale)


def convert(param: Path, bin: Path) -> tuple[dict, nn.Module]:
    """The config and the network (float32) of an ncnn model; WeightsError where it is damaged or unknown."""
    reader = BinReader(bin)
    read = [READERS[layer.kind](layer, reader) for layer in read_layers(param) if layer.kind in READERS]
    reader.finish()
    described = [description for description, _ in read]
    tensors = [tensor for _, layer_tensors in read for tensor in layer_tensors]
    for config, network in _candidates(described):
        # Our networks name their layers in the order in which they run, and so does the file.
        if [_describe(module) for module in network.modules() if hasattr(module, "weight")] == described:
            names = [name for name, _ in network.named_parameters()]
            network.load_state_dict(dict(zip(names, tensors, strict=True)))
            return config, network.eval()
    raise WeightsError(f"{param} is none of the networks known here: upconv_7, cunet and SRVGGNetCompact.")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.convert_ncnn",
        description="Convert an ncnn upscaler to a webcast weights folder.",
    )
    parser.add_argument("param", type=Path, help="the model's .param file")
    parser.add_argument("bin", type=Path, help="the model's .bin file")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for config.json and model.safetensors"
    )
    options = parser.parse_args(arguments)
    try:
        config, network = convert(options.param, options.bin)
    except WebcastError as error:
        parser.exit(2, f"{error}\n")
    write_stage(options.out, config, network)
    print(f"{options.out}: {config}", file=sys.stderr)


if __name__ == "__main__":
    main()
