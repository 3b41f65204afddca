"""A rule says what it waits for, for how long, and what it does; the engine runs rules over time: small
state machines that take frames and return what happened."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from mien.core.errors import RuleError
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.names import quoted
from mien.core.spacing import Spacing
from mien.metrics.sentiment import PRESETS, SentimentMapping
from mien.rules.conditions import Condition, names_in
from mien.rules.features import BLINKS, FACING, SUMS, FrameFeatures, feature, sums_of
from mien.rules.parsing import parse_condition
from mien.tracking.blinks import BlinkRates

_NAME = re.compile(r"[^\W_](?:[\w .-]{0,62}[\w.-])?")
_LONGEST = 7 * 24 * 3600.0  # s


@dataclass(frozen=True)
class Rule:
    """Starts when a condition has held for a while, and ends when it has been over for a while.

    Args:
        name: Letters, digits, spaces, ``-``, ``_`` and ``.``; what events and messages call it.
        when: What it waits for, as text (`mien.rules.parse_condition`) or parsed.
        hold: Seconds for which the condition has to hold.
        until: What ends it; without, that ``when`` does not hold any more. A looser condition than ``when``
            keeps a value that wavers about its threshold from starting and ending all the time.
        release: Seconds for which it has to be over until it ends; while the rule waits, shorter
            interruptions do not count either.
        cooldown: Seconds from a start in which it does not start again.
        do: Names of its actions.
        labels: Expressions that the network knows.

    Raises:
        RuleError: A condition cannot be read, or a value is impossible.

    >>> rule = Rule("everybody smiles", "everyone.happy > 0.7", hold=1, until="any.happy < 0.5", cooldown=10)
    >>> print(rule.until)
    any.happy < 0.5
    """

    name: str
    when: Condition | str
    hold: float = 0.0
    until: Condition | str | None = None
    release: float = 0.0
    cooldown: float = 0.0
    do: tuple[str, ...] = ()
    labels: Labels = EXPRESSIONS

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise RuleError(
                f"expected a name of letters, digits, spaces, - _ . and at most 64 of them; got {quoted(self.name)}"
            )
        for key in ("hold", "release", "cooldown"):
            seconds = getattr(self, key)
            if not (math.isfinite(seconds) and 0 <= seconds <= _LONGEST):
                raise RuleError(
                    f"{self.name}: expected {key} as seconds from 0 to {_LONGEST:,.0f}; got {seconds}"
                )
        for key in ("when", "until"):
            text = getattr(self, key)
            if isinstance(text, str):
                object.__setattr__(self, key, parse_condition(text, self.labels))
        object.__setattr__(self, "do", tuple(self.do))

    @property
    def names(self) -> tuple[str, ...]:
        """What its conditions ask about faces, each once.

        >>> Rule("smile", "any.happy > 0.7", until="any.smile < 0.1").names
        ('happy', 'smile')
        """
        parts = (tree(part) for part in (self.when, self.until) if part is not None)
        return tuple(dict.fromkeys(name for part in parts for name in names_in(part)))

    @property
    def measures(self) -> tuple[str, ...]:
        """Those of them that are measured on landmarks."""
        return tuple(name for name in self.names if feature(name).landmarks)


GAP = 10.0
"""Seconds between two frames; what was longer out of sight has not been seen to hold. More where frames
always come far apart (`mien.core.spacing`)."""


class SteadyTime:
    """Seconds that never go back and never leap.

    A step back counts as no time. A step of more than `GAP` seconds is a stretch that nobody saw, or a clock
    that jumped: it counts as `GAP` seconds, and the rest is told once the next frame goes on from there.

    Attributes:
        jump: Seconds by which the last frame's time jumped, or None.
        confirmed: Seconds that went by unseen, as the last frame shows; not counted in what `take` gives.

    >>> clock = SteadyTime()
    >>> [clock.take(time) for time in (5.0, 5.5, 2.0, 2.5)]
    [0.0, 0.5, 0.5, 1.0]
    >>> clock.take(3602.5), clock.jump, clock.take(3603.0), clock.confirmed
    (11.0, 3600.0, 11.5, 3590.0)
    """

    def __init__(self) -> None:
        self.jump: float | None = None
        self._spacing = Spacing(GAP)
        self._now = 0.0
        self.confirmed = 0.0
        self._doubted = 0.0

    def take(self, time: float) -> float:
        """Seconds since the first frame, without those that went by unseen."""
        most = self._spacing.patience
        step = self._spacing.take(time)
        self.jump = None if 0 <= step <= most else step
        self._now += min(max(step, 0.0), GAP if self.jump else most)
        self.confirmed = 0.0
        if self.jump is not None:
            self._doubted = max(0.0, step - GAP)
        elif step > 0:
            self.confirmed, self._doubted = self._doubted, 0.0
        return self._now


_SLACK = 1e-6  # s: times are sums of rounded numbers.


@dataclass(frozen=True)
class RuleEvent:
    """A rule has started or ended.

    Args:
        rule: Its name.
        kind: ``start`` or ``end``.
        time: Seconds, of the stream.
        frame: Index of the frame.
        values: The comparisons that decided, each with the value that was compared; None where there was
            none, as without faces.
        faces: How many faces were in view.
        measures: Of all that the rule asks of landmarks the value for each face in view, by name; None where there
            was none.

    >>> event = RuleEvent("smile", "start", time=12.4, frame=372, values={"any.happy > 0.7": 0.86}, faces=1)
    >>> event.kind, event.values["any.happy > 0.7"]
    ('start', 0.86)
    """

    rule: str
    kind: Literal["start", "end"]
    time: float
    frame: int
    values: dict[str, float | None]
    faces: int
    measures: dict[str, list[float | None]] = field(default_factory=dict)


@dataclass
class _Course:
    """What is remembered of one rule, in seconds of `SteadyTime`."""

    since: float | None = None
    over: float | None = None
    ready: float = 0.0
    active: bool = False


class RuleEngine:
    """Holds rules against the frames of one stream. It delivers nothing: it says what happened.

    A rule starts once, and not again before it has ended. It holds the state of one stream: not for several
    threads at once.

    Args:
        rules: With names of their own.
        labels: Names of the columns of ``probs``.
        mapping: What counts as positive and negative.

    Attributes:
        waiting: Names of the rules whose condition holds in the last frame and that have not started, or
            started with it.
        jump: Seconds by which the clock of the stream jumped at the last frame, or None.
        facing: Whether a rule asks where heads are turned, which only detectors with points tell.
        measures: What rules ask of landmarks.

    Raises:
        RuleError: Two rules have one name.

    >>> labels = Labels(("sad", "happy"))
    >>> engine = RuleEngine([Rule("smile", "any.happy > 0.7", hold=0.5, labels=labels)], labels)
    >>> for time, happy in [(0.0, 0.8), (0.25, 0.9), (0.5, 0.9), (0.75, 0.2)]:
    ...     faces = Faces([[0, 0, 9, 9]], [1], [0], [time], probs=[[1 - happy, happy]], labels=labels)
    ...     for event in engine.update(faces, time):
    ...         print(event.time, event.rule, event.kind, event.values)
    0.5 smile start {'any.happy > 0.7': 0.9}
    0.75 smile end {'any.happy > 0.7': 0.2}
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        labels: Labels = EXPRESSIONS,
        mapping: SentimentMapping = PRESETS["valence"],
    ) -> None:
        names = [rule.name for rule in rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise RuleError(f"expected rules with names of their own; got {', '.join(twice)} more than once")
        self.rules, self.labels = tuple(rules), labels
        self._asked = {name for rule in rules for name in rule.names} - {*labels, *SUMS}
        self.facing = FACING in self._asked
        self.measures = tuple(dict.fromkeys(name for rule in rules for name in rule.measures))
        if any(name in SUMS for rule in rules for name in rule.names):
            mapping.require(labels)
        self._sums = sums_of(mapping, labels)
        self.reset()

    def reset(self) -> None:
        """Forget the stream: the next frame is the first of another."""
        self.waiting: list[str] = []
        self._clock = SteadyTime()
        self._blinks = BlinkRates() if BLINKS in self.measures else None
        self._courses = [_Course() for _ in self.rules]

    @property
    def jump(self) -> float | None:
        return self._clock.jump

    @property
    def active(self) -> list[str]:
        """Names of the rules that have started and not ended."""
        return [rule.name for rule, course in zip(self.rules, self._courses, strict=True) if course.active]

    def update(self, faces: Faces, time: float, frame: int = 0) -> list[RuleEvent]:
        """Take the next frame.

        Args:
            faces: Of this frame, with ``probs``; empty where nobody is seen.
            time: Of the frame in seconds.
            frame: Its index.

        Returns:
            What started and ended with it, in the order of the rules.

        Raises:
            InputError: The faces have not been read.
        """
        blinks = {} if self._blinks is None else self._blinks.update(faces)
        view = FrameFeatures(faces, self.labels, self._sums, self._asked, blinks)
        now = self._clock.take(time)
        unseen = self._clock.jump is not None and self._clock.jump > 0
        self.waiting = []
        events = []
        for rule, course in zip(self.rules, self._courses, strict=True):
            if unseen:
                course.since = course.over = None
            course.ready -= self._clock.confirmed
            condition = (
                self._ended(rule, course, view, now)
                if course.active
                else self._started(rule, course, view, now)
            )
            if condition is not None:
                kind: Literal["start", "end"] = "start" if course.active else "end"
                values, measures = dict(condition.values(view)), _told(rule.measures, view)
                events.append(RuleEvent(rule.name, kind, time, frame, values, view.count, measures))
        return events

    def _started(self, rule: Rule, course: _Course, view: FrameFeatures, now: float) -> Condition | None:
        """The condition that started the rule, if that has happened."""
        condition = cast(Condition, rule.when)
        if not condition.holds(view):
            if course.since is not None:
                course.over = now if course.over is None else course.over
                if now - course.over >= rule.release - _SLACK:
                    course.since = course.over = None
            return None
        self.waiting.append(rule.name)
        course.since, course.over = now if course.since is None else course.since, None
        if now - course.since < rule.hold - _SLACK or now < course.ready - _SLACK:
            return None
        course.active, course.ready = True, now + rule.cooldown
        return condition

    def _ended(self, rule: Rule, course: _Course, view: FrameFeatures, now: float) -> Condition | None:
        """The condition that ended the rule, if that has happened."""
        condition = cast(Condition, rule.when if rule.until is None else rule.until)
        if condition.holds(view) == (rule.until is None):
            course.over = None
            return None
        course.over = now if course.over is None else course.over
        if now - course.over < rule.release - _SLACK:
            return None
        course.active, course.since, course.over = False, None, None
        return condition


def _told(names: Iterable[str], view: FrameFeatures) -> dict[str, list[float | None]]:
    """Values of each face, short enough to be read."""
    found = {name: [view.of(name, row) for row in range(view.count)] for name in names}
    return {
        name: [None if value is None else round(value, 4) for value in values]
        for name, values in found.items()
    }


def tree(condition: Condition | str) -> Condition:
    """A rule's condition, which is parsed once the rule is made."""
    return cast(Condition, condition)
