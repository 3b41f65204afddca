"""What every outlet has in common: what it is told of a stream, a moment that somebody marked, and itself."""

from __future__ import annotations

from dataclasses import dataclass

from mien.core.errors import InputError
from mien.core.labels import Labels
from mien.core.measures import MEASURES
from mien.core.names import quoted
from mien.video.live import Watched


@dataclass(frozen=True)
class StreamFacts:
    """What is known of a stream before its first frame.

    Args:
        source: What it is called, without anything that opens it.
        labels: Expressions that the model tells apart.
        landmarks: Whether faces have measures.
        model: Name and digest of the model.
    """

    source: str
    labels: Labels
    landmarks: bool = False
    model: str = ""

    @property
    def values(self) -> list[tuple[str, str]]:
        """What is told of each person, with its unit, in order: the number of the person, the probability of each
        expression, valence, expressiveness, and what landmarks measure."""
        return [
            ("person", "number"),
            *((name, "probability") for name in self.labels),
            ("valence", "-1 to 1"),
            ("expressiveness", "0 to 1"),
            *((measure.name, measure.unit) for measure in MEASURES.values() if self.landmarks),
        ]


@dataclass(frozen=True)
class Marker:
    """A moment that somebody marked.

    Args:
        label: In a few words.
        time: Seconds of the stream.
        captured: When it was, in seconds of `time.monotonic`.

    Raises:
        InputError: The label is empty, of several lines, or longer than 200 characters.
    """

    label: str
    time: float
    captured: float

    def __post_init__(self) -> None:
        if not self.label.strip() or len(self.label) > 200 or not self.label.isprintable():
            raise InputError(
                f"expected a label of one line, up to 200 characters; got {quoted(self.label)}: shorten it"
            )


class Outlet:
    """Hands on what is watched. What goes wrong is an exception; `mien.outlets.group.Outlets` tells of it, and the rest goes on.

    Attributes:
        about: What it hands on and to whom, as a sentence for people.
    """

    about: str

    def send(self, watched: Watched) -> None:
        """Hand on one frame."""
        raise NotImplementedError

    def mark(self, marker: Marker) -> None:
        """Hand on a moment that somebody marked."""
        raise NotImplementedError

    def close(self) -> None:
        """There is no more."""
