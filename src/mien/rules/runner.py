"""Rules at work on one stream: events are decided in the stream's time and delivered beside it; or over a
video, as a dry run."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core.errors import RuleError
from mien.core.faces import Faces
from mien.core.formatting import date_time
from mien.core.frame import BadFrame, Frame
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.masking import source_name
from mien.core.names import printable
from mien.media.blur import blur
from mien.rules.actions.base import Delivery, FunctionAction, RuleAction
from mien.rules.actions.dispatcher import Dispatcher, Retries, SavedPhoto
from mien.rules.actions.log import LogSettings
from mien.rules.actions.registry import create_hook
from mien.rules.best_frame import BestFrame
from mien.rules.engine import Rule, RuleEngine, RuleEvent
from mien.rules.rule_file import Action, RuleSet
from mien.tracking.session import Session
from mien.video.runner import VideoOptions

LOG = "log file"
"""What messages call the log of all events."""


@dataclass(frozen=True)
class RunOptions:
    """Options of an `RuleRunner`.

    Args:
        source: Name of the source, for messages and payloads.
        log: A file to which a line of JSON is added for every event.
        grace: Seconds that closing waits for what has not been delivered yet.
        tell: Called with lines for people, from any thread.

    >>> RunOptions(source="camera:0", log=Path("events.jsonl")).grace
    5.0
    """

    source: str = ""
    log: Path | None = None
    grace: float = 5.0
    tell: Callable[[str], None] = field(default=lambda line: None)


class RuleRunner:
    """Takes the frames of one stream with their faces, holds rules against them and starts their actions.

    Actions run on threads of their own: nothing that they do or fail to do holds up or ends the stream. It is
    a context manager; leaving it waits for a moment for what has not been delivered yet.

    Args:
        rules: From a file (`mien.rules.read_rules`), or made in Python.
        labels: Names of the columns of ``probs``.
        functions: Further actions by name, which rules may ``do``: anything that takes a
            `mien.rules.actions.Delivery`, or a `mien.rules.actions.RuleAction`. Functions are called at the
            start of a rule and at its end.
        options: Source, log, and who is told.

    Raises:
        RuleError: A rule names an action that is not there, or an action cannot serve its rules.
        InputError: An action cannot work here.
        MissingExtraError: An action needs a package that is not installed.

    >>> from mien.core.labels import Labels
    >>> labels, heard = Labels(("sad", "happy")), []
    >>> rule = Rule("smile", "any.happy > 0.7", do=("hear",), labels=labels)
    >>> with RuleRunner([rule], labels, {"hear": heard.append}) as actor:
    ...     faces = Faces([[0, 0, 9, 9]], [1], [0], [2.5], probs=[[0.1, 0.9]], labels=labels)
    ...     events = actor.update(Frame(60, 2.5, np.zeros((9, 9, 3), np.uint8)), faces)
    >>> events[0].rule, heard[0].rule, heard[0].time
    ('smile', 'smile', 2.5)
    """

    def __init__(
        self,
        rules: RuleSet | Sequence[Rule],
        labels: Labels = EXPRESSIONS,
        functions: Mapping[str, Callable[[Delivery], object] | RuleAction] | None = None,
        options: RunOptions | None = None,
    ) -> None:
        self._set = rules if isinstance(rules, RuleSet) else RuleSet(tuple(rules))
        self._options = options or RunOptions()
        self.engine = RuleEngine(self._set.rules, labels, self._set.mapping)
        self._actions = {
            **self._set.actions,
            **{name: Action("function", {}, ("start", "end")) for name in functions or {}},
        }
        _check(self._set.rules, self._actions)
        hooks = self._hooks(functions or {})
        self._couriers = {
            name: Dispatcher(name, hook, Retries(self._attempts(name)), self._options.tell)
            for name, hook in hooks.items()
        }
        pictured = {name for name, hook in hooks.items() if hook.pictured}
        self._moments: dict[str, BestFrame[tuple[Frame, Faces]]] = {
            rule.name: BestFrame() for rule in self._set.rules if pictured & set(rule.do)
        }
        self._do = {rule.name: [*rule.do, *([LOG] if LOG in hooks else [])] for rule in self._set.rules}
        self._told: set[str] = set()

    def update(self, frame: Frame, faces: Faces) -> list[RuleEvent]:
        """Take the next frame.

        Args:
            frame: Its image is kept only while a rule that wants one is on its way.
            faces: In it, with ``probs``; smoothed values count where there are any.

        Returns:
            What has started and ended; its actions are on their way.

        Raises:
            InputError: The faces have not been read.
        """
        events = self.engine.update(faces, frame.time, frame.index)
        self._remark(frame, faces)
        for name, moment in self._moments.items():
            if name in self.engine.waiting:
                moment.add((frame, faces), frame.image, faces)
        for event in events:
            self._send(event, frame, faces)
        for name in self._moments.keys() - set(self.engine.waiting):
            self._moments[name].clear()
        return events

    def close(self) -> int:
        """Wait for a moment for what is on its way, and end all actions.

        Returns:
            How many deliveries were lost, all in all.
        """
        until = time.monotonic() + self._options.grace
        lost = sum(courier.close(until) for courier in self._couriers.values())
        self._couriers = {}
        return lost

    def __enter__(self) -> RuleRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hooks(
        self, functions: Mapping[str, Callable[[Delivery], object] | RuleAction]
    ) -> dict[str, RuleAction]:
        """The hooks of all actions that are used."""
        hooks: dict[str, RuleAction] = {}
        try:
            for name in dict.fromkeys(name for rule in self._set.rules for name in rule.do):
                hooks[name] = self._hook(name, functions.get(name))
                hooks[name].start([rule.name for rule in self._set.rules if name in rule.do])
            if self._options.log is not None:
                hooks[LOG] = create_hook("log", LogSettings(file=self._options.log))
        except BaseException:
            for hook in hooks.values():
                hook.close()
            raise
        return hooks

    def _hook(self, name: str, given: Callable[[Delivery], object] | RuleAction | None) -> RuleAction:
        if given is None:
            return create_hook(self._actions[name].kind, self._actions[name].settings, self._options.tell)
        return given if isinstance(given, RuleAction) else FunctionAction(given)

    def _attempts(self, name: str) -> int:
        return self._actions[name].attempts if name in self._actions else Retries().attempts

    def _send(self, event: RuleEvent, frame: Frame, faces: Faces) -> None:
        moment = self._moments.get(event.rule)
        best = moment.take() if moment is not None and event.kind == "start" else None
        image = partial(_image, *(best or (frame, faces))) if moment is not None else None
        facts: dict[str, Any] = {
            "rule": event.rule,
            "kind": event.kind,
            "time": event.time,
            "frame": event.frame,
        }
        facts |= {
            "values": event.values,
            "faces": event.faces,
            "measures": event.measures,
            "source": printable(source_name(self._options.source)),
        }
        delivery = Delivery(id=uuid.uuid4().hex, at=_clock(frame), **facts, image=image)
        plain = Delivery(id=delivery.id, at=delivery.at, **facts)
        names = [name for name in self._do[event.rule] if name == LOG or event.kind in self._actions[name].on]
        photographer = next((name for name in names if self._saves_photos(name)), None)
        photo = None if photographer is None else SavedPhoto()
        for name in names:
            courier = self._couriers[name]
            if courier.pictured:
                courier.offer(delivery, tells=photo if name == photographer else None)
            else:
                courier.offer(plain, photo)

    def _saves_photos(self, name: str) -> bool:
        return name in self._actions and self._actions[name].kind == "photo"

    def _remark(self, frame: Frame, faces: Faces) -> None:
        jump = self.engine.jump
        if jump is not None:
            what = f"jumped by {jump:+.1f} s" if jump < 0 else f"went on by {jump:.1f} s at once"
            self._options.tell(
                f"the clock of the source {what} at {frame.time:.2f} s: rules count on from there"
            )
        for line in _missing(self.engine, faces):
            if line not in self._told:
                self._told.add(line)
                self._options.tell(line)


def _missing(engine: RuleEngine, faces: Faces) -> Iterator[str]:
    """What rules ask of faces that come without it, for people."""
    if engine.facing and len(faces) and faces.landmarks is None:
        yield "a rule asks for facing, and this detector gives no points: that part never holds; use --detector mtcnn"
    if engine.measures and len(faces) and faces.measures is None:
        yield (
            f"a rule asks for {engine.measures[0]}, which is measured on landmarks: that part never holds; "
            "use Pipeline(landmarks=True)"
        )


def _check(rules: Sequence[Rule], actions: Mapping[str, Action]) -> None:
    for rule in rules:
        missing = [name for name in rule.do if name not in actions]
        if missing:
            raise RuleError(
                f"{rule.name}: there is no action {missing[0]!r}: there are {', '.join(actions) or 'none'}"
            )


def _clock(frame: Frame) -> str:
    """When a frame was seen, as a date."""
    captured = getattr(frame, "captured", None)
    age = 0.0 if captured is None else max(0.0, time.monotonic() - captured)
    return date_time(time.time() - age, "milliseconds")


def _image(frame: Frame, faces: Faces, covered: bool) -> NDArray[np.uint8]:
    return blur(frame.image, faces.boxes) if covered else frame.image


_BATCH = 8  # Frames read together, which is faster and gives the same.


def replay(
    source: str | Path,
    rules: RuleSet,
    session: Session,
    video_options: VideoOptions | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Generator[RuleEvent]:
    """Hold rules against a video as if it were live: a frame is judged by what came before it. Nothing is
    done.

    The same rules fire at the same times always, however fast the machine is.

    Args:
        source: A video.
        rules: What is held against it.
        session: What reads.
        video_options: Which frames are looked at, and how large they may be.
        tell: Called with lines about what cannot be read.

    Raises:
        MediaError: It cannot be opened.

    >>> import tempfile
    >>> from mien import Pipeline, Session
    >>> from mien.core.drawn_face import draw_portrait
    >>> from mien.media import VideoWriter
    >>> from mien.rules import Rule, RuleSet
    >>> path = Path(tempfile.mkdtemp(), "smile.mp4")
    >>> with VideoWriter(path, 240, 240) as movie:
    ...     for index in range(4):
    ...         movie.write(draw_portrait(), index / 5)
    >>> rules = RuleSet((Rule("smile", "any.happy > 0.5"),))
    >>> [(event.rule, event.kind, event.time) for event in replay(path, rules, Session(Pipeline()))]
    [('smile', 'start', 0.0)]
    """
    engine, told = RuleEngine(rules.rules, session.labels, rules.mapping), set[str]()
    with (video_options or VideoOptions()).open(source) as media:
        frames = _readable(media, tell)
        while batch := list(islice(frames, _BATCH)):
            for frame, faces in zip(batch, session.update(batch), strict=True):
                for line in _missing(engine, faces):
                    if line not in told:
                        told.add(line)
                        tell(line)
                yield from engine.update(faces, frame.time, frame.index)


def _readable(media: Iterable[Frame | BadFrame], tell: Callable[[str], None]) -> Iterator[Frame]:
    for item in media:
        if isinstance(item, Frame):
            yield item
        else:
            tell(str(item.error))
