"""The server: tools listed and called over standard input and output, until the host closes them."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

import anyio
from anyio import from_thread, to_thread
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ImageContent,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import BaseModel, ValidationError

import mien
from mien.core.errors import LOG, MienError
from mien.core.faults import fault
from mien.core.labels import NOTICE
from mien.core.masking import masked_text
from mien.core.names import quoted
from mien.mcp.messages import pass_on
from mien.mcp.reading import Progress, ToolReader
from mien.mcp.schemas import FolderSummary, ImageFaces, ReadFolder, ReadImage, ReadVideo, VideoSummary

_BETWEEN = 0.5
"""Seconds between two notifications of how far a call is."""

_Answered = tuple[BaseModel, bytes | None]


@dataclass(frozen=True)
class _Kind:
    """A tool: what it takes, what it answers, and what does it."""

    title: str
    description: str
    arguments: type[BaseModel]
    answer: type[BaseModel]
    call: Callable[[ToolReader, Any, Progress], _Answered]


_TOOLS = {
    "read_image": _Kind(
        "Read the expressions in an image",
        f"Find the faces in one image and read the expression that each one shows. {NOTICE} It does not tell who somebody is.",
        ReadImage,
        ImageFaces,
        ToolReader.read_image,
    ),
    "read_folder": _Kind(
        "Read the expressions in a folder of images",
        f"Sum up which expressions the faces in the images of a folder show, image by image, and list its videos. {NOTICE}",
        ReadFolder,
        FolderSummary,
        ToolReader.read_folder,
    ),
    "read_video": _Kind(
        "Read the expressions in a video",
        f"Sum up which expressions each person in a video shows, for how long and when. {NOTICE} People are numbered anew in each call.",
        ReadVideo,
        VideoSummary,
        ToolReader.read_video,
    ),
}


def serve_stdio(reader: ToolReader) -> None:
    """Answer a host until it closes standard input.

    Args:
        reader: What reads.
    """
    # A signal ends the main thread. One that waits for standard input cannot be ended, nor what waits for it.
    ended: Future[None] = Future()
    Thread(target=_run, args=(reader, ended), daemon=True).start()
    ended.result()


def _run(reader: ToolReader, ended: Future[None]) -> None:
    try:
        anyio.run(_serve, reader)
    except BaseException as error:
        ended.set_exception(error)
    else:
        ended.set_result(None)


async def _serve(reader: ToolReader) -> None:
    one_at_a_time = anyio.CapacityLimiter(1)

    async def list_tools(
        _: ServerRequestContext[Any], _page: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[_listed(name, kind) for name, kind in _TOOLS.items()])

    async def call_tool(context: ServerRequestContext[Any], asked: CallToolRequestParams) -> CallToolResult:
        try:
            kind, arguments = _checked(asked)
            work = partial(kind.call, reader, arguments, _told(context))
            answer, image = await to_thread.run_sync(work, limiter=one_at_a_time)
        except (MienError, OSError) as error:
            return _refused(str(error))
        except Exception as error:
            LOG.exception("%s: a call of the tool failed", asked.name)
            return _refused(f"{asked.name}: a fault in mien or a library of its ({type(error).__name__})")
        return _result(answer, image)

    server: Server[Any] = Server(
        "mien",
        version=mien.__version__,
        title="mien: facial expressions in images and videos",
        instructions=f"Reads facial expressions in files of this machine, on this machine. {NOTICE}",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    server.middleware.clear()  # It would tell OpenTelemetry of every call, wherever the environment says that it goes.
    async with stdio_server() as (reads, writes), anyio.create_task_group() as beside:
        told, understood = anyio.create_memory_object_stream[SessionMessage]()
        beside.start_soon(pass_on, reads, writes, told)
        await server.run(understood, writes, server.create_initialization_options())
        beside.cancel_scope.cancel()


def _listed(name: str, kind: _Kind) -> Tool:
    return Tool(
        name=name,
        title=kind.title,
        description=kind.description,
        input_schema=kind.arguments.model_json_schema(),
        output_schema=kind.answer.model_json_schema(mode="serialization"),
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


def _checked(asked: CallToolRequestParams) -> tuple[_Kind, BaseModel]:
    kind = _TOOLS.get(asked.name)
    if kind is None:
        raise MienError(f"expected one of the tools {', '.join(_TOOLS)}; got {quoted(asked.name)}")
    try:
        return kind, kind.arguments.model_validate(asked.arguments or {})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = quoted(".".join(map(str, first["loc"])) or asked.name)[1:-1]
        raise MienError(
            f"{where}: {fault(first)}: {asked.name} takes {', '.join(kind.arguments.model_fields)}"
        ) from None


def _told(context: ServerRequestContext[Any]) -> Progress:
    """Tells the host how far the call is, now and then; to be called on the thread that reads."""
    last = 0.0

    def tell(done: float, whole: float | None, words: str) -> None:
        nonlocal last
        from_thread.check_cancelled()
        if time.monotonic() - last >= _BETWEEN:
            last = time.monotonic()
            from_thread.run(context.session.report_progress, done, whole, words)

    return tell


def _result(answer: BaseModel, image: bytes | None) -> CallToolResult:
    content: list[Any] = [TextContent(text=answer.model_dump_json())]
    if image is not None:
        content.append(ImageContent(data=base64.b64encode(image).decode(), mime_type="image/jpeg"))
    return CallToolResult(content=content, structured_content=answer.model_dump(mode="json"))


def _refused(message: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=" ".join(masked_text(message).split()))], is_error=True)
