"""The container image and what starts it: checked as text everywhere, built and run where an engine and the images that it is built on
are (MIEN_BASE and MIEN_NODE name others than those of `Containerfile`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from importlib.metadata import distributions, requires, version
from pathlib import Path
from typing import Any

import httpx
import pytest

from build_tools.image import parts
from mien.core.drawn_face import draw_portrait
from mien.data.images import png_bytes

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: pip install 'mien[dev]' brings it")

ROOT = Path(__file__).parents[1]
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
TOKEN = "a-token-of-twenty-signs"
HARDENED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges"]


def test_what_is_copied_is_let_in_and_there() -> None:
    """All that `Containerfile` takes from the checkout: `.dockerignore` keeps everything else out."""
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", CONTAINERFILE, re.MULTILINE)
    names = [name for source in sources for name in source.split()]
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert names
    for name in names:
        assert (ROOT / name).exists(), name
        assert {f"!{name}", f"!{Path(name).parts[0]}"} & set(let_in), name


def test_the_user_has_no_rights_and_images_can_be_pinned() -> None:
    assert re.findall(r"^USER (.+)$", CONTAINERFILE, re.MULTILINE)[-1] == "10001:10001"
    assert set(re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)) == {
        "${NODE}",
        "${BASE}",
        "python",
        "packages",
    }


def test_services_of_the_compose_file_are_closed() -> None:
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert {"mien", "rules", "mqtt"} == set(composed["services"])
    for name, service in composed["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert not {"privileged", "network_mode", "environment"} & set(service), name
    assert set(composed["services"]["mien"]["secrets"]) == set(composed["secrets"])
    assert composed["secrets"]["tokens"].keys() == {"file"}


@pytest.mark.integration
def test_engines_take_the_compose_file() -> None:
    """`docker compose config` where it is there, which starts nothing."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker compose is not installed")
    done = subprocess.run(
        [docker, "compose", "--profile", "camera", "config", "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"]["mien"]["ports"][0]["host_ip"] == "127.0.0.1"


def test_the_list_of_parts_names_what_is_inside_of_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the core needs, as in the image; here hundreds of others lie beside it.
    core = {
        re.split(r"[ ;<>=!~\[]", one)[0].lower() for one in requires("mien") or () if "extra ==" not in one
    }
    inside = [one for one in distributions() if one.name.lower() in core]
    assert len(inside) >= len(core)
    monkeypatch.setattr("build_tools.image.distributions", lambda: inside)
    names = {one.name: one.version for one in inside}
    components = [{"type": "library", "name": name, "version": number} for name, number in names.items()]
    (tmp_path / "packages.json").write_text(json.dumps({"components": components}), encoding="utf-8")
    (tmp_path / "status").write_text(
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.41-12+b1\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n",
        encoding="utf-8",
    )
    parts(tmp_path / "packages.json", tmp_path / "status", tmp_path / "out")
    told = json.loads((tmp_path / "out" / "sbom.cdx.json").read_text(encoding="utf-8"))["components"]
    [pyav] = [one for one in told if one["name"] == "av"]
    inner = {one["name"]: one for one in pyav["components"]}
    assert "GPL" in inner["ffmpeg libavcodec"]["licenses"][0]["license"]["name"]
    assert inner["libx264"]["licenses"] == [{"expression": "GPL-2.0-or-later"}]
    assert all("licenses" in one or "purl" in one for one in inner.values()), (
        "a library whose licence nobody has looked up"
    )
    assert [one["purl"] for one in told if "deb" in one.get("purl", "")] == [
        "pkg:deb/debian/libc6@2.41-12%2Bb1?arch=amd64"
    ]
    index = (tmp_path / "out" / "licences" / "README.txt").read_text(encoding="utf-8")
    assert "GNU General Public License" in index
    assert f"onnxruntime {version('onnxruntime')}: MIT" in index
    assert (tmp_path / "out" / "licences" / f"onnxruntime-{version('onnxruntime')}" / "LICENSE").is_file()


def _default(argument: str) -> str:
    [found] = re.findall(rf"^ARG {argument}=(.+)$", CONTAINERFILE, re.MULTILINE)
    return os.environ.get(f"MIEN_{argument}", found)


@pytest.fixture(scope="module")
def engine() -> str:
    """A program that runs containers here, with the images that ours is built on; nothing is pulled."""
    reasons = []
    for name in ("podman", "docker"):
        program = shutil.which(name)
        if program is None:
            reasons.append(f"{name} is not installed")
            continue
        missing = [
            image
            for image in (_default("BASE"), _default("NODE"))
            if subprocess.run(
                [program, "image", "inspect", image], capture_output=True, timeout=60
            ).returncode
        ]
        if not missing:
            return program
        reasons.append(f"{name} has no image {missing[0]}")
    pytest.skip("; ".join(reasons))


@pytest.fixture(scope="module")
def image(engine: str) -> str:
    tag = "localhost/mien-test"
    asked = [f"--build-arg={name}={_default(name)}" for name in ("BASE", "NODE")]
    form = ["--format", "docker"] if engine.endswith("podman") else []
    done = subprocess.run(
        [engine, "build", *form, *asked, "--tag", tag, "--file", "Containerfile", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1700,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return tag


@pytest.fixture
def served(engine: str, image: str) -> Iterator[tuple[str, str]]:
    """A hardened container that serves: its id, and its address on this machine."""
    asked = [
        engine,
        "run",
        "--detach",
        *HARDENED,
        "--publish",
        "127.0.0.1::8000",
        "--env",
        f"MIEN_TOKEN={TOKEN}",
        image,
    ]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    name = done.stdout.split()[-1]
    try:
        port = subprocess.run(
            [engine, "port", name, "8000"], capture_output=True, text=True, timeout=60
        ).stdout
        yield name, f"http://{port.split()[0]}"
    finally:
        subprocess.run([engine, "rm", "--force", "--volumes", name], capture_output=True, timeout=120)


@pytest.mark.slow
@pytest.mark.timeout(2000)
class TestTheImage:
    """Built, and run without rights."""

    def test_it_reads_a_face(self, engine: str, served: tuple[str, str]) -> None:
        name, address = served
        deadline = time.monotonic() + 60
        while True:
            try:
                assert httpx.get(f"{address}/healthz").json()["status"] == "ok"
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
                time.sleep(0.3)
        form = {"file": ("face.png", png_bytes(draw_portrait(240)))}
        assert httpx.post(f"{address}/v1/images", files=form).status_code == 401
        answer = httpx.post(
            f"{address}/v1/images", files=form, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        )
        assert answer.json()["images"][0]["status"] == "face"
        inside = [engine, "exec", name]
        check = re.search(r"^HEALTHCHECK .*CMD (\[.+\])$", CONTAINERFILE, re.MULTILINE)
        assert check
        assert subprocess.run([*inside, *json.loads(check[1])], timeout=60).returncode == 0
        told = subprocess.run(
            [*inside, "cat", "/proc/self/status"], capture_output=True, text=True, timeout=60
        ).stdout
        facts: dict[str, Any] = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
        assert facts["Uid"].split()[0] == "10001"
        assert int(facts["CapEff"], 16) == 0
        assert facts["NoNewPrivs"] == "1"
        assert subprocess.run([*inside, "touch", "/opt/mien/new"], capture_output=True, timeout=60).returncode
        stopped = subprocess.run(
            [engine, "stop", "--time", "20", name], capture_output=True, text=True, timeout=60
        )
        assert stopped.returncode == 0, stopped.stderr
        code = [engine, "inspect", "--format", "{{.State.ExitCode}}", name]
        assert subprocess.run(code, capture_output=True, text=True, timeout=60).stdout.strip() == "0"

    def test_licences_and_parts_are_inside(self, engine: str, image: str) -> None:
        def read(path: str) -> str:
            asked = [
                engine,
                "run",
                "--rm",
                *HARDENED,
                "--network",
                "none",
                "--entrypoint",
                "cat",
                image,
                path,
            ]
            done = subprocess.run(asked, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            return done.stdout

        names = {one["name"] for one in json.loads(read("/usr/share/mien/sbom.cdx.json"))["components"]}
        assert {"mien", "av", "onnxruntime", "numpy", "libc6", "python3"} <= names
        assert "FFmpeg" in read("/usr/share/mien/licences/README.txt")
        assert "GENERAL PUBLIC LICENSE" in read("/usr/share/common-licenses/GPL-2")
