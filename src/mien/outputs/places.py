"""Where files about each source of a run go, so that no two sources share one and none is replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.core.names import unspelled
from mien.core.output_names import is_pattern, output_paths
from mien.media.byte_source import name_of
from mien.media.folders import IMAGE_SUFFIXES, may_move
from mien.video.runner import Source

if TYPE_CHECKING:
    from mien.outputs.spec import OutputSpec

_IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_MOVIES = (".mp4",)


@dataclass(frozen=True)
class OutputFiles:
    """The files of each source, by its position.

    Args:
        about: Files about it, in the order in which they were asked for; written for videos alone.
        copies: Its annotated copy, to which `fitting` adds an ending where that is needed; None where none is
            asked for.
        plots: The folder of its charts; None where none is asked for.
        tried: One file in each folder that files about videos go to, and all that are there already.
    """

    about: list[list[Path]]
    copies: list[Path] | None
    plots: list[Path] | None
    tried: list[Path]

    @property
    def named(self) -> list[Path]:
        """All files about sources."""
        return [path for paths in self.about for path in paths]

    @staticmethod
    def find(asked: OutputSpec, sources: Sequence[Source]) -> OutputFiles:
        """The places for what is asked.

        Raises:
            InputError: Several videos would get one file, or there is a file where a folder is needed.
        """
        files = [_file(source) for source in sources]
        moves = lru_cache(None)(lambda at: _may_move(sources[at]))
        for pattern in asked.patterns:
            if len(sources) > 1 and not is_pattern(pattern) and sum(map(moves, range(len(sources)))) != 1:
                message = f"expected one video for {pattern}; got {counted(len(sources), 'source')}"
                raise InputError(
                    f"{message}: put {{name}} into its name, such as {pattern.with_name('{name}' + pattern.suffix)}"
                )
        columns = [output_paths(pattern, files, counts=moves) for pattern in asked.patterns]
        about = [list(paths) for paths in zip(*columns, strict=True)] or [[] for _ in sources]
        plots = None
        if asked.plots is not None:
            plots = (
                output_paths(asked.plots / "{name}", files, counts=moves)
                if len(sources) > 1
                else [asked.plots for _ in sources]
            )
        copies = None if asked.annotate is None else _copies(asked.annotate, files)
        return OutputFiles(about, copies, plots, list(_tried(about, files)))


def _file(source: Source) -> Path:
    """A path by which a source is named in outputs."""
    if isinstance(source, str | Path):
        return Path(source)
    name = Path(unspelled(name_of(source))).name
    return Path(
        "stdin" if name == "-" else name if name not in ("", "..") and not name.startswith("<") else "source"
    )


def _may_move(source: Source) -> bool:
    return not isinstance(source, str | Path) or may_move(source)


def _tried(about: list[list[Path]], files: Sequence[Path]) -> Iterator[Path]:
    folders = set()
    for paths, file in zip(about, files, strict=True):
        for path in paths:
            new = path.parent not in folders and file.suffix.lower() not in IMAGE_SUFFIXES
            if new or os.path.lexists(path):
                yield path
            folders |= {path.parent} if new else set()


def _copies(target: Path, files: Sequence[Path]) -> list[Path]:
    if len(files) == 1 and target.suffix and not target.is_dir():
        return [target]
    if target.exists() and not target.is_dir():
        raise InputError(
            f"expected a folder for the copies of {counted(len(files), 'source')}; {target} is a file: give a folder with --annotate"
        )
    become = [partial(fitting, kind=kind, named=False) for kind in ("image", "video")]
    return output_paths(
        target / "{name}", files, ending=True, becomes=lambda path: [made(path) for made in become]
    )


def fitting(place: Path, kind: str, *, named: bool) -> Path:
    """The place of a copy, with an ending that its content can have.

    Args:
        place: Where the copy should go.
        kind: That of its `Media`.
        named: The name was chosen by a person, so it must fit; otherwise an ending is added.

    Raises:
        InputError: A name that a person chose does not fit.
    """
    suffixes, what = (_IMAGES, "an image") if kind == "image" else (_MOVIES, "a video")
    if place.suffix.lower() in suffixes:
        return place
    if named:
        raise InputError(
            f"expected a name ending in {', '.join(suffixes)} for the copy of {what}; got {place}: give another with --annotate"
        )
    return place.with_name(place.name + suffixes[0])
