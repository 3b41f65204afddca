"""No command writes over what it reads: tables and lists that people typed are kept, whatever name an output gets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from mien.core.drawn_face import draw_portrait
from mien.core.errors import InputError
from mien.core.output_names import refuse_sources
from mien.studies.folder import check_folder
from tests.agreement.test_raters import EXACT, coded, film
from tests.clips.making_rows import write_reference, write_table
from tests.commands import run_mien
from tests.studies.making_studies import save, smiling

NAMES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
CORRECTIONS = "source,change,person,other,start,end,name\na.mp4,name,1,,,,Anna\n"


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what commands read, a file of each kind."""
    folder = tmp_path_factory.mktemp("originals")
    write_table(folder / "rows.csv", film())
    write_reference(folder / "reference.csv", {"a.mp4": "happy"})
    coded(folder / "anna.csv", EXACT)
    (folder / "corrections.csv").write_text(CORRECTIONS)
    (folder / "words.csv").write_text("happy=joy\n")
    (folder / "mapping.json").write_text(
        json.dumps({**dict.fromkeys(NAMES, "negative"), "happy": "positive"})
    )
    (folder / "points.csv").write_text("time,label\n1,a joke\n")
    (folder / "said.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")
    (folder / "rules.toml").write_text("[rules]\n")
    with mien.media.VideoWriter(folder / "talk.mp4", 240, 240) as video:
        video.write(draw_portrait(), 0.0)
    for name in ("happy", "sad"):
        (folder / "faces" / name).mkdir(parents=True)
        for shade in range(3):
            image = np.full((48, 48), 40 * shade + len(name), np.uint8)
            Image.fromarray(image).save(folder / "faces" / name / f"{shade}.png")
    assert run_mien("data", "convert", folder / "faces", folder / "faces.csv").returncode == 0
    shutil.copy(Path(mien.__file__).parent / "inference" / "weights" / "nano.onnx", folder / "model.onnx")
    return folder


@pytest.mark.integration
@pytest.mark.parametrize(
    "words",
    [
        "score rows.csv reference.csv -o {rows.csv}",
        "score rows.csv reference.csv -o {reference.csv}",
        "score rows.csv reference.csv --corrections corrections.csv -o {corrections.csv}",
        "score rows.csv reference.csv --mapping mapping.json -o {mapping.json}",
        "agree rows.csv anna.csv --map words.csv -o {words.csv}",
        "people rows.csv corrections.csv -o {corrections.csv}",
        "analyze talk.mp4 --transcript said.vtt -o {said.vtt} -o page.html",
        "audience talk.mp4 --consented --key-points points.csv -o {points.csv}",
        "audience talk.mp4 --consented --key-points points.csv --changes {points.csv}",
        "audience talk.mp4 --consented --mapping mapping.json -o {mapping.json}",
        "data convert faces.csv {faces.csv} --size 8",
        "data split faces.csv {faces.csv} --allow-duplicates-across-splits",
        "data audit faces.csv -o {faces.csv}",
        "models average model.onnx model.onnx faces.csv -o {model.onnx}",
        "models ensemble model.onnx model.onnx faces.csv -o {model.onnx}",
        "models quantize model.onnx faces.csv -o {model.onnx}",
        "models adopt model.onnx -o {model.onnx} --labels happy,sad",
        "rules run live:talk.mp4 --rules rules.toml --log {rules.toml}",
    ],
)
def test_what_a_command_reads_is_not_replaced(originals: Path, words: str) -> None:
    victim = originals / words[words.index("{") + 1 : words.index("}")]
    before = victim.read_bytes()
    done = run_mien(*words.replace("{", "").replace("}", "").split(), cwd=originals)
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"{victim.name} is one of the sources: give another place with" in done.stderr
    assert victim.read_bytes() == before


@pytest.mark.parametrize("name", ["long", "wide", "comparison"])
def test_a_study_does_not_replace_a_recording_in_its_folder(tmp_path: Path, name: str) -> None:
    place = save(tmp_path / f"{name}.csv", smiling(0.5))
    with pytest.raises(InputError, match=rf"{name}\.csv is one of the sources"):
        check_folder(tmp_path, [place])


@pytest.mark.parametrize("name", ["report.html", "comparison.csv", "paragraphs.md"])
def test_a_study_keeps_files_of_others(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    for measured in (True, False):
        with pytest.raises(InputError, match=f"without its files; .* holds {name}"):
            check_folder(tmp_path, ["a.mp4"], measured=measured)
    (tmp_path / "study.json").write_text("{}")
    check_folder(tmp_path, ["a.mp4"])


@pytest.mark.integration
def test_a_study_among_its_rows_refuses_before_it_measures(tmp_path: Path) -> None:
    for name in ("long", "wide", "p3"):
        save(tmp_path / f"{name}.csv", smiling(0.5, source=f"{name}.mp4"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = run_mien("study", "run", "{participant}.csv", "-o", ".", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "long.csv is one of the sources: give another place with -o" in done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "link",
    [lambda new, old: new.symlink_to(old), lambda new, old: new.hardlink_to(old)],
    ids=["symbolic", "hard"],
)
def test_other_names_of_a_file_are_the_file(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    folder = tmp_path / "read" / "deep"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("a")
    link(tmp_path / "b.csv", folder / "a.csv")
    for read in (folder / "a.csv", tmp_path / "read"):
        with pytest.raises(InputError, match=r"b\.csv is one of the sources: give another place with -o"):
            refuse_sources([tmp_path / "b.csv"], [None, read], "-o")
    refuse_sources([tmp_path / "read" / "new.csv", tmp_path / "c.csv"], [tmp_path / "read"], "-o")
