"""Copies of sources with boxes and labels drawn in: pictures stay pictures, everything that moves becomes an MP4."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from mien.analysis import Sighting, Source
from mien.draw import draw
from mien.errors import InputError
from mien.media import MovieWriter, save_picture

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_MOVIES = (".mp4",)


def places_for(target: Path, sources: Sequence[Source]) -> list[Path]:
    """Where the annotated copy of each source goes.

    Args:
        target: A file for a single source, or a folder, which is made.
        sources: What will be read.

    Returns:
        One path per source, no two alike. `Annotator` adds an ending where the name has none that fits.

    Raises:
        InputError: A file was given for several sources, or a copy would replace its source.
    """
    if len(sources) == 1 and target.suffix and not target.is_dir():
        places = [target]
    else:
        if target.exists() and not target.is_dir():
            raise InputError(f"expected a folder for the copies of {len(sources)} sources; {target} is a file: give a folder with --annotate")
        places = _names_in(target, sources)
    originals = {Path(source).resolve() for source in sources if isinstance(source, str | Path)}
    for place in places:
        if place.resolve() in originals:
            raise InputError(f"{place} is one of the sources: give another place with --annotate")
    if places != [target]:
        target.mkdir(parents=True, exist_ok=True)
    return places


def _names_in(folder: Path, sources: Sequence[Source]) -> list[Path]:
    """A name for each source; a number is added where two sources have the same."""
    taken: set[str] = set()
    places = []
    for source in sources:
        first = Path(source) if isinstance(source, str | Path) and str(source) != "-" else Path("stdin")
        name, number = first.name, 2
        while name in taken:
            name, number = f"{first.stem}-{number}{first.suffix}", number + 1
        taken.add(name)
        places.append(folder / name)
    return places


class Annotator:
    """Draws what was read from one source, frame by frame; the copy appears when the block ends well.

    Args:
        place: Where the copy goes; None draws nothing.
        named: The name was chosen by a person, so it must fit what is written; otherwise an ending is added.

    Attributes:
        written: Where the copy went; None as long as nothing was drawn.
    """

    def __init__(self, place: Path | None, *, named: bool = False) -> None:
        self.place = place
        self.written: Path | None = None
        self._named = named
        self._stack = ExitStack()
        self._movie: MovieWriter | None = None

    def __enter__(self) -> Annotator:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, sighting: Sighting) -> None:
        """Draw one frame; frames that could not be read are left out."""
        if self.place is None or sighting.image is None or sighting.media is None:
            return
        picture = draw(sighting.image, sighting.reading.faces)
        if sighting.media.kind == "picture":
            self.written = self._fitting(self.place, _PICTURES, "a picture")
            save_picture(self.written, picture)
            return
        if self._movie is None:
            media = sighting.media
            self.written = self._fitting(self.place, _MOVIES, "a video")
            self._movie = self._stack.enter_context(MovieWriter(self.written, media.width, media.height))
        self._movie.write(picture, sighting.reading.time or 0.0)

    def _fitting(self, place: Path, suffixes: tuple[str, ...], what: str) -> Path:
        """The place, with an ending that its content can have."""
        if place.suffix.lower() in suffixes:
            return place
        if self._named:
            raise InputError(f"expected a name ending in {', '.join(suffixes)} for the copy of {what}; got {place}: give another with --annotate")
        return place.with_name(place.name + suffixes[0])
