import numpy as np
import pytest
import torch
import torchvision
from PIL import Image, ImageOps

from webcast import embed
from webcast.errors import WeightsError
from webcast.weights import MODEL_NAME, sha256, write_stage

CPU = torch.device("cpu")
CONFIG = {"name": "resnet18", "size_px": 64, "dim": 512, "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]}


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return embed.resnet18().half().float().eval()


@pytest.fixture
def noise() -> list[Image.Image]:
    random = np.random.default_rng(0)
    sizes = [(64, 64), (1, 1), (500, 500), (30, 70)] + [(20, 20)] * embed.BATCH
    return [Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]


def test_embeddings_are_unit_rows_that_do_not_depend_on_the_batch(tmp_path, network, noise):
    write_stage(tmp_path, CONFIG, network)
    embedder = embed.EMBEDDERS["resnet18"](tmp_path, CPU)
    embeddings = embedder.embed(noise)
    assert embeddings.shape == (len(noise), 512)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    alone = np.concatenate([embedder.embed([picture]) for picture in noise[:5]])
    np.testing.assert_allclose(embeddings[:5], alone, atol=1e-4)
    assert embedder.embed([]).shape == (0, 512)


def test_it_is_torchvisions_network_on_normalised_colours(tmp_path, network, noise):
    write_stage(tmp_path, CONFIG, network)
    [embedding] = embed.load_resnet18(tmp_path, CPU).embed(noise[:1])
    pixels = np.asarray(noise[0], dtype=np.float32) / 255
    x = torch.tensor((pixels - CONFIG["mean"]) / CONFIG["std"]).float().permute(2, 0, 1)[None]
    with torch.inference_mode():
        features = network(x)[0].numpy()
    np.testing.assert_allclose(embedding, features / np.linalg.norm(features), atol=1e-5)


def test_windows_are_seen_as_they_are_and_mirrored(tmp_path, network, noise):
    """A picture and its mirror image are one to it, and what lies outside the windows is not seen."""
    write_stage(tmp_path, CONFIG | {"windows": [[0.25, 0.25, 0.75, 0.75], [0.2, 0.2, 0.7, 0.7]]}, network)
    embedder = embed.load_resnet18(tmp_path, CPU)
    picture = noise[2]
    framed = ImageOps.expand(picture.crop((75, 75, 425, 425)), 75, "red")
    embeddings = embedder.embed([picture, ImageOps.mirror(picture), framed, noise[3]])
    assert embeddings[0] @ embeddings[2] == pytest.approx(1, abs=1e-5)
    assert embeddings[0] @ embeddings[3] < 0.999
    one = embed.NetworkEmbedder(network, CPU, 64, [0.5] * 3, [0.5] * 3, "", "", [(0.2, 0.2, 0.8, 0.8)])
    plain, mirrored = one.embed([picture, ImageOps.mirror(picture)])
    np.testing.assert_allclose(plain, mirrored, atol=1e-5)


def test_windows_are_part_of_the_id(tmp_path, network):
    """Two galleries whose heads were seen through other windows cannot be compared."""
    ids = set()
    for windows in ([[0.0, 0.0, 1.0, 1.0]], [[0.1, 0.1, 0.9, 0.9]]):
        write_stage(tmp_path, CONFIG | {"windows": windows}, network)
        ids.add(embed.load_resnet18(tmp_path, CPU).id)
    assert len(ids | {"resnet18-64"}) == 3


@pytest.mark.parametrize("window", ["all", [0, 0, 1, 1], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.5, 1.0], [0.1]])
def test_a_wrong_window_is_refused(tmp_path, network, window):
    write_stage(tmp_path, CONFIG | {"windows": [window]}, network)
    with pytest.raises(WeightsError, match=r"four parts of the side"):
        embed.load_resnet18(tmp_path, CPU)


def test_resizing_averages_instead_of_picking_pixels(tmp_path, network):
    """A fine chequerboard shrinks to grey; without antialiasing it would stay black or white."""
    write_stage(tmp_path, CONFIG, network)
    board = np.indices((640, 640)).sum(0) % 2 * 255
    pictures = [
        Image.fromarray(np.stack([board] * 3, -1).astype(np.uint8)),
        Image.new("RGB", (64, 64), "#808080"),
    ]
    board_embedding, grey_embedding = embed.load_resnet18(tmp_path, CPU).embed(pictures)
    assert board_embedding @ grey_embedding > 0.999


def test_id_names_the_input_and_revision_the_weights(tmp_path, network):
    write_stage(tmp_path, CONFIG, network)
    embedder = embed.load_resnet18(tmp_path, CPU)
    assert embedder.id == "resnet18-64"
    assert embedder.revision == sha256(tmp_path / MODEL_NAME)[:12]


@pytest.mark.parametrize(
    "wrong", [{"dim": 128}, {"mean": [0.5]}, {"std": ["a", "b", "c"]}, {"std": [1, 0, 1]}, {"size_px": "64"}]
)
def test_a_wrong_config_is_refused(tmp_path, network, wrong):
    write_stage(tmp_path, {**CONFIG, **wrong}, network)
    with pytest.raises(WeightsError, match=r"config\.json needs"):
        embed.load_resnet18(tmp_path, CPU)


def test_imagenet_weights_off_line_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match=r"go on line once, or fetch .* or choose the embedder 'resnet18'"):
        embed.EMBEDDERS["resnet18-imagenet"](tmp_path, CPU)


def test_imagenet_weights_are_used_as_torchvision_publishes_them(tmp_path, monkeypatch, noise):
    """The file is not to be had here, so one of the same layout stands in for it."""
    published = torchvision.models.resnet18(weights=None)
    options = {}

    def fetch(self, **kwargs):
        options.update(kwargs)
        return published.state_dict()

    monkeypatch.setattr(torchvision.models.ResNet18_Weights, "get_state_dict", fetch)
    embedder = embed.load_resnet18_imagenet(tmp_path, CPU)
    assert options["check_hash"]
    assert options["weights_only"]
    assert (embedder.id, embedder.revision) == ("resnet18-imagenet-224", "f37072fd")
    assert embedder.embed(noise[:2]).shape == (2, 512)


def test_a_cached_imagenet_file_that_is_not_what_its_name_says_is_refused(tmp_path, monkeypatch):
    """torch checks the hash of what it fetches, and not of what lies in its cache."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cached = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"resnet18-f37072fd\.pth is not what its name says; delete it"):
        embed.EMBEDDERS["resnet18-imagenet"](tmp_path, CPU)
