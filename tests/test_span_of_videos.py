"""`--from` and `--to`: a span of a video in commands, the library, files and what was stopped."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import numpy as np
import pytest

import mien
from mien import InputError, MediaError
from mien.batch import BatchSettings
from mien.core.drawn_face import draw_portrait
from mien.core.frame import Frame
from mien.media import Sampling, VideoWriter
from mien.server.task import VideoJobOptions
from mien.video.checkpoint import CheckpointStore, Chunk
from mien.video.runner import VideoOptions
from mien.video.sources import process_sources
from tests.commands import run_mien


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a drawn face, 10 frames a second."""
    path = tmp_path_factory.mktemp("span") / "face.mp4"
    image = np.ascontiguousarray(draw_portrait())
    with VideoWriter(path, image.shape[1], image.shape[0], rate=10) as movie:
        for number in range(60):
            movie.write(np.roll(image, number % 5, axis=1), number / 10)
    return path


def times(path: Path) -> list[tuple[int, float]]:
    with open(path, newline="", encoding="utf-8") as file:
        return [(int(row["frame"]), float(row["time"])) for row in csv.DictReader(file)]


@pytest.mark.integration
def test_analyze_reads_the_span_and_says_so(portrait: Path, tmp_path: Path) -> None:
    rows, report, copy = tmp_path / "rows.csv", tmp_path / "report.html", tmp_path / "copy.mp4"
    done = run_mien(
        "analyze", portrait, "--from", "0:02", "--to", "3.5", "-o", rows, "-o", report, "--annotate", copy
    )
    assert done.returncode == 0, done.stderr
    assert times(rows) == [(number, number / 10) for number in range(20, 35)]
    assert "0:02 to 0:03.5 of the recording" in report.read_text()
    with av.open(str(copy)) as container:
        assert [round(frame.time, 3) for frame in container.decode(video=0)] == [n / 10 for n in range(15)]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("start", "words"), [("10", "expected frames from 0:10 to the end"), ("x", "--from: expected a time")]
)
def test_what_is_no_span_of_the_recording_fails(
    portrait: Path, start: str, words: str, tmp_path: Path
) -> None:
    done = run_mien("analyze", portrait, "--from", start, "-o", tmp_path / "rows.csv")
    assert done.returncode in (1, 2)
    assert words in done.stderr + done.stdout


@pytest.mark.integration
def test_one_recording_that_is_too_short_does_not_take_the_others_with_it(
    portrait: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.mp4"
    with VideoWriter(short, 64, 64, rate=10) as movie:
        for number in range(10):
            movie.write(np.zeros((64, 64, 3), np.uint8), number / 10)
    rows = tmp_path / "rows.csv"
    done = run_mien("analyze", short, portrait, "--from", "5", "-o", rows, "--no-track")
    assert done.returncode == 3
    with open(rows, newline="", encoding="utf-8") as file:
        found = [(Path(row["source"]).name, row["status"]) for row in csv.DictReader(file)]
    assert found == [("short.mp4", "error"), *[("face.mp4", "face")] * 10]


def test_the_library_reads_the_span(portrait: Path) -> None:
    [video] = mien.analyze(portrait, start=5.25, end=5.75, tracking=False)
    assert [result.time for result in video.results()] == [5.3, 5.4, 5.5, 5.6, 5.7]
    [lost] = [result.error for result in mien.analyze(portrait, start=7)[0].results()]
    assert isinstance(lost, MediaError)
    assert lost.kind == "empty_span"
    with pytest.raises(InputError, match="ends after it begins"):
        mien.analyze(portrait, start=5, end=5)


def test_a_stopped_run_goes_on_within_the_span(portrait: Path, tmp_path: Path) -> None:
    options, pipeline = VideoOptions(Sampling(start=2, end=4)), mien.Pipeline()
    whole = [
        frame.result for source in process_sources([portrait], pipeline, options) for frame in source.frames
    ]
    folder = tmp_path / "kept"
    with CheckpointStore(folder, {}) as kept:
        first = VideoOptions(Sampling(start=2, end=2.5), tracking=options.tracking)
        begun = [
            frame.result for source in process_sources([portrait], pipeline, first) for frame in source.frames
        ]
        session = mien.Session(pipeline, options.tracking, options.smoothing)
        frames = [frame for frame in first.open(portrait) if isinstance(frame, Frame)]
        faces = session.update(frames)
        raw = [
            type(result)(result.source, result.frame, result.time, face)
            for result, face in zip(begun, faces, strict=True)
        ]
        kept.record(0, str(portrait), pipeline.labels).add(Chunk(raw, session.state()))
        on = [
            frame.result
            for source in process_sources([portrait], pipeline, options, kept)
            for frame in source.frames
        ]
    assert [result.frame for result in on] == [result.frame for result in whole] == list(range(20, 40))
    assert all(
        np.array_equal(one.faces.tracks, other.faces.tracks) for one, other in zip(on, whole, strict=True)
    )


def test_another_span_is_another_run(portrait: Path, tmp_path: Path) -> None:
    from mien.inference.config import PipelineConfig
    from mien.outputs.run_info import run_settings

    pipeline = mien.Pipeline()

    def asked(sampling: Sampling) -> dict[str, object]:
        return run_settings(PipelineConfig(), VideoOptions(sampling), pipeline)

    with CheckpointStore(tmp_path / "kept", asked(Sampling(start=2))) as kept:
        kept.record(0, "a", pipeline.labels).add(Chunk([]))
    with pytest.raises(InputError, match=r"keeps a run with from 2; now it is 3"):
        CheckpointStore(tmp_path / "kept", asked(Sampling(start=3)))
    facts = BatchSettings(video_options=VideoOptions(Sampling(end=9.5))).facts()
    assert (facts["from"], facts["to"]) == (None, 9.5)


def test_a_video_of_the_service_has_a_span(portrait: Path) -> None:
    sampling = VideoJobOptions(start=1.5, end=4).video_options().sampling
    assert (sampling.start, sampling.end) == (1.5, 4)
    with pytest.raises(InputError, match="ends after it begins"):
        VideoJobOptions(start=4, end=1).video_options()


@pytest.mark.integration
def test_batch_reads_the_span_of_each_video(portrait: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(portrait.read_bytes())
    done = run_mien(
        "batch",
        folder,
        "-o",
        tmp_path / "out",
        "--format",
        "csv",
        "--from",
        "1",
        "--to",
        "1.3",
        "--workers",
        1,
    )
    assert done.returncode == 0, done.stderr
    [shard] = sorted((tmp_path / "out").rglob("*.csv"))
    assert [time for _, time in times(shard)] == [1.0, 1.1, 1.2]


def test_an_audience_is_measured_in_the_span(portrait: Path) -> None:
    from mien.audience import measure
    from mien.audience.options import AudienceOptions

    found = measure(portrait, AudienceOptions(window=1, context=1, interval=0.5, start=2, end=4.5))
    assert [(window.start, window.end) for window in found.windows] == [(2.0, 3.0), (3.0, 4.0), (4.0, 4.5)]
    with pytest.raises(MediaError, match="expected frames from 0:50"):
        measure(portrait, AudienceOptions(start=50))
    with pytest.raises(InputError, match="got a live source: --duration ends it"):
        measure("camera:0", AudienceOptions(start=3))
