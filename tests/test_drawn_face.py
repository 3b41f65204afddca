"""Drawn faces: what is asked of one is seen by the detector and by the network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mien import Pipeline
from mien.core.drawn_face import SMILING, Look, draw_portrait, person

SURPRISED = Look(smile=0, jaw=0.8, brows=(1, 1), lids=(1.2, 1.2))


@pytest.mark.parametrize("number", range(8))
def test_everybody_is_found_and_smiles_when_asked_to(number: int, pipeline: Pipeline) -> None:
    happy = []
    for smile in (1.0, 0.0):
        [face] = pipeline(draw_portrait(200, replace(person(number), smile=smile)))
        happy.append(face.probs["happy"])
    assert happy[0] > 0.8
    assert happy[1] < 0.2


def test_an_open_mouth_and_raised_brows_are_surprise(pipeline: Pipeline) -> None:
    [face] = pipeline(draw_portrait(look=SURPRISED))
    assert face.emotion == "surprise"


@pytest.mark.parametrize(
    "change",
    [
        {"smile": 0.0},
        {"smile": -1.0},
        {"jaw": 1.0},
        {"brows": (1.0, 0.0)},
        {"frown": 1.0},
        {"lids": (1.0, 0.0)},
        {"skin": "#5f3b28"},
        {"hair": "#ffffff"},
        {"shirt": "#ffffff"},
        {"background": "#ffffff"},
    ],
)
def test_each_part_of_a_look_is_seen(change: dict[str, Any]) -> None:
    assert (draw_portrait() != draw_portrait(look=replace(SMILING, **change))).any()


def test_one_eye_alone_is_the_left_one_as_seen() -> None:
    differs = (draw_portrait() != draw_portrait(look=Look(lids=(0.0, 1.0)))).any(axis=(0, 2))
    assert np.flatnonzero(differs).max() < 120
