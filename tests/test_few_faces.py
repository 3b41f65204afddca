"""Videos with nobody, of one frame, of two who swap places, and cut off: every output is there, and they agree."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.core.drawn_face import draw_portrait
from mien.core.formatting import percents
from mien.media import VideoWriter
from tests.commands import run_mien

pytestmark = pytest.mark.integration
RATE = 10
Frame = NDArray[np.uint8]


def nobody() -> list[Frame]:
    return [np.full((120, 160, 3), 90, np.uint8)] * 8


def one_frame() -> list[Frame]:
    return [draw_portrait(160)]


def swapped() -> list[Frame]:
    """One face as it is, one darker with grain; after a second each is where the other was."""
    chance = np.random.default_rng(1)
    plain = draw_portrait(160)
    other = np.clip(plain * 0.6 + chance.normal(0, 25, plain.shape), 0, 255).astype(np.uint8)
    return [np.hstack([plain, other])] * 10 + [np.hstack([other, plain])] * 10


class Outputs:
    """What a run gives of a video."""

    def __init__(
        self, folder: Path, frames: Sequence[Frame], spoil: Callable[[Path], None] | None = None
    ) -> None:
        with VideoWriter(folder / "clip.mp4", frames[0].shape[1], frames[0].shape[0], rate=RATE) as movie:
            for index, frame in enumerate(frames):
                movie.write(frame, index / RATE)
        video = folder / "clip.mp4"
        if spoil is not None:
            spoil(video)
        files = [part for name in ("rows.json", "page.html", "cues.vtt") for part in ("-o", folder / name)]
        done = run_mien(
            "analyze", video, *files, "--persons", folder / "persons.csv", "--plots", folder / "charts"
        )
        self.status, self.table, self.remarks = done.returncode, done.stdout, done.stderr
        self.rows: list[dict[str, Any]] = json.loads((folder / "rows.json").read_text())
        self.page = (folder / "page.html").read_text(encoding="utf-8")
        self.cues = (folder / "cues.vtt").read_text(encoding="utf-8")
        with open(folder / "persons.csv", encoding="utf-8-sig", newline="") as file:
            self.people = list(csv.DictReader(file))
        self.charts = sorted(path.name for path in (folder / "charts").iterdir())

    def agree(self) -> None:
        """Shares of everybody, from the table of people, stand in the terminal and in the report."""
        weights = [max(float(person["seconds"]), 1e-9) for person in self.people]
        names = [key.removeprefix("share_") for key in self.people[0] if key.startswith("share_")]
        shares = {
            name: float(
                np.average([float(person[f"share_{name}"]) for person in self.people], weights=weights)
            )
            for name in names
        }
        texts = percents(
            {name: share for name, share in sorted(shares.items(), key=lambda pair: -pair[1]) if share}
        )
        for name, text in texts.items():
            assert text == "< 1 %" or f"{name} {text}" in self.table
            assert f"{name} <b>{text.replace('<', '&lt;')}</b>" in self.page


def test_nobody(tmp_path: Path) -> None:
    found = Outputs(tmp_path, nobody())
    assert found.status == 0
    assert {row["status"] for row in found.rows} == {"no_face"}
    assert {row["label_confidence"] for row in found.rows} == {None}
    assert (found.people, found.charts) == ([], ["timeline.png"])
    assert "no face" in found.table
    assert "of the time:" not in found.table
    assert "Expressions shown" not in found.page
    assert "-->" not in found.cues


def test_one_frame(tmp_path: Path) -> None:
    found = Outputs(tmp_path, one_frame())
    assert found.status == 0
    [row], [person] = found.rows, found.people
    assert (person["frames"], float(person["seconds"])) == ("1", 0.0)
    assert float(person[f"share_{row['label']}"]) == 1.0
    assert float(person["confidence"]) == pytest.approx(row["label_confidence"], abs=1e-5)
    # Smoothing takes no probability for less than a hundredth.
    assert row["label_confidence"] == pytest.approx(row["confidence"], abs=0.05)
    found.agree()


def test_two_who_swap_places(tmp_path: Path) -> None:
    found = Outputs(tmp_path, swapped())
    assert found.status == 0
    assert len(found.people) >= 2
    for person in found.people:
        own = [row for row in found.rows if row["track"] == int(person["track"])]
        assert int(person["frames"]) == len(own)
        assert float(person["confidence"]) == pytest.approx(
            float(np.mean([row["label_confidence"] for row in own])), abs=0.01
        )
    found.agree()


def test_a_video_that_is_cut_off(tmp_path: Path) -> None:
    def cut(video: Path) -> None:
        whole = video.read_bytes()
        head = whole.index(b"mdat")
        at = head + (len(whole) - head) // 2
        # The index at the end stays; of the pictures the second half is not there any more.
        end = whole.rindex(b"moov") - 4
        video.write_bytes(whole[:at] + bytes(max(0, end - at)) + whole[end:])

    found = Outputs(tmp_path, swapped(), cut)
    assert found.status == 3
    assert any(row["status"] == "error" for row in found.rows)
    assert any(row["status"] == "face" for row in found.rows)
    assert re.search(r"could not be read", found.page)
    found.agree()
