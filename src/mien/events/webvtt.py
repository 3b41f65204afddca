"""WebVTT (https://www.w3.org/TR/webvtt1/): an event a cue; who speaks, as a voice says, is the subject."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from mien.core.errors import InputError
from mien.core.names import quoted
from mien.events.event import Event
from mien.events.file import EventFile

_ASIDE = ("NOTE", "STYLE", "REGION")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]+)>")


def recognised(file: EventFile) -> bool:
    """Whether a file says so in its first line."""
    return file.text.startswith("WEBVTT")


def events(file: EventFile) -> Iterator[Event]:
    """Its cues.

    Raises:
        InputError: A block is none, or a time is none.
    """
    lines = list(enumerate(file.text.splitlines(), 1))
    blocks = [
        list(block) for empty, block in groupby(lines, key=lambda line: not line[1].strip()) if not empty
    ]
    cues = [block for block in blocks[1:] if block[0][1].split()[0] not in _ASIDE]
    yield from file.usable(lambda block: [_cue(file, block)], cues)


def _cue(file: EventFile, block: Sequence[tuple[int, str]]) -> Event:
    at = next((place for place, (_, line) in enumerate(block) if "-->" in line), None)
    if at is None:
        line, content = block[0]
        raise InputError(
            f"{file.where(line)}: expected a cue with times such as 00:05.000 --> 00:10.000; got {quoted(content)}: correct the line"
        )
    line, times = block[at]
    begin, _, rest = times.partition("-->")
    start = file.seconds(begin.strip(), line)
    end = file.ended(start, file.seconds((rest.split() or [""])[0], line), line)
    said = " ".join(text for _, text in block[at + 1 :])
    voices = {" ".join(html.unescape(name).split()) for name in _VOICE.findall(said)}
    words = html.unescape(re.sub(r"<[^>]*>", "", said)) or " ".join(text for _, text in block[:at])
    return Event(
        start, end, " ".join(words.split()), subject=voices.pop() if len(voices) == 1 else "", line=line
    )
