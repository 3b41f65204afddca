"""Sheets of an image: what is written, what is said when that cannot be, and what works without any
extra.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien import InputError, MediaError, NetworkError
from mien.core.installation import install_command
from mien.core.labels import NOTICE
from mien.explain import KINDS, ExplainOptions, crops_of, drawable, explain, open_explained
from mien.explain.drawing import heat, laid_over
from mien.inference.weights import network_path
from tests.commands import run_mien

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    path = tmp_path_factory.mktemp("photo") / "two people.png"
    Image.fromarray(np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)).save(path)
    return path


def test_a_sheet_for_every_face(photo: Path, tmp_path: Path) -> None:
    done = run_mien("explain", "small", photo, "-o", tmp_path / "deep" / "sheets", "--what", "occlusion")
    assert done.returncode == 0, done.stderr
    names = ["two_people-face1-occlusion.png", "two_people-face2-occlusion.png"]
    assert done.stdout.splitlines() == [str(tmp_path / "deep" / "sheets" / name) for name in names]
    assert done.stderr == ""
    assert sorted(path.name for path in (tmp_path / "deep" / "sheets").iterdir()) == names
    with Image.open(tmp_path / "deep" / "sheets" / names[0]) as sheet:
        assert sheet.mode == "RGB"
        assert 800 < sheet.width < 1200
        assert 400 < sheet.height < 700


def test_all_kinds_of_a_face_crop(tmp_path: Path, astronaut: np.ndarray) -> None:
    pytest.importorskip("captum", reason="captum is not installed: pip install 'mien[explain]'")
    Image.fromarray(astronaut[50:250:4, 120:320:4]).save(tmp_path / "crop.png")
    done = run_mien(
        "explain",
        network_path("small"),
        tmp_path / "crop.png",
        "-o",
        tmp_path,
        "--head",
        "ferplus",
        "--target",
        "surprise",
    )
    assert done.returncode == 0, done.stderr
    kinds = [
        "small-kernels",
        "crop-face1-features",
        "crop-face1-gradcam",
        "crop-face1-guided",
        "crop-face1-occlusion",
    ]
    assert done.stdout.splitlines() == [str(tmp_path / f"{kind}.png") for kind in kinds]
    assert done.stderr == ""


def test_of_an_8_bit_file_all_is_drawn_that_needs_no_gradients(photo: Path, tmp_path: Path) -> None:
    for name in ("small-int8", "nano-int8", "medium-int8"):
        kinds, remark = drawable(open_explained(name))
        assert kinds == ("kernels", "features", "occlusion")
        assert f"take {name.removesuffix('-int8')}, the same model in floats" in remark
    assert drawable(open_explained("small")) == (KINDS, "")
    done = run_mien("explain", "nano-int8", photo, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert [Path(line).stem.rpartition("-")[2] for line in done.stdout.splitlines()] == [
        "kernels",
        *["features", "occlusion"] * 2,
    ]
    assert done.stderr.startswith("without gradcam and guided: nano-int8: ")
    refused = run_mien("explain", "nano-int8", photo, "-o", tmp_path, "--what", "gradcam")
    assert refused.returncode
    assert "take nano, the same model in floats" in refused.stderr


def test_occlusion_needs_neither_torch_nor_any_other_extra(photo: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'captum', 'matplotlib', 'onnx', 'lightning', 'cv2'])); "
        f"sys.argv[1:] = {['explain', 'small', str(photo), '-o', str(tmp_path)]!r} + sys.argv[1:]; from mien.cli import main; main()"
    )

    def without(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
        )

    done = without()
    assert done.returncode == 0, done.stderr
    assert [Path(line).name for line in done.stdout.splitlines()] == [
        "two_people-face1-occlusion.png",
        "two_people-face2-occlusion.png",
    ]
    assert (
        done.stderr
        == f"occlusion only: Gradient maps need torch, which is not installed: {install_command('explain')}\n"
    )
    for kind, package in (("gradcam", "onnx"), ("kernels", "onnx")):
        refused = without("--what", kind)
        assert refused.returncode == 4
        assert refused.stderr.count("\n") == 1
        assert f"need {package}, which is not installed: {install_command('explain')}" in refused.stderr


@pytest.mark.parametrize("missing", ["torch", "captum"])
def test_gradients_without_their_packages(missing: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "import numpy as np\nfrom mien import MissingExtraError\nfrom mien.explain import gradcam, open_explained\n"
        "try: gradcam(open_explained(), np.zeros((1, 48, 48), np.float32), 0)\n"
        "except MissingExtraError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (
        done.stdout == f"Gradient maps need {missing}, which is not installed: {install_command('explain')}\n"
    )


def test_a_run_without_torch(tmp_path: Path) -> None:
    program = (
        f"import sys; sys.modules['torch'] = None\nfrom mien.explain import open_explained\n"
        f"try: open_explained({str(tmp_path)!r})\nexcept Exception as error: print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (
        done.stdout
        == f"MissingExtraError Runs of mien train need torch, which is not installed: {install_command('train')}\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["small", "photo", "--target", "bored"],
            "expected one of angry, disgust, fear, happy, neutral, sad, surprise; got 'bored'",
        ),
        (
            ["small", "photo", "--what", "dreams"],
            "expected --what out of kernels,features,gradcam,guided,occlusion; got 'dreams'",
        ),
        (["small", "photo", "--what", ","], "expected --what out of"),
        (["small", "photo", "--head", "mood"], "expected a head out of expression, fer2013, ferplus"),
        (
            ["small", "photo", "--detector", "yolo"],
            "expected a detector out of mtcnn, blaze, auto, haar, whole",
        ),
        (["small", "wall.png"], "expected an image with a face; mtcnn finds none in"),
        (["small", "missing.png"], "missing.png"),
        (["large", "photo"], "a folder of mien train will do too"),
        (["bare.onnx", "photo"], "expected an ONNX file with a card; it has none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_one_clear_line(
    words: list[str], message: str, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (200, 150), "#808080").save(tmp_path / "wall.png")
    data = network_path("small").read_bytes()
    (tmp_path / "bare.onnx").write_bytes(data.replace(b"mien.card", b"some.card"))
    monkeypatch.chdir(tmp_path)
    what = [] if "--what" in words else ["--what", "occlusion"]
    done = run_mien(
        "explain", *(photo if word == "photo" else word for word in words), "-o", tmp_path / "out", *what
    )
    assert done.returncode in (1, 2, 4)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_layer_that_is_not_there_lists_those_that_are(photo: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    subject = open_explained()
    for kind in ("features", "gradcam"):
        with pytest.raises(
            InputError, match=r"expected a layer out of .*stem\.1, stem\.2, .*stages\.8; got 'conv9'"
        ):
            list(explain(subject, photo, tmp_path, [kind], ExplainOptions(layer="conv9")))
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_an_image(movie: Any, tmp_path: Path) -> None:
    classifier = open_explained().classifier
    with pytest.raises(InputError, match=r"expected an image; .* is a video: mien analyze reads those"):
        crops_of(movie(), classifier)
    (tmp_path / "broken.png").write_bytes(b"not an image")
    with pytest.raises(MediaError):
        crops_of(tmp_path / "broken.png", classifier)
    with pytest.raises(NetworkError, match="some"):
        open_explained(tmp_path / "some.onnx")


def test_a_face_crop_is_taken_whole(astronaut: np.ndarray) -> None:
    classifier = open_explained().classifier
    gray = np.repeat(
        astronaut[60:252:4, 120:312:4].mean(axis=2, keepdims=True).round().astype(np.uint8), 3, axis=2
    )
    [face] = crops_of(gray, classifier)
    assert np.abs(face.pixels[0] - gray[..., 0]).max() < 1
    assert face.view.shape == (288, 288, 3)
    assert face.probabilities.sum() == pytest.approx(1, abs=1e-4)
    with pytest.raises(InputError, match="mtcnn finds none"):
        crops_of(np.full((48, 48, 3), 90, np.uint8), classifier, "mtcnn")


def test_colours() -> None:
    assert (np.diff(heat(np.linspace(0, 1, 50), signed=False).astype(int).sum(axis=1)) >= 0).all(), (
        "brighter is more, also in gray"
    )
    gray = np.full((2, 2, 3), 100, np.uint8)
    values = np.array([[0.0, 1.0], [-1.0, 5.0]])
    over = laid_over(gray, values, signed=True)
    assert (over[0, 0] == 100).all(), "where there is nothing the face shows"
    assert over[0, 1, 0] > over[0, 1, 2], "red above 0"
    assert over[1, 0, 2] > over[1, 0, 0], "blue below"
    assert (over[1, 1] == over[0, 1]).all()


def test_the_note_is_on_every_sheet(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.explain import drawing as sheets

    lines: list[str] = []
    monkeypatch.setattr(
        sheets,
        "written",
        lambda given, *rest, real=sheets.written: (lines.extend(given), real(given, *rest))[1],
    )
    written = list(explain(open_explained(), photo, tmp_path, ["occlusion"]))
    assert lines.count(NOTICE) == len(written) == 2
    assert json.loads(json.dumps([sheet.face for sheet in written])) == [1, 2]
