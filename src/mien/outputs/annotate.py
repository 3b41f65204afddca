"""Copies of sources with boxes and labels drawn in, points where landmarks were asked for, and faces covered if asked:
images stay images, all that moves becomes an MP4."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, repeat, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.core.errors import MediaError
from mien.core.faces import Faces
from mien.core.frame import BadFrame, Frame
from mien.core.frame_result import FrameResult
from mien.core.spacing import Spacing
from mien.inference.landmarks.measures import LEAST_SURE
from mien.inference.landmarks.mesh import COUNT
from mien.media import Media, Prefetcher, VideoWriter, save_image
from mien.media.blur import Blur, blur, bridged
from mien.media.byte_source import name_of
from mien.media.draw import draw
from mien.outputs.base import RunContext, Writer, title
from mien.outputs.places import fitting
from mien.video.runner import AnalyzedFrame
from mien.video.sources import AnalyzedSource
from mien.video.summary import Overview

if TYPE_CHECKING:
    from mien.inference.landmarks import FaceMesh
    from mien.media.sound import Sound

_GAP = 2.0
"""Seconds for which a face that is covered may be missed and is covered all the same."""
_BLOCK = 32
"""Frames whose places are worked out together."""

_AHEAD = 4
"""Frames that are decoded ahead."""

_READABLE, _LONGEST = 240, 4096
"""Px of the shorter side from which on labels can be read, and most of the longer side of what is enlarged."""

_MOST = 4096
"""Results in memory at most, should their times stand still."""

Boxes = NDArray[np.float32]


def annotate_image(
    place: Path,
    image: NDArray[np.uint8],
    result: FrameResult,
    covering: Blur | None = None,
    mesh: FaceMesh | None = None,
) -> str:
    """Write a copy of an image.

    Args:
        place: Where it goes; its ending says what it becomes.
        image: ``(h, w, 3)`` uint8, RGB.
        result: What was read of it.
        covering: Whose faces are covered.
        mesh: Finds the points that are drawn; None: none are.

    Returns:
        What the copy holds, in a few words.
    """
    if covering is not None:
        image = blur(image, result.faces.boxes[_covered(covering, result)], covering.strength)
    scale = _magnification(image.shape[1], image.shape[0])
    save_image(place, _drawn(image, _with_points(image, result, mesh, covering), scale))
    return _about(place, image.shape[1], image.shape[0], scale)


def annotate_video(
    place: Path,
    media: Media,
    results: Iterable[FrameResult],
    boxes: Iterable[Boxes] | None = None,
    covering: Blur | None = None,
    *,
    sound: bool = False,
    mesh: FaceMesh | None = None,
) -> str:
    """Write a copy of a video, in a second pass over it; frames that could not be read are left out.

    Args:
        place: Where it goes.
        media: The video, opened as it was when it was read, so that it gives the same frames.
        results: What was read of each of them, smoothed or not.
        boxes: For each of them, where faces are covered (`covered_boxes`); None: nowhere.
        covering: How coarsely, and whose, so that no points are drawn on them.
        sound: Keep its sound, as it is stored.
        mesh: Finds the points that are drawn; None: none are.

    Returns:
        What the copy holds, in a few words.
    """
    nowhere, strength = np.empty((0, 4), np.float32), 1.0 if covering is None else covering.strength
    scale = _magnification(media.width, media.height)
    with (
        Prefetcher(
            media, _AHEAD, lambda frame: frame.image.nbytes if isinstance(frame, Frame) else 0
        ) as frames,
        ExitStack() as writing,
    ):
        pairs = zip(pick(frames, results), repeat(nowhere) if boxes is None else boxes, strict=False)
        first = next(pairs, None)
        if first is None:
            raise MediaError(f"{media.name}: expected frames to draw on; none could be read")
        # Frames before 0 s are hidden in the video; they were asked for, and the copy would hide them
        # again. A copy of a span begins with its first frame.
        start = min(first[0][0].time, 0.0) if media.start is None else first[0][0].time
        heard = writing.enter_context(media.sound(start)) if sound else None
        movie = writing.enter_context(
            VideoWriter(place, media.width * scale, media.height * scale, sound=heard)
        )
        for (frame, result), where in chain([first], pairs):
            image = blur(frame.image, where, strength) if len(where) else frame.image
            faces = _with_points(image, result, mesh, covering)
            movie.write(_drawn(image, faces, scale), frame.time - start)
    return f"{_about(place, media.width, media.height, scale)}, {_heard(heard, movie.sound)}"


def _magnification(width: int, height: int) -> int:
    """How many times as large as its source a copy is, so that its labels can be read."""
    return max(1, min(math.ceil(_READABLE / min(width, height)), _LONGEST // max(width, height)))


def _drawn(image: NDArray[np.uint8], faces: Faces, scale: int) -> NDArray[np.uint8]:
    if scale == 1:
        return draw(image, faces)
    size = (image.shape[1] * scale, image.shape[0] * scale)
    larger = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    points = None if faces.mesh is None else faces.mesh * scale
    return draw(larger, faces.with_columns(boxes=faces.boxes * scale, mesh=points))


def _with_points(
    image: NDArray[np.uint8], result: FrameResult, mesh: FaceMesh | None, covering: Blur | None
) -> Faces:
    """The faces of a frame with the points that are drawn: of those whose measures it has, and who are not covered.

    They are looked for in the image as it is shown, so that where faces are covered none are found either.
    """
    faces = result.faces.with_columns(mesh=None)
    if mesh is None or faces.measure_reasons is None:
        return faces
    shown = faces.measure_reasons == 0
    if covering is not None:
        shown = shown & ~_covered(covering, result)
    points = np.full((len(faces), COUNT, 3), np.nan, np.float32)
    points[shown], scores = mesh.find(image, faces[shown])
    points[np.flatnonzero(shown)[scores < LEAST_SURE]] = np.nan
    return faces.with_columns(mesh=points)


def _about(place: Path, width: int, height: int, scale: int) -> str:
    codec = "H.264, " if place.suffix.lower() == ".mp4" else ""
    larger = f" ({scale} times its source, so that labels can be read)" if scale > 1 else ""
    return f"{codec}{width * scale}x{height * scale}{larger}, {_bytes(place.stat().st_size)}"


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{max(1, round(count / 1e3))} kB"


def _heard(sound: Sound | None, kept: Sound | None) -> str:
    if kept is not None:
        return f"sound in {kept.codec} as it was"
    if sound is None:
        return "without sound"
    if sound.fits_mp4:
        return f"without sound from where it is damaged ({sound.codec})"
    return f"without sound: players take no {sound.codec} in an MP4, so give the source sound in AAC for it"


def covered_boxes(results: Iterable[FrameResult], covering: Blur) -> Iterator[Boxes]:
    """For each result of a frame in turn, where faces are to be covered; a few seconds of them are in
    memory.

    Where people were followed, a person who is missed for a moment is covered where they must have been.
    """
    window: deque[FrameResult] = (
        deque()
    )  # Up to the patience of `mien.core.spacing` before the next block, the block, and as much after it.
    spacing = Spacing(_GAP)
    ahead = 0  # How many of them have not been given out.
    coming = (result for result in results if result.error is None)
    ended = False
    while True:
        while not ended and (
            ahead < _BLOCK
            or (ahead < _MOST and _time(window[-1]) <= _time(window[_BLOCK - ahead - 1]) + spacing.patience)
        ):
            following = next(coming, None)
            ended = following is None
            if following is not None:
                window.append(following)
                spacing.take(_time(following))
                ahead += 1
        block = list(window)[len(window) - ahead :][:_BLOCK]
        if not block:
            return
        yield from _placed(block, window, covering, spacing.patience)
        ahead -= len(block)
        while len(window) > ahead and _time(window[0]) < _time(block[-1]) - spacing.patience:
            window.popleft()


def _placed(
    block: Sequence[FrameResult], window: Iterable[FrameResult], covering: Blur, gap: float
) -> list[Boxes]:
    """Where faces are covered in a block of frames, by what is known around it."""
    if any(len(result.faces) and result.faces.tracks is None for result in block):
        return [result.faces.boxes[_covered(covering, result)] for result in block]
    seen = [
        (result, _covered(covering, result))
        for result in window
        if len(result.faces) and result.faces.tracks is not None
    ]
    tracks = [result.faces.tracks[chosen] for result, chosen in seen if result.faces.tracks is not None]
    times = [result.faces.times[chosen] for result, chosen in seen]
    boxes = [result.faces.boxes[chosen] for result, chosen in seen]
    frames, _, where = bridged(
        np.concatenate([np.empty(0, np.int64), *tracks]),
        np.concatenate([np.empty(0), *times]),
        np.concatenate([np.empty((0, 4), np.float32), *boxes]),
        [_time(result) for result in block],
        gap=gap if math.isfinite(gap) else _GAP,
    )
    return [where[frames == number] for number in range(len(block))]


def _covered(covering: Blur, result: FrameResult) -> NDArray[np.bool_]:
    return covering.covers(result.faces.tracks, len(result.faces))


def _time(result: FrameResult) -> float:
    return result.time or 0.0


def pick(
    frames: Iterable[Frame | BadFrame], results: Iterable[FrameResult]
) -> Iterator[tuple[Frame, FrameResult]]:
    """Frames with what was read of them; those that could not be read are left out.

    Raises:
        MediaError: The frames are not those that were read.
    """
    for frame, result in zip_longest(frames, results):
        if frame is None or result is None or (result.frame is not None and frame.index != result.frame):
            source = "a file" if result is None else result.source
            raise MediaError(
                f"{source}: expected the frames that were read before; got others: the file was changed meanwhile: read it again"
            )
        if result.error is None:
            if isinstance(frame, BadFrame):
                raise frame.error
            yield frame, result


class AnnotatedCopies(Writer):
    """The source again with boxes and labels, faces covered where that was asked for; ``places`` are the
    copies.

    Args:
        places: Where they go.
        run: What is read.
        named: A person chose the name, so that its ending must fit.
    """

    def __init__(self, places: Sequence[Path], run: RunContext, *, named: bool) -> None:
        super().__init__(places, run)
        self._named = named

    def write(self, frame: AnalyzedFrame) -> None:
        if frame.image is None or frame.media is None or frame.media.kind != "image":
            return
        place = self._place(frame.position, frame.media.kind)
        self.details[place] = annotate_image(
            place, frame.image, frame.result, self.run.covering, self.run.mesh
        )
        self.written.append(place)

    def finish(self, source: AnalyzedSource, video: Overview | None) -> None:
        if video is None or source.media is None:
            return
        place, covering = self._place(source.position, source.media.kind), self.run.covering
        boxes = None if covering is None else covered_boxes(source.again(), covering)
        drawn = self.run.follow(source.again(), f"drawing {title(source.source)}")
        with self.run.video_options.open(source.source) as media:
            self.details[place] = annotate_video(
                place, media, drawn, boxes, covering, sound=self.run.sound, mesh=self.run.mesh
            )
        self.written.append(place)
        if covering is not None and (unseen := covering.unseen(video.timeline.people)):
            self.remarks.append(
                f"{name_of(source.source)}: nobody has the number {', '.join(map(str, unseen))}: look at the copy and its numbers"
            )

    def _place(self, position: int, kind: str) -> Path:
        return fitting(self.places[position], kind, named=self._named)
