"""The files of the page: what is asked for by name, and nothing outside its folder."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePosixPath

import mien

BUILT = Path(__file__).parent / "page"
"""Where the page lies in a wheel."""

FOLDER = BUILT if (BUILT / "index.html").is_file() else Path(mien.__file__).parents[2] / "web" / "src"
"""Everything that a browser may load: in a wheel beside this file, in a source tree and an editable install
of it where it is written. ``vendor/`` in it is filled when mien is built (``hatch_page.py``)."""

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy of the page: itself alone. ``blob:`` is what the browser makes of a file that was
dropped onto it."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    # Both together give the page threads that share memory, which ONNX Runtime Web uses where it can.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers that every answer to the page needs."""


@dataclass(frozen=True, eq=False)
class PageFile:
    """A file as it is sent.

    Args:
        content: Its bytes, compressed by gzip where that makes them fewer.
        media_type: For ``Content-Type``.
        encoding: For ``Content-Encoding``: ``gzip``, or None where the bytes are plain.
        tag: For ``ETag``: changes with the content.
    """

    content: bytes
    media_type: str
    encoding: str | None
    tag: str

    def plain(self) -> bytes:
        """The bytes for a client that does not take gzip."""
        return gzip.decompress(self.content) if self.encoding else self.content


@lru_cache(maxsize=256)
def page_file(name: str) -> PageFile | None:
    """A file of the page, compressed once and then kept in memory.

    Args:
        name: Path inside the folder with ``/`` between its parts, such as ``inference/worker.js``.

    Returns:
        None where there is no such file, or where the name leads out of the folder.

    >>> page_file("index.html").media_type, page_file("../settings.py")
    ('text/html; charset=utf-8', None)
    """
    parts = PurePosixPath(name).parts
    if (
        not parts
        or "\\" in name
        or "\0" in name
        or any(part in ("..", "/") or part.startswith(".") for part in parts)
    ):
        return None
    media_type = TYPES.get(PurePosixPath(name).suffix)
    if media_type is None:
        return None
    path = FOLDER.joinpath(*parts)
    packed = path.with_name(path.name + ".gz")
    if packed.is_file():
        return _file(packed.read_bytes(), media_type, "gzip")
    if not path.is_file():
        return None
    return compressed(path.read_bytes(), media_type)


def compressed(content: bytes, media_type: str) -> PageFile:
    """Bytes as they are sent: by gzip where that saves a twentieth or more, which it does not of the weights
    of networks."""
    if media_type == "application/octet-stream":
        return _file(content, media_type, None)
    small = gzip.compress(content, 6, mtime=0)
    if len(small) < 0.95 * len(content):
        return _file(small, media_type, "gzip")
    return _file(content, media_type, None)


def _file(content: bytes, media_type: str, encoding: str | None) -> PageFile:
    return PageFile(content, media_type, encoding, f'"{sha256(content).hexdigest()[:32]}"')


def device_available() -> bool:
    """Whether the parts from npm are there, without which a browser cannot read expressions itself."""
    return page_file("vendor/ort.js") is not None and page_file("vendor/ort.wasm") is not None
