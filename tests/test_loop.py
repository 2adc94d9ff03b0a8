import json
import multiprocessing
import random
import signal
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn
from torch.utils.data import Dataset

from tests.small_run import STEPS, Noise, run, small_config, small_recipe, timed_run
from training import loop
from training.checkpoints import newest, read_checkpoint, write_aside
from training.loop import LoopConfig, Recipe, Share, made_by, shuffled, train
from webcast.errors import WebcastError


@pytest.fixture(autouse=True)
def fresh_accelerator():
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


class Numbers(Dataset):
    """Sample `n` is (n, 2n + 1), scaled down."""

    def __getitem__(self, number):
        x = torch.tensor([number / 100.0])
        return {"x": x, "y": 2 * x + 1}


class Line(Recipe):
    """A line through points, with noise from all three sources of random numbers."""

    averaged = ("line",)

    def __init__(self):
        torch.manual_seed(0)
        self.networks = {"line": nn.Linear(1, 1)}
        self.optimizers = {"line": torch.optim.Adam(self.networks["line"].parameters(), 0.1)}
        self.noise, self.seen, self.rates = 0.0, [], []

    def step(self, batch, accelerator):
        self.seen.append(batch["x"].flatten().tolist())
        self.rates.append(self.optimizers["line"].param_groups[0]["lr"])
        self.noise = random.random() + np.random.rand() + torch.rand(()).item()
        loss = (self.networks["line"](batch["x"]) - batch["y"]).square().mean()
        accelerator.backward(loss)
        self.optimizers["line"].step()
        self.optimizers["line"].zero_grad()
        return {"loss": loss.detach()}

    def rate(self, step, max_steps):
        return 1 / step

    def state(self):
        return {"noise": self.noise}

    def restore(self, state, device):
        self.noise = state["noise"]

    def export(self, networks, folder):
        folder.mkdir(exist_ok=True)
        (folder / "weight.txt").write_text(str(networks["line"].weight.item()))

    def picture(self, networks):
        return np.full((4, 4, 3), 7, np.uint8)


def config_of(folder, **changed):
    settings = {"max_steps": 7, "batch_size": 4, "workers": 0, "save_every": 3, "log_every": 1} | changed
    return LoopConfig(output_dir=str(folder), recipe={"name": "line"}, **({"trackers": ()} | settings))


def same(a, b):
    """Deep equality of containers, numbers and tensors, to the last bit."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def test_a_run_leaves_config_losses_pictures_weights_and_the_newest_checkpoints(tmp_path):
    recipe = Line()
    train(recipe, Numbers(), config_of(tmp_path))
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["processes"] == 1
    assert config["recipe"] == {"name": "line"}
    lines = [json.loads(line) for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert all(0 < line["loss"] < 1 for line in lines)
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == [
        "step-00000006.pt",
        "step-00000007.pt",
    ]
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir())[0] == "step-00000003.png"
    average = read_checkpoint(newest(tmp_path))["averages"]["line"]["module.weight"].item()
    assert float((tmp_path / "export/weight.txt").read_text()) == average
    assert recipe.rates == pytest.approx([0.1 / step for step in range(1, 8)])


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path):
    train(Line(), Numbers(), config_of(tmp_path / "whole"))
    train(Line(), Numbers(), config_of(tmp_path / "parts", max_steps=3))
    random.seed(99), np.random.seed(99), torch.manual_seed(99)
    train(Line(), Numbers(), config_of(tmp_path / "parts"), resume=True)
    ends = [read_checkpoint(newest(tmp_path / name)) for name in ("whole", "parts")]
    assert ends[0]["step"] == 7
    assert ends[0]["recipe"]["noise"] > 0
    assert same(*ends)
    curves = [(tmp_path / name / "losses.jsonl").read_text() for name in ("whole", "parts")]
    assert curves[0] == curves[1]


def test_the_pool_of_older_fakes_is_resumed_too(tmp_path):
    train(small_recipe(), Noise(), small_config(tmp_path / "whole", max_steps=8))
    train(small_recipe(), Noise(), small_config(tmp_path / "parts", max_steps=8, save_every=5), resume=True)
    (tmp_path / "parts/checkpoints/step-00000008.pt").unlink()
    train(small_recipe(), Noise(), small_config(tmp_path / "parts", max_steps=8), resume=True)
    ends = [read_checkpoint(newest(tmp_path / name)) for name in ("whole", "parts")]
    assert len(ends[0]["recipe"]["a"]["fakes"]) == 4
    assert same(*ends)


def test_lines_of_steps_taken_again_are_dropped(tmp_path):
    train(Line(), Numbers(), config_of(tmp_path, max_steps=4, keep=9))
    (tmp_path / "checkpoints/step-00000004.pt").unlink()
    with (tmp_path / "losses.jsonl").open("a") as file:
        file.write('{"step": 5, "lo')
    train(Line(), Numbers(), config_of(tmp_path, max_steps=4), resume=True)
    lines = [json.loads(line)["step"] for line in (tmp_path / "losses.jsonl").read_text().splitlines()]
    assert lines == [1, 2, 3, 4]


def test_another_config_is_refused_with_the_difference(tmp_path):
    train(Line(), Numbers(), config_of(tmp_path, max_steps=3))
    before = (tmp_path / "config.json").read_text()
    changed = replace(config_of(tmp_path, batch_size=8), recipe={"name": "curve"})
    with pytest.raises(WebcastError, match=r"batch_size: 4 -> 8; recipe.name: 'line' -> 'curve'"):
        train(Line(), Numbers(), changed, resume=True)
    assert (tmp_path / "config.json").read_text() == before


def test_a_run_is_not_written_over(tmp_path):
    train(Line(), Numbers(), config_of(tmp_path, max_steps=3))
    with pytest.raises(WebcastError, match="--resume latest"):
        train(Line(), Numbers(), config_of(tmp_path))


def test_resume_without_a_checkpoint_starts_from_the_beginning(tmp_path):
    recipe = Line()
    train(recipe, Numbers(), config_of(tmp_path, max_steps=1), resume=True)
    assert recipe.seen == [pytest.approx([0.0, 0.01, 0.02, 0.03])]


def test_accumulated_parts_give_the_step_of_the_whole_batch(tmp_path):
    whole, parts = Line(), Line()
    train(whole, Numbers(), config_of(tmp_path / "whole"))
    AcceleratorState._reset_state(reset_partial_state=True)
    train(parts, Numbers(), config_of(tmp_path / "parts", accumulate=2))
    assert len(parts.seen) == 14
    assert [*chain(*parts.seen)] == pytest.approx([*chain(*whole.seen)])
    torch.testing.assert_close(parts.networks["line"].weight, whole.networks["line"].weight)
    curves = [(tmp_path / n / "losses.jsonl").read_text().splitlines()[-1] for n in ("whole", "parts")]
    assert json.loads(curves[0])["loss"] == pytest.approx(json.loads(curves[1])["loss"], abs=2e-5)


def test_the_average_follows_the_network_slowly(tmp_path):
    recipe = Line()
    train(recipe, Numbers(), config_of(tmp_path, max_steps=1, ema_decay=0.9))
    first = recipe.networks["line"].weight.item()
    train(recipe_two := Line(), Numbers(), config_of(tmp_path, max_steps=2, ema_decay=0.9), resume=True)
    second = recipe_two.networks["line"].weight.item()
    average = float((tmp_path / "export/weight.txt").read_text())
    assert average == pytest.approx(0.9 * first + 0.1 * second)
    assert first != second


def test_mixed_precision_trains_in_bfloat16(tmp_path):
    class Watching(Line):
        def step(self, batch, accelerator):
            self.kind = Accelerator().mixed_precision
            self.inner = []
            hook = self.networks["line"].register_forward_hook(lambda m, i, o: self.inner.append(o.dtype))
            losses = super().step(batch, accelerator)
            hook.remove()
            return losses

    recipe = Watching()
    train(recipe, Numbers(), config_of(tmp_path, mixed_precision="bf16"))
    assert recipe.kind == "bf16"
    assert recipe.networks["line"].weight.dtype == torch.float32
    exact = Line()
    AcceleratorState._reset_state(reset_partial_state=True)
    train(exact, Numbers(), config_of(tmp_path / "exact"))
    difference = (recipe.networks["line"].weight - exact.networks["line"].weight).abs().item()
    assert 0 < difference < 0.05


def test_tensorboard_has_the_losses_and_the_pictures(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(Line(), Numbers(), config_of(tmp_path, trackers=("tensorboard",)))
    [events] = [p.parent for p in (tmp_path / "webcast").glob("events*")]
    read = EventAccumulator(str(events)).Reload()
    assert [event.step for event in read.Scalars("loss")] == [1, 2, 3, 4, 5, 6, 7]
    assert [event.step for event in read.Images("pictures")] == [3, 6, 7]


@pytest.mark.slow
def test_compiled_networks_train_as_the_others_do(tmp_path):
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    ends = []
    for compiled in (False, True):
        AcceleratorState._reset_state(reset_partial_state=True)
        recipe = Line()
        train(recipe, Numbers(), config_of(tmp_path / str(compiled), compile=compiled))
        ends.append(recipe.networks["line"].weight.detach())
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
    torch.testing.assert_close(*ends)


def test_a_tracker_that_is_not_installed_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "get_available_trackers", list)
    with pytest.raises(WebcastError, match="pip install wandb"):
        train(Line(), Numbers(), config_of(tmp_path, trackers=("wandb",)))


def test_an_unknown_tracker_is_refused(tmp_path):
    with pytest.raises(WebcastError, match=r"choose from .*tensorboard"):
        train(Line(), Numbers(), config_of(tmp_path, trackers=("abacus",)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU can do fp16")
def test_fp16_without_a_gpu_is_refused(tmp_path):
    with pytest.raises(WebcastError, match="bf16"):
        train(Line(), Numbers(), config_of(tmp_path, mixed_precision="fp16"))


def test_processes_and_parts_share_every_step_without_overlap():
    takes = [Share(first=5, batch_size=12, accumulate=2, process=p, processes=3) for p in range(3)]
    parts = [iter(take) for take in takes]
    shares = [next(part) + next(part) for part in parts]
    assert shares == [[60, 61, 66, 67], [62, 63, 68, 69], [64, 65, 70, 71]]
    assert [next(part)[0] for part in parts] == [72, 74, 76]


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(WebcastError, match="multiple of 6"):
        Share(first=0, batch_size=9, accumulate=2, process=0, processes=3)


def test_every_item_comes_once_an_epoch_in_an_order_of_its_own():
    epochs = [[shuffled(5, 3, n) for n in range(start, start + 5)] for start in (0, 5, 10)]
    assert [sorted(epoch) for epoch in epochs] == [[0, 1, 2, 3, 4]] * 3
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    def fail(file):
        file.write(b"half")
        raise OSError("disk full")

    path = tmp_path / "file"
    write_aside(path, lambda file: file.write(b"whole"))
    with pytest.raises(OSError, match="disk full"):
        write_aside(path, fail)
    assert path.read_bytes() == b"whole"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_killed_ten_times_ends_with_the_weights_of_an_uninterrupted_one(tmp_path):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.small_run"])

    def finish(target, *arguments):
        process = context.Process(target=target, args=arguments)
        process.start()
        process.join()
        return process.exitcode

    assert finish(timed_run, tmp_path / "whole") == 0
    seconds = float((tmp_path / "whole/seconds.txt").read_text())
    draw = random.Random(0)
    killed, left = [], []
    for where in ("write", "rename", "prune"):
        killed.append(finish(run, tmp_path / "killed", where, 2))
        left.append(sorted(path.stem for path in (tmp_path / "killed/checkpoints").iterdir()))
    assert left == [
        ["partial-step-00000006", "step-00000003"],
        ["partial-step-00000009", "step-00000003", "step-00000006"],
        ["step-00000006", "step-00000009", "step-00000012"],
    ]
    moments = [draw.uniform(0, seconds / 8) for _ in range(7)]
    killed += [finish(run, tmp_path / "killed", "time", moment) for moment in moments]
    assert killed == [-signal.SIGKILL] * 10
    assert finish(run, tmp_path / "killed") == 0
    ends = [read_checkpoint(newest(tmp_path / name)) for name in ("whole", "killed")]
    assert ends[0]["step"] == STEPS
    assert same(*ends)


def test_a_picture_is_made_where_the_network_lies():
    """On a GPU the averages of a run lie there, and a recipe shows samples that lie on the CPU."""

    class Elsewhere(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(1, device="meta"))

        def forward(self, batch):
            assert batch.device.type == "meta"
            return torch.ones(2)

    batch = torch.zeros(2)
    assert made_by(Elsewhere(), batch).tolist() == [1, 1]
    assert made_by(Elsewhere(), batch, lambda network, x: network(x) * 2).tolist() == [2, 2]
