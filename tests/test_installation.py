"""What a missing extra tells to type, by how mien was installed; and what the extras hold."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest

from mien import MissingExtraError
from mien.core import installation
from mien.core.installation import install_command

ROOT = Path(__file__).parents[1]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]["optional-dependencies"]


def source(folder: Path) -> Path:
    (folder / "src/mien").mkdir(parents=True)
    (folder / "src/mien/__init__.py").touch()
    (folder / "pyproject.toml").touch()
    return folder


def installed(monkeypatch: pytest.MonkeyPatch, told: dict[str, object] | None) -> None:
    """As if mien were in site-packages, where pip wrote down what it was installed from."""
    text = None if told is None else json.dumps(told)
    monkeypatch.setattr(installation, "_TREE", Path("/nowhere"))
    monkeypatch.setattr(
        installation, "distribution", lambda _: type("Dist", (), {"read_text": lambda _, name: text})()
    )


def test_in_a_checkout_it_is_the_one_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(ROOT)
    assert install_command("haar") == "pip install '.[haar]'"
    assert str(MissingExtraError("Haar cascades", "haar", "cv2")).endswith(": pip install '.[haar]'")
    monkeypatch.chdir(tmp_path)
    assert install_command("haar") == f"pip install '{ROOT.resolve()}[haar]'"


def test_installed_from_a_folder_it_is_that_one_while_it_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tree = source(tmp_path / "my mien")
    installed(monkeypatch, {"url": tree.as_uri(), "dir_info": {}})
    assert install_command("train") == f"pip install '{tree}[train]'"
    monkeypatch.chdir(tree)
    assert install_command("train") == "pip install '.[train]'"
    (tree / "pyproject.toml").unlink()
    assert install_command("train") == "pip install 'mien[train]'"


def test_installed_from_a_wheel_it_is_that_one_while_it_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before mien is on an index, and where another package has its name there."""
    wheel = tmp_path / "mien-0.2.0-py3-none-any.whl"
    wheel.touch()
    installed(monkeypatch, {"url": wheel.as_uri(), "archive_info": {}})
    assert install_command("train") == f"pip install '{wheel}[train]'"
    wheel.unlink()
    assert install_command("train") == "pip install 'mien[train]'"


@pytest.mark.parametrize(
    "told", [None, {"url": "https://example.org/mien.git", "vcs_info": {"vcs": "git"}}, {"url": 3}]
)
def test_of_a_release_it_is_the_index(
    told: dict[str, object] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, told)
    assert install_command("train") == "pip install 'mien[train]'"


def named(extra: str) -> set[str]:
    """Extras that an extra takes in."""
    return {
        name.strip()
        for line in EXTRAS[extra]
        if (found := re.fullmatch(r"mien\[(.+)\]", line))
        for name in found[1].split(",")
    }


def test_all_is_all_that_users_need() -> None:
    assert named("all") == set(EXTRAS) - {"all", "dev", "tests"}


def test_the_notebooks_extra_has_all_that_they_import() -> None:
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in ROOT.glob("docs/notebooks/*.ipynb")]
    assert len(notebooks) >= 6
    sources = [
        "".join(cell["source"]) for each in notebooks for cell in each["cells"] if cell["cell_type"] == "code"
    ]
    code = "\n".join(source for source in sources if not source.startswith("%%"))
    tops = {
        (node.module if isinstance(node, ast.ImportFrom) else name.name).split(".")[0]
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    needs = {
        "IPython": "jupyterlab",
        "PIL": "",
        "matplotlib": "evaluate",
        "mien": "",
        "numpy": "",
        "pandas": "pandas",
        "skimage": "scikit-image",
    }
    there = " ".join(EXTRAS["notebook"])
    for package in tops - set(sys.stdlib_module_names):
        assert needs[package] in there, package
    parts = set(re.findall(r"mien\.(training|explain|evaluation)", code))
    assert {{"training": "train", "evaluation": "evaluate"}.get(part, part) for part in parts} <= named(
        "notebook"
    )
