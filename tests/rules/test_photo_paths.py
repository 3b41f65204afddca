"""Events carry the path of their photo, also where it cannot be saved, and nothing waits in vain."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.labels import Labels
from mien.rules.actions.base import Delivery
from mien.rules.actions.dispatcher import Dispatcher, Retries, SavedPhoto
from mien.rules.actions.log import LogSettings
from mien.rules.actions.photo import Photo, PhotoSettings
from mien.rules.engine import Rule
from mien.rules.rule_file import Action, RuleSet
from mien.rules.runner import RuleRunner

LABELS = Labels(("sad", "happy"))


def run(folder: Path, photo: PhotoSettings, do: tuple[str, ...], smiles: str) -> list[dict[str, object]]:
    """What a log says of a rule about frames that each show a smile (``+``) or none (``-``)."""
    actions = {
        "photo": Action("photo", photo, attempts=1),
        "blurred": Action("photo", PhotoSettings(folder=folder / "blurred", blur=True)),
        "log": Action("log", LogSettings(file=folder / "events.jsonl"), ("start", "end")),
    }
    rules = RuleSet((Rule("smile", "any.happy > 0.7", do=do, labels=LABELS),), actions)
    with RuleRunner(rules, LABELS) as runner:
        for index, sign in enumerate(smiles):
            happy = 0.9 if sign == "+" else 0.1
            faces = Faces(
                [[10, 10, 50, 60]], [1], [index], [index], probs=[[1 - happy, happy]], labels=LABELS
            )
            runner.update(Frame(index, float(index), np.full((80, 80, 3), 100, np.uint8)), faces)
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_the_start_has_the_path_and_the_end_has_none(tmp_path: Path) -> None:
    lines = run(tmp_path, PhotoSettings(folder=tmp_path / "photos"), ("log", "photo"), "+-+-")
    assert [line["kind"] for line in lines] == ["start", "end", "start", "end"], "in their order"
    assert [line["photo"] is None for line in lines] == [False, True, False, True]
    for line in lines[::2]:
        assert Path(str(line["photo"])).parent == tmp_path / "photos"
        assert Path(str(line["photo"])).is_file()


def test_of_two_photos_the_first_is_named(tmp_path: Path) -> None:
    [start] = run(tmp_path, PhotoSettings(folder=tmp_path / "photos"), ("blurred", "photo", "log"), "+")
    assert Path(str(start["photo"])).parent == tmp_path / "blurred"
    assert len(list((tmp_path / "photos").iterdir())) == 1


def test_a_folder_that_is_full_leaves_the_event_without_a_path(tmp_path: Path) -> None:
    settings = PhotoSettings(folder=tmp_path / "photos", most_files=1)
    lines = run(tmp_path, settings, ("photo", "log"), "+-+")
    assert [line["photo"] is None for line in lines] == [False, True, True]


def test_without_a_photo_there_is_none(tmp_path: Path) -> None:
    [start] = run(tmp_path, PhotoSettings(folder=tmp_path / "photos"), ("log",), "+")
    assert start["photo"] is None
    assert not (tmp_path / "photos").exists()


def delivery(number: int) -> Delivery:
    image = np.zeros((9, 9, 3), np.uint8)
    return Delivery(f"{number:06d}", "smile", "start", 1.0, None, "-", 0, {}, 1, lambda blurred: image)


def test_whatever_becomes_of_a_photo_is_told(tmp_path: Path) -> None:
    photographer = Photo(PhotoSettings(folder=tmp_path / "photos"))
    courier = Dispatcher("photo", photographer, Retries(1), lambda line: None)
    saved = [SavedPhoto() for _ in range(3)]
    courier.offer(delivery(0), tells=saved[0])
    assert saved[0].path() is not None
    shutil.rmtree(tmp_path / "photos")
    courier.offer(delivery(1), tells=saved[1])
    assert saved[1].path() is None, "the folder is gone"
    courier.close(time.monotonic())
    courier.offer(delivery(2), tells=saved[2])
    assert courier.close(time.monotonic()) == 2
    assert saved[2].path() is None


@pytest.mark.integration
def test_a_program_gets_it_too(tmp_path: Path) -> None:
    from mien.rules.actions.command import Command, CommandSettings

    command = CommandSettings(command=["sh", "-c", f'printf "%s|" "$MIEN_PHOTO" >> {tmp_path}/said'])
    courier = Dispatcher("program", Command(command), Retries(1), lambda line: None)
    saved = SavedPhoto()
    courier.offer(delivery(0), saved)
    assert not os.path.exists(tmp_path / "said"), "it waits for the photo"
    saved.tell("photos/smile.jpg")
    courier.offer(delivery(1))
    assert courier.close(time.monotonic() + 20) == 0
    assert (tmp_path / "said").read_text() == "photos/smile.jpg||"
