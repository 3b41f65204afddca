"""README.md as a package index shows it, where links into the repository lead nowhere. hatchling calls it.

``pyproject.toml`` may say where the repository shows files and gives images; a link without such a place becomes its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<path>(?![a-z]+:)[^)\s]+)\)")
_FENCE = "```"
_INSTALL = re.compile(r"^\$ pip install \..*$", re.MULTILINE)


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
    >>> print(for_index("```console\n$ pip install .   # in a checkout\n```", {}))
    ```console
    $ pip install mien
    ```
    """

    def renewed(link: re.Match[str]) -> str:
        place = places.get("images" if link["image"] else "files")
        if place is None:
            return link["text"]
        return f"{link['image']}[{link['text']}]({place.replace('{path}', link['path'])})"

    # Every second part is code, in which brackets are no links.
    parts = text.split(_FENCE)
    parts[::2] = [_LINK.sub(renewed, part) for part in parts[::2]]
    return _INSTALL.sub("$ pip install mien", _FENCE.join(parts))
