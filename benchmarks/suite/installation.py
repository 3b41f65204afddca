"""How much a plain ``pip install`` of mien puts on the disk: the core alone, in a fresh environment.

    python -m benchmarks.suite.installation [--json FILE]

Bytes as ``du -sb`` counts them, less those of an empty environment: first without pip (what mien itself
needs), then with pip, as ``python -m venv`` makes it. The largest packages are named. Where the environment
of the peer fer was made, its size stands beside (with torch, where ``FER(mtcnn=True)`` was measured).
Packages come from pip's cache and the index; compiled Python files count, as users have them too.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.adapters.environments import FOLDER, environment, installed
from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import ROOT

LIMIT = 330.0
LARGEST = 8


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.installation", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--json", type=Path, help="write the results here")
    options = parser.parse_args(arguments)
    results: dict[str, Any] = {"machine": machine.describe()}
    print(machine.summary(results["machine"]))
    with tempfile.TemporaryDirectory(prefix="mien-installation-") as folder:
        results |= installation(Path(folder) / "venv")
    if installed() is not None:
        results["fer_bytes"] = size(FOLDER / "fer")
    for name, taken in results["largest"].items():
        print(f"  {taken / 1e6:>7.1f} MB  {name}")
    write_results(results, figures(results), options.json)


def installation(folder: Path) -> dict[str, Any]:
    """Bytes of an environment: empty, with mien, with pip as well."""
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    empty, python = size(folder), folder / "bin" / "python"
    _run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--disable-pip-version-check",
            str(ROOT),
        ]
    )
    _run([str(python), "-m", "mien", "--version"])
    without, [packages] = size(folder), list((folder / "lib").glob("python*/site-packages"))
    largest = sorted(((size(path), path.name) for path in packages.iterdir()), reverse=True)[:LARGEST]
    _run([str(python), "-m", "ensurepip", "--default-pip"])
    return {
        "empty_bytes": empty,
        "bytes": without - empty,
        "with_pip_bytes": size(folder) - empty,
        "largest": {name: taken for taken, name in largest},
    }


def size(path: Path) -> int:
    """Bytes of a folder as ``du -sb`` counts them."""
    return int(_run(["du", "-sb", str(path)]).split()[0])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.strip()]
        raise SystemExit(
            f"{' '.join(command[:4])} ...: {errors[-1] if errors else f'exit status {done.returncode}'}"
        )
    return done.stdout


def figures(results: dict[str, Any]) -> list[Figure]:
    """MB (millions of bytes), beside the peer."""
    peer = results.get("fer_bytes")
    beside = {"beside": "the environment of fer", "ratio": results["bytes"] / peer} if peer else {}
    chart = "On the disk"
    found = [
        Figure("mien, the core, without pip", results["bytes"] / 1e6, "MB", LIMIT, chart=chart, **beside),
        Figure("mien, the core, with pip", results["with_pip_bytes"] / 1e6, "MB", chart=chart),
    ]
    return found + ([Figure("the environment of fer", peer / 1e6, "MB", chart=chart)] if peer else [])


if __name__ == "__main__":
    main()
