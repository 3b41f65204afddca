"""Small images of the faces in a video, for those who ask for them."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.frame import Frame
from mien.core.frame_result import FrameResult
from mien.inference.crop import crop_resize
from mien.media.blur import Blur
from mien.reports.video import Thumbnail
from mien.video.summary import Overview

_MOST = 120
_SIDE = 96
_AROUND = 1.3


def thumbnails(
    overview: Overview, seen: Iterable[tuple[Frame, FrameResult]], hidden: Blur | None = None
) -> list[Thumbnail]:
    """A face of each person for each stretch of one expression, the longest stretches first when there are
    too many.

    Args:
        overview: What was read.
        seen: The frames of the video, with what was read of them.
        hidden: Who is left out, because their faces are covered elsewhere.

    Returns:
        By time; at most 120.
    """
    ranked = sorted(overview.segments, key=lambda segment: -segment.seconds)[:_MOST]
    wanted = sorted(((segment.start + segment.end) / 2, segment.track) for segment in ranked)
    due: dict[int, list[float]] = defaultdict(list)
    for moment, track in wanted:
        due[track].append(moment)
    return list(_cut_out(due, seen, hidden))


def _cut_out(
    due: dict[int, list[float]], seen: Iterable[tuple[Frame, FrameResult]], hidden: Blur | None
) -> Iterator[Thumbnail]:
    for frame, result in seen:
        tracks = result.faces.tracks
        if tracks is None or not due:
            continue
        shown = np.ones(len(tracks), bool) if hidden is None else ~hidden.covers(tracks)
        for row in np.flatnonzero(shown).tolist():
            track = int(tracks[row])
            moments = due.get(track, [])
            if moments and moments[0] <= frame.time:
                due[track] = [moment for moment in moments if moment > frame.time]
                yield Thumbnail(track, frame.time, _jpeg(frame.image, result.faces.boxes[row]))


def _jpeg(image: NDArray[np.uint8], box: Sequence[float] | NDArray[np.float32]) -> bytes:
    x1, y1, x2, y2 = (float(value) for value in box)
    half = max(x2 - x1, y2 - y1) / 2 * _AROUND
    middle = (x1 + x2) / 2, (y1 + y2) / 2
    square = np.array([[middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half]])
    file = io.BytesIO()
    Image.fromarray(crop_resize(image, square, _SIDE)[0]).save(file, "JPEG", quality=72)
    return file.getvalue()
