"""From two steps of training to a cast by a Space pulled from a Hub: every command as a user runs it."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image, ImageEnhance

from tests.app_server import ROOT, wait_for
from tests.hub_server import Hub, User, serve
from tests.tiny_weights import write_weights
from webcast.detect import draw_face

PEOPLE = {"Ada": ("f", 0.8), "Ben": ("m", 1.0), "하나": ("f", 1.2)}
PULL = """
import json, sys
import datasets, huggingface_hub
people, space, revision, folder = sys.argv[1:]
rows = datasets.load_dataset(people, split="train")
streamed = next(iter(datasets.load_dataset(people, split="train", streaming=True)))
told = {"names": rows["name"][:], "image": type(rows.features["image"]).__name__}
told |= {"size": streamed["image"].size, "vector": len(streamed["embedding"])}
huggingface_hub.snapshot_download(space, repo_type="space", revision=revision, local_dir=folder)
variables = huggingface_hub.HfApi().get_space_variables(space)
print(json.dumps(told | {"variables": {name: told.value for name, told in variables.items()}}))
"""


class Machine:
    """A folder of its own and nothing else: commands run here know the Hub and a home that is new."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        folder.mkdir()
        self.folder = folder
        self.environment = {
            **os.environ,
            "HF_ENDPOINT": hub.endpoint,
            "HF_HOME": str(folder / "home"),
            "HF_TOKEN": "hf_me",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "OMP_NUM_THREADS": "1",
        }

    def run(self, *command: str, checkout: bool = True) -> str:
        """What the command prints, run with the checkout's packages."""
        environment = self.environment | ({"PYTHONPATH": str(ROOT)} if checkout else {})
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-500:]}{done.stderr[-3000:]}"
        return done.stdout.strip()

    def module(self, name: str, *arguments: str) -> str:
        return self.run("-m", name, *arguments)


def write_pictures(folder: Path) -> None:
    """Drawn heads and photos to train on, portraits of three people, what the card says, and a page."""
    noise = np.random.default_rng(0)
    for side in ("drawn", "photos"):
        (folder / side).mkdir()
        for number in range(4):
            pixels = noise.integers(0, 256, (100, 110, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / side / f"{number}.png")
    rows = ["name,gender,source,licence"]
    for name, (gender, light) in PEOPLE.items():
        (folder / "people" / name).mkdir(parents=True)
        portrait = ImageEnhance.Brightness(draw_face(256)).enhance(light)
        portrait.save(folder / "people" / name / "1.png")
        rows.append(f"{name},{gender},drawn by this test,CC0")
    (folder / "people" / "people.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "sources.md").write_text("Noise, made by this test; CC0.")


def train(machine: Machine) -> None:
    small = ["--light", "--size-px", "96", "--channels", "2", "--blocks", "1", "--workers", "0"]
    data = ["--data-a", "drawn", "--data-b", "photos", "--trackers", "", "--log-every", "1"]
    machine.module(
        "training.train", "--recipe", "ugatit", *small, *data, "--output-dir", "run", "--max-steps", "2"
    )


def publish(machine: Machine, hub: Hub) -> tuple[str, str, str]:
    """Measures and publishes everything; the ids of weights, gallery and Space with their commits."""
    base = str(write_weights(machine.folder / "base"))
    realizer = "run/export/drawn-to-photo"
    measured = ["--drawn", "drawn", "--photos", "photos", "--subset", "3", "--features", "embedder"]
    machine.module(
        "training.evaluate", "--weights", base, "--realizer", realizer, *measured, "--out", "measured"
    )
    card = ["--sources", "sources.md", "--numbers", "measured/evaluation.md"]
    weights = machine.module(
        "training.publish", "weights", "me/weights", "--folder", base, "--realizer", realizer, *card
    )
    # From here on the weights are those on the Hub.
    machine.module("webcast", "gallery", "build", "people", "--weights", weights, "--out", "gallery")
    gallery = machine.module("training.publish", "gallery", "me/people", "--folder", "gallery")
    repositories = ["--weights", "me/weights", "--gallery", "me/people"]
    space = machine.module("training.publish", "space", "me/cast", *repositories)
    for told, key in ((weights, "model"), (gallery, "dataset"), (space, "space")):
        name, commit = told.split("@")
        assert hub.repos[key, name].commit == commit
    return weights, gallery, space


def cast(machine: Machine, page: Path) -> tuple[Path, dict]:
    """Starts the app of the machine's folder, and casts the page's largest face over HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}/", machine.folder / "log"
    server = {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    with log.open("w") as written:
        app = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=machine.folder / "space",
            env=machine.environment | server,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(url, app, log)
        client = Client(url, verbose=False, download_files=machine.folder)
        sheet, told = client.predict([handle_file(page)], [0], api_name="/cast")
        return Path(sheet), told
    finally:
        app.terminate()
        app.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_train_publish_delete_everything_pull_and_cast(tmp_path):
    with serve(Hub(tokens={"hf_me": User("me")})) as hub:
        maker = Machine(tmp_path / "maker", hub)
        write_pictures(maker.folder)
        train(maker)
        weights, gallery, space = publish(maker, hub)
        shutil.rmtree(maker.folder)

        fan = Machine(tmp_path / "fan", hub)
        pulled = str(fan.folder / "space")
        told = json.loads(fan.run("-c", PULL, "me/people", *space.split("@"), pulled, checkout=False))
        assert (told["names"], told["image"], told["vector"]) == (list(PEOPLE), "Image", 512)
        assert 0 < max(told["size"]) <= 256
        assert told["variables"] == {"WEBCAST_WEIGHTS": weights, "WEBCAST_GALLERY": gallery}
        fan.environment |= told["variables"]
        page = Image.new("RGB", (400, 500), (200, 220, 240))
        page.paste(draw_face(256), (60, 80))
        page.save(fan.folder / "page.png")
        hub.requests.clear()
        sheet, told = cast(fan, fan.folder / "page.png")

    with Image.open(sheet) as picture:
        assert picture.width > 500
    assert {standing["person"]["name"] for standing in told["standings"]} <= set(PEOPLE)
    assert told["standings"][0]["votes"] >= 1
    commits = [source.split("@")[1] for source in (weights, gallery)]
    sources = told["sources"]
    assert (sources["weights"], sources["weights_revision"]) == ("me/weights", commits[0])
    assert (sources["gallery"], sources["gallery_revision"]) == ("me/people", commits[1])
    assert not any("Hub" in notice or "bundle" in notice for notice in told["notices"])
    assert any("/me/weights/resolve/" in request for request in hub.requests)
