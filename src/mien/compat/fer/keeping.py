"""The copies of a video that a script asks for: annotated frames as images, one by one or in an archive,
and an annotated video."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from types import TracebackType
from zipfile import ZIP_STORED, ZipFile

from PIL import Image

from mien.core.atomic import atomic_write, told
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.media import VideoWriter, save_image
from mien.media.draw import draw


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
            with told(path):
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
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"expected a folder to write to; {self._folder}: {error.strerror}: give another outdir"
            ) from None
        return self._folder
