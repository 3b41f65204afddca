"""The files of the page: what is served, and what npm brings."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import httpx
import pytest

from build_tools import npm, page
from mien.server.web_page import FOLDER, POLICY, page_file
from tests.server.service import Service

ROOT = Path(__file__).parents[3]


def test_every_file_is_served(service: Service) -> None:
    for path in FOLDER.rglob("*"):
        if path.is_dir() or path.parent.name == "vendor":
            continue
        name = path.relative_to(FOLDER).as_posix()
        answer = service.client.get(f"/static/{name}")
        assert answer.status_code == 200, name
        assert answer.content == path.read_bytes()
        assert answer.headers["content-security-policy"] == POLICY


@pytest.mark.parametrize(
    "name",
    [
        "../app.py",
        "..%2fapp.py",
        "inference/../../app.py",
        "/etc/passwd",
        ".hidden",
        "inference",
        "nothing.js",
        "a\\b.js",
        "",
    ],
)
def test_nothing_else_is_served(service: Service, name: str) -> None:
    assert page_file(name) is None
    assert service.client.get(httpx.URL(f"{service.url}static/{name}")).status_code in (404, 421, 400)


def test_what_a_browser_has_is_not_sent_again(service: Service) -> None:
    first = service.client.get("/static/vendor/ort.wasm")
    assert first.headers["content-type"] == "application/wasm"
    assert len(first.content) > 10_000_000
    again = service.client.get("/static/vendor/ort.wasm", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_pages_have_no_script_or_style_of_their_own() -> None:
    """The content security policy would stop them."""
    html = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert "<style" not in html
    assert "style=" not in html
    assert html.count("<script") == 1
    assert "https://" not in html


def test_scripts_stay_small() -> None:
    # Lines as Prettier breaks them, at 110 characters. The client for programs is one file, so that it can be copied: what is
    # written by hand of it is as long as a file of Python may be.
    whole = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.js")}
    client = whole.pop("client.js").split("// --- Written by hand\n")[1]
    assert len(client.splitlines()) <= 500
    assert not {name: lines for name, text in whole.items() if (lines := len(text.splitlines())) > 350}


def test_without_npm_the_build_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        npm.NpmError,
        match=r"^npm, .*, is not installed: install npm, or set MIEN_BUILD_WITHOUT_NPM=1 .*$",
    ):
        page.fetch(tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


@pytest.mark.integration
def test_npm_that_fails_stops_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_npm(tmp_path, "echo no >&2; echo network >&2; exit 1", monkeypatch)
    with pytest.raises(
        npm.NpmError,
        match=r"^npm could not fetch .*: no network: install npm, or set MIEN_BUILD_WITHOUT_NPM=1 .*$",
    ):
        page.fetch(tmp_path / "vendor")


@pytest.mark.parametrize(("value", "with_vendor"), [("1", False), ("yes", False), ("0", True), ("", True)])
def test_the_parts_from_npm_can_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, with_vendor: bool
) -> None:
    for name in ("vendor", "reading"):
        (tmp_path / "src" / name).mkdir(parents=True)
    monkeypatch.setattr(page, "VENDOR", tmp_path / "src" / "vendor")
    monkeypatch.setattr(page, "fetch", lambda folder: None)
    monkeypatch.setenv("MIEN_BUILD_WITHOUT_NPM", value)
    assert [path.name for path in page.parts()] == ["reading"] + ["vendor"] * with_vendor


@pytest.mark.integration
def test_another_package_than_the_chosen_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(tmp_path / "other.tgz", "w:gz") as tar:
        tar.add(ROOT / "LICENSE", "package/LICENSE")
    _fake_npm(tmp_path, f"cp {tmp_path / 'other.tgz'} .", monkeypatch)
    with pytest.raises(
        npm.NpmError,
        match=r"onnxruntime-web@.*: expected sha512-.*this is not the package that was chosen",
    ):
        page.fetch(tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()


def test_what_is_there_is_not_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    vendor = FOLDER / "vendor"
    if not vendor.is_dir():
        pytest.skip("mien was built without npm")
    before = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendor.iterdir()}
    monkeypatch.setenv("PATH", str(tmp_path))
    page.fetch(vendor)
    assert before == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in vendor.iterdir()}


def _fake_npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = folder / "npm"
    fake.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
