"""The architecture: which way imports point, what importing costs, what is public."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import mien

ROOT = Path(__file__).parents[1]
SOURCE = Path(mien.__file__).parent

FILES = sorted(SOURCE.rglob("*.py"))


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imports(path: Path) -> set[str]:
    """Packages that a file imports anywhere."""
    nodes = list(ast.walk(_parsed(path)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


@pytest.mark.integration
def test_imports_keep_the_contract() -> None:
    """``.importlinter`` says which package may import which, and that nothing imports in a circle."""
    ran = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    ("package", "homes"),
    [
        ("cv2", {"inference/detectors/haar.py"}),
        (
            "onnxruntime",
            set(),
        ),  # See also test_telemetry.py: `onnx_session.onnx_runtime` is the one import, by name.
        ("pandas", {"compat/fer/rows.py", "compat/fer/video.py", "video/results.py"}),
        ("polars", {"batch/parquet.py", "data/parquet.py", "outputs/tables/parquet.py"}),
        ("pympi", {"events/elan.py", "outputs/elan.py"}),
        ("praatio", {"events/textgrid.py", "outputs/textgrid.py"}),
        ("xlsxwriter", {"outputs/tables/workbook.py"}),
        ("ray", {"batch/ray_pool.py"}),
        ("fsspec", {"batch/remote.py"}),
        ("paho", {"rules/actions/mqtt.py"}),
        ("mss", {"media/live/screen.py"}),
        ("matplotlib", {"plotting/style.py"}),
        ("jinja2", {"reports/page.py"}),
    ],
)
def test_heavy_packages_have_one_home(package: str, homes: set[str]) -> None:
    naming = [path for path in FILES if re.search(rf"\b{package}\b", path.read_text(encoding="utf-8"))]
    assert {str(path.relative_to(SOURCE)) for path in naming if package in _imports(path)} <= homes


def test_a_class_name_stands_for_one_class() -> None:
    named = Counter(
        node.name
        for path in FILES
        for node in _parsed(path).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in named.items() if count > 1] == []


@cache
def _calls(path: Path) -> set[str]:
    """What a file calls, as it is written there: ``print``, ``csv.writer``."""
    return {ast.unparse(node.func) for node in ast.walk(_parsed(path)) if isinstance(node, ast.Call)}


def test_text_for_terminals_goes_through_one_door() -> None:
    """What comes from outside must not be read as markup, nor reach a terminal that would obey it."""
    for path in [path for path in FILES if path.is_relative_to(SOURCE / "cli") and path.name != "console.py"]:
        text = path.read_text(encoding="utf-8")
        assert not _calls(path) & {
            "print",
            "sys.stdout.write",
            "sys.stderr.write",
            "typer.echo",
            "Text.from_markup",
            "TextColumn",
        }, path
        assert not re.search(r"from rich.(console import .*\bConsole\b|markup)", text), path
        assert "markup=True" not in text, path


def test_tables_of_csv_go_through_one_door() -> None:
    """Text that spreadsheets take for formulas: `mien.core.csv_cells`. The others write numbers, or the
    form of another package.
    """
    homes = {
        "core/csv_cells.py",
        "compat/fer/rows.py",
        "training/callbacks.py",
        "batch/summary.py",
    }
    users = {
        str(path.relative_to(SOURCE)) for path in FILES if _calls(path) & {"csv.writer", "csv.DictWriter"}
    }
    assert users <= homes


def _loaded_by(statement: str) -> set[str]:
    program = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return {name.split(".")[0] for name in out.split()}


@pytest.mark.integration
def test_importing_mien_loads_nothing_heavy() -> None:
    heavy = {"numpy", "onnxruntime", "av", "torch", "cv2", "PIL", "pydantic", "rich", "typer", "pandas"}
    assert not _loaded_by("import mien") & heavy


@pytest.mark.integration
def test_the_commands_wait_for_nothing_that_only_work_needs() -> None:
    """So that `mien --help` and `mien --version` come at once."""
    heavy = {"numpy", "onnxruntime", "av", "torch", "cv2", "PIL", "pydantic", "pandas", "polars"}
    assert not _loaded_by("import mien.cli.app") & heavy


@pytest.mark.integration
def test_a_pipeline_loads_neither_video_nor_training() -> None:
    assert not _loaded_by("import mien; mien.Pipeline()") & {"av", "torch", "cv2", "pandas", "polars", "onnx"}


def test_public_names_are_there_and_sorted() -> None:
    # Constants, classes, functions, as ruff sorts them.
    assert mien.__all__ == sorted(mien.__all__, key=lambda name: (not name.isupper(), name.islower(), name))
    for name in mien.__all__:
        assert getattr(mien, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        mien.analyse  # noqa: B018


def test_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert mien.__version__ == version("mien")


def test_files_stay_small() -> None:
    crowded = {
        str(path.relative_to(SOURCE)): lines
        for path in FILES
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert not crowded


def _ways() -> dict[str, list[list[tuple[str, str]]]]:
    """The ways through the code of docs/architecture.md: of each step the files and functions that it names."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.split("## Four ways through the code")[1].split("\n## ")[0]
    found: dict[str, list[list[tuple[str, str]]]] = {}
    for part in re.split(r"^\*\*", section, flags=re.M)[1:]:
        steps = re.split(r"^\d\. ", part, flags=re.M)
        found[steps[0].split(".")[0]] = [re.findall(r"`([\w/]+\.py): ([\w.]+)`", step) for step in steps[1:]]
    return found


def _defined(path: Path) -> set[str]:
    """Functions, classes and methods of a file: ``Session``, ``Session.read``."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            inner = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
            names |= {f"{node.name}.{part.name}" for part in inner}
    return names


def _height(package: str) -> int:
    """How far down a package lies; those of one line of ``.importlinter`` alike."""
    text = (ROOT / ".importlinter").read_text(encoding="utf-8")
    lines = text.split("layers =\n", 1)[1].split("\n\n", 1)[0].splitlines()
    [place] = [number for number, line in enumerate(lines) if package in line.replace(":", " ").split()]
    return place


def test_ways_through_the_code_are_as_the_page_says() -> None:
    ways = _ways()
    assert len(ways) == 4
    for way, steps in ways.items():
        assert 4 <= len(steps) <= 8, way
        for step in steps:
            assert step, way
            for file, name in step:
                assert name in _defined(SOURCE / file), f"{way}: {file} has no {name}"


def test_no_step_of_a_way_goes_back_up() -> None:
    """Each lies at or below an earlier one, which can call it, and no file is passed twice."""
    for way, steps in _ways().items():
        files = [step[0][0] for step in steps]
        heights = [_height(file.split("/")[0]) for file in files]
        assert all(height >= min(heights[:place]) for place, height in enumerate(heights) if place), way
        assert len(set(files)) == len(files), way
