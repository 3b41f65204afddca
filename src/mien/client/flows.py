"""What is asked and how its answer is understood, without sending anything: each function is a generator that gives
calls and pauses and takes answers, so that the blocking client and the one with ``await`` have it in common."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

import mien
from mien.client.options import ImageChoices, VideoChoices, chosen
from mien.client.uploads import SentFile
from mien.core.errors import InputError, ServiceError
from mien.core.faults import fault
from mien.core.formatting import counted
from mien.core.names import printable
from mien.server.schemas import Cause, Health, Images, ModelList, Problem, VideoJob

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

_LONGEST_PAUSE = 60.0
_LONGEST_EVENT = 2**20
_MOST_BYTES = 2**28
"""Of an answer: a hundred images of a hundred faces with all their points have half of that."""
_MOST_BYTES_OF_RESULT = 2**31
_BUSY = (429, 503)


@dataclass(frozen=True)
class Call:
    """A request.

    Args:
        method: Of HTTP.
        path: Below the address of the service.
        params: Options in the address.
        data: Fields of a form.
        uploads: Files of a form.
        most: Bytes of an answer that is taken.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    uploads: tuple[SentFile, ...] = ()
    most: int = _MOST_BYTES


@dataclass(frozen=True)
class Pause:
    """Nothing, for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class RawAnswer:
    """What came back.

    Args:
        address: Of the service.
        status: Of HTTP.
        headers: Names in lower case.
        content: The body.
    """

    address: str
    status: int
    headers: Mapping[str, str]
    content: bytes


Flow = Generator[Call | Pause, RawAnswer, T]


def read_images(uploads: list[SentFile], options: Mapping[str, Any], retries: int) -> Flow[Images]:
    """Images to what is read of them."""
    call = Call("POST", "/v1/images", params=_texts(chosen(options, ImageChoices)), uploads=tuple(uploads))
    return (yield from _understood(Images, call, retries))


def submit(video: SentFile, options: Mapping[str, Any], retries: int) -> Flow[VideoJob]:
    """A video to its job."""
    call = Call("POST", "/v1/videos", data=_texts(chosen(options, VideoChoices)), uploads=(video,))
    return (yield from _understood(VideoJob, call, retries))


def job_state(id: str, retries: int) -> Flow[VideoJob]:
    """How far a job is."""
    return (yield from _understood(VideoJob, Call("GET", job_path(id)), retries))


def delete(id: str, retries: int) -> Flow[None]:
    """Stop a job and delete all of it; nothing where it is gone already."""
    answer = yield from _answered(Call("DELETE", job_path(id)), retries)
    if answer.status != 404:
        yield from refused(answer)


def read_result(id: str, name: str, retries: int) -> Flow[bytes]:
    """The bytes of a result."""
    answer = yield from _answered(Call("GET", job_path(id, name), most=_MOST_BYTES_OF_RESULT), retries)
    yield from refused(answer)
    return answer.content


def read_models(retries: int) -> Flow[ModelList]:
    """What the service can read with."""
    return (yield from _understood(ModelList, Call("GET", "/v1/models"), retries))


def read_health(retries: int) -> Flow[Health]:
    """Whether it is up, and its version."""
    return (yield from _understood(Health, Call("GET", "/healthz"), retries))


def job_path(id: str, *more: str) -> str:
    """Where a job or something of it is.

    >>> job_path("0123", "result.csv")
    '/v1/videos/0123/result.csv'
    """
    from urllib.parse import quote

    return "/".join(("/v1/videos", *(quote(part, safe="") for part in (id, *more))))


class EventReader:
    r"""States of a video out of server-sent events, as their bytes come.

    >>> [list(EventReader().add(piece)) for piece in (b": a sign of life\n\n", b"event: running\n")]
    [[], []]
    """

    def __init__(self) -> None:
        self._left = b""

    def add(self, piece: bytes) -> Iterator[VideoJob]:
        """Some more bytes; gives the states that are whole by then.

        Raises:
            ServiceError: The video was deleted, or it is something else.
        """
        *whole, self._left = (self._left + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        for event in whole:
            if (state := _event_state(event.decode("utf-8", "replace").split("\n"))) is not None:
                yield state
        if len(self._left) > _LONGEST_EVENT:
            raise _no_event()


def _event_state(lines: list[str]) -> VideoJob | None:
    """What one event says; None where it is a sign of life."""
    said = dict(line.split(": ", 1) for line in lines if not line.startswith(":") and ": " in line)
    if said.get("event") == "deleted":
        raise ServiceError("the video was deleted before it was done", "not_found", 404)
    try:
        return None if "data" not in said else VideoJob.model_validate_json(said["data"], extra="ignore")
    except ValidationError:
        raise _no_event() from None


def _no_event() -> ServiceError:
    return ServiceError(
        "expected news of a video; the service sends something else: check the address, and what stands between",
        "not_mien",
    )


def told_error(cause: Cause) -> ServiceError:
    """What a service says that went wrong, in one line that a terminal can show, whatever it sent."""
    line = " ".join(printable(cause.message).split())
    return ServiceError(line, printable(cause.kind)[:100], cause.status)


def refused(answer: RawAnswer) -> Flow[None]:
    """Nothing where the service did what it was asked for.

    Raises:
        ServiceError: It did not: with its own line.
    """
    if 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 400:
        place = printable(answer.headers.get("location", "another place"))[:200]
        raise ServiceError(
            f"{answer.address}: expected an answer; was sent on to {place}, where nothing is sent: give the address of the service",
            "redirected",
            answer.status,
        )
    try:
        cause = Problem.model_validate_json(answer.content, extra="ignore").error
    except ValidationError:
        raise _not_mien(answer) from None
    if answer.status == 404 and cause.message == "Not Found":  # A route that this service does not have.
        yield from _compared(answer, "it has no such request")
        raise ServiceError(
            f"{answer.address}: expected a service of mien; it has none at this path: check the prefix",
            "not_mien",
            answer.status,
        )
    raise told_error(cause)


def _understood(kind: type[M], call: Call, retries: int) -> Flow[M]:
    answer = yield from _answered(call, retries)
    yield from refused(answer)
    try:
        json.loads(answer.content)
    except (ValueError, RecursionError):
        raise _not_mien(answer) from None
    try:
        return kind.model_validate_json(answer.content, extra="ignore")  # A newer service may say more.
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        yield from _compared(answer, f"{where}: {fault(first)}")
        raise _not_mien(answer) from None


def _answered(call: Call, retries: int) -> Flow[RawAnswer]:
    """The answer, after as many pauses as the service asks for and the client grants."""
    for left in range(retries, -1, -1):
        answer = yield call
        if answer.status not in _BUSY or not left:
            break
        yield Pause(_asked_pause(answer.headers.get("retry-after", "")))
    return answer


def _asked_pause(text: str) -> float:
    try:
        return min(_LONGEST_PAUSE, max(0.0, float(text)))
    except ValueError:
        return 1.0


def _compared(answer: RawAnswer, why: str) -> Flow[None]:
    """Nothing where the versions are the same, or the service does not say.

    Raises:
        ServiceError: They are not.
    """
    said = yield Call("GET", "/healthz")
    try:
        version = Health.model_validate_json(said.content, extra="ignore").version
    except ValidationError:
        return
    if version != mien.__version__:
        came = f"expected a service of mien {mien.__version__}, as this client; got one of {version} ({why})"
        raise ServiceError(
            f"{answer.address}: {came}: install the same version on both sides",
            "other_version",
            answer.status,
        )


def _not_mien(answer: RawAnswer) -> ServiceError:
    kind = printable(answer.headers.get("content-type", "no type").partition(";")[0])[:100]
    came = f"{kind} of {counted(len(answer.content), 'byte')} with status {answer.status}"
    return ServiceError(
        f"{answer.address}: expected an answer of mien serve; got {came}: check the address, and what stands between",
        "not_mien",
        answer.status,
    )


def _texts(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as a form has them.

    >>> _texts({"largest": True, "results": ["result.csv", "result.html"], "fps": 5})
    {'largest': 'true', 'results': 'result.csv,result.html', 'fps': '5'}
    """
    return {name: _text(name, value) for name, value in options.items()}


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    if not text.isprintable():
        raise InputError(f"{name}: expected a value of letters, digits and signs; got {text[:100]!a}")
    return text
