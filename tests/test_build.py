from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mien
from mien.inference.card import read_card
from mien.inference.onnx_session import open_network
from mien.inference.weights import FOLDER, part_path
from mien.server.web_page import BUILT

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PARTS = ("pnet", "rnet", "onet")
SWITCH = "MIEN_BUILD_WITHOUT_NPM"


@pytest.fixture(scope="module")
def hook() -> Any:
    for package in ("hatchling", "mtcnn", "onnx", "joblib"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package}, which builds mien, is not installed")
    if not (ROOT / "build_tools").is_dir():
        pytest.skip("this is not a source tree")
    return importlib.import_module("build_tools.hook")


def test_files_in_the_tree_are_those_that_the_hook_makes(hook: Any, tmp_path: Path) -> None:
    for path in hook.build(tmp_path):
        assert path.read_bytes() == (part_path(path.stem)).read_bytes()


def test_good_files_stay_and_others_are_made_again(hook: Any, tmp_path: Path) -> None:
    paths = hook.build(tmp_path)
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


def test_building_leaves_the_imported_mien_alone(hook: Any, tmp_path: Path) -> None:
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "mien"}
    hook.build(tmp_path)
    assert {name: module for name, module in sys.modules.items() if name.split(".")[0] == "mien"} == before


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
def source(hook: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an sdist of the tree as it stands holds, without the files that the hook makes."""
    folder = tmp_path_factory.mktemp("build")
    tree = folder / "tree"
    shutil.copytree(
        ROOT / "src",
        tree / "src",
        ignore=shutil.ignore_patterns("mtcnn-*.onnx", "facemesh*.onnx", "blazeface.onnx", "__pycache__"),
    )
    shutil.copytree(ROOT / "web", tree / "web", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(ROOT / "LICENSES", tree / "LICENSES")
    shutil.copytree(ROOT / "build_tools", tree / "build_tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, tree)
    (tree / "README.md").write_text("# mien\n")
    _built("sdist", tree, folder)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "sdist", filter="data")
    (unpacked,) = (folder / "sdist").iterdir()
    assert not [
        *unpacked.rglob("mtcnn-*.onnx"),
        *unpacked.rglob("facemesh*.onnx"),
        *unpacked.rglob("blazeface.onnx"),
    ]
    assert not list(unpacked.rglob("vendor"))
    return unpacked


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from that, with what npm brings to the page where there is npm."""
    folder = tmp_path_factory.mktemp("wheel")
    _built("wheel", source, folder, **({} if shutil.which("npm") else {SWITCH: "1"}))
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


def test_wheel_holds_networks_and_licences(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    made = (*(f"mtcnn-{part}" for part in PARTS), "facemesh", "facemesh-eyes", "blazeface")
    assert {f"mien/inference/weights/{name}.onnx" for name in made} <= set(names)
    assert "mien/inference/landmarks/canonical.npy" in names
    licences = {name.split(".dist-info/")[1] for name in names if "/licenses/" in name}
    assert {
        "licenses/LICENSE",
        "licenses/LICENSES/human.txt",
        "licenses/LICENSES/mediapipe.txt",
        "licenses/LICENSES/mtcnn.txt",
        "licenses/LICENSES/onnxruntime-web.txt",
    } <= licences
    assert not [name for name in names if name.startswith("tests/") or name.startswith("build_tools")]


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


@pytest.mark.skipif(
    shutil.which("npm") is None, reason="npm, which brings parts of the page, is not installed"
)
def test_another_build_gives_the_same_page(wheel: Path, source: Path, tmp_path: Path) -> None:
    shutil.rmtree(source / "web" / "src" / "vendor")
    _built("wheel", source, tmp_path, PYTHONHASHSEED="7", TZ="Asia/Tokyo")
    (other,) = tmp_path.glob("*.whl")
    assert _page_of(other) == _page_of(wheel)


@pytest.mark.parametrize("target", ["wheel", "wheel:editable"])
def test_without_npm_the_build_stops_with_one_line(source: Path, tmp_path: Path, target: str) -> None:
    shutil.rmtree(source / "web" / "src" / "vendor", ignore_errors=True)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _built(target, source, tmp_path / "out", PATH=str(tmp_path))
    (line,) = (caught.value.stdout + caught.value.stderr).strip().splitlines()
    # Which package is missed first depends on what an earlier build has left in the tree.
    assert line in [
        f"mien cannot be built: npm, which brings {package}, is not installed: install npm, or set MIEN_BUILD_WITHOUT_NPM=1 "
        "to build without landmarks and blaze, and a page that reads on the server only"
        for package in ("@vladmandic/human@3.3.6", "onnxruntime-web@1.30.0")
    ]
    assert not list(tmp_path.rglob("*.whl"))


def test_the_page_can_be_built_without_npm_on_purpose(source: Path, tmp_path: Path) -> None:
    _built("wheel", source, tmp_path, PATH=str(tmp_path), **{SWITCH: "1"})
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


def test_wheel_finds_a_face(wheel: Path, tmp_path: Path) -> None:
    pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = """
import mien, skimage.data
from mien.inference.detectors import create_detector
print(mien.__file__, create_detector("mtcnn", threads=1).detect([skimage.data.astronaut()])[0].boxes.round())
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert str(tmp_path) in done.stdout
    assert "179" in done.stdout
    assert done.stderr == ""
