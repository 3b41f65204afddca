"""Videos whose frames are far apart: people, time in view, cues and segments are as of any other,
whatever the file and the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.core.drawn_face import draw_portrait
from mien.core.faces import Faces
from mien.core.frame_result import FrameResult
from mien.inference.pipeline import Pipeline
from mien.media import VideoWriter
from mien.media.blur import Blur
from mien.outputs.annotate import covered_boxes
from mien.video.analyze import analyze
from tests.commands import run_mien

FACE = draw_portrait(160)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(threads=1)


def video(path: Path, times: Sequence[float], images: Sequence[np.ndarray] | None = None) -> Path:
    """A file with a frame at each of these times."""
    import av

    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = FACE.shape[1], FACE.shape[0], "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for image, time in zip(images or [FACE] * len(times), times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize("step", [1.001, 5.0, 30.0])
def test_a_frame_every_few_seconds(tmp_path: Path, pipeline: Pipeline, step: float, ending: str) -> None:
    [found] = analyze(
        video(tmp_path / f"slow.{ending}", [step * index for index in range(8)]), pipeline=pipeline
    )
    [person] = found.people()
    assert person.seconds == pytest.approx(8 * step, abs=0.01)
    assert sum(segment.seconds for segment in found.segments()) == pytest.approx(8 * step, abs=0.01)


@pytest.mark.parametrize(
    "times",
    [
        [0, 2, 2.5, 9, 10, 31, 33, 33.04, 52],
        [*np.arange(12) / 25, 8.0, *(8.0 + np.arange(1, 12) / 25), 20.0, 20.04],
    ],
)
def test_steps_that_vary_and_pauses(tmp_path: Path, pipeline: Pipeline, times: list[float]) -> None:
    [found] = analyze(video(tmp_path / "uneven.mp4", times), pipeline=pipeline)
    [person] = found.people()
    assert person.frames == len(times)
    assert person.seconds == pytest.approx(times[-1] + times[-1] - times[-2], abs=0.01)


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_animations(tmp_path: Path, pipeline: Pipeline, ending: str) -> None:
    frames = [
        Image.fromarray(np.clip(FACE.astype(int) + shade, 0, 255).astype(np.uint8))
        for shade in (0, 6, 12, 18)
    ]
    place = tmp_path / f"slides.{ending}"
    frames[0].save(place, save_all=True, append_images=frames[1:], duration=[2000, 4000, 3000, 3000], loop=0)
    [found] = analyze(place, pipeline=pipeline)
    [person] = found.people()
    assert person.seconds == pytest.approx(12.0, abs=0.02)


def test_a_sampled_video_is_as_one_that_is_slow(tmp_path: Path, pipeline: Pipeline) -> None:
    with VideoWriter(tmp_path / "fast.mp4", FACE.shape[1], FACE.shape[0], rate=5) as movie:
        for index in range(200):
            movie.write(FACE, index / 5)
    [fast] = analyze(tmp_path / "fast.mp4", interval=5, pipeline=pipeline)
    [slow] = analyze(video(tmp_path / "slow.mp4", [5.0 * index for index in range(8)]), pipeline=pipeline)
    assert [(person.track, person.frames, round(person.seconds, 2)) for person in fast.people()] == [
        (1, 8, 40.0)
    ]
    assert [(person.track, person.frames, round(person.seconds, 2)) for person in slow.people()] == [
        (1, 8, 40.0)
    ]


def test_who_is_missed_in_one_frame_is_the_same_and_who_was_away_is_not(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    wall = np.full_like(FACE, 120)
    seen = [1, 1, 0, 1, 1, 0, 0, 0, 0, 1, 1]
    place = video(
        tmp_path / "away.mp4",
        [4.0 * index for index in range(len(seen))],
        [FACE if there else wall for there in seen],
    )
    [found] = analyze(place, pipeline=pipeline)
    assert [(person.track, round(person.seconds, 2)) for person in found.people()] == [(1, 20.0), (2, 8.0)]


@pytest.mark.integration
def test_the_command_gives_cues_of_a_slow_video(tmp_path: Path) -> None:
    place, cues = video(tmp_path / "slow.mp4", [2.0 * index for index in range(6)]), tmp_path / "slow.vtt"
    assert run_mien("analyze", place, "-o", cues).returncode == 0
    assert "00:00:00.000 --> 00:00:12.000" in cues.read_text()


def test_who_is_missed_in_one_frame_is_covered_there() -> None:
    def result(index: int, seen: bool) -> FrameResult:
        rows = 1 if seen else 0
        faces = Faces(
            [[10, 10, 50, 60]] * rows, [1] * rows, [index] * rows, [index * 5.0] * rows, tracks=[1] * rows
        )
        return FrameResult("slow.mp4", index, index * 5.0, faces)

    results = [result(index, index not in (3, 40)) for index in range(80)]
    assert [len(boxes) for boxes in covered_boxes(results, Blur.parse("all"))] == [1] * 80
