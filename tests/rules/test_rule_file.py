"""Rules in files: every mistake with line, column and remedy, before anything starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.core.errors import InputError, RuleError
from mien.core.labels import FERPLUS, ClassEntry, Labels
from mien.rules.engine import RuleEngine
from mien.rules.rule_file import check_rules, read_rules

GOOD = """
sentiment = "yin"

[rules."everybody smiles"]
when = '''
  faces >= 2
  and everyone.happy > 0.7'''
for = 1
until = "any.happy < 0.5"
release = 0.5
cooldown = 10.5
do = ["robot", "lamp"]

[rules.nobody]
when = "faces == 0"

[actions.robot]
type = "webhook"
url = "http://robot.local:8080/events"
on = "both"
attempts = 2

[actions.lamp]
type = "mqtt"

[actions.unused]
type = "log"
file = "events.jsonl"
"""


@pytest.fixture
def write(tmp_path: Path) -> object:
    def write(text: str) -> Path:
        path = tmp_path / "rules.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_of_rules(write) -> None:  # type: ignore[no-untyped-def]
    found = read_rules(write(GOOD))
    smile, nobody = found.rules
    assert (smile.name, str(smile.when), str(smile.until)) == (
        "everybody smiles",
        "faces >= 2 and everyone.happy > 0.7",
        "any.happy < 0.5",
    )
    assert (smile.hold, smile.release, smile.cooldown, smile.do) == (1, 0.5, 10.5, ("robot", "lamp"))
    assert (nobody.hold, nobody.do) == (0, ())
    assert found.mapping.name == "yin"
    robot, lamp = found.actions["robot"], found.actions["lamp"]
    assert (robot.kind, robot.on, robot.attempts) == ("webhook", ("start", "end"), 2)
    assert lamp.on == ("start", "end"), "a state has two ends"
    assert found.idle == ["unused"]
    assert check_rules(write(GOOD)).mistakes == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[rules.a]\nwhen = "any.hapy > 0.5"',
            "2:13: a: when: 'hapy' is no expression or measure: did you mean happy?",
        ),
        ('[rules.a]\nwhen = "faces = 0"', "2:15: a: when: '=' is not a sign of conditions: write =="),
        (
            '[rules.a]\nwhen = """\nfaces > 0\nand any.sad > 7"""',
            "4:15: a: when: any.sad: expected a value from 0 to 1; got 7: write 0.07",
        ),
        (
            '[rules.a]\nwhen = "faces > 0"\nuntil = "faces"',
            "3:15: a: until: faces: expected one of < <= > >= == != after it; the condition ends here",
        ),
        (
            '[rules.a]\nwhen = "faces > 0"\nfor = "1"',
            "3:7: a: for: expected a number, without quotation marks; got '1'",
        ),
        (
            '[rules.a]\nwhen = "faces > 0"\nfor = -1',
            "3:7: a: for: expected 0 or more; got -1",
        ),
        (
            '[rules.a]\nwhen = "faces > 0"\ncooldown = nan',
            "3:12: a: cooldown: expected 604800 or less; got nan",
        ),
        (
            '[rules.a]\nwhen = "faces > 0"\nfor = true',
            "3:7: a: for: expected a number, without quotation marks; got True",
        ),
        (
            '[rules.a]\nwhen = "faces > 0"\ncooldwn = 3',
            "3:1: a: cooldwn: unknown key: did you mean cooldown?",
        ),
        ('[rules.a]\nwhen = "faces > 0"\n[rules.b]\nfor = 2', "3:1: b: expected the key when: add it"),
        (
            '[rules.a]\nwhen = "faces > 0"\ndo = ["x", "y"]\n[actions.x]\ntype = "mqtt"',
            "3:12: a: do: there is no action 'y': there are x; add [actions.y]",
        ),
        (
            '[rules.a]\nwhen = "faces > 0"\ndo = "x"',
            '3:6: a: do: expected a list, such as ["one", "two"]; got \'x\'',
        ),
        ('[rules]\na = "faces > 0"', "2:5: a: expected a table [rules.a]; got a text"),
        (
            '[rules."a/b"]\nwhen = "faces > 0"',
            "1:1: a/b: expected a name of letters, digits, spaces, - _ . and at most 64 of them; got 'a/b'",
        ),
        ('[actions.x]\ntype = "mqqt"', "2:8: x: type: there is no action 'mqqt': did you mean mqtt?"),
        ('[actions.x]\nhost = "a"', "1:1: x: expected the key type: add it"),
        (
            '[actions.x]\ntype = "mqtt"\nport = 70000',
            "3:8: x: port: expected 65535 or less; got 70000",
        ),
        (
            '[actions.x]\ntype = "mqtt"\npassword = "s"',
            "3:1: x: password: unknown key: did you mean password_env?",
        ),
        (
            '[actions.x]\ntype = "mqtt"\non = "start"',
            "3:6: x: on: an action of type mqtt is for both, as it tells a state: leave the key out",
        ),
        (
            '[actions.x]\ntype = "log"\nfile = "e"\non = "never"',
            "4:6: x: on: expected 'start', 'end' or 'both'; got 'never'",
        ),
        (
            '[actions.x]\ntype = "photo"\nfolder = 5',
            "3:10: x: folder: expected a path in quotation marks; got 5",
        ),
        (
            '[actions.x]\ntype = "log"\nfile = true',
            "3:8: x: file: expected a path in quotation marks; got True",
        ),
        (
            '[actions.x]\ntype = "webhook"\nurl = "file:///etc/passwd"',
            "3:7: x: url: expected an address such as http://robot.local",
        ),
        (
            '[rule.a]\nwhen = "faces > 0"',
            "1:1: unknown key: there are sentiment, [rules.NAME] and [actions.NAME]",
        ),
        ('sentiment = "mood"\n[rules.a]\nwhen = "faces > 0"', "1:13: expected a mapping out of valence, yin"),
        ("", "1:1: expected at least one rule: add a table such as [rules.smile]"),
        ('[rules.a]\nwhen = "faces > 0', "2:18: expected TOML; "),
        ('[rules.a]\nwhen = "faces > 0"\n[rules.a]\nwhen = "faces > 1"', "3:9: expected TOML; "),
        ("[rules.a]\nwhen = faces > 0", "2:8: expected TOML; "),
    ],
)
def test_a_mistake_is_told_with_its_place(write, text: str, told: str) -> None:  # type: ignore[no-untyped-def]
    path = write(text)
    with pytest.raises(RuleError) as caught:
        read_rules(path)
    assert str(caught.value).startswith(f"{path}:{told}"), str(caught.value)


def test_all_mistakes_at_once_in_the_order_of_the_lines(write) -> None:  # type: ignore[no-untyped-def]
    path = write(
        '[actions.x]\ntype = "lamp"\n[rules.a]\nwhen = "any.hapy > 1"\nfor = -1\ndo = ["y"]\nutil = "faces"\n'
    )
    told = check_rules(path).mistakes
    assert [int(line.split(":")[1]) for line in told] == [2, 4, 5, 6, 7]
    with pytest.raises(RuleError, match="and 4 more: mien rules check"):
        read_rules(path)


def test_two_mistakes_alike_at_one_place(write) -> None:  # type: ignore[no-untyped-def]
    told = check_rules(write("rule = 1\naction = 2\n")).mistakes
    assert len(told) == 2


def test_the_network_decides_which_expressions_there_are(write) -> None:  # type: ignore[no-untyped-def]
    path = write('[rules.a]\nwhen = "any.contempt > 0.5"')
    assert read_rules(path, FERPLUS).rules
    assert "there are angry" in check_rules(path).mistakes[0]


def test_sums_of_classes_whose_pleasantness_nobody_told_are_found_before(write) -> None:  # type: ignore[no-untyped-def]
    """As the engine would refuse them; and only where a rule asks for them."""
    asking = '[rules.a]\nwhen = "any.bored > 0.5"\n[rules.b]\nwhen = "any.bored > 0.5"\nuntil = "group.positive < 0.2"'
    path = write(asking)
    [told] = check_rules(path, Labels(("happy", "bored"))).mistakes
    assert told.startswith(f"{path}:4:8: b: when: mapping valence: expected a sentiment for bored too")
    said = Labels(("happy", "bored"), entries={"bored": ClassEntry(valence=-0.4)})
    assert not check_rules(path, said).mistakes
    RuleEngine(read_rules(path, said).rules, said)
    assert not check_rules(
        write(asking.replace("group.positive", "any.happy")), Labels(("happy", "bored"))
    ).mistakes
    [told] = check_rules(write('sentiment = "yin"\n' + asking), Labels(("happy", "bored"))).mistakes
    assert "sentiment: mapping yin" in told or ":1:13: mapping yin" in told


@pytest.mark.parametrize(
    ("value", "told"), [("9" * 5000, "a number of thousands of digits"), ("[" * 5000, "brackets")]
)
def test_what_python_cannot_read_is_a_mistake_with_a_place(write, value: str, told: str) -> None:  # type: ignore[no-untyped-def]
    path = write(f'[rules.a]\nfor = {value}\nwhen = "faces > 0"\n')
    with pytest.raises(RuleError, match=told) as caught:
        read_rules(path)
    assert re.match(rf"{re.escape(str(path))}:\d+:\d+: expected TOML; ", str(caught.value))
    assert ("[" in value) or f"{path}:2:7: " in str(caught.value)
    assert len(str(caught.value)) < 300


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.text(alphabet="\"'[]{}=.,#\\\n aé1-", max_size=6))
def test_whatever_happens_to_a_file_it_is_rules_or_mistakes_with_a_place(
    tmp_path: Path, at: int, gone: int, new: str
) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(GOOD[:at] + new + GOOD[at + gone :], encoding="utf-8")
    try:
        told = check_rules(path).mistakes
    except RuleError as error:  # Not TOML any more.
        told = (str(error),)
    assert all(re.match(rf"{re.escape(str(path))}:\d+:\d+: ", line) for line in told), told


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_rules(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        read_rules(tmp_path / "binary.toml")


def test_windows_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(b"\xef\xbb\xbf" + b'[rules.a]\r\nwhen = "faces > 0"\r\nuntil = "fces"\r\n')
    assert (
        check_rules(path)
        .mistakes[0]
        .startswith(f"{path}:3:10: a: until: 'fces' is unknown: did you mean faces?")
    )


HERE = {
    "a folder in place of a log": (
        'type = "log"\nfile = "."',
        'file = "."',
        "expected a file; . is a folder",
    ),
    "no folder for a log": (
        'type = "log"\nfile = "none/a.jsonl"',
        'file = "none',
        "cannot be: make its folder",
    ),
    "a file in place of a folder": (
        'type = "photo"\nfolder = "rules.toml/photos"',
        'folder = "rules',
        "expected a folder that may be written to",
    ),
    "certificates that are none": (
        'type = "mqtt"\nca = "rules.toml"',
        'ca = "rules',
        "expected certificates in PEM format",
    ),
    "certificates that are not there": (
        'type = "mqtt"\nca = "none.pem"',
        'ca = "none',
        "expected certificates in PEM format; got: No such file",
    ),
    "a program that is not there": (
        'type = "command"\ncommand = ["no-such-program"]',
        'command = ["no',
        "there is no program 'no-such-program'",
    ),
    "rules that MQTT mixes up": ('type = "mqtt"', 'type = "mqtt"', "MQTT would mix them up"),
    "a variable that is not set": (
        'type = "command"\ncommand = ["true"]\nenv = ["NO_SUCH"]',
        'env = ["NO',
        "NO_SUCH is not set",
    ),
    "a token that is not set": (
        'type = "webhook"\nurl = "http://a.b/"\ntoken_env = "NO_SUCH"',
        'token_env = "NO',
        "NO_SUCH is not set",
    ),
    "a broker with a password": (
        'type = "mqtt"\nhost = "u:SECRET@broker"',
        'host = "u:',
        "go into environment variables",
    ),
    "keys that a plug-in does not take": (
        'type = "lamp"\ncolour = 3',
        'type = "lamp"',
        "the plug-in lamp .* refuses: TypeError",
    ),
    "a plug-in that is broken": ('type = "torn"', 'type = "torn"', "the plug-in torn .* refuses"),
}
WRONG_ANYWHERE = (
    "rules that MQTT mixes up",
    "a broker with a password",
    "keys that a plug-in does not take",
)
"""Of these, what is wrong on every computer."""


@pytest.mark.parametrize("kind", HERE)
def test_what_would_be_refused_at_the_start_is_found_before(write, kind, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """`mien rules check` and `mien rules run` say the same, with the place; nothing is made or touched. What only this
    computer lacks is no mistake, and keeps nobody from a dry run."""
    from importlib.metadata import EntryPoint

    from mien.rules.actions import registry as opening

    points = [
        EntryPoint("lamp", "acting_plugins:lamp", opening.GROUP),
        EntryPoint("torn", "acting_plugins:none", opening.GROUP),
    ]
    monkeypatch.setattr(
        opening,
        "entry_points",
        lambda group, name=None: [point for point in points if name in (None, point.name)],
    )
    (tmp_path / "acting_plugins.py").write_text(
        "def lamp(brightness=1):\n    raise SystemExit('it must not be called')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    table, where, message = HERE[kind]
    rules = "".join(
        f'[rules."{name}"]\nwhen = "any.happy > 0.5"\ndo = ["it"]\n'
        for name in ("smile 1", "smile-1" if "mixes" in kind else "smile 2")
    )
    path = write(f"{rules}[actions.it]\n{table}\n")
    before = sorted(tmp_path.iterdir())
    found = check_rules(path)
    [told] = found.mistakes or found.obstacles
    assert bool(found.mistakes) == (found.rules is None) == (kind in WRONG_ANYWHERE)
    assert re.search(message, told)
    assert "SECRET" not in told
    line = next(
        number for number, text in enumerate(path.read_text().splitlines(), 1) if text.startswith(where)
    )
    assert told.startswith(f"{path}:{line}:")
    with pytest.raises(RuleError) as refused:
        read_rules(path)
    assert str(refused.value) == told
    if not found.mistakes:
        assert [rule.name for rule in read_rules(path, dry=True).rules] == ["smile 1", "smile 2"]
    assert sorted(place for place in tmp_path.iterdir() if place.name != "__pycache__") == before
