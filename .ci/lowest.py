"""Writes .ci/lowest: the oldest versions that pyproject.toml allows of what users install, as constraints for pip.

python .ci/lowest.py > .ci/lowest
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

_PROJECT = Path(__file__).parents[1] / "pyproject.toml"
_LOWEST = re.compile(r"([A-Za-z0-9._-]+)(?:\[.*\])?(?:>=|~=|==)([0-9.]+)")


def lowest() -> dict[str, str]:
    """The oldest version of each package: of the core, of every extra that users install, and of what builds mien.

    Raises:
        ValueError: A requirement without a lower bound, or two bounds of one package.
    """
    found: dict[str, str] = {}
    for requirement in _requirements():
        match = _LOWEST.match(requirement)
        if match is None:
            raise ValueError(f"pyproject.toml: expected a lower bound; got {requirement}")
        if found.setdefault(match[1], match[2]) != match[2]:
            raise ValueError(f"pyproject.toml: expected one lower bound of {match[1]}; got two")
    return found


def _requirements() -> Iterator[str]:
    text = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))
    yield from text["project"]["dependencies"]
    for extra, requirements in text["project"]["optional-dependencies"].items():
        if extra not in ("dev", "tests"):
            yield from (line for line in requirements if not line.startswith("mien["))
    yield from text["build-system"]["requires"]


if __name__ == "__main__":
    print(
        "# The oldest versions that pyproject.toml allows. `make lowest` writes this file; CONTRIBUTING.md says what it is for."
    )
    for name, version in sorted(lowest().items(), key=lambda pair: pair[0].lower()):
        print(f"{name}=={version}")
