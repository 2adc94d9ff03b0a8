"""Converts RDN weights of the package Image Super-Resolution (Keras, `.hdf5`) to webcast's format.

    python -m training.convert_hdf5 rdn-C6-D20-G64-G064-x2_ArtefactCancelling_epoch219.hdf5 --out PARTS/rdn

The layout is that of Keras' `save_weights`: a group for each layer, with `kernel:0` (height, width, inputs,
outputs) and `bias:0` somewhere inside. Nothing in the file is run.
"""

import argparse
import re
import sys
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor

from webcast.errors import WebcastError, WeightsError
from webcast.networks.rdn import RDN
from webcast.weights import write_stage

ENDS = {"kernel:0": "weight", "bias:0": "bias"}


def read_layers(path: Path) -> dict[str, Tensor]:
    """Every layer's weight (outputs, inputs, height, width) and bias, float32, under torch's names."""
    found: dict[str, Tensor] = {}

    def take(name: str, item: h5py.HLObject) -> None:
        end = ENDS.get(name.rsplit("/", 1)[-1])
        if isinstance(item, h5py.Dataset) and end:
            values = torch.from_numpy(np.asarray(item, dtype=np.float32))
            layer = name.removeprefix("model_weights/").split("/")[0]
            found[f"{layer}.{end}"] = values.permute(3, 2, 0, 1).contiguous() if values.ndim == 4 else values

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as an HDF5 file ({str(error).splitlines()[0]}).") from None
    return found


def convert(path: Path) -> tuple[dict, RDN]:
    """The config and the network of a file; WeightsError where it is not an RDN."""
    tensors = read_layers(path)
    numbered = [re.fullmatch(r"F_(\d+)_(\d+)\.weight", name) for name in tensors]
    blocks = [(int(found[1]), int(found[2])) for found in numbered if found]
    if not blocks or "F_m1.weight" not in tensors or "UPN3.weight" not in tensors:
        raise WeightsError(
            f"{path} is no RDN of Image Super-Resolution: it has no layers F_m1, F_1_1 and UPN3."
        )
    config = {
        "name": "rdn",
        "convs": max(conv for _, conv in blocks),
        "blocks": max(block for block, _ in blocks),
        "growth": tensors["F_1_1.weight"].shape[0],
        "features": tensors["F_m1.weight"].shape[0],
        "scale": round((tensors["UPN3.weight"].shape[0] / 3) ** 0.5),
    }
    with torch.device("meta"):
        network = RDN(**{key: value for key, value in config.items() if key != "name"})
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    if expected != {name: tensor.shape for name, tensor in tensors.items()}:
        raise WeightsError(
            f"{path} is not the RDN that webcast knows: its layers have other names or shapes."
        )
    network.load_state_dict(tensors, assign=True)
    return config, network.eval()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.convert_hdf5",
        description="Convert an RDN of Image Super-Resolution to a webcast weights folder.",
    )
    parser.add_argument("file", type=Path, help="the published .hdf5 file")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for config.json and model.safetensors"
    )
    options = parser.parse_args(arguments)
    try:
        config, network = convert(options.file)
    except WebcastError as error:
        parser.exit(2, f"{error}\n")
    write_stage(options.out, config, network)
    print(f"{options.out}: {config}", file=sys.stderr)


if __name__ == "__main__":
    main()
