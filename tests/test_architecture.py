"""The import rule, read from the source: every module imports from layers below its own.

The app lies in `webcast/app`: it alone imports gradio, and nothing of webcast imports it.
"""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = (
    {"types", "errors", "korean", "fonts"},
    {"images", "main_faces", "networks", "photos", "words", "labels", "opencv", "parts", "pdf_process"},
    {"weights", "tensors", "dataset", "markup", "unpack", "align", "heads", "episode", "pdf"},
    {"appearance"},
    {"detect", "upscale", "realize", "embed", "gallery", "vote", "sheet"},
    {"intake", "looks", "selection", "ensemble", "occlusion"},
    {"characters"},
    {"edits", "casting"},
    {"episode_words"},
    {"share_card"},
    {"episode_markup"},
    {"episode_sheet"},
    {"hub", "caster", "published_detectors"},
    {"build"},
    {"compare"},
    {"__init__", "__main__"},
    {"app"},
)
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}
NEVER = {"accelerate", "training", "mediapipe"}
OF_THE_APP = {"gradio", "gradio_client", "spaces"}
WITHOUT_TORCH = {
    "types", "errors", "images", "photos", "words", "dataset", "markup", "unpack", "gallery", "vote", "sheet",
    "hub", "__init__", "__main__", "align", "opencv", "labels", "parts", "heads",
    "episode", "intake", "looks", "characters", "selection", "ensemble", "edits", "casting", "occlusion",
    "korean", "fonts", "pdf", "pdf_process", "episode_words", "share_card", "episode_markup", "episode_sheet",
}  # fmt: skip
SOURCES = sorted((ROOT / "webcast").rglob("*.py"))


def name_of(path: Path) -> str:
    """The module directly below webcast that a file belongs to; `networks` is one."""
    return path.relative_to(ROOT / "webcast").parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    """Every module that a file imports, inside functions too, as dotted names."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            # `from webcast import gallery` imports webcast.gallery
            inner = [f"webcast.{alias.name}" for alias in node.names] if node.module == "webcast" else []
            found += inner or [node.module]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_point_one_way(path):
    module = name_of(path)
    assert module in RANK, f"give webcast.{module} a layer in {Path(__file__).name}"
    for imported in imports(path):
        package, _, inner = imported.partition(".")
        assert package not in NEVER, f"webcast.{module} imports {imported}"
        assert module == "app" or package not in OF_THE_APP, f"webcast.{module} imports {imported}"
        target = inner.partition(".")[0]
        if package == "webcast" and target != module:
            assert RANK[target] < RANK[module], f"webcast.{module} imports {imported}, which is not below it"


def test_a_page_of_the_app_imports_no_other_page():
    users = [path for path in (ROOT / "webcast" / "app").rglob("*.py") if path.name != "launch.py"]
    assert len(users) > 10
    for path in users:
        assert not [
            name for name in imports(path) if name.startswith(("webcast.app.pages", "webcast.app.launch"))
        ]


@pytest.mark.parametrize("module", sorted(WITHOUT_TORCH))
def test_what_needs_no_torch_imports_none(module):
    for imported in imports(ROOT / "webcast" / f"{module}.py"):
        assert imported.partition(".")[0] not in {"torch", "torchvision"}


def test_the_command_line_needs_tqdm_alone():
    packages = {imported.partition(".")[0] for imported in imports(ROOT / "webcast" / "__main__.py")}
    assert packages - set(sys.stdlib_module_names) == {"webcast", "tqdm"}


def test_only_hub_and_cards_import_huggingface_hub():
    users = {
        name_of(path)
        for path in SOURCES
        for imported in imports(path)
        if imported.startswith("huggingface_hub")
    }
    assert users == {"hub", "dataset"}, "dataset reads and writes cards; only hub talks to the Hub"


def test_each_layer_names_modules_that_exist():
    assert set(RANK) == {name_of(path) for path in SOURCES}
