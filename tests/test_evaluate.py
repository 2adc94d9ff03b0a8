"""The measures against values known in closed form, and the command from folders to a report."""

import json
import pickle
import threading
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image

from tests import fakes
from tests.launch import launch
from tests.launched import records
from tests.tiny_weights import write_realizer, write_weights
from training import evaluate, realism
from training.castback import person_places
from training.evaluate import Probe, Quiet, Sharer, choose_features, main, measure_castback, read_probes
from training.realism import fid, fid_with_error, find_inception, mean_kid
from webcast.build import load_stages
from webcast.detect import draw_face
from webcast.errors import WebcastError, WeightsError
from webcast.gallery import build_gallery
from webcast.weights import read_config, sha256


def test_fid_is_the_distance_of_two_normal_distributions():
    rows = np.random.default_rng(0).normal(size=(4000, 4))
    assert fid(rows, rows) == pytest.approx(0, abs=1e-6)
    moved = rows * [1, 2, 1, 1] + [3, 0, 0, 0]
    # |m1 - m2|^2 + tr(C1 + C2 - 2 sqrt(C1 C2)); the deviations differ in one direction, by 1
    assert fid(rows, moved) == pytest.approx(9 + 1, rel=0.05)


def test_the_error_of_fid_is_about_what_it_scatters_by():
    rng = np.random.default_rng(0)
    told = [fid_with_error(rng.normal(size=(300, 3)), rng.normal(0.5, 1, (300, 3))) for _ in range(30)]
    values, errors = np.array(told).T
    assert values.std(ddof=1) / 1.5 < np.median(errors) < values.std(ddof=1) * 1.5


def test_mean_kid_is_that_of_the_authors():
    assert mean_kid((0.02, 0.001), (0.04, 0.003)) == pytest.approx((3.0, 0.2))


def test_places_are_among_people_by_their_best_portrait():
    owners = ["a", "b", "b", "c"]
    similarity = np.array([[0.5, 0.1, 0.6, 0.2], [0.5, 0.1, 0.6, 0.2], [0.1, 0.2, 0.3, 0.9]])
    assert person_places(similarity, owners, ["a", "b", "a"]).tolist() == [2, 1, 3]


class Bomb:
    """A pickle that leaves a mark when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_only_the_pinned_inception_is_read(tmp_path):
    (tmp_path / "weights.pth").write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))
    with pytest.raises(WeightsError, match="is not torch-fidelity's Inception, so it is not read"):
        choose_features("auto", tmp_path / "weights.pth", tmp_path, "0" * 12, "cpu")
    assert not (tmp_path / "mark").exists()
    with pytest.raises(WeightsError, match="is missing"):
        find_inception(tmp_path / "nothing.pth")


def test_without_inception_the_features_are_ours_and_say_so(weights, tmp_path, monkeypatch):
    def offline(*args: object, **more: object) -> None:
        raise URLError("no way out")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    features = choose_features("auto", None, weights, "abc", "cpu")
    assert "our embedder (abc), because Inception's weights are not here" in features.told
    assert "no way out" in features.told
    rows = features.extract([Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")])
    assert rows.shape == (2, 384)
    with pytest.raises(WebcastError, match="cannot be fetched"):
        choose_features("inception", None, weights, "abc", "cpu")


@pytest.mark.slow
def test_inception_is_torch_fidelitys_network(tmp_path, monkeypatch):
    """With weights drawn at random and their hash pinned for this test; the real ones cannot be had here."""
    from torch_fidelity import feature_extractor_inceptionv3 as module

    with monkeypatch.context() as patch:
        patch.setattr(module, "load_state_dict_from_url", lambda *args, **more: {})
        patch.setattr(module.FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        network = module.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    monkeypatch.setattr(realism, "INCEPTION_SHA256", sha256(tmp_path / "weights.pth"))
    features = choose_features("auto", tmp_path / "weights.pth", tmp_path, "abc", "cpu")
    assert "torch-fidelity's Inception" in features.told
    picture = Image.effect_noise((40, 40), 80).convert("RGB")
    rows = features.extract([picture, picture.rotate(90)])
    pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
    assert rows.shape == (2, 2048)
    np.testing.assert_allclose(rows[:1], network(pixels)[0].numpy(), rtol=1e-3, atol=1e-5)


def test_two_processes_share_items_out_and_get_all_back_in_order(monkeypatch):
    """Two threads stand for the processes; each waits at the gathering, as processes do."""
    items, parts, seen, wholes = list(range(37)), {}, {0: [], 1: []}, {}
    both_are_there = threading.Barrier(2)

    def work(process: int) -> None:
        def compute(some: list[int]) -> np.ndarray:
            seen[process] += some
            return np.array([[10 * number] for number in some])

        here.process = process
        wholes[process] = Sharer(process, 2).each(compute, items)

    def gather(mine: list[np.ndarray]) -> list[np.ndarray]:
        parts[here.process] = mine[0]
        both_are_there.wait(60)
        return [parts[0], parts[1]]

    here = threading.local()
    monkeypatch.setattr(evaluate, "gather_object", gather)
    threads = [threading.Thread(target=work, args=(process,)) for process in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not set(seen[0]) & set(seen[1])
    assert sorted(seen[0] + seen[1]) == items
    for whole in wholes.values():
        assert whole[:, 0].tolist() == [10 * number for number in items]


@pytest.fixture
def probes(tmp_path) -> list[Probe]:
    """Two styles; in one of them no face is found on Ben's drawing, and Zoe is not in the gallery."""
    for style, people in (("ink", ["Ada", "Ben", "Cem"]), ("wash", ["Ada", "Ben", "Zoe"])):
        (tmp_path / style).mkdir()
        for name in people:
            blank = (style, name) == ("wash", "Ben")
            page = fakes.page() if blank else fakes.page(fakes.COLOURS.get(name, "#c06030"))
            page.save(tmp_path / style / f"{name}.png")
    return read_probes([tmp_path / "ink", tmp_path / "wash"])


def test_cast_back_counts_a_missed_face_as_not_cast(probes, tmp_path):
    photos = fakes.photos(tmp_path / "photos")
    (photos / "people.csv").write_text("name,gender\nAda,f\nBen,m\nCem,m\n")
    gallery, _ = build_gallery(photos, fakes.ColourEmbedder(), fakes.PatchDetector())
    report = Quiet()
    rows = measure_castback(report, Sharer(0, 1), fakes.stages(), gallery, probes)
    found = {row["probes"]: row for row in rows}
    assert set(found) == {"all", "style ink", "style wash", "gender f", "gender m"}
    assert (found["all"]["number"], found["all"]["not_found"]) == (5, 1)
    assert found["all"]["direct"] == [4, 4]
    assert found["style wash"]["direct"] == [1, 1]
    assert found["gender m"]["direct"] == [2, 2]
    assert found["gender f"]["direct"] == [2, 2]
    # Without colour all five look alike, so that the realized similarity knows less than the direct one.
    assert found["all"]["realized"][0] < 4
    assert any(line.endswith("| 20.0 / 100.0 |") for line in report.lines), "beside chance"


def test_probes_of_strangers_alone_are_an_error(probes, tmp_path):
    gallery = fakes.gallery(tmp_path / "photos", people={"Yan": "#c03030"})
    with pytest.raises(WebcastError, match="Nobody of the probes is in the gallery"):
        measure_castback(Quiet(), Sharer(0, 1), fakes.stages(), gallery, probes)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    return write_weights(tmp_path_factory.mktemp("tiny") / "weights")


@pytest.fixture(scope="module")
def heads(tmp_path_factory) -> Path:
    """Ten light pictures and ten dark ones, all of noise."""
    folder, rng = tmp_path_factory.mktemp("heads"), np.random.default_rng(0)
    for name, low, high in (("drawn", 120, 250), ("photos", 10, 120)):
        (folder / name).mkdir()
        for number in range(10):
            pixels = rng.integers(low, high, (40, 36, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def arguments(weights: Path, heads: Path, out: Path) -> list[str]:
    return [
        "--weights", str(weights), "--drawn", str(heads / "drawn"), "--photos", str(heads / "photos"),
        "--subset", "8", "--subsets", "5", "--features", "embedder", "--out", str(out),
    ]  # fmt: skip


def test_both_ways_are_measured_and_reported(weights, heads, tmp_path, capsys):
    back = write_realizer(tmp_path / "back", seed=2)
    config = read_config(back) | {"direction": "photo-to-drawn"}
    (back / "config.json").write_text(json.dumps(config))
    main([*arguments(weights, heads, tmp_path / "out"), "--back", str(back)])
    printed = capsys.readouterr().out
    told = json.loads((tmp_path / "out/evaluation.json").read_text())
    text = (tmp_path / "out/evaluation.md").read_text()
    assert text == printed
    assert "`python -m training.evaluate --weights" in text
    assert "KID over 5 subsets of 8 and the error of so few draws" in text
    assert "means and deviations of the first two stages of our embedder" in text
    assert "mean KID x 100 (U-GAT-IT)" in text
    rows = {row["way"]: row for row in told["realism"]}
    assert list(rows) == [
        f"{way}, {what}"
        for way in ("drawn to photo", "photo to drawn")
        for what in ("left as they are", "translated")
    ]
    for row in rows.values():
        assert row["pictures"] == [10, 10]
        assert row["kid"][1] > 0
    kids = [rows[f"{way}, left as they are"]["kid"][0] for way in ("drawn to photo", "photo to drawn")]
    assert kids[0] == pytest.approx(kids[1], rel=0.3), "a distance is the same both ways, up to the draw"
    assert kids[0] > 0.1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--subset", "50"], "has 10 pictures; give more, or a --subset of at most 10"),
        (["--subset", "1"], "must be 2 or more"),
        (["--photos", "nowhere"], "nowhere is not a folder with pictures"),
        (["--back", "{weights}/realizer"], "for photo to drawn was trained for drawn-to-photo"),
        (["--realizer", "{weights}/embedder"], "There is no realizer called 'resnet18'"),
        (["--weights", "nowhere"], "neither a folder nor a Hub id"),
    ],
)
def test_a_mistake_is_one_sentence(weights, heads, tmp_path, capsys, more, told):
    with pytest.raises(SystemExit) as ended:
        main([*arguments(weights, heads, tmp_path), *(part.format(weights=weights) for part in more)])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_nothing_to_measure_is_a_mistake(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert "Give --drawn and --photos, or --probes" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_processes_measure_what_one_does(weights, heads, tmp_path):
    main(arguments(weights, heads, tmp_path / "one"))
    told = launch(2, tmp_path / "record", "evaluate", *arguments(weights, heads, tmp_path / "two"))
    one, two = (json.loads((tmp_path / n / "evaluation.json").read_text()) for n in ("one", "two"))
    assert (one["processes"], two["processes"]) == (1, 2)
    assert told.count("processes: 2") == 1
    assert records(tmp_path / "record", "processes") == [{"2"}, {"2"}]
    first, second = records(tmp_path / "record", "picture")
    assert first.isdisjoint(second)
    assert first | second == {path.relative_to(heads).as_posix() for path in heads.glob("*/*.png")}
    for before, after in zip(one["realism"], two["realism"], strict=True):
        assert after["kid"] == pytest.approx(before["kid"], rel=1e-3)
        assert after["fid"] == pytest.approx(before["fid"], rel=1e-3)


@pytest.mark.slow
def test_cast_back_runs_on_real_stages(weights, tmp_path):
    stages = load_stages(weights, "cpu")
    photos = fakes.photos(tmp_path / "photos", each=1)
    gallery, _ = build_gallery(photos, stages.embedder, fakes.PatchDetector())
    gallery.save(tmp_path / "gallery")
    (tmp_path / "ink").mkdir()
    draw_face(256).save(tmp_path / "ink" / "Ada.png")
    fakes.page().save(tmp_path / "ink" / "Ben.png")
    main(["--weights", str(weights), "--gallery", str(tmp_path / "gallery"),
          "--probes", str(tmp_path / "ink"), "--out", str(tmp_path / "out")])  # fmt: skip
    (everyone, *_) = json.loads((tmp_path / "out/evaluation.json").read_text())["castback"]
    assert (everyone["number"], everyone["not_found"], everyone["people"]) == (2, 1, 5)
    assert 0 <= everyone["direct"][0] <= everyone["direct"][1] == 1, (
        "five people: the face found is in the top 5"
    )
