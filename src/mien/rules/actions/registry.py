"""One door for every kind of action: mien's own, and those of plug-ins."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mien.core.errors import RuleError
from mien.rules.actions.base import (
    ActionSettings,
    FunctionAction,
    Mistake,
    RuleAction,
    SettingsError,
    checked,
)
from mien.rules.actions.command import Command, CommandSettings
from mien.rules.actions.log import Log, LogSettings
from mien.rules.actions.mqtt import Mqtt, MqttSettings
from mien.rules.actions.photo import Photo, PhotoSettings
from mien.rules.actions.webhook import Webhook, WebhookSettings

GROUP = "mien.rules.actions"
"""Entry points of plug-ins."""

Tell = Callable[[str], None]
"""Called with lines for people."""


def _quiet(action: Callable[[Any], RuleAction]) -> Callable[[Any, Tell | None], RuleAction]:
    """An action that has nothing to tell people."""
    return lambda settings, tell: action(settings)


OWN: dict[str, tuple[type[ActionSettings], Callable[[Any, Tell | None], RuleAction]]] = {
    "command": (CommandSettings, _quiet(Command)),
    "log": (LogSettings, _quiet(Log)),
    "mqtt": (MqttSettings, Mqtt),
    "photo": (PhotoSettings, _quiet(Photo)),
    "webhook": (WebhookSettings, _quiet(Webhook)),
}
"""Of mien's own actions, by type: their settings, and what makes an action of these."""


def kinds() -> list[str]:
    """Types of actions that there are, with those of plug-ins.

    >>> set(OWN) <= set(kinds())
    True
    """
    return sorted({*OWN, *(point.name for point in entry_points(group=GROUP))})


def check_action(kind: str, table: Mapping[str, Any]) -> ActionSettings | Mapping[str, Any]:
    """The settings of an action, without doing anything yet; those of a plug-in are its own affair.

    Raises:
        SettingsError: There is no such type, or settings are wrong.

    >>> check_action("webhok", {})
    Traceback (most recent call last):
    ...
    mien.rules.actions.base.SettingsError: type: there is no action 'webhok': did you mean webhook?
    """
    if kind in OWN:
        return checked(OWN[kind][0], table)
    if kind not in kinds():
        close = difflib.get_close_matches(kind, kinds(), 1)
        advice = (
            f"did you mean {close[0]}?"
            if close
            else f"there are {', '.join(kinds())}; install the plug-in if one has it"
        )
        raise SettingsError([Mistake(("type",), f"there is no action {kind!r}: {advice}")])
    return dict(table)


def mistakes(kind: str, settings: ActionSettings | Mapping[str, Any], rules: Sequence[str]) -> list[Mistake]:
    """Why no computer could do an action for these rules; a plug-in is asked whether it takes such keys.

    Args:
        kind: Its type.
        settings: What `check_action` gave.
        rules: Names of the rules that it serves.
    """
    if isinstance(settings, ActionSettings):
        return list(settings.mistakes(rules))
    point = _plug_in(kind)
    try:
        signature = inspect.signature(point.load())
    except Exception:  # `obstacles` tells of that.
        return []
    try:
        signature.bind(**settings)
    except TypeError as error:
        return [Mistake(("type",), str(_refusal(point, error)))]
    return []


def obstacles(kind: str, settings: ActionSettings | Mapping[str, Any]) -> list[Mistake]:
    """What this computer lacks for an action, found without doing anything; a plug-in is loaded.

    Args:
        kind: Its type.
        settings: What `check_action` gave.
    """
    if isinstance(settings, ActionSettings):
        return list(settings.obstacles())
    point = _plug_in(kind)
    try:
        if not callable(point.load()):
            raise TypeError("it cannot be called")
    except Exception as error:
        return [Mistake(("type",), str(_refusal(point, error)))]
    return []


def create_hook(
    kind: str, settings: ActionSettings | Mapping[str, Any], tell: Tell | None = None
) -> RuleAction:
    """The hook of an action.

    Args:
        kind: Its type.
        settings: What `check_action` gives, or gave.
        tell: Called with lines for people.

    Raises:
        InputError: It cannot work here.
        RuleError: Its settings are wrong, or a plug-in refuses them.
        MissingExtraError: It needs a package that is not installed.
    """
    if kind in OWN:
        return OWN[kind][1](checked(OWN[kind][0], settings), tell)
    assert not isinstance(settings, ActionSettings)
    return _plugged(_plug_in(kind), settings)


def _plug_in(kind: str) -> EntryPoint:
    return next(iter(entry_points(group=GROUP, name=kind)))


def _refusal(point: EntryPoint, error: Exception) -> RuleError:
    return RuleError(f"the plug-in {point.name} ({point.value}) refuses: {type(error).__name__}: {error}")


def _plugged(point: EntryPoint, settings: Mapping[str, Any]) -> RuleAction:
    try:
        hook = point.load()(**settings)
    except Exception as error:
        raise _refusal(point, error) from None
    if isinstance(hook, RuleAction):
        return hook
    if not callable(hook):
        raise RuleError(
            f"the plug-in {point.name} ({point.value}) has to give a function or a mien.rules.actions.RuleAction; got {type(hook).__name__}"
        )
    return FunctionAction(hook)
