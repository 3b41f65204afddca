"""Classes as somebody names them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mien.core.errors import InputError
from mien.core.labels import ClassEntry, Labels
from mien.data.label_file import open_labels

SAID = {"bored": ClassEntry(-0.4, "#0072b2", "😴")}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "name,valence,colour,icon\nJoy,,,\nbored,-0.4,#0072b2,😴\n"),
        (
            "labels.json",
            json.dumps(["joy", {"name": "bored", "valence": -0.4, "colour": "#0072b2", "icon": "😴"}]),
        ),
        (
            "labels.json",
            json.dumps({"joy": {}, "bored": {"valence": -0.4, "colour": "#0072b2", "icon": "😴"}}),
        ),
    ],
)
def test_files_say_what_is_known_of_classes(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    labels = open_labels(tmp_path / name)
    assert labels.names == ("happy", "bored")
    assert dict(labels.entries) == SAID
    assert (labels.colour("bored"), labels.icon("bored"), labels.valences) == ("#0072b2", "😴", (1.0, -0.4))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.txt", "\ufeffhappy\n\nskuka\n"),
        ("labels.csv", "happy\nskuka\n"),
        ("labels.json", '["happy", "skuka"]'),
        ("config.json", '{"model": "x", "id2label": {"1": "skuka", "0": "happy"}}'),
    ],
)
def test_names_alone_are_enough(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert open_labels(tmp_path / name).names == ("happy", "skuka")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "happy\n", "at least two distinct class names"),
        ("a.csv", "happy,1\nsad,2\n", "expected a column name"),
        ("a.csv", "name,mood\nhappy,1\nsad,2\n", "happy: expected valence, colour, icon; got mood"),
        ("a.csv", "name,valence\nhappy,much\nsad,2\n", "happy: expected a valence from -1 to 1; got 'much'"),
        ("a.csv", "name,valence\nhappy,1\nsad,-2\n", "sad: expected a valence from -1 to 1; got -2"),
        ("a.csv", "name,colour\nhappy,blue\nsad,\n", "happy: expected a colour as #rrggbb"),
        ("a.csv", "name,icon\nhappy,123456789\nsad,\n", "happy: expected an icon of up to eight characters"),
        (
            "a.csv",
            "valence,name\n0.5\n1,sad\n",
            "expected 2 columns in each row (valence, name); got 1 (0.5)",
        ),
        ("a.csv", 'name,valence\na "b, c,1\nd,2\n', 'got 3 (a "b, c, 1)'),
        ("a.txt", "happy\nuncertain\n", "other column for; got uncertain: name it otherwise"),
        ("a.json", '["happy", "smoothed_happy", "Time", "yaw"]', "got smoothed_happy, time, yaw: name"),
        ("a.json", "{", "expected names with commas"),
        ("a.json", "[" + "9" * 5000 + "]", "or .json; a number of thousands of digits: correct it"),
        ("a.json", "7", "expected a list or an object"),
        ("a.json", '[["a"]]', "expected names, or objects with a name"),
        ("a.json", '{"0": "a", "2": "b"}', "by the numbers 0 to 1; got 0, 2"),
        ("absent.txt", None, "check the path"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(name: str, text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        open_labels(tmp_path / name)
    assert message in str(refused.value)
    assert str(tmp_path / name) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_thirty_classes_in_any_script_have_colours_that_differ() -> None:
    names = tuple(f"{letter}скука" for letter in "бвгдежзийклмнопрстуфхцчшщэюяё")
    labels = Labels(names)
    colours = [labels.colour(name) for name in names]
    assert len(names) == 29
    assert len(set(colours)) == 29
    assert labels.icon(names[0]) == "Б"


def test_colours_that_were_said_are_not_given_again() -> None:
    first = Labels(("bored", "calm")).colour("bored")
    labels = Labels(("bored", "calm"), entries={"calm": ClassEntry(colour=first)})
    assert labels.colour("calm") == first != labels.colour("bored")


def test_more_classes_than_colours_begin_again() -> None:
    labels = Labels(tuple(f"class {number}" for number in range(100)))
    assert all(labels.colour(name).startswith("#") for name in labels)
