"""Nothing is reported to anybody: ONNX Runtime is told before it is imported, by the one place that
imports it.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOME = ROOT / "src" / "mien" / "inference" / "onnx_session.py"
_LOADERS = {"import_module", "__import__", "importorskip", "find_spec"}
_PROGRAM = re.compile(r"(?:^|[;\n])\s*(?:from\s+onnxruntime|import\s[\w., ]*\bonnxruntime\b)")
"""An import in a text that is run as a program."""


def imports_of_onnx_runtime(source: str) -> Iterator[int]:
    """Lines of a program that import it: statements, calls, and programs in strings."""
    if "onnxruntime" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [
                part.value
                for arg in node.args
                for part in ast.walk(arg)
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            ]
            names = texts if called in _LOADERS else []
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _PROGRAM.search(node.value):
            names = ["onnxruntime"]
        if any(name.split(".")[0] == "onnxruntime" for name in names):
            yield node.lineno  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "program",
    [
        "import numpy, onnxruntime",
        "import onnxruntime.quantization as q",
        "def f():\n    from onnxruntime.quantization import quantize_static",
        "import_module('onnxruntime')",
        "importlib.import_module(f'onnxruntime.{part}')",
        "pytest.importorskip('onnxruntime')",
        "RUN = 'import sys; import numpy, onnxruntime'",
    ],
)
def test_imports_are_seen(program: str) -> None:
    assert list(imports_of_onnx_runtime(program))


def test_one_place_imports_onnx_runtime() -> None:
    """Wherever else it were imported, it would not have been told."""
    files = [
        path for part in ("src", "tests", "benchmarks", "demo") for path in (ROOT / part).rglob("*.py")
    ] + list(ROOT.glob("build_tools/*.py"))
    found = {
        (path, line)
        for path in files
        if path != Path(__file__)
        and ".peers" not in path.parts  # Packages of others, where they were installed.
        for line in imports_of_onnx_runtime(path.read_text(encoding="utf-8"))
    }
    assert len(found) == 1, found
    [(path, line)] = found
    assert path == HOME
    assert "silence()" in HOME.read_text(encoding="utf-8").splitlines()[line - 2]


def _in_fresh_process(program: str, **variables: str) -> str:
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | variables
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
    ).stdout


@pytest.mark.integration
@pytest.mark.parametrize("said", [{}, {"ORT_DISABLE_TELEMETRY": "0"}, {"ORT_DISABLE_TELEMETRY": ""}])
def test_importing_mien_tells_it_and_every_process_that_is_started(said: dict[str, str]) -> None:
    program = "import mien, os, subprocess, sys; subprocess.run([sys.executable, '-c', 'import os; print(os.environ[\"ORT_DISABLE_TELEMETRY\"])'])"
    assert _in_fresh_process(program, **said) == "1\n"


@pytest.mark.integration
def test_the_doctor_remarks_on_an_import_before_mien() -> None:
    """A stand-in for the library: the real one would report."""
    ask = (
        "import mien; from mien.cli.diagnosis import _telemetry; print(_telemetry().ok, _telemetry().detail)"
    )
    came_first = "import sys, types; sys.modules['onnxruntime'] = types.ModuleType('onnxruntime'); "
    assert _in_fresh_process(ask) == "True off (ORT_DISABLE_TELEMETRY=1)\n"
    remark = _in_fresh_process(came_first + ask)
    assert remark.startswith("None on: onnxruntime was imported before mien")
    assert "import mien first, or set ORT_DISABLE_TELEMETRY=1" in remark
    assert (
        _in_fresh_process(came_first + ask, ORT_DISABLE_TELEMETRY="1")
        == "True off (ORT_DISABLE_TELEMETRY=1)\n"
    )
