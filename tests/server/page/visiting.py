"""The page in a real Chromium, whose camera is a file."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from mien.server import web_page
from tests.server.service import Service

SHOTS = Path(__file__).parents[3] / "artifacts" / "page"
"""Screenshots of the last `make browser`, for people."""
LOOKED_AT = "MIEN_SHOTS" in os.environ
"""Whether screenshots are kept: each takes a third of a second of a core, and no test looks at them."""

WIDTH, HEIGHT, RATE = 640, 480, 10
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
READY = 90_000  # ms after which it is a fault that nothing has come; a busy machine may take long.


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray, grace_hopper: np.ndarray) -> Path:
    """What the camera shows: a real clip where there is one, else two photographs that move. At so few frames a second
    that most are read: a browser without a graphics card draws each, for more of a core than to read it.
    """
    import av

    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for image in islice(_images(astronaut, grace_hopper), 0, None, 30 // RATE):
            planes = av.VideoFrame.from_ndarray(image, format="rgb24").to_ndarray(format="yuv420p")
            file.write(b"FRAME\n" + planes.tobytes())
    return path


def _images(*photographs: np.ndarray) -> Iterator[np.ndarray]:
    import av
    from PIL import Image

    real = Path(__file__).parents[4] / "shared" / "media" / "one_face.mp4"
    canvas = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    if real.is_file():
        with av.open(real) as file:
            for frame in file.decode(video=0):
                small = frame.to_image().resize((WIDTH, WIDTH * frame.height // frame.width))
                top = (HEIGHT - small.height) // 2
                canvas[max(0, top) : max(0, top) + small.height] = np.asarray(small)[
                    max(0, -top) : max(0, -top) + HEIGHT
                ]
                yield canvas.copy()
        return
    small = [
        np.asarray(
            Image.fromarray(photograph).resize((300, 300 * photograph.shape[0] // photograph.shape[1]))
        )
        for photograph in photographs
    ]
    for index in range(90):
        image, shift = canvas.copy(), int(10 * np.sin(2 * np.pi * index / 90))
        for left, part in zip((10, 330), small, strict=True):
            image[60 + shift : 60 + shift + len(part), left : left + 300] = part
        yield image


@pytest.fixture(scope="module")
def browser(camera: Path) -> Iterator[Browser]:
    """Chromium, without a window; it is closed after each file of tests, as its loop would be in the way of
    others.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium (.ci/run does)")
    fake = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--process-per-site", *fake]
        )
        yield chromium
        chromium.close()


PHOTOGRAPH = Path(__file__).parents[3] / "docs" / "images" / "astronaut.jpg"
FILM = """(width, height, rate, photograph) => {
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
    [canvas.width, canvas.height] = [width, height];
    const bytes = Uint8Array.from(atob(photograph), (sign) => sign.charCodeAt(0));
    const image = photograph && (await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })));
    let number = 0;
    const draw = () => {
      number++;
      context.fillStyle = "#456";
      context.fillRect(0, 0, width, height);
      const [x, y] = [40 * Math.sin(1.9 * number), 20 * Math.cos(1.9 * number)];
      if (image) context.drawImage(image, -150 + x, -60 + y, 1.4 * width, (1.4 * width * image.height) / image.width);
      else context.fillRect(number % 50, 40, 200, 100);
    };
    draw();
    setInterval(draw, 1000 / rate);
    return canvas.captureStream(rate);
  };
}"""


class Visit:
    """The page, open in a browser, and all that it did."""

    def __init__(self, page: Page, url: str, home: str) -> None:
        self.page, self.home = page, home
        self.problems: list[str] = []
        self.asked: list[str] = []
        page.on(
            "console",
            lambda message: (
                self.problems.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(url)

    def ready(self) -> None:
        """Wait until the camera can be started."""
        self.page.wait_for_selector("#start:enabled", state="attached")

    def choose(self, way: str) -> None:
        """``device`` or ``server``."""
        self.page.locator(f"label:has(input[value={way}])").click()
        self.ready()

    def results(self) -> int:
        """Frames that were read since the page was opened."""
        return int(self.page.evaluate("document.documentElement.dataset.results ?? 0"))

    def wait_for_results(self, more: int) -> None:
        """Wait until so many more frames have been read."""
        goal = self.results() + more
        self.page.wait_for_function(
            "goal => Number(document.documentElement.dataset.results ?? 0) >= goal", arg=goal
        )

    def film(self, width: int, height: int, rate: float, *, face: bool = False) -> None:
        """From the next start on the camera is a canvas of this size: a plain room, or a photograph that jumps to
        and fro as in a hand that is not steady. Where no page is open yet, in the next one.
        """
        photograph = base64.b64encode(PHOTOGRAPH.read_bytes()).decode() if face else ""
        program = f"({FILM})({width}, {height}, {rate}, '{photograph}')"
        if self.page.url == "about:blank":
            self.page.add_init_script(program)
        else:
            self.page.evaluate(program)

    def shot(self, name: str, *, whole: bool = True) -> None:
        """Keep a screenshot for people, where they have asked for it."""
        if not LOOKED_AT:
            return
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=whole)


Visiting = Callable[..., Any]
Running = Callable[..., Any]
SCREEN: ViewportSize = {"width": 1320, "height": 960}


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """What all visits of a file share, but those that ask for a context of their own: the browser fetches and compiles
    each program once.
    """
    with closing(browser.new_context(viewport=SCREEN)) as context:
        context.set_default_timeout(READY)
        yield context


@pytest.fixture(scope="module")
def run_module(context: BrowserContext, service: Service) -> Iterator[Running]:
    """Runs a program, a function of one of the page's modules and an argument, in a browser that shows
    nothing else of the page.
    """
    page = context.new_page()
    page.route("**/static/main.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(service.url)

    def run(path: str, program: str, argument: Any = None) -> Any:
        return page.evaluate(
            f"async (argument) => ({program})(await import('/static/{path}'), argument)", argument
        )

    yield run
    page.close()


@pytest.fixture(scope="module")
def compiled(run_module: Running) -> None:
    """A page that stays open and holds the networks, for files with many visits: what it has compiled, later ones of its
    process find, which saves each a second of a core.
    """
    run_module(
        "device.js",
        """async ({ Device }) => {
          window.device = new Device(await (await fetch("/v1/page")).json());
          await window.device.ready;
        }""",
    )


@pytest.fixture
def visiting(browser: Browser, context: BrowserContext, service: Service) -> Visiting:
    """Opens the page; options are those of a browser context of its own."""

    @contextmanager
    def visit(url: str | None = None, **options: Any) -> Iterator[Visit]:
        own = browser.new_context(**{"viewport": SCREEN, **options}) if options else None
        page = (own or context).new_page()
        with closing(own or page):
            page.set_default_timeout(READY)
            yield Visit(page, url or service.url, service.url)

    return visit


@pytest.fixture
def without_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services as they are where mien was built without the parts that the way on the device needs: for tests of other
    ways on services of their own, for which each page would compile those parts, a second and a half of a core.
    """
    monkeypatch.setattr(web_page, "device_available", lambda: False)


@pytest.fixture
def visit(visiting: Visiting) -> Iterator[Visit]:
    """The page as a visitor finds it; at the end nothing must have gone wrong in it."""
    with visiting() as visit:
        yield visit
        assert not visit.problems, visit.problems


UNPACKED = "(text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0))"
"""Bytes that came as text, in the page."""
