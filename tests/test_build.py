from __future__ import annotations

import email
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from fnmatch import fnmatch
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image

import mien
from build_tools import packages, trial
from mien.inference.card import read_card
from mien.inference.onnx_session import open_network
from mien.inference.weights import FOLDER, part_path, shipped
from mien.server.web_page import BUILT
from tests.commands import endings, in_turn

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SWITCH = "MIEN_BUILD_WITHOUT_NPM"
needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None, reason="npm, which brings parts of the page, is not installed"
)


@pytest.fixture(scope="module")
def hook() -> Any:
    for package in ("hatchling", "mtcnn", "onnx", "joblib"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package}, which builds mien, is not installed")
    if not (ROOT / "build_tools").is_dir():
        pytest.skip("this is not a source tree")
    return importlib.import_module("build_tools.hook")


@pytest.fixture(scope="module")
def built(hook: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files that the hook makes, by which the imported mien stays as it is."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "mien"}
    paths: list[Path] = hook.build(tmp_path_factory.mktemp("built"))
    assert {name: module for name, module in sys.modules.items() if name.split(".")[0] == "mien"} == before
    return paths


def test_files_in_the_tree_are_those_that_the_hook_makes(built: list[Path]) -> None:
    for path in built:
        assert path.read_bytes() == (part_path(path.stem)).read_bytes()


def test_good_files_stay_and_others_are_made_again(hook: Any, built: list[Path], tmp_path: Path) -> None:
    paths = [Path(shutil.copy2(path, tmp_path)) for path in built]
    good = paths[1].read_bytes()
    paths[0].write_bytes(b"rubbish")
    paths[1].write_bytes(good[:-1])
    paths[2].unlink()
    assert hook.build(tmp_path) == paths
    assert [read_card(path).name for path in paths] == [
        "mtcnn-pnet",
        "mtcnn-rnet",
        "mtcnn-onet",
        "facemesh",
        "facemesh-eyes",
        "blazeface",
    ]
    before = [path.stat().st_mtime_ns for path in paths]
    hook.build(tmp_path)
    assert [path.stat().st_mtime_ns for path in paths] == before


def test_no_network_of_others_is_in_the_repository() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.onnx"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a clone of the repository")
    names = {Path(name).stem for name in listed.stdout.split()}
    assert "small-int8" in names
    assert not names & {
        read_card(path).name for path in FOLDER.glob("*.onnx") if read_card(path).kind != "expression"
    }


def test_other_weights_are_not_unpickled(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hook.mtcnn.WEIGHTS, "pnet", "0" * 64)
    with pytest.raises(RuntimeError, match=r"expected the weights of mtcnn==1\.0\.0 with sha256 000"):
        hook.mtcnn._weights("pnet")


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("mtcnn-pnet", 12),
        ("mtcnn-rnet", 24),
        ("mtcnn-onet", 48),
        ("facemesh", 192),
        ("facemesh-eyes", 64),
        ("blazeface", 128),
    ],
)
def test_cards_count_right(hook: Any, name: str, side: int) -> None:
    import onnx

    path = part_path(name)
    model = onnx.load(path)
    assert sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer) == read_card(path).parameters
    shape = model.graph.input[0].type.tensor_type.shape
    for axis, size in enumerate((1, 3, side, side)):
        shape.dim[axis].dim_value = size
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    sizes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in [*inferred.graph.value_info, *inferred.graph.output]
    }
    dims = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Cast":
            dims[node.output[0]] = dims[node.input[0]]
    macs = 0
    for node in model.graph.node:
        if node.op_type == "Conv":
            macs += int(np.prod(dims[node.input[1]])) * int(np.prod(sizes[node.output[0]][2:]))
        elif node.op_type == "Gemm":
            macs += int(np.prod(dims[node.input[1]]))
    assert macs == read_card(path).macs


def test_pnet_reads_every_size_like_its_windows(hook: Any) -> None:
    """One output per window of 12 px at every second pixel, whatever stands around the window."""
    network = open_network(part_path("mtcnn-pnet"), threads=1)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, 32, 41)).astype(np.float32)
    face = network.run({"image": image})["face"]
    for row, column in ((0, 0), (3, 7), (10, 14)):
        window = np.ascontiguousarray(image[:, :, 2 * row : 2 * row + 12, 2 * column : 2 * column + 12])
        assert np.allclose(
            network.run({"image": window})["face"][0, :, 0, 0], face[0, :, row, column], atol=1e-5
        )


@pytest.fixture(scope="module")
def bare(hook: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as it stands, without the files that the hook makes."""
    return _tree(tmp_path_factory.mktemp("bare"))


def _tree(folder: Path) -> Path:
    made = ("mtcnn-*.onnx", "facemesh*.onnx", "blazeface.onnx", "vendor", "node_modules", "__pycache__")
    for name in ("src", "web", "LICENSES", "build_tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*made))
    for name in ("pyproject.toml", "LICENSE", ".gitignore", "README.md", "CHANGELOG.md", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def tree(hook: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a tree, in which packages are built."""
    return _tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def sdist(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source distribution, with what npm brings where there is npm."""
    folder = tmp_path_factory.mktemp("sdist")
    _built("sdist", tree, folder, **({} if shutil.which("npm") else {SWITCH: "1"}))
    (path,) = folder.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def source(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in it."""
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(sdist) as tar:
        tar.extractall(folder, filter="data")
    (unpacked,) = folder.iterdir()
    return unpacked


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from that, with no npm in reach."""
    folder = tmp_path_factory.mktemp("wheel")
    _built("wheel", source, folder, PATH=str(folder), **({} if shutil.which("npm") else {SWITCH: "1"}))
    (path,) = folder.glob("*.whl")
    return path


def _built(target: str, tree: Path, folder: Path, **environment: Any) -> Any:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    return subprocess.run(
        command,
        cwd=tree,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, SWITCH: "0", **environment},
    )


@needs_npm
def test_packages_hold_files_of_the_repository_and_what_the_build_makes(sdist: Path, wheel: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone of the repository")
    files = packages.tracked()
    assert packages.faults(packages.contents(sdist), files) == []
    assert packages.faults(packages.contents(wheel), files) == []
    held = {name.split("/")[0] for name in packages.contents(wheel)}
    assert held == {"mien", f"mien-{mien.__version__}.dist-info"}


def test_wheel_holds_the_licences_of_all_its_parts(wheel: Path) -> None:
    texts = {
        name.split("/licenses/")[1]: text.decode()
        for name, text in packages.contents(wheel).items()
        if "/licenses/" in name
    }
    licences = list((ROOT / "LICENSES").iterdir())
    assert texts == {
        path.relative_to(ROOT).as_posix(): path.read_text() for path in [ROOT / "LICENSE", *licences]
    }
    index = texts["LICENSES/README.md"]
    assert [path.name for path in licences if path.suffix == ".txt" and f"]({path.name})" not in index] == []
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".onnx") or "/vendor/" in name]
    rows = re.findall(r"^\|[^|]*\| `(mien/[^`]*)`", index, re.MULTILINE)
    listed = [
        name for name in names for row in rows if fnmatch(name, f"{row}*" if row.endswith("/") else row)
    ]
    ours = {f"mien/inference/weights/{path.name}" for path in shipped().values()}
    assert set(listed) == set(names) - ours


def test_the_description_of_a_wheel_has_no_dead_links(wheel: Path) -> None:
    about = metadata(wheel)
    assert (about["Version"], about["License-Expression"]) == (mien.__version__, "MIT AND Apache-2.0")
    assert about["Description-Content-Type"] == "text/markdown"
    text = about.get_payload()
    assert "# mien" in text
    assert "pip install mien" in text
    assert not re.search(r"pip install '?\.|checkout of mien|<!--", text)
    assert [link for link in re.findall(r"\]\(([^)]*)\)", text) if not link.startswith("https://")] == []


def metadata(wheel: Path) -> Any:
    [text] = [text for name, text in packages.contents(wheel).items() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(text)


def _page_of(wheel: Path) -> Any:
    """The files of the page in a wheel, by name."""
    package = Path(mien.__file__).parents[1]
    folder = f"{BUILT.relative_to(package).as_posix()}/"
    with zipfile.ZipFile(wheel) as archive:
        return {
            name.removeprefix(folder): archive.read(name)
            for name in archive.namelist()
            if name.startswith(folder)
        }


def test_wheel_holds_the_page(wheel: Path) -> None:
    page = ROOT / "web" / "src"
    ours = {
        path.relative_to(page).as_posix(): path.read_bytes()
        for path in page.rglob("*")
        if path.is_file() and path.parent.name != "vendor"
    }
    vendor = (
        {f"vendor/{name}" for name in ("ort.js.gz", "ort.wasm.gz", "made-from.json")}
        if shutil.which("npm")
        else set()
    )
    found = _page_of(wheel)
    assert set(found) == set(ours) | vendor
    assert {name: found[name] for name in ours} == ours
    assert not [
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if "node_modules" in name or name.startswith("web/")
    ]


def test_the_page_of_a_wheel_is_served(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    assert _served(tmp_path) == [
        str(tmp_path / BUILT.relative_to(Path(mien.__file__).parents[1])),
        "True",
        str(shutil.which("npm") is not None),
    ]


def _served(path: Path) -> Any:
    """Where mien on a path finds the page, whether it has its start, and whether it can read on the
    device.
    """
    code = "from mien.server.web_page import *; print(FOLDER, page_file('index.html') is not None, device_available(), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(path)},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split("\n")[:3]


@needs_npm
def test_a_wheel_of_the_tree_is_the_same_to_the_byte(wheel: Path, tree: Path, tmp_path: Path) -> None:
    """With the page's parts fetched once more."""
    shutil.rmtree(tree / "web" / "src" / "vendor")
    _built("wheel", tree, tmp_path, PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    (other,) = tmp_path.glob("*.whl")
    assert packages.contents(other) == packages.contents(wheel)
    assert other.read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize("target", ["sdist", "wheel", "wheel:editable"])
def test_without_npm_the_build_stops_with_one_line(bare: Path, tmp_path: Path, target: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _built(target, bare, tmp_path / "out", PATH=str(tmp_path))
    (line,) = (caught.value.stdout + caught.value.stderr).strip().splitlines()
    assert line == (
        "mien cannot be built: npm, which brings @vladmandic/human@3.3.6, is not installed: install npm, or set "
        "MIEN_BUILD_WITHOUT_NPM=1 to build without landmarks and blaze, and a page that reads on the server only"
    )
    assert not [*tmp_path.rglob("*.whl"), *tmp_path.rglob("*.tar.gz")]


def test_the_page_can_be_built_without_npm_on_purpose(bare: Path, tmp_path: Path) -> None:
    _built("wheel", bare, tmp_path, PATH=str(tmp_path), **{SWITCH: "1"})
    (path,) = tmp_path.glob("*.whl")
    page = _page_of(path)
    assert "index.html" in page
    assert not [name for name in page if name.startswith("vendor")]


def test_an_editable_install_serves_the_page_of_the_tree(
    hook: Any, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds no page of its own (a copy would not follow what is edited), and puts ``src`` of the tree on
    the path.
    """
    monkeypatch.setenv(SWITCH, "1")
    monkeypatch.setattr(hook, "build", lambda folder: [])
    data: dict[str, Any] = {"force_include": {}}
    hook.CustomBuildHook("", {}, None, None, "", "wheel").initialize("editable", data)
    assert data == {"force_include": {}}
    assert _served(source / "src")[:2] == [str(source / "web" / "src"), "True"]


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel and what it needs, and none of the extras."""
    place = tmp_path_factory.mktemp("core")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    [site] = place.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    for name in needed([*metadata(wheel).get_all("Requires-Dist")]):
        package = distribution(name)
        for top in {file.parts[0] for file in package.files or () if file.parts[0] != ".."}:
            if not (site / top).exists():
                (site / top).symlink_to(str(package.locate_file(top)))
    return place / "bin" / "python"


def needed(lines: list[str]) -> set[str]:
    """Names of the packages that requirements bring along, without extras."""
    found: set[str] = set()
    waiting = [Requirement(line) for line in lines]
    while waiting:
        need = waiting.pop()
        if need.name not in found and (need.marker is None or need.marker.evaluate({"extra": ""})):
            found.add(need.name)
            waiting += map(Requirement, distribution(need.name).requires or ())
    return found


def test_wheel_finds_a_face(core: Path, tmp_path: Path, portrait: np.ndarray) -> None:
    Image.fromarray(portrait).save(tmp_path / "face.png")
    words: list[Any] = [core, "-m", "mien", "analyze", "face.png", "--format", "json"]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": ""}
    )
    assert (done.returncode, done.stderr) == (0, "")
    [face] = json.loads(done.stdout)
    assert face["label"] == "happy"


def test_what_an_extra_is_for_names_it_where_it_is_missing(core: Path, tmp_path: Path) -> None:
    """Each in its own words; one process runs all commands, which loads mien once."""
    pytest.importorskip("pillow_heif")
    trial.write_inputs(tmp_path)
    told = {name: one for name, one in trial.TRIALS.items() if one.tells}
    commands = {name: one.words[1:] for name, one in told.items() if one.words[0] == "mien"}
    [_, *words] = in_turn(commands, tmp_path / "told")
    environment = os.environ | {"PYTHONPATH": "", "HOME": str(tmp_path)}
    ran = subprocess.run(
        [core, "-u", *words],  # What it says stays in order.
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    statuses: dict[str, Any] = endings(tmp_path / "told")
    _, *parts = re.split(r"^\$ (.+)\n", ran.stdout, flags=re.MULTILINE)
    said = dict(zip(parts[::2], parts[1::2], strict=True))
    for name, one in told.items():
        if name in commands:
            assert trial.missed(name, statuses[name][0], said[name]) is None
        else:
            done = subprocess.run(
                [core, *one.words], cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert trial.missed(name, done.returncode, done.stderr) is None
