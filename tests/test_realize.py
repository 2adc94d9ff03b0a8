import numpy as np
import pytest
import torch
from PIL import Image

from webcast import realize
from webcast.errors import WeightsError
from webcast.networks.ugatit import Generator
from webcast.weights import write_stage

CPU = torch.device("cpu")
CONFIG = {
    "name": "ugatit",
    "size_px": 32,
    "light": True,
    "blocks": 1,
    "channels": 8,
    "direction": "drawn-to-photo",
}


@pytest.fixture
def noise() -> list[Image.Image]:
    random = np.random.default_rng(0)
    sizes = [(32, 32), (1, 1), (300, 300), (40, 90), (7, 7), (32, 32), (32, 32), (64, 64), (33, 33)]
    return [Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]


@pytest.mark.parametrize("light", [True, False])
def test_pictures_of_any_size_become_pictures_of_the_weights_size(tmp_path, noise, light):
    torch.manual_seed(0)
    write_stage(tmp_path, {**CONFIG, "light": light}, Generator(32, light, channels=8, blocks=1))
    realizer = realize.REALIZERS["ugatit"](tmp_path, CPU)
    assert len(noise) > realize.BATCH
    realized = realizer.realize(noise)
    assert [picture.size for picture in realized] == [(32, 32)] * len(noise)
    assert {picture.mode for picture in realized} == {"RGB"}
    assert realizer.realize([]) == []
    assert realizer.direction == "drawn-to-photo"


def test_it_is_the_generator_between_minus_one_and_one(tmp_path, noise):
    torch.manual_seed(0)
    generator = Generator(32, True, channels=8, blocks=1).half().float().eval()
    write_stage(tmp_path, CONFIG, generator)
    [realized] = realize.REALIZERS["ugatit"](tmp_path, CPU).realize(noise[:1])
    x = torch.tensor(np.asarray(noise[0])).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        expected = (generator(x)[0][0].permute(1, 2, 0).numpy() + 1) * 127.5
    assert np.abs(np.asarray(realized) - expected).max() <= 0.51


def test_each_picture_is_realized_alone(tmp_path, noise):
    write_stage(tmp_path, CONFIG, Generator(32, True, channels=8, blocks=1))
    realizer = realize.REALIZERS["ugatit"](tmp_path, CPU)
    together = realizer.realize(noise)
    for picture, among_others in zip(noise, together, strict=True):
        [alone] = realizer.realize([picture])
        assert np.abs(np.asarray(alone, dtype=int) - np.asarray(among_others, dtype=int)).max() <= 1


def test_none_changes_nothing(tmp_path, noise):
    assert realize.REALIZERS["none"](tmp_path, CPU).realize(noise) == noise


@pytest.mark.parametrize("missing", ["size_px", "light", "blocks", "channels", "direction"])
def test_a_config_without_a_setting_is_refused(tmp_path, missing):
    config = {key: value for key, value in CONFIG.items() if key != missing}
    write_stage(tmp_path, config, Generator(32, True, channels=8, blocks=1))
    with pytest.raises(WeightsError, match=missing):
        realize.REALIZERS["ugatit"](tmp_path, CPU)
