"""Images, clips and faces that benchmarks read; those under ``../shared`` are not part of the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
CLIP = SHARED / "media" / "one_face.mp4"
IMAGE = SHARED / "media" / "one_face.jpg"
CROWD = SHARED / "media" / "many_faces.jpg"
NOBODY = SHARED / "media" / "no_face.mp4"
DATA = SHARED / "fer2013" / "fer2013.parquet"

SIZE, SIDE, QUALITY = (600, 340), 200, 90
"""Of images with one face: width and height, side of the face in px, quality of the JPEG."""


def decode_frames(clip: Path, count: int) -> NDArray[np.uint8]:
    """``(n, h, w, 3)`` the first frames of a clip, RGB."""
    from mien.media import Frame, open_media

    images: list[NDArray[np.uint8]] = []
    with open_media(clip) as media:
        for item in media:
            if isinstance(item, Frame):
                images.append(item.image)
            if len(images) == count:
                break
    return np.stack(images)


def repeat_clip(clip: Path, target: Path, frames: int) -> int:
    """Write a clip again and again, with later times, nothing decoded or encoded.

    Returns:
        How many frames were written: whole repetitions, at least ``frames``.
    """
    import av

    with av.open(str(clip)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.video[0]
        out = sink.add_stream_from_template(stream)
        packets = [
            (bytes(packet), packet.pts or 0, packet.dts or 0, packet.is_keyframe)
            for packet in source.demux(stream)
            if packet.size
        ]
        first, last = min(packet[1] for packet in packets), max(packet[1] for packet in packets)
        # From the first frame to where the one after the last would be.
        length = round((last - first) * len(packets) / (len(packets) - 1))
        written = 0
        while written < frames:
            shift = length * (written // len(packets))
            for data, pts, dts, key in packets:
                packet = av.Packet(data)
                packet.stream = out
                if stream.time_base is not None:
                    packet.time_base = stream.time_base
                packet.pts, packet.dts, packet.is_keyframe = pts + shift, dts + shift, key
                sink.mux(packet)
            written += len(packets)
    return written


def write_face_images(folder: Path, count: int) -> dict[str, int]:
    """Write images with one face each as JPEG: frames of the clip (``clip-NUMBER.jpg``), and faces of FER-2013
    before a wall, their place in the name (``room-NUMBER-at-X-Y-SIDE.jpg``).

    Returns:
        How many there are of each kind, in the order of their names.
    """
    counts = {}
    if CLIP.is_file():
        frames = decode_frames(CLIP, count)
        for number, frame in enumerate(frames):
            Image.fromarray(frame).save(folder / f"clip-{number:03}.jpg", quality=QUALITY)
        counts["clip"] = len(frames)
    if DATA.is_file():
        for number, (image, (left, top)) in enumerate(_rooms(count)):
            image.save(folder / f"room-{number:03}-at-{left}-{top}-{SIDE}.jpg", quality=QUALITY)
        counts["room"] = count
    if not counts:
        raise SystemExit(f"expected {CLIP} or {DATA}; there is neither")
    return counts


def _rooms(count: int) -> list[tuple[Image.Image, tuple[int, int]]]:
    """Faces of PublicTest, each somewhere before a gray wall with grain, and where."""
    from mien.data import leak_free, open_dataset

    chance = np.random.default_rng(10)
    faces = leak_free(open_dataset(DATA), "PublicTest").images
    images = []
    for row in chance.permutation(len(faces))[:count]:
        wall = np.full((SIZE[1], SIZE[0]), chance.integers(90, 150)) + chance.normal(0, 3, (SIZE[1], SIZE[0]))
        image = Image.fromarray(wall.clip(0, 255).astype(np.uint8))
        face = Image.fromarray(faces[row]).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        place = (int(chance.integers(0, SIZE[0] - SIDE)), int(chance.integers(0, SIZE[1] - SIDE)))
        image.paste(face, place)
        images.append((image.convert("RGB"), place))
    return images
