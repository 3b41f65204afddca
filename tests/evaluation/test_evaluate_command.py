"""``mien evaluate`` as a person calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.cli import main
from mien.data import write_dataset
from mien.evaluation import evaluate
from tests.commands import run_mien
from tests.evaluation.small_faces import half_right, marked_faces

pytestmark = pytest.mark.integration

Run = Callable[..., subprocess.CompletedProcess[str]]
READER = Path(__file__).parent / "small_faces.py"


@pytest.fixture
def mien(tmp_path: Path) -> Run:
    """Runs the command in a folder that holds ``faces.csv``."""
    write_dataset(marked_faces(140, copies=5), tmp_path / "faces.csv")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        done = run_mien("evaluate", *words, cwd=tmp_path, env={"COLUMNS": "110"})
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


def test_tables_images_and_a_page(mien: Run, tmp_path: Path) -> None:
    done = mien(
        f"{READER}:half_right", "faces.csv", "--with-training", "--plots", "plots", "-o", "report.html"
    )
    assert done.returncode == 0, done.stderr
    for words in (
        "on PublicTest of faces.csv; labels: the data's own; one view",
        "leak-free part: without 5 images of Training or copied from it",
        "95 % interval",
        "macro-F1",
        "test / training",
    ):
        assert words in done.stdout
    assert "second guesses: right for 100.00 % of" in done.stdout
    assert "predicted neutral / was happy" in done.stdout
    assert "3 against the rest" in done.stdout
    assert "its 7 columns are taken for angry" in done.stderr
    assert "wrote report.html" in done.stderr
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [
        "classes.png",
        "matrix.png",
        "reliability.png",
    ]
    assert (tmp_path / "report.html").stat().st_size > 50_000


def test_training_has_its_figures_too(mien: Run) -> None:
    done = mien(f"{READER}:half_right", "faces.csv", "--split", "Training", "--with-training")
    assert done.returncode == 0, done.stderr
    figures = {
        words[0]: words[1:]
        for line in done.stdout.splitlines()
        if len(words := line.replace(" %", "%").split()) > 1
    }
    assert figures["images"] == ["70", "70"]
    assert figures["accuracy"][0] == figures["accuracy"][1]


def test_json_is_what_python_says(mien: Run, tmp_path: Path) -> None:
    done = mien(f"{READER}:half_right", "faces.csv", "--format", "json", "--split", "test", "--quiet")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    expected = evaluate(half_right, marked_faces(140, copies=5))
    assert facts["split"] == "PrivateTest"
    assert facts["n"] == expected.whole.n
    assert facts["leak_free"]["n"] == facts["n"]
    assert done.stderr == ""


def test_private_test_is_remarked(mien: Run) -> None:
    done = mien(f"{READER}:half_right", "faces.csv", "--format", "json", "--split", "PrivateTest")
    assert json.loads(done.stdout)["n"] == 35
    assert "PrivateTest is for the final figures" in done.stderr
    assert "mien models test" in done.stderr
    assert "open-private" not in mien(f"{READER}:half_right", "faces.csv").stderr


def test_all_of_the_data_is_remarked_as_what_it_has(mien: Run, tmp_path: Path) -> None:
    done = mien(f"{READER}:half_right", "faces.csv", "--split", "all", "-o", "report.html", "-o", "all.json")
    assert done.returncode == 0, done.stderr
    assert "on all of faces.csv" in done.stdout
    assert "75 of these faces are in Training or copies of such" in done.stderr.replace("\n", " ")
    assert "PrivateTest is for the final figures" in done.stderr
    assert "leak_free" not in done.stdout + done.stderr, "the name of the field is for programs"
    facts = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert (facts["split"], facts["n"], facts["leak_free"]["n"]) == ("all", 140, 65)
    assert "without 75 of Training and copies of it" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("small", "faces.csv", "--split", "Summer"), 2, "expected a split out of"),
        (
            ("small", "faces.csv", "--head", "mood"),
            2,
            "expected a head (--head) out of expression, fer2013, ferplus",
        ),
        (
            ("small", "faces.csv", "--head", "fer2013", "--ground-truth", "ferplus"),
            2,
            "take --ground-truth votes-7",
        ),
        (("gigantic", "faces.csv"), 4, "comes with mien (medium"),
        (("faces.csv", "faces.csv"), 4, "expected an ONNX file"),
        (("nowhere.py:f", "faces.csv"), 2, "expected a Python file; nowhere.py is not there"),
        (("small", "nothing.csv"), 2, "nothing.csv is not there"),
        (("small", "faces.csv", "--tta", "twenty"), 2, "'twenty' is not one of"),
        (
            ("small", "faces.csv", "-o", "faces.csv/report.html"),
            2,
            "expected a place to write faces.csv/report.html",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    words: tuple[str, ...],
    status: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_dataset(marked_faces(28), tmp_path / "faces.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mien", "evaluate", *words, "--format", "json", "--quiet"])
    monkeypatch.setattr("signal.signal", lambda *_: None)  # main's handlers are for a process of its own.
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr().err
    assert left.value.code == status
    assert said.count("\n") == 1, said
    assert told in said


def test_broken_images_are_left_out_and_told(mien: Run, tmp_path: Path) -> None:
    with open(tmp_path / "faces.csv", encoding="utf-8") as file:
        lines = file.readlines()
    lines[5] = lines[5].replace(" ", " x", 1)
    (tmp_path / "broken.csv").write_text("".join(lines), encoding="utf-8")
    done = mien(f"{READER}:half_right", "broken.csv", "--format", "json", "--split", "Training")
    assert done.returncode == 0, done.stderr
    assert "left out: " in done.stderr
    assert json.loads(done.stdout)["n"] == 69


_WITHOUT = """
import sys
for name in ("torch", "lightning", "torchmetrics", "sklearn", "scipy", "pandas", "captum"):
    sys.modules[name] = None
from mien.cli.app import app
app(sys.argv[1:], standalone_mode=False)
loaded = {name.split(".")[0] for name, module in sys.modules.items() if module is not None}
assert not loaded & {"torch", "lightning", "sklearn", "scipy", "pandas"}, loaded
"""


def test_a_shipped_network_needs_neither_torch_nor_scikit_learn(mien: Run, tmp_path: Path) -> None:
    words = [
        "evaluate",
        "small",
        "faces.csv",
        "--format",
        "json",
        "--quiet",
        "--threads",
        "1",
        "-o",
        "report.html",
    ]
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *words], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "small"
    assert (tmp_path / "report.html").is_file()


def test_a_page_without_its_packages_names_the_extra(mien: Run, tmp_path: Path) -> None:
    for package, option in (("matplotlib", "--plots"), ("jinja2", "-o")):
        program = f"import sys; sys.modules['{package}'] = None; from mien.cli import main; sys.argv[0] = 'mien'; main()"
        words = ["evaluate", "small", "faces.csv", option, "there.html"]
        done = subprocess.run(
            [sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert done.returncode == 4
        assert f"need {package}, which is not installed: pip install '" in done.stderr
        assert done.stderr.endswith("[evaluate]'\n")
        assert done.stderr.count("\n") == 1


@pytest.mark.timeout(300)
def test_the_default_network_on_real_faces(shared_fer2013: Path, mien: Run) -> None:
    done = mien(
        "small",
        shared_fer2013,
        "--head",
        "fer2013",
        "--format",
        "json",
        "--split",
        "PrivateTest",
        "--quiet",
        "--threads",
        1,
    )
    facts = json.loads(done.stdout)
    from mien.inference.card import read_card
    from mien.inference.weights import network_path

    scores = {
        (score.data, score.labels): score
        for score in read_card(network_path("small")).scores
        if "head fer2013" in score.note
    }
    for part, name in ((facts, "official"), (facts["leak_free"], "leak-free")):
        score = scores[f"PrivateTest, {name}", "FER-2013"]
        assert (part["n"], part["accuracy"]) == (score.n, pytest.approx(score.accuracy, abs=3e-4))
        assert (part["accuracy_low"], part["accuracy_high"]) == pytest.approx(
            (score.low, score.high), abs=3e-4
        )
    assert [round(100 * people["accuracy"], 1) for people in facts["humans"]] == pytest.approx(
        [77.1, 85.4, 88.2], abs=0.5
    )
