"""From a frame to its event, and what 200 rules cost.

    python -m benchmarks.suite.triggers [--seconds 20] [--away 60] [--json FILE]

Latency: a rendered clip, 640x480, 30 frames a second, three real faces, is played at its own pace
(``live:``), read on two cores with one thread per network, and held against a rule that starts and ends all
the time; what is measured is the time from a frame's arrival to the moment in which a hook has its event.
Rules: 200 of them, of all kinds of conditions, on the faces of that clip, by processor time. Away: a real
mosquitto is killed for a minute while events go on; which of them arrive is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.lib import machine
from benchmarks.lib.figures import Figure, write_results
from benchmarks.lib.fixtures import IMAGE
from mien import Pipeline, Session
from mien.core.faces import Faces
from mien.media import Frame, VideoWriter, open_media
from mien.media.live import LiveFrame, open_live
from mien.rules.actions.base import Delivery
from mien.rules.actions.dispatcher import Dispatcher, Retries
from mien.rules.engine import Rule, RuleEngine
from mien.rules.runner import RuleRunner
from mien.video.live import watch

RATE, SIZE = 30, (480, 640)
LATENCY, COST, RULES = 0.150, 0.001, 200
"""What is aimed at: seconds from frame to event, seconds of processor time per frame, for so many rules."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.triggers", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the clip that is watched")
    parser.add_argument(
        "--away", type=float, default=60.0, help="seconds for which the broker is away; 0 leaves that out"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    result: dict[str, Any] = {"machine": machine.describe()}
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "three.mp4"
        render(clip, options.seconds)
        pipeline = Pipeline(threads=1)
        result["latency"] = latency(clip, pipeline)
        result["rules"] = cost(clip, pipeline)
        if options.away:
            result["away"] = away(Path(folder), options.away)
    result["load"] = machine.load()
    print(json.dumps(result, indent=2))
    write_results(result, figures(result), options.json)


def figures(result: dict[str, Any]) -> list[Figure]:
    """From frame to event, the cost of rules, and events while the broker is away."""
    waited, away = result["latency"], result.get("away", {})
    one, all_rules = (result["rules"][f"{count}_rules_ms"] for count in (1, RULES))
    beside = waited["p95_s"] / waited["reading_median_s"]
    found = [
        Figure(
            "from frame to event, 95 of 100",
            1000 * waited["p95_s"],
            "ms",
            1000 * LATENCY,
            "at most",
            "reading the frame",
            beside,
        ),
        Figure(
            f"{RULES} rules", all_rules, "ms a frame", 1000 * COST, "at most", "one rule", all_rules / one
        ),
    ]
    if "arrived" in away:
        found.append(
            Figure(
                f"events lost, broker away for {away['away_s']:g} s",
                away["sent"] - away["arrived"],
                f"of {away['sent']}",
                0,
            )
        )
        found.append(Figure("events that came twice", away["twice"], "", 0))
    return found


def render(path: Path, seconds: float) -> None:
    """Three faces that sway over a grey room."""
    from mien.core.drawn_face import draw_portrait

    face = np.asarray(Image.open(IMAGE).convert("RGB")) if IMAGE.is_file() else draw_portrait()
    [found] = [faces.largest() for faces in Pipeline()([face])]
    x1, y1, x2, y2 = found.boxes[0]
    half = 0.8 * max(x2 - x1, y2 - y1)
    middle = ((x1 + x2) / 2, (y1 + y2) / 2)
    left, top = round(float(middle[0] - half)), round(float(middle[1] - half))
    head = Image.fromarray(face).crop((left, top, left + round(2 * half), top + round(2 * half)))
    head = head.resize((180, 180), Image.Resampling.LANCZOS)
    room = np.random.default_rng(0).integers(90, 110, (*SIZE, 3), np.uint8)
    with VideoWriter(path, SIZE[1], SIZE[0], rate=RATE) as movie:
        for index in range(round(seconds * RATE)):
            image = Image.fromarray(room)
            for person in range(3):
                sway = 12 * np.sin(index / RATE * 2 + person)
                image.paste(head, (round(15 + 210 * person + sway), round(140 + 0.5 * sway)))
            movie.write(np.asarray(image), index / RATE)


class Wavering(RuleEngine):
    """Rules over faces that are there in every other frame, so that there is an event for each frame."""

    def update(self, faces: Faces, time: float, frame: int = 0) -> Any:
        self.turn = not getattr(self, "turn", False)
        return super().update(faces if self.turn else Faces.empty(faces.labels), time, frame)


def latency(clip: Path, pipeline: Pipeline) -> dict[str, Any]:
    """Seconds from a frame's arrival to a hook that has its event."""
    captured: dict[int, float] = {}
    taken: list[float] = []

    def hook(delivery: Delivery) -> None:
        taken.append(time.monotonic() - captured[delivery.frame])

    session = Session(pipeline)
    rules = [Rule("somebody", "faces >= 1", do=("hook",)), *many(RULES - 1)]
    with RuleRunner(rules, session.labels, {"hook": hook}) as actor, open_live(f"live:{clip}") as source:
        actor.engine = Wavering(actor.engine.rules, session.labels)
        result, seen = [], []
        for frame, faces, timing in watch(source, session):
            assert isinstance(frame, LiveFrame)
            captured[frame.index] = frame.captured
            seen.append(len(faces))
            result.append(timing.latency)
            actor.update(frame, faces)
        frames = source.captured
    later = taken[10:]  # The first frames find networks that are still cold.
    median, slow = np.quantile(later, [0.5, 0.95]).tolist()
    facts = {
        "frames": frames,
        "read": len(result),
        "faces": float(np.median(seen)),
        "events": len(taken),
        "rules": len(rules),
    }
    facts["reading_median_s"] = round(float(np.median(result[10:])), 4)
    return {
        **facts,
        "median_s": round(median, 4),
        "p95_s": round(slow, 4),
        "worst_s": round(max(later), 4),
        "p95_of_limit": round(slow / LATENCY, 3),
    }


def many(count: int) -> list[Rule]:
    """Rules of all kinds."""
    kinds = (
        "everyone.happy > {:.3f} and faces >= 2",
        "any.surprise > {:.3f} or any.fear > 0.7",
        "group.positive > {:.3f}",
        "not group.negative > {:.3f} and faces > 0",
        "count(happy > {:.3f}) >= 2",
        "everyone.facing > {:.3f} and any.sad < 0.9",
        "share(angry > {:.3f} and disgust < 0.5) > 0.5",
        "faces == 0 or everyone.neutral < {:.3f}",
    )
    places = np.linspace(0.05, 0.95, count)
    return [
        Rule(f"rule {number}", kinds[number % len(kinds)].format(place), hold=number % 3, cooldown=5)
        for number, place in enumerate(places)
    ]


def cost(clip: Path, pipeline: Pipeline) -> dict[str, Any]:
    """Processor time that rules take for each frame, by how many there are."""
    session = Session(pipeline)
    frames: list[Frame] = []
    with open_media(clip) as media:
        for item in media:
            if isinstance(item, Frame) and len(frames) < 120:
                frames.append(item)
    seen = session.update(frames)
    found: dict[str, Any] = {"faces": float(np.median([len(faces) for faces in seen]))}
    for count in (1, 50, RULES):
        rounds = []
        for _ in range(5):
            engine = RuleEngine(many(count), session.labels)
            began = time.thread_time()
            for frame, faces in zip(frames, seen, strict=True):
                engine.update(faces, frame.time, frame.index)
            rounds.append((time.thread_time() - began) / len(frames))
        found[f"{count}_rules_ms"] = round(1000 * float(np.median(rounds)), 4)
    found["of_limit"] = round(found[f"{RULES}_rules_ms"] / 1000 / COST, 3)
    return found


def away(folder: Path, seconds: float) -> dict[str, Any]:
    """Events that arrive although the broker was killed and came back."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        return {"left out": "no mosquitto on this machine"}
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    from mien.rules.actions.mqtt import Mqtt, MqttSettings

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
    heard: list[dict[str, Any]] = []
    told: list[str] = []

    def start() -> tuple[subprocess.Popen[bytes], Any]:
        broker = subprocess.Popen(
            [program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        listener = Client(CallbackAPIVersion.VERSION2)
        listener.on_message = lambda client, user, message: heard.append(json.loads(message.payload))
        ready: list[int] = []
        listener.on_subscribe = lambda *arguments: ready.append(1)
        for _ in range(100):
            try:
                listener.connect("127.0.0.1", port)
                break
            except OSError:
                time.sleep(0.02)
        listener.subscribe("mien/mien/smile/event", qos=1)
        listener.loop_start()
        while not ready:
            time.sleep(0.01)
        return broker, listener

    broker, listener = start()
    hook = Mqtt(MqttSettings(host="127.0.0.1", port=port), told.append)
    hook.start(["smile"])
    courier = Dispatcher("mqtt", hook, Retries(), told.append)
    sent: dict[str, float] = {}
    began = time.monotonic()

    def offer(until: float) -> None:
        """An event every half second."""
        while time.monotonic() < until:
            number, kind = f"{len(sent):04d}", "end" if len(sent) % 2 else "start"
            sent[number] = round(time.monotonic() - began, 6)
            courier.offer(Delivery(number, "smile", kind, sent[number], None, "-", 0, {}, 1))  # type: ignore[arg-type]
            time.sleep(0.5)

    offer(began + 3)
    broker.kill()
    broker.wait()
    listener.loop_stop()
    offer(began + 3 + seconds)
    broker, listener = start()
    offer(began + 6 + seconds)
    lost = courier.close(time.monotonic() + 30)
    time.sleep(1)
    broker.kill()
    broker.wait()
    listener.loop_stop()
    ids = [one["id"] for one in heard]
    return {
        "away_s": seconds,
        "sent": len(sent),
        "arrived": len(set(ids)),
        "twice": len(ids) - len(set(ids)),
        "lost": lost,
        "in_order": ids == sorted(ids),
        "own_times": all(one["time"] == sent[one["id"]] for one in heard),
        "told": told,
    }


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
