import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from webcast import upscale
from webcast.errors import WeightsError
from webcast.networks.srvgg import SRVGGNetCompact
from webcast.networks.waifu2x import CUNet, UpConv7
from webcast.weights import write_stage

CPU = torch.device("cpu")
SIZES = [(1, 1), (2, 3), (301, 5), (40, 41)]


def realesrgan_folder(folder, scale=4):
    torch.manual_seed(0)
    network = SRVGGNetCompact(num_feat=8, num_conv=2, upscale=scale)
    write_stage(folder, {"name": "realesrgan", "scale": scale, "features": 8, "convs": 2}, network)
    return folder


def waifu2x_folder(folder, name="upconv_7", scale=2):
    torch.manual_seed(0)
    network = upscale.WAIFU2X_NETWORKS[name]()
    write_stage(folder, {"name": "waifu2x", "network": name, "scale": scale}, network)
    return folder


def noise(width: int, height: int) -> Image.Image:
    """Random colours, smooth enough that rounding to a byte is all that two ways may differ by."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def difference(a: Image.Image, b: Image.Image) -> int:
    return int(np.abs(np.asarray(a, dtype=int) - np.asarray(b, dtype=int)).max())


@pytest.mark.parametrize(
    ("write", "options", "scale"),
    [
        (realesrgan_folder, {"scale": 4}, 4),
        (realesrgan_folder, {"scale": 2}, 2),
        (realesrgan_folder, {"scale": 3}, 3),
        (waifu2x_folder, {"name": "upconv_7"}, 2),
        (waifu2x_folder, {"name": "cunet"}, 2),
        (waifu2x_folder, {"name": "upconv_7", "scale": 4}, 4),
    ],
)
def test_pictures_of_any_size_grow_by_the_scale(tmp_path, capfd, write, options, scale):
    folder = write(tmp_path, **options)
    upscaler = upscale.UPSCALERS["realesrgan" if write is realesrgan_folder else "waifu2x"](folder, CPU)
    assert upscaler.scale == scale
    enlarged = upscaler.upscale([noise(*size) for size in SIZES])
    assert [picture.size for picture in enlarged] == [(w * scale, h * scale) for w, h in SIZES]
    assert upscaler.upscale([]) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("write", "load"), [(realesrgan_folder, upscale.load_realesrgan), (waifu2x_folder, upscale.load_waifu2x)]
)
def test_tiles_leave_no_seam(tmp_path, monkeypatch, write, load):
    upscaler = load(write(tmp_path), CPU)
    picture = noise(90, 70)
    [whole] = upscaler.upscale([picture])
    monkeypatch.setattr(upscale, "TILE_PX", 32)
    [tiled] = upscaler.upscale([picture])
    assert difference(whole, tiled) <= 1
    assert difference(whole, Image.new("RGB", whole.size)) > 1


def test_tiles_bound_what_the_network_sees():
    seen = []

    def double(tile):
        seen.append(tile.shape[:2])
        return tile.repeat(2, 0).repeat(2, 1)

    pixels = np.asarray(noise(1000, 300))
    enlarged = upscale.enlarge_tiled(pixels, double, scale=2, context=9)
    np.testing.assert_array_equal(enlarged, double(pixels))
    assert max(max(shape) for shape in seen[:-1]) <= upscale.TILE_PX + 18


def test_realesrgan_is_its_network_with_red_first(tmp_path):
    network = SRVGGNetCompact(num_feat=8, num_conv=2, upscale=4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
    write_stage(tmp_path, {"name": "realesrgan", "scale": 4, "features": 8, "convs": 2}, network)
    picture = noise(5, 4)
    [enlarged] = upscale.load_realesrgan(tmp_path, CPU).upscale([picture])
    assert difference(enlarged, picture.resize((20, 16), Image.Resampling.NEAREST)) == 0


@pytest.mark.parametrize(("network", "size"), [(UpConv7(), 15), (CUNet(), 40)])
def test_waifu2x_networks_lose_their_margin_on_each_side(network, size):
    with torch.inference_mode():
        smallest = network(torch.rand(2, 3, size, size + 6))
    expected = 2 * (size - 2 * network.margin)
    assert smallest.shape == (2, 3, expected, expected + 12)


def test_waifu2x_knows_the_picture_at_its_edges(tmp_path):
    """A network that gives back the middle of what it sees shows that no edge is shifted or lost."""
    upscaler = upscale.load_waifu2x(waifu2x_folder(tmp_path), CPU)

    class Repeat(nn.Module):
        margin = 7

        def forward(self, x):
            return x[:, :, 7:-7, 7:-7].repeat_interleave(2, 2).repeat_interleave(2, 3)

    upscaler._network = Repeat()
    picture = noise(31, 17)
    [enlarged] = upscaler.upscale([picture])
    assert difference(enlarged, picture.resize((62, 34), Image.Resampling.NEAREST)) == 0


def test_none_changes_nothing(tmp_path):
    picture = noise(4, 4)
    upscaler = upscale.UPSCALERS["none"](tmp_path, CPU)
    assert upscaler.scale == 1
    assert upscaler.upscale([picture]) == [picture]


@pytest.mark.parametrize("scale", [1, 3, 6])
def test_waifu2x_enlarges_by_powers_of_two(tmp_path, scale):
    with pytest.raises(WeightsError, match="2, 4, 8"):
        upscale.load_waifu2x(waifu2x_folder(tmp_path, scale=scale), CPU)


def test_an_unknown_waifu2x_network_is_refused(tmp_path):
    write_stage(tmp_path, {"name": "waifu2x", "network": "vgg_7", "scale": 2}, UpConv7())
    with pytest.raises(WeightsError, match="choose one of cunet, upconv_7"):
        upscale.load_waifu2x(tmp_path, CPU)
