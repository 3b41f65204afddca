"""Pipelines, sessions, results and errors go to other processes and come back the same."""

from __future__ import annotations

import copy
import inspect
import io
import json
import multiprocessing
import pickle
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien import Faces, Frame, MienError, NetworkError, Pipeline, Session, analyze
from mien.core import errors
from mien.core.errors import DeliveryError, LostError, MediaError, RuleError
from mien.inference.card import read_card, read_network
from mien.inference.onnx_session import open_graph
from mien.inference.weights import network_path
from mien.rules.actions.base import Mistake, SettingsError


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def alike(one: Faces, other: Faces) -> bool:
    """Whether two records hold the same bits."""
    columns = [name for name in vars(one) if isinstance(getattr(one, name), np.ndarray)]
    assert {"boxes", "probs"} <= set(columns)
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in columns)


PIPELINES: dict[str, dict[str, Any]] = {
    "the default": {},
    "blaze, flip": {"detector": "blaze", "tta": "flip", "min_confidence": 0.9},
    "auto, largest": {"detector": "auto", "largest": True},
    "haar": {"detector": "haar", "min_face": 33},
    "landmarks, ferplus": {"landmarks": True, "head": "ferplus", "valence": {"happy": 0.5}},
}


@pytest.mark.parametrize("options", PIPELINES.values(), ids=PIPELINES)
def test_pipelines_are_copied_and_pickled(options: dict[str, Any], portrait: np.ndarray) -> None:
    if options.get("detector") == "haar":
        pytest.importorskip("cv2")
    pipeline = Pipeline(threads=1, **options)
    expected = pipeline(portrait)
    assert len(expected) == 1
    for other in (again(pipeline), copy.copy(pipeline), copy.deepcopy(pipeline)):
        assert alike(other(portrait), expected)
        assert other.labels == pipeline.labels
        assert other.largest == pipeline.largest
    assert len(pickle.dumps(pipeline)) < 5_000


def test_copies_share_what_takes_room(pipeline: Pipeline) -> None:
    assert copy.deepcopy(pipeline).classifier.network is pipeline.classifier.network
    first, second = again(pipeline), again(pipeline)
    assert first.classifier.network is second.classifier.network


def test_a_session_goes_on_elsewhere(astronaut: np.ndarray, pipeline: Pipeline) -> None:
    frames = [Frame(index, index / 10, np.roll(astronaut, 2 * index, axis=1)) for index in range(8)]
    session = Session(pipeline)
    session.update(frames[:4])
    others = [again(session), copy.deepcopy(session)]
    expected = session.update(frames[4:])
    for other in others:
        assert all(map(alike, other.update(frames[4:]), expected))
        assert json.dumps(other.state()) == json.dumps(session.state())


def test_results_keep_everything(portrait: np.ndarray, pipeline: Pipeline) -> None:
    results = analyze([portrait, b"nothing", "none.jpg"], pipeline=pipeline)
    for other in (again(results), copy.deepcopy(results)):
        assert other.rows() == results.rows()
        assert [str(error) for error in other.errors] == [str(error) for error in results.errors]
        assert [error.kind for error in other.errors] == ["unreadable", "missing"]
    assert alike(again(results.faces), results.faces)
    [face] = again(results.faces)
    assert face == results.faces[0]


def _every(kind: type[MienError]) -> Iterator[type[MienError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _every(child)


GIVEN: dict[type[MienError], tuple[tuple[Any, ...], dict[str, Any]]] = {
    MediaError: (("a.jpg: gone", "missing"), {}),
    LostError: (("camera:0: gone", "missing"), {"final": True}),
    RuleError: (("rule: wrong", 7), {}),
    SettingsError: (([Mistake(("lamp", 0), "expected a colour; got none", 3)],), {}),
    DeliveryError: (("not delivered",), {"again": False}),
}


@pytest.mark.parametrize("kind", list(_every(errors.MienError)), ids=lambda kind: kind.__name__)
def test_errors_come_back(kind: type[MienError]) -> None:
    needed = [one for one in inspect.signature(kind).parameters.values() if one.default is one.empty]
    args, options = GIVEN.get(kind, (("rtsp://anna:secret@door.local/1: wrong",) * max(1, len(needed)), {}))
    error = kind(*args, **options)
    error.add_note("a note")
    for other in (again(error), copy.copy(error)):
        assert type(other) is kind
        assert str(other) == str(error)
        assert other.__dict__ == error.__dict__
        assert other.__notes__ == ["a note"]


def test_a_file_that_has_changed_is_refused(tmp_path: Path, portrait: np.ndarray) -> None:
    model = tmp_path / "mine.onnx"
    shutil.copy(network_path("small-int8"), model)
    pipeline = Pipeline(model=model, threads=1)
    sent = pickle.dumps(pipeline)
    assert alike(pickle.loads(sent)(portrait), pipeline(portrait))
    other = pickle.dumps(Pipeline(model=shutil.copy(model, tmp_path / "other.onnx"), threads=1))
    shutil.copy(network_path("small"), tmp_path / "other.onnx")
    with pytest.raises(
        NetworkError, match=r"other\.onnx: expected the network that was pickled; got another"
    ):
        pickle.loads(other)


def test_what_cannot_be_pickled_says_so(portrait: np.ndarray) -> None:
    path = network_path("small-int8")
    graph = open_graph(read_network(path), read_card(path), path)
    with pytest.raises(TypeError, match=r"small-int8\.onnx: .* changed in memory, which cannot be pickled"):
        pickle.dumps(graph)

    class Mine:
        name = "mine"

        def detect(self, images: Sequence[np.ndarray]) -> list[Faces]:
            return [Faces([[0, 0, 20, 25]], [1], [0], [0]) for _ in images]

    with pytest.raises((AttributeError, pickle.PicklingError), match=r"local.*Mine"):
        pickle.dumps(Pipeline(Mine(), threads=1))


def where(pipeline: Pipeline, image: np.ndarray) -> tuple[Faces, int]:
    """The faces in an image, and which process has read it."""
    return pipeline(image), multiprocessing.current_process().pid


@pytest.mark.integration
def test_processes_that_are_started_anew_give_the_same_bits(portrait: np.ndarray, pipeline: Pipeline) -> None:
    images = [portrait, portrait[:, ::-1].copy(), np.zeros((40, 50, 3), np.uint8), portrait[::2, ::2].copy()]
    expected = [pipeline(image) for image in images]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as workers:
        for faces, alone in zip(workers.map(pipeline, images), expected, strict=True):
            assert alike(faces, alone)
        error = workers.submit(pipeline, io.BytesIO(b"nothing").getvalue()).exception()
        _, there = workers.submit(where, pipeline, portrait).result()
    assert isinstance(error, MediaError)
    assert "got a text file" in str(error)
    assert there != multiprocessing.current_process().pid
