"""Events through a real broker: what Home Assistant is told, and what happens when the broker goes,
refuses, or is not trusted.
"""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.core.errors import RuleError
from mien.core.labels import NOTICE
from mien.rules.actions.dispatcher import Dispatcher, Retries
from mien.rules.actions.mqtt import Mqtt, MqttSettings
from tests.rules.broker import Broker, Listener, wait_until
from tests.rules.events import event

pytestmark = pytest.mark.integration

# What Home Assistant's documentation of MQTT discovery asks for, in our words: keys that an entity must have,
# those that it may have among which ours have to be, and what a topic looks like
# (<prefix>/<component>/<object id>/config, the id out of a-z A-Z 0-9 _ -).
TOPIC = re.compile(r"homeassistant/(binary_sensor|event)/([a-zA-Z0-9_-]+)/config")
REQUIRED = {"binary_sensor": {"state_topic"}, "event": {"state_topic", "event_types"}}
SHARED = {
    "availability_topic",
    "payload_available",
    "payload_not_available",
    "device",
    "icon",
    "json_attributes_topic",
    "name",
    "origin",
    "qos",
    "state_topic",
    "unique_id",
}
KNOWN = {
    "binary_sensor": SHARED | {"payload_on", "payload_off", "device_class"},
    "event": SHARED | {"event_types", "device_class"},
}
DEVICE = {
    "identifiers",
    "connections",
    "name",
    "manufacturer",
    "model",
    "model_id",
    "hw_version",
    "sw_version",
    "suggested_area",
    "configuration_url",
}
ORIGIN = {"name", "sw_version", "support_url"}


def serving(hook: Mqtt, told: list[str], *rules: str) -> Dispatcher:
    hook.start(rules or ("smile",))
    return Dispatcher("room", hook, Retries(), told.append)


def settings(broker: Broker, **given: object) -> MqttSettings:
    return MqttSettings(host="127.0.0.1", port=broker.port, **given)  # type: ignore[arg-type]


def end(courier: Dispatcher) -> int:
    return courier.close(time.monotonic() + 5)


def test_home_assistant_is_told_as_it_asks(broker: Broker, listener: Listener) -> None:
    courier = serving(Mqtt(settings(broker, device="Living room")), [], "Everybody smiles", "nobody")
    wait_until(lambda: len([message for message in listener.heard if TOPIC.fullmatch(message.topic)]) == 4)
    end(courier)
    ids = set()
    for message in listener.heard:
        found = TOPIC.fullmatch(message.topic)
        if not found:
            assert not message.topic.startswith("homeassistant/"), message.topic
            continue
        kind, said = found[1], json.loads(message.payload)
        assert set(said) >= REQUIRED[kind]
        assert set(said) <= KNOWN[kind], set(said) - KNOWN[kind]
        assert said["unique_id"] == found[2], "best practice: the object id is the unique id"
        ids.add(said["unique_id"])
        assert said["qos"] in (0, 1, 2)
        assert set(said["device"]) <= DEVICE
        assert said["device"]["identifiers"] == ["mien_living-room"]
        assert said["device"]["name"] == "Living room"
        assert set(said["origin"]) <= ORIGIN
        assert said["origin"]["name"], "required where there is an origin"
        assert said["name"] in {"Everybody smiles", "nobody", "Everybody smiles event", "nobody event"}
        if kind == "event":
            assert set(said["event_types"]) == {"start", "end"}
        else:
            assert (said["payload_on"], said["payload_off"]) == ("ON", "OFF")
        assert listener.payloads(said["availability_topic"]) == ["online", "offline"]
    assert len(ids) == 4
    late = Listener(broker.port)
    wait_until(lambda: len(late.heard) >= 7)
    assert all(message.retained for message in late.heard), "who comes later still finds everything"
    assert not any(message.topic.endswith("/event") for message in late.heard), "but no event a second time"
    late.close()


def test_events_and_states_arrive(broker: Broker, listener: Listener) -> None:
    courier = serving(Mqtt(settings(broker)), [])
    first, last = event(time=2.5), event(kind="end", time=4.0)
    courier.offer(first)
    courier.offer(last)
    assert end(courier) == 0
    wait_until(lambda: len(listener.payloads("mien/mien/smile/event")) == 2)
    start, over = map(json.loads, listener.payloads("mien/mien/smile/event"))
    assert start == {"event_type": "start", **first.payload()}
    assert start["notice"] == NOTICE
    assert (over["event_type"], over["time"], over["id"]) == ("end", 4.0, last.id)
    assert listener.payloads("mien/mien/smile/state") == ["OFF", "ON", "OFF"]
    assert json.loads(listener.payloads("mien/mien/smile/last")[-1]) == last.payload()


def test_nothing_is_lost_or_doubled_while_the_broker_is_away(broker: Broker) -> None:
    told: list[str] = []
    hook = Mqtt(settings(broker), told.append)
    attempts = counted(hook)
    before = Listener(broker.port)
    courier = serving(hook, told)
    events = [event(kind="start" if number % 2 else "end", time=float(number)) for number in range(1, 22)]
    for one in events[:5]:
        courier.offer(one)
    wait_until(lambda: len(before.payloads(EVENTS)) == 5)
    broker.kill()
    before.close()
    for one in events[5:15]:
        courier.offer(one)
    wait_until(lambda: len(attempts) == 2)  # The third is seconds away: the listener is there first.
    broker.start()
    after = Listener(broker.port)
    wait_until(lambda: any("back" in line for line in told))
    for one in events[15:]:
        courier.offer(one)
    assert end(courier) == 0
    wait_until(lambda: len(after.payloads(EVENTS)) >= 16)
    heard = [json.loads(payload) for listener in (before, after) for payload in listener.payloads(EVENTS)]
    assert [one["id"] for one in heard] == [one.id for one in events], "each once, in order"
    assert [one["time"] for one in heard] == [one.time for one in events], "with its own time"
    assert [one["at"] for one in heard] == [one.at for one in events]
    assert after.payloads("mien/mien/smile/state")[-1] == "ON"
    assert "homeassistant/binary_sensor/mien_mien_smile/config" in {
        message.topic for message in after.heard
    }, "a broker may forget"
    assert sum("lost" in line for line in told) == 1
    assert sum("back" in line for line in told) == 1
    after.close()


EVENTS = "mien/mien/smile/event"


def counted(hook: Mqtt) -> list[None]:
    """Grows with each vain attempt to reach the broker."""
    attempts: list[None] = []
    client = hook._client
    tell = client.on_connect_fail

    def count(*arguments: object) -> None:
        attempts.append(None)
        tell(*arguments)

    client.on_connect_fail = count
    return attempts


def test_what_is_kept_while_the_broker_is_away_is_bounded(started: Callable[..., Broker]) -> None:
    broker = started()
    broker.kill()
    told: list[str] = []
    hook = Mqtt(settings(broker, keep=10), told.append)
    attempts = counted(hook)
    courier = serving(hook, told)
    events = [event(time=float(number)) for number in range(30)]
    for one in events:
        courier.offer(one)
    assert sum("oldest are dropped" in line for line in told) == 1
    wait_until(lambda: len(attempts) == 2)
    broker.start()
    listener = Listener(broker.port)
    wait_until(lambda: len(listener.payloads(EVENTS)) >= 10)
    end(courier)
    heard = [json.loads(payload)["id"] for payload in listener.payloads(EVENTS)]
    assert heard[-10:] == [one.id for one in events[-10:]], "the newest are kept"
    assert courier.lost == 30 - len(heard)
    assert len(heard) <= 11, "ten that wait, and the one in hand"
    listener.close()


def test_a_broker_that_refuses_the_password(
    started: Callable[..., Broker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwords = tmp_path / "passwords"
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("no mosquitto_passwd on this machine: it comes with mosquitto")
    subprocess.run(
        ["mosquitto_passwd", "-c", "-b", passwords, "anna", "right-one"], check=True, capture_output=True
    )
    passwords.chmod(0o644)
    broker = started("allow_anonymous false", f"password_file {passwords}")
    monkeypatch.setenv("MIEN_MQTT_USER", "anna")
    monkeypatch.setenv("MIEN_MQTT_PASSWORD", "wr0ng-secret")
    told: list[str] = []
    courier = serving(Mqtt(settings(broker), told.append), told)
    courier.offer(event())
    wait_until(lambda: any("refuses" in line for line in told))
    assert courier.close(time.monotonic() + 0.2) == 1
    assert "MIEN_MQTT_PASSWORD" in told[0]
    assert any("1 event was not delivered" in line for line in told)
    assert not any("wr0ng-secret" in line or "anna" in line for line in told)
    monkeypatch.setenv("MIEN_MQTT_PASSWORD", "right-one")
    courier = serving(Mqtt(settings(broker)), [])
    courier.offer(event())
    assert end(courier) == 0


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
def test_encrypted_and_only_to_whom_the_certificate_belongs(
    started: Callable[..., Broker], tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine, which makes the broker's certificate")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    for name in ("broker", "stranger"):
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
        subprocess.run(
            [*made, "-keyout", tmp_path / f"{name}.key", "-out", tmp_path / f"{name}.pem"],
            check=True,
            capture_output=True,
        )
    broker = started(f"certfile {tmp_path / 'broker.pem'}", f"keyfile {tmp_path / 'broker.key'}")
    courier = serving(Mqtt(settings(broker, tls=True, ca=tmp_path / "broker.pem")), [])
    courier.offer(event())
    assert end(courier) == 0
    told: list[str] = []
    courier = serving(Mqtt(settings(broker, tls=True, ca=tmp_path / "stranger.pem"), told.append), told)
    wait_until(lambda: bool(told))
    assert "certificate" in told[0].lower()
    end(courier)
    gc.collect()
    (tmp_path / "not.pem").write_text("no certificate")
    with pytest.raises(RuleError, match="PEM"):
        Mqtt(settings(broker, tls=True, ca=tmp_path / "not.pem"))


def test_home_assistant_that_starts_later_asks_and_is_answered(broker: Broker, listener: Listener) -> None:
    courier = serving(Mqtt(settings(broker)), [])
    topic = "homeassistant/binary_sensor/mien_mien_smile/config"
    wait_until(lambda: len(listener.payloads(topic)) == 1)
    wait_until(lambda: "online" in listener.payloads("mien/mien/availability"))
    time.sleep(0.2)
    listener.client.publish("homeassistant/status", "online", qos=1)
    wait_until(lambda: len(listener.payloads(topic)) == 2)
    end(courier)


def test_the_broker_says_that_we_are_gone(broker: Broker, listener: Listener) -> None:
    program = f"""
import time
from mien.rules.actions.mqtt import Mqtt, MqttSettings
Mqtt(MqttSettings(host="127.0.0.1", port={broker.port})).start(["smile"])
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        wait_until(lambda: listener.payloads("mien/mien/availability") == ["online"])
        process.send_signal(signal.SIGKILL)
        wait_until(lambda: listener.payloads("mien/mien/availability") == ["online", "offline"])
    finally:
        process.kill()
        process.wait()


def test_from_the_command_to_the_broker(
    broker: Broker, listener: Listener, movie: Callable[..., Path], tmp_path: Path
) -> None:
    clip = movie(30, nobody=range(12, 30))
    (tmp_path / "rules.toml").write_text(
        '[rules.nobody]\nwhen = "faces == 0"\nfor = 0.5\ndo = ["room"]\n'
        f'[actions.room]\ntype = "mqtt"\nhost = "127.0.0.1"\nport = {broker.port}\ndevice = "desk"\n'
    )
    command = [sys.executable, "-m", "mien", "rules", "run", f"live:{clip}", "--rules", "rules.toml"]
    environment = {**os.environ, "MIEN_MQTT_USER": "anna", "MIEN_MQTT_PASSWORD": "s3cret"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=100)
    assert done.returncode == 0, done.stderr
    wait_until(lambda: listener.payloads("mien/desk/availability") == ["online", "offline"])
    [one] = map(json.loads, listener.payloads("mien/desk/nobody/event"))
    assert (one["event_type"], one["faces"], one["source"]) == ("start", 0, f"live:{clip}")
    assert 1.6 < one["time"] < 3
    assert not any("s3cret" in message.payload for message in listener.heard)
    assert "s3cret" not in done.stdout + done.stderr


def test_rules_that_would_share_a_topic_are_refused(broker: Broker) -> None:
    with pytest.raises(RuleError, match="mix them up"):
        Mqtt(settings(broker)).start(["a smile", "A-smile"])
