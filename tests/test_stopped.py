"""A run that is stopped leaves reports of what was read, which say so, and nothing else that could be taken for
the whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from mien import Pipeline
from mien.inference.config import PipelineConfig
from mien.outputs.base import RunContext
from mien.outputs.run_info import run_facts, run_settings
from mien.outputs.spec import OutputSpec
from mien.outputs.writer import RunWriter
from mien.video.checkpoint import CheckpointStore
from mien.video.runner import VideoOptions
from mien.video.sources import AnalyzedSource, kept_videos, process_sources

T = TypeVar("T")
SAYS_SO = "Stopped before the end: all figures are about what was read, up to 0:0"


class Stop(BaseException):
    """Somebody presses Ctrl-C."""


def until(items: Iterable[T], count: int) -> Iterator[T]:
    for number, item in enumerate(items):
        if number == count:
            raise Stop
        yield item


def run_of(sources: list[Path], pipeline: Pipeline) -> RunContext:
    options = VideoOptions()
    facts = run_facts(run_settings(PipelineConfig(), options, pipeline), options, pipeline)
    return RunContext(sources, pipeline.labels, options, facts)


def looked_at(page: Path) -> int:
    found = re.search(r"Looked at</th><td[^>]*>([\d,]+) frames", page.read_text())
    assert found is not None
    return int(found[1].replace(",", ""))


def stop(
    writer: RunWriter, run: RunContext, sources: Iterable[AnalyzedSource], kept: CheckpointStore | None = None
) -> list[Path]:
    """What is written after a run of these sources was stopped."""
    with writer:
        with pytest.raises(Stop):
            writer.write(sources)
        videos = () if kept is None else kept_videos(run.sources, run.labels, run.video_options, kept)
        return writer.write_parts(videos)


@pytest.mark.integration
def test_a_stream_that_is_stopped_leaves_a_report_of_what_came(
    movie: Callable[..., Path], tmp_path: Path, pipeline: Pipeline
) -> None:
    """No checkpoint is kept of standard input."""
    run = run_of([movie(60)], pipeline)
    read = (
        replace(source, frames=until(source.frames, 20))
        for source in process_sources(run.sources, pipeline, run.video_options)
    )
    page = tmp_path / "talk.html"
    assert stop(RunWriter(OutputSpec((page,)), run), run, read) == [page]
    assert SAYS_SO in page.read_text()
    assert looked_at(page) == 20


@pytest.mark.integration
@pytest.mark.parametrize("written", [0, 5])
def test_a_run_stopped_as_it_writes_leaves_the_whole_report(
    movie: Callable[..., Path], tmp_path: Path, pipeline: Pipeline, written: int
) -> None:
    """All of the video was read, and only its writing was stopped."""
    run, page = run_of([movie(30)], pipeline), tmp_path / "talk.html"
    with CheckpointStore(tmp_path / "kept", {}) as checkpoints:
        read = (
            replace(source, frames=until(source.frames, written))
            for source in process_sources(run.sources, pipeline, run.video_options, checkpoints)
        )
        writer = RunWriter(OutputSpec((page,), thumbnails=True), run)
        assert stop(writer, run, read, checkpoints) == [page]
    assert "Stopped" not in page.read_text()
    assert looked_at(page) == 30
    assert "data:image/jpeg" not in page.read_text(), "a second pass may take as long as the first"


@pytest.mark.integration
def test_reports_that_are_there_are_not_written_again(
    movie: Callable[..., Path], tmp_path: Path, pipeline: Pipeline
) -> None:
    run = run_of([movie(30, name="a.mp4"), movie(30, name="b.mp4")], pipeline)
    with CheckpointStore(tmp_path / "kept", {}) as checkpoints:
        read = until(process_sources(run.sources, pipeline, run.video_options, checkpoints), 1)
        writer = RunWriter(OutputSpec((tmp_path / "{name}.html",)), run)
        assert stop(writer, run, read, checkpoints) == [tmp_path / "b.html"]
        assert writer.written == [tmp_path / "a.html", tmp_path / "b.html"]
