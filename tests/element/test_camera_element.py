"""``<mien-camera>`` on a page of others, in Chromium and Firefox."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mien.core.labels import NOTICE
from tests.element.browsers import BUTTON, Tab
from tests.element.conftest import PHOTOGRAPH
from tests.element.serving import POLICY, Site

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"

SCRIPT = """
import "./mien/mien-camera.js";
window.heard = {};
window.watched = (element) => {
  heard[element.id] = [];
  for (const name of ["ready", "start", "stop", "faces", "error"])
    element.addEventListener(name, (event) => heard[element.id].push([name, event.message ?? event.detail ?? null]));
};
window.told = (id, name) => heard[id].filter(([kind]) => kind === name).map(([, what]) => what);
window.until = async (id, name, count = 1) => {
  for (let waited = 0; told(id, name).length < count; waited++) {
    if (waited > 3000) throw new Error(`no ${name} of ${id}: ${JSON.stringify(heard[id].slice(-5))}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return told(id, name);
};
window.place = (id, attributes = {}) => {
  const element = document.createElement("mien-camera");
  element.id = id;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  watched(element);
  document.querySelector("main").append(element);
  return element;
};
window.part = (id, name) => document.getElementById(id).shadowRoot.querySelector(`[part=${name}], .${name}`);
window.drawn = (id) => {
  const canvas = part(id, "overlay"), copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  return context.getImageData(0, 0, copy.width, copy.height).data.some(Boolean);
};
document.querySelectorAll("mien-camera").forEach(watched);
"""
FILM = """async (photograph) => {
  window.cameras = [];
  const bytes = Uint8Array.from(atob(photograph), (sign) => sign.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
    [canvas.width, canvas.height] = [640, 360];
    const draw = () => context.drawImage(image, 100, 20, 360, (360 * image.height) / image.width);
    draw();
    setInterval(draw, 30);
    cameras.push(canvas.captureStream(30));
    return cameras.at(-1);
  };
}"""
"""From now on the camera shows a photograph."""


@pytest.fixture
def page(site: Site, browser: Tab) -> Tab:
    """A page with the element's module, and with functions for tests; at the end nothing must have gone wrong in it."""
    site.headers = {"Content-Security-Policy": POLICY}
    browser.open(site.page("camera", script=SCRIPT))
    browser.run("() => customElements.whenDefined('mien-camera').then(() => null)")
    site.asked.clear()
    return browser


PLACE = """(id) => {
  const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
  const view = part(id, "view").getBoundingClientRect(), at = middle(part(id, "button").getBoundingClientRect());
  return [(at[0] - view.x) / view.width, (at[1] - view.y) / view.height];
}"""
"""Where in its view the middle of the button of an element lies, 0 to 1."""


def _film(tab: Tab) -> None:
    tab.run(FILM, base64.b64encode(PHOTOGRAPH.read_bytes()).decode())


def test_the_camera_waits_for_the_button_and_is_turned_off(page: Tab, site: Site) -> None:
    _film(page)
    page.run(
        "async () => { place('one', { mirrored: '' }); place('two'); await until('one', 'ready'); await until('two', 'ready'); }"
    )
    assert page.run("() => cameras.length") == 0
    assert page.run("() => part('one', 'notice').textContent") == NOTICE
    assert page.run("() => part('one', 'button').textContent") == "Start the camera"
    across, down = page.run(PLACE, "one")
    assert across == pytest.approx(0.5, abs=0.01)
    assert down < 0.51, "in sight, however tall the view is"
    page.click(*page.run(BUTTON, "one"))
    [first, *_] = page.run("async () => (await until('one', 'faces', 4)).slice(3)")
    [face] = first["faces"]
    assert (first["width"], first["height"], first["status"], first["frame"]) == (640, 360, "face", 3)
    assert face["label"] == face["smoothed_emotion"] == "happy"
    assert face["track"] == 1
    assert page.run("() => drawn('one')")
    assert page.run("() => part('one', 'status').textContent") == "Person 1: happy"
    assert page.run("() => getComputedStyle(part('one', 'media')).transform") == "matrix(-1, 0, 0, 1, 0, 0)"
    assert page.run("() => part('one', 'button').textContent") == "Stop"
    assert page.run(PLACE, "one")[1] > 0.6, "below the face"
    page.click(*page.run(BUTTON, "one"))
    page.run("() => until('one', 'stop').then(() => null)")
    assert page.run("() => cameras[0].getTracks()[0].readyState") == "ended"
    assert page.run("() => [drawn('one'), document.getElementById('one').running]") == [False, False]
    # The other one, started by a program, is taken off the page; both had shared the networks.
    page.run("async () => { document.getElementById('two').start(); await until('two', 'faces'); }")
    page.run("async () => { document.getElementById('two').remove(); await until('two', 'stop'); }")
    assert page.run("() => cameras[1].getTracks()[0].readyState") == "ended"
    assert [path for path in site.asked if path.endswith("small-int8.onnx")] == [
        "/mien/networks/small-int8.onnx"
    ]
    assert page.problems == []


def test_a_camera_that_comes_after_its_element_has_gone_is_turned_off(page: Tab) -> None:
    _film(page)
    assert page.run("""async () => {
      const { mediaDevices } = navigator, late = mediaDevices.getUserMedia;
      let asked, give;
      const question = new Promise((resolve) => { asked = resolve; });
      mediaDevices.getUserMedia = () => { asked(); return new Promise((resolve) => { give = resolve; }); };
      const element = place("late", { autostart: "" });
      await question;
      element.remove();
      give(await late());
      await new Promise((resolve) => setTimeout(resolve, 50));
      return [cameras[0].getTracks()[0].readyState, told("late", "start").length];
    }""") == ["ended", 0]


def test_nothing_is_read_while_nobody_sees_it(page: Tab) -> None:
    _film(page)
    page.run(
        "async () => { place('seen', { autostart: '', interval: '30' }); await until('seen', 'faces', 2); }"
    )
    count = """async () => {
      const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
      await wait(400);
      const before = told("seen", "faces").length;
      await wait(400);
      return told("seen", "faces").length - before;
    }"""
    assert page.run("() => { document.getElementById('seen').hidden = true; }") is None
    assert page.run(count) == 0
    page.run("() => { document.getElementById('seen').hidden = false; }")
    page.run("async () => { await until('seen', 'faces', told('seen', 'faces').length + 2); }")
    page.run(
        """() => {
          Object.defineProperty(document, "hidden", { value: true, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    )
    assert page.run(count) == 0
    page.run("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")
    page.run("async () => { await until('seen', 'faces', told('seen', 'faces').length + 2); }")


def test_an_image_in_words_of_the_page(page: Tab) -> None:
    words = '{"happy": "fröhlich", "Start": "Los", "Stop": "Halt", "Person": "Mensch"}'
    page.run(
        "async (words) => { place('image', { src: 'astronaut.jpg', landmarks: '', words }); await until('image', 'ready'); }",
        words,
    )
    assert page.run("() => part('image', 'button').textContent") == "Los"
    [result] = page.run(
        "async () => { await document.getElementById('image').start(); return until('image', 'faces'); }"
    )
    [face] = result["faces"]
    assert face["label"] == "happy"
    assert abs(face["measures"]["yaw"]) < 10
    assert page.run("() => part('image', 'status').textContent") == "Mensch: fröhlich"
    assert page.run("() => part('image', 'button').textContent") == "Halt"
    # What is chosen anew is read anew.
    page.run(
        "async () => { document.getElementById('image').setAttribute('src', 'favicon.ico'); await until('image', 'error'); }"
    )


def test_a_video_to_its_end(page: Tab, site: Site, astronaut: np.ndarray) -> None:
    with av.open(site.folder / "clip.webm", "w") as file:
        stream = file.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for index in range(12):
            image = np.full((240, 320, 3), 70, np.uint8)
            image[:, 2 * index : 2 * index + 240] = np.asarray(Image.fromarray(astronaut).resize((240, 240)))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(stream.encode(None))
    results = page.run("""async () => {
      place("video", { src: "clip.webm", autostart: "", muted: "", overlay: "none" });
      await until("video", "stop");
      return told("video", "faces");
    }""")
    assert [(one["width"], one["height"]) for one in results] == [(320, 240)] * len(results)
    assert {face["track"] for one in results for face in one["faces"]} == {1}
    assert page.run("() => [drawn('video'), told('video', 'error').length]") == [False, 0]


REFUSED = """async (name) => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", name));
}"""
CAMERA_FAULTS = {
    "NotAllowedError": "The camera may not be used: allow it for this page in the browser, then start again.",
    "NotFoundError": "There is no camera: plug one in, then start again; images and videos need none.",
    "NotReadableError": "The camera is in use by another program: close that, then start again.",
}
FAULTS: list[tuple[dict[str, str], str]] = [
    ({"src": "none.webm"}, "none.webm: expected a video or an image; the server answered 404"),
    (
        {"src": "camera.html"},
        "camera.html: expected a video or an image; the server says that it is text/html",
    ),
    ({"src": "broken.webm"}, "broken.webm: this browser cannot play it: expected a video that is whole"),
    ({"src": "broken.jpg"}, "broken.jpg: this browser cannot read the picture"),
    (
        {"src": "https://127.0.0.1:1/a.webm"},
        "https://127.0.0.1:1/a.webm: it cannot be fetched: expected a video or",
    ),
    ({"words": "{happy}"}, 'words: expected JSON such as {"happy": "fröhlich"}; '),
    ({"min-face": "tall"}, 'min-face: expected a number, 0 or more; got "tall"'),
    ({"model": "huge"}, 'expected a model out of small-int8, small; got "huge"'),
    (
        {"base": "/elsewhere/"},
        "/elsewhere/settings.json: expected what mien web writes; the server answered 404",
    ),
]


def test_faults_are_told_as_an_event_and_on_the_element(page: Tab, site: Site) -> None:
    for name in ("broken.webm", "broken.jpg"):
        (site.folder / name).write_bytes(b"neither of them")
    seen = """async (attributes) => {
      const element = place("wrong", { autostart: "", ...attributes });
      const [message] = await until("wrong", "error");
      const out = [message, part("wrong", "message").textContent, element.running, told("wrong", "error").length];
      element.remove();
      return out;
    }"""
    page.run("async () => { place('other'); await until('other', 'ready'); }")  # Keeps the networks loaded.
    for attributes, expected in FAULTS:
        message, shown, running, count = page.run(seen, attributes)
        assert message.startswith(expected), attributes
        assert (shown, running, count) == (message, False, 1), attributes
        assert "\n" not in message
    for name, expected in CAMERA_FAULTS.items():
        page.run(REFUSED, name)
        assert page.run(seen, {})[:2] == [expected, expected]
    page.run(
        "() => { Object.defineProperty(navigator, 'mediaDevices', { value: undefined, configurable: true }); }"
    )
    assert "only to pages of this machine or over https" in page.run(seen, {})[0]
    # It works again once the cause is gone.
    page.run("() => { delete navigator.mediaDevices; }")
    _film(page)
    page.run(
        "async () => { place('again', { 'min-face': '40', autostart: '' }); await until('again', 'faces'); }"
    )


def test_nothing_for_axe_core_to_fault(page: Tab) -> None:
    if not AXE.is_file():
        pytest.skip("no axe-core: npm ci in web/ (make test does)")
    page.run("""async () => {
      place("image", { src: "astronaut.jpg" }).start();
      place("wrong", { src: "none.webm", autostart: "" });
      place("camera");
      await Promise.all([until("image", "faces"), until("wrong", "error"), until("camera", "ready")]);
    }""")
    page.run(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")
    found = page.run(
        "async () => (await axe.run(document.querySelector('main'))).violations.map(({ id, nodes }) => [id, nodes.map(({ target }) => target)])"
    )
    assert found == []


def test_the_page_of_the_documentation(browser: Tab, site: Site) -> None:
    """Its example, served as the documentation says, reads the camera when the button is pressed."""
    text = (ROOT / "docs" / "element.md").read_text(encoding="utf-8")
    html = re.search(r"^```html\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[1]
    script, module = re.findall(r"^```js\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (site.folder / "index.html").write_text(html, encoding="utf-8")
    (site.folder / "page.js").write_text(script, encoding="utf-8")
    site.headers = {"Content-Security-Policy": _told_policy(text)}
    browser.open(f"{site.url}/index.html")
    _film(browser)
    browser.run("() => { document.querySelector('mien-camera').id = 'it'; }")
    browser.click(*browser.run(BUTTON, "it"))
    told = browser.run("""() => new Promise((resolve) => {
      document.querySelector("mien-camera").addEventListener("faces", ({ detail }) => detail.faces.length && resolve(detail));
    })""")
    assert told["faces"][0]["label"] == "happy"
    shown = module.replace('querySelector("video")', 'querySelector("img")')
    browser.open(
        site.page(
            "example", "<img src=astronaut.jpg alt=astronaut>", f"{shown}window.example = [faces, people];"
        )
    )
    faces, people = browser.run("""async () => {
      while (!window.example) await new Promise((resolve) => setTimeout(resolve, 20));
      return example;
    }""")
    assert [face["label"] for face in (*faces, *people)] == ["happy", "happy"]
    assert browser.problems == []


def _told_policy(text: str) -> str:
    """The Content-Security-Policy that the page of the documentation names, and nothing else allowed."""
    return f"default-src 'none'; img-src 'self'; {re.search(r'`(script-src [^`]*)`', text)[1]}"
