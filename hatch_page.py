"""Build step: fetches what the page of ``mien serve`` needs from npm, into ``src/mien/serve/page/vendor/``.

One package, of one version, whose bytes are checked before they are opened. Without npm, or without a network, the build goes on: the page then
says that only the server can read. By hand: ``python hatch_page.py``.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent
PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="

# The build for processors alone, which is the smallest that has every operator: a program with its loader, and the runtime itself.
FILES = {"ort.js": "package/dist/ort.wasm.bundle.min.mjs", "ort.wasm": "package/dist/ort-wasm-simd-threaded.wasm"}
STAMP = "made-from.json"


def build(folder: Path) -> bool:
    """Fill the folder, unless it holds the right files already; returns whether it does now."""
    stamp = {"package": PACKAGE, "version": VERSION, "integrity": INTEGRITY, "files": FILES}
    wanted = [folder / f"{name}.gz" for name in FILES] + [folder / STAMP]
    if all(path.is_file() for path in wanted) and json.loads((folder / STAMP).read_text()) == stamp:
        return True
    npm = shutil.which("npm")
    if npm is None:
        return _told("npm is not installed")
    with tempfile.TemporaryDirectory() as place:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--silent", "--pack-destination", place]
        try:
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as error:
            return _told(f"npm did not answer: {error}")
        archives = list(Path(place).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            return _told(f"npm could not fetch {PACKAGE}@{VERSION}: {' '.join(done.stderr.split())[:200]}")
        _unpack(archives[0].read_bytes(), archives[0], folder)
    (folder / STAMP).write_text(json.dumps(stamp))
    return True


def _unpack(data: bytes, archive: Path, folder: Path) -> None:
    digest = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != INTEGRITY:
        raise RuntimeError(f"{PACKAGE}@{VERSION}: expected {INTEGRITY}; got {digest}: the package is not the one that was chosen")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for name, member in FILES.items():
            file = tar.extractfile(member)
            assert file is not None, member
            # Kept as it is sent: a quarter of the bytes, in the wheel, on the disk and on the way to the browser.
            (folder / f"{name}.gz").write_bytes(gzip.compress(file.read(), 9, mtime=0))


def _told(why: str) -> bool:
    print(f"hatch_page.py: {why}; the page will offer the server way alone", file=sys.stderr)
    return False


if __name__ == "__main__":
    raise SystemExit(0 if build(ROOT / "src" / "mien" / "serve" / "page" / "vendor") else 1)
