"""``mien web``: what it writes, and what it refuses."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from mien.core.errors import InputError, MienError, NetworkError
from mien.inference.weights import network_path
from mien.server import site as site_module
from mien.server.joined import joined
from mien.server.site import write_site
from tests.commands import run_mien


def _settings(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "settings.json").read_text(encoding="utf-8")))


@pytest.mark.integration
def test_the_command_writes_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mien"
    done = run_mien("web", folder, "--model", "nano-int8", "--no-landmarks")
    assert done.returncode == 0, done.stderr
    count = sum(path.is_file() for path in folder.rglob("*"))
    assert f"nano-int8, {count} files" in done.stdout
    assert {path.name for path in (folder / "networks").iterdir()} == {
        "nano-int8.onnx",
        "mtcnn-pnet.onnx",
        "mtcnn-rnet.onnx",
        "mtcnn-onet.onnx",
    }
    again = run_mien("web", folder)
    assert (again.returncode, again.stdout) == (2, "")
    assert "expected a new folder" in again.stderr
    assert len(again.stderr.splitlines()) == 1


def test_networks_of_ones_own_and_every_head(tmp_path: Path) -> None:
    own = shutil.copy(network_path("nano-int8"), tmp_path / "my own #1.onnx")
    write_site(tmp_path / "site", ["nano-int8", own])
    told = _settings(tmp_path / "site")
    assert told["model"] == "nano-int8"
    assert told["models"].keys() == {"nano-int8", "my own #1"}
    heads = told["models"]["my own #1"]["heads"]
    assert heads["ferplus"]["model"]["url"] == "networks/my%20own%20%231.onnx"
    assert "contempt" in heads["ferplus"]["labels"]
    assert "contempt" not in heads["fer2013"]["labels"]
    for url, digest in told["common"]["integrity"].items():
        path = tmp_path / "site" / url.replace("%20", " ").replace("%23", "#")
        assert digest == "sha256-" + base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


def test_the_package_names_files_that_are_there(tmp_path: Path) -> None:
    write_site(tmp_path / "site", ["nano-int8"])
    package = json.loads((tmp_path / "site" / "package.json").read_text(encoding="utf-8"))
    named = [path for entry in (".", "./mien-camera") for path in package["exports"][entry].values()]
    assert len(named) == 4
    for path in named:
        assert (tmp_path / "site" / path).is_file(), path
    assert (tmp_path / "site" / "LICENSES" / "onnxruntime-web.txt").is_file()


def test_two_networks_of_one_name_are_refused(tmp_path: Path) -> None:
    own = shutil.copy(network_path("nano-int8"), tmp_path / "nano-int8.onnx")
    with pytest.raises(InputError, match="expected networks with different names; got nano-int8 twice"):
        write_site(tmp_path / "site", ["nano-int8", own])
    assert not (tmp_path / "site").exists()


def test_without_parts_from_npm_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_module, "device_available", lambda: False)
    with pytest.raises(NetworkError, match="expected ONNX Runtime Web in this mien; it was built without"):
        write_site(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_page_fetches_few_files(tmp_path: Path) -> None:
    """The page's modules are joined into the entries and the worker."""
    write_site(tmp_path / "site", ["nano-int8"])
    programs = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*.js")}
    assert programs == {"reader.js", "mien-camera.js", "inference/worker.js", "vendor/ort.js"}
    for name in programs - {"vendor/ort.js"}:
        text = (tmp_path / "site" / name).read_text(encoding="utf-8")
        imports = re.findall(r'^import .* from "(.*)";$', text, re.MULTILINE)
        assert imports == (["../vendor/ort.js"] if name == "inference/worker.js" else [])


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"a.js": 'import { one as two } from "./b.js";\n'}, "expected an import under its own name"),
        ({"a.js": 'import one from "./b.js";\n'}, "expected an import or export of names; got import one"),
        ({"a.js": 'import "./b.js";\n'}, "expected an import or export of names"),
        ({"a.js": 'export * from "./b.js";\n'}, "expected an import or export of names"),
        ({"a.js": "export default 7;\n"}, "expected an import or export of names"),
        ({"a.js": "export let changing = 1;\n"}, "expected an import or export of names"),
        (
            {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { c } from "./c.js";\nexport const b = c;\n',
             "c.js": 'import { b } from "./b.js";\nexport const c = b;\n'},
            "in a circle",
        ),
        (
            {"a.js": 'import { b } from "./in/b.js";\n', "in/b.js": "export const b = import.meta.url;\n"},
            "does not ask where it lies",
        ),
    ],
)  # fmt: skip
def test_modules_that_cannot_be_joined_are_refused(files: dict[str, str], told: str) -> None:
    with pytest.raises(MienError, match=told):
        joined("a.js", files.__getitem__)
