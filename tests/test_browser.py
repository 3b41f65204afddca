"""Annotated videos play in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mien import Pipeline, analyze
from mien.media import open_media
from mien.outputs.annotate import annotate_video

PAGE = """<!doctype html><video id="v" src="seen.mp4" muted></video><script>
const tell = (what) => fetch("/told?" + new URLSearchParams(what));
v.onerror = () => tell({ error: v.error.message || v.error.code });
v.onended = () => tell({ time: v.currentTime, width: v.videoWidth, frames: v.getVideoPlaybackQuality().totalVideoFrames });
v.play().catch((error) => tell({ error }));
</script>"""


def test_an_annotated_video_plays_in_chromium(
    movie: Callable[..., Path], pipeline: Pipeline, chromium: Callable[[Path], dict[str, str]], tmp_path: Path
) -> None:
    [video] = analyze(clip := movie(20), pipeline=pipeline)
    with open_media(clip) as media:
        annotate_video(tmp_path / "seen.mp4", media, video.results())
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    told = chromium(tmp_path)
    assert "error" not in told, told
    assert told["width"] == "240"
    assert float(told["time"]) == pytest.approx(2.0, abs=0.2)
    assert int(told["frames"]) >= 10
