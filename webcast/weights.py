"""A stage's weights: a folder with `config.json` and `model.safetensors`, read without trust.

Nothing here runs code from the folder: the config is JSON and the tensors are safetensors. Whatever is
wrong with them is a `WeightsError` that names the file.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from webcast.errors import WeightsError

CONFIG_NAME = "config.json"
MODEL_NAME = "model.safetensors"

Builder = TypeVar("Builder")
Setting = TypeVar("Setting", int, bool, str, list, dict)


def read_config(folder: Path) -> dict:
    """The folder's `config.json`, which must hold a JSON object."""
    path = folder / CONFIG_NAME
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WeightsError(f"{path} is missing: give a folder of webcast weights.") from None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as JSON ({error}); fetch the weights again.") from None
    if not isinstance(config, dict):
        raise WeightsError(f"{path} must hold a JSON object, not a {type(config).__name__}.")
    return config


def setting(config: Mapping, key: str, kind: type[Setting], folder: Path) -> Setting:
    """`config[key]`, which must be there and of just this kind; an int must be 1 or more."""
    value = config.get(key)
    if type(value) is not kind or (kind is int and value < 1):
        wanted = "a positive int" if kind is int else f"a {kind.__name__}"
        raise WeightsError(f"{folder / CONFIG_NAME} needs {key!r}, {wanted}; it has {value!r}.")
    return value


def pick(builders: Mapping[str, Builder], name: str, stage: str) -> Builder:
    """The builder of that name, or an error that lists the names there are."""
    if name not in builders:
        known = ", ".join(sorted(builders))
        raise WeightsError(f"There is no {stage} called {name!r}; choose one of {known}.")
    return builders[name]


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of the folder's `model.safetensors` on the CPU; half precision becomes float32."""
    path = folder / MODEL_NAME
    try:
        tensors = load_file(path)
    except FileNotFoundError:
        raise WeightsError(f"{path} is missing: give a folder of webcast weights.") from None
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a safetensors file ({error}); fetch the weights again.") from None
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def load_network(network: nn.Module, folder: Path) -> None:
    """Gives the network the folder's weights, float32 on the CPU; names and shapes must all fit.

    The network may have been built on the meta device: the tensors read take the place of its own.
    """
    tensors = read_tensors(folder)
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    unlike = {name for name, _ in expected.items() ^ found.items()}
    if unlike:
        raise WeightsError(
            f"{folder / MODEL_NAME} does not fit its {CONFIG_NAME}: {len(unlike)} tensors are missing, "
            f"unknown or of another shape, {min(unlike)!r} among them."
        )
    network.load_state_dict(tensors, assign=True)
    network.requires_grad_(False)


def write_stage(folder: Path, config: Mapping, network: nn.Module) -> None:
    """Writes a stage's folder as the loaders read it, the weights in half precision."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / MODEL_NAME)
    (folder / CONFIG_NAME).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """The file's SHA-256 in hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_hashes(folder: Path, hashes: Mapping[str, str]) -> None:
    """Raises unless each file (a path inside the folder) has the SHA-256 given for it."""
    for name, expected in hashes.items():
        path = folder / name
        # Judged by its name: in the Hub's cache a file is a link to a blob outside the folder.
        if Path(name).is_absolute() or ".." in Path(name).parts or not path.is_file():
            raise WeightsError(f"{path}, which the weights' {CONFIG_NAME} names, is missing.")
        found = sha256(path)
        if found != expected:
            raise WeightsError(
                f"{path} has SHA-256 {found[:12]}... where {CONFIG_NAME} says {str(expected)[:12]}...; "
                "fetch the weights again."
            )
