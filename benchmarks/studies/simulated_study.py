"""Studies whose true effects are known: ``python -m benchmarks.studies.simulated_study effects|intervals|work [--studies 200]``.

``effects``: 40 participants are recorded for 30 s under two conditions, five frames a second. Every two seconds another photograph of
everyday faces is shown, with what the default network reads in it; a tenth of them nobody finds. Participants differ in how often
they smile, and in how much more often under the second condition, so that the true difference of every signal is that of the rates
times what the network reads on average in the photographs. Each study goes from such rows to `compare_study`; counted are right signs,
intervals that hold the true difference, and, in studies without an effect, false alarms. Groups of 20 and 20 likewise.

``intervals``: how often the intervals of a mean difference and of its effect size hold the true value, where differences are spread
normally or exponentially.

``work``: `mien study run --rows` of 100 recordings of 10 minutes, 25 frames a second with landmarks, whose rows are there already:
seconds of the clock and of the processor, and the most memory.
"""

from __future__ import annotations

import argparse
import io
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.lib.fixtures import SHARED
from benchmarks.lib.machine import describe
from mien.core.faces import Faces
from mien.core.labels import Labels
from mien.core.measures import MEASURES
from mien.evaluation import open_subject
from mien.metrics import wilson
from mien.metrics.resampling import mean_interval, paired_effect_interval
from mien.outputs.tables import open_table
from mien.studies.comparison import CompareRules, compare_study
from mien.studies.event_measures import EventWindow, measure_window
from mien.studies.signals import read_signals
from mien.studies.tables import StudyRow
from mien.video.results import VideoResult

Floats = NDArray[np.float64]
EVERYDAY = SHARED / "everyday" / "everyday.parquet"
PEOPLE, SECONDS, RATE, HELD, MISSED = 40, 30, 5, 2, 0.1
SAD, SURPRISED = 0.1, 0.1
"""How often these are shown; neutral takes what smiles leave."""
USUAL, MORE = (0.1, 0.4), (0.05, 0.35)
"""How often participants smile, and how much more often under the second condition, both evenly spread."""
RECORDINGS, MINUTES, FPS = 100, 10, 25


@dataclass(frozen=True)
class Pools:
    """What the network reads in the photographs of each label."""

    probs: Mapping[str, Floats]
    labels: Labels

    def truth(self, more: float) -> dict[str, float]:
        """The true difference of each signal where smiles are shown so much more often, in place of neutral."""
        weights = np.array(self.labels.valences)
        gap = more * (self.probs["happy"].mean(axis=0) - self.probs["neutral"].mean(axis=0))
        neutral = gap[self.labels.index("neutral")]
        return {
            **dict(zip(self.labels, gap.tolist(), strict=True)),
            "valence": float(weights @ gap),
            "expressiveness": -float(neutral),
        }


def read_pools() -> Pools:
    """Have the default network read the photographs."""
    import polars

    table = polars.read_parquet(EVERYDAY, columns=["image", "label"])
    pictures = [Image.open(io.BytesIO(row["bytes"])).convert("L") for row in table["image"]]
    crops = np.stack(
        [
            np.asarray(one.crop((16, 16, 112, 112)).resize((48, 48), Image.Resampling.BILINEAR))
            for one in pictures
        ]
    )
    subject = open_subject("small-int8", threads=1)
    probs = np.asarray(subject.probabilities(crops), np.float64)
    names = table["label"].to_numpy()
    return Pools(
        {name: probs[names == name] for name in ("happy", "neutral", "sad", "surprise")}, subject.labels
    )


def recording(happy: float, pools: Pools, chance: np.random.Generator) -> VideoResult:
    """Someone who smiles so often."""
    rates = {"happy": happy, "sad": SAD, "surprise": SURPRISED, "neutral": 1 - happy - SAD - SURPRISED}
    shown = chance.choice([*rates], SECONDS // HELD, p=[*rates.values()])
    photographs = np.array([pools.probs[name][chance.integers(len(pools.probs[name]))] for name in shown])
    found = np.repeat(chance.random(len(shown)) >= MISSED, HELD * RATE)
    seen = np.flatnonzero(found)
    times = np.arange(SECONDS * RATE) / RATE
    boxes = np.tile([[0.0, 0.0, 90.0, 90.0]], (len(seen), 1))
    columns = {"tracks": np.ones(len(seen)), "probs": np.repeat(photographs, HELD * RATE, axis=0)[seen]}
    faces = Faces(boxes, np.ones(len(seen)), seen, times[seen], **columns, labels=pools.labels)
    return VideoResult("a.mp4", faces, np.arange(len(times)), times)


def study_rows(
    fields: Mapping[str, str], happy: float, pools: Pools, chance: np.random.Generator
) -> Iterator[StudyRow]:
    """The rows of one recording."""
    signals, _ = read_signals(recording(happy, pools, chance))
    window = EventWindow("whole", 1, 0.0, 0.0, float(SECONDS))
    return (StudyRow(fields, "a.mp4", window, one) for one in measure_window(signals, window))


def simulate(paired: bool, effect: bool, pools: Pools, chance: np.random.Generator) -> list[StudyRow]:
    """One study."""
    rows: list[StudyRow] = []
    for person in range(PEOPLE):
        usual, more = chance.uniform(*USUAL), chance.uniform(*MORE) * effect
        for condition, happy in (("a", usual), ("b", usual + more)):
            if paired or (condition == "b") == (person % 2 == 1):
                rows += study_rows(
                    {"participant": f"p{person}", "condition": condition}, happy, pools, chance
                )
    return rows


def effects(studies: int, draws: int) -> None:
    """Count signs, intervals and false alarms."""
    pools, more = read_pools(), sum(MORE) / 2
    print(describe())
    for paired in (True, False):
        for effect in (True, False):
            truth = pools.truth(more * effect)
            counts = {name: np.zeros(4) for name in truth}
            families = 0
            for number in range(studies):
                chance = np.random.default_rng([number, paired, effect])
                rows = simulate(paired, effect, pools, chance)
                found = compare_study(
                    rows, ("participant", "condition"), CompareRules(draws=draws, seed=number)
                ).comparisons
                families += any(one.significant for one in found)
                for one in found:
                    true = truth[one.measure]
                    counts[one.measure] += (
                        one.difference * true > 0,
                        one.low <= true <= one.high,
                        one.p <= 0.05,
                        one.significant,
                    )
            _tell("paired" if paired else "groups", effect, truth, counts, studies)
            if not effect:
                print(f"any false alarm after Holm: {_share(families, studies)}")


def _tell(
    design: str, effect: bool, truth: Mapping[str, float], counts: Mapping[str, Floats], studies: int
) -> None:
    print(f"\n{design}, {'smiles more often under b' if effect else 'no effect'}; {studies} studies")
    print("signal           true  right sign  interval holds it  p <= 0.05  after Holm")
    for name, (sign, holds, alarm, after) in counts.items():
        right = f"{sign / studies:.1%}" if effect else "-"
        shares = f"{right:>10}  {holds / studies:17.1%}  {alarm / studies:9.1%}  {after / studies:10.1%}"
        print(f"{name:14} {abs(truth[name]) and truth[name]:+.3f}  {shares}")
    total = sum(counts.values(), np.zeros(4))
    every = studies * len(counts)
    print(f"all: interval holds it {_share(total[1], every)}; p <= 0.05 {_share(total[2], every)}")


def _share(count: float, total: int) -> str:
    low, high = wilson(count, total)
    return f"{count / total:.1%} ({low:.1%} to {high:.1%})"


def intervals(samples: int, draws: int) -> None:
    """Count which intervals hold the true value."""
    for name, spread in (("normal", 1.0), ("exponential", 0.5)):
        for people in (10, 20, 40):
            held = np.zeros(2)
            for number in range(samples):
                chance = np.random.default_rng([number, people])
                drawn = chance.normal(0.5, 1, people) if name == "normal" else chance.exponential(0.5, people)
                ends = mean_interval(drawn, draws, number), paired_effect_interval(drawn, draws, number)
                true = 0.5, 0.5 / spread
                held += [low <= value <= high for (low, high), value in zip(ends, true, strict=True)]
            print(
                f"{name:11} {people} participants: mean {_share(held[0], samples)}, effect size {_share(held[1], samples)}"
            )


def work(folder: Path) -> None:
    """Time the command on rows that are there."""
    import polars

    one = folder / "one.parquet"
    with open_table(one, "parquet", Labels(_names()), landmarks=True) as write:
        write(_long_recording().rows())
    rows = folder / "rows"
    rows.mkdir()
    table = polars.read_parquet(one)
    for number in range(RECORDINGS):
        source = f"p{number // 2:02}/{'ab'[number % 2]}.mp4"
        table.with_columns(source=polars.lit(source)).write_parquet(rows / f"{number:03}.parquet")
    (folder / "events.csv").write_text(
        "start,label\n" + "".join(f"{second},e{second}\n" for second in range(10, 590, 30))
    )
    command = [
        sys.executable,
        "-m",
        "mien",
        "study",
        "run",
        "{participant}/{condition}.mp4",
        "--rows",
        str(rows),
        "-o",
        str(folder / "out"),
    ]
    begun = time.monotonic()
    subprocess.run(
        [*command, "--events", str(folder / "events.csv"), "--baseline-window", "-2:0"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(describe())
    print(
        f"{RECORDINGS} recordings of {MINUTES} minutes, {FPS} frames a second, 20 events each: {time.monotonic() - begun:.1f} s, "
        f"{used.ru_utime + used.ru_stime:.1f} s of processor, {used.ru_maxrss / 1024:.0f} MB"
    )


def _names() -> tuple[str, ...]:
    return open_subject("small-int8", threads=1).labels.names


def _long_recording() -> VideoResult:
    chance, frames = np.random.default_rng(0), MINUTES * 60 * FPS
    labels = Labels(_names())
    probs = chance.dirichlet(np.ones(len(labels)), frames)
    times = np.arange(frames) / FPS
    faces = Faces(
        np.tile([[0.0, 0.0, 90.0, 90.0]], (frames, 1)),
        np.ones(frames),
        np.arange(frames),
        times,
        tracks=np.ones(frames),
        probs=probs,
        smoothed_probs=probs,
        smoothed_emotion_ids=probs.argmax(axis=1),
        measures=chance.normal(size=(frames, len(MEASURES))),
        measure_reasons=np.zeros(frames),
        labels=labels,
    )
    return VideoResult("a.mp4", faces, np.arange(frames), times)


def main(arguments: Sequence[str] | None = None) -> None:
    """What is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.studies.simulated_study", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("what", choices=("effects", "intervals", "work"))
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--draws", type=int, default=1_999)
    asked = parser.parse_args(arguments)
    if asked.what == "effects":
        effects(asked.studies, asked.draws)
    elif asked.what == "intervals":
        intervals(asked.studies, asked.draws)
    else:
        with tempfile.TemporaryDirectory() as folder:
            work(Path(folder))


if __name__ == "__main__":
    main()
