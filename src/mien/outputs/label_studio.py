"""Label Studio (https://labelstud.io): a task of a video with what mien read as a prediction, and the labels that its project
needs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from mien import __version__
from mien.core.atomic import atomic_files, translate_os_errors
from mien.core.labels import NOTICE, UNCERTAIN, Labels
from mien.core.names import json_text, printable
from mien.events.label_studio import USUAL_RATE
from mien.media.byte_source import name_of
from mien.outputs.base import PerVideoWriter
from mien.outputs.formats import beside
from mien.outputs.stretches import BLINK, Stretch, all_stretches
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

_CONTROL, _OBJECT = "expressions", "video"


def task(video: str, stretches: Iterable[Stretch], rate: float) -> dict[str, Any]:
    """A task to be imported: frames count from 1, and the last one of a stretch is in it.

    Args:
        video: Address at which Label Studio finds the video.
        stretches: In order of time.
        rate: Frames a second of the video.
    """
    return {
        "data": {"video": video, "fps": rate},
        "predictions": [
            {
                "model_version": f"mien {__version__}",
                "result": [_region(number, each, rate) for number, each in enumerate(stretches, 1)],
            }
        ],
    }


def _region(number: int, stretch: Stretch, rate: float) -> dict[str, Any]:
    first = math.floor(stretch.start * rate + 0.5) + 1
    last = max(first, math.floor(stretch.end * rate + 0.5))
    return {
        "id": f"mien{number}",
        "type": "timelinelabels",
        "from_name": _CONTROL,
        "to_name": _OBJECT,
        "value": {"ranges": [{"start": first, "end": last}], "timelinelabels": [stretch.label]},
        "meta": {"text": [f"person {stretch.person}"]},
        **({} if stretch.confidence is None else {"score": round(stretch.confidence, 6)}),
    }


def configuration(labels: Labels) -> str:
    """The labelling interface of a project for such tasks."""
    names = [*labels, *([] if labels.min_confidence is None else [UNCERTAIN])]
    lines = [
        f"    <Label value={quoteattr(printable(name))} background={quoteattr(labels.colour(name))}/>"
        for name in names
    ]
    lines.append(f'    <Label value="{BLINK}" background="#444444"/>')
    return "\n".join(
        [
            "<View>",
            f"  <Header value={quoteattr(NOTICE)}/>",
            f'  <Video name="{_OBJECT}" value="$video" frameRate="$fps"/>',
            f'  <TimelineLabels name="{_CONTROL}" toName="{_OBJECT}">',
            *lines,
            "  </TimelineLabels>",
            "</View>\n",
        ]
    )


class LabelStudio(PerVideoWriter):
    """``.labelstudio.json`` and ``.labelstudio.xml``: a task of the video, and the labels of its project."""

    def write_video(self, path: Path, source: AnalyzedSource, video: Overview) -> None:
        labels = beside(path)
        assert labels is not None
        rate = None if source.media is None else source.media.frame_rate
        if rate is None:
            self.remarks.append(
                f"{path}: how many frames a second the video has is not known; {USUAL_RATE:g} are taken"
            )
        place = f"/data/local-files/?d={Path(name_of(source.source)).name}"
        tasks = [task(place, all_stretches(video), rate or USUAL_RATE)]
        contents = (configuration(self.run.labels), json_text(tasks, indent=1) + "\n")
        with atomic_files(labels, path) as asides, translate_os_errors(path):
            for aside, text in zip(asides, contents, strict=True):
                aside.write_text(text, encoding="utf-8", newline="\n")
        self.written.append(labels)
