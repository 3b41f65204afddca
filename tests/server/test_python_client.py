"""`mien.client` against a real service, and against what is none; the blocking client and the awaited one alike."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from PIL import Image

import mien
from mien.client import AsyncClient, Client, ServiceError
from mien.client.flows import Call, Flow, RawAnswer
from mien.client.options import ImageChoices, StreamChoices, VideoChoices
from mien.client.streams import StreamedFrame, StreamReady
from mien.core.errors import InputError, MediaError
from mien.core.labels import NOTICE
from mien.server.schemas import READER
from mien.server.settings import Limits
from mien.server.stream import StreamStart
from tests.server.service import Service, encoded, serving, talk, timed
from tests.server.strange import ok, problem, strange

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]  # However busy the machine is.

TOKEN = "a-long-secret-of-tests"


def test_images_come_in_any_form(
    connected: Callable[..., Any], service: Service, tmp_path: Path, portrait: np.ndarray
) -> None:
    path = tmp_path / "portrait.png"
    Image.fromarray(portrait).save(path)
    sent = [path, str(path), path.read_bytes(), Image.fromarray(portrait), portrait, portrait[:, :, 0]]
    client = connected(service.url)
    answer = client.images(sent)
    assert (answer.notice, answer.model) == (NOTICE, "small-int8")
    names = ["portrait.png", "portrait.png", *(f"image-{number}" for number in (3, 4, 5, 6))]
    assert [image.source for image in answer.images] == names
    first, *same, gray = [image.faces for image in answer.images]
    assert [face.label for face in first] == ["happy"]
    assert all(faces == first for faces in same)
    assert len(gray) == 1
    alone = client.images(portrait, head="ferplus", largest=True)
    assert (alone.head, len(alone.images)) == ("ferplus", 1)


def test_what_cannot_be_read_among_others_is_told_beside_them(
    connected: Callable[..., Any], service: Service, portrait: np.ndarray
) -> None:
    good, bad = connected(service.url).images([portrait, b"no image"]).images
    assert (good.status, bad.status) == ("face", "error")
    assert bad.error.message.startswith("image-2: expected an image")


def test_a_video_is_handed_in_followed_and_saved(
    connected: Callable[..., Any], service: Service, movie: Callable[..., Path], tmp_path: Path
) -> None:
    client = connected(service.url)
    with client.video(movie(), fps=5, results=["result.csv", "result.json"]) as job:
        states = list(job.progress())
        assert states[-1].state == "done"
        shares = [state.progress for state in states]
        assert shares == sorted(shares)
        assert job.wait().results.keys() == {"result.csv", "result.json"}
        saved = job.save("result.csv", tmp_path / "rows.csv")
        assert saved.read_bytes() == job.result("result.csv")
        assert len(json.loads(job.result("result.json"))) >= 6
        with pytest.raises(ServiceError, match="expected a result that was asked for") as told:
            job.save("result.html", tmp_path / "report.html")
        assert (told.value.status, told.value.kind) == (404, "not_found")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "rows.csv"]
        assert client.job(job.id).state().state == "done"
    with pytest.raises(ServiceError, match="there is none, or its time is over"):
        client.job(job.id).state()
    client.job(job.id).cancel()  # It is gone already.


def test_a_video_that_fails_says_why(connected: Callable[..., Any], service: Service) -> None:
    client = connected(service.url)
    with pytest.raises(ServiceError) as told:
        client.video(b"no video").wait()
    assert told.value.status == 415
    assert "\n" not in str(told.value)


def test_a_stream_follows_people(
    connected: Callable[..., Any], service: Service, portrait: np.ndarray
) -> None:
    client = connected(service.url)
    with client.stream(tau=0.5) as stream:
        assert stream.ready.notice == NOTICE
        frames = [stream.read(portrait, index / 10) for index in range(3)]
        assert [(frame.frame, frame.time, frame.status) for frame in frames] == [
            (0, 0.0, "face"),
            (1, 0.1, "face"),
            (2, 0.2, "face"),
        ]
        assert {face.track for frame in frames for face in frame.faces} == {1}
        assert frames[-1].faces[0].smoothed_emotion == "happy"
        assert stream.read(b"no image", 0.3).error.kind == "unsupported"
        stream.reset()
        assert stream.read(portrait, 0.0).faces[0].track is not None
    with pytest.raises(ServiceError, match="the connection broke off"):
        stream.read(portrait, 1.0)
    with pytest.raises(ServiceError, match="tau"), client.stream(tau=1000):
        pass


def test_the_service_says_what_it_has(connected: Callable[..., Any], service: Service) -> None:
    client = connected(service.url)
    models = client.models()
    assert models.model in [network.name for network in models.models if network.offered]
    assert (client.health().status, client.health().version) == ("ok", mien.__version__)


def test_what_is_asked_for_wrongly_is_refused_in_the_words_of_the_service(
    connected: Callable[..., Any], service: Service, portrait: np.ndarray, tmp_path: Path
) -> None:
    client = connected(service.url)
    for options, words in (
        ({"modell": "nano"}, "did you mean model?"),
        ({"model": "huge"}, "huge"),
        ({"landmarks": True}, "mien serve --landmarks"),
        ({"min_face": 1}, "min_face"),
    ):
        with pytest.raises(ServiceError, match=words) as told:
            client.images(portrait, **options)
        assert told.value.status == 422
    wrong: Any
    for wrong in (tmp_path / "none.png", "https://example.org/face.png", portrait.astype(float), 7, []):
        with pytest.raises(InputError):
            client.images(wrong)
    with pytest.raises(MediaError, match=r"none\.mp4"):
        client.video(tmp_path / "none.mp4")
    with pytest.raises(InputError, match="expected an address such as"):
        connected("127.0.0.1:8000")


def test_a_token_is_sent_and_a_wrong_one_refused(
    connected: Callable[..., Any], tmp_path: Path, portrait: np.ndarray
) -> None:
    with serving(tmp_path / "service", token=TOKEN) as service:
        assert connected(service.url, token=TOKEN).images(portrait).images[0].status == "face"
        with connected(service.url, token=TOKEN).stream() as stream:
            assert stream.read(portrait, 0.0).status == "face"
        for token in (None, "another-secret-of-tests"):
            client = connected(service.url, token=token)
            assert client.health().status == "ok"
            for ask in (partial(client.images, portrait), client.models, partial(entered, client)):
                with pytest.raises(ServiceError, match="token") as told:
                    ask()
                assert (told.value.status, told.value.kind) == (401, "unauthorized")


def entered(client: Any) -> None:
    with client.stream():
        pass


def test_a_file_that_is_too_large_is_refused_in_the_words_of_the_service(
    connected: Callable[..., Any], tmp_path: Path
) -> None:
    limits = Limits(image_bytes=10_000, video_bytes=1_000_000)
    with serving(tmp_path / "service", limits=limits) as service:
        client = connected(service.url)
        with pytest.raises(ServiceError, match="at most 10,000 bytes") as told:
            client.images(bytes(2_000_000))
        assert told.value.status == 413
        huge = tmp_path / "huge.mp4"
        with open(huge, "wb") as file:
            file.truncate(5_000_000)
        with pytest.raises(ServiceError) as told:
            client.video(huge)
        assert (told.value.status, told.value.kind) == (413, "too_large")
        client.close()  # The service passes over what a client still sends, and should be done with it.


# --- What is no service of mien, or another one


EMPTY = {**READER, "images": []}


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (
            (502, {"Content-Type": "text/html"}, b"<h1>Bad gateway</h1>"),
            "not_mien",
            "text/html of 20 bytes with status 502",
        ),
        ((200, {"Content-Type": "text/html"}, b"<h1>Hello</h1>"), "not_mien", "check the address"),
        (None, "broken_off", "the connection broke off"),
        (
            ok({**READER, "pictures": []}),
            "other_version",
            r"got one of 99\.0\.0 \(images: expected a value; got none\)",
        ),
        (problem(404, "Not Found"), "other_version", "it has no such request"),
        (problem(503, "no room", **{"Retry-After": "0"}), "some", "^no room$"),
        (problem(418, "a line\nof the service"), "some", "of the service"),
    ],
)
def test_what_is_no_answer_is_told_in_one_line(
    connected: Callable[..., Any], portrait: np.ndarray, answer: Any, kind: str, words: str
) -> None:
    with strange(answer) as server:
        with pytest.raises(ServiceError, match=words) as told:
            connected(server.url).images(portrait)
        assert told.value.kind == kind


JSON, GZIP = {"Content-Type": "application/json"}, {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ((200, {**JSON, **GZIP}, b"no gzip"), "broken_off", "while decompressing"),
        ((500, {**JSON, **GZIP}, b"no gzip"), "broken_off", "while decompressing"),
        ((200, JSON, b"[" * 100_000), "not_mien", "application/json of 100,000 bytes"),
        ((200, JSON, b'{"images": "\xff"}'), "not_mien", "application/json of 15 bytes"),
        (problem(418, "red \x1b[31m" + "a" * 10_000), "some", r"^red \\x1b\[31ma{900,}…a{900,}$"),
        ((302, {"Location": "/" + "a" * 10_000}, b""), "redirected", "sent on to /a{199}, where"),
    ],
)
def test_answers_of_something_else_are_bounded_and_in_one_line(
    connected: Callable[..., Any], portrait: np.ndarray, answer: Any, kind: str, words: str
) -> None:
    with strange(answer) as server:
        client = connected(server.url)
        with pytest.raises(ServiceError, match=words) as told:
            client.images(portrait)
        assert told.value.kind == kind
        assert str(told.value).isprintable()
        if answer[0] != 200:
            with pytest.raises(ServiceError, match=words):
                client.job("0123").wait()


@pytest.mark.parametrize(
    "body", [b"data: {garbage\n\n", b"data: []\n\n", b"data: \xff\n\n", b"data: " + b"a" * 3_000_000]
)
def test_news_of_something_else(connected: Callable[..., Any], body: bytes) -> None:
    words = "expected news of a video; the service sends something else"
    news = (200, {"Content-Type": "text/event-stream"}, body)
    with strange(news) as server, pytest.raises(ServiceError, match=words):
        connected(server.url).job("0123").wait()


def test_an_answer_of_more_than_is_wanted_is_not_kept() -> None:
    def asked() -> Flow[RawAnswer]:
        return (yield Call("GET", "/v1/models", most=100_000))

    async def awaited(url: str) -> None:
        async with AsyncClient(url) as client:
            await client._connection.run(asked())

    packed = gzip.compress(bytes(50_000_000), 1)
    with strange((200, GZIP, packed)) as server:
        with Client(server.url) as client, pytest.raises(ServiceError, match="at most 100,000 bytes; more"):
            client._connection.run(asked())
        with pytest.raises(ServiceError, match="at most 100,000 bytes; more came"):
            asyncio.run(awaited(server.url))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        *(({"url": url}, "expected an address such as") for url in
          ("http://[::1", "http://here:port", "http://here/\n", "http://xn--/", f"http://{'a' * 300}", "http://a#b")),
        *(({"token": token}, "expected a token of .*; got another one$") for token in
          ("", "two words", "a\r\nX: y", "\xe9")),
        *(({"timeout": timeout}, "expected a timeout above 0") for timeout in (0, -1, float("nan"), float("inf"))),
        ({"timeout": None}, "timeout: expected a number; got None"),
        ({"verify": "no"}, "verify: expected True or False; got 'no'"),
        ({"url": 8000}, "url: expected text; got 8000"),
        ({"token": 1234567890123456}, "expected a token of .*; got another one$"),
        ({"retries": -1}, "expected 0 retries or more; got -1"),
    ],
)  # fmt: skip
def test_what_no_client_can_do_is_refused(options: dict[str, Any], words: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(InputError, match=words) as told:
            kind(**options)
        assert str(told.value).isprintable()


def test_options_and_paths_that_cannot_be_sent() -> None:
    with Client("http://127.0.0.1:9") as client:
        for options, told in (
            ({"largest": "maybe"}, "largest: expected True or False"),
            ({"model": 5}, "model: expected text"),
        ):
            with pytest.raises(InputError, match=told):
                client.images(b"image", **options)
            with pytest.raises(InputError, match=told):
                client.video(b"video", **options)
            with pytest.raises(InputError, match=told):
                client.stream(**options)
        for value in ("a\nb", "\udc80"):
            with pytest.raises(InputError, match="model: expected a value of letters"):
                client.images(b"image", model=value)
        with pytest.raises(InputError, match="a null character"):
            client.images("a\0b")


def test_nothing_follows_to_another_host(connected: Callable[..., Any], portrait: np.ndarray) -> None:
    with strange(ok(EMPTY)) as other, strange((307, {"Location": f"{other.url}/v1/images"}, b"")) as server:
        client = connected(server.url, token=TOKEN)
        with pytest.raises(ServiceError, match="where nothing is sent"):
            client.images(portrait)
        with pytest.raises(ServiceError), client.stream():
            pass
        assert other.asked == []


def test_what_a_newer_service_says_beyond_is_ignored(
    connected: Callable[..., Any], portrait: np.ndarray
) -> None:
    with strange(ok({**EMPTY, "mood": "new"})) as server:
        assert connected(server.url).images(portrait).images == []


def test_a_request_is_sent_again_when_the_service_says_so(
    connected: Callable[..., Any], portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, busy = problem(429, "full", **{"Retry-After": "0.2"}), problem(503, "busy")
    with strange(full, busy, ok(EMPTY)) as server:
        assert connected(f"{server.url}/faces/", token=TOKEN).images(portrait).images == []
        assert {(method, path) for method, path, _ in server.asked} == {("POST", "/faces/v1/images")}
        lengths = {headers["Content-Length"] for _, _, headers in server.asked}
        assert (len(server.asked), len(lengths)) == (3, 1), "all of it is sent each time"
        assert {headers["Authorization"] for *_, headers in server.asked} == {f"Bearer {TOKEN}"}
        assert server.connections == 1, "one connection is kept"
    with strange(full) as server:
        with pytest.raises(ServiceError, match=r"^full$") as told:
            connected(server.url, retries=0).images(portrait)
        assert (told.value.status, len(server.asked)) == (429, 1)


def test_a_service_that_is_not_there_is_told(connected: Callable[..., Any], portrait: np.ndarray) -> None:
    client = connected("http://127.0.0.1:9", timeout=5)
    for ask in (client.health, partial(client.images, portrait), partial(entered, client)):
        with pytest.raises(ServiceError, match="nobody answers there") as told:
            ask()
        assert (told.value.kind, told.value.status) == ("unreachable", None)


# --- What the service and the client must agree on


def test_options_are_those_of_the_service(service: Service) -> None:
    paths = service.client.get("/openapi.json").json()["paths"]
    asked = {parameter["name"] for parameter in paths["/v1/images"]["post"]["parameters"]}
    assert set(get_type_hints(ImageChoices)) == asked
    form = paths["/v1/videos"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(get_type_hints(VideoChoices)) == set(form["properties"]) - {"file"}
    shape = {"type", "format", "width", "height", "times"}
    assert set(get_type_hints(StreamChoices)) == set(StreamStart.model_fields) - shape


def test_messages_of_streams_are_as_the_client_knows_them(service: Service, portrait: np.ndarray) -> None:
    start = {"type": "start", "times": True}
    ready, frame, bad = talk(service, start, [timed(0.0, encoded(portrait)), timed(0.1, b"no image")])
    StreamReady.model_validate(ready, extra="forbid")
    for message in (frame, bad):
        known = StreamedFrame.model_validate(message, extra="forbid")
        assert set(known.model_fields_set) == set(message)


def test_a_client_needs_little() -> None:
    code = "import sys, mien.client; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {"fastapi", "starlette", "uvicorn", "onnxruntime", "numpy", "av", "PIL", "httpx", "websockets"}
    assert not heavy & set(loaded.split())


def test_the_examples_of_the_page_run(
    service: Service, movie: Callable[..., Path], portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(movie().parent)
    Image.fromarray(portrait).save("portrait.png")
    Image.fromarray(np.full_like(portrait, 90)).save("nobody.png")
    page = (Path(__file__).parents[2] / "docs/clients.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    said = io.StringIO()
    for example in examples:
        with redirect_stdout(said):
            exec(example.replace("http://127.0.0.1:8000", service.url.rstrip("/")), {"__name__": "example"})
    for words in (
        "portrait.png face [('happy'",
        "nobody.png no_face []",
        "(1, 'happy')",
        "422 ",
        "face no_face",
    ):
        assert words in said.getvalue()
    assert Path("rows.csv").read_text().startswith("source,frame,time")


def test_a_file_object_is_refused_with_a_word() -> None:
    with Client() as client, pytest.raises(InputError, match="got BytesIO"):
        client.images(io.BytesIO(b""))  # type: ignore[arg-type]
