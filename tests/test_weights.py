import json

import pytest
import torch
from torch import nn

from webcast.errors import WeightsError
from webcast.weights import (
    CONFIG_NAME,
    MODEL_NAME,
    check_hashes,
    load_network,
    pick,
    read_config,
    setting,
    sha256,
    write_stage,
)


def test_what_is_written_is_read_back(tmp_path):
    written, read = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
    nn.init.normal_(written.weight)
    write_stage(tmp_path / "stage", {"name": "norm"}, written)
    load_network(read, tmp_path / "stage")
    assert read_config(tmp_path / "stage") == {"name": "norm"}
    assert read.weight.dtype == torch.float32
    assert not read.weight.requires_grad
    torch.testing.assert_close(read.weight, written.weight.detach(), rtol=1e-3, atol=1e-4)


def test_a_network_on_the_meta_device_gets_real_tensors(tmp_path):
    write_stage(tmp_path, {}, nn.Linear(2, 3))
    with torch.device("meta"):
        network = nn.Linear(2, 3)
    load_network(network, tmp_path)
    assert network.weight.device.type == "cpu"


@pytest.mark.parametrize("text", ["", "{", "[1]", '"name"', "\udcff"])
def test_a_malformed_config_is_named(tmp_path, text):
    (tmp_path / CONFIG_NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(WeightsError, match=r"config\.json"):
        read_config(tmp_path)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"config\.json is missing"):
        read_config(tmp_path)
    with pytest.raises(WeightsError, match=r"model\.safetensors is missing"):
        load_network(nn.Linear(2, 3), tmp_path)


@pytest.mark.parametrize("damage", [b"", b"not safetensors at all", None])
def test_a_damaged_model_is_named(tmp_path, damage):
    write_stage(tmp_path, {}, nn.Linear(2, 3))
    path = tmp_path / MODEL_NAME
    path.write_bytes(path.read_bytes()[:-2] if damage is None else damage)
    with pytest.raises(WeightsError, match=r"model\.safetensors is not a safetensors file"):
        load_network(nn.Linear(2, 3), tmp_path)


@pytest.mark.parametrize("other", [nn.Linear(3, 3), nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3)])
def test_weights_of_another_network_are_refused(tmp_path, other):
    write_stage(tmp_path, {}, nn.Linear(2, 3))
    with pytest.raises(WeightsError, match="does not fit"):
        load_network(other, tmp_path)


@pytest.mark.parametrize("value", [None, 0, -1, 2.0, "2", True])
def test_a_size_must_be_a_positive_int(tmp_path, value):
    with pytest.raises(WeightsError, match="'size_px', a positive int"):
        setting({"size_px": value}, "size_px", int, tmp_path)


def test_a_wrong_name_lists_the_right_ones():
    with pytest.raises(WeightsError, match="no upscaler called 'bicubic'; choose one of none, waifu2x"):
        pick({"waifu2x": 1, "none": 2}, "bicubic", "upscaler")


def test_hashes_are_checked(tmp_path):
    write_stage(tmp_path / "embedder", {}, nn.Linear(2, 3))
    hashes = {f"embedder/{MODEL_NAME}": sha256(tmp_path / "embedder" / MODEL_NAME)}
    check_hashes(tmp_path, hashes)
    (tmp_path / "embedder" / MODEL_NAME).write_bytes(b"another")
    with pytest.raises(WeightsError, match="SHA-256"):
        check_hashes(tmp_path, hashes)


@pytest.mark.parametrize("name", ["nothing.safetensors", "../outside"])
def test_a_hashed_file_must_lie_in_the_folder(tmp_path, name):
    folder = tmp_path / "weights"
    folder.mkdir()
    (tmp_path / "outside").write_text(json.dumps({}))
    with pytest.raises(WeightsError, match="is missing"):
        check_hashes(folder, {name: "0" * 64})
