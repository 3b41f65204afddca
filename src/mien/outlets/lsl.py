"""Lab Streaming Layer (https://labstreaminglayer.org): numbers of people, and marked moments, on the clock that laboratories
share."""

from __future__ import annotations

import os
import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mien import __version__
from mien.core.errors import InputError, MissingExtraError
from mien.core.labels import NOTICE
from mien.outlets.base import Marker, Outlet, StreamFacts
from mien.outlets.people import Places, values_of
from mien.video.live import Watched

_ADDRESS = re.compile(r"(?P<name>[^?]{1,64})(?:\?people=(?P<people>[1-9]\d?))?")

_CONFIGURATIONS = ("lsl_api.cfg", "~/lsl_api/lsl_api.cfg", "/etc/lsl_api/lsl_api.cfg")
"""Where liblsl looks for settings, besides the file that LSLAPICFG names."""
_WARNINGS_ALONE = b"[log]\nlevel = -1\n"


class LslOutlet(Outlet):
    """Two streams: NAME, of type Expressions, with a sample for each frame, and NAME-markers, of type Markers.

    A sample has the same numbers for each of so many people (`mien.outlets.base.StreamFacts.values`), NaN where nobody is.
    It is stamped with the moment at which its frame arrived. The rate is irregular, as that of frames that are read is.

    Args:
        address: What follows ``lsl:``: the name, and ``?people=4`` for more than one person.
        facts: Of what is watched.

    Raises:
        InputError: The address is none.
        MissingExtraError: pylsl is not installed.
    """

    def __init__(self, address: str, facts: StreamFacts) -> None:
        found = _ADDRESS.fullmatch(address)
        if found is None or not found["name"].strip():
            raise InputError(f"expected lsl:NAME or lsl:NAME?people=4; got 'lsl:{address}'")
        try:
            import pylsl
        except (ImportError, RuntimeError):  # RuntimeError: the package is there, liblsl is not.
            raise MissingExtraError("Streams of Lab Streaming Layer", "lab", "pylsl") from None
        self._lsl: Any = pylsl
        _hush(pylsl)
        name, people = found["name"], int(found["people"] or 1)
        self._facts, self._places = facts, Places(people)
        self._samples = pylsl.StreamOutlet(self._described(name, people))
        markers = pylsl.StreamInfo(f"{name}-markers", "Markers", 1, 0, "string", _id(name, "markers"))
        self._markers = pylsl.StreamOutlet(markers)
        self.about = (
            f"lsl:{name}: numbers of up to {people} {'people' if people > 1 else 'person'} and marked moments, no images, to "
            "whoever asks for them on this network"
        )

    def send(self, watched: Watched) -> None:
        faces = [face for face in watched.faces if face.label is not None]
        people = self._places.update(faces, watched.frame.time)
        sample = [value for face in people for value in values_of(face, self._facts)]
        self._samples.push_sample(sample, self._stamp(watched.frame.captured))

    def mark(self, marker: Marker) -> None:
        self._markers.push_sample([marker.label], self._stamp(marker.captured))

    def close(self) -> None:
        self._samples = self._markers = None  # liblsl ends a stream when nobody holds it.

    def _stamp(self, captured: float) -> float:
        """A moment of `time.monotonic` on the clock of LSL."""
        return float(self._lsl.local_clock()) - (time.monotonic() - captured)

    def _described(self, name: str, people: int) -> Any:
        values = self._facts.values
        info = self._lsl.StreamInfo(
            name,
            "Expressions",
            people * len(values),
            self._lsl.IRREGULAR_RATE,
            "float32",
            _id(name, "samples"),
        )
        description = info.desc()
        channels = description.append_child("channels")
        for person in range(1, people + 1):
            for label, unit in values:
                channel = channels.append_child("channel")
                channel.append_child_value("label", label if people == 1 else f"{label}_{person}")
                channel.append_child_value("unit", unit)
                channel.append_child_value("type", "Expression" if unit == "probability" else "Face")
        about = description.append_child("acquisition")
        facts = {
            "manufacturer": "mien",
            "version": __version__,
            "model": self._facts.model,
            "source": self._facts.source,
        }
        for key, value in {**facts, "notice": NOTICE}.items():
            about.append_child_value(key, value)
        return info


def _hush(pylsl: Any) -> None:
    """Keep liblsl from telling on standard error what it has loaded. Who has settings of their own keeps them: liblsl takes
    either those or these, when it is first used."""
    places = [os.environ.get("LSLAPICFG", ""), *_CONFIGURATIONS]
    if not any(place and Path(place).expanduser().is_file() for place in places):
        with suppress(AttributeError):  # A liblsl of the system may be older.
            pylsl.lib.lib.lsl_set_config_content(_WARNINGS_ALONE)


def _id(name: str, which: str) -> str:
    """By which an inlet knows a stream again that was started anew."""
    return f"mien-{socket.gethostname()}-{name}-{which}"
