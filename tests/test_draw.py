"""Boxes and labels on images, and annotated copies of sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw

from mien import EXPRESSIONS, Faces, FrameResult, InputError, Pipeline, analyze
from mien.core.errors import MediaError
from mien.core.formatting import percent
from mien.core.frame import Frame
from mien.core.labels import NOTICE, Labels
from mien.media import open_media
from mien.media.blur import Blur
from mien.media.draw import draw
from mien.media.label_places import place_labels
from mien.outputs.annotate import annotate_image, annotate_video, covered_boxes, pick
from mien.outputs.places import fitting
from mien.outputs.spec import OutputSpec


def read_face(box: list[float], expression: str = "happy") -> Faces:
    probs = np.zeros((1, 7))
    probs[0, EXPRESSIONS.index(expression)] = 1
    return Faces([box], [1], [0], [0], probs=probs, labels=EXPRESSIONS)


def test_a_box_is_drawn_in_the_colour_of_its_expression() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    out = draw(image, read_face([100, 80, 150, 140]))
    assert not image.any()
    assert out.shape == image.shape
    colour = [int(EXPRESSIONS.colour("happy")[place : place + 2], 16) for place in (1, 3, 5)]
    assert out[110, 100].tolist() == colour
    assert out[80, 125].tolist() == colour
    assert not out[110, 125].any(), "the face itself stays as it was"


@pytest.mark.parametrize("box", [[0, 0, 20, 20], [280, 180, 300, 200], [0, 0, 300, 200], [5, 5, 5, 5]])
def test_faces_at_the_edge_are_drawn_too(box: list[float]) -> None:
    assert draw(np.zeros((200, 300, 3), np.uint8), read_face(box)).any()


@pytest.mark.parametrize("size", [(1, 1), (3, 1), (40, 2000)])
def test_odd_sizes_are_drawn(size: tuple[int, int]) -> None:
    assert draw(np.zeros((*size, 3), np.uint8), read_face([0, 0, 1, 1])).shape == (*size, 3)


def test_unread_faces_and_nobody() -> None:
    image = np.full((150, 150, 3), 9, np.uint8)
    assert (draw(image, Faces.empty()) == image).all()
    assert draw(image, Faces([[20, 20, 60, 60]], [0.5], [0], [0])).any()


def crowd(count: int, width: int, height: int) -> np.ndarray:
    """Boxes of people in rows, a face's width apart."""
    columns = int(np.ceil(np.sqrt(count * width / height)))
    rows = int(np.ceil(count / columns))
    x, y = np.meshgrid((np.arange(columns) + 0.25) * width / columns, (np.arange(rows) + 0.3) * height / rows)
    size = np.array([0.5 * width / columns, 0.55 * height / rows])
    corners = np.stack([x.ravel(), y.ravel()], axis=1)[:count]
    return np.concatenate([corners, corners + size], axis=1)


def covered(areas: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Share of each box that areas of others cover."""
    low = np.maximum(areas[:, None, :2], boxes[None, :, :2])
    high = np.minimum(areas[:, None, 2:], boxes[None, :, 2:])
    both = np.prod(np.maximum(0, high - low), axis=2)
    both[np.arange(len(boxes)), np.arange(len(boxes))] = 0
    return np.asarray(both.sum(axis=0) / np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))


@pytest.mark.parametrize(("count", "size"), [(40, (1280, 720)), (40, (1920, 1080)), (12, (640, 360))])
def test_labels_of_many_people_cover_nobody_and_stay_inside(count: int, size: tuple[int, int]) -> None:
    boxes = crowd(count, *size)
    labels = [(round(1.6 * (boxes[0, 2] - boxes[0, 0])), 20)] * count
    areas = np.array(
        [
            (x, y, x + w, y + h)
            for (x, y), (w, h) in zip(place_labels(boxes, labels, size), labels, strict=True)
        ]
    )
    assert covered(areas, boxes).max() < 0.02
    assert covered(areas, areas).max() < 0.02
    assert (areas[:, :2] >= 0).all()
    assert (areas[:, 2:] <= size).all()


def test_a_label_has_its_place_by_what_is_around_it() -> None:
    image, label = (200, 200), [(60, 14)]
    assert place_labels([[50, 60, 90, 100]], label, image) == [(50, 46)]
    assert place_labels([[50, 2, 90, 60]], label, image) == [(50, 60)], "below, where the image ends above"
    assert place_labels([[150, 60, 195, 100]], label, image) == [(140, 46)], "to the left at the right edge"
    assert place_labels([[20, 60, 60, 199]], label, image, [[0, 0, 200, 60]]) == [(60, 60)], "beside it"
    above, below = place_labels([[50, 60, 90, 100], [55, 20, 95, 58]], label * 2, image)
    assert (above, below) == ((50, 100), (55, 6)), "not upon the face above it"


def test_two_people_who_swap_places_are_labelled_apart() -> None:
    for shift in range(0, 100, 5):
        boxes = np.array([[20 + shift, 60, 60 + shift, 110], [120 - shift, 62, 160 - shift, 112]], float)
        (ax, ay), (bx, by) = place_labels(boxes, [(60, 14)] * 2, (200, 200))
        assert abs(ax - bx) >= 60 or abs(ay - by) >= 14


def captions(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written on an image of 640 x 480."""
    told: list[str] = []
    write = ImageDraw.ImageDraw.text

    def text(self: ImageDraw.ImageDraw, xy: Any, text: str, *args: Any, **kwargs: Any) -> None:
        told.append(text)
        write(self, xy, text, *args, **kwargs)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    draw(np.zeros((480, 640, 3), np.uint8), faces)
    return [text for text in told if text not in NOTICE]


def test_labels_tell_the_probability_that_rows_have_in_percent(
    movie: Callable[..., Path], pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    [video] = analyze(movie(), pipeline=pipeline)
    for result in video.results():
        for row in result.rows():
            if row["status"] == "face":
                expected = percent(row["smoothed_probs"][row["smoothed_emotion"]])
                assert f"{row['track']} {row['label']} {expected}" in captions(result.faces, monkeypatch)
    still = read_face([100, 100, 200, 200]).with_columns(
        probs=[[0.1, 0, 0, 0.824, 0.076, 0, 0]], labels=EXPRESSIONS
    )
    assert captions(still, monkeypatch)[0] == f"{EXPRESSIONS[3]} 82 %"


def test_a_face_below_the_threshold_has_a_dashed_box_and_no_percentage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sure = np.array([[0.05, 0.05, 0.05, 0.6, 0.25, 0, 0]])
    for threshold, gaps in ((0.7, True), (0.5, False)):
        labels = Labels(EXPRESSIONS.names, threshold)
        face = Faces([[200, 200, 400, 440]], [1], [0], [0], probs=sure, labels=labels)
        edge = draw(np.zeros((480, 640, 3), np.uint8), face)[300:420, 200].any(axis=1)
        assert edge.any()
        assert (not edge.all()) == gaps
        assert ("uncertain" in captions(face, monkeypatch)) == gaps


def test_names_of_two_hundred_letters_and_from_right_to_left(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = Labels(("a" * 100 + "b" * 100, "\u0633\u0639\u064a\u062f"))
    for probs in ([[0.9, 0.1]], [[0.1, 0.9]]):
        face = Faces([[20, 20, 60, 60]], [1], [0], [0], probs=probs, labels=labels)
        label = captions(face, monkeypatch)[0]
        assert len(label) < 40
        assert "90 %" in label


@pytest.mark.parametrize(
    ("size", "copy"), [((48, 48), (240, 240)), ((160, 90), (480, 270)), ((240, 500), (240, 500))]
)
def test_a_small_source_has_a_larger_copy_whose_labels_can_be_read(
    size: tuple[int, int], copy: tuple[int, int], tmp_path: Path
) -> None:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    faces = read_face([10, 10, 30, 30])
    told = annotate_image(tmp_path / "out.png", image, FrameResult("a.png", 0, 0.0, faces))
    [out] = images(tmp_path / "out.png")
    assert (out.shape[1], out.shape[0]) == copy
    assert told.startswith(f"{copy[0]}x{copy[1]}")
    scale = copy[0] // size[0]
    assert out[20 * scale, 10 * scale].any(), "the box is where the face is"
    assert not out[20 * scale, 20 * scale].any()
    assert ("times its source" in told) == (scale > 1)


def test_letters_are_sharp_at_every_size() -> None:
    """They stand upon whole pixels wherever a face is, and those of the note can be read."""
    for side in (240, 360, 1080, 2160):
        image = np.zeros((side, side, 3), np.uint8)
        box = np.round(np.array([0.3, 0.5, 0.7, 0.8]) * side)
        whole = draw(image, read_face(box.tolist()))
        assert (draw(image, read_face((box + np.array([0.4, 0.4, -0.4, -0.4])).tolist())) == whole).all()
        assert _ink_height(whole[-side // 8 :, : side // 2]) >= 7


def _ink_height(area: np.ndarray) -> int:
    """Rows from the first to the last with white letters in the lowest line of an area."""
    rows = (area.min(axis=2) > 200).any(axis=1)
    last = int(np.flatnonzero(rows)[-1])
    gap = np.flatnonzero(~rows[:last])
    return last - int(gap[-1])


def annotate(source: Path, place: Path, pipeline: Pipeline, covering: Blur | None = None) -> None:
    [video] = analyze(source, pipeline=pipeline)
    boxes = None if covering is None else covered_boxes(video.results(), covering)
    with open_media(source) as media:
        annotate_video(place, media, video.results(), boxes)


def images(path: Path) -> list[np.ndarray]:
    with open_media(path) as media:
        return [frame.image for frame in media]


def test_a_video_stays_a_video_with_its_times(
    movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path
) -> None:
    out = tmp_path / "out.mp4"
    annotate(movie(), out, pipeline)
    with av.open(out) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        times = [frame.time for frame in container.decode(stream)]
    assert np.allclose(times, np.arange(12) / 10, atol=1e-4)


def test_an_image_stays_an_image(portrait: np.ndarray, pipeline: Pipeline, tmp_path: Path) -> None:
    result = FrameResult("in.png", 0, 0.0, pipeline([portrait])[0])
    annotate_image(tmp_path / "out.jpg", portrait, result)
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (240, 240)
    annotate_image(tmp_path / "covered.png", portrait, result, Blur())
    covered = images(tmp_path / "covered.png")[0]
    assert not len(pipeline([covered])[0]), "a covered face is not found again"
    with pytest.raises(InputError, match="which only videos have"):
        annotate_image(tmp_path / "not.png", portrait, result, Blur.parse("2"))


def test_endings_that_a_copy_can_have() -> None:
    assert fitting(Path("a.mov"), "video", named=False) == Path("a.mov.mp4")
    assert fitting(Path("a.jpg"), "image", named=True) == Path("a.jpg")
    with pytest.raises(InputError, match=r"ending in \.png"):
        fitting(Path("a.mp4"), "image", named=True)
    with pytest.raises(InputError, match=r"ending in \.mp4"):
        fitting(Path("a.avi"), "video", named=True)


def video(places: dict[int, list[tuple[int, float]]], frames: int = 60) -> list[FrameResult]:
    """People at x = ... in some frames of a video at 10 frames a second."""
    results = []
    for frame in range(frames):
        here = places.get(frame, [])
        faces = Faces.empty()
        if here:
            boxes, tracks = [[x, 0, x + 40, 50] for _, x in here], [track for track, _ in here]
            faces = Faces(
                boxes, [1] * len(here), [frame] * len(here), [frame / 10] * len(here), tracks=tracks
            )
        results.append(FrameResult("a.mp4", frame, frame / 10, faces))
    return results


def test_a_face_that_is_missed_for_a_moment_is_covered_all_the_same() -> None:
    seen = {frame: [(1, 2.0 * frame)] for frame in range(60) if not 25 <= frame < 40}
    boxes = list(covered_boxes(video(seen), Blur()))
    assert len(boxes) == 60
    assert [len(where) for where in boxes] == [1] * 60
    assert [where[0, 0] for where in boxes] == pytest.approx([2.0 * frame for frame in range(60)], abs=1e-3)


def test_only_those_who_are_asked_for_are_covered_and_a_long_absence_is_left_alone() -> None:
    seen = {frame: [(1, 0.0), (2, 100.0)] for frame in (*range(10), *range(50, 60))}
    boxes = list(covered_boxes(video(seen), Blur.parse("2")))
    assert [len(where) for where in boxes[:10]] == [1] * 10
    assert all(where[0, 0] == 100 for where in boxes[:10])
    assert not any(len(where) for where in boxes[20:40])


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {frame: [(1, 3.0 * frame)] for frame in range(0, 90, 7)}
    whole = list(covered_boxes(video(seen, 90), Blur()))
    monkeypatch.setattr("mien.outputs.annotate._BLOCK", 5)
    assert all((a == b).all() for a, b in zip(whole, covered_boxes(video(seen, 90), Blur()), strict=True))


def test_nobody_is_found_in_a_covered_video(
    movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path
) -> None:
    annotate(movie(), tmp_path / "out.mp4", pipeline, Blur())
    assert not any(len(faces) for faces in pipeline(images(tmp_path / "out.mp4")))


def test_names_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    places = (
        OutputSpec(annotate=folder)
        .placed([Path("a/x.jpg"), Path("b/x.jpg"), Path("b/x.mov"), Path("b/x.mov.mp4"), Path("b/x.MP4")])
        .copies
    )
    assert places == [folder / name for name in ("a/x.jpg", "b/x.jpg", "x.mov", "x.mov-2.mp4", "x.MP4")]
    assert OutputSpec(annotate=tmp_path / "one.png").placed([Path("a/x.jpg")]).copies == [
        tmp_path / "one.png"
    ]


def test_an_animation_becomes_a_movie(portrait: np.ndarray, pipeline: Pipeline, tmp_path: Path) -> None:
    source = tmp_path / "wave.gif"
    frames = [Image.fromarray(np.roll(portrait, shift, axis=1)) for shift in range(3)]
    frames[0].save(source, save_all=True, append_images=frames[1:], duration=200)
    annotate(source, tmp_path / "wave.mp4", pipeline)
    with av.open(tmp_path / "wave.mp4") as container:
        assert [round(frame.time, 3) for frame in container.decode(video=0)] == [0.0, 0.2, 0.4]


def test_sources_are_never_replaced(tmp_path: Path) -> None:
    source = tmp_path / "x.jpg"
    source.touch()
    with pytest.raises(InputError, match="is one of the sources"):
        OutputSpec(annotate=source).check([source])
    with pytest.raises(InputError, match="is one of the sources"):
        OutputSpec(annotate=tmp_path).check([source, tmp_path / "y.jpg"])
    with pytest.raises(InputError, match="expected a folder for the copies of 2 sources"):
        OutputSpec(annotate=source).check([Path("a.jpg"), Path("b.jpg")])


def test_a_video_that_changed_between_two_passes_is_told() -> None:
    frames = [Frame(number, number / 10, np.zeros((8, 8, 3), np.uint8)) for number in range(3)]
    results = [FrameResult("a.mp4", number, number / 10, Faces.empty()) for number in range(3)]
    assert [frame.index for frame, _ in pick(frames, results)] == [0, 1, 2]
    for other in (frames[:2], [*frames, frames[0]], frames[::-1]):
        with pytest.raises(MediaError, match="was changed meanwhile"):
            list(pick(other, results))


def test_a_frame_that_was_not_read_is_left_out_of_copies() -> None:
    """Its faces are not known, so that they could not be covered; what follows must not be covered one frame
    late.
    """
    frames = [Frame(number, number / 10, np.zeros((8, 8, 3), np.uint8)) for number in range(3)]
    results = [
        FrameResult("a.mp4", number, number / 10, Faces.empty(), MediaError("x") if number == 1 else None)
        for number in range(3)
    ]
    assert [(frame.index, result.frame) for frame, result in pick(frames, results)] == [(0, 0), (2, 2)]
