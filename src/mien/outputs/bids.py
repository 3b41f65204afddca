"""``events.tsv`` of BIDS (https://bids-specification.readthedocs.io), with the JSON file beside it that says what its columns are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mien.core.atomic import atomic_files, translate_os_errors
from mien.core.labels import NOTICE, UNCERTAIN, Labels
from mien.core.names import json_text, printable
from mien.outputs.base import PerVideoWriter
from mien.outputs.formats import beside
from mien.outputs.stretches import BLINK, Stretch, all_stretches
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

_COLUMNS = ("onset", "duration", "trial_type", "person", "confidence")
_MISSING = "n/a"


def sidecar(labels: Labels) -> dict[str, Any]:
    """What the columns are, as BIDS asks for it."""
    names = labels if labels.min_confidence is None else [*labels, UNCERTAIN]
    levels = {printable(name): f"the face shows {printable(name)}" for name in names}
    return {
        "onset": {"Description": "From the beginning of the video to that of the stretch", "Units": "s"},
        "duration": {"Description": "Of the stretch", "Units": "s"},
        "trial_type": {
            "LongName": "Facial expression or blink",
            "Description": NOTICE,
            "Levels": levels | {BLINK: "the eyes close and open"},
        },
        "person": {"Description": "Number of the person in this video; it stands for nobody beyond it"},
        "confidence": {"Description": "Mean probability of the expression, 0 to 1; n/a for blinks"},
    }


def events_tsv(stretches: Iterable[Stretch]) -> str:
    """The table, with n/a where there is no value."""
    rows = [
        (
            f"{each.start:.3f}",
            f"{each.end - each.start:.3f}",
            each.label,
            str(each.person),
            _MISSING if each.confidence is None else f"{each.confidence:.6f}",
        )
        for each in stretches
    ]
    return "".join("\t".join(row) + "\n" for row in [_COLUMNS, *rows])


class BidsEvents(PerVideoWriter):
    """``_events.tsv`` and ``_events.json``: a row per stretch of one expression."""

    def write_video(self, path: Path, source: AnalyzedSource, video: Overview) -> None:
        described = beside(path)
        assert described is not None
        contents = (json_text(sidecar(self.run.labels), indent=2) + "\n", events_tsv(all_stretches(video)))
        with atomic_files(described, path) as asides, translate_os_errors(path):
            for aside, text in zip(asides, contents, strict=True):
                aside.write_text(text, encoding="utf-8", newline="\n")
        self.written.append(described)
