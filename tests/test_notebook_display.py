"""What notebooks show of results, faces, people, evaluations, audiences and sheets: IPython's own formatters are asked."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien import EXPRESSIONS, Faces, FrameResult, InputError, Pipeline, analyze
from mien.audience import Audience, AudienceOptions, Window
from mien.core.errors import MediaError
from mien.core.formatting import precise
from mien.core.labels import NOTICE
from mien.core.notebook import PNGImage, html_table
from mien.evaluation import evaluate
from mien.video.results import VideoResult
from tests.evaluation.small_faces import marked_faces, told

LINE = 110


def shown(thing: object) -> dict[str, Any]:
    """What IPython would put into a cell's output."""
    formatters = pytest.importorskip("IPython.core.formatters", reason="IPython is not installed")
    return dict(formatters.DisplayFormatter().format(thing)[0])


class Tags(HTMLParser):
    """Counts tags, and sees that all are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def crowd(people: int, source: str = "a.mp4") -> VideoResult:
    probs = np.random.default_rng(1).dirichlet(np.ones(7), people).astype(np.float32)
    results = [
        FrameResult(
            source,
            frame,
            frame / 10,
            Faces(
                [[30 * x, 0, 30 * x + 20, 25] for x in range(people)],
                [1] * people,
                [frame] * people,
                [frame / 10] * people,
                tracks=range(1, people + 1),
                probs=probs,
                smoothed_probs=probs,
                smoothed_emotion_ids=probs.argmax(axis=1),
                labels=EXPRESSIONS,
            ),
        )
        for frame in range(5)
    ]
    return VideoResult.collect(source, results, EXPRESSIONS)


def test_results_of_a_video_are_a_table_a_line_and_charts(
    movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path
) -> None:
    results = analyze(movie(), pipeline=pipeline)
    [video] = results
    rows = {
        "results": (results, 1),
        "video": (video, 1),
        "faces": (video.faces, 9),
        "people": (video.people(), 1),
    }
    for thing, count in rows.values():
        out = shown(thing)
        tags = Tags(out["text/html"])
        assert tags.count["tr"] == count + 1
        assert NOTICE in tags.text
        assert "\n" not in repr(thing)
        assert len(repr(thing)) <= LINE
    [person] = video.people()
    assert "happy" in shown(person)["text/html"]
    assert repr(person).startswith("PersonSummary(1, 0.0 to 1.2 s, in view 1.2 s")
    charts = results.plot()
    assert [chart.name for chart in charts] == ["timeline", "persons"]
    assert Tags(shown(charts)["text/html"]).count["img"] == 2
    assert shown(charts[0])["image/png"]
    assert charts[0].save(tmp_path / "new/timeline.png").read_bytes().startswith(b"\x89PNG")


def test_results_of_images_are_drawn_face_by_face(portrait: np.ndarray, pipeline: Pipeline) -> None:
    results = analyze(portrait, pipeline=pipeline)
    [chart] = results.plot()
    assert chart.name == "faces"
    assert chart.png.startswith(b"\x89PNG")
    [face] = results.faces
    assert repr(face).startswith("Face(happy ")
    assert f"happy {face.confidence:.0%}".replace("%", " %") in shown(face)["text/html"]


@pytest.mark.parametrize(
    ("people", "name"),
    [
        (0, "n" * 200 + ".mp4"),
        (1, "n" * 200 + ".mp4"),
        (1, "مقابلة-" * 20 + ".mp4"),
        (40, "<script>alert(1)</script>.mp4"),
    ],
)
def test_nobody_a_crowd_and_strange_names(people: int, name: str) -> None:
    video = crowd(people, name)
    for thing in (video, video.faces, video.people(), next(video.results())):
        tags = Tags(shown(thing)["text/html"])
        assert "script" not in tags.count
        assert tags.count["tr"] <= 21
        assert len(repr(thing)) <= LINE
    if people == 40:
        assert "20 more" in shown(video.people())["text/html"]
    assert len(video.plot()) >= 1


def test_what_could_not_be_read_is_told() -> None:
    result = FrameResult("a.mp4", None, None, Faces.empty(), MediaError("a.mp4: expected <b>; got nothing"))
    assert "&lt;b&gt;" in shown(result)["text/html"]
    assert len(repr(result)) <= LINE
    video = VideoResult.collect("a.mp4", [result], EXPRESSIONS)
    assert "1 not read" in repr(video)


def test_faces_that_nobody_has_classified() -> None:
    faces = Faces([[0, 0, 9, 9]], [0.5], [0], [0])
    assert "not classified" in shown(faces)["text/html"]
    assert repr(faces) == "Faces(1 face in 1 frame, not classified)"
    assert repr(faces[0]) == "Face(not classified, frame 0, box 0, 0, 9, 9)"
    with pytest.raises(InputError, match="nobody has classified"):
        VideoResult("a", faces, np.array([0]), np.array([0.0])).plot()


def test_an_evaluation_is_a_table_with_its_remarks() -> None:
    found = evaluate(told, marked_faces(140))
    out = shown(found)
    tags = Tags(out["text/html"])
    assert precise(found.whole.accuracy) in tags.text
    assert "leak-free part" in tags.text
    assert all(remark in tags.text for remark in found.remarks)
    assert repr(found).startswith("Evaluation(told on PublicTest of data, ")
    assert len(repr(found)) <= LINE
    charts = found.plot()
    assert [chart.name for chart in charts] == ["matrix", "reliability", "classes"]
    assert Tags(shown(charts)["text/html"]).count["img"] == 3


def test_an_audience_is_a_table_of_windows_and_a_chart() -> None:
    shares = dict.fromkeys(EXPRESSIONS, 0.0) | {"happy": 0.75, "sad": 0.25}
    sentiment = {"positive": 0.75, "neutral": 0.0, "negative": 0.25}
    told = Window(0.0, 10.0, "reported", 10, 8, shares, sentiment, 0.5, 1.0, ("<b>",))
    audience = Audience(
        "n" * 200, EXPRESSIONS, AudienceOptions(), (told, Window(10.0, 20.0, "too_few", 10)), length=20.0
    )
    out = shown(audience)
    tags = Tags(out["text/html"])
    assert tags.count["tr"] == 3
    assert "b" not in tags.count
    assert NOTICE in tags.text
    for cell in ("0:00 to 0:10", "8", "75 %", "25 %", "50 %", "too few"):
        assert f"<td>{cell}</td>" in out["text/html"], cell
    assert len(repr(audience)) <= LINE
    assert audience.plot().name == "audience"
    assert shown(audience.plot())["image/png"]


def test_sheets_show_themselves(portrait: np.ndarray, tmp_path: Path) -> None:
    pytest.importorskip("captum", reason="captum is not installed: pip install '.[explain]'")
    from mien.explain import explain, open_explained

    sheets = explain(open_explained("nano"), portrait, tmp_path, ["gradcam", "occlusion"])
    out = shown(sheets)["text/html"]
    assert Tags(out).count["img"] == 2
    assert Tags(shown(sheets)["text/html"]).count["img"] == 2, "shown again, they are still there"
    [sheet] = explain(open_explained("nano"), portrait, tmp_path, ["gradcam"])
    assert shown(sheet)["image/png"]


def test_cells_are_escaped() -> None:
    assert "<b>" not in html_table(["<b>"], [["<b>"]], 1, "<b>")
    assert "<i>" not in PNGImage('"<i>', b"")._repr_html_()
