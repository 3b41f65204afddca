"""Rules and actions out of a TOML file; every mistake with its line, before anything starts."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mien.core.errors import InputError, RuleError
from mien.core.labels import EXPRESSIONS, Labels
from mien.core.names import unreadable
from mien.metrics.sentiment import PRESETS, SentimentMapping, open_mapping
from mien.rules.actions.base import ActionSettings, Mistake, SettingsError, checked
from mien.rules.actions.registry import check_action, mistakes, obstacles
from mien.rules.engine import Rule
from mien.rules.features import SUMS
from mien.rules.parsing import parse_condition
from mien.rules.toml_locations import Positions

_MOST = 10_000_000  # Bytes: no file of rules is longer.
_LONG_NUMBER = re.compile(r"[\d_]{4301,}")  # Python reads none of more digits.


class _RuleTable(ActionSettings):
    """Keys of a rule."""

    when: str
    hold: float = Field(0.0, alias="for", ge=0, le=604_800)
    until: str | None = None
    release: float = Field(0.0, ge=0, le=604_800)
    cooldown: float = Field(0.0, ge=0, le=604_800)
    do: list[str] = Field(default_factory=list)


class _ActionTable(ActionSettings):
    """Keys that every action has."""

    type: str
    on: Literal["start", "end", "both"] | None = None
    attempts: int = Field(4, ge=1, le=100)


@dataclass(frozen=True)
class Action:
    """What is done when a rule starts or ends.

    Args:
        kind: Its type, such as ``webhook``.
        settings: What its hook is made of.
        on: The kinds of events that it is for.
        attempts: How often a delivery is tried.

    >>> Action("webhook", {"url": "http://127.0.0.1:8080/events"}).on
    ('start',)
    """

    kind: str
    settings: ActionSettings | Mapping[str, Any]
    on: tuple[str, ...] = ("start",)
    attempts: int = 4

    def in_words(self) -> str:
        """What it does, and when.

        >>> from mien.rules.actions.log import LogSettings
        >>> Action("log", LogSettings(file="a.jsonl"), ("start", "end")).in_words()
        'writes a line to a.jsonl, at the start and at the end'
        """
        what = (
            self.settings.in_words()
            if isinstance(self.settings, ActionSettings)
            else f"hands the event to {self.kind}"
        )
        return f"{what}, {' and '.join(f'at the {kind}' for kind in self.on)}"


@dataclass(frozen=True)
class RuleSet:
    """Rules, and what they do.

    Args:
        rules: In the order of the file.
        actions: By name.
        mapping: What counts as positive and negative.

    >>> from mien.rules import Rule
    >>> rules = RuleSet((Rule("smile", "any.happy > 0.7"),))
    >>> rules.idle, rules.measures
    ([], ())
    """

    rules: tuple[Rule, ...]
    actions: Mapping[str, Action] = field(default_factory=dict)
    mapping: SentimentMapping = PRESETS["valence"]

    @property
    def idle(self) -> list[str]:
        """Actions that no rule uses."""
        used = {name for rule in self.rules for name in rule.do}
        return [name for name in self.actions if name not in used]

    @property
    def measures(self) -> tuple[str, ...]:
        """What its rules ask of landmarks."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.measures))

    def idling(self) -> RuleSet:
        """The same rules, which do nothing."""
        return RuleSet(tuple(replace(rule, do=()) for rule in self.rules), {}, self.mapping)


@dataclass(frozen=True)
class CheckedRules:
    """A file of rules, looked through. Each line for people begins with file, line and column.

    Args:
        rules: What they mean; None where something is wrong.
        mistakes: A line for each, in the order of the file.
        obstacles: Likewise, what this computer lacks for what the rules do: a program, a package, a variable, a
            folder. On another computer the same file may work.

    >>> CheckedRules(None, ("light.toml:3:8: when: expected a comparison",)).obstacles
    ()
    """

    rules: RuleSet | None
    mistakes: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()


def check_rules(path: str | Path, labels: Labels = EXPRESSIONS) -> CheckedRules:
    """Look through a file of rules, without doing anything.

    Args:
        path: As for `read_rules`.
        labels: Likewise.

    Raises:
        RuleError: It is no TOML.
        InputError: The file cannot be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "smile.toml")
    >>> _ = path.write_text('rules.smile = {when = "any.hapy > 0.7"}')
    >>> len(check_rules(path).mistakes)
    1
    """
    found = _RuleFile(path, labels)
    rules = None if found.mistakes else found.rule_set()
    return CheckedRules(rules, found.told(found.mistakes), found.told(found.obstacles))


def read_rules(path: str | Path, labels: Labels = EXPRESSIONS, *, dry: bool = False) -> RuleSet:
    """Read a file of rules.

    Args:
        path: TOML with a table ``[rules.NAME]`` for each rule, and ``[actions.NAME]`` for each action.
        labels: Expressions that the network knows.
        dry: Nothing will be done, so that this computer may lack what that would need.

    Raises:
        RuleError: Something in it is wrong, or cannot be done on this computer; the message has file, line,
            column and remedy of the first of all that was found.
        InputError: The file cannot be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "smile.toml")
    >>> _ = path.write_text('rules.smile = {when = "any.happy > 0.7", for = 0.5}')
    >>> [rule.name for rule in read_rules(path).rules]
    ['smile']
    """
    found = check_rules(path, labels)
    wrong = found.mistakes or (() if dry else found.obstacles)
    if found.rules is None or wrong:
        more = len(wrong) - 1
        rest = f" (and {more} more: mien rules check {path})" if more else ""
        raise RuleError(wrong[0] + rest)
    return found.rules


class _RuleFile:
    """One file on its way from text to rules."""

    def __init__(self, path: str | Path, labels: Labels) -> None:
        self._path, self._labels = Path(path), labels
        self.mistakes: list[Mistake] = []
        self.obstacles: list[Mistake] = []
        self._rules: list[Rule] = []
        self._actions: dict[str, Action] = {}
        self._mapping = PRESETS["valence"]
        text = _text(self._path)
        try:
            tables = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise RuleError(_broken(self._path, text, error)) from None
        self._positions = Positions(text)
        self._take(tables)

    def rule_set(self) -> RuleSet:
        return RuleSet(tuple(self._rules), self._actions, self._mapping)

    def told(self, found: list[Mistake]) -> tuple[str, ...]:
        """As lines for people, in the order of the file."""
        placed = sorted(
            ((self._offset(mistake), mistake) for mistake in found),
            key=lambda one: (one[0], one[1].message),
        )
        return tuple(
            f"{self._where(offset)}: {_named(mistake.path)}{mistake.message}" for offset, mistake in placed
        )

    def _offset(self, mistake: Mistake) -> int:
        if mistake.offset is not None:
            return self._positions.inside(mistake.path, mistake.offset)
        place = self._positions.of(mistake.path)
        return place.key if "unknown key" in mistake.message else place.start

    def _where(self, offset: int) -> str:
        line, column = self._positions.line_and_column(offset)
        return f"{self._path}:{line}:{column}"

    def _take(self, tables: dict[str, Any]) -> None:
        for key in tables:
            if key not in ("rules", "actions", "sentiment"):
                self._wrong((key,), "unknown key: there are sentiment, [rules.NAME] and [actions.NAME]")
        if "sentiment" in tables:
            self._take_mapping(tables["sentiment"])
        for name, table in self._named_tables(tables, "actions").items():
            self._take_action(name, table)
        rules = self._named_tables(tables, "rules")
        if not rules and not self.mistakes:
            self._wrong((), "expected at least one rule: add a table such as [rules.smile]")
        for name, table in rules.items():
            self._take_rule(name, table, tables.get("actions", {}))
        self._try_sums("sentiment" in tables)
        self._try_actions_of_rules()

    def _try_sums(self, told: bool) -> None:
        """Find rules that ask for sums of expressions of which nobody has said how pleasant they are.

        Args:
            told: Whether the file names a mapping, of which that has been told.
        """
        asking = next((rule.name for rule in self._rules if set(rule.names) & {*SUMS}), None)
        if asking is None or told:
            return
        try:
            self._mapping.require(self._labels)
        except InputError as error:
            self._wrong(("rules", asking, "when"), str(error))

    def _try_actions_of_rules(self) -> None:
        """Find why actions that are used could not serve their rules, on any computer or on this one."""
        for name, action in self._actions.items():
            served = [rule.name for rule in self._rules if name in rule.do]
            if not served:
                continue
            for found, into in (
                (mistakes(action.kind, action.settings, served), self.mistakes),
                (obstacles(action.kind, action.settings), self.obstacles),
            ):
                into += [Mistake(("actions", name, *one.path), one.message) for one in found]

    def _named_tables(self, tables: dict[str, Any], key: str) -> dict[str, dict[str, Any]]:
        found = tables.get(key, {})
        if not isinstance(found, dict):
            self._wrong((key,), f"expected tables such as [{key}.NAME]; got {_kind(found)}")
            return {}
        for name, table in found.items():
            if not isinstance(table, dict):
                self._wrong((key, name), f"expected a table [{key}.{name}]; got {_kind(table)}")
        return {name: table for name, table in found.items() if isinstance(table, dict)}

    def _take_mapping(self, name: Any) -> None:
        try:
            self._mapping = open_mapping(name if isinstance(name, str | dict) else str(name))
            self._mapping.require(self._labels)
        except InputError as error:
            self._wrong(("sentiment",), str(error))

    def _take_action(self, name: str, table: dict[str, Any]) -> None:
        path = ("actions", name)
        shared = {key: value for key, value in table.items() if key in _ActionTable.model_fields}
        own = {key: value for key, value in table.items() if key not in shared}
        try:
            common = checked(_ActionTable, shared)
            settings = check_action(common.type, own)
        except SettingsError as error:
            self.mistakes += [
                Mistake((*path, *mistake.path), mistake.message, mistake.offset) for mistake in error.mistakes
            ]
            return
        # A state needs both ends; a photo or a call mostly belongs to the moment in which something begins.
        on = common.on or ("both" if common.type in ("mqtt", "log") else "start")
        if common.type == "mqtt" and on != "both":
            self._wrong(
                (*path, "on"), "an action of type mqtt is for both, as it tells a state: leave the key out"
            )
        self._actions[name] = Action(
            common.type, settings, ("start", "end") if on == "both" else (on,), common.attempts
        )

    def _take_rule(self, name: str, table: dict[str, Any], actions: Mapping[str, Any]) -> None:
        path, before = ("rules", name), len(self.mistakes)
        self._try_conditions(path, table)
        self._try_actions(path, table, actions)
        try:
            given = checked(_RuleTable, table)
        except SettingsError as error:
            self.mistakes += [Mistake((*path, *mistake.path), mistake.message) for mistake in error.mistakes]
        if len(self.mistakes) > before:
            return
        try:
            seconds = {"hold": given.hold, "release": given.release, "cooldown": given.cooldown}
            self._rules.append(
                Rule(name, given.when, until=given.until, do=tuple(given.do), labels=self._labels, **seconds)
            )
        except RuleError as error:
            self._wrong(path, str(error))

    def _try_conditions(self, path: tuple[str, ...], table: dict[str, Any]) -> None:
        for key in ("when", "until"):
            if isinstance(table.get(key), str):
                try:
                    parse_condition(table[key], self._labels)
                except RuleError as error:
                    self.mistakes.append(Mistake((*path, key), str(error), error.offset))

    def _try_actions(self, path: tuple[str, ...], table: dict[str, Any], actions: Mapping[str, Any]) -> None:
        names = table.get("do")
        for number, action in enumerate(names if isinstance(names, list) else []):
            if isinstance(action, str) and action not in actions:
                known = f"there are {', '.join(actions)}" if actions else "there are none"
                self._wrong(
                    (*path, "do", number), f"there is no action {action!r}: {known}; add [actions.{action}]"
                )

    def _wrong(self, path: tuple[str | int, ...], message: str) -> None:
        self.mistakes.append(Mistake(path, message))


def _text(path: Path) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(_MOST + 1)
    except OSError as error:
        raise InputError(f"{path}: expected a file of rules; {error.strerror}: check the path") from None
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: expected a file of rules, TOML in UTF-8; got something else: save it as UTF-8"
        ) from None
    if len(text) > _MOST:
        raise InputError(
            f"{path}: expected a file of rules; got more than {_MOST:,} characters: that is no file of rules"
        )
    return text


def _broken(path: Path, text: str, error: Exception) -> str:
    """What the parser says, with the place in front."""
    said = unreadable(error)
    if not isinstance(error, tomllib.TOMLDecodeError) and (number := _LONG_NUMBER.search(text)):
        text = text[: number.start()]
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", said, re.DOTALL)
    end = (
        said.replace(" (at end of document)", " at the end"),
        text.count("\n") + 1,
        len(text) - text.rfind("\n"),
    )
    what, line, column = found.groups() if found else end
    return f"{path}:{line}:{column}: expected TOML; {what}: correct this line"


def _kind(value: object) -> str:
    return {list: "an array", str: "a text", bool: "true or false", int: "a number", float: "a number"}.get(
        type(value), type(value).__name__
    )


def _named(path: tuple[str | int, ...]) -> str:
    return "".join(f"{key}: " for key in path[1:3] if isinstance(key, str))
