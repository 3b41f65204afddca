"""Rules over a video: what would have fired, and when."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path

from mien.core.frame import BadFrame, Frame
from mien.rules.engine import Event, RuleEngine
from mien.rules.rule_file import RuleSet
from mien.tracking.session import Session
from mien.video.runner import VideoOptions

_BATCH = 8  # Frames read together, which is faster and gives the same.


def replay(
    source: str | Path,
    rules: RuleSet,
    session: Session,
    plan: VideoOptions | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Generator[Event]:
    """Hold rules against a video as if it were live: a frame is judged by what came before it. Nothing is
    done.

    The same rules fire at the same times always, however fast the machine is.

    Args:
        source: A video.
        rules: What is held against it.
        session: What reads.
        plan: Which frames are looked at, and how large they may be.
        tell: Called with lines about what cannot be read.

    Raises:
        MediaError: It cannot be opened.
    """
    engine = RuleEngine(rules.rules, session.labels, rules.mapping)
    with (plan or VideoOptions()).open(source) as media:
        frames = _readable(media, tell)
        while batch := list(islice(frames, _BATCH)):
            for frame, faces in zip(batch, session.update(batch), strict=True):
                yield from engine.update(faces, frame.time, frame.index)


def _readable(media: Iterable[Frame | BadFrame], tell: Callable[[str], None]) -> Iterator[Frame]:
    for item in media:
        if isinstance(item, Frame):
            yield item
        else:
            tell(str(item.error))
