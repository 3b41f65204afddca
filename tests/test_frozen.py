"""A program that PyInstaller has frozen gives the answer of the script that it was made of."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien

ROOT = Path(__file__).parents[1]
SCRIPT = """\
import sys
import mien

for path in sys.argv[1:]:
    print([(face.emotion, face.box, face.probs) for face in mien.Pipeline(threads=1)(path)])
"""
LEFT_OUT = (
    "IPython",
    "cv2",
    "hypothesis",
    "jinja2",
    "matplotlib",
    "mss",
    "pandas",
    "polars",
    "scipy",
    "setuptools",
    "torch",
    "watchdog",
)
"""What is installed for other tests and the build; a script that needs none of it leaves it out."""


def test_pyinstaller_is_told_where_the_hook_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["entry-points"]["pyinstaller40"]["hook-dirs"].partition(":")
    [folder] = getattr(import_module(module), name)()
    assert sorted(path.name for path in Path(folder).glob("*.*")) == [
        "__init__.py",
        "hook-mien.py",
        "rthooks.dat",
    ]
    assert (Path(folder) / "rthooks" / "pyi_rth_mien.py").is_file()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_frozen_program_gives_the_same_answer(tmp_path: Path, portrait: np.ndarray) -> None:
    pytest.importorskip("PyInstaller")
    (tmp_path / "read_faces.py").write_text(SCRIPT)
    image = np.full((1600, 1600, 3), 128, np.uint8)
    image[200:440, 300:540] = portrait
    Image.fromarray(portrait).save(tmp_path / "face.png")
    Image.fromarray(image).save(
        tmp_path / "large.jp2"
    )  # Which may take long, so that a program of mien's decodes it.
    hooks = Path(mien.__file__).parent / "__pyinstaller"
    command = [
        sys.executable,
        "-m",
        "PyInstaller",
        "--log-level",
        "ERROR",
        "--additional-hooks-dir",
        str(hooks),
    ]
    command += [word for name in LEFT_OUT for word in ("--exclude-module", name)]
    home = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    frozen = subprocess.run(
        [*command, "read_faces.py"],
        cwd=tmp_path,
        env={**home, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert frozen.returncode == 0, frozen.stderr
    program = tmp_path / "dist" / "read_faces" / "read_faces"
    told = [
        subprocess.run(
            [*start, "face.png", "large.jp2"], cwd=tmp_path, capture_output=True, text=True, env=env
        )
        for start, env in (
            ([str(program)], home),
            (
                [sys.executable, "read_faces.py"],
                {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            ),
        )
    ]
    assert [done.returncode for done in told] == [0, 0], told
    assert told[0].stdout == told[1].stdout
    assert told[0].stdout.count("happy") >= 2
