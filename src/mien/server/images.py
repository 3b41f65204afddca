"""``POST /v1/images``."""

from __future__ import annotations

import io
from typing import IO, Annotated, Any

from fastapi import APIRouter, Query, Request

from mien.core.errors import MediaError
from mien.inference.pipeline import Pipeline
from mien.server.errors import APIError
from mien.server.inference import InferenceService
from mien.server.limits import Room
from mien.server.metrics import Metrics
from mien.server.schemas import Cause, Image, Images, Problem
from mien.server.settings import Limits
from mien.server.task import HIGHEST, SMALLEST
from mien.server.uploads import form_body, take_form

_BODY = form_body({"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}})
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 401, 403, 408, 413, 415, 421, 422, 429)
}


Landmarks = Annotated[
    bool,
    Query(
        description="Measure what moves in each face (`measures`); only where the service was started with "
        "`--landmarks`."
    ),
]
Points = Annotated[
    bool, Query(description="With `landmarks`: also the 468 points of each face (`mesh`), 12 kB each.")
]
MinFace = Annotated[
    int | None,
    Query(
        ge=SMALLEST,
        le=HIGHEST,
        description="Height in px of the smallest face to look for; by default the service's own.",
    ),
]


class _Held(io.BytesIO):
    """An image in memory; what it takes is counted."""

    def __init__(self, name: str, limits: Limits, taker: _Images) -> None:
        super().__init__()
        self.name, self._limits, self._taker = name, limits, taker

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > self._limits.image_bytes:
            raise APIError(
                413,
                f"{self.name}: expected an image of at most {self._limits.image_bytes:,} bytes; got more: send a smaller one",
            )
        self._taker.hold(len(data))
        return super().write(data)


class _Images:
    """The images of one request, in memory."""

    def __init__(self, limits: Limits, memory: Room) -> None:
        self._limits, self._memory = limits, memory
        self.files: list[_Held] = []
        self._held = 0

    def open(self, name: str, /) -> IO[bytes]:
        if len(self.files) >= self._limits.images:
            raise APIError(
                413,
                f"expected at most {self._limits.images} images in one request; got more: send several requests",
            )
        self.files.append(_Held(name, self._limits, self))
        return self.files[-1]

    def hold(self, amount: int) -> None:
        self._memory.take(amount)
        self._held += amount

    def release(self) -> None:
        self._memory.give(self._held)
        self._held = 0
        self.files.clear()


def images(reader: InferenceService, limits: Limits, metrics: Metrics) -> APIRouter:
    """The route.

    Args:
        reader: What reads.
        limits: How much a client may ask for.
        metrics: Where images are counted.
    """
    router = APIRouter()
    memory, requests = Room(limits.held_bytes, "images"), Room(limits.requests, "requests")

    @router.post(
        "/v1/images", response_model=Images, responses=_PROBLEMS, openapi_extra=_BODY, tags=["images"]
    )
    async def read_images(
        request: Request, min_face: MinFace = None, landmarks: Landmarks = False, points: Points = False
    ) -> Images:
        """Find the faces in images and read the expression that each one shows.

        One image or several in the field `file`. Of an animation the first frame is read. An image that
        cannot be read does not hold up the others; when none can be read, the answer is the error of the
        first.
        """
        if points and not landmarks:
            raise APIError(422, "expected landmarks=true with points=true; got points alone")
        pipeline = reader.suited(reader.pipeline.largest, min_face, landmarks)
        taken = _Images(limits, memory)
        try:
            await take_form(request, limits.request_bytes, limits, taken)
            with requests.taken(1):
                answers = []
                for file in taken.files:
                    if await request.is_disconnected():
                        break
                    answers.append(await reader.image(_read, file, reader, pipeline, points))
        finally:
            taken.release()
        for answer in answers:
            metrics.images.labels(answer.status).inc()
        failed = [answer.error for answer in answers if answer.error is not None]
        if failed and len(failed) == len(answers):
            raise APIError(failed[0].status, failed[0].message, failed[0].kind)
        return Images(model=reader.pipeline.classifier.network.card.name, images=answers)

    return router


def _read(file: _Held, reader: InferenceService, pipeline: Pipeline, points: bool) -> Image:
    try:
        (width, height), faces = reader.read(file.getbuffer(), file.name, pipeline)
    except MediaError as error:
        return Image(source=file.name, status="error", error=Cause(**APIError.of(error).body()["error"]))
    return Image(
        source=file.name,
        status="face" if len(faces) else "no_face",
        width=width,
        height=height,
        faces=list(faces if points else faces.with_columns(mesh=None)),
    )
