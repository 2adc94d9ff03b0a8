"""Converts a published Real-ESRGAN checkpoint (`.pth`) to webcast's `config.json` and `model.safetensors`.

    python -m training.convert_pth realesr-animevideov3.pth --out DIR

It knows SRVGGNetCompact (realesr-animevideov3, realesr-general-x4v3); the RRDBNet models are another
network. A `.pth` is a pickle: it is read with `weights_only=True`, which runs nothing of what is in it.
"""

import argparse
import pickle
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from webcast.errors import WebcastError, WeightsError
from webcast.networks.srvgg import SRVGGNetCompact
from webcast.weights import write_stage


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, those of the averaged weights where it has them."""
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else "it is empty"
        raise WeightsError(f"{path} cannot be read as a checkpoint of tensors alone ({reason}).") from None
    for key in ("params_ema", "params"):
        if isinstance(checkpoint, dict) and key in checkpoint:
            checkpoint = checkpoint[key]
    if not isinstance(checkpoint, dict) or not all(isinstance(t, Tensor) for t in checkpoint.values()):
        raise WeightsError(f"{path} holds no state dict of tensors.")
    return checkpoint


def convert(path: Path) -> tuple[dict, nn.Module]:
    """The config and the network (float32) of a checkpoint; WeightsError where it is another network."""
    tensors = read_checkpoint(path)
    kernels = [tensor for tensor in tensors.values() if tensor.ndim == 4]
    if len(kernels) < 3:
        raise WeightsError(f"{path} is not an SRVGGNetCompact: it has {len(kernels)} convolutions.")
    features, scale = kernels[0].shape[0], round((kernels[-1].shape[0] / 3) ** 0.5)
    config = {"name": "realesrgan", "scale": scale, "features": features, "convs": len(kernels) - 2}
    with torch.device("meta"):
        network = SRVGGNetCompact(num_feat=features, num_conv=config["convs"], upscale=scale)
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    if expected != {name: tensor.shape for name, tensor in tensors.items()}:
        raise WeightsError(
            f"{path} is not an SRVGGNetCompact with PReLU: its tensors have other names or shapes."
        )
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return config, network.eval()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.convert_pth",
        description="Convert a Real-ESRGAN .pth to a webcast weights folder.",
    )
    parser.add_argument("checkpoint", type=Path, help="the published .pth file")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for config.json and model.safetensors"
    )
    options = parser.parse_args(arguments)
    try:
        config, network = convert(options.checkpoint)
    except WebcastError as error:
        parser.exit(2, f"{error}\n")
    write_stage(options.out, config, network)
    print(f"{options.out}: {config}", file=sys.stderr)


if __name__ == "__main__":
    main()
