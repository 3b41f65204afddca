"""The page's photo booth: full screen, a countdown, the last photos, and nothing that leaves the browser."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.server.settings import OwnSource
from tests.server.page.visiting import Running, Visit, Visiting
from tests.server.service import encoded, serving

PHOTO = "2026-11-20T19-33-12.400+00-00-everybody-smiles-6d0f5b.jpg"


def enter(visit: Visit) -> None:
    visit.ready()
    visit.page.click("#start")
    visit.wait_for_results(5)
    visit.page.click("#booth-open")
    visit.page.wait_for_selector(".in-booth #booth-shoot")


COUNTED = """() => {
  const [count, say] = ["booth-count", "booth-say"].map((id) => document.getElementById(id));
  window.counted = [];
  new MutationObserver(() => {
    const number = count.textContent;
    if (number && window.counted.at(-1)?.[0] !== number) window.counted.push([number, say.innerText]);
  }).observe(count, { childList: true, characterData: true, subtree: true });
}"""
"""Keeps the numbers of a countdown and what is said with each, as they come."""


@pytest.mark.usefixtures("compiled")
def test_a_photo_is_counted_down_and_stays_in_the_browser(visit: Visit) -> None:
    page = visit.page
    enter(visit)
    assert page.evaluate("document.fullscreenElement?.id") == "view"
    assert page.evaluate("document.activeElement.id") == "booth-shoot", (
        "who comes by keyboard goes on from there"
    )
    page.select_option("#booth-when", "")
    visit.asked.clear()
    page.focus("#booth-shoot")
    page.evaluate(COUNTED)  # In the page: each number stays for a second, which a busy machine looks past.
    page.keyboard.press("Space")
    page.wait_for_selector("#photos img")
    assert page.evaluate("counted") == [[number, "Hold it …"] for number in ("3", "2", "1")]
    [width, height] = page.locator("#photos img").first.evaluate(
        "async (image) => { await image.decode(); return [image.naturalWidth, image.naturalHeight]; }"
    )
    assert (width, height) == (640, 480), "the camera's own frame, without boxes"
    assert [url for url in visit.asked if not url.startswith("blob:")] == [], "nothing is sent"
    page.keyboard.press("Escape")
    page.wait_for_selector("html:not(.in-booth)")
    assert page.evaluate("document.fullscreenElement") is None
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Save photo 1").click()
    with Image.open(waiting.value.path()) as saved:
        assert (saved.format, saved.size) == ("JPEG", (640, 480))
    page.get_by_role("button", name="Delete photo 1").click()
    assert page.locator("#photos-card").is_hidden()
    assert page.evaluate("async () => (await caches.keys()).length + localStorage.length") == 0


@pytest.mark.usefixtures("compiled")
def test_what_lies_beneath_cannot_be_reached(visit: Visit) -> None:
    page = visit.page
    enter(visit)
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert reached <= {"booth-shoot", "booth-when", "booth-leave", "photos", ""}
    assert {"booth-shoot", "booth-when", "booth-leave"} <= reached
    page.click("#booth-leave")
    assert page.evaluate("document.activeElement.id") == "booth-open"
    page.click("#stop")
    assert page.locator("#booth-open").is_hidden()


def test_the_last_twelve_are_kept(run_module: Running) -> None:
    kept = run_module(
        "live/photos.js",
        """({ Photos }) => {
          const [card, list] = [document.querySelector("#photos-card"), document.querySelector("#photos")];
          const photos = new Photos(card, list, false);
          for (let number = 1; number <= 15; number++) photos.add(new Blob(["x"]), number);
          return [...list.querySelectorAll("img")].map(({ alt }) => alt);
        }""",
    )
    assert len(kept) == 12
    assert (kept[0], kept[-1]) == ("Photo 15, 15 people", "Photo 4, 4 people")


@pytest.mark.usefixtures("without_npm")
def test_photos_of_rules_are_shown(visiting: Visiting, tmp_path: Path, astronaut: np.ndarray) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / PHOTO).write_bytes(encoded(astronaut, "JPEG"))
    (folder / "private.jpg").write_bytes(encoded(astronaut, "JPEG"))
    with serving(tmp_path / "service", photos=folder) as service, visiting(service.url) as visit:
        page = visit.page
        enter(visit)
        page.wait_for_selector("#photos img")
        assert page.locator("#photos img").evaluate_all("(found) => found.map(({ alt }) => alt)") == [
            f"Photo {PHOTO}"
        ]
        later = PHOTO.replace("19-33", "19-40")
        (folder / later).write_bytes(encoded(astronaut, "JPEG"))
        page.wait_for_selector(f"#photos img[alt='Photo {later}']")
        assert page.locator("#photos img").first.get_attribute("alt") == f"Photo {later}", (
            "the newest comes first"
        )
        assert not visit.problems


@pytest.mark.usefixtures("without_npm")
def test_the_booth_of_what_the_server_sees(visiting: Visiting, tmp_path: Path, movie: object) -> None:
    source = OwnSource(f"live:{movie(400)}")  # type: ignore[operator]
    with serving(tmp_path / "service", source=source) as service, visiting(service.url) as visit:
        visit.ready()
        visit.choose("source")
        enter(visit)
        visit.page.select_option("#booth-when", "")
        visit.page.click("#booth-shoot")
        visit.page.wait_for_selector("#photos img")
        assert not visit.problems


@pytest.mark.integration
class TestPhotosOfTheService:
    """`/v1/photos` without the page."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = tmp_path / "photos"
        folder.mkdir()
        (folder / PHOTO).write_bytes(b"\xff\xd8\xffphoto")
        (tmp_path / "secret.jpg").write_bytes(b"secret")
        (folder / "private.jpg").write_bytes(b"private")
        (folder / "events.jsonl").write_bytes(b"{}")
        (folder / "2026-inner-abcdef.jpg").mkdir()
        os.symlink(tmp_path / "secret.jpg", folder / "2026-11-20T19-33-12.400-link-abcdef.jpg")
        os.mkfifo(folder / "2026-11-20T19-33-12.400-pipe-abcdef.jpg")
        return folder

    def test_only_what_rules_have_saved_is_listed_and_sent(self, folder: Path, tmp_path: Path) -> None:
        with serving(tmp_path / "service", photos=folder) as service:
            assert service.client.get("/v1/page").json()["photos"] is True
            [told] = service.client.get("/v1/photos").json()["photos"]
            assert told == {"name": PHOTO, "url": f"/v1/photos/{PHOTO}"}
            sent = service.client.get(told["url"])
            assert (sent.content, sent.headers["content-type"]) == (b"\xff\xd8\xffphoto", "image/jpeg")
            assert sent.headers["cache-control"] == "no-store"
            for name in (
                "private.jpg",
                "events.jsonl",
                "2026-inner-abcdef.jpg",
                "2026-11-20T19-33-12.400-link-abcdef.jpg",
                "2026-11-20T19-33-12.400-pipe-abcdef.jpg",
                "..%2fsecret.jpg",
                "%2e%2e%2fsecret.jpg",
                "2026%2f..%2f..%2fsecret-abcdef.jpg",
                "..%5csecret.jpg",
                "2026-nothing-here-abcdef.jpg",
                "%00",
            ):
                refused = service.client.get(f"/v1/photos/{name}")
                assert refused.status_code == 404, name
                assert b"secret" not in refused.content

    def test_without_a_folder_there_are_none(self, service: object) -> None:
        client = service.client  # type: ignore[attr-defined]
        for path in ("/v1/photos", f"/v1/photos/{PHOTO}"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert "mien serve --photos FOLDER" in answer.json()["error"]["message"]
        assert client.get("/v1/page").json()["photos"] is False

    def test_whoever_has_no_token_and_foreign_pages_see_none(self, folder: Path, tmp_path: Path) -> None:
        with serving(tmp_path / "service", photos=folder, token="sesame-sesame-sesame") as service:
            for path in ("/v1/photos", f"/v1/photos/{PHOTO}"):
                assert service.client.get(path).status_code == 401
                known = {"authorization": "Bearer sesame-sesame-sesame"}
                assert service.client.get(path, headers=known).status_code == 200
                foreign = {**known, "origin": "http://elsewhere.example"}
                assert service.client.get(path, headers=foreign).status_code == 403
                named = {**known, "host": "elsewhere.example"}
                assert service.client.get(path, headers=named).status_code == 421

    def test_a_folder_that_comes_later(self, tmp_path: Path) -> None:
        with serving(tmp_path / "service", photos=tmp_path / "later") as service:
            assert service.client.get("/v1/photos").json() == {"photos": []}
            (tmp_path / "later").mkdir()
            (tmp_path / "later" / PHOTO).write_bytes(b"x")
            assert len(service.client.get("/v1/photos").json()["photos"]) == 1
