"""The report: whole without a network, short however long the video, true to the results, and alive
in a real browser.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien import EXPRESSIONS, Faces, MediaError, MissingExtraError
from mien.core.formatting import precise
from mien.core.frame import Frame
from mien.core.frame_result import FrameResult
from mien.core.labels import NOTICE
from mien.inference.card import read_card
from mien.inference.weights import network_path
from mien.media.blur import Blur
from mien.outputs.base import title
from mien.plotting.timeline import write_video_charts
from mien.reports.model_facts import accuracy_sentence
from mien.reports.thumbnails import thumbnails
from mien.reports.video import Facts, Thumbnail, _context, write_report
from mien.video.summary import Gap, Overview

FACTS = Facts(
    'talk <script>alert("x")</script>.mp4',
    [("Detector", "mtcnn")],
    read_card(network_path("small")),
    "expression",
    "0.1.0",
)


def result(frame: int, time: float, shown: dict[int, str]) -> FrameResult:
    """People who show something for sure."""
    if not shown:
        return FrameResult("talk.mp4", frame, time, Faces.empty(EXPRESSIONS))
    probs = np.full((len(shown), 7), 0.02)
    columns = [EXPRESSIONS.index(name) for name in shown.values()]
    probs[np.arange(len(shown)), columns] = 0.88
    boxes = [[100 * track, 10, 100 * track + 50, 70] for track in shown]
    faces = Faces(
        boxes,
        [1] * len(shown),
        [frame] * len(shown),
        [time] * len(shown),
        tracks=list(shown),
        probs=probs,
        labels=EXPRESSIONS,
    )
    return FrameResult(
        "talk.mp4", frame, time, faces.with_columns(smoothed_probs=probs, smoothed_emotion_ids=columns)
    )


def talk() -> Overview:
    """Ten seconds: 1 is happy, then sad; 2 comes at 2 s and is angry; nobody from 6 to 8 s; a frame is lost
    at 9 s.
    """
    overview = Overview("talk.mp4", EXPRESSIONS, 10.0)
    for frame in range(100):
        time = frame / 10
        shown = (
            {} if 6 <= time < 8 else {1: "happy" if time < 4 else "sad"} | ({2: "angry"} if time >= 2 else {})
        )
        lost = FrameResult(
            "talk.mp4",
            frame,
            time,
            Faces.empty(EXPRESSIONS),
            MediaError("talk.mp4: expected frame 90 <at> 9.000 s; got damaged data"),
        )
        overview.add(lost if frame == 90 else result(frame, time, shown))
    overview.end()
    return overview


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)


def test_the_overview_adds_up() -> None:
    overview = talk()
    assert (overview.frames, overview.with_face, overview.failed, overview.most) == (99, 79, 1, 2)
    assert overview.gaps == [Gap(6.0, 8.0)]
    assert overview.length == pytest.approx(10.0, abs=0.02)
    assert [
        (segment.track, segment.label, round(segment.start, 2), round(segment.end, 2))
        for segment in overview.segments
    ] == [
        (1, "happy", 0.0, 4.0),
        (2, "angry", 2.0, 6.0),
        (1, "sad", 4.0, 6.0),
        (1, "sad", 8.0, 10.0),
        (2, "angry", 8.0, 10.0),
    ]
    assert list(overview.shares()) == ["angry", "happy", "sad"]
    assert sum(overview.shares().values()) == pytest.approx(1)
    assert [person.track for person in overview.people] == [1, 2]


def test_a_long_video_has_a_short_timeline() -> None:
    overview = Overview("long.mp4", EXPRESSIONS)
    for frame in range(9000):
        overview.add(result(frame, frame * 2.0, {1: "happy" if frame % 1000 < 500 else "sad"}))
    overview.end()
    course = overview.timeline.course()
    assert len(course) <= overview.timeline.most
    assert course.seconds.sum() == pytest.approx(18000)
    assert course.step * len(course) == pytest.approx(18000, rel=0.05)
    shown = course.label_shares[:, EXPRESSIONS.index("happy")]
    assert ((shown == 1) | (shown == 0)).mean() > 0.9
    small = overview.timeline.course(1, most=24)
    assert len(small) <= 24
    assert small.seconds.sum() == pytest.approx(18000)


@pytest.mark.parametrize("every", [0.02, 1 / 30, 0.5, 3.0])
def test_no_step_is_empty_because_nothing_was_looked_at(every: float) -> None:
    overview = Overview("a.mp4", EXPRESSIONS)
    for frame in range(72):
        overview.add(result(frame, frame * every - 0.3, {1: "happy"}))
    overview.end()
    course = overview.timeline.course()
    assert (course.looked > 0).all()
    assert course.seconds.sum() == pytest.approx(72 * every)
    assert len(overview.timeline.course(1)) == len(course)
    assert course.start == pytest.approx(-0.3, abs=0.05)


def test_the_page_is_whole_and_escaped(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", talk(), FACTS)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "talk &lt;script&gt;alert" in page
    assert "expected frame 90 &lt;at&gt; 9.000 s" in page
    assert NOTICE in page
    for outside in ("http://", "https://", "//cdn", "@import", "url("):
        assert outside not in page.replace(str(FACTS.card.model_dump()), "")
    assert "data:image" not in page.replace("img-src data:", "")
    assert FACTS.card.sha256 in page
    assert "0:06.0" in page
    assert len(page) < 100_000


def test_the_timeline_holds_what_was_read(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", talk(), FACTS)
    data = data_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert [label["name"] for label in data["labels"]] == list(EXPRESSIONS)
    assert sum(data["overall"]["looked"]) == 99
    assert sum(data["overall"]["failed"]) == 1
    first, second = data["people"]
    at = lambda person, time: int((time - data["start"]) / data["step"]) - person["first"]  # noqa: E731
    steady = unpacked(first["labels"])
    assert EXPRESSIONS[steady[at(first, 1.0)]] == "happy"
    assert EXPRESSIONS[steady[at(first, 5.0)]] == "sad"
    assert steady[at(first, 7.0)] == 255
    assert second["first"] > 0
    assert unpacked(first["probs"]).reshape(-1, 7)[at(first, 1.0)].max() == 220


def test_a_crowd_over_two_hours_is_a_few_hundred_kilobytes(tmp_path: Path) -> None:
    overview = Overview("crowd.mp4", EXPRESSIONS)
    for frame in range(800):  # More than a timeline has steps, so that they are joined.
        overview.add(
            result(
                frame, frame * 9.0, {track: EXPRESSIONS[(track + frame // 53) % 7] for track in range(1, 43)}
            )
        )
    overview.end()
    write_report(tmp_path / "report.html", overview, FACTS)
    assert (tmp_path / "report.html").stat().st_size < 400_000
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(data_of(page)["people"]) == 40
    assert "2 more people" in page


@pytest.mark.parametrize("frames", [0, 1])
def test_a_video_of_nothing_has_a_page_and_charts(tmp_path: Path, frames: int) -> None:
    overview = Overview("empty.mp4", EXPRESSIONS)
    for frame in range(frames):
        overview.add(result(frame, 0.0, {}))
    overview.end()
    write_report(tmp_path / "report.html", overview, FACTS)
    assert [path.name for path in write_video_charts(tmp_path, overview, "empty")] == ["timeline.png"]


def test_charts_are_images(tmp_path: Path) -> None:
    assert [path.name for path in write_video_charts(tmp_path / "charts", talk(), "talk $x$ _1.mp4")] == [
        "timeline.png",
        "persons.png",
    ]
    with Image.open(tmp_path / "charts" / "timeline.png") as image:
        assert image.width > 1000
        colours = {colour for _, colour in image.convert("RGB").getcolors(1_000_000)}
    for name in ("happy", "sad", "angry"):
        assert tuple(bytes.fromhex(EXPRESSIONS.colour(name)[1:])) in colours, name


def rows_of(path: Path) -> int:
    """Rows of a chart: stretches of lines that have much of an expression's colour."""
    with Image.open(path) as image:
        seen = np.asarray(image.convert("RGB")).astype(int)
    happy = np.array(list(bytes.fromhex(EXPRESSIONS.colour("happy")[1:])))
    filled = (np.abs(seen - happy).max(axis=2) < 8).mean(axis=1) > 0.3
    return int((np.diff(filled.astype(int)) == 1).sum())


@pytest.mark.parametrize(("people", "rows"), [(1, 1), (2, 3)])
def test_a_chart_draws_somebody_alone_once(tmp_path: Path, people: int, rows: int) -> None:
    overview = Overview("a.mp4", EXPRESSIONS)
    for frame in range(20):
        overview.add(result(frame, frame / 10, dict.fromkeys(range(1, people + 1), "happy")))
    overview.end()
    assert rows_of(write_video_charts(tmp_path, overview, "a.mp4")[0]) == rows


def test_titles_tell_videos_of_one_name_apart() -> None:
    assert title("in/monday/talk.mp4") == "monday/talk.mp4"
    assert title(Path("/videos/tuesday/talk.mp4")) == "tuesday/talk.mp4"
    assert title("talk.mp4") == title("./talk.mp4") == "talk.mp4"


def test_faces_are_shown_only_when_asked_and_not_those_that_are_covered(tmp_path: Path) -> None:
    overview = talk()
    image = np.random.default_rng(0).integers(0, 255, (120, 400, 3), np.uint8)
    seen = [
        (Frame(frame, frame / 10, image), result(frame, frame / 10, {1: "happy", 2: "angry"}))
        for frame in range(100)
    ]
    found = thumbnails(overview, seen)
    assert [(each.person, each.time) for each in found] == [(1, 2.0), (2, 4.0), (1, 5.0), (1, 9.0), (2, 9.0)]
    assert {each.person for each in thumbnails(overview, seen, Blur.parse("2"))} == {1}
    write_report(tmp_path / "report.html", overview, FACTS, found)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(data_of(page)["thumbnails"]) == 5
    table = re.search(r'<table class="cards".*?</table>', page, re.DOTALL)[0]
    shown = re.findall(r"data:image/jpeg;base64,([^\"]*)", table)
    assert [base64.b64decode(image) for image in shown] == [found[0].jpeg, found[1].jpeg], (
        "of each person the face in the middle of the longest stretch"
    )


def test_the_table_of_people_has_no_column_of_faces_unless_asked(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", talk(), FACTS)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'class="cards"' in page
    assert ">Face<" not in page


def peak(shown: list[dict[int, str]]) -> tuple[float, str] | None:
    """Where the page begins: seconds and label."""
    overview = Overview("a.mp4", EXPRESSIONS)
    for frame, people in enumerate(shown):
        overview.add(result(frame, frame / 10, people))
    overview.end()
    data = _context(overview, FACTS, ())["data"]
    found = data["peak"]
    return found and (data["start"] + (found["step"] + 0.5) * data["step"], found["label"])


def test_the_peak_is_what_most_showed_most() -> None:
    calm, laughing = {1: "neutral", 2: "neutral"}, {1: "happy", 2: "happy"}
    time, label = peak([calm] * 20 + [{1: "sad", 2: "neutral"}] * 20 + [laughing] * 10 + [calm] * 20)
    assert label == "happy"
    assert 4 <= time < 5
    alone = {1: "happy"}
    assert peak([alone] * 20 + [laughing] * 20 + [alone] * 20)[0] == pytest.approx(2, abs=0.2), "both"
    assert peak([calm] * 10)[1] == "neutral", "where there is nothing else"
    assert peak([{}] * 10) is None


def test_of_somebody_alone_there_is_one_lane(tmp_path: Path) -> None:
    alone = Overview("a.mp4", EXPRESSIONS)
    for frame in range(10):
        alone.add(result(frame, frame / 10, {1: "happy"}))
    alone.end()
    assert _context(alone, FACTS, ())["data"]["alone"]
    assert not _context(talk(), FACTS, ())["data"]["alone"]


def test_the_page_says_how_often_the_model_is_right_and_by_whose_labels(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", talk(), FACTS)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    header, rest = page.split("</header>")
    strict = {
        score.labels: score.accuracy
        for score in FACTS.card.scores
        if "head expression," in score.note and "leak-free" in score.data
    }
    assert set(strict) == {"FER-2013", "FER+"}
    for labels, accuracy in strict.items():
        assert f"{accuracy:.0%} of the labels of {labels}".replace("%", " %") in header
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th><td>(PrivateTest[^<]*)</td>.*?([\d.]+ %)</td>', rest)
    assert rows == [
        (score.labels, score.data, precise(score.accuracy))
        for score in FACTS.card.scores
        if "head expression," in score.note
    ]
    for jargon in ("logarithm", "epoch", "seed", "Network", "least height"):
        assert jargon not in rest.split('id="data"')[0], jargon


def test_a_model_without_scores_claims_nothing() -> None:
    assert "not measured" in accuracy_sentence(FACTS.card.model_copy(update={"scores": ()}), "expression")


def test_every_colour_has_its_key_also_one_that_was_not_shown(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", talk(), FACTS)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    key = re.search(r'<ul class="legend" aria-label="Colours">.*?</ul>', page, re.DOTALL)[0]
    assert re.findall(r"</i>(\w+)</li>", key) == list(EXPRESSIONS)
    colours = [re.search(rf"--label-{at}: (#\w+)", page)[1] for at in range(len(EXPRESSIONS))]
    assert colours == [EXPRESSIONS.colour(name) for name in EXPRESSIONS]


@pytest.mark.parametrize(
    ("frames", "shown", "failed", "remark"),
    [
        (99, {1: "happy"}, True, "could not be read"),
        (10, {}, False, "No face was found"),
        (0, {}, True, "No frame of this video could be read"),
        (10, {1: "happy"}, False, None),
    ],
)
def test_what_is_missing_is_said_at_the_top(
    frames: int, shown: dict[int, str], failed: bool, remark: str | None, tmp_path: Path
) -> None:
    overview = Overview("a.mp4", EXPRESSIONS)
    for frame in range(frames):
        overview.add(result(frame, frame / 10, shown))
    if failed:
        cut = MediaError("a.mp4: expected more data; the file ends")
        overview.add(FrameResult("a.mp4", frames, frames / 10, Faces.empty(EXPRESSIONS), cut))
    overview.end()
    write_report(tmp_path / "a.html", overview, FACTS)
    top = (tmp_path / "a.html").read_text(encoding="utf-8").split('aria-label="In short"')[0]
    assert ('class="remarks"' in top) == (remark is not None)
    assert remark is None or remark in top


def test_missing_packages_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install '.*\[report\]'"):
        write_report(tmp_path / "report.html", talk(), FACTS)
    with pytest.raises(MissingExtraError, match=r"pip install '.*\[report\]'"):
        write_video_charts(tmp_path, talk(), "talk")
    assert not list(tmp_path.iterdir())


# A page around the report that does what a person does, and tells what the report then says.
AROUND = """<!doctype html><iframe id="f" src="report.html" width="900" height="1200"></iframe><script>
const told = {};
const wait = () => new Promise((done) => setTimeout(done, 80));
window.onerror = (message) => { told.error = message; };
document.getElementById("f").onload = async (event) => {
  const inside = event.target.contentWindow, page = inside.document;
  inside.onerror = (message) => { told.error = message; };
  const chart = page.getElementById("chart"), moment = page.getElementById("moment");
  const at = (share, kind) => {
    const box = chart.getBoundingClientRect(), left = 78, right = 8;
    const where = { clientX: box.left + left + share * (box.width - left - right), clientY: box.top + 40, bubbles: true };
    chart.dispatchEvent(new inside.PointerEvent(kind, where));
  };
  const key = (name) => chart.dispatchEvent(new inside.KeyboardEvent("keydown", { key: name, bubbles: true }));
  await wait(); told.first = moment.innerText;
  told.focusable = chart.tabIndex;
  at(0.1, "pointermove"); await wait(); told.early = moment.innerText;
  at(0.7, "pointermove"); await wait(); told.empty = moment.innerText;
  at(0.5, "pointermove"); at(0.5, "click"); at(0.1, "pointermove"); await wait(); told.held = moment.innerText;
  told.image = page.querySelectorAll(".person img").length;
  key("Escape"); key("Home"); key("ArrowRight"); await wait(); told.keys = chart.getAttribute("aria-valuetext");
  key("End"); await wait(); told.end = chart.getAttribute("aria-valuenow");
  const pixels = page.getElementById("canvas").getContext("2d").getImageData(0, 0, 800, 100).data;
  told.colours = new Set(Array.from({ length: pixels.length / 4 }, (_, at) => pixels.slice(4 * at, 4 * at + 3).join())).size;
  told.wide = page.documentElement.scrollWidth <= 900;
  fetch("/told?" + new URLSearchParams(told));
};
</script>"""


def test_pointing_and_keys_show_the_moment_in_chromium(
    chromium: Callable[[Path], dict[str, str]], tmp_path: Path
) -> None:
    write_report(tmp_path / "report.html", talk(), FACTS, [Thumbnail(1, 5.0, b"\xff\xd8\xff")])
    (tmp_path / "index.html").write_text(AROUND, encoding="utf-8")
    told = chromium(tmp_path)
    assert "error" not in told, told
    assert told["focusable"] == "0"
    assert "peak of angry" in told["first"], "as much of it as of happy, and before it in the order of labels"
    assert told["early"].startswith("0:01.")
    assert "happy 88" in told["early"]
    assert "person 2" not in told["early"]
    assert "Nobody in view" in told["empty"]
    assert "held" in told["held"]
    assert "sad 88" in told["held"]
    assert "angry 88" in told["held"]
    assert told["image"] == "1"
    assert "person 1 happy 88" in told["keys"]
    assert float(told["end"]) == pytest.approx(10.0, abs=0.3)
    assert int(told["colours"]) > 5
    assert told["wide"] == "true"
