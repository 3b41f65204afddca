"""Images and videos given to the page become tables, annotated copies and reports."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator

from mien import Pipeline, analyze
from mien.core.frame_result import ROW_KEYS, flat_keys
from mien.core.labels import EXPRESSIONS, NOTICE
from mien.reports.page import stylesheet
from mien.tracking.tracker import SOON
from tests.server.page.visiting import Visit
from tests.server.service import encoded
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("compiled")

DROP = """async ([name, type, data]) => {
  const files = new DataTransfer();
  files.items.add(new File([Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0))], name, { type }));
  const target = document.querySelector("#drop");
  for (const kind of ["dragover", "drop"]) target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: files }));
}"""


def _drop(visit: Visit, name: str, kind: str, data: bytes) -> Locator:
    """Drop a file; gives its card once it is done."""
    visit.page.evaluate(DROP, [name, kind, base64.b64encode(data).decode()])
    card = visit.page.locator(f".result[aria-label='{name}']").first
    card.locator("xpath=self::*[@data-state]").wait_for()
    assert card.get_attribute("data-state") == "done", card.inner_text()
    return card


def _downloaded(visit: Visit, card: Locator, label: str) -> tuple[str, bytes]:
    with visit.page.expect_download() as waiting:
        card.get_by_role("link", name=label).click()
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


def test_an_image_both_ways(visit: Visit, astronaut: np.ndarray, pipeline: Pipeline) -> None:
    visit.ready()
    for way in ("device", "server"):
        visit.choose(way)
        _check_image(visit, way, astronaut, pipeline)


def _check_image(visit: Visit, way: str, astronaut: np.ndarray, pipeline: Pipeline) -> None:
    card = _drop(visit, "Eileen & co.png", "image/png", encoded(astronaut))
    assert "1 face: happy" in card.inner_text()
    visit.shot(f"image-{way}")
    name, table = _downloaded(visit, card, "Table (JSON)")
    assert name == "Eileen & co.json"
    [got] = json.loads(table)
    [right] = analyze(astronaut, pipeline=pipeline).rows()
    assert tuple(got) == ROW_KEYS
    assert {key: got[key] for key in ("frame", "time", "status", "emotion", "label", "track")} == {
        key: right[key] for key in ("frame", "time", "status", "emotion", "label", "track")
    }
    assert got["box"] == pytest.approx(right["box"], abs=0.1)
    assert got["probs"] == pytest.approx(right["probs"], abs=1e-3)
    rows = list(csv.DictReader(io.StringIO(_downloaded(visit, card, "Table (CSV)")[1].decode())))
    assert list(rows[0]) == flat_keys(EXPRESSIONS)
    assert rows[0]["source"] == "Eileen & co.png"
    assert float(rows[0]["happy"]) == pytest.approx(right["probs"]["happy"], abs=1e-3)
    assert json.loads(rows[0]["box"]) == got["box"]
    name, copy = _downloaded(visit, card, "Annotated image")
    seen = np.asarray(Image.open(io.BytesIO(copy)).convert("RGB"))
    assert seen.shape == astronaut.shape
    assert (seen != astronaut).any(axis=2).mean() > 0.005
    report = _downloaded(visit, card, "Report (HTML)")[1].decode()
    assert "Eileen &#38; co.png" in report
    assert NOTICE in report
    assert stylesheet() in report
    assert not re.search(r"https?://", report)
    card.get_by_role("button", name="Remove Eileen & co.png").click()


def test_an_image_without_a_face_and_files_that_are_none(visit: Visit) -> None:
    visit.ready()
    card = _drop(visit, "plain.png", "image/png", encoded(np.full((90, 120, 3), 128, np.uint8)))
    assert "No face found" in card.inner_text()
    visit.page.evaluate(DROP, ["notes.png", "image/png", base64.b64encode(b"not an image").decode()])
    failed = visit.page.locator(".result[data-state=failed]")
    failed.wait_for()
    assert "notes.png: expected an image or a video; got text: choose" in failed.inner_text()
    failed.get_by_role("button", name="Remove notes.png").click()
    assert failed.count() == 0
    visit.choose("server")
    visit.page.evaluate(DROP, ["notes.mp4", "video/mp4", base64.b64encode(b"not a video at all").decode()])
    failed.wait_for()
    assert "notes.mp4" in failed.inner_text()
    visit.problems[:] = [
        problem for problem in visit.problems if "415" not in problem and "422" not in problem
    ]


def test_a_video_on_the_device(visit: Visit, movie: Callable[..., Path], portrait: np.ndarray) -> None:
    clip = movie(20, nobody=range(8, 12), name="walk.mp4")
    visit.ready()
    card = _drop(visit, "walk.mp4", "video/mp4", clip.read_bytes())
    rows = json.loads(_downloaded(visit, card, "Table (JSON)")[1])
    times = [row["time"] for row in rows]
    assert times == sorted(times)
    assert len({row["frame"] for row in rows}) >= 18, "most frames can be read"
    # True media times: the clip has a frame every tenth of a second.
    assert max(abs(time * 10 - round(time * 10)) for time in times) < 0.02
    # Who comes back is looked for every quarter of a second, or found at once where they were thought to be.
    settled = [row for row in rows if not 1.15 < row["time"] < 1.15 + SOON]
    for row in settled:
        assert (row["status"] == "no_face") == (0.75 < row["time"] < 1.15), row
    [here] = {row["track"] for row in rows if row["status"] == "face"}
    right = [row for row in analyze(clip).rows() if row["status"] == "face"]
    shown = {round(row["time"], 2): row for row in right}
    for row in settled:
        if row["status"] == "face":
            assert row["smoothed_emotion"] == shown[round(row["time"], 2)]["smoothed_emotion"]
    assert here == 1
    visit.shot("video-device")
    report = _downloaded(visit, card, "Report (HTML)")[1].decode()
    assert "data:image/png" in report
    card.get_by_role("button", name="Make the annotated video").click()
    link = card.get_by_role("link", name="Annotated video")
    link.wait_for()
    name, copy = _downloaded(visit, card, "Annotated video")
    assert len(copy) > 5000
    _check_video(copy, name, portrait.shape)


def _check_video(data: bytes, name: str, shape: tuple[int, ...]) -> None:
    import av

    with av.open(io.BytesIO(data)) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert name.rsplit(".", 1)[1] in ("mp4", "webm")
    assert len(frames) >= 5
    assert frames[0].shape == shape


def test_a_video_on_the_server(visit: Visit, movie: Callable[..., Path]) -> None:
    clip = movie(20, name="walk.mp4")
    visit.ready()
    visit.choose("server")
    card = _drop(visit, "walk.mp4", "video/mp4", clip.read_bytes())
    visit.page.frame_locator("iframe").get_by_role("heading", name="walk.mp4").wait_for()
    visit.shot("video-server")
    rows = json.loads(_downloaded(visit, card, "Table (JSON)")[1])
    assert len({row["frame"] for row in rows}) == 20
    _check_video(_downloaded(visit, card, "Annotated video (MP4)")[1], "walk.mp4", (240, 240, 3))
    for label in ("Table (CSV)", "People (CSV)", "Report (HTML)"):
        assert _downloaded(visit, card, label)[1]
    video = visit.page.locator(".result video")
    assert (
        video.evaluate(
            "(video) => new Promise((done) => video.readyState ? done(1) : (video.onloadeddata = () => done(1)))"
        )
        == 1
    )
    place = str(video.get_attribute("src")).rsplit("/", 1)[0]
    card.get_by_role("button", name="Remove walk.mp4").click()
    until(lambda: visit.page.evaluate("(place) => fetch(place).then(({ status }) => status)", place) == 404)
    visit.problems[:] = [problem for problem in visit.problems if "404" not in problem]


def test_choices_hold_for_images(visit: Visit, astronaut: np.ndarray, grace_hopper: np.ndarray) -> None:
    both = np.concatenate([astronaut, np.asarray(Image.fromarray(grace_hopper).resize((400, 512)))], axis=1)
    visit.ready()
    assert "2 faces" in _drop(visit, "both.png", "image/png", encoded(both)).inner_text()
    visit.page.check("#largest")
    assert "1 face" in _drop(visit, "biggest.png", "image/png", encoded(both)).inner_text()
    visit.page.uncheck("#largest")
    visit.page.select_option("#min-face", "140")
    assert "1 face" in _drop(visit, "tall.png", "image/png", encoded(both)).inner_text()
