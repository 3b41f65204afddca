"""Projects of BORIS (https://www.boris.unito.it): an observation of a video, with people as subjects."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.labels import NOTICE, UNCERTAIN, Labels
from mien.core.names import json_text, printable, spelled
from mien.outputs.base import PerVideoWriter, title
from mien.outputs.stretches import BLINK, EXPRESSION, Stretch, all_stretches
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

_UNKNOWN_DATE = "2000-01-01T00:00:00"
"""An observation has a date, which is not known of a video; that of today would make each run another file."""
_PLAYERS = [str(number) for number in range(1, 9)]


def project(name: str, file: str, stretches: Iterable[Stretch], labels: Labels, rate: float | None) -> Any:
    """A project that BORIS opens, and from which it imports the observation into another one.

    Args:
        name: Of the project and its observation.
        file: Path of the video.
        stretches: In order of time.
        labels: All expressions that the network tells apart, which are its ethogram.
        rate: Frames a second; None where that is not known.
    """
    shown = list(stretches)
    people = sorted({each.person for each in shown})
    codes = [
        printable(label) for label in (labels if labels.min_confidence is None else [*labels, UNCERTAIN])
    ]
    kinds = [(code, EXPRESSION) for code in codes] + (
        [(BLINK, BLINK)] if any(each.kind == BLINK for each in shown) else []
    )
    return {
        "time_format": "hh:mm:ss",
        "project_date": _UNKNOWN_DATE,
        "project_name": name,
        "project_description": NOTICE,
        "project_format_version": "7.0",
        "subjects_conf": {
            str(place): {"key": "", "name": f"person {person}", "description": ""}
            for place, person in enumerate(people)
        },
        "behaviors_conf": {str(place): _behaviour(*kind) for place, kind in enumerate(kinds)},
        "behavioral_categories": sorted({kind for _, kind in kinds}),
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
        "observations": {name: _observation(file, shown, rate)},
    }


def _behaviour(code: str, category: str) -> dict[str, str]:
    return {
        "type": "State event",
        "key": "",
        "code": code,
        "description": "",
        "category": category,
        "modifiers": "",
        "excluded": "",
        "coding map": "",
    }


def _observation(file: str, stretches: Iterable[Stretch], rate: float | None) -> dict[str, Any]:
    """A state begins and ends with an event each."""
    moments = [(time, each) for each in stretches for time in (each.start, each.end)]
    events = [
        [time, f"person {each.person}", each.label, "", "", "NA" if rate is None else round(time * rate)]
        for time, each in sorted(moments, key=lambda moment: moment[0])
    ]
    return {
        "file": {player: [file] if player == "1" else [] for player in _PLAYERS},
        "type": "MEDIA",
        "date": _UNKNOWN_DATE,
        "description": NOTICE,
        "time offset": 0.0,
        "events": events,
        "observation time interval": [0, 0],
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "close_behaviors_between_videos": False,
        "scan_sampling_time": 0,
        "media_info": {
            "length": {},
            "fps": {} if rate is None else {file: rate},
            "hasVideo": {file: True},
            "hasAudio": {},
            "offset": dict.fromkeys(_PLAYERS, 0.0),
        },
    }


class Boris(PerVideoWriter):
    """``.boris``: a project with an observation of the video."""

    def write_video(self, path: Path, source: AnalyzedSource, video: Overview) -> None:
        own = source.source
        file = spelled(os.path.abspath(own)) if isinstance(own, str | Path) else title(own)
        rate = None if source.media is None else source.media.frame_rate
        content = project(title(own), file, all_stretches(video), self.run.labels, rate)
        with atomic_write(path) as aside, translate_os_errors(path):
            aside.write_text(json_text(content, indent=1) + "\n", encoding="utf-8", newline="\n")
