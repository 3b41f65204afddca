"""What Home Assistant is told about rules, so that they appear there by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mien import __version__
from mien.core.errors import RuleError
from mien.core.labels import NOTICE
from mien.rules.actions.base import slug


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
                f"expected rules whose names differ in letters a to z or digits; got {other!r} and {rule!r}: MQTT would mix them up"
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
