"""The benchmarks: what runs, what is kept, what is told; and that the page in docs/ is that of its results. No
test here takes a time.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.lib import charts, machine, report, runner, subjects
from benchmarks.lib.catalogue import ENTRIES, Entry
from benchmarks.lib.figures import Figure, stored
from benchmarks.lib.fixtures import ROOT

BENCHMARKS = sorted(
    path for part in ("suite", "studies") for path in (ROOT / "benchmarks" / part).glob("[!_]*.py")
)
_GOOD = """
import json, sys
from pathlib import Path
counted = Path(__file__).with_suffix(".count")
counted.write_text(counted.read_text() + "x" if counted.exists() else "x")
figures = [{"name": "a wait", "value": 40.0, "unit": "ms", "limit": 50.0, "bound": "at most"}]
Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps({"figures": figures, "wall": 40}))
"""
_BAD = "import sys; print('reading'); sys.exit('expected a clip; there is none')"
_SLOW = "import time; time.sleep(60)"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three small benchmarks that can be imported."""
    for name, text in (("bench_good", _GOOD), ("bench_bad", _BAD), ("bench_slow", _SLOW)):
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    # The digest of the real code changes while others work on it; watching the machine takes a second.
    monkeypatch.setattr(runner, "_digest", lambda: "digest")
    monkeypatch.setattr(machine, "busy", lambda: 0.1)
    return tmp_path


def entry(kind: str, **changes: Any) -> Entry:
    return Entry(kind, f"About {kind}", module=f"bench_{kind}", **changes)


def runs(folder: Path) -> int:
    return len((folder / "bench_good.count").read_text())


@pytest.mark.integration
def test_what_was_measured_is_kept_until_it_is_wanted_anew(modules: Path) -> None:
    path = modules / "out" / "results.json"
    first = runner.run([entry("good")], path, out=modules / "out")
    assert first["good"]["status"] == "measured"
    assert first["good"]["results"] == {"wall": 40}
    assert runner.run([entry("good")], path, out=modules / "out") == first
    assert runs(modules) == 1
    runner.run([entry("good")], path, out=modules / "out", again=True)
    assert runs(modules) == 2
    runner.run([entry("good", arguments=("--more",))], path, out=modules / "out")
    assert runs(modules) == 3


@pytest.mark.integration
@pytest.mark.parametrize("name", ["_digest", "machine"])
def test_other_code_and_another_machine_are_measured_anew(
    modules: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = modules / "out" / "results.json"
    runner.run([entry("good")], path, out=modules / "out")
    if name == "machine":
        facts = {**machine.describe(), "cpu": "another"}
        monkeypatch.setattr(machine, "describe", lambda: facts)
    else:
        monkeypatch.setattr(runner, "_digest", lambda: "another")
    runner.run([entry("good")], path, out=modules / "out")
    assert runs(modules) == 2


@pytest.mark.integration
def test_it_goes_on_when_one_fails_and_says_why(modules: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = [
        entry("bad"),
        entry("slow", minutes=0.02),
        entry("gone"),
        entry("good", files=(modules / "no.mp4",)),
        entry("good"),
    ]
    records = runner.run(asked[:3], modules / "results.json", out=modules / "out")
    assert records["bad"]["status"] == "failed"
    assert records["bad"]["reason"] == "expected a clip; there is none (exit status 1)"
    assert records["slow"]["reason"] == "it took longer than 0.02 minutes"
    assert records["gone"]["status"] == "left out"
    assert (
        runner.run(asked[3:4], modules / "results.json", out=modules / "out")["good"]["reason"]
        == f"{modules / 'no.mp4'} is not there"
    )
    assert (
        runner.run(asked[4:], modules / "results.json", out=modules / "out")["good"]["status"] == "measured"
    )
    assert "failed: expected a clip; there is none" in capsys.readouterr().out
    # What failed is tried again, what was measured is not.
    runner.run([entry("bad"), entry("good")], modules / "results.json", out=modules / "out")
    assert runs(modules) == 1


def records() -> dict[str, dict[str, Any]]:
    where = {"cpu": "A processor", "cores": 2, "system": "Linux", "versions": {"python": "3.11"}}
    common = {
        "time": "2026-01-01 10:00",
        "commit": "abc",
        "code": "c",
        "machine": where,
        "seconds": 90.0,
        "settings": [],
        "results": {},
        "reason": "",
    }
    found = [
        Figure("import mien", 20, "ms", 50, chart="Start"),
        Figure("fer", 4000, "ms", beside="import mien", ratio=200, chart="Start"),
        Figure("first row", 2500, "ms", 2000),
        Figure("events lost", 0, "of 9", 0),
    ]
    return {
        "startup": {**common, "status": "measured", "busy_before": 0.0, "figures": stored(found)},
        "images": {**common, "status": "failed", "reason": "no clip", "figures": []},
    }


def test_the_page_says_what_was_missed_and_what_was_not_measured() -> None:
    text = report.page(records())
    assert "2 of 3 limits were kept." in text
    assert "**Missed:**\n\n- startup: first row: 2,500 ms, limit at most 2,000 ms\n" in text
    assert "| startup: import mien | 20 ms | at most 50 ms | kept |" in text
    assert "| fer | 4,000 ms |  | 200 times import mien |" in text
    assert "(`images`): failed: no clip" in text
    assert "(`memory`): not run" in text
    assert "A processor, 2 cores, Linux; python 3.11; mien at commit abc" in text
    assert "Other work kept less" in text
    busy = records()
    busy["startup"]["busy_before"] = 1.5
    assert "**Other work ran on the machine**" in report.page(busy)
    assert "Nothing has been measured yet." in report.page({})


def test_shares_of_right_answers_are_drawn_head_by_head(tmp_path: Path) -> None:
    def row(name: str, head: str, right: float) -> dict[str, object]:
        return {
            "name": name,
            "head": head,
            "faces": {"accuracy": right, "low": right - 0.1, "high": right + 0.1},
        }

    rows = [row("mien", "ferplus", 0.5), row("mien", "expression", 0.4), row("peer", "", 0.3)]
    charts.shares(rows, {"faces": "Faces", "none": "Nobody asked"}, tmp_path / "shares.svg")
    drawn = (tmp_path / "shares.svg").read_text(encoding="utf-8")
    for words in (
        "mien",
        "peer",
        "peers",
        "ferplus",
        "expression (the default head)",
        "Faces",
        "Nobody asked",
    ):
        assert f">{words}<" in drawn
    assert ">fer2013<" not in drawn  # A head that nobody has.


def test_charts_are_small_and_old_ones_vanish(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "old.svg").write_text("<svg/>")
    report.write(records(), tmp_path / "benchmarks.md")
    assert_page_fits(records(), tmp_path / "benchmarks.md")
    assert {path.name for path in (tmp_path / "benchmarks").iterdir()} == {"limits.svg", "start.svg"}
    changed = records()
    changed["startup"]["figures"][0]["value"] = 21
    with pytest.raises(AssertionError):
        assert_page_fits(changed, tmp_path / "benchmarks.md")


def assert_page_fits(found: dict[str, dict[str, Any]], page: Path) -> None:
    """Hold a page and its charts against results."""
    text = page.read_text(encoding="utf-8")
    assert text == report.page(found), "make bench-page"
    shown = report.drawings(found)
    assert {path.name for path in (page.parent / "benchmarks").glob("*.svg")} == set(shown)
    assert set(re.findall(r"\]\(benchmarks/([^)]+\.svg)\)", text)) == set(shown)
    for name, figures in shown.items():
        drawn = (page.parent / "benchmarks" / name).read_text(encoding="utf-8")
        assert f"figures {charts.digest(figures)}" in drawn, "make bench-page"
        assert len(drawn) < 8_000 + 1_200 * len(figures), "a bar and its words take about a kilobyte"


def test_the_page_in_docs_is_that_of_its_results() -> None:
    assert_page_fits(runner.read(runner.RESULTS), report.PAGE)


@pytest.mark.parametrize("asked", ENTRIES, ids=lambda one: one.name)
def test_benchmarks_of_the_suite_know_the_options_that_they_are_started_with(asked: Entry) -> None:
    spec = importlib.util.find_spec(asked.where)
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text(encoding="utf-8")
    for word in (*asked.arguments, *(asked.quick or ()), "--json"):
        if word.startswith("--"):
            assert f'"{word}"' in text, word
    assert "write_results(" in text, "its figures are for the page"


def test_all_of_the_suite_runs_and_the_page_names_all() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert {path.stem for path in BENCHMARKS if path.parent.name == "suite"} == {one.name for one in ENTRIES}
    assert [path.stem for path in BENCHMARKS if f"`{path.stem}`" not in page] == []


def test_benchmarks_that_pages_name_are_there() -> None:
    pages = [
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("*.md"),
        ROOT / "Makefile",
        ROOT / "benchmarks" / "README.md",
    ]
    named = {
        (page.name, name)
        for page in pages
        for name in re.findall(r"\bbenchmarks(?:\.[a-z_]+)+", page.read_text(encoding="utf-8"))
        if not name.endswith((".md", ".svg"))
    }
    assert len(named) > 30
    assert {one for one in named if importlib.util.find_spec(one[1]) is None} == set()


@pytest.mark.integration
@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_a_benchmark_starts(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"benchmarks.{path.parent.name}.{path.stem}"
    with pytest.raises(SystemExit) as end:
        importlib.import_module(name).main(["--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m {name} ")


@pytest.mark.parametrize(
    ("figure", "kept", "strain"),
    [
        (Figure("a", 40, "ms", 50), True, 0.8),
        (Figure("a", 60, "ms", 50), False, 1.2),
        (Figure("a", 5, "times", 10, "at least"), False, 2.0),
        (Figure("a", 0, "", 0), True, 0.0),
        (Figure("a", 1, "", 0), False, float("inf")),
        (Figure("a", -0.2, "%", 5), True, 0.0),
        (Figure("a", 0, "of 9", 0, "at least"), True, 0.0),
        (Figure("a", -1, "of 9", 0, "at least"), False, float("inf")),
        (Figure("a", 1), None, None),
    ],
)
def test_limits(figure: Figure, kept: bool | None, strain: float | None) -> None:
    assert figure.kept is kept
    assert figure.strain == strain
    assert ("MISSED" in figure.line()) == (kept is False)


@pytest.mark.integration
def test_a_subject_that_does_not_start_is_told_and_the_others_read(tmp_path: Path) -> None:
    script = tmp_path / "reader.py"
    script.write_text("from benchmarks.lib.timing import serve\nserve([1, 2, 3], lambda n: n % 2, {})\n")
    good = subjects.Subject("mien", [sys.executable, str(script)], subjects.own_environment())
    gone = subjects.Subject(
        "peer", [sys.executable, "-c", "raise SystemExit('no such package')"], subjects.own_environment()
    )
    skipped: dict[str, str] = {}
    ready = subjects.take_turns([good, gone], 2, tmp_path, skipped)
    assert ready == [good]
    assert skipped == {"peer": "no such package"}
    assert [one["faces"] for one in good.rounds] == [[1, 0, 1]] * 2
    assert good.result()["frames_with_face"] == 2
    half = subjects.Subject(
        "half",
        [sys.executable, "-c", "print('ROUND {}', flush=True); input(); raise SystemExit('out of memory')"],
        gone.env,
    )
    assert subjects.take_turns([half], 1, tmp_path, skipped) == []
    assert skipped["half"] == "out of memory"
    with pytest.raises(SystemExit, match="mien does not run: no such package"):
        subjects.take_turns([subjects.Subject("mien", gone.command, gone.env)], 1, tmp_path, skipped)


def test_a_box_counts_where_the_face_is() -> None:
    from benchmarks.lib.timing import in_place

    boxes = [(10, 10, 30, 30), (100, 10, 120, 30)]
    assert in_place("x/room-001-at-0-0-50.jpg", boxes) == 1
    assert in_place("x/clip-001.jpg", boxes) == 2
    assert in_place("x/room-001-at-0-0-50.jpg", []) == 0
