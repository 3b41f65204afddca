"""Events to an MQTT broker, and what Home Assistant is told there about rules, so that they appear in it by
themselves."""

from __future__ import annotations

import json
import os
import ssl
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from ssl import SSLError
from typing import Any

from pydantic import Field, field_validator

from mien import __version__
from mien.core.errors import DeliveryError, MissingExtraError, RuleError
from mien.core.labels import NOTICE
from mien.core.names import quoted
from mien.rules.actions.base import ActionSettings, Delivery, Mistake, RuleAction, carefully, slug


@dataclass(frozen=True)
class Topics:
    """Where things are published.

    Args:
        prefix: First part of every topic of ours.
        device: What this installation is called.

    >>> Topics("mien", "Living room").state("Everybody smiles")
    'mien/living-room/everybody-smiles/state'
    """

    prefix: str
    device: str

    @property
    def availability(self) -> str:
        """``online`` or ``offline``, retained; the broker says offline when we vanish."""
        return f"{self.prefix}/{slug(self.device)}/availability"

    def state(self, rule: str) -> str:
        """``ON`` while the rule is active, else ``OFF``; retained."""
        return f"{self.prefix}/{slug(self.device)}/{slug(rule)}/state"

    def event(self, rule: str) -> str:
        """One message of JSON for each start and end; not retained."""
        return f"{self.prefix}/{slug(self.device)}/{slug(rule)}/event"

    def last(self, rule: str) -> str:
        """The last event, retained: the attributes of the state."""
        return f"{self.prefix}/{slug(self.device)}/{slug(rule)}/last"


def check_names(rules: Sequence[str]) -> None:
    """Refuse rules that would share a topic.

    Raises:
        RuleError: Two names differ in nothing that a topic can hold.
    """
    seen: dict[str, str] = {}
    for rule in rules:
        other = seen.setdefault(slug(rule), rule)
        if other != rule:
            raise RuleError(
                f"expected rules whose names differ in letters a to z or digits; got {quoted(other)} and {rule!r}: MQTT would mix them up"
            )


def discoveries(topics: Topics, rules: Sequence[str], prefix: str) -> dict[str, dict[str, Any]]:
    """Discovery messages by topic: for each rule a binary sensor, which is on while the rule is active, and
    an event entity.

    Args:
        topics: Where rules are published.
        rules: Their names.
        prefix: Home Assistant's discovery prefix, ``homeassistant`` unless somebody has changed it.
    """
    messages: dict[str, dict[str, Any]] = {}
    for rule in rules:
        unique = f"mien_{slug(topics.device)}_{slug(rule)}"
        state = {
            "state_topic": topics.state(rule),
            "payload_on": "ON",
            "payload_off": "OFF",
            "json_attributes_topic": topics.last(rule),
        }
        messages[f"{prefix}/binary_sensor/{unique}/config"] = {
            **_shared(topics),
            "name": rule,
            "unique_id": unique,
            **state,
        }
        event: dict[str, Any] = {
            "state_topic": topics.event(rule),
            "event_types": ["start", "end"],
            "icon": "mdi:emoticon-outline",
        }
        messages[f"{prefix}/event/{unique}_event/config"] = {
            **_shared(topics),
            "name": f"{rule} event",
            "unique_id": f"{unique}_event",
            **event,
        }
    return messages


def _shared(topics: Topics) -> dict[str, Any]:
    device = {
        "identifiers": [f"mien_{slug(topics.device)}"],
        "name": topics.device,
        "manufacturer": "mien",
        "model": NOTICE,
        "sw_version": __version__,
    }
    return {
        "availability_topic": topics.availability,
        "payload_available": "online",
        "payload_not_available": "offline",
        "qos": 1,
        "device": device,
        "origin": {"name": "mien", "sw_version": __version__},
    }


_KEEPALIVE = 30  # s after which a broker that says nothing is asked whether it is there.
_PAUSES = (1, 10)  # s before a lost broker is called again: the first pause and the longest.


class MqttSettings(ActionSettings):
    """Keys of an action of type ``mqtt``.

    Args:
        host: Name or address of the broker.
        port: Its port; 1883, or 8883 with TLS.
        tls: Encrypt, and check the broker's certificate.
        ca: Certificates to check it by; by default those of the system.
        user_env: Name of the environment variable with the user.
        password_env: Name of the environment variable with the password.
        device: What this installation is called in topics and in Home Assistant.
        prefix: First part of all topics.
        discovery: Home Assistant's discovery prefix; empty for none.
        keep: So many events are kept while the broker is away.
    """

    host: str = Field("localhost", min_length=1)
    port: int | None = Field(None, ge=1, le=65535)
    tls: bool = False
    ca: Path | None = Field(None, strict=False)
    user_env: str = "MIEN_MQTT_USER"
    password_env: str = "MIEN_MQTT_PASSWORD"
    device: str = Field("mien", min_length=1, max_length=64)
    prefix: str = "mien"
    discovery: str = "homeassistant"
    keep: int = Field(1000, ge=1, le=100_000)

    @field_validator("prefix", "discovery")
    @classmethod
    def _topic(cls, topic: str) -> str:
        if topic.startswith("/") or topic.endswith("/") or any(character in "+#\0 " for character in topic):
            raise ValueError(
                f"expected the beginning of a topic, without + # and spaces; got {quoted(topic)}"
            )
        return topic

    @field_validator("host")
    @classmethod
    def _name(cls, host: str) -> str:
        if any(character in "/@?# " for character in host):
            raise ValueError(
                "expected the name of a computer, such as broker.local; user and password go into environment variables"
            )
        return host

    def in_words(self) -> str:
        return f"publishes to the broker {self.place}, as the device {self.device}"

    def mistakes(self, rules: Sequence[str]) -> Iterator[Mistake]:
        try:
            check_names(rules)
        except RuleError as error:
            yield Mistake(("type",), str(error))

    def obstacles(self) -> Iterator[Mistake]:
        if find_spec("paho") is None:
            yield Mistake(("type",), str(_missing()))
        if self.ca is not None:
            try:
                ssl.create_default_context(cafile=self.ca)
            except OSError as error:
                yield Mistake(
                    ("ca",), f"{self.ca}: expected certificates in PEM format; got: {error.strerror or error}"
                )

    @property
    def place(self) -> str:
        """What messages call the broker."""
        return f"{self.host}:{self.port or (8883 if self.tls else 1883)}"


class Mqtt(RuleAction):
    """Publishes each event at quality of service 1, and with it whether the rule is active.

    While the broker is away events are kept and sent later, in order, each with its own time. A message whose
    receipt was not confirmed before a loss is sent again, as quality of service 1 demands; its ``id`` tells.

    Args:
        settings: Which broker.
        tell: Called with a line when the broker is lost, refuses, or is back.

    Raises:
        MissingExtraError: paho-mqtt is not installed.
        RuleError: The certificates cannot be read.
    """

    def __init__(self, settings: MqttSettings, tell: Callable[[str], None] | None = None) -> None:
        self._settings, self._tell = settings, carefully(tell or (lambda line: None))
        self.keep = settings.keep
        self._topics = Topics(settings.prefix, settings.device)
        self._rules: Sequence[str] = ()
        self._active: dict[
            str, tuple[str, str | None]
        ] = {}  # State and last event of each rule, as the broker knows them.
        self._change = threading.Condition()
        self._connected = False
        self._closed = False
        self._trouble: str | None = None
        self._confirmed: set[int] = set()
        self._client = self._made()

    def start(self, rules: Sequence[str]) -> None:
        check_names(rules)
        self._rules = rules
        self._active = dict.fromkeys(rules, ("OFF", None))
        host, _, port = self._settings.place.rpartition(":")
        if (
            self._settings.tls is False
            and os.environ.get(self._settings.password_env)
            and not _is_local(host)
        ):
            self._tell(
                f"MQTT {self._settings.place}: the password travels unencrypted: set tls = true if the broker can"
            )
        self._client.connect_async(host, int(port), _KEEPALIVE)
        self._client.loop_start()

    def deliver(self, delivery: Delivery) -> None:
        payload = delivery.payload()
        message = json.dumps(payload, ensure_ascii=False)
        state = "ON" if delivery.kind == "start" else "OFF"
        topics, rule = self._topics, delivery.rule
        self._wait(lambda: self._connected)
        self._publish(
            (topics.last(rule), message, True),
            (topics.state(rule), state, True),
            (
                topics.event(rule),
                json.dumps({"event_type": delivery.kind, **payload}, ensure_ascii=False),
                False,
            ),
        )
        self._active[rule] = (state, message)

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._connected:
            with suppress(RuntimeError, ValueError):  # It is lost at this very moment.
                self._client.publish(
                    self._topics.availability, "offline", qos=1, retain=True
                ).wait_for_publish(1.0)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, *messages: tuple[str, str, bool]) -> None:
        """Publish, and wait for as long as it takes until the broker has confirmed all of them."""
        with self._change:
            self._confirmed.clear()  # Numbers of messages are used again, and nothing of ours is under way.
        ids = {
            self._client.publish(topic, text, qos=1, retain=retain).mid for topic, text, retain in messages
        }
        self._wait(lambda: ids <= self._confirmed)

    def _wait(self, ready: Callable[[], bool]) -> None:
        with self._change:
            self._change.wait_for(lambda: self._closed or ready())
            if not ready():
                raise DeliveryError(f"MQTT {self._settings.place}: not there before the end", again=False)

    def _made(self) -> Any:
        try:
            from paho.mqtt.client import Client, MQTTv311
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise _missing() from None
        settings = self._settings
        client = Client(CallbackAPIVersion.VERSION2, f"mien-{uuid.uuid4().hex[:12]}", protocol=MQTTv311)
        user = os.environ.get(settings.user_env)
        if user:
            client.username_pw_set(user, os.environ.get(settings.password_env))
        if settings.tls:
            try:
                client.tls_set(None if settings.ca is None else str(settings.ca))
            except OSError as error:
                raise RuleError(
                    f"{settings.ca}: expected certificates in PEM format; got: {error.strerror or error}"
                ) from None
        client.will_set(self._topics.availability, "offline", qos=1, retain=True)
        client.reconnect_delay_set(*_PAUSES)
        client.on_connect, client.on_connect_fail, client.on_disconnect = (
            self._answered,
            self._unanswered,
            self._lost,
        )
        client.on_publish, client.on_message = self._received, self._asked
        return client

    def _answered(self, client: Any, user: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            names = f"{self._settings.user_env} and {self._settings.password_env}"
            refused = reason.getName() in ("Not authorized", "Bad user name or password")
            advice = (
                f"set {names} to a user and a password that it knows" if refused else "look at the broker"
            )
            self._complain(f"the broker refuses: {reason.getName()}: {advice}")
            return
        if self._settings.discovery:
            client.subscribe(f"{self._settings.discovery}/status", qos=1)
        self._introduce()
        with self._change:
            self._connected = True
            self._change.notify_all()
        if self._trouble is not None:
            self._tell(f"MQTT {self._settings.place}: the broker is back")
            self._trouble = None

    def _introduce(self) -> None:
        """Everything that a broker without a memory, or a Home Assistant that has just started, has to
        know."""
        self._client.publish(self._topics.availability, "online", qos=1, retain=True)
        found = (
            discoveries(self._topics, self._rules, self._settings.discovery)
            if self._settings.discovery
            else {}
        )
        for topic, message in found.items():
            self._client.publish(topic, json.dumps(message, ensure_ascii=False), qos=1, retain=True)
        for rule, (state, last) in self._active.items():
            self._client.publish(self._topics.state(rule), state, qos=1, retain=True)
            if last is not None:
                self._client.publish(self._topics.last(rule), last, qos=1, retain=True)

    def _asked(self, client: Any, user: Any, message: Any) -> None:
        """Home Assistant has started, and asks everybody to introduce themselves."""
        if message.payload == b"online" and not message.retain:
            self._introduce()

    def _unanswered(self, client: Any, user: Any) -> None:
        reason = sys.exc_info()[1]  # paho calls this while it handles the error.
        if isinstance(reason, SSLError):
            self._complain(
                f"no secure connection: {reason.reason or reason}: check host, port, and the certificate of the broker (ca)"
            )
        else:
            self._complain("no broker answers there: check host and port, and that it runs")

    def _lost(self, client: Any, user: Any, flags: Any, reason: Any, properties: Any) -> None:
        with self._change:
            was, self._connected = self._connected, False
        if was and not self._closed:
            self._complain("the connection is lost")

    def _complain(self, what: str) -> None:
        """Say once what is wrong; events are kept."""
        if self._trouble is None or (self._trouble != what and "lost" not in self._trouble):
            self._tell(f"MQTT {self._settings.place}: {what}; trying again, events are kept")
        self._trouble = what

    def _received(self, client: Any, user: Any, message: int, reason: Any, properties: Any) -> None:
        with self._change:
            self._confirmed.add(message)
            self._change.notify_all()


def _missing() -> MissingExtraError:
    return MissingExtraError("MQTT actions", "mqtt", "paho-mqtt")


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
