"""Builds the source distribution and, from it, the wheel, and looks at what is in them. ``make packages`` calls it.

Both hold files of the repository and what the build makes, and nothing else. Beside them ``SHA256SUMS`` is written. The same
commit gives the same bytes, with the same versions of the packages that build.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
SUMS = "SHA256SUMS"
LIMIT = 100_000_000
"""Bytes that PyPI takes for a file."""
_MADE = re.compile(
    r"src/mien/inference/weights/(mtcnn-[pro]net|facemesh(-eyes)?|blazeface)\.onnx"
    r"|web/src/vendor/(ort\.(js|wasm)\.gz|made-from\.json)"
)
MADE = 9  # Networks, files of the page and what these were made from.


class PackageError(Exception):
    """A package cannot be released; the message is one line that says what to do."""


def build(place: Path) -> tuple[Path, Path]:
    """Build both packages.

    Args:
        place: Folder for them, from which older ones go.

    Returns:
        The source distribution and the wheel.

    Raises:
        PackageError: The build has failed.
    """
    place.mkdir(parents=True, exist_ok=True)
    for old in [*place.glob("mien-*.tar.gz"), *place.glob("mien-*.whl"), *place.glob(SUMS)]:
        old.unlink()
    environment = {**os.environ, "MIEN_BUILD_WITHOUT_NPM": "0", "SOURCE_DATE_EPOCH": _committed()}
    _run([sys.executable, "-m", "build", "--outdir", str(place)], environment)
    return next(place.glob("mien-*.tar.gz")), next(place.glob("mien-*.whl"))


def contents(package: Path) -> dict[str, bytes]:
    """The files of a package by their names; those of a source distribution without the folder that holds all."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    with tarfile.open(package) as tar:
        files = [(member.name, tar.extractfile(member)) for member in tar]
        return {name.partition("/")[2]: file.read() for name, file in files if file is not None}


def faults(files: Mapping[str, bytes], tree: Mapping[str, bytes]) -> list[str]:
    """What is wrong with the files of a package, a line each.

    Args:
        files: Of the package, by name.
        tree: Those of the repository.

    >>> faults({"PKG-INFO": b"", "src/mien/faces.parquet": b""}, {})[-1]
    'src/mien/faces.parquet: is neither in the repository nor made by the build'
    """
    found = []
    made = 0
    private = [os.fsencode(path) for path in (ROOT, Path.home()) if len(path.parts) > 2]
    for name, content in sorted(files.items()):
        source = name if "PKG-INFO" in files else _source(name)
        if source is None or source == "PKG-INFO":
            pass
        elif _MADE.fullmatch(source):
            made += 1
        elif source not in tree:
            found.append(f"{name}: is neither in the repository nor made by the build")
        elif tree[source] != content:
            found.append(f"{name}: is not as it is in the repository")
        found += [f"{name}: names the folder {os.fsdecode(path)}" for path in private if path in content]
    if made != MADE:
        found.insert(0, f"expected {MADE} files that the build makes; got {made}")
    return found


def tracked() -> dict[str, bytes]:
    """The files of the repository and those that are new, as they lie in the folder."""
    every = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = _run(every, os.environ).split("\0")
    return {name: (ROOT / name).read_bytes() for name in listed if name and (ROOT / name).is_file()}


def sums(packages: list[Path]) -> str:
    """Digests of files, as ``sha256sum --check`` reads them."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in sorted(packages)
    )


def _source(name: str) -> str | None:
    """Where a file of a wheel comes from; None for what hatchling writes, nothing for what cannot be in a wheel."""
    first, _, rest = name.partition("/")
    if first.endswith(".dist-info"):
        return rest.removeprefix("licenses/") if rest.startswith("licenses/") else None
    if name.startswith("mien/server/page/"):
        return name.replace("mien/server/page/", "web/src/", 1)
    return f"src/{name}" if first == "mien" else ""


def _committed() -> str:
    """When the last commit was made, in seconds."""
    return _run(["git", "log", "-1", "--format=%ct"], os.environ).strip()


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise PackageError(f"{' '.join(command[:4])} has failed: {' | '.join(lines[-3:])}")
    return done.stdout


def main() -> None:
    """Build, look, and write the digests."""
    place = ROOT / "dist"
    packages = list(build(place))
    tree = tracked()
    wrong = [f"{package.name}: {fault}" for package in packages for fault in faults(contents(package), tree)]
    wrong += [
        f"{package.name}: larger than {LIMIT:,} bytes"
        for package in packages
        if package.stat().st_size > LIMIT
    ]
    if wrong:
        raise PackageError("\n".join(wrong))
    _run([sys.executable, "-m", "twine", "check", "--strict", *map(str, packages)], os.environ)
    for package in packages:
        files = contents(package)
        unpacked = sum(map(len, files.values()))
        print(
            f"{package.name}: {package.stat().st_size / 1e6:.1f} MB, {len(files)} files, {unpacked / 1e6:.1f} MB unpacked"
        )
    (place / SUMS).write_text(sums(packages), encoding="utf-8")
    print((place / SUMS).read_text(encoding="utf-8"), end="")


if __name__ == "__main__":
    try:
        main()
    except PackageError as error:
        sys.exit(str(error))
