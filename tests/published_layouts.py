"""Files with the names and shapes of published weights, and values drawn here.

The published files cannot be had where webcast is built. Their layouts were read from the code that wrote
them (named beside each), and are written down here apart from our networks, so that a network of ours that
drifts from its published file fails a test.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import torch
import torchvision
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def values(shapes: Shapes, seed: int = 0) -> dict[str, Tensor]:
    """A tensor for each name: small numbers, and what batch norms need to stay finite."""
    random = torch.Generator().manual_seed(seed)
    made = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            made[name] = torch.zeros((), dtype=torch.int64)
        elif name.endswith(("running_var", "norm1.weight", "norm2.weight")) or len(shape) == 1:
            made[name] = torch.rand(shape, generator=random) * 0.1 + (0.95 if "var" in name else 0.0)
        else:
            spread = (2 / np.prod(shape[1:])) ** 0.5
            made[name] = torch.randn(shape, generator=random) * spread
    return made


def conv(name: str, outputs: int, inputs: int, kernel: int, bias: bool = True) -> Shapes:
    weight = {f"{name}.weight": (outputs, inputs, kernel, kernel)}
    return weight | ({f"{name}.bias": (outputs,)} if bias else {})


def dense(name: str, outputs: int, inputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, width: int) -> Shapes:
    ends = {"weight": (width,), "bias": (width,), "running_mean": (width,), "running_var": (width,)}
    return {f"{name}.{end}": shape for end, shape in ends.items()} | {f"{name}.num_batches_tracked": ()}


def rrdbnet(blocks: int) -> Shapes:
    """xinntao/BasicSR, basicsr/archs/rrdbnet_arch.py, scale 4, under the key params_ema."""
    shapes = conv("conv_first", 64, 3, 3)
    for block in range(blocks):
        for dense_block in (1, 2, 3):
            for number in range(1, 6):
                outputs = 32 if number < 5 else 64
                name = f"body.{block}.rdb{dense_block}.conv{number}"
                shapes |= conv(name, outputs, 64 + 32 * (number - 1), 3)
    for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        shapes |= conv(name, 64, 64, 3)
    return shapes | conv("conv_last", 3, 64, 3)


def fsrnet(parts: int = 11) -> Shapes:
    """cs-giung/FSRNet-pytorch, nets.py; the file holds the generator under state_dict."""

    def residual(name: str, width: int) -> Shapes:
        layers = f"{name}.layers"
        return (
            conv(f"{layers}.1", width, width, 3, bias=False)
            | norm(f"{layers}.2", width)
            | conv(f"{layers}.5", width, width, 3, bias=False)
            | norm(f"{layers}.6", width)
        )

    def bottleneck(name: str, inputs: int, outputs: int) -> Shapes:
        block, middle = f"{name}.convBlock", outputs // 2
        shapes = norm(f"{block}.0", inputs) | conv(f"{block}.2", middle, inputs, 1)
        shapes |= norm(f"{block}.3", middle) | conv(f"{block}.5", middle, middle, 3)
        shapes |= norm(f"{block}.6", middle) | conv(f"{block}.8", outputs, middle, 1)
        return shapes | (conv(f"{name}.skipConv", outputs, inputs, 1) if inputs != outputs else {})

    def plain(name: str, outputs: int, inputs: int, kernel: int, at: int = 0) -> Shapes:
        return conv(f"{name}.{at}", outputs, inputs, kernel, bias=False) | norm(f"{name}.{at + 1}", outputs)

    shapes = plain("csr_net.conv1", 64, 3, 3, at=1) | conv("csr_net.conv2.1", 3, 64, 3, bias=False)
    shapes |= plain("fsr_enc.conv1", 64, 3, 3) | conv("fsr_enc.conv2.1", 64, 64, 3, bias=False)
    for net, count in (("csr_net", 3), ("fsr_enc", 12), ("fsr_dec", 3)):
        for number in range(count):
            shapes |= residual(f"{net}.res_blocks.{number}", 64)
    shapes |= plain("pre_net.conv1", 64, 3, 7) | bottleneck("pre_net.res_blocks.0", 64, 128)
    shapes |= residual("pre_net.res_blocks.1", 128) | residual("pre_net.res_blocks.2", 128)
    for glass in (0, 1):
        for name in ("res_center", *(f"res{level}_{place}" for level in (1, 2, 3) for place in (1, 2, 3))):
            shapes |= bottleneck(f"pre_net.hg_blocks.{glass}.{name}", 128, 128)
    shapes |= plain("fsr_dec.conv1", 64, 192, 3) | plain("fsr_dec.deconv1", 64, 64, 3)
    return shapes | conv("fsr_dec.conv2.1", 3, 64, 3, bias=False) | conv("prior_conv2", parts, 128, 1)


def dsfd() -> Shapes:
    """TencentYoutuResearch/FaceDetection-DSFD as in hukkelas/DSFD-Pytorch-Inference, dsfd/face_ssd.py."""
    resnet = torchvision.models.resnet152(weights=None).state_dict()
    stem = {"conv1": "layer1.0", "bn1": "layer1.1", "layer1": "layer1.4"}
    stem |= {f"layer{n}": f"layer{n}.0" for n in (2, 3, 4)}
    shapes = {}
    for name, tensor in resnet.items():
        first, _, rest = name.partition(".")
        if first in stem:
            shapes[f"{stem[first]}.{rest}"] = tuple(tensor.shape)
    for name, inputs, middle, outputs in (("layer5", 2048, 512, 512), ("layer6", 512, 128, 256)):
        shapes |= conv(f"{name}.0", middle, inputs, 1) | norm(f"{name}.1", middle)
        shapes |= conv(f"{name}.3", outputs, middle, 3) | norm(f"{name}.4", outputs)
    for level, (inputs, outputs) in {3: (2048, 1024), 2: (1024, 512), 1: (512, 256)}.items():
        shapes |= conv(f"latlayer{level}", outputs, inputs, 1) | conv(f"smooth{level}", outputs, outputs, 1)
    widths = {"3_3": 256, "4_3": 512, "5_3": 1024, "7": 2048, "6_2": 512, "7_2": 256}
    for name, width in widths.items():
        for number, inputs in ((1, width), (2, width), (3, 256), (4, 256), (5, 128)):
            shapes |= conv(f"cpm{name}.cpm{number}", 256 if number < 3 else 128, inputs, 3)
    for head, outputs in (("loc", (4, 8, 12, 12, 12, 12)), ("conf", (4, 6, 8, 8, 8, 8))):
        for number, count in enumerate(outputs):
            shapes |= conv(f"{head}.{number}.conv1", 256, 512, 3)
            shapes |= conv(f"{head}.{number}.conv2", 256, 256, 3) | conv(
                f"{head}.{number}.conv3", 256, 256, 3
            )
            shapes |= conv(f"{head}.{number}.conv4", count, 256, 1)
    return shapes


def uvcgan2(channels: int, blocks: int, side: int = 16) -> Shapes:
    """LS4GAN/uvcgan2, models/generator/vitmodnet.py, for pictures of 16 times `side`."""
    widths = [channels, channels, channels * 2, channels * 4, channels * 8]
    features = widths[-1]
    shapes = conv("net.layer_input.0", channels, 3, 3) | conv("net.layer_output", 3, channels, 1)
    at = "net.modnet"
    for outer, inner in pairwise(widths):
        shapes |= conv(f"{at}.conv.block.block.1", inner, outer, 3)
        shapes |= conv(f"{at}.conv.block.block.4", inner, inner, 3)
        shapes |= conv(f"{at}.conv.downsample", inner, inner, 2)
        shapes |= conv(f"{at}.deconv.upsample.1", inner, inner, 3)
        for number, (inputs, outputs) in enumerate(((2 * inner, inner), (inner, outer)), start=1):
            style = f"{at}.deconv.block.style_block{number}"
            shapes |= dense(f"{style}.affine_mod", inputs, features) | {f"{style}.re_alpha": (1,)}
            shapes |= conv(f"{at}.deconv.block.conv_block{number}.conv", outputs, inputs, 3)
        at += ".inner_module"
    shapes |= {f"{at}.trans_input.{axis}_const": (1, side * side) for axis in "xy"}
    shapes |= dense(f"{at}.trans_input.embed.projector", features, 2)
    shapes |= dense(f"{at}.trans_input.output", features, 2 * features)
    shapes |= dense(f"{at}.trans_output", features, features) | {f"{at}.extra_tokens": (1, 1, features)}
    for number in range(blocks):
        block = f"{at}.encoder.encoder.{number}"
        for name in ("norm1", "norm2"):
            shapes |= {f"{block}.{name}.weight": (features,), f"{block}.{name}.bias": (features,)}
        shapes |= {f"{block}.atten.in_proj_weight": (3 * features, features)}
        shapes |= {f"{block}.atten.in_proj_bias": (3 * features,)}
        shapes |= dense(f"{block}.atten.out_proj", features, features)
        shapes |= dense(f"{block}.ffn.net.0", 4 * features, features)
        shapes |= dense(f"{block}.ffn.net.2", features, 4 * features) | {f"{block}.re_alpha": (1,)}
    return shapes


def rdn_layers(convs: int, blocks: int, growth: int, features: int, scale: int) -> Iterator[tuple]:
    """idealo/image-super-resolution, ISR/models/rdn.py: layer, kernel side, inputs, outputs."""
    yield from (("F_m1", 3, 3, features), ("F_0", 3, features, features))
    for block in range(1, blocks + 1):
        for number in range(1, convs + 1):
            yield f"F_{block}_{number}", 3, features + (number - 1) * growth, growth
        yield f"LFF_{block}", 1, features + convs * growth, features
    yield from (("GFF_1", 1, blocks * features, features), ("GFF_2", 3, features, features))
    yield from (("UPN1", 5, features, 64), ("UPN2", 3, 64, 32), ("UPN3", 3, 32, 3 * scale**2))
    yield "SR", 3, 3 * scale**2, 3


def write_rdn(path: Path, convs: int, blocks: int, growth: int, features: int, scale: int) -> Path:
    """A file as Keras' `save_weights` writes it."""
    random = np.random.default_rng(0)
    layers = list(rdn_layers(convs, blocks, growth, features, scale))
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name, *_ in layers]
        for name, kernel, inputs, outputs in layers:
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
            weight = random.normal(0, (2 / (kernel**2 * inputs)) ** 0.5, (kernel, kernel, inputs, outputs))
            group[f"{name}/kernel:0"] = weight.astype(np.float32)
            group[f"{name}/bias:0"] = random.uniform(0, 0.1, outputs).astype(np.float32)
    return path
