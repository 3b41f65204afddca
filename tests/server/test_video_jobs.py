from __future__ import annotations

import csv
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from mien.core.errors import InputError
from mien.core.labels import NOTICE
from mien.server.settings import Limits, ServerSettings
from mien.server.store import Job, Store
from mien.server.task import FILES, VideoJobOptions
from tests.commands import run_mien
from tests.server.service import Service, encoded, serving
from tests.waiting import until

pytestmark = pytest.mark.integration


def send(service: Service, path: Path, name: str | None = None, **fields: str) -> dict[str, Any]:
    with path.open("rb") as file:
        answer = service.client.post("/v1/videos", files={"file": (name or path.name, file)}, data=fields)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/videos/{told['id']}"
    return told


def events(service: Service, video: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """All server-sent events until the last one."""
    told = []
    with service.client.stream("GET", f"/v1/videos/{video['id']}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        kind = ""
        for line in answer.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                told.append((kind, json.loads(line.removeprefix("data: "))))
    return told


def finished(service: Service, video: dict[str, Any]) -> dict[str, Any]:
    kind, told = events(service, video)[-1]
    assert kind == told["state"] == "done", told
    return told


def test_a_field_that_is_no_option_is_told_with_those_that_are(service: Service) -> None:
    for name in ("__pydantic_config__", "wanted"):
        answer = service.client.post("/v1/videos", files={"file": b"none"}, data={name: "x"})
        assert answer.status_code == 422
        message = answer.json()["error"]["message"]
        offered = message.partition("options in ")[2].partition(";")[0].split(", ")
        assert {"fps", "results", "end"} <= {*offered} == {option.name for option in fields(VideoJobOptions)}
        assert not [option for option in offered if option.startswith("_")]


def refused(service: Service, options: dict[str, str]) -> bool:
    """Whether options are refused as invalid, by a video that is none: they are looked at first."""
    answer = service.client.post("/v1/videos", files={"file": b"none"}, data=options)
    return (answer.status_code, answer.json()["error"]["kind"]) == (422, "invalid")


def get(service: Service, video: dict[str, Any], name: str) -> bytes:
    answer = service.client.get(f"/v1/videos/{video['id']}/{name}")
    assert answer.status_code == 200, answer.text
    return answer.content


def test_a_video_becomes_every_result_that_analyze_gives(
    service: Service, movie: Callable[..., Path], tmp_path: Path
) -> None:
    path = movie(30, nobody=range(8, 11))
    told = finished(service, send(service, path))
    assert (told["notice"], told["name"], told["progress"], told["error"]) == (NOTICE, "clip.mp4", 1.0, None)
    assert set(told["results"]) == {*FILES} - {"landmarks.png"}, "that one is of landmarks"
    assert (told["frames"], told["expected"]) == (30, 30), "all, whatever was last told on the way"
    assert told["expires"] > time.time()
    out = tmp_path / "out"
    out.mkdir()
    wanted = [f"result.{form}" for form in ("csv", "json", "jsonl", "vtt", "srt", "parquet")]
    words = ["analyze", path, "--threads", 1, "-q", "--persons", out / "persons.json"]
    files = [word for name in wanted for word in ("-o", out / name)]
    assert run_mien(*words, *files, cwd=tmp_path).returncode == 0
    for name in [*wanted, "persons.json"]:
        if name != "result.parquet":
            assert (
                get(service, told, name).replace(b"clip.mp4", str(path).encode()) == (out / name).read_bytes()
            ), name
    rows = list(csv.DictReader(io.StringIO(get(service, told, "result.csv").decode())))
    assert {row["status"] for row in rows} == {"face", "no_face"}
    assert len({row["frame"] for row in rows}) == 30
    assert get(service, told, "result.parquet")[:4] == b"PAR1"
    assert get(service, told, "timeline.png")[1:4] == get(service, told, "persons.png")[1:4] == b"PNG"
    assert b"ANNOTATION_DOCUMENT" in get(service, told, "result.eaf")
    people = json.loads(get(service, told, "persons.json"))
    assert [json.loads(line) for line in get(service, told, "persons.jsonl").splitlines()] == people
    assert get(service, told, "persons.csv").count(b"\n") == 1 + len(people)
    answer = service.client.get(f"/v1/videos/{told['id']}/result.mp4", headers={"range": "bytes=4-7"})
    assert (answer.status_code, answer.content) == (206, b"ftyp")


def test_the_report_can_reach_nothing(service: Service, movie: Callable[..., Path]) -> None:
    told = finished(
        service,
        send(
            service, movie(), name="<script>alert(1)</script>.mp4", results="result.html", thumbnails="true"
        ),
    )
    answer = service.client.get(f"/v1/videos/{told['id']}/result.html")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "<script>alert" not in answer.text
    assert "\n" not in answer.headers["content-disposition"]


def test_options_are_those_of_analyze(service: Service, movie: Callable[..., Path]) -> None:
    path = movie(30)
    fields = {
        "fps": "2",
        "largest": "true",
        "tau": "0.7",
        "baseline": "median",
        "start": "1",
        "end": "2",
        "results": "result.jsonl,persons.csv",
        "blur": "",
    }
    told = finished(service, send(service, path, **fields))
    plain = {
        "fps": 2.0,
        "largest": True,
        "tau": 0.7,
        "baseline": "median",
        "start": 1.0,
        "end": 2.0,
        "thumbnails": False,
        "landmarks": False,
    }
    assert told["options"] == {**plain, "results": fields["results"]}
    assert len(get(service, told, "result.jsonl").splitlines()) == 2
    assert list(told["results"]) == ["result.jsonl", "persons.csv", "persons.json", "persons.jsonl"]
    assert service.client.get(f"/v1/videos/{told['id']}/result.mp4").status_code == 404
    for wrong in (
        {"blur": "x"},
        {"results": "result.exe"},
        {"interval": "x"},
        {"interval": "1", "fps": "1"},
        {"tau": "-1"},
        *(
            {name: value}
            for name in ("interval", "fps", "tau", "baseline", "start", "end")
            for value in ("inf", "-inf", "nan", "1e999")
        ),
        {"baseline": "0"},
        {"annotate": "maybe"},
        {"quality": "1"},
        {"start": "2", "end": "1"},
        {"end": "soon"},
    ):
        assert refused(service, wrong), wrong


@pytest.mark.parametrize("baseline", [0.5, "median"])
def test_a_baseline_in_seconds_or_of_the_whole(
    service: Service, movie: Callable[..., Path], baseline: float | str
) -> None:
    told = finished(
        service, send(service, movie(10), fps="5", results="result.jsonl", baseline=str(baseline))
    )
    assert told["options"]["baseline"] == baseline
    assert len(get(service, told, "result.jsonl").splitlines()) == 5


@pytest.mark.parametrize("baseline", ["often", "Median", "nan"])
def test_what_is_no_baseline_is_told_in_one_line(service: Service, baseline: str) -> None:
    answer = service.client.post("/v1/videos", files={"file": b"none"}, data={"baseline": baseline})
    told = f"baseline: expected seconds above 0, or median; got '{baseline}'"
    assert (answer.status_code, answer.json()["error"]["message"]) == (422, told)


def test_progress_grows_and_the_upload_is_deleted(service: Service, movie: Callable[..., Path]) -> None:
    video = send(service, movie(60), results="result.csv,result.mp4")
    told = events(service, video)
    shares = [one["progress"] for _, one in told if one["progress"] is not None]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    folder = service.settings.folder / "videos" / video["id"]
    assert sorted(path.name for path in folder.iterdir()) == ["end.json", "results", "task.json"]
    assert service.client.delete(f"/v1/videos/{video['id']}").status_code == 204
    assert not folder.exists()
    for path in ("", "/events", "/result.csv"):
        assert service.client.get(f"/v1/videos/{video['id']}{path}").status_code == 404
    assert service.client.delete(f"/v1/videos/{video['id']}").status_code == 404


def test_a_video_that_is_being_read_can_be_deleted(service: Service, movie: Callable[..., Path]) -> None:
    video = send(service, movie(400))
    other = send(service, movie(10, name="other.mp4"), results="result.csv")
    told: list[str] = []
    watching = threading.Thread(target=lambda: told.extend(kind for kind, _ in events(service, video)))
    watching.start()
    until(lambda: service.client.get(f"/v1/videos/{video['id']}").json()["frames"] >= 2)
    assert service.client.get(f"/v1/videos/{video['id']}/result.csv").json()["error"]["kind"] == "not_ready"
    assert service.client.delete(f"/v1/videos/{video['id']}").status_code == 204
    watching.join(60)
    assert told[-1] == "deleted"
    assert not (service.settings.folder / "videos" / video["id"]).exists()
    finished(service, other)


def test_a_restart_goes_on_to_the_same_result(movie: Callable[..., Path], tmp_path: Path) -> None:
    path = movie(500)
    with serving(tmp_path / "one") as service:
        whole = get(service, finished(service, send(service, path, results="result.csv")), "result.csv")
    with serving(tmp_path / "two") as service:
        video, waiting = (
            send(service, path, results="result.csv"),
            send(service, path, name="b.mp4", fps="1", results="result.csv"),
        )
        checkpoints = service.settings.folder / "videos" / video["id"] / "checkpoint" / "0"
        until((checkpoints / "000000.npz").exists)
    store = Store(tmp_path / "two" / "videos.sqlite")
    assert [job.state for job in store.all()] == ["running", "waiting"]
    store.close()
    assert (checkpoints / "000000.npz").exists()
    stray = tmp_path / "two" / "videos" / ("f" * 32)
    stray.mkdir()
    with serving(tmp_path / "two") as service:
        told = finished(service, video)
        assert get(service, told, "result.csv") == whole
        assert told["frames"] == 500, "those of the service before, too"
        finished(service, waiting)
        assert not stray.exists(), "half an upload of a service that was killed"


def test_results_are_deleted_when_their_time_is_over_and_uploads_kept_on_request(
    movie: Callable[..., Path], tmp_path: Path
) -> None:
    with serving(tmp_path, keep=True, results_seconds=5) as service:
        video = send(service, movie(5), results="result.csv")
        finished(service, video)
        folder = tmp_path / "videos" / video["id"]
        assert (folder / "upload").exists()
        until(lambda: service.client.get(f"/v1/videos/{video['id']}").status_code == 404)
        assert not folder.exists()


@pytest.fixture
def trap() -> Iterator[tuple[int, list[object]]]:
    """A port that notes who comes."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                try:
                    connection, who = listener.accept()
                except TimeoutError:
                    continue
                came.append(who)
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield listener.getsockname()[1], came
        stop.set()
        thread.join()


def test_no_upload_makes_the_service_open_anything_else(
    service: Service, trap: tuple[int, list[object]], tmp_path: Path, movie: Callable[..., Path]
) -> None:
    port, came = trap
    url = f"http://127.0.0.1:{port}/a.ts"
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(movie(5).read_bytes())
    lures = {
        "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
        "b.mp4": f"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\nconcat:{url}|file:///etc/passwd\n",
        "c.txt": f"ffconcat version 1.0\nfile '{secret}'\nfile /etc/passwd\nfile {url}\n",
        "d.sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "e.mpd": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{url}</BaseURL></MPD>',
        "f.ram": f"{url}\n",
        "g.pls": f"[playlist]\nFile1={url}\n",
        "h.svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>',
    }
    # Also with bytes before or behind that keep it from being text.
    for name in ("a.m3u8", "c.txt"):
        lures[f"nul-{name}"] = lures[name] + "\0\0\0"
    for name, text in lures.items():
        answer = service.client.post("/v1/videos", files={"file": (name, text.encode())})
        assert (answer.status_code, answer.json()["error"]["kind"]) == (415, "unsupported"), (
            name,
            answer.text,
        )
        assert service.client.post("/v1/images", files={"file": (name, text.encode())}).status_code == 415
    # A movie whose only track says that its data lie elsewhere.
    elsewhere = movie(5, name="elsewhere.mp4").read_bytes().replace(b"url \0\0\0\x01", b"alis\0\0\0\0")
    assert b"alis" in elsewhere
    answer = service.client.post("/v1/videos", files={"file": ("elsewhere.mp4", elsewhere)})
    assert answer.status_code in (202, 415, 422)
    assert came == []


def test_what_is_no_video_or_too_much_of_one(
    movie: Callable[..., Path], tmp_path: Path, portrait: Any
) -> None:
    path = movie(30)
    whole = path.read_bytes()
    limits = replace(Limits(), video_seconds=2.5, video_pixels=60_000, video_bytes=len(whole), jobs=1)
    with serving(tmp_path / "service", limits=limits) as service:

        def post(content: bytes) -> tuple[int, str]:
            answer = service.client.post("/v1/videos", files={"file": ("a.mp4", content)})
            return answer.status_code, answer.json()["error"]["kind"]

        assert post(whole) == (413, "too_long")
        assert post(whole + b"x") == (413, "too_large")
        assert post(b"") == (422, "empty")
        assert post(whole[whole.index(b"mdat") - 4 :]) == (422, "truncated")
        assert post(b"hello") == (415, "unsupported")
        assert post(encoded(portrait[::8, ::8].copy())) == (415, "unsupported")
        assert post(encoded(portrait[::8, ::8].copy())[:300])[0] in (415, 422)
        assert service.client.post("/v1/videos", files=[("file", whole), ("file", whole)]).status_code == 422
        assert service.client.post("/v1/videos", files=[("file", b"x"), ("file", b"x")]).status_code == 422
        assert list((tmp_path / "service" / "videos").iterdir()) == [], "nothing of what was refused is left"
        video = send(service, movie(20, name="short.mp4"), results="result.csv")
        assert service.client.post("/v1/videos", files={"file": b"x"}).status_code == 429
        finished(service, video)
    with serving(tmp_path / "other", limits=replace(Limits(), video_pixels=240 * 239)) as service:
        answer = service.client.post("/v1/videos", files={"file": whole})
        assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "too_large")
    with serving(tmp_path / "small", limits=replace(Limits(), job_bytes=len(whole) - 1)) as service:
        assert service.client.post("/v1/videos", files={"file": whole}).status_code == 429
        assert list((tmp_path / "small" / "videos").iterdir()) == []
    with serving(tmp_path / "slow", limits=replace(Limits(), job_seconds=0.2)) as service:
        kind, told = events(service, send(service, path))[-1]
        assert (kind, told["error"]["kind"], told["results"]) == ("failed", "too_slow", {})
        assert service.client.get(f"/v1/videos/{told['id']}/result.csv").json()["error"]["kind"] == "failed"
        assert [
            one.name
            for one in (tmp_path / "slow" / "videos" / told["id"]).iterdir()
            if one.name in ("upload", "checkpoint", "results")
        ] == []


@pytest.mark.parametrize("name", ["../../../etc/passwd", 'a"\r\nx: \N{SNOWMAN}.mp4', ".."])
def test_names_of_videos_are_names_only(service: Service, movie: Callable[..., Path], name: str) -> None:
    boundary, content = "x" * 30, movie(3).read_bytes()
    quoted = name.replace('"', "%22").replace("\r\n", "%0D%0A")
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n\r\n'.encode()
    )
    field = f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="results"\r\n\r\nresult.csv'
    body = head + content + f"{field}\r\n--{boundary}--\r\n".encode()
    answer = service.client.post(
        "/v1/videos", content=body, headers={"content-type": f"multipart/form-data; boundary={boundary}"}
    )
    assert answer.status_code == 202, answer.text
    told = finished(service, answer.json())
    assert not set(told["name"]) & set("/\\\r\n")
    assert service.client.get(f"/v1/videos/{told['id']}/result.csv").status_code == 200


def test_ids_lead_nowhere_else(service: Service) -> None:
    told = service.client.get("/v1/videos/none").json()["error"]["message"]
    assert told == "path.id: expected a text of the form ^[0-9a-f]{32}$; got 'none'"
    for name in ("..", "%2e%2e", "..%2f..%2fetc", "a" * 31, "A" * 32, "a" * 33, "%00" * 32, "z" * 32):
        assert service.client.get(f"/v1/videos/{name}").status_code in (404, 405, 422)
        assert service.client.get(f"/v1/videos/{name}/result.csv").status_code in (404, 422)
    for name in ("task.json", "upload", "result.exe", "..%2ftask.json", "results%2fresult.csv"):
        assert service.client.get(f"/v1/videos/{'a' * 32}/{name}").status_code in (404, 422)


def test_two_services_do_not_share_a_folder(tmp_path: Path) -> None:
    from mien.server.app import create_app

    with serving(tmp_path), pytest.raises(InputError, match="that no other service uses"):
        create_app(ServerSettings(tmp_path))
    with serving(tmp_path):
        pass


def test_jobs_are_kept_as_they_are(tmp_path: Path) -> None:
    job = Job(
        "a", "x.mp4", 1.5, {"tau": 0.5}, "failed", 2.5, {"status": 422, "kind": "empty", "message": "m"}
    )
    store = Store(tmp_path / "jobs")
    store.add(job)
    store.close()
    again = Store(tmp_path / "jobs")
    assert again.all() == [job]
    again.remove("a")
    assert again.all() == []
    again.close()
