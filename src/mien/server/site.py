"""A folder for web sites: what a page needs to read faces in the visitor's browser, without a server of mien's."""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import quote

import mien
from mien.core.atomic import atomic_folder
from mien.core.errors import InputError, NetworkError
from mien.inference.card import read_card
from mien.inference.pipeline import Pipeline
from mien.inference.weights import network_path, part_path
from mien.server.joined import joined
from mien.server.web_page import FOLDER, device_available, page_file, page_settings

ENTRIES = ("reader.js", "mien-camera.js")
"""What pages import."""

_LANDMARKS = {"mesh": "facemesh", "eyes": "facemesh-eyes"}
_WORKER = "inference/worker.js"
_NAMED = re.compile(r'"(\.{1,2}/[\w./-]+\.wasm)"')


@dataclass(frozen=True)
class WrittenSite:
    """What was written.

    Args:
        models: Names of the networks for expressions; the first is the one that pages get by default.
        files: How many files.
        size: Bytes, all together.
    """

    models: tuple[str, ...]
    files: int
    size: int


def write_site(
    folder: Path, models: Sequence[str | Path] = ("small-int8",), landmarks: bool = True
) -> WrittenSite:
    """Write the JavaScript module, the element ``<mien-camera>``, the runtime, the networks and what is said of them.

    Args:
        folder: A new folder; it appears when it is whole.
        models: Names of networks that come with mien, or paths to ONNX files; the first is the default.
        landmarks: With the two networks for landmarks, 2.3 MB.

    Raises:
        InputError: The folder is there already, or two networks have the same name.
        NetworkError: A network, or what npm brings when mien is built, is missing.
    """
    if not device_available():
        raise NetworkError(
            "expected ONNX Runtime Web in this mien; it was built without: install it again with npm at hand"
        )
    paths = [network_path(model) for model in models]
    names = [path.stem for path in paths]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"expected networks with different names; got {twice[0]} twice")
    described = {name: _heads(path) for name, path in zip(names, paths, strict=True)}
    parts = next(iter(described[names[0]]["heads"].values()))["detector"]["networks"]
    paths += [part_path(part) for part in (*parts, *(_LANDMARKS.values() if landmarks else ()))]
    common = {
        "landmarks_at": {
            "device": {part: f"networks/{name}.onnx" for part, name in _LANDMARKS.items()}
            if landmarks
            else None,
            "server": False,
        },
        "integrity": {_url(path): _digest(path) for path in paths},
    }
    with atomic_folder(folder) as place:
        for name, content in (*_program(), *_about()):
            _write(place / name, content)
        for path in paths:
            _write(place / "networks" / path.name, path.read_bytes())
        settings = json.dumps(_hoisted(names[0], described, common), ensure_ascii=False)
        _write(place / "settings.json", settings.encode())
        written = [path.stat().st_size for path in place.rglob("*") if path.is_file()]
    return WrittenSite(tuple(names), len(written), sum(written))


def _heads(path: Path) -> dict[str, Any]:
    """What a browser must know to read with each output of a network."""
    heads = {}
    for head in read_card(path).heads:
        told = page_settings(Pipeline(model=path, head=head, threads=1))
        del told["device"]
        told["model"]["url"] = _url(path)
        heads[head] = told
    return {"head": next(iter(heads)), "heads": heads}


def _hoisted(first: str, models: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """The same once: what is equal for all networks stands in ``common``."""
    every = [told for model in models.values() for told in model["heads"].values()]
    same = {key: value for key, value in every[0].items() if all(told[key] == value for told in every)}
    for told in every:
        for key in same:
            del told[key]
    return {"model": first, "common": {**same, **common}, "models": models}


def _program() -> Iterable[tuple[str, bytes]]:
    """The entries and the worker, each with all modules that it imports, and the runtime."""
    seen: dict[str, None] = {}
    for name in (*ENTRIES, _WORKER):
        text, apart = joined(name, lambda path: _page_file(path).decode())
        yield name, text.encode()
        wanted = (
            posixpath.normpath(posixpath.join(posixpath.dirname(name), one)) for one in _NAMED.findall(text)
        )
        seen |= dict.fromkeys([*apart, *wanted])
    for name in seen:
        yield name, _page_file(name)


def _page_file(name: str) -> bytes:
    file = page_file(name)
    if file is None:
        raise NetworkError(f"expected {name} in {FOLDER}; it is missing: install mien again")
    return file.plain()


def _about() -> Iterable[tuple[str, bytes]]:
    """What makes the folder a package of npm: its names and types; and under which licences its parts are."""
    types = {name: f"./{Path(name).stem}.d.ts" for name in ENTRIES}
    reader, camera = ({"types": types[name], "default": f"./{name}"} for name in ENTRIES)
    package = {
        "name": "mien",
        "version": mien.__version__,
        "description": "Reads facial expressions on the visitor's device.",
        "type": "module",
        "license": "MIT AND Apache-2.0",
        "exports": {".": reader, "./mien-camera": camera, "./*": "./*"},
        "types": types["reader.js"],
        "sideEffects": ["./mien-camera.js"],
    }
    yield "package.json", (json.dumps(package, indent=2) + "\n").encode()
    for name in types.values():
        if (declared := page_file(f"types/{name[2:]}")) is not None:
            yield name[2:], declared.plain()
    for file in distribution("mien").files or ():
        if file.parts[1:2] == ("licenses",):
            yield "/".join(file.parts[2:]), Path(str(file.locate())).read_bytes()


def _url(path: Path) -> str:
    return f"networks/{quote(path.name)}"


def _digest(path: Path) -> str:
    """As `integrity` of a request has it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
