"""The door for scripts that were written for the package fer."""

from __future__ import annotations

import base64
import csv
import math
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image

from mien import InputError, MediaError, MissingExtraError
from mien.compat.fer import FER, Video
from mien.media import open_media

NAMES = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
NUMBERED = ["box0", *(f"{name}0" for name in NAMES), "track0", "frame", "time"]
PLAIN = ["box", *NAMES, "track", "frame", "time"]


@pytest.fixture(scope="module")
def fer() -> FER:
    return FER()


def png(image: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def test_a_face_has_a_box_and_seven_emotions(fer: FER, astronaut: np.ndarray) -> None:
    face, *_ = fer.detect_emotions(astronaut[..., ::-1])
    assert list(face) == ["box", "emotions"]
    assert list(face["emotions"]) == NAMES
    assert all(type(value) is int for value in face["box"])
    assert all(type(value) is float for value in face["emotions"].values())
    assert sum(face["emotions"].values()) == pytest.approx(1, abs=1e-4)
    x, y, width, height = face["box"]
    # Eileen Collins' face in this image.
    assert (x, y) == pytest.approx((186, 64), abs=12)
    assert (width, height) == pytest.approx((77, 102), abs=12)
    assert fer.find_faces(astronaut[..., ::-1])[0] == face["box"]
    name, score = fer.top_emotion(astronaut[..., ::-1])
    assert name == "happy"
    assert score == face["emotions"]["happy"] > 0.8


def test_arrays_are_blue_green_red(fer: FER, astronaut: np.ndarray, tmp_path: Path) -> None:
    """A file, whose colours nobody can take for others, and its pixels in OpenCV's order are the same
    image.
    """
    astronaut = np.ascontiguousarray(astronaut[:224, 110:334])
    path = tmp_path / "astronaut.png"
    path.write_bytes(png(astronaut))
    expected = fer.detect_emotions(str(path))
    packed = "data:image/png;base64," + base64.b64encode(png(astronaut)).decode()
    opaque = np.dstack([astronaut[..., ::-1], np.full(astronaut.shape[:2], 255, np.uint8)])
    for given in (path, png(astronaut), BytesIO(png(astronaut)), packed, astronaut[..., ::-1], opaque):
        assert fer.detect_emotions(given) == expected
    assert fer.detect_emotions(astronaut) != expected
    gray = np.asarray(Image.fromarray(astronaut).convert("L"))
    assert fer.detect_emotions(gray) == fer.detect_emotions(gray[..., None])
    assert len(fer.detect_emotions(gray)) >= 1


def test_nobody(fer: FER) -> None:
    nobody = np.zeros((90, 90, 3), np.uint8)
    assert fer.detect_emotions(nobody) == []
    assert fer.top_emotion(nobody) == (None, None)
    assert fer.find_faces(nobody) == []
    assert fer.batch_detect_emotions([nobody, nobody]) == [[], []]


def test_known_faces_are_read_where_they_are(fer: FER, portrait: np.ndarray) -> None:
    [[x, y, width, height]] = fer.find_faces(portrait[..., ::-1])
    rectangles = np.array([[x, y, width, height], [x + 3, y, width, height]])
    first, second = fer.detect_emotions(portrait[..., ::-1], rectangles)
    assert first["box"] == [x, y, width, height]
    assert second["box"][0] == x + 3
    assert first["emotions"] == pytest.approx(
        fer.detect_emotions(portrait[..., ::-1])[0]["emotions"], abs=0.02
    )
    assert fer.detect_emotions(portrait[..., ::-1], []) == []


def test_detectors(astronaut: np.ndarray) -> None:
    pytest.importorskip("cv2", reason="mien[haar] is not installed")
    image = astronaut[:240, 100:340, ::-1]
    cases: list[tuple[dict[str, Any], str, int]] = [
        ({}, "mtcnn", 40),
        ({"mtcnn": True}, "mtcnn", 20),
        ({"mtcnn": False}, "haar", 54),
    ]
    for options, name, least in cases:
        fer = FER(**options)
        assert (fer.pipeline.detector.name, fer.pipeline.detector.min_face) == (name, least)  # type: ignore[attr-defined]
        assert fer.top_emotion(image)[0] == "happy"
        assert FER(**options, min_face_size=150).detect_emotions(image) == []


def test_the_cascade_needs_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"pip install '.*\[haar\]'"):
        FER(mtcnn=False)
    assert FER().find_faces(np.zeros((50, 50, 3), np.uint8)) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: FER(cascade_file="my.xml"), "cascade_file: expected None"),
        (lambda: FER(tfserving=True), "tfserving: expected False"),
        (lambda: FER(min_face_size=0), "min_face_size: expected 1 px or more"),
    ],
)
def test_what_mien_does_not_do_is_told(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        wrong()


def test_options_without_effect_are_remarked() -> None:
    with pytest.warns(UserWarning, match="scale_factor, offsets: without effect in mien"):
        FER(mtcnn=True, scale_factor=1.3, offsets=(5, 5))
    FER(mtcnn=True, use_tflite=False, scale_factor=1.1, min_neighbors=5, offsets=[10, 10])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("https://example.org/face.jpg", "mien fetches nothing"),
        ("nowhere.png", "nowhere.png"),
        ("data:image/png;base64,%%%", "in base64"),
        (b"not an image", "expected an image or a video"),
        (None, "got NoneType"),
        (np.zeros((4, 4, 3)), "dtype uint8"),
        (np.zeros((4, 4, 2), np.uint8), "shape"),
    ],
)
def test_what_is_no_image_is_told(fer: FER, given: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fer.detect_emotions(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("rectangles", [[[1, 2, 3]], [[0, 0, 0, 5]], [1, 2, 3, 4]])
def test_rectangles_of_another_shape_are_told(fer: FER, rectangles: list[Any]) -> None:
    with pytest.raises(InputError, match="face_rectangles: expected x, y, width, height"):
        fer.detect_emotions(np.zeros((20, 20, 3), np.uint8), rectangles)


def test_a_row_for_every_frame_with_its_time(
    fer: FER, movie: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = movie(12, nobody=range(4, 7))
    empty = tmp_path / "work"
    empty.mkdir()
    monkeypatch.chdir(empty)
    rows = Video(str(clip)).analyze(fer)
    assert list(empty.iterdir()) == [], "nothing is written unless asked for"
    assert [row["frame"] for row in rows] == list(range(12))
    assert [row["time"] for row in rows] == pytest.approx([index / 10 for index in range(12)])
    assert [index for index, row in enumerate(rows) if row["box0"] is None] == [4, 5, 6]
    for index, row in enumerate(rows):
        assert list(row) == NUMBERED
        total = sum(row[f"{name}0"] for name in NAMES)
        assert row["track0"] == (None if index in (4, 5, 6) else 1)
        assert math.isnan(total) if index in (4, 5, 6) else total == pytest.approx(1, abs=1e-4)


def test_frames_that_are_looked_at(fer: FER, movie: Callable[..., Path]) -> None:
    clip = movie(12, nobody=range(0), rate=10)

    def frames(**options: Any) -> list[int]:
        return [row["frame"] for row in Video(clip).analyze(fer, **options)]

    assert frames(frequency=5) == [0, 5, 10]
    assert frames(max_results=2) == [0, 1]
    assert frames(max_results=2, frequency=4) == [0, 4]
    assert frames(save_fps=2) == [0, 5, 10]
    assert frames(frequency=3, save_fps=5) == [0, 2, 4, 6, 8, 10]


def test_a_part_of_the_frame(fer: FER, movie: Callable[..., Path]) -> None:
    clip = movie(1, nobody=range(0))
    [whole] = Video(clip).analyze(fer)
    [part] = Video(clip).analyze(fer, detection_box={"x_min": 20, "y_min": 10, "x_max": 230, "y_max": 240})
    assert part["box0"] == pytest.approx(whole["box0"], abs=8)
    [corner] = Video(clip).analyze(fer, detection_box={"x_max": 60, "y_max": 60})
    assert corner["box0"] is None


def test_tables(fer: FER, movie: Callable[..., Path], tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="mien[pandas] is not installed")
    clip = movie(8, nobody=range(2, 4))
    video = Video(clip, first_face_only=False)
    rows = video.analyze(fer)
    frame = video.to_pandas(rows)
    assert list(frame.columns) == NUMBERED
    assert len(frame) == 8
    pandas.testing.assert_frame_equal(video.analyze(fer, output="pandas"), frame)
    first = video.get_first_face(frame)
    assert list(first.columns) == PLAIN
    assert list(Video(clip).to_pandas(rows).columns) == PLAIN
    assert list(video.get_first_face(first).columns) == PLAIN
    emotions = video.get_emotions(first)
    assert list(emotions.columns) == NAMES
    # The drawn face is a hard one, and x264 writes it differently with other numbers of cores: where it is
    # found may differ by a frame.
    seen = [number for number, row in enumerate(rows) if not math.isnan(row.get("happy0", math.nan))]
    assert {0, 1, 5, 6, 7} <= set(seen) <= {0, 1, 4, 5, 6, 7}
    assert list(emotions.index) == seen
    assert sum(emotions.sum(axis=1)) == pytest.approx(len(seen), abs=1e-3)
    assert list(video.get_emotions(frame).columns) == [f"{name}0" for name in NAMES]
    assert video.to_csv(rows, tmp_path / "rows.csv") is rows
    with (tmp_path / "rows.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert list(read[0]) == NUMBERED
    assert read[2]["happy0"] == read[2]["box0"] == ""
    assert float(read[0]["happy0"]) == rows[0]["happy0"]
    assert len(video.to_pandas([])) == 0


def test_several_people_get_columns_each(fer: FER, portrait: np.ndarray, tmp_path: Path) -> None:
    pytest.importorskip("pandas", reason="mien[pandas] is not installed")
    Image.fromarray(np.hstack([portrait, portrait])).save(tmp_path / "two.png")
    video = Video(tmp_path / "two.png", first_face_only=False)
    frame = video.to_pandas(video.analyze(fer))
    assert [column for column in frame.columns if column.startswith("box")] == ["box0", "box1"]
    assert list(frame.columns)[:10] == [*NUMBERED[:9], "box1"]
    assert {box[0] // 240 for box in (*frame["box0"], *frame["box1"])} == {0, 1}
    assert list(video.get_first_face(frame).columns) == PLAIN


def test_copies_only_when_asked(fer: FER, movie: Callable[..., Path], tmp_path: Path) -> None:
    clip, out = movie(6, nobody=range(1, 3)), tmp_path / "out"
    Video(clip, outdir=out).analyze(fer, save_frames=True, save_video=True, frequency=2)
    assert sorted(path.name for path in out.iterdir()) == ["clip_output.mp4", "images.zip"]
    with ZipFile(out / "images.zip") as archive:
        assert archive.namelist() == ["clip0.jpg", "clip2.jpg", "clip4.jpg"]
        drawn = np.asarray(Image.open(BytesIO(archive.read("clip0.jpg"))), float)
    with open_media(out / "clip_output.mp4") as copy, open_media(clip) as original:
        assert [frame.time for frame in copy] == pytest.approx([0, 0.2, 0.4], abs=1e-3)
        before = next(iter(original)).image.astype(float)
    assert np.abs(drawn - before).max() > 100, "a box is drawn"
    Video(clip, outdir=out / "plain").analyze(
        fer, save_frames=True, zip_images=False, annotate_frames=False, video_id="me", max_results=1
    )
    assert [path.name for path in (out / "plain").iterdir()] == ["me0.jpg"]
    assert np.abs(np.asarray(Image.open(out / "plain" / "me0.jpg"), float) - before).mean() < 3


def test_what_a_video_cannot_do_is_remarked_or_told(
    fer: FER, movie: Callable[..., Path], tmp_path: Path
) -> None:
    clip = movie(1)
    with pytest.warns(UserWarning, match="mien opens no window") as told:
        Video(clip).analyze(fer, display=True)
    assert told[0].filename == __file__
    with pytest.warns(UserWarning, match="lang, include_audio: without effect"):
        Video(clip).analyze(fer, lang="de", include_audio=True)
    with pytest.raises(MediaError, match="there is no file"):
        Video(tmp_path / "none.mp4")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"output": "xml"}, "output: expected csv or pandas"),
        ({"frequency": 0}, "frequency: expected every n-th"),
        ({"max_results": -1}, "max_results: expected"),
        ({"save_fps": 0}, "expected a positive number"),
        ({"detection_box": {"x_min": 9, "x_max": 3}}, "detection_box: expected x_min"),
        ({"detection_box": {"xmin": 9}}, "detection_box: expected x_min"),
        (
            {"detection_box": {"x_min": 9000}},
            "detection_box: expected a part of the video, which has 240 x 240 px",
        ),
    ]
    for options, message in wrong:
        with pytest.raises(InputError, match=message):
            Video(clip).analyze(fer, **options)
    with pytest.raises(InputError, match="expected the rows"):
        Video(clip).to_csv([1], tmp_path / "x.csv")  # type: ignore[list-item]
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(MediaError, match="expected an image or a video"):
        Video(text).analyze(fer)


def test_frames_come_one_after_the_other(
    fer: FER, movie: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not more frames are alive at once than read-ahead and a batch hold, however long the video is."""
    import gc
    import weakref

    from mien.compat.fer import video as module
    from mien.core.frame import Frame

    alive: weakref.WeakSet[Frame] = weakref.WeakSet()
    most = 0

    def watched(index: int, time: float, image: np.ndarray) -> Frame:
        nonlocal most
        frame = Frame(index, time, image)
        alive.add(frame)
        most = max(most, len(alive))
        return frame

    monkeypatch.setattr(module, "Frame", watched)
    rows = Video(movie(40)).analyze(fer)
    gc.collect()
    assert len(rows) == 40
    assert most < 30


def test_frames_that_cannot_be_decoded_are_counted(
    fer: FER, movie: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.compat.fer import video as module
    from mien.media import BadFrame

    def damaged(*given: object) -> object:
        media = open_media(*given)  # type: ignore[arg-type]
        whole = media.read

        def read() -> object:
            for frame in whole():
                bad = BadFrame(
                    2, 0.2, MediaError("clip.mp4: expected a frame at 0.200 s; got damaged data"), count=2
                )
                if frame.index not in (2, 3):
                    yield frame
                elif frame.index == 2:
                    yield bad

        media.read = read  # type: ignore[assignment]
        return media

    monkeypatch.setattr(module, "open_media", damaged)
    with pytest.warns(
        UserWarning,
        match="2 frames could not be decoded and got no row. The first: clip.mp4: expected a frame at 0.200 s",
    ):
        rows = Video(movie(6, nobody=range(0))).analyze(fer)
    assert [row["frame"] for row in rows] == [0, 1, 4, 5]


def test_a_stop_before_the_first_frame_leaves_no_folder(tmp_path: Path) -> None:
    from mien.compat.fer.video import FrameSaver

    def stopped() -> None:
        with FrameSaver(tmp_path / "new" / "out", "talk") as keeper:
            keeper.keep_images()
            keeper.keep_movie(64, 48, "talk")
            keeper.keep_archive()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert [*tmp_path.iterdir()] == []
