"""Charts of results for notebooks, made by `mien.plotting`."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mien.core.errors import InputError
from mien.core.notebook import PNGImage, PNGImages
from mien.plotting.shares import Panel, draw_shares
from mien.plotting.timeline import write_video_charts
from mien.tracking.persons import ranked

if TYPE_CHECKING:
    from mien.core.labels import Labels
    from mien.video.results import VideoResult

_MOST = 40
"""Faces of an image that a chart has rows for."""


def charts_of(video: VideoResult) -> PNGImages:
    """The charts that ``mien analyze --plots`` writes of a video; of a single image a row for each face."""
    labels = video.faces.labels
    if labels is None:
        raise InputError("expected faces with expressions to draw; nobody has classified these")
    name = Path(video.source).name
    with TemporaryDirectory() as place:
        folder = Path(place)
        written = (
            write_video_charts(folder, video.overview(), name)
            if len(video.frames) > 1
            else [_draw_image(folder / "faces.png", video, labels, name)]
        )
        return PNGImages(PNGImage(path.stem, path.read_bytes()) for path in written)


def _draw_image(path: Path, video: VideoResult, labels: Labels, name: str) -> Path:
    faces = list(video.faces)[:_MOST]
    rows = [f"face {number}, {face.caption}" for number, face in enumerate(faces, 1)] or ["no face"]
    shares = [ranked(face.probs or {}) for face in faces] or [{}]
    return draw_shares(path, rows, [Panel(labels, shares)], name)
