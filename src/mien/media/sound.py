"""The sound of a video as it is stored, packet by packet, on the clock of its frames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet

_PLAYED = {
    "aac": "AAC",
    "mp2": "MP2",
    "mp3": "MP3",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
    "opus": "Opus",
    "flac": "FLAC",
    "alac": "ALAC",
}
"""What players and browsers take in an MP4. FFmpeg would put more into one, such as Vorbis and PCM, of which
they play nothing."""

_LEAD = Fraction(1, 10)
"""Seconds before the first frame from which sound is kept: decoders need some to get going, and MP4 hides it."""

_SET_BACK = 1
"""Seconds by which a clock must go back to have been set back, as where videos were joined."""


class Sound:
    """The sound that belongs to a video, in the packets in which it is stored.

    Args:
        container: The open video, which nobody else reads from.
        stream: Which of its streams.
        start: Timestamp of the moment that becomes 0 s, in seconds.
        length: Seconds from there on that are given.
    """

    def __init__(
        self, container: InputContainer, stream: AudioStream, start: Fraction, length: float = math.inf
    ) -> None:
        self.stream, self._length = stream, length
        self._packets = self._read(container, start)
        self._next: Packet[AudioStream] | None = None

    @property
    def codec(self) -> str:
        """What it is stored with, as people call it where they have a name for it."""
        context = self.stream.codec_context
        name = "an unknown codec" if context is None else context.codec.canonical_name
        return _PLAYED.get(name, name)

    @property
    def fits_mp4(self) -> bool:
        """Whether players take it in an MP4 as it is."""
        context = self.stream.codec_context
        return context is not None and context.codec.canonical_name in _PLAYED and context.sample_rate > 0

    def until(self, time: float) -> Iterator[Packet[AudioStream]]:
        """The packets up to a time in seconds that no call before gave, in order; their times count from the
        start."""
        while True:
            packet = self._next or next(self._packets, None)
            self._next = packet
            if packet is None or _seconds(packet) > time:
                return
            self._next = None
            yield packet

    def _read(self, container: InputContainer, start: Fraction) -> Iterator[Packet[AudioStream]]:
        shift, last = -start, None
        end: Fraction | None = None
        for packet in _demuxed(container, self.stream):
            if end is not None and end - (_seconds(packet) + shift) > _SET_BACK:
                shift += end - (_seconds(packet) + shift)
            ticks = round(shift / packet.time_base)
            packet.pts, packet.dts = (packet.pts or 0) + ticks, (packet.dts or 0) + ticks
            length = (packet.duration or 0) * packet.time_base
            end = _seconds(packet) + length
            if end <= -_LEAD or (last is not None and packet.dts <= last):
                continue
            if _seconds(packet) >= self._length:
                return
            last = packet.dts
            yield packet


def _demuxed(container: InputContainer, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    """What can be read of a stream, up to where it is damaged."""
    try:
        for packet in container.demux(stream):
            if packet.size and packet.dts is not None and packet.pts is not None and not packet.is_corrupt:
                yield packet
    except (FFmpegError, IndexError):
        return  # The frames tell of damage; IndexError is PyAV's own, where a stream appears late.


def _seconds(packet: Packet[AudioStream]) -> Fraction:
    return Fraction((packet.dts or 0) * packet.time_base)
