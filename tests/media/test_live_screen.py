"""The screen, seen under Xvfb: an image on it, its size changed under our hands, gone and back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from mien import Pipeline
from mien.core.errors import LostError
from mien.media import Sampling
from mien.media.live import LiveOptions, State, open_live
from mien.tracking.session import Session
from mien.video.live import watch
from tests.media.live_desk import Desk
from tests.media.live_places import screen

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", autouse=True)
def needs_xvfb() -> None:
    if shutil.which("Xvfb") is None:
        pytest.skip("no Xvfb on this machine: apt-get install xvfb (.ci/run does)")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with screen() as display:
        monkeypatch.setenv("DISPLAY", display)
        yield Desk(display)


@pytest.fixture(scope="module")
def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (120, 160, 3), np.uint8)


def test_what_is_on_the_screen_to_the_bit(desk: Desk, noise: NDArray[np.uint8]) -> None:
    desk.show(noise, 30, 50)
    for name in ("screen:", "screen:1", "screen:0"):
        with open_live(name) as source:
            image = next(source).image
        assert image.shape == (480, 640, 3)
        assert (image[50:170, 30:190] == noise).all()
        assert image.sum() == noise.sum()  # The rest is black.
    with open_live("screen:30,50,160,120") as source:
        assert (next(source).image == noise).all()
    with open_live("screen:-20,-10,60,70") as source:
        image = next(source).image
        assert image.shape == (60, 40, 3)  # What of it lies on the desktop.
        assert (image[50:, 30:] == noise[:10, :10]).all()


def test_frames_come_at_the_interval_asked_for(desk: Desk) -> None:
    with open_live("screen:", LiveOptions(sampling=Sampling(interval=0.2))) as source:
        frames = [next(source) for _ in range(4)]
    assert np.diff([frame.time for frame in frames]).min() > 0.199
    assert source.captured <= 5  # It is not looked at in between.
    with open_live("screen:", LiveOptions(rate=50)) as source:
        assert [next(source) for _ in range(3)][-1].time < 3


def test_faces_on_the_screen_are_read(desk: Desk, portrait: NDArray[np.uint8], pipeline: Pipeline) -> None:
    desk.show(portrait, 200, 100)
    with open_live("screen:") as source:
        for frame, faces, timing in watch(source, Session(pipeline), seconds=5):
            [alone] = pipeline([frame])
            assert [(face.track, face.smoothed_emotion) for face in faces] == [
                (1, face.emotion) for face in alone
            ]
            assert faces.boxes[0] == pytest.approx([262, 140, 378, 314], abs=25)
            assert 0 < timing.latency < 5
            break
        else:
            pytest.fail("no frame")


def test_a_size_that_changes_is_survived(desk: Desk, noise: NDArray[np.uint8]) -> None:
    desk.show(noise, 0, 0)
    told: list[str] = []
    with (
        open_live("screen:", LiveOptions(rate=50), told.append) as source,
        open_live("screen:300,0,200,100", LiveOptions(retry=(0.05, 0.1))) as part,
    ):
        assert next(source).image.shape == (480, 640, 3)
        desk.resize(400, 300)
        shapes = {next(source).image.shape for _ in range(80)}
        assert shapes <= {(480, 640, 3), (300, 400, 3)}
        frame = next(source)
        assert frame.image.shape == (300, 400, 3)
        assert (frame.image[:120, :160] == noise).all()
        assert {next(part).image.shape for _ in range(15)} <= {(100, 200, 3), (100, 100, 3)}
        assert next(part).image.shape == (100, 100, 3)
        desk.resize(200, 200)  # The part is beside it now.
        while part.state is State.live:
            part.take(0.5)
        assert "got one beside it" in str(part.trouble)
        desk.resize(640, 480)
        frame = part.take(5)
        assert frame is not None
        assert frame.image.shape == (100, 200, 3)
    assert told == []


def test_a_screen_that_goes_and_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with screen() as display:
        monkeypatch.setenv("DISPLAY", display)
        source = open_live("screen:", LiveOptions(retry=(0.05, 0.1)), told.append)
        before = next(source)
    with source:
        while source.state is State.live:
            source.take(0.5)
        assert source.trouble is not None
        with screen(320, 240, display):
            after = source.take(10)
            assert after is not None
            assert after.image.shape == (240, 320, 3)
            source.close()
    assert after.time - before.time == pytest.approx(after.captured - before.captured, abs=0.01)
    assert "trying again" in told[0]
    assert "back after" in told[-1]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("screen:2", "from 1 to 1; there is no 2"),
        ("screen:640,0,9,9", "which is 640 x 480 px; got one beside it"),
    ],
)
def test_parts_that_are_not_there(name: str, says: str, desk: Desk) -> None:
    with pytest.raises(LostError, match=says):
        open_live(name)
