from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.shared_data import SHARED, needs_shared
from training.convert_ncnn import FP16_TAG, convert, main
from webcast.errors import WeightsError
from webcast.networks.srvgg import SRVGGNetCompact
from webcast.networks.waifu2x import CUNet, UpConv7
from webcast.upscale import load_realesrgan, load_waifu2x

MODELS = [
    "realesrgan_ncnn/realesr-animevideov3-x4",
    "waifu2x_ncnn/models-cunet/noise1_scale2.0x_model",
    "waifu2x_ncnn/models-cunet/scale2.0x_model",
    "waifu2x_ncnn/models-upconv_7_anime_style_art_rgb/noise1_scale2.0x_model",
    "waifu2x_ncnn/models-upconv_7_anime_style_art_rgb/noise2_scale2.0x_model",
    "waifu2x_ncnn/models-upconv_7_anime_style_art_rgb/scale2.0x_model",
]


def weight_bytes(weight: Tensor, half: bool) -> bytes:
    """A layer's weights as ncnn stores them: a tag, the numbers, and nothing up to four bytes."""
    numbers = weight.detach().contiguous().numpy().astype("<f2" if half else "<f4").tobytes()
    tag = FP16_TAG if half else 0
    return tag.to_bytes(4, "little") + numbers + bytes(-len(numbers) % 4)


def plain_bytes(numbers: Tensor) -> bytes:
    return numbers.detach().numpy().astype("<f4").tobytes()


def write_upconv_7(folder: Path, half: bool) -> tuple[Path, Path, UpConv7]:
    """An ncnn pair with random weights, written after ncnn's description of its format."""
    torch.manual_seed(0)
    network = UpConv7().half().float()
    lines, data = ["Input input 0 1 b0 0=64 1=64 2=3"], b""
    for index, layer in enumerate(m for m in network.modules() if isinstance(m, nn.Conv2d)):
        lines.append(
            f"Convolution conv{index} 1 1 b{index} b{index + 1} 0={layer.out_channels} 1=3 5=1 "
            f"6={layer.weight.numel()} 9=2 -23310=1,0.1"
        )
        data += weight_bytes(layer.weight, half) + plain_bytes(layer.bias)
    last = network.layers[-1]
    lines.append(f"Deconvolution last 1 1 b6 out 0=3 1=4 3=2 4=3 5=1 6={last.weight.numel()}")
    data += weight_bytes(last.weight.transpose(0, 1), half) + plain_bytes(last.bias)
    return *write_pair(folder, lines, data), network


def write_srvgg(folder: Path, features: int, convs: int) -> tuple[Path, Path, nn.Module]:
    torch.manual_seed(0)
    network = SRVGGNetCompact(num_feat=features, num_conv=convs, upscale=2).half().float()
    lines, data, blob = ["Input input 0 1 b0", "Split split 1 2 b0 base x0"], b"", 0
    for layer in network.body:
        kind, settings = "PReLU", f"0={features}"
        if isinstance(layer, nn.Conv2d):
            settings = f"0={layer.out_channels} 1=3 4=1 5=1 6={layer.weight.numel()}"
            kind, data = "Convolution", data + weight_bytes(layer.weight, half=True) + plain_bytes(layer.bias)
        else:
            data += plain_bytes(layer.weight)
        lines.append(f"{kind} layer{blob} 1 1 x{blob} x{blob + 1} {settings}")
        blob += 1
    lines += [
        f"PixelShuffle shuffle 1 1 x{blob} fine 0=2",
        "Interp enlarge 1 1 base coarse 0=1 1=2.0 2=2.0",
        "BinaryOp add 2 1 fine coarse out",
    ]
    return *write_pair(folder, lines, data), network


def write_pair(folder: Path, lines: list[str], data: bytes) -> tuple[Path, Path]:
    param, bin = folder / "model.param", folder / "model.bin"
    param.write_text("\n".join(["7767517", f"{len(lines)} {len(lines) + 2}", *lines, ""]))
    bin.write_bytes(data)
    return param, bin


def run_ncnn(param: Path, bin: Path, x: np.ndarray) -> np.ndarray:
    """What the ncnn package gives for float32 (3, H, W), in single precision throughout."""
    ncnn = pytest.importorskip("ncnn")
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.num_threads = 1
    assert net.load_param(str(param)) == 0
    assert net.load_model(str(bin)) == 0
    extractor = net.create_extractor()
    extractor.input(net.input_names()[0], ncnn.Mat(x))
    _, out = extractor.extract(net.output_names()[0])
    return np.array(out)


def run_ours(network: nn.Module, x: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(x)[None])[0].numpy()


@pytest.mark.parametrize("half", [True, False])
def test_upconv_7_comes_back_as_it_was(tmp_path, half):
    param, bin, written = write_upconv_7(tmp_path, half)
    config, network = convert(param, bin)
    assert config == {"name": "waifu2x", "network": "upconv_7", "scale": 2}
    torch.testing.assert_close(network.state_dict(), written.state_dict(), rtol=0, atol=0)


def test_generated_models_give_what_ncnn_gives(tmp_path):
    x = np.random.default_rng(0).random((3, 40, 33), dtype=np.float32)
    for param, bin, _ in (write_upconv_7(tmp_path, half=True), write_srvgg(tmp_path, features=12, convs=3)):
        _, network = convert(param, bin)
        np.testing.assert_allclose(run_ours(network, x), run_ncnn(param, bin, x), atol=1e-4)


def test_the_command_writes_what_the_upscaler_reads(tmp_path):
    param, bin, written = write_srvgg(tmp_path, features=12, convs=3)
    main([str(param), str(bin), "--out", str(tmp_path / "out")])
    upscaler = load_realesrgan(tmp_path / "out", torch.device("cpu"))
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (10, 8, 3), dtype=np.uint8))
    [enlarged] = upscaler.upscale([picture])
    x = np.asarray(picture, dtype=np.float32).transpose(2, 0, 1) / 255
    expected = run_ours(written, x).clip(0, 1).transpose(1, 2, 0) * 255
    assert np.abs(np.asarray(enlarged) - expected).max() < 1


def first_tag(tag: int):
    return lambda param, data: (param, tag.to_bytes(4, "little") + data[4:])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda param, data: (b"", data), "is not an ncnn"),
        (lambda param, data: (b"\xff\xfe" + param, data), "cannot be read"),
        (lambda param, data: (param.replace(b"7767517", b"1"), data), "is not an ncnn"),
        (lambda param, data: (param.rsplit(b"\n", 2)[0], data), "cut short"),
        (lambda param, data: (param.replace(b"8 10", b""), data), "cut short"),
        (lambda param, data: (param.replace(b"Convolution conv0 1", b"x\nx"), data), "cut short|no layer"),
        (lambda param, data: (param.replace(b"0=16", b"0=many"), data), "not a number"),
        (lambda param, data: (param.replace(b"0=16", b"0=-1"), data), "do not fit"),
        (lambda param, data: (param.replace(b"0=16", b"0=24"), data), "too short|tag|account|none of"),
        (lambda param, data: (param.replace(b"6=432", b"6=431"), data), "do not fit"),
        (lambda param, data: (param.replace(b"4=3 5=1", b"4=2 5=1"), data), "none of the networks"),
        (lambda param, data: (param, data[:-3]), "too short"),
        (lambda param, data: (param, data[:2]), "too short"),
        (lambda param, data: (param, b""), "too short"),
        (lambda param, data: (param, data + b"more"), "4 bytes"),
        (first_tag(0x000D4B38), "other than fp32 and fp16"),
    ],
)
def test_a_damaged_model_is_one_sentence(tmp_path, capsys, damage, message):
    param, bin, _ = write_upconv_7(tmp_path, half=True)
    for path, content in zip((param, bin), damage(param.read_bytes(), bin.read_bytes()), strict=True):
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        convert(param, bin)
    with pytest.raises(SystemExit) as exit:
        main([str(param), str(bin), "--out", str(tmp_path / "out")])
    assert exit.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_missing_files_are_named(tmp_path):
    with pytest.raises(WeightsError, match=r"nowhere\.param cannot be read|nowhere\.bin cannot be read"):
        convert(tmp_path / "nowhere.param", tmp_path / "nowhere.bin")


class TestPublishedModels:
    pytestmark = needs_shared

    @pytest.mark.parametrize("model", MODELS)
    def test_our_network_gives_what_ncnn_gives(self, model):
        """Largest difference measured over all six: 8e-6 of a range of 1."""
        param, bin = (SHARED / "weights" / f"{model}.{end}" for end in ("param", "bin"))
        _, network = convert(param, bin)
        page = Image.open(SHARED / "drawn" / "pages" / "crowd.jpg").convert("RGB").crop((700, 700, 790, 776))
        x = np.ascontiguousarray(np.asarray(page, dtype=np.float32).transpose(2, 0, 1) / 255)
        np.testing.assert_allclose(run_ours(network, x), run_ncnn(param, bin, x), atol=1e-4)

    @pytest.mark.parametrize("model", MODELS)
    def test_the_upscaler_keeps_the_picture_where_it_is(self, tmp_path, model):
        """Shrunk again, the enlarged picture is the picture: a shift by one pixel would be seen."""
        path = SHARED / "weights" / model
        main([f"{path}.param", f"{path}.bin", "--out", str(tmp_path)])
        load = load_realesrgan if "realesr" in model else load_waifu2x
        page = Image.open(SHARED / "drawn" / "pages" / "crowd.jpg").convert("RGB").crop((700, 700, 790, 776))
        [enlarged] = load(tmp_path, torch.device("cpu")).upscale([page])
        back = np.asarray(enlarged.resize(page.size, Image.Resampling.BOX), dtype=float)
        original = np.asarray(page, dtype=float)
        error = np.abs(back - original).mean()
        shifted = np.abs(back[:, 1:] - original[:, :-1]).mean()
        assert error < 6
        assert error < shifted * 0.7


def test_cunet_has_the_published_number_of_parameters():
    """The published file holds 59 layers whose weights come to this."""
    assert sum(parameter.numel() for parameter in CUNet().parameters()) == 1_284_598
