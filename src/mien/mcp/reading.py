"""What the tools do: files in, answers out, within limits of time, pixels and number."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mien.core.errors import InputError, MediaError
from mien.core.names import spelled
from mien.inference.config import PipelineConfig
from mien.mcp.roots import Roots
from mien.mcp.schemas import (
    FaceInImage,
    FolderSummary,
    ImageFaces,
    ImageOfFolder,
    PersonInVideo,
    ReadFolder,
    ReadImage,
    ReadVideo,
    StretchOfVideo,
    VideoSummary,
)
from mien.media.folders import IMAGE_SUFFIXES, VIDEO_SUFFIXES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mien.core.face import Face
    from mien.core.faces import Faces
    from mien.core.frame import Frame
    from mien.inference.pipeline import Pipeline
    from mien.tracking.persons import PersonSummary
    from mien.video.sources import AnalyzedSource
    from mien.video.summary import Overview

    Sources = Generator[AnalyzedSource, None, None]

Progress = Callable[[float, float | None, str], None]
"""Told how far a call is: how much of how much, None where nobody can tell, in words. It raises when the call was
cancelled."""

_FACES, _LABELS, _VIDEOS = 100, 20, 50
_PEOPLE, _STRETCHES, _FAILURES = 20, 50, 5
_SHOWN_SIDE = 1024


@dataclass(frozen=True)
class CallLimits:
    """What one call of a tool may take.

    Args:
        seconds: After which it ends with what was read until then. Hosts give up on a tool after a minute or so.
        pixels: Most pixels of an image or frame.
    """

    seconds: float = 50.0
    pixels: int = 50_000_000


class ToolReader:
    """Reads for the tools; the networks are loaded when the first of them is called.

    Args:
        roots: What may be read.
        config: Detector and model.
        limits: What a call may take.
    """

    def __init__(self, roots: Roots, config: PipelineConfig, limits: CallLimits) -> None:
        self._roots, self._config, self._limits = roots, config, limits
        self._loading = threading.Lock()
        self._pipeline: Pipeline | None = None

    def read_image(self, asked: ReadImage, progress: Progress) -> tuple[ImageFaces, bytes | None]:
        """One image, and it with boxes as a JPEG where that is asked for.

        Raises:
            MienError: It cannot be read.
        """
        file = self._roots.file(asked.path)
        progress(0, None, "reading")
        frame, faces = self._image(file, asked.path)
        height, width = frame.image.shape[:2]
        answer = ImageFaces(
            model=self._model,
            path=asked.path,
            status="face" if len(faces) else "no_face",
            width=width,
            height=height,
            faces=[_face(face) for face in list(faces)[:_FACES]],
            faces_left_out=max(0, len(faces) - _FACES),
        )
        return answer, _drawn(frame.image, faces) if asked.with_image else None

    def read_folder(self, asked: ReadFolder, progress: Progress) -> tuple[FolderSummary, None]:
        """Images of a folder, one after the other until there are enough or the time is over.

        Raises:
            MienError: It cannot be read.
        """
        folder, until = self._roots.folder(asked.path), self._deadline()
        images, videos = self._listed(folder)
        files: list[ImageOfFolder] = []
        labels: dict[str, int] = dict.fromkeys(self._ready().labels, 0)
        faces = 0
        wanted = images[asked.offset : asked.offset + asked.limit]
        for index, image in enumerate(wanted):
            if files and time.monotonic() > until:
                break
            progress(index, len(wanted), "images read")
            shown = _shown(asked.path, image, folder)
            try:
                _, found = self._image(image, shown)
            except MediaError as error:
                files.append(ImageOfFolder(path=shown, status="error", error=str(error)))
                continue
            seen = [face.label or "" for face in found]
            for label in seen:
                labels[label] = labels.get(label, 0) + 1
            faces += len(seen)
            files.append(
                ImageOfFolder(path=shown, status="face" if seen else "no_face", labels=seen[:_LABELS])
            )
        done = asked.offset + len(files)
        answer = FolderSummary(
            model=self._model,
            path=asked.path,
            images=len(images),
            read=sum(file.error is None for file in files),
            failed=sum(file.error is not None for file in files),
            with_face=sum(file.status == "face" for file in files),
            faces=faces,
            labels=labels,
            files=files,
            next_offset=done if done < len(images) else None,
            videos=[_shown(asked.path, video, folder) for video in videos[:_VIDEOS]],
        )
        return answer, None

    def read_video(self, asked: ReadVideo, progress: Progress) -> tuple[VideoSummary, None]:
        """A video up to its end, or until the time is over.

        Raises:
            MienError: It cannot be read.
        """
        from mien.media import Sampling
        from mien.media.byte_source import ByteSource
        from mien.video.runner import VideoOptions
        from mien.video.sources import process_sources
        from mien.video.summary import Overview

        file, until = self._roots.file(asked.path), self._deadline()
        sampling = Sampling(fps=asked.fps, start=asked.start or None, end=asked.end)
        options = VideoOptions(sampling, max_pixels=self._limits.pixels)
        pipeline = self._ready()
        overview, over = Overview(asked.path, pipeline.labels), False
        with (
            closing(ByteSource(file, asked.path)) as content,
            closing(cast("Sources", process_sources([content], pipeline, options))) as sources,
        ):
            analyzed = next(sources)
            media = analyzed.media
            if media is not None and media.kind == "image":
                raise InputError(f"{asked.path}: expected a video; got an image: use read_image")
            length = None if media is None else asked.end or media.duration
            for frame in analyzed.frames:
                result = frame.result
                if result.error is not None and not overview.frames:
                    raise result.error
                overview.add(result)
                progress(result.time or 0.0, length, "seconds of the video read")
                # After two frames or more, so that the next call begins later than this one.
                if over := overview.length > 0 and time.monotonic() > until:
                    break
        overview.end()
        return self._summary(asked, overview, None if media is None else media.duration, over), None

    def _summary(
        self, asked: ReadVideo, overview: Overview, duration: float | None, over: bool
    ) -> VideoSummary:
        people = sorted(overview.people, key=lambda person: -person.seconds)
        longest = sorted(overview.segments, key=lambda segment: segment.start - segment.end)[:_STRETCHES]
        end = round(overview.start + overview.length, 3)
        return VideoSummary(
            model=self._model,
            path=asked.path,
            duration=None if duration is None else round(duration, 3),
            start=round(overview.start, 3),
            end=end,
            next_start=end if over else None,
            frames=overview.frames,
            frames_with_face=overview.with_face,
            most_faces=overview.most,
            people=[_person(person) for person in people[:_PEOPLE]],
            people_left_out=max(0, len(people) - _PEOPLE),
            stretches=[
                StretchOfVideo(
                    start=round(segment.start, 3),
                    end=round(segment.end, 3),
                    track=segment.track,
                    label=segment.label,
                )
                for segment in sorted(longest, key=lambda segment: (segment.start, segment.track))
            ],
            stretches_left_out=len(overview.segments) - len(longest),
            failures=overview.failures[:_FAILURES],
        )

    def _image(self, file: Path, shown: str) -> tuple[Frame, Faces]:
        from mien.core.frame import BadFrame
        from mien.media import open_media

        try:
            with open_media(file, name=shown, max_pixels=self._limits.pixels) as media:
                if media.kind == "video":
                    raise MediaError(
                        f"{shown}: expected an image; got a video: use read_video", "unsupported"
                    )
                frame = next(iter(media))  # Of an animation the first.
        except StopIteration:
            raise MediaError(f"{shown}: expected an image; it holds none: name another") from None
        if isinstance(frame, BadFrame):
            raise frame.error
        return frame, self._ready()(frame)

    def _listed(self, folder: Path) -> tuple[list[Path], list[Path]]:
        images, videos = [], []
        for file in self._roots.files(folder):
            if file.suffix.lower() in IMAGE_SUFFIXES:
                images.append(file)
            elif file.suffix.lower() in VIDEO_SUFFIXES:
                videos.append(file)
        return images, videos

    def _deadline(self) -> float:
        self._ready()  # Loading takes none of a call's time.
        return time.monotonic() + self._limits.seconds

    def _ready(self) -> Pipeline:
        with self._loading:
            if self._pipeline is None:
                from mien.inference.pipeline import Pipeline

                self._pipeline = Pipeline.open(self._config)
            return self._pipeline

    @property
    def _model(self) -> str:
        return self._ready().classifier.network.card.name


def _shown(asked: str, file: Path, folder: Path) -> str:
    """A file of a folder as it can be asked for, in text that JSON can hold."""
    return spelled(os.path.join(asked, file.relative_to(folder)))


def _face(face: Face) -> FaceInImage:
    x1, y1, x2, y2 = (round(value) for value in face.box)
    return FaceInImage(
        box=(x1, y1, x2, y2),
        detection_score=round(face.detection_score, 3),
        label=face.label,
        label_confidence=_rounded(face.label_confidence),
        probs={name: round(value, 3) for name, value in (face.probs or {}).items()},
        valence=_rounded(face.valence),
        expressiveness=_rounded(face.expressiveness),
    )


def _person(person: PersonSummary) -> PersonInVideo:
    return PersonInVideo(
        track=person.track,
        first=round(person.first, 3),
        end=round(person.end, 3),
        seconds=round(person.seconds, 3),
        mostly=person.mostly,
        shares={name: round(value, 3) for name, value in person.shares.items()},
        valence=_rounded(person.valence),
        expressiveness=_rounded(person.expressiveness),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _drawn(image: NDArray[np.uint8], faces: Faces) -> bytes:
    from PIL import Image

    from mien.media.draw import draw

    shown = Image.fromarray(draw(image, faces))
    shown.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE))
    file = io.BytesIO()
    shown.save(file, "JPEG", quality=85)
    return file.getvalue()
