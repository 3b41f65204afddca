"""Samples: a label at each step of time, as coders and programs write that go frame by frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import fmean, median

from mien.core.errors import InputError
from mien.core.formatting import counted
from mien.events.event import Event
from mien.events.file import EventFile

_FEWEST = 20
_LONGEST_STEP = 1.0
_REGULAR = 0.95


def look_sampled(events: Sequence[Event]) -> bool:
    """Whether moments can only be samples: twenty or more, a second apart at most, at one step, and most with the label of
    the one before. Key points and slides are none of that together.

    >>> look_sampled([Event(0.2 * n, None, "happy" if n < 15 else "sad") for n in range(30)])
    True
    >>> look_sampled([Event(60.0 * n, None, f"slide {n}") for n in range(30)])
    False
    """
    if any(event.end is not None for event in events):
        return False
    groups = _groups(events)
    return bool(groups) and all(map(_sampled, groups))


def _sampled(events: Sequence[Event]) -> bool:
    if len(events) < _FEWEST:
        return False
    step, regular = _step([event.start for event in events])
    same = sum(earlier.label == later.label for earlier, later in pairwise(events))
    return 0 < step <= _LONGEST_STEP and regular >= _REGULAR and 2 * same >= len(events)


def as_stretches(events: Sequence[Event], file: EventFile) -> Iterator[Event]:
    """A stretch for each run of samples with one label, of each tier and subject by itself.

    A sample lasts until the next one, the last one and one before a gap for a step. Samples without a label are no stretch.

    Raises:
        InputError: They are not samples: there are fewer than two, or some have an end.
    """
    ended = next((event for event in events if event.end is not None), None)
    if ended is not None:
        raise InputError(
            f"{file.where(ended.line or 1)}: expected samples, a time and a label a line; got an end: read it without samples"
        )
    for group in _groups(events):
        yield from _stretches(_once(group, file), file)


def _stretches(samples: Sequence[Event], file: EventFile) -> Iterator[Event]:
    if len(samples) < 2:
        raise InputError(
            f"{file.where(samples[0].line or 1)}: expected samples at two times or more; got one: read it without samples"
        )
    step, regular = _step([sample.start for sample in samples])
    about = "".join(f", {name}" for name in (samples[0].tier, samples[0].subject) if name)
    file.remarks.append(
        f"{file.path}{about}: {counted(len(samples), 'sample')} at steps of {step:.4g} s were read as stretches"
    )
    if regular < _REGULAR:
        file.remarks.append(
            f"{file.path}{about}: {1 - regular:.0%} of the steps differ from {step:.4g} s by more than half"
        )
    first = samples[0]
    for sample, after in pairwise([*samples, None]):
        assert sample is not None
        goes_on = after is not None and after.start - sample.start < 1.5 * step
        if goes_on and after is not None and after.label == first.label:
            continue
        if first.label:
            end = after.start if goes_on and after is not None else sample.start + step
            yield Event(first.start, round(end, 6), first.label, first.tier, first.subject, first.line)
        first = first if after is None else after


def _step(times: Sequence[float]) -> tuple[float, float]:
    """The usual step in seconds, and the share of all steps that are within half of it."""
    steps = [later - earlier for earlier, later in pairwise(times)]
    usual = median(steps)
    near = [step for step in steps if abs(step - usual) <= usual / 2]
    return (fmean(near) if near else 0.0), len(near) / len(steps)


def _groups(events: Sequence[Event]) -> list[list[Event]]:
    """Events by tier and subject, each in order of time."""
    groups: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        groups.setdefault((event.tier, event.subject), []).append(event)
    return [sorted(group, key=lambda event: event.start) for group in groups.values()]


def _once(samples: Sequence[Event], file: EventFile) -> list[Event]:
    """Samples of different times; of those at one time the first counts."""
    kept = list(samples[:1])
    for sample in samples[1:]:
        if sample.start > kept[-1].start:
            kept.append(sample)
        else:
            file.remarks.append(
                f"{file.where(sample.line or 1)}: a second sample at {sample.start:g} s is left out"
            )
    return kept
