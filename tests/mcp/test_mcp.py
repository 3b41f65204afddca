"""`mien mcp` as hosts of assistants use it: started by the SDK's own client, over standard input and output."""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from PIL import Image

from mien.core.errors import InputError
from mien.core.labels import NOTICE
from mien.mcp.roots import Roots
from mien.media import VideoWriter

pytest.importorskip("mcp", reason="mcp is not installed: pip install 'mien[mcp]'")

from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]  # However busy the machine is.


def talk(do: Callable[[Client], Awaitable[None]], *options: object, cwd: Path | None = None) -> None:
    """Start a server with these options and let a client do something with it."""
    words = ["-m", "mien", "mcp", *map(str, options)]
    server = StdioServerParameters(command=sys.executable, args=words, cwd=cwd, env=dict(os.environ))

    async def run() -> None:
        async with Client(server) as client:
            await do(client)

    anyio.run(run)


def answers(
    folder: Path, *calls: tuple[str, dict[str, Any]], options: tuple[object, ...] = ()
) -> list[CallToolResult]:
    """What a server of this folder answers to calls, one after the other."""
    given: list[CallToolResult] = []

    async def do(client: Client) -> None:
        for name, arguments in calls:
            given.append(await client.call_tool(name, arguments))

    talk(do, "--root", folder, *options)
    return given


def refusal(answer: CallToolResult) -> str:
    """The one line of an error of a tool."""
    [content] = answer.content
    assert answer.is_error
    assert answer.structured_content is None
    assert "\n" not in content.text
    return content.text


@pytest.fixture
def folder(tmp_path: Path, portrait: np.ndarray) -> Path:
    """Images in a folder and one inside it, one of them broken, and beside it what must not be read."""
    folder = tmp_path / "allowed"
    (folder / "more").mkdir(parents=True)
    Image.fromarray(portrait).save(folder / "portrait.png")
    Image.fromarray(np.full((90, 120, 3), 90, np.uint8)).save(folder / "more/nobody.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff not a JPEG")
    (folder / "notes.txt").write_text("no image")
    outside = tmp_path / "outside"
    outside.mkdir()
    Image.fromarray(portrait).save(outside / "secret.png")
    (folder / "link.png").symlink_to(outside / "secret.png")
    (folder / "away").symlink_to(outside)
    return folder


def film(path: Path, image: np.ndarray, frames: int, rate: int = 10) -> Path:
    with VideoWriter(path, image.shape[1], image.shape[0], rate=rate) as writer:
        for index in range(frames):
            writer.write(image, index / rate)
    return path


def test_tools_are_listed_with_schemas_before_any_network_is_loaded(tmp_path: Path) -> None:
    async def do(client: Client) -> None:
        [server] = [
            int(child)
            for child in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            if os.fsencode(tmp_path) in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"read_image", "read_folder", "read_video"}
        for tool in tools.values():
            assert NOTICE in tool.description
            assert tool.annotations.read_only_hint
            assert "notice" in tool.output_schema["required"] or "notice" in tool.output_schema["properties"]
            assert tool.input_schema["required"] == ["path"]
            assert not tool.input_schema["additionalProperties"]
        loaded = Path(f"/proc/{server}/maps").read_text()
        assert "onnxruntime" not in loaded
        assert "libav" not in loaded
        assert "numpy" not in loaded

    talk(do, "--root", tmp_path)


def test_an_image_a_folder_and_a_video_are_read(folder: Path, portrait: np.ndarray) -> None:
    film(folder / "talk.mp4", portrait, 20)
    image, shown, listed, video = answers(
        folder,
        ("read_image", {"path": "portrait.png"}),
        ("read_image", {"path": str(folder / "portrait.png"), "with_image": True}),
        ("read_folder", {"path": "."}),
        ("read_video", {"path": "talk.mp4"}),
    )
    for answer in (image, shown, listed, video):
        assert not answer.is_error
        assert answer.structured_content["notice"] == NOTICE
        assert json.loads(answer.content[0].text) == answer.structured_content

    [face] = image.structured_content["faces"]
    assert (face["label"], image.structured_content["status"]) == ("happy", "face")
    assert sum(face["probs"].values()) == pytest.approx(1, abs=0.01)
    assert [content.type for content in image.content] == ["text"], "no image that was not asked for"
    assert [content.type for content in shown.content] == ["text", "image"]
    with Image.open(io.BytesIO(base64.b64decode(shown.content[1].data))) as drawn:
        assert (drawn.format, max(drawn.size) <= 1024) == ("JPEG", True)

    told = listed.structured_content
    assert (told["images"], told["read"], told["failed"], told["with_face"], told["faces"]) == (3, 2, 1, 1, 1)
    assert told["labels"]["happy"] == 1
    assert {Path(file["path"]).name: file["status"] for file in told["files"]} == {
        "broken.jpg": "error",
        "portrait.png": "face",
        "nobody.png": "no_face",
    }
    assert [Path(path).name for path in told["videos"]] == ["talk.mp4"]
    assert told["next_offset"] is None

    told = video.structured_content
    [person] = told["people"]
    assert (person["track"], person["mostly"], told["frames"], told["next_start"]) == (1, "happy", 10, None)
    assert person["shares"]["happy"] == pytest.approx(1)
    assert told["duration"] == pytest.approx(2)
    assert [stretch["label"] for stretch in told["stretches"]] == ["happy"]


def test_a_folder_is_read_in_parts(folder: Path) -> None:
    seen: list[str] = []
    first, second = answers(
        folder,
        ("read_folder", {"path": ".", "limit": 2}),
        ("read_folder", {"path": ".", "limit": 2, "offset": 2}),
    )
    seen = [file["path"] for answer in (first, second) for file in answer.structured_content["files"]]
    assert len(seen) == len(set(seen)) == 3
    assert (first.structured_content["next_offset"], second.structured_content["next_offset"]) == (2, None)


def test_what_cannot_be_read_is_an_error_of_the_tool_in_one_line(folder: Path, portrait: np.ndarray) -> None:
    film(folder / "talk.mp4", portrait, 3)
    os.mkfifo(folder / "pipe.png")
    elsewhere = "got one elsewhere: start mien mcp with --root FOLDER to allow it"
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("read_image", {"path": str(folder.parent / "outside/secret.png")}, elsewhere),
        ("read_image", {"path": str(folder.parent / "outside/there-is-none.png")}, elsewhere),
        ("read_image", {"path": "../outside/secret.png"}, elsewhere),
        ("read_image", {"path": "link.png"}, elsewhere),
        ("read_image", {"path": "away/secret.png"}, elsewhere),
        ("read_folder", {"path": "away"}, elsewhere),
        ("read_video", {"path": "/etc/passwd"}, elsewhere),
        ("read_image", {"path": "https://example.org/face.png"}, "nothing is fetched"),
        ("read_image", {"path": "zero\0character"}, "nothing is fetched"),
        ("read_image", {"path": "none.png"}, "expected a file; there is none"),
        ("read_image", {"path": "pipe.png"}, "expected a file; there is none"),
        ("read_image", {"path": "more"}, "use read_folder"),
        ("read_folder", {"path": "portrait.png"}, "expected a folder"),
        ("read_image", {"path": "broken.jpg"}, "broken.jpg: expected"),
        ("read_image", {"path": "notes.txt"}, "got a text file"),
        ("read_image", {"path": "talk.mp4"}, "use read_video"),
        ("read_video", {"path": "portrait.png"}, "use read_image"),
        ("read_video", {"path": "talk.mp4", "start": 9}, "talk.mp4: expected"),
        ("read_video", {"path": "talk.mp4", "fps": 1000}, "fps: expected 60 or less; got 1000"),
        ("read_image", {"path": "portrait.png", "landmarks": True}, "read_image takes path, with_image"),
        ("read_image", {}, "path: expected a value; got none: read_image takes path, with_image"),
        ("read_image", {"path": 7}, "path: expected a text; got 7"),
        ("read_image", {"path": ""}, "path: expected a text; got an empty one"),
        (
            "read_image",
            {"path": "a" * 5000},
            "path: expected a text of 4096 characters or fewer; got 5,000 characters",
        ),
        ("read_image", {"path": "a" * 300 + ".png"}, "expected a file; there is none"),
        ("read_image", {"path": r"half \ud800.png"}, "expected the path of a file on this machine"),
        (
            "read_folder",
            {"path": ".", "limit": 501},
            "limit: expected 500 or less; got 501: read_folder takes path, limit, offset",
        ),
        ("read_folder", {"path": ".", "limit": 0}, "limit: expected 1 or more; got 0"),
        ("read_folder", {"path": ".", "limit": "many"}, "limit: expected a whole number; got 'many'"),
        ("read_folder", {"path": ".", "offset": -1}, "offset: expected 0 or more; got -1"),
        ("read_mind", {"path": "portrait.png"}, "read_image, read_folder, read_video; got 'read_mind'"),
        ("read_image", {"path": "portrait.png"}, "expected at most 1,000 pixels"),
    ]
    given = answers(
        folder, *((name, arguments) for name, arguments, _ in cases), options=("--max-pixels", 60_000)
    )
    large, others = given.pop(), cases[:-1]
    assert not large.is_error
    for answer, (name, arguments, words) in zip(given, others, strict=True):
        assert words in refusal(answer), (name, arguments)
    [large] = answers(folder, cases[-1][:2], options=("--max-pixels", 1000))
    assert cases[-1][2] in refusal(large)


def test_names_that_are_no_text_are_spelled_and_can_be_asked_for(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    """Of one such name in a folder nothing else is lost."""
    names = [b"Ren\xe9.png", b"two\nlines.png"]
    for name in names:
        Image.fromarray(portrait).save(tmp_path / os.fsdecode(name))
    (tmp_path / os.fsdecode(b"clip\xff.mp4")).write_bytes(b"...")
    [listed] = answers(tmp_path, ("read_folder", {"path": "."}))
    told = listed.structured_content or {}
    shown = [file["path"] for file in told["files"]]
    assert shown == [r"./Ren\xe9.png", r"./two\x0alines.png"]
    assert told["videos"] == [r"./clip\xff.mp4"]
    again = answers(tmp_path, *(("read_image", {"path": path}) for path in shown))
    assert [(one.structured_content or {})["status"] for one in again] == ["face", "face"]
    with pytest.raises(InputError, match="a file on this machine"):
        Roots([tmp_path]).file(r"a\x00b")
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(InputError, match="there is none"):
        Roots([inner]).file(r"\x2e\x2e/two\x0alines.png")


def test_a_long_video_tells_how_far_it_is_and_ends_when_the_time_is_over(tmp_path: Path) -> None:
    film(tmp_path / "long.mp4", np.full((480, 640, 3), 90, np.uint8), 900)
    told: list[tuple[float, float | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        assert message == "seconds of the video read"
        told.append((progress, total))

    async def do(client: Client) -> None:
        asked = {"path": "long.mp4", "fps": 60}
        first = (await client.call_tool("read_video", asked, progress_callback=note)).structured_content
        assert first["duration"] == pytest.approx(90)
        assert 0 < first["next_start"] < 90
        assert first["next_start"] == first["end"] > first["start"]
        end = min(90.0, first["next_start"] + 0.5)
        rest = {**asked, "start": first["next_start"], "end": end}
        second = (await client.call_tool("read_video", rest)).structured_content
        assert second["start"] >= first["next_start"]

    talk(do, "--root", tmp_path, "--seconds", 1)
    assert told == sorted(told)
    assert {whole for _, whole in told} == {90.0}


def test_a_call_that_is_cancelled_stops_reading(tmp_path: Path, portrait: np.ndarray) -> None:
    film(tmp_path / "long.mp4", np.full((480, 640, 3), 90, np.uint8), 900)
    Image.fromarray(portrait).save(tmp_path / "portrait.png")
    told: list[float] = []

    async def do(client: Client) -> None:
        async with anyio.create_task_group() as group:

            async def note(progress: float, total: float | None, message: str | None) -> None:
                told.append(progress)
                group.cancel_scope.cancel()

            await client.call_tool("read_video", {"path": "long.mp4", "fps": 60}, progress_callback=note)
            raise AssertionError("it was read to its end")
        # One call is worked on at a time: this one waits for the end of the other.
        answer = await client.call_tool("read_image", {"path": "portrait.png"})
        assert answer.structured_content["status"] == "face"

    talk(do, "--root", tmp_path, "--seconds", 3600)
    assert told
    assert max(told) < 60, "it went on"


def started(folder: Path) -> subprocess.Popen[str]:
    """A server that has answered a call."""
    server = subprocess.Popen(
        [sys.executable, "-m", "mien", "mcp", "--root", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def say(**message: object) -> None:
        server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        server.stdin.flush()

    client = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    say(id=1, method="initialize", params=client)
    server.stdout.readline()
    say(method="notifications/initialized")
    say(id=2, method="tools/call", params={"name": "read_image", "arguments": {"path": "portrait.png"}})
    assert '"status":"face"' in server.stdout.readline().replace('\\"', '"')
    return server


def test_it_ends_with_its_host(folder: Path) -> None:
    with started(folder) as server:
        server.stdin.close()
        assert (server.wait(60), server.stderr.read(), server.stdout.read()) == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_it_ends_when_it_is_told_to(folder: Path) -> None:
    with started(folder) as server:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 130
        assert server.stderr.read() == "mien: interrupted: nothing half-written was left behind\n"


def call(id: str, arguments: str) -> str:
    """A line that calls `read_image`."""
    params = f'{{"name": "read_image", "arguments": {arguments}}}'
    return f'{{"jsonrpc": "2.0", "id": {id}, "method": "tools/call", "params": {params}}}'


PARSE, REQUEST = -32700, -32600
HALF = "got half of a surrogate pair"
STRANGE = [
    (call("10", r'{"path": "\ud800"}'), 10, PARSE, HALF),
    (call("11", r'{"path": "a\udc00b.png"}'), 11, PARSE, HALF),
    (call('"twelve"', r'{"path": "a", "\udfff": 1}'), "twelve", PARSE, HALF),
    (call(r'"\ud800"', '{"path": "a"}'), None, PARSE, HALF),
    (call("13", r'{"path": "\ud83d \ude00"}'), 13, PARSE, HALF),
    ("{no json", None, PARSE, "expected a message in one line of JSON; got '{no json"),
    ("[" * 100_000, None, PARSE, "expected a message in one line of JSON"),
    ('{"jsonrpc": "1.0", "id": 14, "method": "tools/list"}', 14, REQUEST, "expected a message of JSON-RPC 2.0"),
    ('{"jsonrpc": "2.0", "id": 15, "method": 7}', 15, REQUEST, "expected a message of JSON-RPC 2.0"),
    ('{"jsonrpc": "2.0", "id": 16}', 16, REQUEST, "expected a message of JSON-RPC 2.0"),
    ("7", None, REQUEST, "expected a message of JSON-RPC 2.0; got 7"),
    *(
        (f'{{"jsonrpc": "2.0", "id": {id}, "method": "tools/list"}}', None, REQUEST, "as the id of 'tools/list'; got another or none")
        for id in ("null", "true", "93.5", "{}", "[1]")
    ),
    ("null", None, REQUEST, "expected a message of JSON-RPC 2.0; got null"),
]  # fmt: skip


def test_whatever_is_no_message_is_answered(folder: Path) -> None:
    """Each by an error with its number where that can be told; and the next one as if nothing had been."""
    good = call("99", r'{"path": "\u0070ortrait.png"}')
    silent = r'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"reason": "\ud800"}}'
    with started(folder) as server:
        for line, *_ in (*STRANGE, (silent,), ("",), ("  ",), (good,)):
            server.stdin.write(f"{line}\n")
        server.stdin.flush()
        *refused, last = (json.loads(server.stdout.readline()) for _ in range(len(STRANGE) + 1))
        server.stdin.close()
        assert (server.wait(60), server.stdout.read(), server.stderr.read()) == (0, "", "")
    assert (last["id"], last["result"]["structuredContent"]["status"]) == (99, "face")
    assert len(refused) == len(STRANGE)
    for told, (line, id, code, words) in zip(refused, STRANGE, strict=True):
        assert (told["id"], told["error"]["code"]) == (id, code), line[:99]
        assert words in told["error"]["message"]
        assert len(told["error"]["message"]) < 300
        assert told["error"]["message"].isprintable()


def test_folders_that_hold_everything_or_are_none_are_refused(tmp_path: Path) -> None:
    for folder, words in (
        (Path("/"), "holds everything"),
        (tmp_path / "none", "expected a folder; there is none"),
    ):
        with pytest.raises(InputError, match=words):
            Roots([folder])
    with pytest.raises(InputError, match="at least one folder"):
        Roots([])


def test_the_working_folder_is_read_where_no_other_is_named(folder: Path) -> None:
    async def do(client: Client) -> None:
        answer = await client.call_tool("read_image", {"path": "portrait.png"})
        assert answer.structured_content["status"] == "face"

    talk(do, cwd=folder)
