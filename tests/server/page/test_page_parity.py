"""The same image gets the same answer on the device and on the server: within 0.001 in floats, within a
rounding or two in 8 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.inference.config import PipelineConfig
from tests.server.page.visiting import UNPACKED, Running
from tests.server.service import Service, encoded, serving

BOTH = f"""async ({{ Device }}, {{ data, type, minFace }}) => {{
  const {{ Server }} = await import("/static/server.js");
  const {{ decoded }} = await import("/static/files/image.js");
  const {{ pixelsOf }} = await import("/static/images.js");
  const settings = await (await fetch("/v1/page")).json();
  window.device ??= new Device(settings);
  const file = new File([({UNPACKED})(data)], "image", {{ type }});
  const here = await device.image(pixelsOf(await decoded(file)), minFace);
  const {{ faces }} = await new Server(settings).image(file, minFace);
  return [here, faces];
}}"""
STREAMS = f"""async ({{ Device }}, frames) => {{
  const {{ Server }} = await import("/static/server.js");
  const {{ decoded }} = await import("/static/files/image.js");
  const {{ pixelsOf }} = await import("/static/images.js");
  const settings = await (await fetch("/v1/page")).json();
  window.device ??= new Device(settings);
  const out = [];
  for (const way of [device, new Server(settings)]) {{
    const stream = await way.stream({{ minFace: settings.detector.min_face, largest: false }});
    const told = [];
    for (const {{ data, time }} of frames) {{
      const pixels = pixelsOf(await decoded(new File([({UNPACKED})(data)], "frame.png", {{ type: "image/png" }})));
      told.push((await stream.read(pixels, time)).faces);
    }}
    stream.close();
    out.push(told);
  }}
  return out;
}}"""


NEAR = {"small": 1e-3, "small-int8": 2e-2}
"""In 8 bits a value between two steps may be rounded to either: inputs that differ in the last digit move a
probability by up to 0.012."""


@pytest.fixture(scope="module", params=NEAR)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that reads with one of the networks."""
    with serving(
        tmp_path_factory.mktemp("service"), networks=PipelineConfig(threads=1, model=request.param)
    ) as running:
        yield running


@pytest.fixture
def within(service: Service) -> float:
    """How near the answers of both ways have to be."""
    return NEAR[service.settings.networks.model]


def _file(data: bytes, kind: str) -> dict[str, Any]:
    import base64

    return {"data": base64.b64encode(data).decode(), "type": f"image/{kind}", "minFace": 40}


def _same(
    here: list[dict[str, Any]],
    there: list[dict[str, Any]],
    within: float,
    pixels: float = 0.1,
    score: float = 1e-3,
) -> None:
    """Faces are the same: probabilities nearly, the detector's score within a thousandth, boxes within a part
    of a pixel.
    """
    assert len(here) == len(there)
    for one, other in zip(here, there, strict=True):
        np.testing.assert_allclose(one["probs"], other["probs"], atol=within)
        np.testing.assert_allclose(one["box"], other["box"], atol=pixels)
        assert one["detection_score"] == pytest.approx(other["detection_score"], abs=score)
        if other.get("smoothed_probs") is not None:
            assert one["track"] == other["track"]
            assert one["smoothed_emotion_id"] == other["smoothed_emotion_id"]
            np.testing.assert_allclose(one["smoothed_probs"], other["smoothed_probs"], atol=within)


def test_images(run_module: Running, within: float, astronaut: np.ndarray, grace_hopper: np.ndarray) -> None:
    both = np.concatenate([astronaut, np.asarray(Image.fromarray(grace_hopper).resize((400, 512)))], axis=1)
    images = [
        astronaut,
        grace_hopper,
        both,
        both[3:, 7:-4],
        astronaut[80:240, 150:290],
        both[::2, ::2],
        np.zeros((40, 30, 3), np.uint8),
    ]
    counts = []
    for image in images:
        here, there = run_module("device.js", BOTH, _file(encoded(np.ascontiguousarray(image)), "png"))
        _same(here, there, within)
        counts.append(len(there))
    assert sum(counts) >= 7


def test_photographs_as_jpeg_and_turned(run_module: Running, within: float, astronaut: np.ndarray) -> None:
    plain = encoded(astronaut, "JPEG", quality=90)
    turned = encoded(np.rot90(astronaut, 1), "JPEG", quality=90, exif=_orientation(6))
    for data in (plain, turned):
        here, there = run_module("device.js", BOTH, _file(data, "jpeg"))
        assert len(there) == 1
        _same(here, there, within)


def _orientation(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


def test_the_smallest_face_is_the_same_choice(
    run_module: Running, within: float, astronaut: np.ndarray
) -> None:
    small = np.asarray(Image.fromarray(astronaut).resize((150, 150)))  # Its face is 33 px high.
    for least, count in ((20, 1), (60, 0)):
        here, there = run_module("device.js", BOTH, {**_file(encoded(small), "png"), "minFace": least})
        assert (len(here), len(there)) == (count, count)
        _same(here, there, within)


def test_streams(run_module: Running, within: float, astronaut: np.ndarray, grace_hopper: np.ndarray) -> None:
    """Frames go to a server on this machine as they are: people and smoothed emotions are the same.

    The first frames are as near as images are; later ones need not be, as each box says where the next is
    looked for, which makes more and more of the last digit in which two machines differ. The size of the
    photographs leaves every edge that is cut at least .002 px from the place where it is rounded to the next
    sixteenth of a pixel.
    """
    frames = []
    for index in range(27):
        image = np.full((240, 400, 3), 70, np.uint8)
        for left, photograph in ((0, astronaut), (200, grace_hopper)):
            part = np.asarray(Image.fromarray(photograph).resize((188, 198)))
            top = 10 + index // 3 if left else 20
            image[top : top + 198, left : left + 188] = part if index < 15 or left else 70
        frames.append({**_file(encoded(image), "png"), "time": index / 12})
    here, there = run_module("device.js", STREAMS, frames)
    for index, (one, other) in enumerate(zip(here, there, strict=True)):
        _same(one, other, within) if index < 3 else _same(one, other, within=0.08, pixels=2, score=0.08)
    assert [len(faces) for faces in there][5] == 2
    assert [len(faces) for faces in there][24] == 1


@pytest.mark.parametrize("name", ["one_face.jpg", "many_faces.jpg"])
def test_real_photographs(run_module: Running, within: float, shared_media: Path, name: str) -> None:
    here, there = run_module("device.js", BOTH, _file((shared_media / name).read_bytes(), "jpeg"))
    assert len(there) >= 1
    _same(here, there, within)
