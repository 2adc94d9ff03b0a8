import pickle

import pytest
import torch
from torch import nn

from training.convert_pth import convert, main
from webcast.errors import WeightsError
from webcast.networks.srvgg import SRVGGNetCompact
from webcast.upscale import load_realesrgan


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return SRVGGNetCompact(num_feat=12, num_conv=3, upscale=4)


@pytest.mark.parametrize("key", ["params", "params_ema", None])
def test_a_checkpoint_comes_back_as_it_was(tmp_path, network, key):
    tensors = network.state_dict()
    torch.save(tensors if key is None else {key: tensors}, tmp_path / "model.pth")
    config, read = convert(tmp_path / "model.pth")
    assert config == {"name": "realesrgan", "scale": 4, "features": 12, "convs": 3}
    torch.testing.assert_close(read.state_dict(), tensors, rtol=0, atol=0)


def test_the_averaged_weights_come_first(tmp_path, network):
    other = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
    torch.save({"params": other, "params_ema": network.state_dict()}, tmp_path / "model.pth")
    torch.testing.assert_close(convert(tmp_path / "model.pth")[1].state_dict(), network.state_dict())


def test_the_command_writes_what_the_upscaler_reads(tmp_path, network):
    torch.save({"params": network.state_dict()}, tmp_path / "model.pth")
    main([str(tmp_path / "model.pth"), "--out", str(tmp_path / "out")])
    assert load_realesrgan(tmp_path / "out", torch.device("cpu")).scale == 4


class Tripwire:
    """A pickle that creates a file when it is loaded without care."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickle_that_would_run_code_is_refused(tmp_path, capsys):
    (tmp_path / "model.pth").write_bytes(pickle.dumps(Tripwire(str(tmp_path / "sprung")), protocol=2))
    with pytest.raises(SystemExit) as exit:
        main([str(tmp_path / "model.pth"), "--out", str(tmp_path / "out")])
    assert exit.value.code == 2
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"params": nn.Conv2d(3, 3, 3).state_dict()}, "has 1 convolutions"),
        ({f"conv{i}.weight": torch.zeros(12, 12, 3, 3) for i in range(5)}, "other names or shapes"),
        ({"epoch": 3}, "no state dict"),
        ([1, 2], "no state dict"),
    ],
)
def test_another_checkpoint_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "model.pth")
    with pytest.raises(WeightsError, match=message):
        convert(tmp_path / "model.pth")


@pytest.mark.parametrize("content", [b"", b"not a pickle"])
def test_a_damaged_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "model.pth").write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read"):
        convert(tmp_path / "model.pth")
