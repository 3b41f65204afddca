"""Points drawn on images and copies: where faces are, of those that could be measured, and never on covered ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien import EXPRESSIONS, Faces, FrameResult, Pipeline, analyze
from mien.core.contours import CONTOURS, edges
from mien.core.errors import NetworkError
from mien.core.measures import REASONS
from mien.inference.landmarks.mesh import FaceMesh
from mien.inference.landmarks.pose import canonical
from mien.inference.weights import part_path
from mien.media import open_media
from mien.media.blur import Blur, blur
from mien.media.draw import draw
from mien.outputs.annotate import annotate_image, annotate_video, covered_boxes

CENTRES = ((70, 80), (210, 80))
NOISE = np.random.default_rng(0).integers(60, 180, (240, 280, 3), np.uint8)


def placed(centre: tuple[float, float], scale: float = 40) -> np.ndarray:
    return (canonical() * scale + (*centre, 0)).astype(np.float32)


def two(reasons: tuple[str, str] = ("", ""), tracks: tuple[int, int] | None = (1, 2)) -> Faces:
    """Two faces side by side, whose points are not known yet."""
    boxes = [[x - 30, y - 40, x + 30, y + 55] for x, y in CENTRES]
    probs = np.tile(np.eye(7)[EXPRESSIONS.index("happy")], (2, 1))
    return Faces(
        boxes,
        [1, 1],
        [0, 0],
        [0, 0],
        tracks=tracks,
        probs=probs,
        measures=np.full((2, 16), 0.1),
        measure_reasons=[REASONS.index(reason) for reason in reasons],
        labels=EXPRESSIONS,
    )


class Known:
    """Knows where the points of `two` are, and keeps what it was asked."""

    def __init__(self, score: float = 1.0) -> None:
        self.score = score
        self.asked: list[list[float]] = []
        self.images: list[np.ndarray] = []

    def find(self, image: np.ndarray, faces: Faces) -> tuple[np.ndarray, np.ndarray]:
        middles = (faces.boxes[:, 0] + faces.boxes[:, 2]) / 2
        self.asked.append(middles.tolist())
        self.images.append(image)
        points = [placed((x, CENTRES[0][1])) for x in middles]
        return np.array(points).reshape(-1, 468, 3), np.full(len(faces), self.score, np.float32)


def lines(image: np.ndarray, plain: np.ndarray) -> list[bool]:
    """On which of the two faces anything else is drawn."""
    changed = (image != plain).any(axis=2)
    return [bool(changed[:, :140].any()), bool(changed[:, 140:].any())]


def copy(tmp_path: Path, faces: Faces, mesh: object, covering: Blur | None = None) -> np.ndarray:
    path = tmp_path / "copy.png"
    annotate_image(path, NOISE, FrameResult("a.png", 0, 0.0, faces), covering, mesh)  # type: ignore[arg-type]
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


def test_every_line_surrounds_what_it_is_called() -> None:
    face = canonical()
    middles = {name: face[list(points[:-1])].mean(axis=0) for name, points in CONTOURS.items()}
    assert middles["left_eye"][0] < 0 < middles["right_eye"][0]
    assert middles["left_brow"][1] < middles["left_eye"][1] < middles["outer_lips"][1]
    for name, other in (("left_brow", "right_brow"), ("left_eye", "right_eye")):
        np.testing.assert_allclose(middles[name] * (-1, 1, 1), middles[other], atol=1e-3)
    oval = face[list(CONTOURS["oval"]), :2]
    for name, points in CONTOURS.items():
        # No jumps: a wrong point makes a line across the face.
        steps = np.linalg.norm(np.diff(face[list(points)], axis=0), axis=1)
        assert points[0] == points[-1], name
        assert steps.max() < 0.25, name
        assert len(set(points)) == len(points) - 1, name
        assert (face[list(points), :2] >= oval.min(axis=0) - 1e-6).all(), name
        assert (face[list(points), :2] <= oval.max(axis=0) + 1e-6).all(), name
    assert len(edges()) == sum(len(points) - 1 for points in CONTOURS.values())


def test_lines_go_through_the_points_and_nowhere_else() -> None:
    image = np.full((160, 280, 3), 120, np.uint8)
    faces = two()
    drawn = draw(image, faces.with_columns(mesh=[placed(centre) for centre in CENTRES]))
    plain = draw(image, faces)
    changed = (drawn != plain).any(axis=2)
    points = np.concatenate(
        [placed(centre)[list(line), :2] for centre in CENTRES for line in CONTOURS.values()]
    )
    inside = points[(points >= 0).all(axis=1) & (points[:, 1] < 158)]
    near = [changed[int(y) : int(y) + 2, int(x) : int(x) + 2].any() for x, y in inside]
    assert np.mean(near) > 0.9, "the boxes and labels cover the rest"
    rows, columns = np.nonzero(changed)
    far = np.abs(np.stack([columns, rows], axis=1)[:, None] - points[None]).max(axis=2).min(axis=1)
    assert far.max() < 12, "half of the longest step between two points, and the width"
    assert drawn[changed].max() > 200, "light lines"
    assert drawn[changed].min() < 90, "with a dark rim"


@pytest.mark.parametrize("reason", REASONS[1:])
def test_a_face_that_could_not_be_measured_has_no_lines(reason: str, tmp_path: Path) -> None:
    image = np.full((160, 280, 3), 120, np.uint8)
    faces = two((reason, ""))
    drawn = draw(image, faces.with_columns(mesh=[placed(centre) for centre in CENTRES]))
    assert lines(drawn, draw(image, faces)) == [False, True]
    known = Known()
    assert lines(copy(tmp_path, faces, known), copy(tmp_path, faces, None)) == [False, True]
    assert known.asked == [[CENTRES[1][0]]]


def test_no_face_seen_by_now_is_no_line(tmp_path: Path) -> None:
    assert lines(copy(tmp_path, two(), Known(0.3)), copy(tmp_path, two(), None)) == [False, False]


@pytest.mark.parametrize(
    ("rule", "shown"),
    [("all", [False, False]), ("2", [True, False]), ("1", [False, True]), ("all but 2", [False, True])],
)
def test_points_are_neither_drawn_nor_looked_for_on_covered_faces(
    rule: str, shown: list[bool], tmp_path: Path
) -> None:
    covering, known = Blur.parse(rule), Known()
    drawn, plain = (copy(tmp_path, two(), mesh, covering) for mesh in (known, None))
    assert lines(drawn, plain) == shown
    asked = [centre[0] for centre, there in zip(CENTRES, shown, strict=True) if there]
    assert [x for one in known.asked for x in one] == asked
    # What it is given is what the copy shows: somebody who is taken for another person is covered there as well.
    hidden = two().boxes[[not there for there in shown]]
    assert all((image == blur(NOISE, hidden)).all() for image in known.images)


def test_points_of_results_that_hold_them_are_not_drawn_on_covered_faces(tmp_path: Path) -> None:
    faces = two().with_columns(mesh=[placed(centre) for centre in CENTRES])
    for mesh in (None, Known()):
        covered = copy(tmp_path, faces, mesh, Blur())
        assert lines(covered, copy(tmp_path, two(), None, Blur())) == [False, False]


def test_results_without_landmarks_get_no_points(tmp_path: Path) -> None:
    """Such as rows that were saved before anybody asked for them."""
    known = Known()
    saved = two().with_columns(measures=None, measure_reasons=None)
    assert (copy(tmp_path, saved, known) == copy(tmp_path, saved, None)).all()
    assert known.asked == []


@pytest.mark.parametrize("centre", [(0, 0), (-25, 60), (139, 160), (1000, 1000), (-5000, 40)])
@pytest.mark.parametrize("scale", [0.01, 40, 700])
def test_points_beyond_the_edge_are_left_out(centre: tuple[float, float], scale: float) -> None:
    face = two()[:1].with_columns(mesh=placed(centre, scale)[None])
    assert draw(np.zeros((160, 140, 3), np.uint8), face).shape == (160, 140, 3)


def test_a_copy_that_is_enlarged_has_its_points_where_the_face_is(tmp_path: Path) -> None:
    image = np.full((60, 70, 3), 120, np.uint8)
    face = Faces(
        [[20, 15, 50, 55]],
        [1],
        [0],
        [0],
        probs=np.eye(7)[:1],
        measures=np.full((1, 16), 0.1),
        measure_reasons=[0],
        labels=EXPRESSIONS,
    )

    class Small:
        def find(self, image: np.ndarray, faces: Faces) -> tuple[np.ndarray, np.ndarray]:
            return placed((35, 30), 15)[None], np.ones(1, np.float32)

    out = []
    for mesh in (Small(), None):
        annotate_image(tmp_path / "a.png", image, FrameResult("a.png", 0, 0.0, face), None, mesh)  # type: ignore[arg-type]
        with Image.open(tmp_path / "a.png") as opened:
            out.append(np.asarray(opened.convert("RGB")))
    assert out[0].shape == (240, 280, 3)
    rows, columns = np.nonzero((out[0] != out[1]).any(axis=2))
    assert np.median(columns) == pytest.approx(4 * 35, abs=6)
    assert columns.max() - columns.min() == pytest.approx(4 * 15 * np.ptp(canonical()[:, 0]), rel=0.1)
    assert rows.max() > 160, "the chin"


# Real points


@pytest.fixture(scope="module")
def landmarks() -> Pipeline:
    try:
        part_path("facemesh")
    except NetworkError:
        pytest.skip("mien was built without npm, which brings the network of the landmarks")
    return Pipeline(threads=1, landmarks=True)


def frames(path: Path) -> list[np.ndarray]:
    with open_media(path) as media:
        return [frame.image.astype(int) for frame in media]


@pytest.mark.integration
def test_a_copy_of_a_video_has_points_on_the_second_pass(
    movie: Callable[..., Path], landmarks: Pipeline, tmp_path: Path
) -> None:
    source = movie(8, nobody=range(3, 5))
    [video] = analyze(source, pipeline=landmarks)
    assert video.faces.mesh is None, "they are found again"
    for name, mesh in (("with.mp4", landmarks.mesh), ("without.mp4", None)):
        with open_media(source) as media:
            annotate_video(tmp_path / name, media, video.results(), mesh=mesh)
    changed = [
        float((np.abs(one - other).max(axis=2) > 40).mean())
        for one, other in zip(frames(tmp_path / "with.mp4"), frames(tmp_path / "without.mp4"), strict=True)
    ]
    assert all(share > 0.005 for at, share in enumerate(changed) if at not in range(3, 5))
    assert max(changed[3:5]) < 0.002


@pytest.mark.integration
def test_a_covered_copy_of_a_video_has_none(
    movie: Callable[..., Path], landmarks: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = movie(4, nobody=range(0))
    [video] = analyze(source, pipeline=landmarks)
    asked: list[int] = []
    find = FaceMesh.find

    def counted(self: FaceMesh, image: np.ndarray, faces: Faces) -> tuple[np.ndarray, np.ndarray]:
        asked.append(len(faces))
        return find(self, image, faces)

    monkeypatch.setattr(FaceMesh, "find", counted)
    copies = []
    for mesh in (landmarks.mesh, None):
        with open_media(source) as media:
            place = tmp_path / f"{mesh is None}.mp4"
            boxes = covered_boxes(video.results(), Blur())
            annotate_video(place, media, video.results(), boxes, Blur(), mesh=mesh)
        copies.append(frames(place))
    assert sum(asked) == 0
    assert all((one == other).all() for one, other in zip(*copies, strict=True))


@pytest.mark.integration
def test_real_faces_have_their_lines_where_they_are(
    shared_media: Path, landmarks: Pipeline, tmp_path: Path
) -> None:
    image = np.asarray(Image.open(shared_media / "many_faces.jpg").convert("RGB"))
    faces = landmarks(image)
    result = FrameResult("many_faces.jpg", 0, 0.0, faces)
    out = []
    for mesh in (landmarks.mesh, None):
        annotate_image(tmp_path / "a.png", image, result, None, mesh)
        with Image.open(tmp_path / "a.png") as opened:
            out.append(np.asarray(opened.convert("RGB")))
    rows, columns = np.nonzero((out[0] != out[1]).any(axis=2))
    around = faces.boxes + np.array([-1, -1, 1, 1]) * 0.25 * np.ptp(faces.boxes[:, [0, 2]], axis=1)[:, None]
    within = (
        (columns[:, None] >= around[:, 0])
        & (columns[:, None] <= around[:, 2])
        & (rows[:, None] >= around[:, 1])
        & (rows[:, None] <= around[:, 3])
    )
    assert within.any(axis=1).all()
    assert (within.sum(axis=0) > 300).all(), "each of the five"
