"""The house: which way imports point, what importing costs, what is public."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mien

SOURCE = Path(mien.__file__).parent

# A module may import from its own floor and from those below, never from above.
FLOORS = [
    {"masking", "telemetry", "environment", "errors", "labels", "boxes", "faces", "names", "faults", "spacing"},
    {"files", "output_names", "scratch", "crops", "portrait", "onnx_file", "card", "runtime", "networks", "media", "hooks"},
    {
        "frame_result",
        "reading",
        "tables",
        "draw",
        "blur",
        "corruptions",
        "detect",
        "classify",
        "data",
        "metrics",
        "models",
        "smooth",
        "track",
        "journal",
        "overview",
        "timeline",
        "subtitles",
        "elan",
        "sentiment",
        "clips",
        "aggregate",
        "keypoints",
        "triggers",
    },
    {"pipeline", "session"},
    {
        "sighting",
        "watching",
        "recordings",
        "analysis",
        "annotate",
        "cutouts",
        "outputs",
        "report",
        "doctor",
        "evaluate",
        "explain",
        "reproduce",
        "score",
        "train",
        "audience",
        "acting",
        "batch",
    },
    {"cli", "compat", "serve", "__init__", "__main__"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}


def _room(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return parts[0]


def _imports(path: Path) -> set[str]:
    """Rooms of mien that a file imports, also inside functions; those only for type checkers left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        id(inner) for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" for inner in ast.walk(node)
    }
    rooms = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in hidden and node.module and node.module.split(".")[0] == "mien":
            parts = node.module.split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name if alias.name in FLOOR else "" for alias in node.names} - {""}
    return rooms


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    room = _room(path)
    assert room in FLOOR, f"{room} has no floor yet: give it one above"
    wrong = {other for other in _imports(path) if FLOOR[other] > FLOOR[room]}
    assert not wrong, f"{path.name} on floor {FLOOR[room]} imports {wrong} from above"


@pytest.mark.parametrize(
    ("package", "homes"),
    [
        ("cv2", {"detect/haar.py"}),
        ("onnxruntime", set()),  # See also test_telemetry.py: `runtime.onnx_runtime` is the one import, by name.
        ("pandas", {"compat/fer/rows.py", "compat/fer/video.py", "reading.py"}),
        ("polars", {"batch/tables.py", "data/parquet.py", "tables/parquet.py"}),
        ("pympi", {"elan.py"}),
        ("ray", {"batch/cluster.py"}),
        ("fsspec", {"batch/remote.py"}),
        ("paho", {"hooks/mqtt.py"}),
        ("mss", {"media/live/screen.py"}),
        ("jinja2", {"audience/report.py", "evaluate/report.py", "report/page.py"}),
    ],
)
def test_heavy_packages_have_one_home(package: str, homes: set[str]) -> None:
    users = {
        str(path.relative_to(SOURCE))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == package for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package)
    }
    assert users <= homes


def _calls(path: Path) -> set[str]:
    """What a file calls, as it is written there: ``print``, ``csv.writer``."""
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)}


def test_text_for_terminals_goes_through_one_door() -> None:
    """What comes from outside must not be read as markup, nor reach a terminal that would obey it."""
    for path in [path for path in FILES if _room(path) == "cli" and path.name != "console.py"]:
        text = path.read_text(encoding="utf-8")
        assert not _calls(path) & {"print", "sys.stdout.write", "sys.stderr.write", "typer.echo", "Text.from_markup", "TextColumn"}, path
        assert not re.search(r"from rich.(console import .*\bConsole\b|markup)", text), path
        assert "markup=True" not in text, path


def test_tables_of_csv_go_through_one_door() -> None:
    """Text that spreadsheets take for formulas: `mien.tables.cells`. The others write numbers, or the form of another package."""
    homes = {"tables/cells.py", "compat/fer/rows.py", "data/class_folders.py", "train/keeper.py", "batch/verdict.py"}
    users = {str(path.relative_to(SOURCE)) for path in FILES if _calls(path) & {"csv.writer", "csv.DictWriter"}}
    assert users <= homes


def _loaded_by(statement: str) -> set[str]:
    program = f"import sys; before = set(sys.modules); {statement}; print(*sorted(set(sys.modules) - before))"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    return {name.split(".")[0] for name in out.split()}


def test_importing_mien_loads_nothing_heavy() -> None:
    heavy = {"numpy", "onnxruntime", "av", "torch", "cv2", "PIL", "pydantic", "rich", "typer", "pandas"}
    assert not _loaded_by("import mien") & heavy


def test_a_pipeline_loads_neither_video_nor_training() -> None:
    assert not _loaded_by("import mien; mien.Pipeline()") & {"av", "torch", "cv2", "pandas", "polars", "onnx"}


def test_public_names_are_there_and_sorted() -> None:
    assert mien.__all__ == sorted(mien.__all__)
    for name in mien.__all__:
        assert getattr(mien, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        mien.analyse  # noqa: B018


def test_version_is_that_of_the_package() -> None:
    from importlib.metadata import version

    assert mien.__version__ == version("mien")


def test_files_stay_small() -> None:
    crowded = {str(path.relative_to(SOURCE)): lines for path in FILES if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500}
    assert not crowded
