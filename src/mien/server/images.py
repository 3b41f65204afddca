"""``POST /v1/images``."""

from __future__ import annotations

import io
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from mien.core.errors import MediaError
from mien.core.formatting import counted
from mien.inference.pipeline import Pipeline
from mien.server.bodies import RAW, take_images
from mien.server.choices import Choices
from mien.server.document import command, problems
from mien.server.errors import APIError
from mien.server.inference import InferenceService
from mien.server.limits import Room
from mien.server.metrics import Metrics
from mien.server.offer import facts
from mien.server.schemas import Cause, Image, Images
from mien.server.settings import Limits
from mien.server.uploads import form_body


def _body() -> dict[str, Any]:
    """What the OpenAPI document says of the body, which FastAPI does not see."""
    options = Choices.model_json_schema()["properties"]
    binary, text = {"type": "string", "format": "binary"}, {"type": "string", "format": "byte"}
    form = form_body({"type": "array", "minItems": 1, "items": binary}, **options)
    coded = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "image": {**text, "description": "Base64, or a data URL of it."},
            "images": {
                "type": "array",
                "minItems": 1,
                "items": text,
                "description": "Several, in place of `image`.",
            },
            **options,
        },
        "oneOf": [{"required": ["image"]}, {"required": ["images"]}],
    }
    content = form["requestBody"]["content"]
    content["application/json"] = {"schema": coded, "example": {"image": _PIXEL, "min_face": 40}}
    content |= {kind: {"schema": binary} for kind in RAW}
    return form


_PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


class _Held(io.BytesIO):
    """An image in memory; what it takes is counted."""

    def __init__(self, name: str, limits: Limits, taker: _Images) -> None:
        super().__init__()
        self.name, self._limits, self._taker = name, limits, taker
        self.spoilt: str | None = None

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > self._limits.image_bytes:
            raise APIError(
                413,
                f"{self.name}: expected an image of at most {self._limits.image_bytes:,} bytes; got more: send a smaller one",
            )
        self._taker.hold(len(data))
        return super().write(data)

    def spoil(self, message: str) -> None:
        self.spoilt = message


class _Images:
    """The images of one request, in memory."""

    def __init__(self, limits: Limits, memory: Room) -> None:
        self._limits, self._memory = limits, memory
        self.files: list[_Held] = []
        self._held = 0

    def open(self, name: str, /) -> _Held:
        if len(self.files) >= self._limits.images:
            raise APIError(
                413,
                f"expected at most {counted(self._limits.images, 'image')} in one request; got more: send several requests",
            )
        self.files.append(_Held(name, self._limits, self))
        return self.files[-1]

    def order(self, images: list[_Held], /) -> None:
        self.files = images

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
        "/v1/images",
        response_model=Images,
        responses=problems(400, 408, 413, 415, 422),
        openapi_extra=_body() | command("-F file=@face.jpg", "/v1/images"),
        tags=["images"],
    )
    async def read_images(request: Request, address: Annotated[Choices, Query()]) -> Images:
        """Find the faces in images and read the expression that each one shows.

        The body is one image as it is; or a form with one image or several in the field `file`; or JSON with
        base64 in `image` or `images`. Options stand in the address, or in fields of the form or JSON. Of an
        animation the first frame is read. An image that cannot be read does not hold up the others; when none
        can be read, the answer is the error of the first.
        """
        taken = _Images(limits, memory)
        try:
            fields = await take_images(request, limits, taken, Choices.model_fields)
            choices = address.joined(fields)
            pipeline = reader.suited(choices)
            with requests.taken(1):
                answers = []
                for number, file in enumerate(taken.files):
                    if number and await request.is_disconnected():
                        break
                    answers.append(await reader.image(_read, file, reader, pipeline, choices.points))
        finally:
            taken.release()
        told = facts(pipeline)
        for answer in answers:
            metrics.images.labels(answer.status, told["model"], told["head"]).inc()
        failed = [answer.error for answer in answers if answer.error is not None]
        if failed and len(failed) == len(answers):
            raise APIError(failed[0].status, failed[0].message, failed[0].kind)
        return Images(**told, images=answers)

    return router


def _read(file: _Held, reader: InferenceService, pipeline: Pipeline, points: bool) -> Image:
    try:
        if file.spoilt is not None:
            raise MediaError(f"{file.name}: {file.spoilt}", "not_base64")
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
