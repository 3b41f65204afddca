"""Writes what ``web/src/client.js`` knows of the service: the types of its answers and options, as JSDoc, out of the types behind
the service's OpenAPI document. By hand: ``python -m build_tools.service_types`` (``make client``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

import mien
from mien.server.choices import Choices
from mien.server.schemas import Health, Images, ModelList, VideoJob
from mien.server.stream import StreamStart
from mien.server.task import VideoJobOptions

CLIENT = Path(__file__).parents[1] / "web" / "src" / "client.js"
_START = "// --- Written by build_tools/service_types.py"
_END = "// --- Written by hand\n"
_ANSWERS = (Images, VideoJob, ModelList, Health)
_KINDS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
_SET_BY_CLIENT = {"type", "format", "width", "height", "times"}


def written() -> str:
    """The part of the client that is written here."""
    _, answers = models_json_schema([(kind, "serialization") for kind in _ANSWERS])
    options = {
        "ImageOptions": Choices.model_json_schema(),
        "VideoOptions": TypeAdapter(VideoJobOptions).json_schema(),
        "StreamOptions": StreamStart.model_json_schema(),
    }
    return "\n".join(
        [
            f"{_START}: make client",
            "",
            *(_typedef(name, about, True) for name, about in sorted(answers["$defs"].items())),
            *(_typedef(name, about, False) for name, about in options.items()),
            f'const VERSION = "{mien.__version__}";',
            "",
            _END,
        ]
    )


def renewed(text: str) -> str:
    """The text of the client with that part as it should be."""
    before, rest = text.split(_START, 1)
    return before + written() + rest.split(_END, 1)[1]


def _typedef(name: str, about: dict[str, Any], whole: bool) -> str:
    lines = [
        f" * @property {{{_type(kind, name)}}} {field if whole else f'[{field}]'}"
        for field, kind in about["properties"].items()
        if whole or field not in _SET_BY_CLIENT
    ]
    return "\n".join(["/**", f" * @typedef {{object}} {name}", *lines, " */"])


def _type(about: dict[str, Any], owner: str) -> str:
    if "$ref" in about:
        return str(about["$ref"]).rsplit("/", 1)[1]
    if "enum" in about:
        return " | ".join(json.dumps(value) for value in about["enum"])
    if "anyOf" in about:
        kinds = [_type(kind, owner) for kind in about["anyOf"]]
        return " | ".join(
            kind for kind in dict.fromkeys(kinds) if kind != "null" or not owner.endswith("Options")
        )
    if about.get("type") == "array":
        if "prefixItems" in about:
            return f"[{', '.join(_type(kind, owner) for kind in about['prefixItems'])}]"
        return f"Array<{_type(about.get('items', {}), owner)}>"
    if about.get("type") == "object":
        more = about.get("additionalProperties")
        return f"Record<string, {_type(more, owner) if isinstance(more, dict) else 'any'}>"
    return _KINDS.get(str(about.get("type")), "any")


if __name__ == "__main__":
    CLIENT.write_text(renewed(CLIENT.read_text(encoding="utf-8")), encoding="utf-8")
