"""Installs the packages in ``dist/`` into empty environments outside of the repository, and uses them there: each of both reads an
image, and each extra is tried without what it brings, and with it in a copy of the wheel's environment. ``make packages`` calls it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
_INSTALL = ("install", "--quiet", "--disable-pip-version-check", "--no-compile")
_OURS = re.compile(r"PYTHON(PATH|HOME)|VIRTUAL_ENV|MIEN_.*")
"""Variables of this environment that another one must not get."""

_SERVE = """
import subprocess, sys, urllib.request
command = [sys.executable, "-m", "mien", "serve", "--port", "0", "--folder", "kept"]
with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
    first = service.stderr.readline()
    if service.poll() is None and "mien serves" in first:
        print(urllib.request.urlopen(first.split()[2] + "healthz", timeout=30).read().decode())
        service.terminate()
    print(first + service.stderr.read(), file=sys.stderr)
sys.exit(service.returncode)
"""
_FRAME = "import mien; print(mien.analyze('portrait.jpg').to_pandas())"
_ASKED = "from mien.client import Client; Client('http://127.0.0.1:9')"
_READS = (
    "import mien; [face] = mien.analyze('portrait.jpg').faces; print(face.emotion, round(face.confidence, 2))"
)


@dataclass(frozen=True)
class Trial:
    """What an extra is for, as a program.

    Args:
        words: What Python is started with; ``mien`` stands for its command.
        heavy: It brings hundreds of megabytes.
        beside: Another extra that the program needs as well, and names first where both are missing.
        tells: Whether mien itself says what is missing.
    """

    words: tuple[str, ...]
    heavy: bool = False
    beside: str = ""
    tells: bool = True


_ADOPTED = ("--labels", "happy,sad,bored", "--colour", "gray", "--mean", "0", "--std", "1", "--pixels", "255")
_ONE_EPOCH = ("mien", "train", "faces", "--set", "epochs=1")
TRIALS = {
    "adopt": Trial(("mien", "models", "adopt", "other.onnx", "-o", "own.onnx", *_ADOPTED)),
    "client": Trial(("-c", _ASKED)),
    "data": Trial(("mien", "analyze", "portrait.jpg", "-o", "rows.parquet")),
    "elan": Trial(("mien", "analyze", "clip.mp4", "-o", "tiers.eaf")),
    "evaluate": Trial(("mien", "evaluate", "nano", "faces", "-o", "page.html")),
    "explain": Trial(
        ("mien", "explain", "nano", "portrait.jpg", "--what", "gradcam", "-o", "seen"), heavy=True
    ),
    "haar": Trial(("mien", "analyze", "portrait.jpg", "--detector", "haar")),
    "heic": Trial(("mien", "analyze", "photo.heic")),
    "lab": Trial(
        ("mien", "watch", "live:clip.mp4", "--outlet", "osc://127.0.0.1:9", "--outlet", "lsl:trial")
    ),
    "mcp": Trial(("mien", "mcp", "--root", ".")),
    "mqtt": Trial(("mien", "rules", "run", "live:clip.mp4", "--rules", "light.toml", "--duration", "1")),
    "notebook": Trial(("-m", "jupyterlab", "--version"), heavy=True, tells=False),
    "pandas": Trial(("-c", _FRAME)),
    "praat": Trial(("mien", "analyze", "clip.mp4", "-o", "tiers.TextGrid")),
    "ray": Trial(
        ("mien", "batch", "faces", "-o", "shards", "--engine", "ray", "--format", "csv"), heavy=True
    ),
    "report": Trial(("mien", "analyze", "clip.mp4", "-o", "report.html")),
    "screen": Trial(("mien", "watch", "screen:", "--duration", "1")),
    "serve": Trial(("-c", _SERVE)),
    "tensorboard": Trial((*_ONE_EPOCH, "--run", "logged", "--tensorboard"), heavy=True, beside="train"),
    "train": Trial((*_ONE_EPOCH, "--run", "plain"), heavy=True),
    "xlsx": Trial(("mien", "analyze", "clip.mp4", "-o", "rows.xlsx")),
}
"""A program for each extra that users install."""


class TrialError(Exception):
    """A package does not do what it should."""


def write_inputs(folder: Path) -> None:
    """What the programs of `TRIALS` read."""
    import numpy as np
    import pillow_heif
    from PIL import Image

    from mien.core.drawn_face import draw_portrait
    from mien.media import VideoWriter

    shutil.copy(ROOT / "docs/images/portrait.jpg", folder)
    shutil.copy(ROOT / "src/mien/rules/templates/light.toml", folder)
    face = draw_portrait()
    pillow_heif.from_pillow(Image.fromarray(face)).save(folder / "photo.heic")
    with VideoWriter(folder / "clip.mp4", *face.shape[1::-1]) as clip:
        for index in range(10):
            clip.write(face, index / 5)
    for name in ("happy", "neutral"):
        (folder / "faces" / name).mkdir(parents=True)
        for index in range(12):
            noise = np.random.default_rng(index).integers(0, 40, (48, 48), np.uint8)
            small = np.asarray(Image.fromarray(face).convert("L").resize((48, 48))) // 2 + noise
            Image.fromarray(small).save(folder / "faces" / name / f"{index}.png")
    _write_network(folder / "other.onnx")


def _write_network(path: Path) -> None:
    """A network that mien has not made: scores for three classes out of the mean of a gray image."""
    from onnx import TensorProto, helper, save_model

    weights = helper.make_tensor("weights", TensorProto.FLOAT, [1, 3], [1.0, -1.0, 0.5])
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
        ],
        "other",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, 48, 48])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 3])],
        [weights],
    )
    save_model(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), path)


def missed(extra: str, status: int, told: str) -> str | None:
    """What is wrong with how a program ended without its extra; None where one line names the extra.

    >>> missed("data", 2, "Parquet tables need polars, which is not installed: pip install 'mien[data]'")
    >>> missed("data", 2, "No module named polars")
    "expected one line with [data]'; got: No module named polars"
    """
    trial = TRIALS[extra]
    lines = [line for line in told.splitlines() if f"[{trial.beside or extra}]'" in line]
    if status == 0:
        return f"expected an error without {extra}; got none"
    if len(lines) != 1 or ("Traceback" in told and trial.words[0] == "mien"):
        return f"expected one line with [{trial.beside or extra}]'; got: {told.strip()[-300:]}"
    return None


class Environment:
    """An environment of Python's.

    Args:
        place: The folder that it is in, or will be.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._python = place / "bin" / "python"

    def create(self, python: str) -> None:
        """Make it, with nothing in it; ``python`` is whose Python it has."""
        subprocess.run([python, "-m", "venv", "--without-pip", str(self.place)], check=True)

    def copied(self, place: Path) -> Environment:
        """A second one with the same packages, by hard links: pip removes files before it writes new ones."""
        shutil.copytree(self.place, place, symlinks=True, copy_function=os.link)
        return Environment(place)

    def install(self, package: str) -> None:
        """Install a package, as pip takes it.

        Raises:
            TrialError: pip has failed.
        """
        # Nothing else is on its path: a source distribution finds no npm.
        command = [sys.executable, "-m", "pip", "--python", str(self._python), *_INSTALL, package]
        done = _ran(command, self.place, str(self._python.parent))
        if done.returncode:
            raise TrialError(f"pip install {package} has failed: {done.stderr.strip()[-500:]}")

    def run(self, words: Sequence[str], folder: Path) -> tuple[int, str]:
        """How a program ended that is started as `Trial` says, and what it told."""
        words = ("-m", *words) if words[0] == "mien" else words
        hidden = "screen:" in words and "DISPLAY" not in os.environ
        command = [*(["xvfb-run", "--auto-servernum"] if hidden else []), str(self._python), *words]
        done = _ran(command, folder, f"{self._python.parent}{os.pathsep}{os.defpath}")
        return done.returncode, done.stdout + done.stderr


def _ran(command: list[str], folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not _OURS.fullmatch(name)},
            "PATH": path,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1800,
    )


def try_out(sdist: Path, wheel: Path, python: str, extras: Iterable[str]) -> Iterator[str]:
    """Install and use both packages; says of each step that it went well.

    Args:
        sdist: A source distribution.
        wheel: A wheel.
        python: Whose Python the environments have.
        extras: Which are tried with what they bring.

    Raises:
        TrialError: Something does not do what it should.
    """
    with tempfile.TemporaryDirectory(prefix="mien-trial-") as place:
        inputs = Path(place, "inputs")
        inputs.mkdir()
        write_inputs(inputs)
        for package in (sdist, wheel):
            begun = time.monotonic()
            core = Environment(Path(place, package.suffix[1:]))
            core.create(python)
            core.install(str(package))
            said = _well(core, ("-c", _READS), inputs).strip()
            _well(core, ("mien", "doctor"), inputs)
            yield f"{package.name}: reads {said}; mien doctor finds no fault ({time.monotonic() - begun:.0f} s)"
        for name in (name for name, trial in TRIALS.items() if trial.tells):
            if fault := missed(name, *core.run(TRIALS[name].words, inputs)):
                raise TrialError(fault)
        yield "without extras: the command of each names it in one line"
        for name in extras:
            begun = time.monotonic()
            names = ",".join(filter(None, (TRIALS[name].beside, name)))
            environment = core.copied(Path(place, name))
            environment.install(f"{wheel}[{names}]")
            _well(environment, TRIALS[name].words, inputs)
            shutil.rmtree(environment.place)
            yield f"mien[{names}]: works ({time.monotonic() - begun:.0f} s)"


def _well(environment: Environment, words: Sequence[str], folder: Path) -> str:
    status, told = environment.run(words, folder)
    if status:
        raise TrialError(f"{' '.join(words)} has ended with {status}: {told.strip()[-800:]}")
    return told


def main() -> None:
    """Try the packages in ``dist/``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="Whose Python the environments have.")
    parser.add_argument(
        "--extras", default="light", help="light, all or names with commas between; none for none."
    )
    chosen = parser.parse_args()
    light = [name for name, trial in TRIALS.items() if not trial.heavy]
    named = {"light": light, "all": list(TRIALS), "none": []}.get(chosen.extras, chosen.extras.split(","))
    if unknown := set(named) - set(TRIALS):
        parser.error(f"expected extras out of {', '.join(TRIALS)}; got {', '.join(sorted(unknown))}")
    found = [*(ROOT / "dist").glob("mien-*.tar.gz"), *(ROOT / "dist").glob("mien-*.whl")]
    if len(found) != 2:
        sys.exit("expected a source distribution and a wheel in dist/: make packages builds them")
    try:
        for line in try_out(found[0], found[1], chosen.python, named):
            print(line, flush=True)
    except TrialError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
