"""The module of ``mien web``: pictures and videos, in Chromium and Firefox, with the answers of Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mien
from mien.core.frame import Frame
from tests.element.browsers import Tab
from tests.element.serving import ISOLATED, Site

READER = """
const { Reader } = await import("/mien/reader.js");
window.reader ??= await Reader.load({ model: "small" });
const loaded = async (url) => {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
};
"""
EVERY_KIND = f"""async () => {{ {READER}
  const image = await loaded("/astronaut.png");
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height);
  const off = new OffscreenCanvas(image.width, image.height);
  off.getContext("2d").putImageData(pixels, 0, 0);
  const blob = await (await fetch("/astronaut.png")).blob();
  const answers = [];
  for (const picture of [image, canvas, off, pixels, blob, await createImageBitmap(blob)])
    answers.push(await reader.read(picture, {{ landmarks: true, points: true }}));
  return [answers, pixels.data.length, reader.labels, reader.model, reader.head, reader.notice];
}}"""
STREAM = f"""async (count) => {{ {READER}
  const session = await reader.session(), told = [];
  for (let index = 0; index < count; index++) told.push(await session.read(await loaded(`/frame-${{index}}.png`), index / 12));
  await session.close();
  return told;
}}"""
FAULT = f"""async (program) => {{ {READER}
  try {{ await ({{
    text: () => reader.read("face.jpg"),
    nothing: () => reader.read(null),
    empty: () => reader.read(document.createElement("video")),
    broken: () => reader.read(new Blob(["no image"], {{ type: "image/jpeg" }})),
    model: () => Reader.load({{ model: "huge" }}),
    head: () => Reader.load({{ head: "feet" }}),
    base: () => Reader.load({{ base: "/elsewhere/" }}),
    page: () => Reader.load({{ base: "/astronaut.jpg/" }}),
    host: () => Reader.load({{ base: "https://example.org/mien/" }}),
    closed: async () => {{
      const other = await Reader.load();
      other.close();
      await other.read(await loaded("/astronaut.png"));
    }},
    altered: () => Reader.load({{ base: "/altered/", model: "small-int8" }}),
    missing: () => Reader.load({{ base: "/missing/", model: "small-int8" }}),
    simd: async () => {{
      const {{ validate }} = WebAssembly;
      WebAssembly.validate = () => false;
      try {{ await Reader.load(); }} finally {{ WebAssembly.validate = validate; }}
    }},
  }})[program](); }} catch (error) {{ return error.message; }}
}}"""


def test_every_kind_of_picture_has_the_answer_of_python(
    site: Site, browser: Tab, astronaut: np.ndarray
) -> None:
    Image.fromarray(astronaut).save(site.folder / "astronaut.png")
    browser.open(site.page("pictures"))
    answers, size, labels, model, head, notice = browser.run(EVERY_KIND)
    assert size == astronaut.size // 3 * 4
    pipeline = mien.Pipeline(model="small", landmarks=True)
    assert (labels, model, head) == (list(pipeline.classifier.labels), "small", pipeline.classifier.head)
    assert notice in mien.core.labels.NOTICE
    [expected] = [face.streamed(points=True) for face in pipeline(astronaut)]
    for [face] in answers:
        assert face.keys() == expected.keys()
        _same(face, expected)
    assert browser.problems == []
    # One thread is enough, and nothing came from elsewhere or more than once.
    assert len(site.asked) == len(set(site.asked) - {"/astronaut.png"}) + site.asked.count("/astronaut.png")


def _same(face: dict[str, Any], expected: dict[str, Any], within: float = 1e-3, px: float = 0.1) -> None:
    for name, value in expected.items():
        got, near = face[name], px if name in ("box", "landmarks") else 0.5 if name == "mesh" else within
        if isinstance(value, dict):
            wide = 0.05 if name == "measures" else within
            assert got == {key: pytest.approx(number, abs=wide) for key, number in value.items()}, name
        elif isinstance(value, tuple):
            np.testing.assert_allclose(got, value, atol=near)
        else:
            assert got == (pytest.approx(value, abs=near) if isinstance(value, float) else value), name


def test_a_session_follows_people_as_python_does(site: Site, browser: Tab, astronaut: np.ndarray) -> None:
    frames = []
    for index in range(6):
        image = np.full((240, 400, 3), 70, np.uint8)
        image[20 : 20 + 198, 2 * index : 2 * index + 188] = np.asarray(
            Image.fromarray(astronaut).resize((188, 198))
        )
        Image.fromarray(image).save(site.folder / f"frame-{index}.png")
        frames.append(Frame(index, index / 12, image))
    site.headers |= ISOLATED  # With threads that share memory.
    browser.open(site.page("stream"))
    assert browser.run("() => crossOriginIsolated")
    told = browser.run(STREAM, len(frames))
    session = mien.Session(mien.Pipeline(model="small"))
    for frame, answer in zip(frames, told, strict=True):
        [faces] = session.update([frame])
        assert (answer["frame"], answer["status"], answer["width"], answer["height"]) == (
            frame.index,
            "face",
            400,
            240,
        )
        [one], [other] = answer["faces"], [face.streamed() for face in faces]
        assert one.keys() == other.keys()
        _same(one, other, within=0.02, px=1)


FAULTS = {
    "text": "expected an image, video, canvas, ImageData, ImageBitmap or Blob; got face.jpg",
    "nothing": "expected an image, video, canvas, ImageData, ImageBitmap or Blob; got null",
    "empty": "expected a picture with pixels; got 0 x 0 px: wait until it is loaded",
    "broken": "this browser cannot read the picture: expected an image that is whole, such as a JPEG",
    "model": 'expected a model out of small-int8, small; got "huge"',
    "head": "expected a head out of ",
    "base": "/elsewhere/settings.json: expected what mien web writes; the server answered 404: copy mien's folder to the site",
    "page": "/astronaut.jpg/settings.json: expected what mien web writes; the server answered 404",
    "host": "expected mien's files on the same site as the page, {url}; got https://example.org: copy the folder there",
    "closed": "this reader is closed: load another one",
    "altered": "{url}/altered/networks/small-int8.onnx: expected bytes with the digest sha256-",
    "missing": "{url}/missing/networks/small-int8.onnx: expected a network; the server answered 404",
    "simd": "this browser cannot run the networks: it lacks WebAssembly with SIMD",
}


def test_faults_are_told_in_one_line(site: Site, browser: Tab) -> None:
    _spoilt(site, "altered", lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\0"))
    _spoilt(site, "missing", lambda path: path.unlink())
    if not (site.folder / "astronaut.png").is_file():
        Image.new("RGB", (60, 60)).save(site.folder / "astronaut.png")
    browser.open(site.page("faults"))
    for program, expected in FAULTS.items():
        message = browser.run(FAULT, program)
        assert message.startswith(expected.format(url=site.url)), program
        assert "\n" not in message


def _spoilt(site: Site, name: str, spoil: Callable[[Path], object]) -> None:
    """What ``mien web`` wrote, in another folder, with one network that is not as it was."""
    folder = site.folder / name / "networks"
    folder.mkdir(parents=True, exist_ok=True)
    for path in [site.folder / "mien" / "settings.json", *(site.folder / "mien" / "networks").iterdir()]:
        (site.folder / name / path.relative_to(site.folder / "mien")).write_bytes(path.read_bytes())
    spoil(folder / "small-int8.onnx")


LOAD = """async () => {
  const { Reader } = await import("/mien/reader.js");
  try { await Reader.load(); } catch (error) { return error.message; }
}"""


def test_a_policy_without_webassembly_is_told(site: Site, browser: Tab) -> None:
    site.headers = {
        "Content-Security-Policy": site.headers["Content-Security-Policy"].replace("'wasm-unsafe-eval'", "")
    }
    browser.open(site.page("strict"))
    assert browser.run(LOAD) == (
        "this site's Content-Security-Policy stops WebAssembly: add 'wasm-unsafe-eval' to its script-src"
    )


def test_no_worker_where_the_policy_has_none(site: Site, browser: Tab) -> None:
    site.headers = {
        "Content-Security-Policy": site.headers["Content-Security-Policy"].replace(
            "worker-src 'self'", "worker-src 'none'"
        )
    }
    browser.open(site.page("workerless"))
    assert "worker-src 'self'" in browser.run(LOAD)
