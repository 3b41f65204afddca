"""Fetches what the page of ``mien serve`` needs from npm, into ``web/src/vendor/``.

One package, of the version in ``web/package-lock.json``, whose bytes are checked against the digest there
before they are opened. Where npm is missing or does not answer the build stops, unless it is told to go without
(`build_tools.npm.SWITCH`). By hand: ``python -m build_tools.page``.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

from build_tools import npm

WEB = Path(__file__).parents[1] / "web"
VENDOR = WEB / "src" / "vendor"
PACKAGE = "onnxruntime-web"

# The build for processors alone, which is the smallest that has every operator: a program with its loader,
# and the runtime itself.
FILES = {
    "ort.js": "package/dist/ort.wasm.bundle.min.mjs",
    "ort.wasm": "package/dist/ort-wasm-simd-threaded.wasm",
}
STAMP = "made-from.json"


def parts() -> list[Path]:
    """What the page is made of: files and folders of ``web/src``, with what npm brings unless that is left out.

    Raises:
        npm.NpmError: npm is missing or does not answer, or gave another package than the chosen one.
    """
    if npm.left_out():
        return sorted(path for path in VENDOR.parent.iterdir() if path != VENDOR)
    fetch(VENDOR)
    return sorted(VENDOR.parent.iterdir())


def fetch(folder: Path) -> None:
    """Fill the folder with what npm brings, unless it holds the right files already; raises as `parts` does."""
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
    contents = npm.unpacked(f"{PACKAGE}@{locked['version']}", locked["integrity"], FILES)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        # Kept as it is sent: a quarter of the bytes, in the wheel, on the disk and on the way to the browser.
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
    (folder / STAMP).write_text(json.dumps(stamp), encoding="utf-8")


if __name__ == "__main__":
    try:
        fetch(VENDOR)
    except npm.NpmError as failure:
        sys.exit(f"build_tools.page: {failure}")
