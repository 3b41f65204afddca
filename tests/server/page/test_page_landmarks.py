"""Points and movements on the page: off until somebody wants them, and the same on the device as on the server."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload

from mien.core.errors import NetworkError
from mien.inference.config import PipelineConfig
from mien.inference.weights import part_path
from tests.server.page.visiting import UNPACKED, Running, Visit, Visiting
from tests.server.service import Service, encoded, serving

pytestmark = pytest.mark.usefixtures("compiled")

BOTH = f"""async ({{ Device }}, data) => {{
  const {{ Server }} = await import("/static/server.js");
  const {{ decoded }} = await import("/static/files/image.js");
  const {{ pixelsOf }} = await import("/static/images.js");
  const settings = await (await fetch("/v1/page")).json();
  window.device ??= new Device(settings);
  const file = new File([({UNPACKED})(data)], "image.png", {{ type: "image/png" }});
  const here = await device.image(pixelsOf(await decoded(file)), 30, true);
  const {{ faces }} = await new Server(settings).image(file, 30, true);
  return [here, faces].map((found) => found.map((face) => ({{ ...face, mesh: face.mesh && [...face.mesh] }})));
}}"""
POINTS = """(selector) => {
  const canvas = document.querySelector(selector ?? "#overlay"), { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, width, height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) if (Math.min(...data.slice(at, at + 4)) > 200) count++;
  return count;
}"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that finds landmarks."""
    for part in ("facemesh", "facemesh-eyes"):
        try:
            part_path(part)
        except NetworkError:
            pytest.skip("mien was built without npm, which brings the networks of the landmarks")
    networks = PipelineConfig(threads=1, model="small", landmarks=True)
    with serving(tmp_path_factory.mktemp("service"), networks=networks) as running:
        yield running


def test_device_and_server_find_the_same(
    run_module: Running, astronaut: np.ndarray, grace_hopper: np.ndarray
) -> None:
    """Also of a head that is tilted, and in a photograph of which blocks of pixels are averaged."""
    tilted = np.asarray(Image.fromarray(astronaut).rotate(15, Image.Resampling.BICUBIC))
    large = np.asarray(
        Image.fromarray(astronaut[20:260, 100:340]).resize((1200, 1200), Image.Resampling.LANCZOS)
    )
    for image, scale in ((astronaut, 1), (grace_hopper, 1), (tilted, 1), (large, 5)):
        data = base64.b64encode(encoded(np.ascontiguousarray(image))).decode()
        here, there = run_module("device.js", BOTH, data)
        assert len(here) == len(there) > 0
        for one, other in zip(here, there, strict=True):
            assert np.abs(np.array(one["mesh"]) - np.array(other["mesh"])).max() < 0.5 * scale
            assert one["measures_missing"] == other["measures_missing"]
            for name, value in other["measures"].items():
                near = 0.5 if name in ("yaw", "pitch", "roll") else 0.01
                assert one["measures"][name] == (None if value is None else pytest.approx(value, abs=near)), (
                    name
                )


@pytest.mark.parametrize("way", ["device", "server"])
def test_points_and_movements_are_shown_while_they_are_wanted(visit: Visit, way: str) -> None:
    page = visit.page
    visit.ready()
    visit.choose(way)
    visit.ready()
    assert page.is_enabled("#landmarks")
    assert not page.is_checked("#landmarks")
    page.click("#start")
    visit.wait_for_results(6)
    assert page.locator(".measures").count() == 0
    assert not page.is_visible("#measures-note")
    assert not [address for address in visit.asked if "facemesh" in address], "nobody has asked for them yet"
    without = page.evaluate(POINTS)
    page.check("#landmarks")
    page.wait_for_selector(".measures")
    page.wait_for_function("() => /yaw/.test(document.querySelector('.measures')?.textContent ?? '')")
    visit.wait_for_results(4)
    assert page.evaluate(POINTS) > without + 200
    assert page.locator(".measures").first.locator("dt").all_inner_texts() == [
        "Head",
        "Eyes",
        "Mouth",
        "Smile",
        "Blinks",
    ]
    assert page.is_visible("#measures-note")
    assert bool([address for address in visit.asked if "facemesh" in address]) == (way == "device")
    visit.shot(f"landmarks-{way}")
    page.uncheck("#landmarks")
    page.wait_for_selector(".measures", state="detached")
    visit.wait_for_results(6)
    assert page.evaluate(POINTS) < without + 200


def test_tables_of_images_have_the_columns(visit: Visit, astronaut: np.ndarray) -> None:
    page = visit.page
    visit.ready()
    page.check("#landmarks")
    for way in ("device", "server"):
        visit.choose(way)
        visit.ready()
        file: FilePayload = {"name": f"{way}.png", "mimeType": "image/png", "buffer": encoded(astronaut)}
        page.set_input_files("#choose", file)
        page.wait_for_selector(f'article[aria-label="{way}.png"][data-state="done"]')
        with page.expect_download() as download:
            page.click(f'article[aria-label="{way}.png"] a[download="{way}.csv"]')
        [row] = csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8")))
        assert float(row["left_eye_opening"]) > 0.2
        assert (row["measures_missing"], row["movement"]) == ("", "")


def test_a_clip_read_on_the_device_is_replayed_with_its_points(
    visit: Visit, movie: Callable[..., Path]
) -> None:
    """Its table has the columns as well, and a mouth that stays as it is does not talk."""
    clip, page = movie(40, nobody=range(0), rate=20, name="walk.mp4"), visit.page
    visit.ready()
    found = []
    for points in (False, True):
        page.set_checked("#landmarks", points)
        page.set_input_files(
            "#choose", {"name": "walk.mp4", "mimeType": "video/mp4", "buffer": clip.read_bytes()}
        )
        card = page.locator('article[aria-label="walk.mp4"][data-state="done"]').first
        card.wait_for()
        card.locator("video").evaluate("(video) => (video.currentTime = 1)")
        page.wait_for_function(f"() => ({POINTS})('.result .boxes') > 20")
        found.append(page.evaluate(POINTS, ".result .boxes"))
        with page.expect_download() as download:
            card.locator('a[download="walk.csv"]').click()
        rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
        card.get_by_role("button", name="Remove walk.mp4").click()
    assert found[1] > found[0] + 200
    told = {row["talking"] for row in rows}
    assert "False" in told
    assert "True" not in told
    assert all(float(row["mouth_opening"]) >= 0 for row in rows)


def test_a_server_without_landmarks_says_so(visiting: Visiting, tmp_path: Path) -> None:
    with serving(tmp_path) as other, visiting(other.url) as visit:
        visit.ready()
        assert visit.page.is_enabled("#landmarks"), "the device can"
        visit.choose("server")
        visit.ready()
        assert visit.page.is_disabled("#landmarks")
        assert "mien serve --landmarks" in visit.page.inner_text("#landmarks-note")
