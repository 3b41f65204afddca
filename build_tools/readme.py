"""README.md as a package index shows it, where links into the repository lead nowhere. hatchling calls it.

``pyproject.toml`` may say where the repository shows files and gives images; a link without such a place becomes its text.
What is installed is the package of the index, and between two comments stands what is said of a checkout.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<path>(?![a-z]+:)[^)\s]+)\)")
_FENCE = "```"
_HERE = re.compile(r"<!-- In the repository: -->.*?<!-- On an index: (.*?) -->", re.DOTALL)
_INSTALL = re.compile(r"(pip install '?)\.(?=[\[\s`])")


class ReadmeHook(MetadataHookInterface):
    """Gives hatchling the description of the package."""

    def update(self, metadata: dict[str, Any]) -> None:
        places = {
            name: place.replace("{version}", metadata["version"]) for name, place in self.config.items()
        }
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": for_index(text, places)}


def for_index(text: str, places: Mapping[str, str]) -> str:
    r"""README as it stands on an index.

    Args:
        text: README.md.
        places: ``files`` and ``images``, the addresses of a file and of an image with ``{path}`` in them, or neither.

    >>> for_index("[Docs](docs/README.md), ![a face](face.jpg), [MCP](https://example.org)", {})
    'Docs, a face, [MCP](https://example.org)'
    >>> for_index("[Docs](docs/README.md#start)", {"files": "https://example.org/v1/{path}"})
    '[Docs](https://example.org/v1/docs/README.md#start)'
    >>> for_index("`pip install .`, `pip install '.[report]'`", {})
    "`pip install mien`, `pip install 'mien[report]'`"
    >>> for_index("<!-- In the repository: -->In a checkout:<!-- On an index: Anywhere: -->", {})
    'Anywhere:'
    """

    def renewed(link: re.Match[str]) -> str:
        place = places.get("images" if link["image"] else "files")
        if place is None:
            return link["text"]
        return f"{link['image']}[{link['text']}]({place.replace('{path}', link['path'])})"

    # Every second part is code, in which brackets are no links.
    parts = _HERE.sub(r"\1", text).split(_FENCE)
    parts[::2] = [_LINK.sub(renewed, part) for part in parts[::2]]
    return _INSTALL.sub(r"\1mien", _FENCE.join(parts))
