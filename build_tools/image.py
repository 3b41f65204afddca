"""What the container image is made of: the packages to install, and the list of all parts with their licences.

``Containerfile`` calls it: ``needs EXTRAS`` prints what pip installs before mien itself, ``parts`` writes
``sbom.cdx.json`` (CycloneDX) and the folder ``licences``.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_OWN = re.compile(r"mien\[([\w,-]+)\]")
_TEXT = re.compile(r"(?i)(licen[cs]e|copying|notice|authors|third)[^/]*(?<!\.py)$")
_IN_PYAV = {
    "asound": "LGPL-2.1-or-later",
    "avcodec": "",
    "avdevice": "",
    "avfilter": "",
    "avformat": "",
    "avutil": "",
    "dav1d": "BSD-2-Clause",
    "drm": "MIT",
    "gmp": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "gnutls": "LGPL-2.1-or-later",
    "hogweed": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "mp3lame": "LGPL-2.0-or-later",
    "nettle": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "opencore-amrnb": "Apache-2.0",
    "opencore-amrwb": "Apache-2.0",
    "opus": "BSD-3-Clause",
    "sharpyuv": "BSD-3-Clause",
    "SvtAv1Enc": "BSD-3-Clause-Clear",
    "swresample": "",
    "swscale": "",
    "unistring": "LGPL-3.0-or-later OR GPL-2.0-or-later",
    "vpl": "MIT",
    "vpx": "BSD-3-Clause",
    "webp": "BSD-3-Clause",
    "webpmux": "BSD-3-Clause",
    "x264": "GPL-2.0-or-later",
    "x265": "GPL-2.0-or-later",
    "Xau": "MIT",
    "xcb": "MIT",
    "xcb-shape": "MIT",
    "xcb-shm": "MIT",
    "xcb-xfixes": "MIT",
}
"""Licences of the libraries in PyAV's wheel, by the name of the file; FFmpeg's own have what FFmpeg says."""

_INDEX = """What is in this image, and under which licences

/usr/share/mien/sbom.cdx.json lists every part (CycloneDX). The texts lie beside this file, in a folder for each Python
package; those of Debian's packages in /usr/share/doc/PACKAGE/copyright, and the GNU licences in /usr/share/common-licenses.

FFmpeg {version} is inside PyAV's wheel. It says of itself: {licence}. Beside it lie libx264 and libx265, which are under
the GNU General Public License, version 2 or later: whoever passes the image on passes them on under that licence, with
an offer of their source. Sources: https://ffmpeg.org, https://www.videolan.org/developers/x264.html,
https://www.x265.org, https://github.com/PyAV-Org/pyav-ffmpeg (how they were built).

"""


def needs(extras: Sequence[str]) -> list[str]:
    """Requirements of mien with some of its extras, as ``pyproject.toml`` has them.

    >>> "fastapi" in " ".join(needs(["serve"])), "fastapi" in " ".join(needs([]))
    (True, False)
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    found = list(project["dependencies"])
    for extra in extras:
        if extra not in optional:
            raise SystemExit(f"expected extras out of {', '.join(optional)}; got {extra!r}")
        for requirement in optional[extra]:
            own = _OWN.fullmatch(requirement)
            found += needs(own[1].split(",")) if own else [requirement]
    return list(dict.fromkeys(found))


def parts(packages: Path, status: Path, place: Path) -> None:
    """Write the list of parts and the folder of licences.

    Args:
        packages: CycloneDX of the Python packages.
        status: Debian's list of installed packages, ``/var/lib/dpkg/status``.
        place: Folder to write to.
    """
    bill = json.loads(packages.read_text(encoding="utf-8"))
    found = {_plain(one.name): one for one in distributions()}
    for component in bill["components"]:
        inner = list(_inside(found[_plain(component["name"])]))
        if inner:
            component["components"] = inner
    bill["components"] += _debian(status)
    texts = place / "licences"
    texts.mkdir(parents=True)
    (place / "sbom.cdx.json").write_text(json.dumps(bill, indent=1), encoding="utf-8")
    lines = [_INDEX.format(version=_ffmpeg()[0], licence=_ffmpeg()[1])]
    lines += [_texts_of(found[name], texts) for name in sorted(found)]
    (texts / "README.txt").write_text("".join(lines), encoding="utf-8")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _inside(package: Distribution) -> Iterator[dict[str, Any]]:
    """What a wheel says that it holds (PEP 770), and the libraries in PyAV's."""
    files = [Path(str(package.locate_file(file))) for file in package.files or ()]
    for file in files:
        if file.parent.name == "sboms" and file.suffix == ".json":
            told = json.loads(file.read_text(encoding="utf-8")).get("components", [])
            # References are those of another list, in which they were the only ones of their name.
            yield from (
                {key: value for key, value in one.items() if key != "bom-ref"}
                for one in told
                if _plain(one["name"]) != _plain(package.name)
            )
    if package.name == "av":
        libraries = [re.match(r"lib(.+?)-[0-9a-f]{8}\.", file.name) for file in files]
        for name in sorted(library[1] for library in libraries if library):
            yield _library(name)


def _library(name: str) -> dict[str, Any]:
    licence = _IN_PYAV.get(name)
    if licence == "":
        version, told = _ffmpeg()
        return {
            "type": "library",
            "name": f"ffmpeg lib{name}",
            "version": version,
            "licenses": [{"license": {"name": told}}],
        }
    stated = {"licenses": [{"expression": licence}]} if licence else {}
    return {"type": "library", "name": f"lib{name}", **stated}


def _ffmpeg() -> tuple[str, str]:
    """Version and licence, as FFmpeg itself says them."""
    from av import _core

    return _core.ffmpeg_version_info, _core.library_meta["libavcodec"]["license"]


def _debian(status: Path) -> Iterator[dict[str, Any]]:
    for stanza in status.read_text(encoding="utf-8").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if re.match(r"[\w-]+: ", line))
        if fields.get("Status", "").endswith(" installed"):
            name, version = fields["Package"], fields["Version"]
            purl = f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch={fields['Architecture']}"
            yield {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


def _texts_of(package: Distribution, texts: Path) -> str:
    """Copy a package's licences; returns its line of the index."""
    about = package.metadata
    told = next((about[name] for name in ("License-Expression", "License") if name in about), "")
    if not told or "\n" in told:
        told = ", ".join(
            name.rsplit(" :: ", 1)[-1]
            for name in about.get_all("Classifier") or ()
            if name.startswith("License ::")
        )
    folder = texts / f"{package.name}-{package.version}"
    for file in package.files or ():
        if (
            len(file.parts) > 1
            and _TEXT.search(file.name)
            and (".dist-info" in file.parts[0] or len(file.parts) == 2)
        ):
            target = folder.joinpath(*file.parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(package.locate_file(file)), target)
    where = folder.name if folder.is_dir() else "no text in the package"
    return f"{package.name} {package.version}: {told or 'see its text'} ({where})\n"


def main() -> None:
    """What ``Containerfile`` runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    orders = parser.add_subparsers(dest="order", required=True)
    orders.add_parser("needs").add_argument("extras")
    listing = orders.add_parser("parts")
    for name in ("packages", "status", "place"):
        listing.add_argument(name, type=Path)
    chosen = parser.parse_args()
    if chosen.order == "needs":
        print(*needs([extra for extra in chosen.extras.split(",") if extra]), sep="\n")
    else:
        parts(chosen.packages, chosen.status, chosen.place)


if __name__ == "__main__":
    main()
