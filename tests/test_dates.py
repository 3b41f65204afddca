"""Dates that are written are of UTC, wherever the computer stands."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import mien
from mien.cli.analyze import _stamps
from mien.cli.app import _keep_log
from mien.core.frame import Frame
from mien.rules.runner import _clock

_LOCAL = re.compile(
    r"localtime|astimezone\(\)|strftime\(|datetime\.now\(\)|fromtimestamp\([^,()]*\)|asctime\("
)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock that is thirteen hours ahead."""
    monkeypatch.setenv("TZ", "XXX-13")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _is_now(text: str) -> bool:
    told = datetime.fromisoformat(text)
    return told.utcoffset() == timedelta(0) and abs(told.timestamp() - time.time()) < 60


def test_no_part_asks_for_the_local_time() -> None:
    root = Path(mien.__file__).parent
    assert [
        path for path in sorted(root.rglob("*.py")) if _LOCAL.search(path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.usefixtures("far_east")
def test_an_event_and_a_line_of_the_log_tell_utc(tmp_path: Path) -> None:
    import numpy as np

    assert _is_now(_clock(Frame(0, 0.0, np.zeros((9, 9, 3), np.uint8))))
    log, logger = tmp_path / "mien.log", logging.getLogger("mien")
    before = [*logger.handlers]
    _keep_log(log)
    logger.error("lost")
    for handler in {*logger.handlers} - {*before}:
        logger.removeHandler(handler)
        handler.close()
    when, *rest = log.read_text(encoding="utf-8").split()
    assert _is_now(when)
    assert rest == ["ERROR", "lost"]


def test_a_checkpoint_knows_its_files_again_in_another_zone(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "talk.mp4").write_bytes(b"a video")
    here = _stamps([tmp_path / "talk.mp4"])
    request.getfixturevalue("far_east")
    assert _stamps([tmp_path / "talk.mp4"]) == here
