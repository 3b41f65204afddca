"""Lanes of sound and words in reports."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien import InputError
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.core.labels import EXPRESSIONS
from mien.events.event import Event
from mien.outputs.spec import OutputSpec
from mien.reports.heard import Heard, heard_lanes
from mien.video.timeline import Timeline
from tests.commands import run_mien
from tests.media.test_sound_levels import film, tone


def course() -> Any:
    timeline = Timeline(EXPRESSIONS)
    for second in range(10):
        timeline.add(FrameResult("a", second, 60.0 + second, Faces.empty()))
    return timeline.course()


def test_words_in_the_span_stand_in_lanes() -> None:
    cues = [
        Event(1.0, 2.0, "before"),
        Event(59.0, 61.5, "begins before"),
        Event(65.0, None, "now", "", "Ann"),
        Event(90.0, 91.0, "after"),
    ]
    found = heard_lanes(Heard(None, cues), course())
    assert found is not None
    assert found["levels"] is None
    assert [(cue["start"], cue["end"], cue["text"]) for cue in found["cues"]] == [
        (59.0, 61.5, "begins before"),
        (65.0, 65.2, "Ann: now"),
    ]
    assert heard_lanes(Heard(), course()) is None


def test_levels_are_asked_for_on_the_steps_of_the_page() -> None:
    asked: list[tuple[float, float, int]] = []

    def levels(start: float, step: float, count: int) -> np.ndarray:
        asked.append((start, step, count))
        return np.array([-60.0, -30.0, 0.0, np.nan] + [-90.0] * (count - 4))

    steps = course()
    found = heard_lanes(Heard(levels), steps)
    assert asked == [(steps.start, steps.step, len(steps))]
    assert found is not None
    assert list(base64.b64decode(found["levels"]))[:5] == [0, 125, 250, 255, 0]


@pytest.mark.parametrize(
    ("sources", "files", "words"),
    [(["a.mp4", "b.mp4"], ["{name}.html"], "expected one video"), (["a.mp4"], ["a.csv"], "add -o FILE.html")],
)
def test_a_transcript_is_of_one_video_and_for_its_report(
    sources: list[str], files: list[str], words: str, tmp_path: Path
) -> None:
    spec = OutputSpec(tuple(tmp_path / name for name in files), transcript=tmp_path / "a.vtt")
    with pytest.raises(InputError, match=words):
        spec.check(sources)


@pytest.mark.integration
def test_the_report_has_both_lanes(tmp_path: Path) -> None:
    video = film(tmp_path / "a.mp4", np.concatenate([tone(1, -20), tone(1, -50)]), "aac")
    words = tmp_path / "a.vtt"
    words.write_text(
        "WEBVTT\n\n00:00.500 --> 00:01.500\n<v Ann>Good <b>morning</b></v>\n\n00:02.000 --> 00:01.000\nbye\n",
        encoding="utf-8",
    )
    done = run_mien("analyze", video, "-o", tmp_path / "a.html", "--transcript", words)
    assert done.returncode == 0, done.stderr
    assert "a.vtt, line 6: expected an end after the beginning, 2 s; got 1 s" in done.stderr
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    [text] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    heard = json.loads(text)["heard"]
    assert heard["levels"]
    assert [cue["start"] for cue in heard["cues"]] == [0.5]
    assert "Good morning" in heard["cues"][0]["text"]
    assert 'id="heard"' in page
