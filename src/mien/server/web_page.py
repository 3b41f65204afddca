"""The page: its files and those of the models, and what it must know of mien to read as mien does."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from fastapi import APIRouter, Request, Response

import mien
from mien.core.face import LANDMARK_KEYS
from mien.core.frame_result import ROW_KEYS, flat_keys
from mien.core.labels import NOTICE, UNCERTAIN, Labels
from mien.inference.classifier import Classifier
from mien.inference.detectors.mtcnn import MTCNN
from mien.inference.pipeline import Pipeline
from mien.inference.weights import FOLDER as MODELS_FOLDER
from mien.metrics.sentiment import PRESETS, SENTIMENTS
from mien.reports.page import stylesheet
from mien.server import page_constants
from mien.server.errors import APIError
from mien.server.settings import OwnSource
from mien.server.status import network_files

BUILT = Path(__file__).parent / "page"
"""Where the page lies in a wheel."""

FOLDER = BUILT if (BUILT / "index.html").is_file() else Path(mien.__file__).parents[2] / "web" / "src"
"""Everything that a browser may load: in a wheel beside this file, in a source tree and an editable install
of it where it is written. ``vendor/`` in it is filled when mien is built (``build_tools/page.py``)."""

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",
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


def page_settings(pipeline: Pipeline, mapping: str = "valence") -> dict[str, Any]:
    """All that the page is told, ready for JSON; the service gives it as ``/v1/page``.

    Args:
        pipeline: What the server reads with: the page reads with the same networks.
        mapping: Sentiment mapping, a name out of `PRESETS`.
    """
    classifier, detector = pipeline.classifier, pipeline.detector
    labels = classifier.labels
    return {
        "version": mien.__version__,
        "notice": NOTICE,
        "device": device_available() and isinstance(detector, MTCNN) and _shipped(classifier),
        "labels": list(labels),
        "valences": labels.valences,
        "icons": {name: icon for name in labels if (icon := labels.icon(name))},
        "colours": {**_colours(labels), UNCERTAIN: labels.colour(UNCERTAIN)},
        "uncertain": {"name": UNCERTAIN, "below": labels.min_confidence},
        "sentiment": _sentiment(labels, mapping),
        "model": _model(classifier),
        "detector": _detector(detector),
        "tracking": page_constants.TRACKING,
        "smoothing": page_constants.SMOOTHING,
        "landmarks": {
            **page_constants.LANDMARKS,
            "keys": [*ROW_KEYS[:-1], *LANDMARK_KEYS, ROW_KEYS[-1]],
            "columns": flat_keys(labels, landmarks=True),
        },
        "keys": list(ROW_KEYS),
        "columns": flat_keys(labels),
    }


def _colours(labels: Labels) -> dict[str, str]:
    return {name: labels.colour(name) for name in labels}


def _landmarks_at(pipeline: Pipeline) -> dict[str, Any]:
    """Where the points of faces can be found: by a browser with the networks at these addresses, and by this
    service."""
    names = {"mesh": "facemesh", "eyes": "facemesh-eyes"}
    there = device_available() and network_files().keys() >= set(names.values())
    device = {part: f"networks/{name}.onnx" for part, name in names.items()} if there else None
    return {"device": device, "server": pipeline.mesh is not None}


def _sentiment(labels: Labels, mapping: str) -> dict[str, Any] | None:
    if PRESETS[mapping].unknown(labels):
        return None
    return {
        "mapping": mapping,
        "names": list(SENTIMENTS),
        "colours": _colours(SENTIMENTS),
        "weights": PRESETS[mapping].matrix(labels).tolist(),
    }


def _model(classifier: Classifier) -> dict[str, Any]:
    card = classifier.network.card
    facts = card.model_dump(include={"name", "version", "summary", "limits", "licence"})
    return {
        **facts,
        "url": f"networks/{classifier.network.path.name}",
        "head": classifier.head,
        "input": card.input.model_dump(),
        "crop": classifier.crop.model_dump(),
    }


def _detector(detector: object) -> dict[str, Any]:
    own = (
        {name: getattr(detector, name) for name in ("min_face", "factor", "min_detection_score")}
        if isinstance(detector, MTCNN)
        else {}
    )
    thresholds = list(detector.thresholds) if isinstance(detector, MTCNN) else []
    return {
        **page_constants.DETECTOR,
        **own,
        "thresholds": thresholds,
        "networks": ["mtcnn-pnet", "mtcnn-rnet", "mtcnn-onet"],
    }


def _shipped(classifier: Classifier) -> bool:
    """Whether a browser can load the network: a file of the user's own stays with the server."""
    return classifier.network.path.parent == MODELS_FOLDER


def files(pipeline: Pipeline, own: OwnSource | None = None, photos: bool = False) -> APIRouter:
    """The routes ``/``, ``/static/...``, ``/networks/...`` and ``/v1/page``; they need no token, and hold
    nothing of anybody.

    Args:
        pipeline: What the server reads with, which the page is told.
        own: The service's own source: the page is told whether there is one, and not which.
        photos: Whether the service shows photos that rules have saved.
    """
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    def page(request: Request) -> Response:
        return _sent(page_file("index.html"), request, "the page")

    @router.api_route("/static/{name:path}", methods=["GET", "HEAD"])
    def static(name: str, request: Request) -> Response:
        return _sent(page_file(name), request, "a file of the page")

    @router.api_route("/networks/{name}.onnx", methods=["GET", "HEAD"])
    def network(name: str, request: Request) -> Response:
        path = network_files().get(name)
        return _sent(
            None if path is None else _network(path, path.stat().st_mtime_ns),
            request,
            "a network that comes with mien",
        )

    @router.get("/v1/page")
    def settings() -> dict[str, Any]:
        return {
            **page_settings(pipeline),
            "report_style": stylesheet(),
            "photos": photos,
            "landmarks_at": _landmarks_at(pipeline),
            "source": None if own is None else {"covered": own.blur is not None},
        }

    return router


@lru_cache(maxsize=16)
def _network(path: Path, _changed: int) -> PageFile:
    return compressed(path.read_bytes(), "application/octet-stream")


def _sent(file: PageFile | None, request: Request, what: str) -> Response:
    """A file, or that the browser has it already."""
    if file is None:
        raise APIError(404, f"expected the name of {what}; there is none of this name")
    headers = {**HEADERS, "ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if file.tag in [
        tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")
    ]:
        return Response(status_code=304, headers=headers)
    packed = file.encoding is not None and file.encoding in request.headers.get("accept-encoding", "")
    if packed:
        headers["Content-Encoding"] = str(file.encoding)
    return Response(file.content if packed else file.plain(), media_type=file.media_type, headers=headers)
