"""Every sampled frame accounted for, whatever the sources are."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from mien import InputError, MediaError, Pipeline, analyze
from mien.core.frame_result import ROW_KEYS
from mien.tracking.options import Smoothing
from mien.video.checkpoint import CheckpointStore
from mien.video.results import VideoResult
from mien.video.runner import VideoOptions, process_frames
from mien.video.sources import process_sources
from mien.video.summary import Overview


@pytest.fixture
def photo(tmp_path: Path, portrait: np.ndarray) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(portrait).save(path)
    return path


def test_one_image_any_way_it_comes(photo: Path, pipeline: Pipeline, portrait: np.ndarray) -> None:
    expected = analyze(photo, pipeline=pipeline).faces
    assert len(expected) == 1
    for source in (str(photo), photo.read_bytes(), io.BytesIO(photo.read_bytes()), portrait):
        faces = analyze(source, pipeline=pipeline).faces
        assert np.allclose(faces.boxes, expected.boxes)
        assert np.allclose(faces.probs, expected.probs)


def test_rows_have_the_same_keys_everywhere(photo: Path, pipeline: Pipeline) -> None:
    results = analyze([photo, "missing.jpg", np.zeros((30, 30, 3), np.uint8)], pipeline=pipeline)
    rows = results.rows()
    assert [row["status"] for row in rows] == ["face", "error", "no_face"]
    assert all(tuple(row) == ROW_KEYS for row in rows)
    assert rows[0]["source"] == str(photo)
    assert rows[0]["emotion"] == max(rows[0]["probs"], key=rows[0]["probs"].get)
    assert (rows[1]["frame"], rows[1]["time"], rows[1]["box"]) == (None, None, None)
    assert "missing.jpg" in rows[1]["error"]
    assert [error.kind for error in results.errors] == ["missing"]
    assert len(results) == 3
    assert repr(results) == "Results(3 sources, 2 frames, 1 face)"


def test_images_and_videos_of_one_folder_give_their_faces_together(
    photo: Path, movie: Callable[..., Path], pipeline: Pipeline
) -> None:
    results = analyze([photo, movie(3)], pipeline=pipeline)
    assert repr(results) == "Results(2 sources, 4 frames, 4 faces)"
    assert (results.faces.tracks, results.faces.smoothed_probs) == (None, None), "an image has neither"
    assert results[1].faces.tracks.tolist() == [1, 1, 1]
    assert [row["track"] for row in results.rows()] == [None, 1, 1, 1]


def test_a_single_source_that_cannot_be_read_raises(tmp_path: Path, pipeline: Pipeline) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    with pytest.raises(MediaError, match="an empty file") as caught:
        analyze(empty, pipeline=pipeline)
    assert caught.value.kind == "empty"
    assert [row["status"] for row in analyze([empty], pipeline=pipeline).rows()] == ["error"]


def test_every_frame_of_a_video_is_accounted_for(movie: Callable[..., Path], pipeline: Pipeline) -> None:
    [video] = analyze(movie(), pipeline=pipeline)
    assert video.frames.tolist() == list(range(12))
    assert np.allclose(video.times, np.arange(12) / 10)
    statuses = [result.status for result in video.results()]
    assert statuses == ["face"] * 4 + ["no_face"] * 3 + ["face"] * 5
    assert video.faces.frames.tolist() == [0, 1, 2, 3, 7, 8, 9, 10, 11]
    assert np.allclose(video.faces.times, video.faces.frames / 10)


def test_sampling(movie: Callable[..., Path], pipeline: Pipeline) -> None:
    path = movie()
    [every] = analyze(path, pipeline=pipeline, interval=0.5)
    assert every.frames.tolist() == [0, 5, 10]
    [rate] = analyze(path, pipeline=pipeline, fps=5)
    assert rate.frames.tolist() == [0, 2, 4, 6, 8, 10]
    with pytest.raises(InputError, match="choose one"):
        analyze(path, pipeline=pipeline, interval=1, fps=1)


def test_a_damaged_stretch_is_told_and_the_rest_is_read(
    movie: Callable[..., Path], pipeline: Pipeline
) -> None:
    path = movie(60, nobody=range(0))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 8] = bytes(len(data) // 8)
    path.write_bytes(data)
    [video] = analyze([path], pipeline=pipeline)
    assert video.failures
    assert len(video.frames) >= 20
    results = list(video.results())
    times = [result.time for result in results if result.time is not None]
    assert times == sorted(times)
    assert all(result.status == "error" and str(path) in str(result.error) for result in video.failures)


def test_a_folder_loses_nothing_to_one_bad_file(tmp_path: Path, photo: Path, pipeline: Pipeline) -> None:
    (tmp_path / "bad.jpg").write_text("this is not an image", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nor is this", encoding="utf-8")
    rows = analyze(tmp_path, pipeline=pipeline).rows()
    assert [(Path(row["source"]).name, row["status"]) for row in rows] == [
        ("bad.jpg", "error"),
        ("photo.png", "face"),
    ]


def test_leaving_early_stops_the_reading(movie: Callable[..., Path], pipeline: Pipeline) -> None:
    import threading

    before = threading.active_count()
    frames = process_frames([movie(60)], pipeline)
    next(frames)
    frames.close()  # type: ignore[attr-defined]  # An iterator for users, a generator in truth.
    assert threading.active_count() == before


def test_pandas_gets_flat_columns(photo: Path, pipeline: Pipeline) -> None:
    table = analyze(photo, pipeline=pipeline).to_pandas()
    assert [*table.columns[: len(ROW_KEYS) - 1], table.columns[-1]] == list(ROW_KEYS)
    assert table.loc[0, "x2"] == table.loc[0, "box"][2]
    assert table.loc[0, "happy"] == table.loc[0, "probs"]["happy"]


def test_without_pandas_the_way_to_get_it_is_told(
    photo: Path, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install '.*\[pandas\]'"):
        analyze(photo, pipeline=pipeline).to_pandas()


def test_options_build_a_pipeline(photo: Path) -> None:
    assert len(analyze(photo, detector="whole", threads=1).faces) == 1
    with pytest.raises(
        InputError, match="detector: expected mtcnn, blaze, auto, haar, whole or a Detector; got 'yolo'"
    ):
        analyze(photo, detector="yolo")  # type: ignore[arg-type]


def test_nothing_collected_is_still_a_video(pipeline: Pipeline) -> None:
    video = VideoResult.collect("a", [], pipeline.labels)
    assert (len(video.faces), list(video.rows())) == (0, [])


@pytest.mark.parametrize(("name", "frames", "least"), [("one_face.mp4", 72, 69), ("no_face.mp4", 95, 0)])
def test_real_clips(shared_media: Path, pipeline: Pipeline, name: str, frames: int, least: int) -> None:
    [video] = analyze(shared_media / name, pipeline=pipeline)
    per_frame = np.bincount(video.faces.frames, minlength=frames)
    assert len(video.frames) == frames
    assert (np.diff(video.times) > 0).all()
    if least:
        assert (per_frame == 1).sum() >= least
    else:
        assert per_frame.sum() == 0


def test_a_video_tells_who_showed_what_as_the_command_does(
    movie: Callable[..., Path], pipeline: Pipeline, tmp_path: Path
) -> None:
    clip = movie(40, nobody=range(15, 17))
    [video] = analyze(clip, pipeline=pipeline)
    [person] = video.people()
    assert (person.track, person.first, person.last) == (1, 0.0, 3.9)
    assert set(video.faces.tracks.tolist()) == {1}
    assert video.faces.smoothed_emotion_ids is not None
    assert video.segments()[0].start == 0.0
    with CheckpointStore(tmp_path / "j", {}) as checkpoints:
        [take] = process_sources([clip], pipeline, VideoOptions(), checkpoints)
        overview = Overview(str(clip), pipeline.labels)
        for frame in take.frames:
            overview.add(frame.result)
        overview.end()
    assert overview.people == video.people()
    assert overview.segments == video.segments()


@pytest.mark.parametrize("baseline", [None, 1.0, "median"])
def test_ways_to_smooth(
    movie: Callable[..., Path], pipeline: Pipeline, baseline: float | Literal["median"] | None
) -> None:
    clip = movie(30, nobody=range(0))
    [video] = analyze(clip, pipeline=pipeline, smoothing=Smoothing(tau=0.2, baseline=baseline))
    [plain] = analyze(clip, pipeline=pipeline, tracking=False)
    assert plain.faces.tracks is None
    assert (plain.people(), plain.segments()) == ([], [])
    assert video.faces.smoothed_probs.shape == video.faces.probs.shape
    assert np.allclose(video.faces.smoothed_probs.sum(axis=1), 1, atol=1e-5)


def test_rare_samples_of_one_person_are_one_person(movie: Callable[..., Path], pipeline: Pipeline) -> None:
    [video] = analyze(movie(60, nobody=range(0)), pipeline=pipeline, interval=1.5)
    assert video.times.tolist() == pytest.approx([0, 1.5, 3, 4.5])
    [person] = video.people()
    assert person.seconds == pytest.approx(6)
