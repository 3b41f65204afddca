"""A long video made of a short one: its packets again and again, with later times, nothing decoded or
encoded.
"""

from __future__ import annotations

from pathlib import Path

import av


def loop(clip: Path, target: Path, frames: int) -> int:
    """Write whole repetitions of a clip, so many that they hold at least ``frames`` frames.

    Returns:
        How many frames were written.
    """
    with av.open(str(clip)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.video[0]
        out = sink.add_stream_from_template(stream)
        packets = [
            (bytes(packet), packet.pts, packet.dts, packet.is_keyframe)
            for packet in source.demux(stream)
            if packet.size
        ]
        first, last = min(packet[1] for packet in packets), max(packet[1] for packet in packets)
        length = round(
            (last - first) * len(packets) / (len(packets) - 1)
        )  # From the first frame to where the one after the last would be.
        written = 0
        while written < frames:
            shift = length * (written // len(packets))
            for data, pts, dts, key in packets:
                packet = av.Packet(data)
                packet.stream, packet.time_base = out, stream.time_base
                packet.pts, packet.dts, packet.is_keyframe = pts + shift, dts + shift, key
                sink.mux(packet)
            written += len(packets)
    return written
