"""How much the shares of labels depend on how many frames are looked at: ``python -m benchmarks.studies.sampling``.

Scenes of 30 frames a second are smoothed as videos are, once with every frame and once with fewer, from each
first frame that this leaves; shares of time of each label are compared. What frames by themselves give, without
smoothing, tells how much is chance: fewer frames are a sample.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.lib import expressions
from benchmarks.lib.expressions import Scene
from mien.core.frame_result import FrameResult
from mien.tracking.options import Smoothing
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.smoothing_online import OnlineSmoother
from mien.video.summary import Overview

STEPS = (2, 3, 6)
"""Of so many frames one is looked at: 15, 10 and 5 a second."""

Way = Callable[[Scene], Iterable[FrameResult]]
Floats = NDArray[np.float64]


def recorded(scene: Scene) -> Iterable[FrameResult]:
    """As in a video."""
    return smooth_offline(scene.results(), Smoothing(), scene.labels)


def live(scene: Scene) -> Iterable[FrameResult]:
    """As from a camera."""
    smoother = OnlineSmoother(scene.labels)
    return (replace(result, faces=smoother.update(result.faces)) for result in scene.results())


def alone(scene: Scene) -> Iterable[FrameResult]:
    """Each frame by itself."""
    return scene.results()


def overview(scene: Scene, way: Way, step: int = 1, first: int = 0) -> Overview:
    """A scene in short, of every ``step``-th frame from the ``first`` on."""
    part = slice(first, None, step)
    found = Overview("scene", scene.labels)
    for result in way(replace(scene, times=scene.times[part], probs=scene.probs[part])):
        found.add(result)
    found.end()
    return found


@dataclass(frozen=True)
class Difference:
    """Shares with fewer frames against those with all of them, in points of a hundred.

    Args:
        together: Of all scenes together, the label that differs most.
        mean: Of one scene, the label that differs most, on average.
        high: Of one scene, below which 95 of 100 lie.
        segments: Stretches of one label with fewer frames over those with all.
    """

    together: float
    mean: float
    high: float
    segments: float


def differences(scenes: Sequence[Scene], way: Way) -> Iterator[tuple[int, Difference]]:
    """What it changes to look at every so many frames, for each of `STEPS`."""
    whole = [overview(scene, way) for scene in scenes]
    return ((step, _difference(whole, scenes, way, step)) for step in STEPS)


def _difference(whole: Sequence[Overview], scenes: Sequence[Scene], way: Way, step: int) -> Difference:
    firsts = range(0, step, max(1, step // 2))
    fewer = [[overview(scene, way, step, first) for scene in scenes] for first in firsts]
    apart = 100 * np.stack([_shares(part) - _shares(whole) for part in fewer])
    most = np.abs(apart).max(axis=-1)
    return Difference(
        float(np.abs(apart.mean(axis=(0, 1))).max()),
        float(most.mean()),
        float(np.quantile(most, 0.95)),
        float(np.mean([_segments(part) for part in fewer]) / _segments(whole)),
    )


def _shares(found: Sequence[Overview]) -> Floats:
    return np.array([[one.shares().get(name, 0.0) for name in one.labels] for one in found])


def _segments(found: Sequence[Overview]) -> int:
    return sum(len(one.segments) for one in found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table of differences."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.sampling", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--scenes", type=int, default=24)
    seeds = range(200, 200 + parser.parse_args(arguments).scenes)
    sets = {
        "a face for 2 s each": expressions.scenes(seeds),
        "now and then another": expressions.lively(seeds),
    }
    ways: dict[str, Way] = {"video": recorded, "live": live, "single frames": alone}
    print("scenes, way, frames a second: together; one scene on average, 95 of 100; segments")
    for name, scenes in sets.items():
        for way_name, way in ways.items():
            for step, found in differences(scenes, way):
                print(
                    f"{name}, {way_name}, {expressions.RATE / step:g}: {found.together:.1f}; "
                    f"{found.mean:.1f}, {found.high:.1f}; {found.segments:.2f}"
                )


if __name__ == "__main__":
    main()
