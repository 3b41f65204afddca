"""The doors with the shapes of the packages deepface and rmn."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien import InputError, MediaError
from mien.compat import deepface as DeepFace  # noqa: N812
from mien.compat.rmn import RMN

NAMES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
NOBODY = np.zeros((90, 120, 3), np.uint8)


@pytest.fixture(scope="module")
def smiling(astronaut: np.ndarray) -> np.ndarray:
    """An astronaut, blue green red."""
    return np.ascontiguousarray(astronaut[:240, 100:340, ::-1])


def test_deepface_answers(smiling: np.ndarray) -> None:
    found: Any = DeepFace.analyze(smiling, actions=["emotion"])
    [face] = found[:1]
    assert sorted(face) == ["dominant_emotion", "emotion", "face_confidence", "region"]
    assert list(face["emotion"]) == NAMES
    assert sum(face["emotion"].values()) == pytest.approx(100, abs=0.01)
    assert face["dominant_emotion"] == "happy"
    assert face["emotion"]["happy"] > 80
    assert 0.9 < face["face_confidence"] <= 1
    region = face["region"]
    assert list(region) == ["x", "y", "w", "h", "left_eye", "right_eye"]
    assert region["x"] == pytest.approx(86, abs=10)
    assert region["h"] == pytest.approx(102, abs=12)
    # The person's own left eye is at the right of the image.
    assert region["x"] < region["right_eye"][0] < region["left_eye"][0] < region["x"] + region["w"]
    assert json.loads(json.dumps(face))["region"]["left_eye"] == list(region["left_eye"])


def test_deepface_takes_files_and_several(smiling: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    Image.fromarray(smiling[..., ::-1]).save(path)
    expected = DeepFace.analyze(smiling)
    for given in (path, str(path), path.read_bytes(), BytesIO(path.read_bytes())):
        assert DeepFace.analyze(given, "emotion") == expected
    assert DeepFace.analyze([smiling, path]) == [expected, expected]
    assert DeepFace.analyze(np.stack([smiling, smiling])) == [expected, expected]


def test_deepface_without_a_face() -> None:
    with pytest.raises(ValueError, match="expected a face in the image; got none"):
        DeepFace.analyze(NOBODY)
    found: Any = DeepFace.analyze(NOBODY, enforce_detection=False)
    [face] = found
    assert face["region"] == {"x": 0, "y": 0, "w": 120, "h": 90, "left_eye": None, "right_eye": None}
    assert face["face_confidence"] == 0
    assert DeepFace.analyze(NOBODY, detector_backend="skip") == [face]


def test_deepface_detectors(smiling: np.ndarray) -> None:
    pytest.importorskip("cv2", reason="mien[haar] is not installed")
    found: Any = DeepFace.analyze(smiling, detector_backend="opencv")
    [face] = found
    assert face["region"]["left_eye"] is None
    assert face["dominant_emotion"] == "happy"
    with pytest.warns(UserWarning, match="mien has no retinaface; MTCNN finds the faces") as told:
        assert DeepFace.analyze(smiling, detector_backend="retinaface") == DeepFace.analyze(smiling)
    assert told[0].filename == __file__


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: DeepFace.analyze(NOBODY, actions=("age", "emotion", "race")),
            "got age, race: mien reads what a face shows, not who somebody is",
        ),
        (lambda: DeepFace.analyze(NOBODY, actions=["smile"]), "actions: expected emotion; got 'smile'"),
        (lambda: DeepFace.analyze(NOBODY, actions=[]), "got none"),
        (lambda: DeepFace.analyze(NOBODY, anti_spoofing=True), "anti_spoofing: expected False"),
        (
            lambda: DeepFace.analyze(NOBODY, detector_backend="eyes"),
            "detector_backend: expected one of mtcnn",
        ),
        (lambda: DeepFace.analyze("http://example.org/a.jpg"), "mien fetches nothing"),
        (lambda: DeepFace.analyze("nowhere.jpg"), "nowhere.jpg"),
        (lambda: DeepFace.analyze(None), "got NoneType"),
        (lambda: RMN(face_detector=False).detect_faces(NOBODY), r"expected RMN\(\) to search"),
    ],
)
def test_what_mien_does_not_do_is_told_in_one_line(call: Callable[[], object], message: str) -> None:
    with pytest.raises((InputError, MediaError), match=message) as told:
        call()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("name", ["verify", "find", "represent", "stream"])
def test_what_deepface_has_besides_says_why_it_is_missing(name: str) -> None:
    with pytest.raises(
        AttributeError, match=f"{name}: mien has analyze alone of deepface: it identifies nobody"
    ):
        getattr(DeepFace, name)


@pytest.fixture(scope="module")
def rmn() -> RMN:
    return RMN()


def test_rmn_reads_a_frame(rmn: RMN, smiling: np.ndarray) -> None:
    result = rmn.detect_emotion_for_single_frame(smiling)[0]
    assert list(result) == ["xmin", "ymin", "xmax", "ymax", "emo_label", "emo_proba", "proba_list"]
    assert all(type(result[key]) is int for key in ("xmin", "ymin", "xmax", "ymax"))
    assert result["emo_label"] == "happy"
    assert [list(entry) for entry in result["proba_list"]] == [[name] for name in NAMES]
    assert result["emo_proba"] == result["proba_list"][3]["happy"] > 0.8
    assert sum(share for entry in result["proba_list"] for share in entry.values()) == pytest.approx(
        1, abs=1e-4
    )
    assert rmn.detect_faces(smiling)[0] == {key: result[key] for key in ("xmin", "ymin", "xmax", "ymax")}
    assert rmn.detect_emotion_for_single_frame(NOBODY) == []


def test_rmn_reads_a_cut_face(rmn: RMN, smiling: np.ndarray) -> None:
    corners = rmn.detect_faces(smiling)[0]
    face = smiling[corners["ymin"] : corners["ymax"], corners["xmin"] : corners["xmax"]]
    for reader in (rmn, RMN(face_detector=False)):
        label, proba, shares = reader.detect_emotion_for_single_face_image(face)
        assert label == "happy"
        assert proba == shares[3]["happy"]


def test_rmn_draws_into_the_frame(rmn: RMN, smiling: np.ndarray) -> None:
    frame = smiling.copy()
    results = rmn.detect_emotion_for_single_frame(frame)
    assert rmn.draw(frame, results) is frame
    assert (frame != smiling).any()
    gray = smiling[..., 0].copy()
    assert rmn.draw(gray, results).shape == smiling.shape
    untouched = smiling.copy()
    assert np.array_equal(rmn.draw(untouched, []), smiling)
