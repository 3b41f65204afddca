"""``make gallery``: pictures of every output, made by the program itself and a real Chromium, in docs/gallery.

The people in them are the public-domain portraits of ``demo.py``, moving a little; the drawn face is mien's own.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from mien.core.drawn_face import draw_portrait
from mien.core.frame import Frame
from mien.media import VideoWriter, open_media

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
OUT = Path("out/gallery")
MIEN = Path(sys.executable).with_name("mien")
DESK, PHONE, PAPER = 1000, 390, 700
HIGHEST = 3000
"""px of a picture; what is below of a long page shows nothing new."""
KEY_POINTS = "time,label\n0:30,Welcome\n0:50,The new prices\n1:30,Questions from the floor\n2:00,Coffee\n"


@dataclass(frozen=True)
class Page:
    """A page and how it is looked at."""

    name: str
    file: str
    what: str
    looks: tuple[str, ...] = ("light", "dark", "phone", "paper")


PAGES = (
    Page("report", "report.html", "The report of a video (`-o report.html --thumbnails`)"),
    Page(
        "report-landmarks",
        "landmarks.html",
        "The report of a video with landmarks (`-o report.html --landmarks`)",
        ("light", "dark", "phone"),
    ),
    Page("audience", "audience.html", "The report of an audience (`mien audience ... -o audience.html`)"),
    Page(
        "evaluation", "evaluation.html", "The page of an evaluation (`mien evaluate ... -o evaluation.html`)"
    ),
)
IMAGES = {
    "annotated-image": ("seen.png", "An annotated image (`--annotate`)"),
    "annotated-video": ("frame.png", "A frame of an annotated video (`--annotate`)"),
    "annotated-landmarks": ("lines.png", "An annotated image with landmarks (`--annotate --landmarks`)"),
    "blurred-video": ("blurred.png", "A frame of a copy with faces covered (`--blur all`)"),
    "chart-timeline": ("charts/timeline.png", "`timeline.png` of a video (`--plots`)"),
    "chart-people": ("charts/persons.png", "`persons.png` of a video (`--plots`)"),
    "chart-landmarks": ("charts/landmarks.png", "`landmarks.png` of a video (`--plots --landmarks`)"),
    "chart-audience": ("audience.png", "The chart of an audience (`-o audience.png`)"),
    "chart-matrix": ("plots/matrix.png", "`matrix.png` of an evaluation (`--plots`)"),
    "chart-reliability": ("plots/reliability.png", "`reliability.png` of an evaluation (`--plots`)"),
    "chart-classes": ("plots/classes.png", "`classes.png` of an evaluation (`--plots`)"),
    "explain-occlusion": ("explain/astronaut-face1-occlusion.png", "A sheet of `mien explain`"),
}
TERMINALS = {
    "terminal-analyze": "`mien analyze interview.mp4` on a terminal",
    "terminal-audience": "`mien audience town-hall.mp4 ...` on a terminal",
}
SERVICE = Page("page", "", "The page of `mien serve`", ("light", "dark", "phone"))
LOOKS = {"light": "light", "dark": "dark", "phone": "on a phone", "paper": "on paper (A4)"}


def portraits() -> tuple[Image.Image, Image.Image]:
    """A smiling and a calm face: NASA's Eileen Collins, the US Navy's Grace Hopper."""
    import skimage
    from matplotlib import cbook

    smiling = Image.fromarray(skimage.data.astronaut()).crop((90, 0, 350, 260))
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        return smiling, Image.open(file).convert("RGB").crop((120, 20, 420, 320))


def tile(face: Image.Image, side: int, at: float, phase: float = 0.0) -> Image.Image:
    """A face that moves a little."""
    move = round(4 * np.cos(at + phase)), round(3 * np.sin(1.3 * at + phase))
    moved = face.resize((side, side)).rotate(3 * float(np.sin(at / 1.5 + phase)), translate=move)
    return ImageEnhance.Brightness(moved).enhance(0.92 + 0.08 * float(np.sin(at + phase)))


def interview(path: Path) -> None:
    """Fourteen seconds: one person, then two, nobody, then one again."""
    smiling, calm = portraits()
    with VideoWriter(path, 640, 320, rate=10) as movie:
        for frame in range(140):
            at, image = frame / 10, Image.new("RGB", (640, 320), "#3a4048")
            if at < 9.5:
                image.paste(tile(smiling if 4 <= at < 7 else calm, 260, at), (30, 30))
            if 3 <= at < 9.5 or at >= 11:
                image.paste(tile(calm if 8 <= at < 12 else smiling, 260, at, 2), (350, 30))
            movie.write(np.asarray(image), at)


def town_hall(path: Path) -> None:
    """Nine tiles: most smile at 50 s and stop at 90 s, from 120 s to 140 s only three are there."""
    smiling, calm = portraits()
    with VideoWriter(path, 960, 720, rate=1) as movie:
        for second in range(180):
            image = Image.new("RGB", (960, 720), "#20242a")
            cheerful = 1 if second < 50 else 7 if second < 90 else 3
            for person in range(3 if 120 <= second < 140 else 9):
                face = smiling if (7 * person + 3) % 9 < cheerful else calm
                place = 45 + 310 * (person % 3), 5 + 238 * (person // 3)
                image.paste(tile(face, 230, 0.7 * second, person), place)
            movie.write(np.asarray(image), second)


def labelled_faces(folder: Path) -> None:
    """Photographs in class folders, some of them dark, blurred or turned so far that they are got wrong."""
    smiling, calm = portraits()
    drawn = Image.fromarray(draw_portrait(260))
    chance = np.random.default_rng(0)
    for label, faces in (("happy", [smiling, drawn]), ("neutral", [calm])):
        (folder / label).mkdir(parents=True)
        for number in range(36):
            face = faces[number % len(faces)].resize((200, 200))
            face = face.rotate(float(chance.normal(0, 25)), fillcolor="#777777")
            face = ImageEnhance.Brightness(face).enhance(float(chance.uniform(0.15, 1.6)))
            face = face.filter(ImageFilter.GaussianBlur(float(chance.uniform(0, 7))))
            face.save(folder / label / f"{label}_{number:02}.png")


def run(folder: Path, *words: str, width: int = 90) -> str:
    """One command of mien in a folder; what it prints, with its colours."""
    print("$ mien", *words, flush=True)
    shown = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(width), "TERM": "xterm-256color"}
    done = subprocess.run([MIEN, *words], cwd=folder, env=shown, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):  # 3: some photographs have no face that is found.
        raise SystemExit(done.stderr)
    return done.stdout


def make_outputs(folder: Path) -> dict[str, str]:
    """All files in a folder, and what terminals show."""
    interview(folder / "interview.mp4")
    town_hall(folder / "town-hall.mp4")
    labelled_faces(folder / "photographs")
    (folder / "points.csv").write_text(KEY_POINTS, encoding="utf-8")
    portraits()[0].save(folder / "astronaut.png")
    run(folder, "analyze", "astronaut.png", "--annotate", "seen.png")
    terminal = run(folder, "analyze", "interview.mp4")
    run(folder, "analyze", "astronaut.png", "--annotate", "lines.png", "--landmarks")
    files = ["-o", "report.html", "--thumbnails", "--annotate", "seen.mp4"]
    run(folder, "analyze", "interview.mp4", *files)
    run(folder, "analyze", "interview.mp4", "--landmarks", "-o", "landmarks.html", "--plots", "charts")
    run(folder, "analyze", "interview.mp4", "--annotate", "blurred.mp4", "--blur", "all")
    measured = ["--key-points", "points.csv", "--interval", "2", "-o", "audience.html", "-o", "audience.png"]
    group = run(folder, "audience", "town-hall.mp4", "--consented", *measured)
    run(folder, "data", "crop", "photographs", "faces")
    run(folder, "evaluate", "small-int8", "faces", "-o", "evaluation.html", "--plots", "plots")
    run(folder, "explain", "small-int8", "astronaut.png", "-o", "explain", "--what", "occlusion")
    for movie, frame in (("seen.mp4", "frame.png"), ("blurred.mp4", "blurred.png")):
        with open_media(folder / movie) as media:
            shown = next(each.image for each in media if isinstance(each, Frame) and each.time >= 5)
        Image.fromarray(shown).save(folder / frame)
    return {"terminal-analyze": terminal, "terminal-audience": group}


def keep(name: str, image: Image.Image) -> None:
    """A picture in the gallery, small."""
    image = image.convert("RGB").crop((0, 0, image.width, min(image.height, HIGHEST)))
    image.save(GALLERY / f"{name}.webp", quality=80, method=6)


def look(browser: Browser, address: str, name: str, look: str) -> None:
    """A page as somebody sees it."""
    width = {"phone": PHONE, "paper": PAPER}.get(look, DESK)
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if look == "dark" else "light"
    )
    page = context.new_page()
    page.goto(address)
    if look == "paper":
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
    if address.startswith("http"):
        page.wait_for_selector("#start:enabled", timeout=120_000)
    page.wait_for_timeout(1000)
    image = Image.open(io.BytesIO(page.screenshot(full_page=True)))
    # A sheet of A4, less its margins, is so much higher than wide.
    lowest = round(width * (297 - 28) / (210 - 24)) if look == "paper" else image.height
    keep(f"{name}-{look}", image.crop((0, 0, width, min(image.height, lowest))))
    context.close()


def terminal(browser: Browser, name: str, text: str, width: int = 90) -> None:
    """What a terminal shows, as a picture."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=width, file=io.StringIO())
    console.print(Text.from_ansi(text.rstrip()))
    page = browser.new_page(viewport={"width": 1000, "height": 600})
    page.set_content(console.export_svg(title="mien"))
    keep(name, Image.open(io.BytesIO(page.locator("svg").first.screenshot())))
    page.close()


@contextmanager
def service() -> Iterator[str]:
    """`mien serve`, until it is no longer needed."""
    address = "http://127.0.0.1:8765"
    process = subprocess.Popen(
        [MIEN, "serve", "--port", "8765"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait()


def readme() -> str:
    """The page that shows the pictures."""
    lines = [
        "# Gallery",
        "",
        "Pictures of every output, made by `make gallery` (`demo/gallery.py`) with mien itself and Chromium. Look at all of",
        "them after a change of how something looks. The people are Eileen Collins (NASA) and Grace Hopper (US Navy), from",
        "photographs in the public domain.",
    ]

    def show(what: str, names: list[tuple[str, str]]) -> None:
        lines.extend(["", f"## {what}", ""])
        lines.extend(
            f"![{what}, {alt}]({name}.webp)" if alt else f"![{what}]({name}.webp)" for name, alt in names
        )

    for page in (*PAGES, SERVICE):
        show(page.what, [(f"{page.name}-{look}", LOOKS[look]) for look in page.looks])
    for name, what in {**{name: what for name, (_, what) in IMAGES.items()}, **TERMINALS}.items():
        show(what, [(name, "")])
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make all pictures again; ``python demo/gallery.py report`` those alone whose names begin so."""
    from playwright.sync_api import sync_playwright

    def wanted(name: str) -> bool:
        return not sys.argv[1:] or name.startswith(tuple(sys.argv[1:]))

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    GALLERY.mkdir(parents=True, exist_ok=True)
    (GALLERY / "README.md").write_text(readme(), encoding="utf-8")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    shown = make_outputs(OUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for page in PAGES:
            for way in page.looks:
                if wanted(page.name):
                    look(browser, (OUT / page.file).absolute().as_uri(), page.name, way)
        for name, (file, _) in IMAGES.items():
            if wanted(name):
                keep(name, Image.open(OUT / file))
        for name, text in shown.items():
            if wanted(name):
                terminal(browser, name, text)
        if wanted(SERVICE.name):
            with service() as address:
                for way in SERVICE.looks:
                    look(browser, address, SERVICE.name, way)
        browser.close()


if __name__ == "__main__":
    main()
