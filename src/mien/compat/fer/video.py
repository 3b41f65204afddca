"""``Video``: a row per frame of a video, in the shapes of the package fer, and the annotated copies that a
script asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal
from zipfile import ZIP_STORED, ZipFile

from PIL import Image

from mien.compat.common import remark, without_effect
from mien.compat.fer.detector import FER, as_emotions
from mien.compat.fer.rows import Row, emotions_only, first_face, row_of, table, write_csv
from mien.core.atomic import atomic_write, made_folder, translate_os_errors
from mien.core.errors import InputError, MediaError
from mien.core.faces import Faces
from mien.core.formatting import counted
from mien.core.frame import BadFrame, Frame
from mien.core.names import quoted
from mien.media import Media, Prefetcher, Sampling, VideoWriter, open_media, save_image
from mien.media.draw import draw
from mien.tracking.session import Session

if TYPE_CHECKING:
    import pandas


class FrameSaver:
    """Keeps copies of the frames that it is shown, in a folder; archive and video appear whole, when the
    block ends well.

    Args:
        folder: Where they go; it is made when there is something to keep.
        stem: What their names begin with.
        annotated: Boxes and labels are drawn on them.
    """

    def __init__(self, folder: Path, stem: str, *, annotated: bool = True) -> None:
        self._folder, self._stem, self._annotated = folder, stem, annotated
        self._stack = ExitStack()
        self._keeping: list[Callable[[Frame], None]] = []

    def __enter__(self) -> FrameSaver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def keep_movie(self, width: int, height: int, name: str) -> None:
        """Write a video of frames of this size."""
        movie = self._stack.enter_context(VideoWriter(self._made() / f"{name}_output.mp4", width, height))
        self._keeping.append(lambda frame: movie.write(frame.image, frame.time))

    def keep_images(self) -> None:
        """Write every frame as an image of its own."""
        folder = self._made()
        self._keeping.append(lambda frame: save_image(folder / f"{self._stem}{frame.index}.jpg", frame.image))

    def keep_archive(self) -> None:
        """Write every frame into ``images.zip``."""
        path = self._made() / "images.zip"
        archive = ZipFile(
            self._stack.enter_context(atomic_write(path)), "w", ZIP_STORED
        )  # JPEG does not get smaller.
        self._stack.enter_context(archive)

        def keep(frame: Frame) -> None:
            packed = BytesIO()
            Image.fromarray(frame.image).save(packed, "JPEG", quality=92)
            with translate_os_errors(path):
                archive.writestr(f"{self._stem}{frame.index}.jpg", packed.getvalue())

        self._keeping.append(keep)

    def add(self, frame: Frame, faces: Faces) -> None:
        """Keep one frame."""
        if self._keeping and self._annotated:
            frame = Frame(frame.index, frame.time, draw(frame.image, faces))
        for keep in self._keeping:
            keep(frame)

    def _made(self) -> Path:
        try:
            self._stack.enter_context(made_folder(self._folder))
        except OSError as error:
            raise InputError(
                f"expected a folder to write to; {self._folder}: {error.strerror}: give another outdir"
            ) from None
        return self._folder


_BATCH = 8


@dataclass(frozen=True)
class _Chosen:
    """Which frames are looked at, and which part of them."""

    nth: int
    sampling: Sampling
    most: int | None
    part: tuple[slice, slice]

    @property
    def origin(self) -> tuple[int, int]:
        rows, columns = self.part
        return columns.start or 0, rows.start or 0


class Video:
    """A video whose frames are read one after the other; memory does not grow with the images in it.

    Args:
        video_file: Path of a video, or of anything else that moves.
        outdir: Folder for what `analyze` is asked to save; it is made when there is something to save.
        first_face_only: `to_pandas` gives the first face alone, its columns without a number: ``box, angry,
            ...``.
        tempfile: Without meaning here: files appear under their name when they are whole.

    Raises:
        MediaError: There is no such file.
    """

    def __init__(
        self,
        video_file: str | Path,
        outdir: str | Path = "output",
        first_face_only: bool = True,
        tempfile: str | None = None,
    ) -> None:
        if not Path(video_file).is_file():
            raise MediaError(f"expected a video; there is no file {Path(video_file).absolute()}", "missing")
        self.filepath = str(video_file)
        self.filename = Path(video_file).name
        self.outdir = str(outdir)
        self.first_face_only = first_face_only

    def analyze(
        self,
        detector: FER,
        display: bool = False,
        output: Literal["csv", "pandas"] = "csv",
        frequency: int | None = None,
        max_results: int | None = None,
        save_fps: float | None = None,
        video_id: str | None = None,
        save_frames: bool = False,
        save_video: bool = False,
        annotate_frames: bool = True,
        zip_images: bool = True,
        detection_box: Mapping[str, int] | None = None,
        lang: str = "en",
        include_audio: bool = False,
        size_multiplier: int = 1,
        batch_size: int = 1,
        use_async_io: bool = True,
    ) -> list[Row] | pandas.DataFrame:
        """Read the expressions in every frame, or in some.

        Args:
            detector: What reads a frame.
            display: Without effect: no window is opened; a remark says so.
            output: ``csv`` for rows (nothing is written: see `to_csv`) or ``pandas`` for a data frame.
            frequency: Look at every n-th frame.
            max_results: Look at so many frames, then stop.
            save_fps: Look at so many frames per second, by their times; it comes before ``frequency``.
            video_id: What the names of saved frames begin with; the video's name by default.
            save_frames: Save the frames looked at into ``outdir``.
            save_video: Save them as ``NAME_output.mp4`` there, each at its own time.
            annotate_frames: Draw boxes and labels on what is saved.
            zip_images: Saved frames go into ``images.zip`` there.
            detection_box: ``x_min, y_min, x_max, y_max`` in px of the part of each frame that is looked at.
            lang: Without effect: labels are in English.
            include_audio: Without effect: the saved video has no sound.
            size_multiplier: Without meaning here: labels grow with the image.
            batch_size: Without meaning here.
            use_async_io: Without meaning here.

        Returns:
            A row per frame looked at, as a dict: ``box0`` (``[x, y, width, height]``), ``angry0`` ...
            ``neutral0`` and ``track0``, an id per person, and so on for each face, those of people known for
            longest first; then ``frame``, its 0-based index, and ``time`` in seconds. A frame without a face
            has its row: ``box0`` and ``track0`` are None, ``angry0`` and the others are NaN.

        Raises:
            MediaError: The video cannot be read.
            InputError: An argument is impossible.
        """
        if output not in ("csv", "pandas"):
            raise InputError(f"output: expected csv or pandas; got {quoted(output)}")
        if display:
            remark("display: mien opens no window; ask for save_video=True to see what was found")
        without_effect(lang=(lang, "en"), include_audio=(include_audio, False))
        chosen = _Chosen(
            _every(frequency, save_fps),
            Sampling(fps=save_fps),
            _most(max_results),
            _part(detection_box),
        )
        stem = Path(self.filename).stem
        with (
            open_media(self.filepath, chosen.sampling) as media,
            FrameSaver(Path(self.outdir), video_id or stem, annotated=annotate_frames) as keeper,
        ):
            width, height = _size(media, chosen.part)
            if save_video:
                keeper.keep_movie(width, height, stem)
            if save_frames:
                (keeper.keep_archive if zip_images else keeper.keep_images)()
            rows = list(_rows(media, detector, chosen, keeper))
        return rows if output == "csv" else self.to_pandas(rows)

    def to_pandas(self, data: list[Row] | pandas.DataFrame) -> pandas.DataFrame:
        """The rows as a data frame; with ``first_face_only`` as `get_first_face` gives it.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        frame = table(data) if isinstance(data, list) else data
        return self.get_first_face(frame) if self.first_face_only else frame

    def to_csv(self, data: list[Row], filename: str | Path = "data.csv") -> list[Row]:
        """Write the rows into a file, a line per frame, and give them back."""
        write_csv(data, filename)
        return data

    @staticmethod
    def get_first_face(df: pandas.DataFrame) -> pandas.DataFrame:
        """The columns of the first face as ``box, angry, ...``, and ``frame, time``."""
        return first_face(df)

    @staticmethod
    def get_emotions(df: pandas.DataFrame) -> pandas.DataFrame:
        """The columns of expressions alone, of the frames that show a face; the index still says which row
        each one was."""
        return emotions_only(df)


def _rows(media: Media, detector: FER, chosen: _Chosen, keeper: FrameSaver) -> Iterator[Row]:
    lost: list[BadFrame] = []
    session = Session(detector.pipeline)
    with Prefetcher(_looked_at(media, chosen, lost)) as frames:
        while batch := list(islice(frames, _BATCH)):
            for frame, faces in zip(
                batch, session.read([frame.image for frame in batch], session.locate(batch)), strict=True
            ):
                keeper.add(frame, faces)
                tracks = [] if faces.tracks is None else faces.tracks.tolist()
                yield row_of(
                    [as_emotions(face, chosen.origin) for face in faces], tracks, frame.index, frame.time
                )
    if lost:
        remark(
            f"{counted(sum(bad.count for bad in lost), 'frame')} could not be decoded and got no row. The first: {lost[0].error}"
        )


def _looked_at(media: Iterable[Frame | BadFrame], chosen: _Chosen, lost: list[BadFrame]) -> Iterator[Frame]:
    taken = 0
    for item in media:
        if isinstance(item, BadFrame):
            lost.append(item)
        elif item.index % chosen.nth == 0:
            yield Frame(item.index, item.time, item.image[chosen.part])
            taken += 1
            if taken == chosen.most:
                return


def _every(frequency: int | None, save_fps: float | None) -> int:
    nth = 1 if frequency is None or save_fps is not None else int(frequency)
    if nth < 1:
        raise InputError(f"frequency: expected every n-th frame, n of 1 or more; got {frequency}")
    return nth


def _most(max_results: int | None) -> int | None:
    if max_results is not None and max_results < 0:
        raise InputError(f"max_results: expected a number of frames; got {max_results}")
    return max_results or None


def _part(box: Mapping[str, int] | None) -> tuple[slice, slice]:
    if box is None:
        return slice(None), slice(None)
    corners = [box.get(key) for key in ("x_min", "y_min", "x_max", "y_max")]
    left, top = (max(0, int(value or 0)) for value in corners[:2])
    right, bottom = (None if value is None else int(value) for value in corners[2:])
    if (
        set(box) - {"x_min", "y_min", "x_max", "y_max"}
        or (right is not None and right <= left)
        or (bottom is not None and bottom <= top)
    ):
        raise InputError(
            f"detection_box: expected x_min, y_min, x_max, y_max in px, the first two below the others; got {dict(box)}"
        )
    return slice(top, bottom), slice(left, right)


def _size(media: Media, part: tuple[slice, slice]) -> tuple[int, int]:
    rows, columns = (
        len(range(side)[span]) for side, span in zip((media.height, media.width), part, strict=True)
    )
    if not (rows and columns):
        raise InputError(
            f"detection_box: expected a part of the video, which has {media.width} x {media.height} px"
        )
    return columns, rows
