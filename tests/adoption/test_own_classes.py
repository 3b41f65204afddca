"""Commands over rows and data with classes of somebody's own, of which nobody has said how pleasant each is."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from mien.batch import open_input
from mien.core.errors import InputError
from mien.core.faces import Faces
from mien.core.labels import Labels
from mien.media import VideoWriter
from mien.video.results import VideoResult
from tests.adoption.making_models import COLOURS, noisy
from tests.commands import run_mien
from tests.server.service import encoded
from tests.studies.making_studies import save

pytestmark = pytest.mark.integration

OWN = Labels(tuple(COLOURS))


def showing(names: Sequence[str], source: str, sure: float = 0.8) -> VideoResult:
    """A video of one person, ten frames for each name, five a second."""
    shown = [name for name in names for _ in range(10)]
    probs = np.full((len(shown), len(OWN)), (1 - sure) / (len(OWN) - 1))
    probs[np.arange(len(shown)), [OWN.index(name) for name in shown]] = sure
    count, times = len(shown), np.arange(len(shown)) / 5
    faces = Faces(
        np.tile([[10.0, 10.0, 60.0, 80.0]], (count, 1)),
        np.ones(count),
        np.arange(count),
        times,
        tracks=np.ones(count),
        probs=probs,
        labels=OWN,
    )
    return VideoResult(source, faces, np.arange(count), times)


def parquet(path: Path, labels: Sequence[Any], **options: Any) -> Path:
    """Images of the classes as bytes in a column, with what is said of them."""
    chance = np.random.default_rng(4)
    images = [encoded(noisy(colour, chance, 64)) for colour in COLOURS.values()]
    polars.DataFrame({"image": images, "label": labels}).write_parquet(path, **options)
    return path


HUGGING_FACE = {
    "huggingface": json.dumps(
        {"info": {"features": {"label": {"names": list(COLOURS), "_type": "ClassLabel"}}}}
    )
}


@pytest.mark.parametrize(("labels", "metadata"), [(list(COLOURS), {}), ([0, 1, 2], HUGGING_FACE)])
def test_a_batch_of_parquet_knows_them(
    labels: list[Any], metadata: dict[str, str], adopted: Path, tmp_path: Path
) -> None:
    table = parquet(tmp_path / "faces.parquet", labels, metadata=metadata)
    words = ("--model", adopted, "--detector", "whole", "--workers", 1, "--shard-size", 2)
    run = run_mien("batch", table, "-o", tmp_path / "out", *words)
    assert run.returncode == 0, run.stderr
    assert "left out" not in run.stderr
    assert "accuracy 100.00 %" in run.stdout
    rows = polars.read_parquet(tmp_path / "out" / "shard-*.parquet")
    assert rows["reference"].to_list() == list(COLOURS)


def test_words_of_a_batch_that_nobody_knows_are_told_beside_them(tmp_path: Path) -> None:
    table = parquet(tmp_path / "faces.parquet", ["happy", "sad", "bord"])
    [remark] = open_input(str(table), own=OWN).remarks
    assert "'bord' (1, first in row 2; did you mean bored?)" in remark
    with pytest.raises(InputError, match="surprise, contempt, bored or synonyms; got 'bord'"):
        open_input(str(table), own=OWN, strict=True)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved rows of three clips, in a folder with what raters said of each."""
    folder = tmp_path_factory.mktemp("clips")
    clips = [("one", ["bored"]), ("two", ["happy", "happy", "bored"]), ("three", ["sad"])]
    save(folder / "rows.csv", *(showing(names, f"{name}.mp4") for name, names in clips))
    (folder / "reference.csv").write_text("file,label\none,Bored\ntwo,happy\nthree,bored\n")
    (folder / "moods.csv").write_text("file,label\none,negative\ntwo,positive\nthree,negative\n")
    (folder / "mapping.toml").write_text('happy = "positive"\nsad = "negative"\nbored = "negative"\n')
    return folder


def test_clips_are_scored_in_them(rows: Path) -> None:
    run = run_mien("score", "rows.csv", "reference.csv", "--format", "json", cwd=rows)
    assert run.returncode == 0, run.stderr
    [score] = json.loads(run.stdout)["scores"]
    assert score["accuracy"]["right"] == 2
    assert set(score["classes"]) == set(COLOURS)
    assert run_mien("score", "rows.csv", "reference.csv", cwd=rows).returncode == 0


def test_clips_are_scored_as_sentiments_where_a_mapping_names_them(rows: Path) -> None:
    run = run_mien(
        "score", "rows.csv", "moods.csv", "--mapping", "mapping.toml", "--format", "json", cwd=rows
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["scores"][0]["accuracy"]["right"] == 3
    words = ("--classes", "sentiment", "--mapping", "mapping.toml", "--format", "json")
    run = run_mien("score", "rows.csv", "reference.csv", *words, cwd=rows)
    assert json.loads(run.stdout)["scores"][0]["accuracy"]["right"] == 3


@pytest.mark.parametrize(
    ("reference", "options", "message"),
    [
        (
            "moods.csv",
            (),
            "mapping valence: expected a sentiment for bored too, as rows.csv has rows of it: name all classes",
        ),
        ("reference.csv", ("--classes", "sentiment"), "expected a sentiment for bored too"),
        ("calm.csv", (), "surprise, contempt, bored, or positive, neutral, negative; got 'calm' (line 2)"),
    ],
)
def test_what_cannot_be_scored_is_said_in_one_line(
    reference: str, options: tuple[str, ...], message: str, rows: Path
) -> None:
    (rows / "calm.csv").write_text("file,label\none,calm\n")
    run = run_mien("score", "rows.csv", reference, *options, cwd=rows)
    assert run.returncode == 2
    assert message in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Path:
    """A video of six people for thirty seconds."""
    path = tmp_path_factory.mktemp("meeting") / "meeting.mp4"
    tiles = np.tile(portrait[::2, ::2], (2, 3, 1))
    with VideoWriter(path, 360, 240, rate=1) as movie:
        for second in range(24):
            movie.write(tiles, second)
    return path


def test_an_audience_is_measured_without_sentiment(adopted: Path, meeting: Path, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("time,label\n12,Prices\n")
    files = [word for ending in ("json", "csv", "html", "png") for word in ("-o", tmp_path / f"out.{ending}")]
    words = ("--consented", "--key-points", tmp_path / "points.csv", "--model", adopted)
    run = run_mien("audience", meeting, *words, *files)
    assert run.returncode == 0, run.stderr
    line = "nothing is told of positive, neutral, negative: nobody has said how pleasant bored is; a file for --mapping says it"
    assert line in run.stderr
    assert "similarity" in run.stdout
    assert "positive" not in run.stdout
    facts = json.loads((tmp_path / "out.json").read_text())
    assert [window["sentiment"] for window in facts["windows"]] == [None] * 3
    assert set(facts["windows"][0]["shares"]) == set(COLOURS)
    [point] = facts["key_points"]
    assert (point["status"], point["sentiment"], set(point["expression"])) == ("measured", None, set(COLOURS))
    [remark] = facts["remarks"]
    assert remark.startswith(line)
    page = (tmp_path / "out.html").read_text()
    assert line.replace("&", "&amp;") in page
    assert "Sentiment over time" not in page
    with open(tmp_path / "out.csv", newline="") as file:
        assert {row["sentiment_positive"] for row in csv.DictReader(file)} == {""}


def test_an_audience_has_sentiments_where_a_mapping_names_them(
    adopted: Path, meeting: Path, rows: Path
) -> None:
    words = ("--consented", "--model", adopted, "--mapping", rows / "mapping.toml", "--format", "json")
    run = run_mien("audience", meeting, *words)
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout)
    assert facts["remarks"] == []
    assert facts["windows"][0]["sentiment"]["neutral"] == 0


def test_a_study_has_them_as_measures(tmp_path: Path) -> None:
    for person in range(4):
        for condition, names in (("calm", ["sad", "bored"]), ("funny", ["sad", "happy"])):
            name = f"rows/p{person}/{condition}.csv"
            save(tmp_path / name, showing(names, f"{person}.mp4", 0.7 + person / 20))
    pattern = "rows/{participant}/{condition}.csv"
    run = run_mien("study", "run", pattern, "-o", "out", "--draws", 199, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    with open(tmp_path / "out" / "comparison.csv", newline="") as file:
        compared = {row["measure"]: float(row["difference"]) for row in csv.DictReader(file)}
    assert {"happy", "sad", "bored"} <= set(compared)
    assert compared["bored"] < -0.2 < 0.2 < compared["happy"]
    assert "valence" not in compared
    run = run_mien("study", "run", pattern, "-o", "other", "--measures", "valence", cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr.endswith("\nmien: --measures: expected names out of happy, sad, bored; got valence\n")


def test_coders_are_held_against_them(rows: Path) -> None:
    (rows / "anna.csv").write_text("start,end,label\n0,4,happy\n4,6,Bored\n")
    save(rows / "two.csv", showing(["happy", "happy", "bored"], "two.mp4"))
    run = run_mien("agree", "two.csv", "anna.csv", "--format", "json", cwd=rows)
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout)
    assert facts["labels"] == list(COLOURS)
    assert facts["pairs"][0]["kappa"]["value"] == 1


def test_people_are_listed_and_corrected_in_them(rows: Path) -> None:
    (rows / "corrections.csv").write_text(
        "source,change,person,other,start,end,name\ntwo.mp4,name,1,,,,Anna\n"
    )
    words = ("-o", "named.csv", "-o", "page.html", "--format", "json")
    run = run_mien("people", "rows.csv", "corrections.csv", *words, cwd=rows)
    assert run.returncode == 0, run.stderr
    assert "Anna" in run.stdout
    with open(rows / "named.csv", newline="") as file:
        found = list(csv.DictReader(file))
    assert {row["emotion"] for row in found} == set(COLOURS)
    assert {row["valence"] for row in found} == {""}
    assert "bored" in (rows / "page.html").read_text()
