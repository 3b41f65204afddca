"""What is watched, received by others: real inlets of Lab Streaming Layer, a real server of OSC."""

from __future__ import annotations

import math
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien import InputError, Pipeline, Session
from mien.core.face import Face
from mien.core.faces import Faces
from mien.core.labels import EXPRESSIONS, NOTICE
from mien.media.live import LiveFrame, LiveOptions, open_live
from mien.outlets.base import Marker, Outlet, StreamFacts
from mien.outlets.group import Outlets
from mien.outlets.people import Places, values_of
from mien.outlets.registry import open_outlet, open_outlets
from mien.video.live import Timing, Watched, watch

FACTS = StreamFacts("camera:0", EXPRESSIONS, model="small 1, sha256 ab")
BOX = (0.0, 0.0, 9.0, 9.0)


def watched(index: int, tracks: list[int], captured: float | None = None, sure: float = 0.4) -> Watched:
    """A frame in which these people are happy."""
    happy = EXPRESSIONS.names.index("happy")
    probs = np.full((len(tracks), len(EXPRESSIONS)), 0.1, np.float32)
    probs[:, happy] = sure
    count = len(tracks)
    faces = Faces(
        np.tile(np.array(BOX, np.float32), (count, 1)),
        np.ones(count, np.float32),
        np.full(count, index),
        np.full(count, index / 30),
        tracks=np.array(tracks, np.int64),
        probs=probs,
        smoothed_probs=probs,
        smoothed_emotion_ids=np.full(count, happy),
        labels=EXPRESSIONS,
    )
    now = time.monotonic() if captured is None else captured
    frame = LiveFrame(index, index / 30, np.zeros((9, 9, 3), np.uint8), now)
    return Watched(frame, faces, Timing(now, now, now))


@pytest.fixture
def name() -> str:
    return f"mien-test-{uuid.uuid4().hex[:8]}"


def inlet(name: str) -> Any:
    pylsl = pytest.importorskip("pylsl")
    [info] = pylsl.resolve_byprop("name", name, 1, 20)
    opened = pylsl.StreamInlet(info)
    opened.open_stream(20)
    return opened


def pulled(stream: Any, count: int) -> tuple[list[list[Any]], list[float]]:
    samples: list[list[Any]] = []
    stamps: list[float] = []
    for _ in range(count):
        sample, stamp = stream.pull_sample(20)
        assert sample is not None, f"{len(samples)} of {count} samples came"
        samples.append(sample)
        stamps.append(stamp)
    return samples, stamps


@pytest.mark.integration
@pytest.mark.parametrize("own", [False, True])
def test_liblsl_says_nothing_of_itself_but_to_who_has_settings(own: bool, tmp_path: Path) -> None:
    pytest.importorskip("pylsl")
    (tmp_path / "own.cfg").write_text("[log]\nlevel = 0\n")
    code = (
        "from tests.outlets.test_outlets import FACTS; from mien.outlets.registry import open_outlet; "
        "open_outlet('lsl:quiet', FACTS).close()"
    )
    environment = {**os.environ, **({"LSLAPICFG": str(tmp_path / "own.cfg")} if own else {})}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert ("INFO|" in done.stderr) == own, done.stderr


@pytest.mark.integration
def test_lsl_says_what_its_channels_are(name: str) -> None:
    outlet = open_outlet(f"lsl:{name}?people=2", FACTS)
    info = inlet(name).info(20)
    assert (info.type(), info.channel_count(), info.nominal_srate()) == ("Expressions", 20, 0)
    labels = info.get_channel_labels()
    assert labels[:3] == ["person_1", "angry_1", "disgust_1"]
    assert labels[10:12] == ["person_2", "angry_2"]
    assert info.get_channel_units()[:2] == ["number", "probability"]
    about = info.desc().child("acquisition")
    assert about.child_value("manufacturer") == "mien"
    assert about.child_value("model") == FACTS.model
    assert about.child_value("source") == "camera:0"
    assert about.child_value("notice") == NOTICE
    outlet.close()


@pytest.mark.integration
def test_lsl_gives_every_sample_with_the_moment_of_its_frame(name: str) -> None:
    import pylsl

    outlet = open_outlet(f"lsl:{name}", FACTS)
    stream = inlet(name)
    captured = [time.monotonic() - 1 + number / 30 for number in range(30)]
    ahead = pylsl.local_clock() - time.monotonic()
    for number, moment in enumerate(captured):
        outlet.send(watched(number, [3] if number % 10 else [], moment))
    samples, stamps = pulled(stream, 30)
    assert [stamp - ahead for stamp in stamps] == pytest.approx(captured, abs=0.001)
    names = [channel for channel, _ in FACTS.values]
    first, second = dict(zip(names, samples[0], strict=True)), dict(zip(names, samples[1], strict=True))
    assert all(math.isnan(value) for value in first.values())
    assert second["person"] == 3
    assert second["happy"] == pytest.approx(0.4)
    assert second["expressiveness"] == pytest.approx(0.9)
    outlet.close()


@pytest.mark.integration
def test_lsl_has_a_stream_of_markers(name: str) -> None:
    import pylsl

    outlets = Outlets([open_outlet(f"lsl:{name}", FACTS)])
    markers = inlet(f"{name}-markers")
    assert (markers.info().type(), markers.info().nominal_srate()) == ("Markers", 0)
    before = pylsl.local_clock()
    outlets.send(watched(90, [1]))
    marker = outlets.mark("joke, the second")
    [[label]], [stamp] = pulled(markers, 1)
    assert label == "joke, the second"
    assert before - 0.001 <= stamp <= pylsl.local_clock()
    assert 3.0 <= marker.time < 4.0
    with outlets:
        pass


@pytest.mark.parametrize(
    "address",
    [
        "lsl:",
        "lsl:a?people=0",
        "lsl:a?people=x",
        "lsl:a?slots=2",
        "osc://",
        "osc://host",
        "osc:host:9",
        "osc://h:99999999",
        "osc://h:9/path",
        "udp://h:9",
        "lsl",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="expected"):
        open_outlet(address, FACTS)


def test_none_stays_open_where_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.outlets import registry

    closed: list[str] = []

    class Open(Outlet):
        def close(self) -> None:
            closed.append("one")

    monkeypatch.setitem(registry.KINDS, "one", lambda address, facts: Open())
    with pytest.raises(InputError):
        open_outlets(["one:", "osc:nothing"], FACTS)
    assert closed == ["one"]


@pytest.fixture
def osc() -> Iterator[tuple[int, queue.Queue[tuple[str, tuple[Any, ...]]]]]:
    """A server of OSC on a free port, and what it gets."""
    dispatcher = pytest.importorskip("pythonosc.dispatcher").Dispatcher()
    from pythonosc.osc_server import ThreadingOSCUDPServer

    got: queue.Queue[tuple[str, tuple[Any, ...]]] = queue.Queue()
    dispatcher.set_default_handler(lambda address, *values: got.put((address, values)))
    with ThreadingOSCUDPServer(("127.0.0.1", 0), dispatcher) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], got
        server.shutdown()


@pytest.mark.integration
def test_osc_tells_who_is_in_view_and_what_each_shows(osc: tuple[int, queue.Queue[Any]]) -> None:
    port, got = osc
    with Outlets([open_outlet(f"osc://:{port}", FACTS)]) as outlets:
        outlets.send(watched(30, [3, 7]))
        outlets.mark("start")
        messages = [got.get(timeout=20) for _ in range(2 * 11 + 2)]
    told: dict[str, Any] = dict(messages)
    time_, *people = told["/mien/people"]
    assert time_ == pytest.approx(1.0)
    assert people == [3, 7]
    assert told["/mien/person/3/label"] == ("happy",)
    assert told["/mien/person/7/happy"] == pytest.approx((0.4,))
    assert told["/mien/person/7/box"] == BOX
    assert set(told) == {
        "/mien/people",
        "/mien/marker",
        *(
            f"/mien/person/{track}/{what}"
            for track in (3, 7)
            for what in ("label", "box", "valence", "expressiveness", *EXPRESSIONS)
        ),
    }
    at, text = told["/mien/marker"]
    assert text == "start"
    assert 1.0 <= at < 2.0


@pytest.mark.integration
def test_a_person_with_landmarks_fits_in_a_datagram_and_what_is_unknown_is_left_out(
    osc: tuple[int, queue.Queue[Any]],
) -> None:
    from mien.core.measures import MEASURES

    port, got = osc
    facts = StreamFacts("camera:0", EXPRESSIONS, landmarks=True)
    outlet: Any = open_outlet(f"osc://127.0.0.1:{port}", facts)
    measures = dict.fromkeys(MEASURES, 1.5) | {"movement": None}
    face = Face(0, 0.0, BOX, 1.0, track=1, label="happy", measures=measures)
    bundle = outlet._bundle(face)
    assert bundle.size < 1400, "what a network takes in one piece"
    outlet._client.send(bundle)
    outlet.close()
    names = [got.get(timeout=20)[0] for _ in range(2 + len(MEASURES) - 1)]
    assert "/mien/person/1/yaw" in names
    assert "/mien/person/1/movement" not in names


def test_people_keep_their_places() -> None:
    places = Places(2)

    def seen(time: float, *tracks: int) -> list[int | None]:
        faces = [Face(0, time, BOX, 1.0, track=track) for track in tracks]
        return [None if face is None else face.track for face in places.update(faces, time)]

    assert seen(0.0, 5) == [5, None]
    assert seen(1.0, 6, 5) == [5, 6]
    assert seen(1.5, 6) == [None, 6], "missed for a moment"
    assert seen(2.0, 7, 6) == [None, 6], "the place is held"
    assert seen(2.5, 5, 6, 7) == [5, 6]
    assert seen(4.6, 6, 8) == [8, 6]
    assert seen(4.7, 5, 6, 8) == [8, 6], "who comes back when all places are taken has none"


def test_values_are_in_the_order_of_the_channels() -> None:
    facts = StreamFacts("a", EXPRESSIONS, landmarks=True)
    face = Face(
        0,
        0.0,
        BOX,
        1.0,
        track=2,
        probs={"happy": 0.2},
        smoothed_probs={"happy": 0.7},
        valence=0.5,
        measures={"yaw": -3.0},
    )
    values = dict(zip([name for name, _ in facts.values], values_of(face, facts), strict=True))
    assert (values["person"], values["happy"], values["valence"], values["yaw"]) == (2, 0.7, 0.5, -3)
    assert math.isnan(values["pitch"])
    assert math.isnan(values["expressiveness"])


class Failing(Outlet):
    about = "broken: nothing"

    def __init__(self) -> None:
        self.tried = 0

    def send(self, watched: Watched) -> None:
        self.tried += 1
        raise OSError("network is unreachable")

    def mark(self, marker: Marker) -> None:
        raise OSError("network is unreachable")


class Keeping(Outlet):
    about = "keeping: all"

    def __init__(self) -> None:
        self.frames: list[int] = []
        self.markers: list[Marker] = []

    def send(self, watched: Watched) -> None:
        self.frames.append(watched.frame.index)

    def mark(self, marker: Marker) -> None:
        self.markers.append(marker)


def test_one_that_fails_is_told_of_once_and_holds_up_nobody() -> None:
    lines: list[str] = []
    failing, keeping = Failing(), Keeping()
    with Outlets([failing, keeping], tell=lines.append) as outlets:
        for number in range(5):
            outlets.send(watched(number, []))
        outlets.mark("x")
        assert outlets.failed
    with Outlets([keeping]) as well:
        well.send(watched(5, []))
        assert not well.failed
    assert (failing.tried, keeping.frames, len(keeping.markers)) == (5, list(range(6)), 1)
    assert lines == ["broken: not handed on: network is unreachable; trying again with what comes"]


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "x" * 201, "\x1b[2J"])
def test_a_moment_has_a_label_of_one_line(label: str) -> None:
    with pytest.raises(InputError, match="expected a label"):
        Outlets([]).mark(label)


def test_a_moment_has_the_time_of_the_stream() -> None:
    keeping = Keeping()
    outlets = Outlets([keeping])
    outlets.send(watched(300, [], captured=time.monotonic() - 0.5))
    assert outlets.mark("late").time == pytest.approx(10.5, abs=0.4)
    assert [marker.label for marker in keeping.markers] == ["late"]


@pytest.mark.integration
def test_a_source_that_is_watched_comes_out_of_lsl(
    movie: Callable[..., Path], pipeline: Pipeline, name: str
) -> None:
    path = movie(12, nobody=range(4, 7))
    with (
        Outlets([open_outlet(f"lsl:{name}", StreamFacts("clip", pipeline.labels))]) as outlets,
        open_live(f"live:{path}", LiveOptions(drop=False)) as source,
    ):
        stream = inlet(name)
        seen = []
        for one in watch(source, Session(pipeline), None, outlets.through):
            outlets.send(one)
            seen.append(one)
        samples, stamps = pulled(stream, 12)
    assert [math.isnan(sample[0]) for sample in samples] == [index in range(4, 7) for index in range(12)]
    assert np.diff(stamps) == pytest.approx(np.diff([one.frame.captured for one in seen]), abs=0.002)
