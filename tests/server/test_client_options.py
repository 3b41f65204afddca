"""What clients take as options, times and ids, and what they refuse before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest

from mien.client import Client
from mien.client.options import ImageChoices, StreamChoices, VideoChoices
from mien.core.errors import InputError
from tests.server.service import Service

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]  # However busy the machine is.


def test_none_tuples_and_numbers_of_any_library_are_sent(
    connected: Callable[..., Any], service: Service, portrait: np.ndarray, movie: Callable[..., Path]
) -> None:
    client = connected(service.url, timeout=np.float32(50), retries=np.int64(2), verify=np.True_)
    nothing = dict.fromkeys(get_type_hints(ImageChoices))
    [image] = client.images(portrait, **nothing).images
    assert image.status == "face"
    for largest in (True, np.True_):
        assert client.images(portrait, min_face=np.int64(40), largest=largest).images[0].status == "face"
    given = {"fps": Fraction(5), "baseline": 0.5, "tau": np.float32(0.25), "min_face": np.int32(40)}
    results = ("result.csv", "persons.csv")
    with_none = {**dict.fromkeys(get_type_hints(VideoChoices)), **given, "results": results}
    state = client.video(movie(5), **with_none).wait()
    assert state.state == "done"
    assert {name: state.options[name] for name in given} == given
    assert state.options["results"] == "result.csv,persons.csv"


def test_streams_take_none_and_numbers_of_any_library(
    connected: Callable[..., Any], service: Service, portrait: np.ndarray
) -> None:
    options: dict[str, Any] = {
        **dict.fromkeys(get_type_hints(StreamChoices)),
        "min_face": np.int64(40),
        "largest": np.True_,
        "tau": np.float32(0.3),
        "baseline": Fraction(1),
    }
    with connected(service.url).stream(**options) as stream:
        frames = [stream.read(portrait, time=time) for time in (np.float32(0), 1, Fraction(3, 2))]
    assert [(frame.status, frame.time) for frame in frames] == [("face", 0.0), ("face", 1.0), ("face", 1.5)]


@pytest.mark.parametrize("time", [None, "1", 10**400, float("nan"), float("inf"), True, [1.0]])
def test_what_is_no_time_of_a_frame(service: Service, portrait: np.ndarray, time: Any) -> None:
    with Client(service.url) as client, client.stream() as stream:
        with pytest.raises(InputError, match=r"^time: expected a .*; got ") as told:
            stream.read(portrait, time=time)
        assert str(told.value).isprintable()
        assert stream.read(portrait, time=0).status == "face", "it goes on"


def test_what_does_not_fit_into_an_address(connected: Callable[..., Any]) -> None:
    client = connected("http://127.0.0.1:9")
    for ask in (
        partial(client.images, b"image", head="x" * 100_000),
        lambda: client.job("x" * 100_000).state(),
        lambda: client.job("x" * 100_000).progress(),
        lambda: client.job("x" * 100_000).save("result.csv", Path("never.csv")),
    ):
        with pytest.raises(InputError, match="expected options and ids that fit into an address") as told:
            list(ask())
        assert str(told.value).isprintable()
