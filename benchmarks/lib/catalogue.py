"""What ``make bench`` runs: each benchmark of the suite, what it is asked for, and what it needs."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lib.fixtures import CLIP, DATA


@dataclass(frozen=True)
class Entry:
    """One benchmark.

    Args:
        name: What it is called.
        about: A heading for the page.
        arguments: What it is started with.
        quick: The same for a trial; None leaves it out of trials.
        files: Without these it is left out.
        programs: Without these, too; one of several words is enough.
        minutes: It is ended after so long.
        module: Where it lives, ``benchmarks.suite.NAME`` unless given.
    """

    name: str
    about: str
    arguments: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = ()
    files: tuple[Path, ...] = ()
    programs: tuple[str, ...] = ()
    minutes: float = 10.0
    module: str = ""

    def settings(self, quick: bool) -> tuple[str, ...] | None:
        """What it is started with, None where it is left out."""
        return self.quick if quick else self.arguments

    def missing(self, quick: bool) -> str | None:
        """Why it cannot run here."""
        if self.settings(quick) is None:
            return "too long for a trial"
        if importlib.util.find_spec(self.where) is None:
            return f"there is no {self.where}"
        absent = [str(path) for path in self.files if not path.is_file()]
        absent += [names for names in self.programs if not any(map(shutil.which, names.split()))]
        return f"{absent[0]} is not there" if absent else None

    @property
    def where(self) -> str:
        """The module."""
        return self.module or f"benchmarks.suite.{self.name}"


_DATA = str(DATA)

ENTRIES = (
    Entry("startup", "Start-up", ("--rounds", "9"), ("--rounds", "2")),
    Entry("installation", "Size of the installation", quick=None, programs=("du",)),
    Entry("classifier", "Classifier alone, by size and precision", ("--rounds", "7"), ("--rounds", "1")),
    Entry("detector", "Detector alone", ("--rounds", "30"), ("--rounds", "3")),
    Entry(
        "images",
        "Whole images, end to end",
        ("--count", "60", "--rounds", "4"),
        ("--count", "4", "--rounds", "1"),
    ),
    Entry(
        "frames",
        "Frames of a clip, each searched anew",
        ("--rounds", "5"),
        ("--rounds", "1", "--count", "8", "--peers", "haar"),
        files=(CLIP,),
    ),
    Entry(
        "tracking",
        "Videos, with people followed",
        ("--rounds", "3", "--clips", "2"),
        ("--only", "speed", "--rounds", "1"),
        files=(CLIP,),
        minutes=15,
    ),
    Entry(
        "overlap",
        "Videos on two cores",
        ("--frames", "1440", "--rounds", "3"),
        ("--frames", "144", "--rounds", "1"),
        files=(CLIP,),
    ),
    Entry(
        "memory",
        "Memory over length",
        ("--frames", "20000"),
        ("--frames", "400", "--ways", "python"),
        files=(CLIP,),
        minutes=15,
    ),
    Entry("batch", "Many images", quick=("--quick",), files=(DATA,), minutes=20),
    Entry(
        "service",
        "Service under load",
        ("--seconds", "15", "--frames", "12000"),
        ("--seconds", "3", "--frames", "200"),
    ),
    Entry(
        "page",
        "Page in a browser",
        ("--rounds", "3"),
        ("--rounds", "1", "--seconds", "3"),
        files=(CLIP,),
        programs=("chromium chromium-browser google-chrome",),
    ),
    Entry(
        "element",
        "Element on a page of others",
        ("--rounds", "3"),
        ("--rounds", "1", "--seconds", "3"),
        files=(CLIP,),
        programs=("chromium chromium-browser google-chrome",),
    ),
    Entry("triggers", "Events", ("--seconds", "20", "--away", "60"), ("--seconds", "3", "--away", "0")),
    Entry("audience", "Audiences", ("--rounds", "2"), None, files=(DATA,), minutes=15),
    Entry("explanation", "Explanations", ("--rounds", "3"), ("--rounds", "1")),
    Entry(
        "leaderboard",
        "Accuracy beside peers",
        (_DATA, "--count", "600", "--images", "150", "--rounds", "3"),
        (_DATA, "--count", "30", "--images", "6", "--rounds", "1", "--no-peers"),
        files=(DATA,),
        minutes=15,
    ),
    Entry(
        "robustness",
        "Poor images",
        (_DATA, "--count", "600"),
        (_DATA, "--models", "nano", "--count", "20"),
        files=(DATA,),
    ),
    Entry("evaluation", "mien evaluate", (_DATA, "--rounds", "3"), (_DATA, "--rounds", "1"), files=(DATA,)),
    Entry("training", "Data pipeline of training", (_DATA, "--rounds", "2"), None, files=(DATA,), minutes=15),
)
"""In the order of the page."""
