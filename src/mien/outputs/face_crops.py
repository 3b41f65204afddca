"""Faces cut out of photographs as the networks see them: labelled photographs become faces to train on and
to judge by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.core.atomic import atomic_folder, translate_os_errors
from mien.core.boxes import area
from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.names import spelled
from mien.core.output_names import output_paths
from mien.core.progress import ProgressCallback, no_progress
from mien.data.images import png_bytes
from mien.inference.pipeline import Pipeline
from mien.media import find_sources
from mien.media.folders import IMAGE_SUFFIXES
from mien.outputs.tables import row_writer
from mien.video.runner import AnalyzedFrame, VideoOptions, process_frames

ROWS = "faces.csv"
"""File beside the faces: the rows of `mien analyze` on the photographs, and which file each face went to."""


@dataclass(frozen=True)
class CropReport:
    """What became of some photographs.

    Args:
        faces: How many faces were written.
        several: Photographs with more than one face, of which the largest was taken.
        without: Photographs without a face.
        unread: What could not be read, and why.
        passed_over: Files that are no images by name, such as videos.
    """

    faces: int
    several: tuple[str, ...]
    without: tuple[str, ...]
    unread: tuple[str, ...]
    passed_over: tuple[str, ...]


def crop_faces(
    photographs: Path, output: Path, pipeline: Pipeline | None = None, track: ProgressCallback = no_progress
) -> CropReport:
    """Cut the largest face out of every photograph in a folder, in the frame and the size that the network of
    a pipeline is fed.

    Args:
        photographs: A folder; how it is divided into folders, such as one for each expression, stays.
        output: A new folder: a PNG for each face, gray or in colour as the network sees it, and `ROWS`.
        pipeline: Finds the faces; the default one unless given.
        track: Shows how far it is.

    Raises:
        InputError: There is no image or no face, or ``output`` is there already.
    """
    if not photographs.is_dir():
        raise InputError(
            f"expected a folder of photographs; {photographs} is none: give the folder above the class folders"
        )
    found = find_sources([photographs])
    images = [Path(source) for source in found.sources if Path(source).suffix.lower() in IMAGE_SUFFIXES]
    if not images:
        raise InputError(f"expected photographs in {photographs}; there is no image in it: check the folder")
    pipeline = pipeline or Pipeline()
    names = _names(images, photographs)
    several, without = [], []
    unread = [f"{folder}: expected a folder that you may read" for folder in found.unreadable]
    count = 0
    with atomic_folder(output) as aside, translate_os_errors(output):
        with (
            open(aside / ROWS, "w", encoding="utf-8", newline="") as file,
            row_writer(file, "csv", pipeline.labels, before=["file"]) as write,
        ):
            # Of an animation the first frame alone.
            seen = (
                frame
                for frame in process_frames(images, pipeline, VideoOptions(tracking=None))
                if not frame.result.frame
            )
            for frame in track(seen, "cutting", len(images)):
                name, result = names[frame.position], frame.result
                largest = _cut(frame, pipeline, aside / name)
                write(
                    [
                        {"file": spelled(name) if at == largest else None, **row}
                        for at, row in enumerate(result.rows())
                    ]
                )
                if result.error is not None:
                    unread.append(str(result.error))
                elif largest is None:
                    without.append(result.source)
                else:
                    count += 1
                    several += [result.source] if len(result.faces) > 1 else []
        if not count:
            raise InputError(
                f"expected faces in {photographs}; none was found in {counted(len(images), 'image')}: try a smaller --min-face"
            )
    passed_over = [*found.passed_over, *(source for source in found.sources if source not in set(images))]
    return CropReport(count, tuple(several), tuple(without), tuple(unread), tuple(map(str, passed_over)))


def _cut(frame: AnalyzedFrame, pipeline: Pipeline, path: Path) -> int | None:
    """Write the largest face; its row, or None where there is none."""
    faces = frame.result.faces
    if frame.image is None or not len(faces):
        return None
    largest = int(area(faces.boxes).argmax())
    [crop] = pipeline.classifier.crop_faces(frame.image, faces[largest : largest + 1])
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = crop.astype(np.uint8)
    path.write_bytes(png_bytes(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)))
    return largest


def _names(images: Sequence[Path], root: Path) -> list[Path]:
    """Where each face goes: under the name of its photograph, in the folder of the same name."""
    folders: dict[Path, list[Path]] = {}
    for image in images:
        folders.setdefault(image.parent, []).append(image)
    names: dict[Path, Path] = {}
    for folder, own in folders.items():
        files = output_paths(Path("{name}.png"), own)
        names |= {image: folder.relative_to(root) / file for image, file in zip(own, files, strict=True)}
    return [names[image] for image in images]
