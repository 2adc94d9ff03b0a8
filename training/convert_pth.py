"""Converts a published PyTorch checkpoint (`.pth`) to webcast's `config.json` and `model.safetensors`.

    python -m training.convert_pth realesr-animevideov3.pth --out PARTS/realesrgan-animevideov3

It recognises by the names of the tensors: Real-ESRGAN's SRVGGNetCompact (realesr-animevideov3,
realesr-general-x4v3) and RRDBNet (RealESRGAN_x4plus, x4plus_anime_6B), FSRNet of cs-giung/FSRNet-pytorch,
DSFD, torchvision's ResNet18 and VGG16, and UVCGAN2's generator. `webcast.parts` says where each is published.

A `.pth` is a pickle: it is read with `weights_only=True`, which runs nothing of what is in it.
"""

import argparse
import pickle
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from webcast.embed import resnet18, vgg16
from webcast.errors import WebcastError, WeightsError
from webcast.networks import uvcgan2
from webcast.networks.dsfd import DSFD
from webcast.networks.fsrnet import FSRNet
from webcast.networks.srvgg import RRDBNet, SRVGGNetCompact
from webcast.weights import write_stage

CONTAINERS = ("params_ema", "params", "state_dict", "state_dict_G")
UVCGAN2_SIZE_PX = 256
Tensors = Mapping[str, Tensor]
Read = tuple[dict, nn.Module, Tensors]
"""The config, the network on the meta device, and the tensors under the network's own names."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, those of the averaged weights where it has them."""
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is empty"
        raise WeightsError(f"{path} cannot be read as a checkpoint of tensors alone ({reason}).") from None
    for key in CONTAINERS:
        if isinstance(checkpoint, dict) and key in checkpoint:
            checkpoint = checkpoint[key]
    if not isinstance(checkpoint, dict) or not all(isinstance(t, Tensor) for t in checkpoint.values()):
        raise WeightsError(f"{path} holds no state dict of tensors.")
    return checkpoint


def read_srvgg(tensors: Tensors) -> Read:
    kernels = [tensor for tensor in tensors.values() if tensor.ndim == 4]
    if len(kernels) < 3:
        raise WeightsError(f"it has {len(kernels)} convolutions")
    features, scale = kernels[0].shape[0], round((kernels[-1].shape[0] / 3) ** 0.5)
    config = {"name": "realesrgan", "scale": scale, "features": features, "convs": len(kernels) - 2}
    return config, SRVGGNetCompact(num_feat=features, num_conv=config["convs"], upscale=scale), tensors


def read_rrdbnet(tensors: Tensors) -> Read:
    """Its first convolution sees 3 channels, or 12 or 48 where the picture is folded for scale 2 or 1."""
    first = tensors["conv_first.weight"]
    config = {
        "name": "rrdbnet",
        "scale": {12: 2, 48: 1}.get(first.shape[1], 4),
        "features": first.shape[0],
        "blocks": highest(tensors, r"body\.(\d+)\."),
        "growth": tensors["body.0.rdb1.conv1.weight"].shape[0],
    }
    return config, RRDBNet(3, 3, config["scale"], first.shape[0], config["blocks"], config["growth"]), tensors


def read_fsrnet(tensors: Tensors) -> Read:
    maps = {"landmarks": "prior_conv1.weight", "parts": "prior_conv2.weight"}
    counts = {name: tensors[key].shape[0] for name, key in maps.items() if key in tensors}
    network = FSRNet(counts.get("landmarks", 0), counts.get("parts", 0))
    return {"name": "fsrnet", **counts}, network, tensors


def read_dsfd(tensors: Tensors) -> Read:
    return {"name": "dsfd"}, DSFD(), tensors


def read_resnet18(tensors: Tensors) -> Read:
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("fc.")}
    return {"name": "resnet18-imagenet"}, resnet18(), kept


def read_vgg16(tensors: Tensors) -> Read:
    kept = {name: t for name, t in tensors.items() if name.startswith(("features.", "classifier.0."))}
    return {"name": "vgg16-imagenet"}, vgg16(), kept


def read_uvcgan2(tensors: Tensors) -> Read:
    """A generator of LS4GAN/uvcgan2 (its preset `uvcgan2`), under our names; positions are computed, not
    kept.
    """
    renamed = {
        rename_uvcgan2(name): tensor for name, tensor in tensors.items() if not name.endswith("_const")
    }
    channels = tensors["net.layer_input.0.weight"].shape[0]
    blocks = highest(tensors, r".*\.encoder\.encoder\.(\d+)\.")
    config = {"name": "uvcgan2", "size_px": UVCGAN2_SIZE_PX, "channels": channels, "blocks": blocks}
    return config, uvcgan2.Generator(channels, blocks), renamed


UVCGAN2_NAMES = (
    (r"^net\.layer_input\.", "enter."),
    (r"^net\.layer_output\.", "leave."),
    (r"^net\.modnet\.", "levels."),
    (r"inner_module\.", "below."),
    (r"conv\.block\.block\.1\.", "block.0."),
    (r"conv\.block\.block\.4\.", "block.2."),
    (r"conv\.downsample\.", "down."),
    (r"deconv\.upsample\.", "up."),
    (r"deconv\.block\.style_block(\d)\.affine_mod\.", r"conv\1.style."),
    (r"deconv\.block\.style_block(\d)\.re_alpha", r"conv\1.style_weight"),
    (r"deconv\.block\.conv_block(\d)\.conv\.", r"conv\1.conv."),
    (r"trans_input\.embed\.projector\.", "place."),
    (r"trans_input\.output\.", "enter."),
    (r"trans_output\.", "leave."),
    (r"extra_tokens", "style_token"),
    (r"encoder\.encoder\.(\d+)\.atten\.", r"blocks.\1.attention."),
    (r"encoder\.encoder\.(\d+)\.ffn\.net\.", r"blocks.\1.dense."),
    (r"encoder\.encoder\.(\d+)\.re_alpha", r"blocks.\1.weight"),
    (r"encoder\.encoder\.", "blocks."),
)


def rename_uvcgan2(name: str) -> str:
    for published, ours in UVCGAN2_NAMES:
        name = re.sub(published, ours, name)
    return name


def highest(tensors: Tensors, pattern: str) -> int:
    """How many numbered layers there are."""
    return 1 + max(int(found[1]) for name in tensors if (found := re.match(pattern, name)))


READERS: tuple[tuple[str, Callable[[Tensors], Read]], ...] = (
    ("body.0.rdb1.conv1.weight", read_rrdbnet),
    ("csr_net.conv1.1.weight", read_fsrnet),
    ("cpm3_3.cpm1.weight", read_dsfd),
    ("classifier.0.weight", read_vgg16),
    ("layer4.1.bn2.weight", read_resnet18),
    ("net.layer_input.0.weight", read_uvcgan2),
    ("", read_srvgg),
)
"""A tensor by whose name a network is known, and what reads it; what is none of them must be the compact one.
"""


def convert(path: Path) -> tuple[dict, nn.Module]:
    """The config and the network (float32) of a checkpoint; WeightsError where none is known."""
    published = read_checkpoint(path)
    read = next(read for key, read in READERS if not key or key in published)
    name = read.__name__.removeprefix("read_")
    try:
        with torch.device("meta"):
            config, network, tensors = read(published)
    except (WeightsError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{path} is none of the networks known here, nor a whole {name}: {error}."
        ) from None
    expected = {key: tensor.shape for key, tensor in network.state_dict().items()}
    if expected != {key: tensor.shape for key, tensor in tensors.items()}:
        raise WeightsError(
            f"{path} is not the {name} that webcast knows: its tensors have other names or shapes."
        )
    float32 = {key: t.float() if t.is_floating_point() else t for key, t in tensors.items()}
    network.load_state_dict(float32, assign=True)
    return config, network.eval()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.convert_pth",
        description="Convert a published .pth to a webcast weights folder.",
    )
    parser.add_argument("checkpoint", type=Path, help="the published .pth file")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for config.json and model.safetensors"
    )
    parser.add_argument(
        "--direction",
        choices=("drawn-to-photo", "photo-to-drawn"),
        default="drawn-to-photo",
        help="which way a translator goes; its file does not say (default: drawn-to-photo)",
    )
    options = parser.parse_args(arguments)
    try:
        config, network = convert(options.checkpoint)
    except WebcastError as error:
        parser.exit(2, f"{error}\n")
    if config["name"] == "uvcgan2":
        config["direction"] = options.direction
    write_stage(options.out, config, network)
    print(f"{options.out}: {config}", file=sys.stderr)


if __name__ == "__main__":
    main()
