from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image

from tests.synthetic_face import synthetic_photo, synthetic_points
from training.faces import FacePhoto, aligned_head
from training.realizer import (
    BELIEVABLE,
    LARGEST_EYES,
    RealizerRecipe,
    balanced,
    believable,
    in_other_colours,
    main,
    published_in_place,
)
from training.render import SCHOOLS, draw_style
from webcast.realize import REALIZERS
from webcast.weights import read_config


def test_a_published_drawing_lies_upon_its_photo_mirrored_too(tmp_path):
    """The drawing here is the photo itself at another size, so that the two crops must be equal."""
    image, points = synthetic_photo(), synthetic_points()
    cv2.imwrite(str(tmp_path / "photo.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    drawing = cv2.resize(image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(tmp_path / "drawing.png"), cv2.cvtColor(drawing, cv2.COLOR_RGB2BGR))
    photo = FacePhoto(tmp_path / "photo.png", "somebody", points, (tmp_path / "drawing.png",))
    for mirror in (False, True):
        crop, moved = aligned_head(image, points, 96, np.random.default_rng(0), 0.01, mirror)
        drawn = published_in_place(photo, moved, 96, np.random.default_rng(0))
        assert np.abs(drawn[16:80, 16:80].astype(int) - crop[16:80, 16:80]).mean() < 6


def test_other_colours_keep_black_and_lines_and_change_the_rest():
    skin = np.full((8, 8, 3), (220, 180, 160), np.uint8)
    changed = [in_other_colours(skin, np.random.default_rng(seed))[0, 0] for seed in range(8)]
    assert np.ptp(np.array(changed, int), axis=0).min() > 30
    assert not in_other_colours(np.zeros((8, 8, 3), np.uint8), np.random.default_rng(0)).any()
    line = np.where(np.eye(8)[..., None] > 0, np.uint8(0), skin)
    assert in_other_colours(line, np.random.default_rng(1)).max(2)[~np.eye(8, dtype=bool)].min() > 60


def test_a_photo_takes_proportions_only_as_far_as_a_photo_can():
    rng = np.random.default_rng(0)
    for school in SCHOOLS:
        style = draw_style(school, rng)
        kept = believable(style)
        assert 1 <= kept.eye_scale <= LARGEST_EYES
        assert all(getattr(kept, part) >= least for part, least in BELIEVABLE.items())
        assert replace(kept, eye_scale=style.eye_scale, **{p: getattr(style, p) for p in BELIEVABLE}) == style
    realistic = replace(style, eye_scale=1.1, nose_scale=0.9, mouth_scale=0.95, jaw_scale=0.97)
    assert believable(realistic) == realistic


def write_portraits(folder, names):
    """Portraits from light to dark, in the order of the names."""
    portraits = []
    for number, name in enumerate(names):
        path = folder / f"{name}.jpg"
        cv2.imwrite(str(path), np.uint8(synthetic_photo() * (1 - 0.1 * number)))
        portraits.append(FacePhoto(path, name, synthetic_points()))
    return portraits


def test_pools_part_women_from_men_and_the_darkest_third_from_the_rest(tmp_path):
    portraits = write_portraits(tmp_path, ["ann", "bea", "cat", "dan", "eve", "fay", "gus"])
    genders = {p.person: "male" if p.person in {"dan", "gus"} else "female" for p in portraits}
    pools = balanced(portraits, genders)
    assert [[p.person for p in pool] for pool in pools] == [
        ["fay"],
        ["eve", "cat", "bea", "ann"],
        ["gus", "dan"],
    ]


@pytest.mark.parametrize("network", ["ugatit", "pix2pix"])
@pytest.mark.parametrize("discriminator_channels", [0, 8])
def test_a_step_trains_every_network_and_what_is_exported_is_a_realizer(
    network, discriminator_channels, tmp_path
):
    torch.manual_seed(0)
    recipe = RealizerRecipe(8, 64, 1e-2, None, network, discriminator_channels)
    before = {name: parameters(network) for name, network in recipe.networks.items()}
    batch = {
        "real_a": torch.rand(2, 3, 64, 64),
        "real_b": torch.rand(2, 3, 64, 64),
        "paired": torch.tensor([1.0, 0.0]),
    }
    losses = recipe.step(batch, Accelerator(cpu=True))
    assert ("disc" in losses) == ("disc_b" in recipe.networks) == bool(discriminator_channels)
    assert all(loss.isfinite() for loss in losses.values())
    for name, trained in recipe.networks.items():
        assert not parameters(trained).equal(before[name])
        assert all(parameter.requires_grad for parameter in trained.parameters())
    recipe.export(recipe.networks, tmp_path)
    realizer = REALIZERS[network](tmp_path, torch.device("cpu"))
    (realized,) = realizer.realize([Image.new("RGB", (100, 100), "#c0a090")])
    assert realized.size == (64, 64)


def test_a_u_net_of_fewer_levels_is_read_back(tmp_path):
    recipe = RealizerRecipe(2, 128, 1e-2, None, "pix2pix", 0, levels=5)
    recipe.export(recipe.networks, tmp_path)
    assert read_config(tmp_path)["levels"] == 5
    (realized,) = REALIZERS["pix2pix"](tmp_path, torch.device("cpu")).realize([Image.new("RGB", (50, 50))])
    assert realized.size == (128, 128)


@pytest.mark.parametrize("levels", ["4", "8"])
def test_levels_that_do_not_fit_the_side_are_refused(levels, monkeypatch, capsys):
    flags = [
        "--data",
        "x",
        "--landmarks",
        "x",
        "--output-dir",
        "x",
        "--network",
        "pix2pix",
        "--levels",
        levels,
    ]
    monkeypatch.setattr("sys.argv", ["realizer", *flags])
    with pytest.raises(SystemExit):
        main()
    assert "--levels is from 5 to 7 at 128 px" in capsys.readouterr().err


def parameters(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
