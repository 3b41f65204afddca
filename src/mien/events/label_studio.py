"""Label Studio (https://labelstud.io): the JSON of a project, exported or to be imported; an event a range of a timeline label.

Frames count from 1, at the rate that the task calls ``fps``, or else at 24 a second, which Label Studio takes itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mien.core.errors import InputError
from mien.core.names import unreadable
from mien.events.event import Event
from mien.events.file import EventFile

USUAL_RATE = 24.0
"""Frames a second that Label Studio takes where nobody has said."""

_KIND = "timelinelabels"


def recognised(file: EventFile) -> bool:
    """Whether it is JSON with timeline labels, or with tasks that have none yet."""
    text = file.text
    tasks = '"data"' in text and ('"predictions"' in text or '"annotations"' in text)
    return text.lstrip()[:1] in ("[", "{") and (tasks or f'"{_KIND}"' in text)


def events(file: EventFile) -> Iterator[Event]:
    """What people have annotated; where nobody has, the predictions.

    Raises:
        InputError: It is of another form, or there are several videos and none is asked for.
    """
    try:
        content = json.loads(file.text)
        tasks = {
            str(task["data"]["video"]): task for task in (content if isinstance(content, list) else [content])
        }
        task = tasks[file.chosen("video", list(tasks))]
        yield from _of_task(file, task)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        reason = " ".join(f"{type(error).__name__} {unreadable(error)}".split())[:100]
        raise InputError(
            f"{file.path}: expected tasks of Label Studio with a video and timeline labels; got another form ({reason}): export it "
            "as JSON"
        ) from None


def _of_task(file: EventFile, task: Mapping[str, Any]) -> Iterator[Event]:
    given = task["data"].get("fps")
    rate = float(given or USUAL_RATE)
    if not 0 < rate < float("inf"):
        raise ValueError(f"{given} frames a second")
    if not given:
        file.remarks.append(
            f"{file.path}: how many frames a second the video has is not said; {rate:g} are taken"
        )
    done = [each for each in task.get("annotations") or [] if not each.get("was_cancelled")]
    sets: Sequence[Mapping[str, Any]] = done or task.get("predictions") or []
    for number, one in enumerate(sets, 1):
        coder = f", annotation {number}" if len(sets) > 1 else ""
        for region in one["result"]:
            if region["type"] == _KIND:
                yield from _of_region(region, rate, f"{region['from_name']}{coder}")


def _of_region(region: Mapping[str, Any], rate: float, tier: str) -> Iterator[Event]:
    notes = (region.get("meta") or {}).get("text") or [""]
    subject = " ".join(str(notes[0] if isinstance(notes, list) else notes).split())
    for span in region["value"]["ranges"]:
        start, end = (float(span["start"]) - 1) / rate, float(span["end"]) / rate
        for label in region["value"][_KIND]:
            yield Event(start, end if end > start else None, " ".join(str(label).split()), tier, subject)
