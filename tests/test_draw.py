"""Boxes and labels on pictures, and annotated copies of sources."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mien import EXPRESSIONS, Faces, InputError, Pipeline
from mien.analysis import sight
from mien.annotate import Annotator, places_for
from mien.draw import draw
from mien.media import Sampling


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


def annotate(source: Path, place: Path, pipeline: Pipeline, *, named: bool = True) -> Annotator:
    with Annotator(place, named=named) as annotator:
        for sighting in sight([source], pipeline, Sampling()):
            annotator.add(sighting)
    return annotator


def test_a_video_stays_a_video_with_its_times(movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    assert annotate(movie(), out, pipeline).written == out
    with av.open(out) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        times = [frame.time for frame in container.decode(stream)]
    assert np.allclose(times, np.arange(12) / 10, atol=1e-4)


def test_a_picture_stays_a_picture(portrait: np.ndarray, pipeline: Pipeline, tmp_path: Path) -> None:
    source = tmp_path / "in.png"
    Image.fromarray(portrait).save(source)
    annotate(source, tmp_path / "out.jpg", pipeline)
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.size == (240, 240)
    with pytest.raises(InputError, match=r"ending in \.png"):
        annotate(source, tmp_path / "out.mp4", pipeline)


def test_names_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    places = places_for(folder, [Path("a/x.jpg"), Path("b/x.jpg"), Path("b/x.mov")])
    assert [place.name for place in places] == ["x.jpg", "x-2.jpg", "x.mov"]
    assert folder.is_dir()
    assert places_for(tmp_path / "one.png", [Path("a/x.jpg")]) == [tmp_path / "one.png"]


def test_an_animation_becomes_a_movie(portrait: np.ndarray, pipeline: Pipeline, tmp_path: Path) -> None:
    source = tmp_path / "wave.gif"
    frames = [Image.fromarray(np.roll(portrait, shift, axis=1)) for shift in range(3)]
    frames[0].save(source, save_all=True, append_images=frames[1:], duration=200)
    annotator = annotate(source, tmp_path / "copies" / "wave.gif", pipeline, named=False) if (tmp_path / "copies").mkdir() is None else None
    assert annotator is not None
    assert annotator.written == tmp_path / "copies" / "wave.gif.mp4"
    with av.open(annotator.written) as container:
        assert [round(frame.time, 3) for frame in container.decode(video=0)] == [0.0, 0.2, 0.4]


def test_sources_are_never_replaced(tmp_path: Path) -> None:
    source = tmp_path / "x.jpg"
    source.touch()
    with pytest.raises(InputError, match="is one of the sources"):
        places_for(source, [source])
    with pytest.raises(InputError, match="is one of the sources"):
        places_for(tmp_path, [source, tmp_path / "y.jpg"])
    with pytest.raises(InputError, match="expected a folder for the copies of 2 sources"):
        places_for(source, [Path("a.jpg"), Path("b.jpg")])
