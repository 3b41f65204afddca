"""``/v1/videos``: a video becomes a job, a job becomes results."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import fields
from functools import partial
from mimetypes import guess_type
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import TypeAdapter, ValidationError

from mien.core.errors import InputError
from mien.core.names import quoted
from mien.media.blur import Blur
from mien.server.choices import invalid
from mien.server.document import command, described_fields, problems
from mien.server.errors import APIError
from mien.server.jobs import Jobs
from mien.server.offer import Offer
from mien.server.proxy import prefix
from mien.server.schemas import Cause, VideoJob
from mien.server.settings import ServerSettings
from mien.server.store import Job
from mien.server.task import FILES, VideoJobOptions
from mien.server.uploads import form_body, take_form

_OPTIONS = TypeAdapter(VideoJobOptions)
_OVERHEAD = 2**20  # Bytes of a form beside its file.
_ALIVE = 15.0  # Seconds between two signs of life where nothing happens.

_REPORT = {
    # The report has its scripts and styles inside; alone in a sandbox they can reach neither the network nor
    # the service.
    "Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data:; frame-ancestors 'self'",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
_TYPES = {
    ".jsonl": "application/jsonl",
    ".parquet": "application/vnd.apache.parquet",
    ".vtt": "text/vtt",
    ".srt": "application/x-subrip",
    ".eaf": "application/xml",
    ".TextGrid": "text/plain",
    ".boris": "application/json",
    ".sps": "text/plain",
    ".tsv": "text/tab-separated-values",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_READER = ("model", "digest", "head", "detector")
_SHOWN = (".html", ".mp4", ".png")


def _form_fields() -> dict[str, Any]:
    """The options as fields of a form, where what is left out is None."""
    found, told = {}, described_fields(VideoJobOptions.__doc__)
    for name, about in _OPTIONS.json_schema()["properties"].items():
        kinds = [kind for kind in about.pop("anyOf", []) if kind != {"type": "null"}]
        about.pop("default", None)
        about["description"] = told[name]
        found[name] = about | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})
    return found


_EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["waiting", "running", "done", "failed", "deleted"]},
        "data": {"type": "string"},
    },
}
_EVENTS = {"content": {"text/event-stream": {"schema": _EVENT}}}
_BODY = form_body({"type": "string", "format": "binary"}, **_form_fields())

Id = Annotated[
    str, InPath(pattern="^[0-9a-f]{32}$", description="Id of a video, as POST /v1/videos gave it.")
]


async def _found(id: Id, request: Request) -> Job:
    jobs: Jobs = request.app.state.jobs
    return jobs.get(id)


Found = Annotated[Job, Depends(_found)]


def videos(jobs: Jobs, offer: Offer, settings: ServerSettings) -> APIRouter:
    """The routes.

    Args:
        jobs: All videos.
        offer: What may read them.
        settings: How much a client may ask for.
    """
    router = APIRouter(tags=["videos"])

    def described(job: Job, request: Request) -> VideoJob:
        return _described(job, jobs, f"{prefix(request)}/v1/videos/{job.id}")

    @router.post(
        "/v1/videos",
        status_code=202,
        responses=problems(400, 408, 413, 415, 422, 507),
        openapi_extra=_BODY | command("-F file=@talk.mp4 -F fps=5", "/v1/videos"),
    )
    async def add_video(request: Request, response: Response) -> VideoJob:
        """Hand in a video, to be read when it is its turn.

        The video goes into the field `file`, options of `mien analyze` into fields of their own. The upload
        is deleted as soon as it has been read.
        """
        upload = jobs.new()
        try:
            given = await take_form(
                request,
                settings.limits.video_bytes + _OVERHEAD,
                settings.limits,
                upload,
                tuple(option.name for option in fields(VideoJobOptions)),
            )
            options = _options(given)
            if options.landmarks and not settings.networks.landmarks:
                raise APIError.no_landmarks()
            choice = options.model, options.head, options.detector
            job = await jobs.take(upload, options, offer.chosen(*choice), offer.facts(*choice))
        finally:
            jobs.end(upload)
        response.headers["Location"] = f"{prefix(request)}/v1/videos/{job.id}"
        return described(job, request)

    @router.get("/v1/videos/{id}", responses=problems(404, 422), openapi_extra=command("", "/v1/videos/ID"))
    async def read_video(job: Found, request: Request) -> VideoJob:
        """How far a video is, and where its results are."""
        return described(job, request)

    @router.delete(
        "/v1/videos/{id}",
        status_code=204,
        responses=problems(404, 422),
        openapi_extra=command("-X DELETE", "/v1/videos/ID"),
    )
    async def remove_video(job: Found) -> Response:
        """Stop reading a video if that is going on, and delete it and all results."""
        await jobs.remove(job)
        return Response(status_code=204)

    @router.get(
        "/v1/videos/{id}/events",
        response_class=StreamingResponse,
        responses={200: _EVENTS, **problems(404, 422)},
        openapi_extra=command("-N", "/v1/videos/ID/events"),
    )
    async def watch_video(job: Found, request: Request) -> StreamingResponse:
        """Progress as server-sent events: `waiting`, `running`, and at the end `done`, `failed` or `deleted`;
        the data is the video as JSON."""
        return StreamingResponse(
            _events(job, jobs, partial(described, request=request)),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    @router.get(
        "/v1/videos/{id}/{file}",
        response_class=FileResponse,
        responses={200: _contents(), **problems(404, 409, 422, 501)},
        openapi_extra=command("-O", "/v1/videos/ID/result.csv"),
    )
    async def read_result(job: Found, file: Literal[FILES]) -> FileResponse:  # type: ignore[valid-type]
        """A result: rows, people, subtitles, ELAN tiers, the report, the annotated video, charts."""
        return _sent(jobs.result(job, file), file, job)

    return router


def _described(job: Job, jobs: Jobs, place: str) -> VideoJob:
    """A video as clients see it."""
    return VideoJob(
        id=job.id,
        name=job.name,
        state=job.state,
        **{name: job.options.get(name, "") for name in _READER},
        options={name: value for name, value in job.options.items() if name not in _READER},
        created=job.created,
        ended=job.ended,
        expires=jobs.expires(job),
        error=None if job.error is None else Cause(**job.error),
        results={name: f"{place}/{name}" for name in jobs.results(job)},
        **jobs.progress(job),
    )


async def _events(job: Job, jobs: Jobs, described: Callable[[Job], VideoJob]) -> AsyncIterator[str]:
    last = ""
    async for now in jobs.watch(job.id, _ALIVE):
        if now is None:
            yield f"event: deleted\ndata: {json.dumps({'id': job.id})}\n\n"
            return
        text = f"event: {now.state}\ndata: {described(now).model_dump_json()}\n\n"
        yield ": still there\n\n" if text == last else text
        last = text


def _sent(path: Path, file: str, job: Job) -> FileResponse:
    name = (
        f"{Path(job.name).stem}{file.removeprefix('result')}"
        if file.startswith("result")
        else f"{Path(job.name).stem}-{file}"
    )
    how = "inline" if path.suffix in _SHOWN else "attachment"
    headers = _REPORT if path.suffix == ".html" else None
    return FileResponse(
        path, media_type=_media_type(file), filename=name, content_disposition_type=how, headers=headers
    )


def _options(fields: dict[str, str]) -> VideoJobOptions:
    """Options out of the fields of a form.

    Raises:
        APIError: One is impossible.
    """
    try:
        options = _OPTIONS.validate_python({name: value for name, value in fields.items() if value})
        _ = options.video_options(), options.wanted
        if options.blur is not None:
            Blur.parse(options.blur)
    except ValidationError as error:
        if error.errors()[0]["loc"][0] == "baseline":  # pydantic tells of each of its two kinds.
            came = quoted(fields["baseline"])
            raise APIError(422, f"baseline: expected seconds above 0, or median; got {came}") from None
        raise invalid(error) from None
    except InputError as error:
        raise APIError(422, str(error)) from None
    return options


def _media_type(name: str) -> str:
    suffix = Path(name).suffix
    return _TYPES.get(suffix) or guess_type(name)[0] or "application/octet-stream"


def _contents() -> dict[str, Any]:
    """What the OpenAPI document says of a result."""
    content = {
        kind: {"schema": {"type": "string", "format": "binary"}}
        for kind in sorted({_media_type(name) for name in FILES})
    }
    return {"content": content, "description": "The file"}
