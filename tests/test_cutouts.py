"""Faces cut out of photographs: where each one goes, what becomes of the rest, and that the network sees
the same in both.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien import InputError, Pipeline
from mien.data import open_dataset
from mien.media import VideoWriter
from mien.outputs.face_crops import crop_faces
from tests.commands import run_mien


@pytest.fixture
def photographs(tmp_path: Path, portrait: np.ndarray) -> Path:
    """Two expressions, two names that collide, several people, nobody, a torn file, and files that are no
    images.
    """
    root = tmp_path / "photos"
    for folder in ("happy", "neutral/indoors"):
        (root / folder).mkdir(parents=True)
    wide = np.hstack([np.full((240, 100, 3), 90, np.uint8), portrait])
    Image.fromarray(wide).save(root / "happy" / "a.png")
    Image.fromarray(wide[:, ::-1]).save(root / "happy" / "a.jpg", quality=95)
    small = np.pad(portrait[::2, ::2], ((60, 60), (0, 0), (0, 0)))
    Image.fromarray(np.hstack([small, portrait])).save(root / "neutral" / "indoors" / "two.png")
    Image.fromarray(np.full((90, 90, 3), 90, np.uint8)).save(root / "neutral" / "wall.png")
    (root / "neutral" / "torn.png").write_bytes((root / "happy" / "a.png").read_bytes()[:700])
    (root / "notes.txt").write_text("who is who")
    with VideoWriter(root / "neutral" / "clip.mp4", 240, 240) as movie:
        movie.write(portrait, 0.0)
    return root


def test_every_photograph_is_accounted_for(photographs: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    made = crop_faces(photographs, tmp_path / "faces", pipeline)
    written = sorted(
        path.relative_to(tmp_path / "faces").as_posix() for path in (tmp_path / "faces").rglob("*.png")
    )
    assert written == ["happy/a.jpg.png", "happy/a.png.png", "neutral/indoors/two.png"]
    assert made.faces == 3
    assert made.several == (str(photographs / "neutral/indoors/two.png"),)
    assert made.without == (str(photographs / "neutral/wall.png"),)
    [torn] = made.unread
    assert torn.startswith(f"{photographs / 'neutral/torn.png'}: expected a whole PNG image")
    assert sorted(Path(path).name for path in made.passed_over) == ["clip.mp4", "notes.txt"]
    with open(tmp_path / "faces" / "faces.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = sorted((Path(row["source"]).name, row["status"], row["file"]) for row in rows)
    assert told == [
        ("a.jpg", "face", "happy/a.jpg.png"),
        ("a.png", "face", "happy/a.png.png"),
        ("torn.png", "error", ""),
        ("two.png", "face", ""),
        ("two.png", "face", "neutral/indoors/two.png"),
        ("wall.png", "no_face", ""),
    ]
    large, small = sorted(
        (row for row in rows if row["source"].endswith("two.png")),
        key=lambda row: float(row["x1"]),
        reverse=True,
    )
    assert (large["file"] != "", small["file"]) == (True, "")


def test_the_network_sees_what_it_sees_in_the_photograph(
    photographs: Path, tmp_path: Path, pipeline: Pipeline
) -> None:
    crop_faces(photographs, tmp_path / "faces", pipeline)
    with (
        Image.open(photographs / "happy" / "a.png") as photograph,
        Image.open(tmp_path / "faces" / "happy" / "a.png.png") as cut,
    ):
        [there] = pipeline([np.asarray(photograph)])
        assert (cut.size, cut.mode) == ((48, 48), "L")
        [here] = Pipeline("whole", threads=1)([np.asarray(cut.convert("RGB"))])
    np.testing.assert_array_equal(here.probs, there.probs)


def test_the_result_is_a_data_set(photographs: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    crop_faces(photographs, tmp_path / "faces", pipeline)
    data = open_dataset(tmp_path / "faces")
    assert data.images.shape == (3, 48, 48)
    assert sorted(data.names()) == ["happy", "happy", "neutral"]


def test_what_cannot_be_cut_leaves_nothing(photographs: Path, tmp_path: Path, pipeline: Pipeline) -> None:
    (tmp_path / "walls").mkdir()
    with pytest.raises(InputError, match="there is no image in it"):
        crop_faces(tmp_path / "walls", tmp_path / "faces", pipeline)
    (photographs / "neutral" / "wall.png").rename(tmp_path / "walls" / "wall.png")
    with pytest.raises(InputError, match=r"expected faces in .*walls; none was found in 1 image"):
        crop_faces(tmp_path / "walls", tmp_path / "faces", pipeline)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "walls"]
    with pytest.raises(InputError, match="expected a new folder to write"):
        crop_faces(photographs, tmp_path / "walls", pipeline)
    with pytest.raises(InputError, match="expected a folder of photographs"):
        crop_faces(photographs / "notes.txt", tmp_path / "faces", pipeline)


@pytest.mark.integration
def test_the_command(photographs: Path, tmp_path: Path) -> None:
    done = run_mien("data", "crop", "photos", "faces", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "3 faces in faces"
    assert "1 without a face: photos/neutral/wall.png" in lines
    assert any(
        line.startswith("1 that could not be read: photos/neutral/torn.png: expected") for line in lines
    )
    assert any(line.startswith("2 that are no images: ") for line in lines)
