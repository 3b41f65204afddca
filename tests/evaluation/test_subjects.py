"""Everything that can be judged, and what is said about what cannot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien import EXPRESSIONS, InputError, MienError, MissingExtraError, NetworkError
from mien.core.formatting import precise
from mien.data import FaceDataset
from mien.evaluation import evaluate, open_subject
from mien.inference.card import read_card, read_network
from mien.inference.weights import network_path
from tests.evaluation.small_faces import marked_faces, told

IMAGES = marked_faces(12).images


def test_the_results_of_a_shipped_network() -> None:
    for head, names in read_card(network_path("small")).heads.items():
        subject = open_subject("small", head=head, threads=1)
        assert (subject.name, subject.head, subject.labels.names, subject.side) == ("small", head, names, 48)
        probs = subject.probabilities(IMAGES)
        assert probs.shape == (12, len(names))
        assert probs.dtype == np.float32
    with pytest.raises(
        InputError,
        match=r"expected a head \(--head\) out of expression, fer2013, ferplus, which small has; got 'mood'",
    ):
        open_subject("small", head="mood")


def test_an_onnx_file_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "copy.onnx"
    path.write_bytes(network_path("small").read_bytes())
    assert np.array_equal(
        open_subject(path, threads=1).probabilities(IMAGES),
        open_subject("small", threads=1).probabilities(IMAGES),
    )


def test_network_files_that_cannot_be_trusted(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    content = bytearray(read_network(network_path("small")))
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(NetworkError, match="damaged"):
        open_subject(damaged)
    onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'mien[train]'")
    model = onnx.load(network_path("small"))
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    with pytest.raises(NetworkError, match="expected an ONNX file with a card; it has none"):
        open_subject(tmp_path / "bare.onnx")
    with pytest.raises(NetworkError, match="comes with mien"):
        open_subject("gigantic")
    with pytest.raises(NetworkError, match="its card says detector"):
        open_subject(network_path("small").parent / "mtcnn-onet.onnx")


def test_a_function_in_python() -> None:
    subject = open_subject(told)
    assert (subject.name, subject.labels) == ("told", EXPRESSIONS)
    assert "told has no attribute labels" in subject.remarks[0]
    assert np.allclose(subject.probabilities(IMAGES), told(IMAGES))
    with pytest.raises(InputError, match="expected no --head with a function"):
        open_subject(told, head="fer2013")


def test_an_object_that_can_be_called() -> None:
    class Reader:
        labels = ("happy", "sad")

        def __call__(self, images: np.ndarray) -> np.ndarray:
            return np.full((len(images), 2), 0.5)

    assert open_subject(Reader()).labels.names == ("happy", "sad")
    assert open_subject(Reader()).name == "Reader"


def test_functions_by_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "package_of_mine").mkdir()
    source = "import numpy as np\n\ndef even(images):\n    return np.full((len(images), 2), 0.5)\n\neven.labels = ['happy', 'sadness']\n"
    (tmp_path / "package_of_mine" / "readers.py").write_text(source)
    for spec in (
        "package_of_mine.readers:even",
        "package_of_mine/readers.py:even",
        f"{tmp_path}/package_of_mine/readers.py:even",
    ):
        subject = open_subject(spec)
        assert (subject.name, subject.labels.names) == (spec, ("happy", "sad"))
    assert "" not in sys.path[:1]


@pytest.mark.parametrize(
    ("source", "name", "told"),
    [
        ("def f(images) return 1", "f", "SyntaxError"),
        ("import no_such_module_at_all", "f", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("raise SystemExit(3)", "f", "SystemExit"),
        ("def g(images): return 1", "f", "has none called 'f', but g"),
        ("f = 3", "f", "has none called 'f', but none at all"),
        ("def f(): return 1", "f", "failed on 2 images: TypeError"),
        ("def f(images): return [1]", "f", r"got an answer of the shape \(1,\) to 2 images: set f.labels"),
        (
            "def f(images): return [[.5, .5]] * len(images)",
            "f",
            r"or an attribute labels.*got an answer of the shape \(2, 2\)",
        ),
    ],
)
def test_functions_that_cannot_be_asked(source: str, name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(InputError, match=told) as refused:
        open_subject(f"{tmp_path / 'mine.py'}:{name}")
    assert "\n" not in str(refused.value)


def test_modules_that_are_not_there() -> None:
    with pytest.raises(InputError, match=r"expected a Python file; nowhere/mine\.py is not there"):
        open_subject("nowhere/mine.py:f")
    with pytest.raises(InputError, match="ModuleNotFoundError"):
        open_subject("nowhere_at_all:f")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda images: np.ones((len(images), 7)), "a row that adds up to 7: take the softmax"),
        (lambda images: np.tile([2.0, -1, 0, 0, 0, 0, 0], (len(images), 1)), "add up to 1; got -1"),
        (lambda images: np.full((len(images), 7), np.nan), "not finite"),
        (lambda images: np.full((2, 7), 1 / 7), r"expected answers of the shape \(12, 7\).*got \(2, 7\)"),
        (lambda images: [["a"] * 7] * len(images), "expected probabilities; got <U1"),
    ],
)
def test_answers_that_are_no_probabilities(answer: Callable[..., object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        open_subject(answer).probabilities(IMAGES)


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch."""
    pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")
    pytest.importorskip("lightning", reason="lightning is not installed: pip install 'mien[train]'")
    import warnings

    from mien.training.recipe import Recipe
    from mien.training.run import Hardware, train

    folder = tmp_path_factory.mktemp("run")
    recipe = Recipe(name="tiny", options={"widths": [4, 8], "blocks": 1}, epochs=1, batch=32, precision="32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(marked_faces(), recipe, folder, hardware=Hardware(accelerator="cpu", threads=1))
    return folder


@pytest.mark.integration
@pytest.mark.filterwarnings("default")
def test_runs_and_checkpoints(run_folder: Path) -> None:
    import torch

    from mien.training.run import load_run

    subject = open_subject(run_folder, threads=1)
    assert (subject.head, subject.labels) == ("fer2013", EXPRESSIONS)
    assert "without the temperatures" in subject.remarks[0]
    with torch.no_grad():
        logits = load_run(run_folder).network(torch.from_numpy(IMAGES)[:, None].float())["fer2013"]
    assert np.allclose(subject.probabilities(IMAGES), logits.softmax(dim=1).numpy(), atol=1e-6)
    last = open_subject(run_folder / "last.ckpt", head="fer2013")
    assert np.allclose(last.probabilities(IMAGES), subject.probabilities(IMAGES), atol=1e-6)
    assert open_subject(run_folder / "best.ckpt", head="ferplus").probabilities(IMAGES).shape == (12, 8)
    with pytest.raises(InputError, match="out of fer2013, ferplus"):
        open_subject(run_folder, head="expression")


@pytest.mark.filterwarnings("default")
def test_runs_that_cannot_be_asked(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no last\.ckpt: train first"):
        open_subject(tmp_path)
    (tmp_path / "last.ckpt").write_bytes((run_folder / "last.ckpt").read_bytes())
    with pytest.raises(InputError, match="expected the recipe of a run"):
        open_subject(tmp_path / "last.ckpt")
    (tmp_path / "recipe.json").write_bytes((run_folder / "recipe.json").read_bytes())
    (tmp_path / "last.ckpt").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="expected a checkpoint of mien train"):
        open_subject(tmp_path / "last.ckpt")


def test_without_torch_a_checkpoint_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [
        name
        for name in sys.modules
        if name.split(".")[0] in ("torch", "lightning") or name.startswith("mien.training")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        MissingExtraError,
        match=r"Checkpoints need torch, which is not installed: pip install '.*\[train\]'",
    ) as refused:
        open_subject(tmp_path)
    assert isinstance(refused.value, MienError)


def test_an_ensemble_is_the_geometric_mean_of_its_members() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    both = open_subject("small+nano", head="ferplus", threads=1)
    logs = [
        np.log(open_subject(name, head="ferplus", threads=1).probabilities(images).astype(np.float64))
        for name in ("small", "nano")
    ]
    expected = np.exp((logs[0] + logs[1]) / 2)
    np.testing.assert_allclose(
        both.probabilities(images), expected / expected.sum(axis=1, keepdims=True), rtol=1e-4
    )
    assert both.name == "small+nano"
    assert both.labels.names == open_subject("small", head="ferplus").labels.names


def test_members_of_other_classes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(
        "import numpy as np\ndef ask(images):\n    return np.tile([0.5, 0.5], (len(images), 1))\nask.labels = ('happy', 'sad')\n"
    )
    with pytest.raises(InputError, match="expected members that read the same classes"):
        open_subject(f"nano+{tmp_path / 'two.py'}:ask")


def test_another_head_that_was_trained_for_these_labels_is_named_with_its_figure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faces = marked_faces(140)
    plain = evaluate("nano", faces)
    assert not any("--head" in remark for remark in plain.remarks), "labels of one's own are nobody's"
    monkeypatch.setattr(FaceDataset, "is_fer2013", True)
    [remark] = [remark for remark in evaluate("nano", faces).remarks if "--head" in remark]
    better = evaluate(open_subject("nano", head="fer2013"), faces)
    assert f"it is right for {precise(better.whole.accuracy)} of the same images" in remark
    assert f"expression for {precise(plain.whole.accuracy)} (--head fer2013)" in remark
    assert not any("--head" in remark for remark in better.remarks)
    assert not any("--head" in remark for remark in evaluate("nano + small", faces).remarks)
