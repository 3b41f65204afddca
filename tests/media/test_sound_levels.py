"""How loud a video is, over time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mien.media import open_media
from mien.media.sound_level import sound_levels


def film(path: Path, wave: np.ndarray, codec: str, rate: int = 48000, channels: int = 1) -> Path:
    """As long as its sound; ``wave`` is ``(n,)``, -1 to 1, and heard on the first channel alone."""
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        layout = "mono" if channels == 1 else "stereo"
        heard: Any = out.add_stream(codec, rate=rate, layout=layout)
        for _ in range(int(10 * len(wave) / rate)):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))))
        out.mux(stream.encode(None))
        table = np.zeros((channels, len(wave)))
        table[0] = wave
        tone: Any = av.AudioFrame.from_ndarray(table.astype(np.float32), format="fltp", layout=layout)
        tone.sample_rate, tone.pts = rate, 0
        resampler = av.AudioResampler(heard.codec_context.format, layout, rate)
        for part in resampler.resample(tone):
            out.mux(heard.encode(part))
        out.mux(heard.encode(None))
    return path


def tone(seconds: float, level: float, rate: int = 48000) -> np.ndarray:
    """A sine of so many dB (root mean square) below full scale."""
    return np.sqrt(2) * 10 ** (level / 20) * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "aac"), ("a.mkv", "pcm_s16le"), ("a.mkv", "pcm_u8"), ("a.mkv", "flac"), ("a.mkv", "libopus")],
)
def test_levels_are_those_of_the_tone(name: str, codec: str, tmp_path: Path) -> None:
    wave = np.concatenate([tone(1, -20), tone(1, -6), np.zeros(48000), tone(1, -30)])
    with open_media(film(tmp_path / name, wave, codec)) as media:
        found = sound_levels(media, 0.0, 0.5, 8)
    assert found is not None
    assert found[[0, 1, 2, 3, 6, 7]] == pytest.approx([-20, -20, -6, -6, -30, -30], abs=0.7)
    assert found[5] <= -45, "silence; 8 bits have a floor"


def test_all_channels_count(tmp_path: Path) -> None:
    with open_media(film(tmp_path / "a.mkv", tone(2, -10), "pcm_s16le", channels=2)) as media:
        found = sound_levels(media, 0.0, 1.0, 2)
    assert found == pytest.approx([-13.01, -13.01], abs=0.05), "one of two channels: half the power"


def test_steps_begin_where_they_are_asked_for_and_end_with_the_sound(tmp_path: Path) -> None:
    wave = np.concatenate([tone(2, -40), tone(2, -10)])
    with open_media(film(tmp_path / "a.mkv", wave, "pcm_s16le")) as media:
        found = sound_levels(media, 1.0, 1.0, 5)
    assert found is not None
    assert found[:3] == pytest.approx([-40, -10, -10], abs=0.3)
    assert np.isnan(found[3:]).all()


def test_without_sound_there_is_nothing(tmp_path: Path) -> None:
    from tests.media.making_media import clip, noisy

    with open_media(clip([noisy(0), noisy(1)])) as media:
        assert sound_levels(media, 0.0, 1.0, 2) is None
