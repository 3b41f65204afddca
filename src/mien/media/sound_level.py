"""How loud a video is, in steps of time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from mien.media.media import Media
from mien.media.sound import Sound

QUIETEST = -90.0
"""dB of what is silent: the quietest that 16 bits can tell."""


def sound_levels(media: Media, start: float, step: float, count: int) -> NDArray[np.float64] | None:
    """The level of the sound of a video: ``20 log10`` of the root mean square of all channels in each step, in dB below full
    scale; from -90 for silence to 0.

    The sound is decoded once, packet by packet; memory does not grow with its length.

    Args:
        media: The video.
        start: Seconds at which the first step begins.
        step: Seconds of a step.
        count: How many steps.

    Returns:
        ``(count,)``, NaN where there is no sound; None where the video has none, or none of it can be decoded.
    """
    energy, samples = np.zeros(count), np.zeros(count)
    with media.sound(start) as sound:
        if sound is None:
            return None
        for time, rate, power in _powers(sound, step * count):
            places = np.floor((time + np.arange(len(power)) / rate) / step).astype(np.int64)
            inside = (places >= 0) & (places < count)
            energy += np.bincount(places[inside], power[inside], count)
            samples += np.bincount(places[inside], minlength=count)
    if not samples.any():
        return None
    mean = np.divide(energy, samples, out=np.full(count, np.nan), where=samples > 0)
    with np.errstate(divide="ignore"):
        levels: NDArray[np.float64] = np.clip(10 * np.log10(mean), QUIETEST, 0.0)
    return levels


def _powers(sound: Sound, until: float) -> Iterator[tuple[float, int, NDArray[np.float64]]]:
    """Of each decoded piece its time, its samples a second, and the mean square of the channels of each sample."""
    for packet in sound.until(until):
        try:
            frames = packet.decode()
        except FFmpegError:
            continue  # Damaged; the frames of the video tell of it.
        for frame in frames:
            if isinstance(frame, av.AudioFrame) and frame.pts is not None and frame.time_base is not None:
                yield float(frame.pts * frame.time_base), frame.sample_rate, _squares(frame)


def _squares(frame: av.AudioFrame) -> NDArray[np.float64]:
    values: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype == np.uint8:
        values = values.astype(np.float64) / 128 - 1
    elif np.issubdtype(values.dtype, np.integer):
        values = values / -float(np.iinfo(values.dtype).min)
    return np.square(values.astype(np.float64)).mean(axis=0) if math.prod(values.shape) else np.zeros(0)
