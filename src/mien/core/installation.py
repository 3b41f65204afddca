"""How mien was installed, for what to type to install more of it."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

_TREE = Path(__file__).parents[3]


def install_command(extra: str) -> str:
    """What installs an extra: from the checkout that mien runs in or was installed from, or from the wheel or source
    distribution that it was installed from, where that is still there, else from a package index.

    >>> install_command("haar").endswith("[haar]'")
    True
    """
    source = checkout() or _archive()
    if source is None:
        return f"pip install 'mien[{extra}]'"
    try:
        place = "." if source == Path.cwd().resolve() else str(source)
    except OSError:  # The working folder is gone.
        place = str(source)
    return f"pip install {shlex.quote(f'{place}[{extra}]')}"


def checkout() -> Path | None:
    """The folder with mien's source that it runs in or was installed from; None where there is none, or no
    longer."""
    return next(
        (tree.resolve() for tree in (_TREE, _installed_from()) if tree is not None and _is_source(tree)), None
    )


def _archive() -> Path | None:
    """The wheel or source distribution that mien was installed from, while it is there."""
    path = _installed_from()
    return path if path is not None and path.is_file() else None


def _installed_from() -> Path | None:
    """The folder or file that pip was given; None where it was an address or a name."""
    try:
        told = json.loads(distribution("mien").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    url = urlparse(str(told.get("url", "")))
    return Path(unquote(url.path)) if url.scheme == "file" and "vcs_info" not in told else None


def _is_source(tree: Path) -> bool:
    return (tree / "pyproject.toml").is_file() and (tree / "src/mien/__init__.py").is_file()
