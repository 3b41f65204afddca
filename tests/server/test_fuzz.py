"""A few seconds of ``python -m benchmarks.studies.fuzz``, which runs for ten minutes by hand."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import httpx
import pytest

from benchmarks.lib.service import running
from benchmarks.studies.fuzz import Finding, broken, check, fuzz, seeds

pytestmark = pytest.mark.integration


def test_a_few_seconds_of_broken_files_find_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as (url, process):
        counts = asyncio.run(fuzz(url, process, tmp_path, 5, seed=7))
    for door in ("/v1/images", "/v1/stream", "/v1/videos"):
        assert any(name.startswith(door) for name in counts), counts


def test_it_would_find_what_must_not_be() -> None:
    problem = {"error": {"status": 422, "kind": "truncated", "message": "..."}}
    assert check(httpx.Response(422, json=problem)) == "422 truncated"
    for bad in (
        httpx.Response(500, json=problem),
        httpx.Response(422, json={"detail": "x"}),
        httpx.Response(422, json={"error": {}}),
    ):
        with pytest.raises((Finding, KeyError)):
            check(bad)


def test_broken_files_differ_and_come_again(tmp_path: Path) -> None:
    images, videos = seeds(tmp_path)
    assert {"jpeg", "png", "webp", "avif"} <= set(images)
    assert videos
    whole = images["png"]
    made = [broken(whole, random.Random(seed)) for seed in range(40)]
    assert made == [broken(whole, random.Random(seed)) for seed in range(40)]
    assert len(set(made) - {whole}) > 30
