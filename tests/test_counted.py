"""A count agrees in number with what is counted, wherever mien says one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import mien
from mien import Faces, FrameResult, Labels, Results, VideoResult
from mien.core.notebook import PNGImage, PNGImages
from mien.tracking.persons import PersonSummaries

LABELS = Labels(("happy", "sad"))
PLAIN = re.compile(r"\{len\([^{}]*\)(?::,)?\} (?:[a-z]+ )?[a-z]+s\b")
"""A length before a word in the plural, of which nobody says that there are several."""


def faces(frames: list[int]) -> Faces:
    count = len(frames)
    return Faces(
        np.tile([0.0, 0.0, 9.0, 9.0], (count, 1)),
        np.ones(count),
        frames,
        np.zeros(count),
        tracks=[1] * count,
        probs=np.full((count, 2), 0.5),
        labels=LABELS,
    )


def test_what_is_shown_of_one_and_of_several() -> None:
    assert repr(faces([0])) == "Faces(1 face in 1 frame, 1 person, 2 expressions)"
    assert repr(faces([0, 0])) == "Faces(2 faces in 1 frame, 1 person, 2 expressions)"
    assert repr(faces([])) == "Faces(0 faces in 0 frames, 0 people, 2 expressions)"
    one = FrameResult("a.jpg", 0, 0.0, faces([0]))
    assert repr(one) == "FrameResult(a.jpg, frame 0, 1 face)"
    video = VideoResult.collect("a.jpg", [one], LABELS, 1.0, False)
    assert repr(video) == "VideoResult(a.jpg, 1 frame, 1 face)"
    assert repr(Results([video], LABELS)) == "Results(1 source, 1 frame, 1 face)"
    assert repr(PersonSummaries()) == "PersonSummaries(0 people)"
    assert repr(PNGImage("a", b"1")) == "PNGImage('a', 1 byte)"
    assert repr(PNGImages([PNGImage("a", b"1")])) == "PNGImages(1 image)"


def test_no_line_takes_for_granted_that_there_are_several() -> None:
    """`mien.core.formatting.counted` says how many there are."""
    home = Path(mien.__file__).parent
    found = [
        f"{path.relative_to(home)}: {said}"
        for path in (*home.rglob("*.py"), *home.rglob("*.html"))
        for said in PLAIN.findall(path.read_text(encoding="utf-8"))
    ]
    assert found == []
