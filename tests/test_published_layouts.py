"""Published weights are read: a file of the same names and shapes is converted, loaded, and run once."""

import h5py
import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

from tests import published_layouts as layouts
from training import convert_hdf5, convert_pth
from webcast import upscale
from webcast.embed import EMBEDDERS
from webcast.errors import WeightsError
from webcast.networks.dsfd import DSFD
from webcast.published_detectors import PUBLISHED
from webcast.realize import REALIZERS
from webcast.types import Panel
from webcast.upscale import UPSCALERS

CPU = torch.device("cpu")
BLOCKS = [
    (6, "RealESRGAN_x4plus_anime_6B"),
    pytest.param(23, "RealESRGAN_x4plus", marks=pytest.mark.slow),
]


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def converted(folder, shapes, container=None, flags=()):
    """The folder of weights that the converter makes of a published file."""
    tensors = layouts.values(shapes)
    torch.save({container: tensors} if container else tensors, folder / "published.pth")
    convert_pth.main([str(folder / "published.pth"), "--out", str(folder / "part"), *flags])
    return folder / "part"


@pytest.mark.parametrize(("blocks", "file"), BLOCKS)
def test_rrdbnet(tmp_path, blocks, file):
    """`file` is the published one of so many blocks."""
    part = converted(tmp_path, layouts.rrdbnet(blocks), "params_ema")
    upscaler = UPSCALERS["rrdbnet"](part, CPU)
    assert upscaler.scale == 4
    (large,) = upscaler.upscale([noise(9, 6)])
    assert large.size == (36, 24)
    assert np.asarray(large).std() > 0


def test_fsrnet(tmp_path):
    upscaler = UPSCALERS["fsrnet"](converted(tmp_path, layouts.fsrnet(), "state_dict"), CPU)
    (large,) = upscaler.upscale([noise(16, 13)])
    assert large.size == (128, 104)
    assert np.asarray(large).std() > 0


def test_dsfds_names_and_shapes():
    with torch.device("meta"):
        network = DSFD()
    assert {name: tuple(t.shape) for name, t in network.state_dict().items()} == layouts.dsfd()


@pytest.mark.slow
def test_dsfd(tmp_path):
    detector = PUBLISHED["dsfd"](converted(tmp_path, layouts.dsfd()), CPU)
    (faces,) = detector.detect([Panel(noise(64, 64), "noise")])
    assert isinstance(faces, list)


def test_uvcgan2(tmp_path):
    part = converted(tmp_path, layouts.uvcgan2(6, 2), flags=("--direction", "photo-to-drawn"))
    realizer = REALIZERS["uvcgan2"](part, CPU)
    assert realizer.direction == "photo-to-drawn"
    (picture,) = realizer.realize([noise(40, 40)])
    assert picture.size == (256, 256)
    assert np.asarray(picture).std() > 0


def test_uvcgan2s_published_size(tmp_path):
    """48 channels and 12 blocks: every name and shape fits."""
    torch.save(
        {name: torch.empty(shape) for name, shape in layouts.uvcgan2(48, 12).items()}, tmp_path / "gen.pth"
    )
    config, _ = convert_pth.convert(tmp_path / "gen.pth")
    assert config == {"name": "uvcgan2", "size_px": 256, "channels": 48, "blocks": 12}


@pytest.mark.parametrize(
    ("name", "dim"), [("resnet18", 512), pytest.param("vgg16", 4096, marks=pytest.mark.slow)]
)
def test_imagenet_networks_of_torchvision(tmp_path, name, dim):
    torch.manual_seed(0)
    published = getattr(torchvision.models, name)(weights=None).eval()
    torch.save(published.state_dict(), tmp_path / "published.pth")
    convert_pth.main([str(tmp_path / "published.pth"), "--out", str(tmp_path / "part")])
    embedder = EMBEDDERS[f"{name}-imagenet"](tmp_path / "part", CPU).by("euclidean")
    (vector,) = embedder.embed([noise(224, 224)])
    assert vector.shape == (dim,)
    x = torch.tensor(np.asarray(noise(224, 224))).permute(2, 0, 1)[None] / 255
    x = (x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(
        3, 1, 1
    )
    with torch.inference_mode():
        if name == "vgg16":
            features = published.classifier[:2](torch.flatten(published.avgpool(published.features(x)), 1))
        else:
            published.fc = torch.nn.Identity()
            features = published(x)
    np.testing.assert_allclose(vector, features[0].numpy(), atol=0.01 * features.abs().max().item())


@pytest.mark.parametrize("size", [(3, 10, 64, 64, 2), (6, 20, 64, 64, 2), (2, 2, 4, 6, 3)])
def test_rdn(tmp_path, size):
    file = layouts.write_rdn(tmp_path / "rdn.hdf5", *size)
    convert_hdf5.main([str(file), "--out", str(tmp_path / "part")])
    upscaler = UPSCALERS["rdn"](tmp_path / "part", CPU)
    (large,) = upscaler.upscale([noise(7, 5)])
    assert large.size == (7 * size[-1], 5 * size[-1])
    assert np.asarray(large).std() > 0


def test_an_rdn_kernel_is_turned_the_right_way(tmp_path):
    """Keras keeps (height, width, inputs, outputs)."""
    file = layouts.write_rdn(tmp_path / "rdn.hdf5", 1, 1, 4, 6, 2)
    _, network = convert_hdf5.convert(file)
    with h5py.File(file) as opened:
        kernel = np.asarray(opened["UPN1/UPN1/kernel:0"])
    np.testing.assert_array_equal(network.UPN1.weight.detach().numpy()[10, 3], kernel[:, :, 3, 10])


def test_tiles_of_the_new_upscalers_leave_no_seam(tmp_path, monkeypatch):
    convert_hdf5.main(
        [str(layouts.write_rdn(tmp_path / "r.hdf5", 2, 2, 4, 6, 2)), "--out", str(tmp_path / "part")]
    )
    upscaler = UPSCALERS["rdn"](tmp_path / "part", CPU)
    picture = noise(70, 50)
    (whole,) = upscaler.upscale([picture])
    monkeypatch.setattr(upscale, "TILE_PX", 32)
    (tiled,) = upscaler.upscale([picture])
    assert np.abs(np.asarray(whole, int) - np.asarray(tiled, int)).max() <= 1


@pytest.mark.parametrize("content", [b"", b"no hdf5"])
def test_a_damaged_hdf5_is_refused(tmp_path, capsys, content):
    (tmp_path / "rdn.hdf5").write_bytes(content)
    with pytest.raises(SystemExit) as exit:
        convert_hdf5.main([str(tmp_path / "rdn.hdf5"), "--out", str(tmp_path / "part")])
    assert exit.value.code == 2
    assert "cannot be read as an HDF5 file" in capsys.readouterr().err
    assert not (tmp_path / "part").exists()


def test_another_hdf5_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["dense/kernel:0"] = np.zeros((2, 2))
    with pytest.raises(WeightsError, match="no RDN of Image Super-Resolution"):
        convert_hdf5.convert(tmp_path / "other.hdf5")


@pytest.mark.parametrize("shapes", [layouts.rrdbnet(2), layouts.fsrnet(), layouts.uvcgan2(6, 1)])
def test_a_checkpoint_that_lacks_a_layer_is_refused(tmp_path, shapes):
    tensors = layouts.values(shapes)
    del tensors[list(tensors)[-2]]
    torch.save(tensors, tmp_path / "published.pth")
    with pytest.raises(WeightsError, match="is not the"):
        convert_pth.convert(tmp_path / "published.pth")
