"""A run that goes on measures what it would have measured without the break."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.core.errors import NetworkError
from mien.core.faces import Faces
from mien.inference.pipeline import Pipeline
from mien.inference.weights import part_path
from mien.video.runner import ResumePoint, process_frames

pytestmark = pytest.mark.integration


def measures(faces: list[Faces]) -> np.ndarray:
    table = Faces.concatenate(faces).measures
    assert table is not None
    return np.asarray(table)


def test_a_run_goes_on_to_the_same_measures(shared_media: Path) -> None:
    for part in ("facemesh", "facemesh-eyes"):
        try:
            part_path(part)
        except NetworkError:
            pytest.skip("mien was built without npm, which brings the networks of the landmarks")
    clip, pipeline = shared_media / "one_face.mp4", Pipeline(threads=1, landmarks=True)
    whole = list(process_frames([clip], pipeline, starts={0: ResumePoint(every=0.0)}))
    assert all(frame.result.faces.mesh is None for frame in whole)
    movement = measures([frame.result.faces for frame in whole])[:, -1]
    assert np.isnan(movement[0])
    assert (movement[4:] > 0).all()
    stop = next(index for index, frame in enumerate(whole) if index > 30 and frame.state is not None)
    state = json.loads(json.dumps(whole[stop].state))
    rest = process_frames([clip], pipeline, starts={0: ResumePoint(stop + 1, state)})
    np.testing.assert_array_equal(
        measures([frame.result.faces for frame in rest]),
        measures([frame.result.faces for frame in whole[stop + 1 :]]),
    )


def test_who_does_not_ask_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr("mien.inference.pipeline.FaceMesh", refused)
    assert Pipeline(threads=1).mesh is None
    with pytest.raises(AssertionError, match="opened"):
        Pipeline(threads=1, landmarks=True)
