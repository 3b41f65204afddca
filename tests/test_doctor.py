"""The doctor tells what is wrong, and keeps talking."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from mien.cli import diagnosis as doctor
from mien.core.errors import NetworkError
from mien.inference import weights as networks
from mien.inference.config import PipelineConfig


def test_a_damaged_network_is_found_and_the_rest_still_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for path in networks.FOLDER.glob("*.onnx"):
        data = bytearray(path.read_bytes())
        if path.stem == PipelineConfig.model:
            data[len(data) // 2] ^= 1
        (tmp_path / path.name).write_bytes(data)
    monkeypatch.setattr(networks, "FOLDER", tmp_path)
    monkeypatch.setattr(doctor, "FOLDER", tmp_path, raising=False)
    findings = {finding.what: finding for finding in doctor.examine()}
    assert findings[f"model {PipelineConfig.model}"].ok is False
    assert "damaged" in findings[f"model {PipelineConfig.model}"].detail
    assert findings["model mtcnn-pnet"].ok
    assert findings["self-test"].ok is False
    assert findings["detector mtcnn"].ok


def test_a_missing_detector_network_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(networks, "FOLDER", tmp_path)
    findings = {finding.what: finding for finding in doctor.examine()}
    assert findings["detector mtcnn"].ok is False
    assert findings["detector whole"].ok


def test_a_pyav_that_reads_no_videos_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*given: object, **others: object) -> None:
        raise TypeError("open() got an unexpected keyword argument")

    assert {finding.what: finding for finding in doctor.examine()}["video self-test"].ok
    monkeypatch.setattr("mien.media.videos.open_container", refuses)
    findings = {finding.what: finding for finding in doctor.examine()}
    assert findings["video self-test"].ok is False
    assert (
        "a fault in mien or a library of its (TypeError: open() got an unexpected keyword argument)"
        in findings["video self-test"].detail
    )
    assert findings["self-test"].ok


def test_unforeseen_troubles_are_findings_too() -> None:
    def broken() -> str:
        raise RuntimeError("the disk is on fire")

    assert doctor._tried("x", broken).detail == "RuntimeError: the disk is on fire"

    def foreseen() -> str:
        raise NetworkError("say it plainly")

    assert doctor._tried("x", foreseen).detail == "say it plainly"


def test_every_extra_is_looked_for() -> None:
    """One package of each: the file that is built from is asked, so that no extra is forgotten."""
    import tomllib

    extras = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]["optional-dependencies"]
    assert set(doctor._EXTRAS) == set(extras) - {"dev", "tests", "all"}
    for extra, package in doctor._EXTRAS.items():
        assert any(re.match(rf"{re.escape(package)}(\W|$)", needed) for needed in extras[extra]), extra


def test_landmarks_that_were_not_built_are_told_and_how_to_build_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for path in networks.FOLDER.glob("*.onnx"):
        if path.stem != "facemesh-eyes":
            shutil.copy(path, tmp_path)
    monkeypatch.setattr(networks, "FOLDER", tmp_path)
    findings = {finding.what: finding for finding in doctor.examine()}
    assert findings["landmarks"].ok is None
    assert "install npm" in findings["landmarks"].detail
    assert all(finding.ok is not False for finding in findings.values())


def test_landmarks_are_tried_where_they_are_there() -> None:
    finding = {finding.what: finding for finding in doctor.examine()}["landmarks"]
    if finding.ok is None:
        pytest.skip("mien was built without npm, which brings the network of the landmarks")
    assert (finding.ok, finding.detail) == (True, "468 points found on a drawn face")
