from __future__ import annotations

from pathlib import Path

import pytest

from mien.core.labels import ClassEntry, Labels
from mien.models.adoption import Told, look_at
from tests.adoption.making_models import COLOURS, Made, write_faces


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier as another program exported it: rows of pixels first, blue first, softmax inside, one at a time."""
    made = Made(layout="NHWC", softmax=True, batch=1, bgr=True, side=112)
    return made.write(tmp_path_factory.mktemp("other") / "other.onnx")


@pytest.fixture(scope="session")
def adopted(other: Path) -> Path:
    """The same as a model file of mien's."""
    entries = {"bored": ClassEntry(colour="#0072b2", icon="😴")}
    told = Told(Labels(tuple(COLOURS), entries=entries), colour="bgr", mean=(0.5,), std=(0.5,))
    path = other.with_name("adopted.onnx")
    look_at(other, told).write(path)
    return path


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Faces that the classifier tells apart, in class folders of two splits."""
    return write_faces(tmp_path_factory.mktemp("labelled") / "faces")
