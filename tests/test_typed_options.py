"""A typo in an option is an error of types: mypy sees it before anything runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import mien

pytestmark = pytest.mark.slow

RIGHT = """
import io
from pathlib import Path
import numpy as np
from PIL import Image
import mien

pipeline = mien.Pipeline("blaze", "small", tta="flip", device="cpu", min_face=30)
one: mien.Faces = pipeline("a.jpg")
one = pipeline(Path("a.jpg"), channels="bgr")
one = pipeline(b"...")
one = pipeline(io.BytesIO(b"..."))
one = pipeline(Image.new("L", (4, 4)))
one = pipeline(np.zeros((4, 4, 3), np.uint8))
one = pipeline(mien.Frame(0, 0.0, np.zeros((4, 4, 3), np.uint8)))
several: list[mien.Faces] = pipeline(["a.jpg", "b.jpg"])
several = pipeline([np.zeros((4, 4), np.uint8)])
first: mien.Faces = next(pipeline(open(name, "rb") for name in ("a.jpg", "b.jpg")))
results: mien.Results = mien.analyze(Path.cwd().glob("*.jpg"), detector="auto", landmarks=True, talking="skip")
results = mien.analyze(["a.jpg", b"...", np.zeros((4, 4, 3), np.uint8)], pipeline=pipeline, channels="bgr")
with open("a.jpg", "rb") as file:
    results = mien.analyze(file, fps=5)
"""

WRONG = """
import mien
pipeline = mien.Pipeline()
mien.Pipeline("mtccn")
mien.Pipeline(tta="tencrop")
mien.Pipeline(device="gpu")
mien.Pipeline(min_fase=30)
mien.Pipeline(min_face="large")
mien.analyze("a.jpg", detector="yolo")
mien.analyze("a.jpg", min_fase=30)
mien.analyze("a.jpg", talking="skipp")
mien.analyze("a.jpg", channels="BGR")
mien.analyze(7)
pipeline("a.jpg", channels="RGB")
pipeline("a.jpg", chanels="rgb")
pipeline(3)
"""

LEFT_OUT = (
    "captum",
    "lightning",
    "matplotlib",
    "mcp",
    "onnx",
    "polars",
    "starlette",
    "torch",
    "torchmetrics",
)
"""Followed by way of what mien loads inside of functions; none of them is in a signature of what is called here."""


def test_mypy_sees_typos(tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    left_out = "".join(f"[mypy-{name}.*]\nfollow_imports = skip\n" for name in LEFT_OUT)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\n{left_out}")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context"]
    command += ["--cache-dir", str(tmp_path / "cache"), "--follow-imports", "silent", "right.py", "wrong.py"]
    home = str(Path(mien.__file__).parents[1])
    done = subprocess.run(
        command, cwd=tmp_path, env={"PATH": "", "MYPYPATH": home}, capture_output=True, text=True, check=False
    )
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    lines = {int(line.split(":")[1]) for line in errors if line.startswith("wrong.py")}
    assert [line for line in errors if not line.startswith("wrong.py")] == [], done.stdout + done.stderr
    assert lines == set(range(4, len(WRONG.splitlines()) + 1)), done.stdout + done.stderr
