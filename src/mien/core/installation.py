"""How mien was installed, for what to type to install more of it."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

_TREE = Path(__file__).parents[3]


def install_command(extra: str) -> str:
    """What installs an extra: from the checkout that mien runs in or was installed from, where there is one,
    else from a package index.

    >>> install_command("haar").endswith("[haar]'")
    True
    """
    tree = checkout()
    if tree is None:
        return f"pip install 'mien[{extra}]'"
    try:
        place = "." if tree == Path.cwd().resolve() else str(tree)
    except OSError:  # The working folder is gone.
        place = str(tree)
    return f"pip install {shlex.quote(f'{place}[{extra}]')}"


def checkout() -> Path | None:
    """The folder with mien's source that it runs in or was installed from; None where there is none, or no
    longer."""
    return next(
        (tree.resolve() for tree in (_TREE, _installed_from()) if tree is not None and _is_source(tree)), None
    )


def _installed_from() -> Path | None:
    try:
        told = json.loads(distribution("mien").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    url = urlparse(str(told.get("url", "")))
    return Path(unquote(url.path)) if url.scheme == "file" and "dir_info" in told else None


def _is_source(tree: Path) -> bool:
    return (tree / "pyproject.toml").is_file() and (tree / "src/mien/__init__.py").is_file()
