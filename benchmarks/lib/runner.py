"""Runs benchmarks, each in a process of its own, and keeps what they found: one record for each in one JSON
file.

A record that is there for this code, this machine and these settings is kept, so that a run that was stopped
goes on where it was. One that fails is told, with the reason, and the next one runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.lib import machine
from benchmarks.lib.catalogue import ENTRIES, Entry
from benchmarks.lib.fixtures import ROOT
from benchmarks.lib.subjects import same_imports
from mien.core.atomic import atomic_write

RESULTS = ROOT / "docs" / "benchmarks" / "results.json"
OUT = ROOT / "out" / "benchmarks"
_MEASURED = ("src/mien", "benchmarks/adapters", "benchmarks/lib", "benchmarks/suite")
_OWN = {f"benchmarks/lib/{name}.py" for name in ("catalogue", "charts", "report", "runner")}
"""What runs benchmarks and shows their figures has no part in them."""

Record = dict[str, Any]


def read(path: Path) -> dict[str, Record]:
    """The records of a file by name, none where there is none."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def run(
    entries: Sequence[Entry], path: Path, *, quick: bool = False, again: bool = False, out: Path = OUT
) -> dict[str, Record]:
    """Run benchmarks, and add what they found to a file after each one.

    Args:
        entries: Which.
        path: The file with the records.
        quick: With the settings of a trial.
        again: Even where there is a record already.
        out: For what each one prints, and for its own JSON.

    Returns:
        All records of the file.
    """
    out.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    here = stamp()
    print(machine.summary(machine.describe()))
    for entry in entries:
        records = read(path)
        print(f"\n== {entry.name}: {entry.about} ==", flush=True)
        if not again and _fits(records.get(entry.name), entry, quick, here):
            print(
                f"kept: measured at {records[entry.name]['time']} for this code and machine; --again measures it anew"
            )
            continue
        record = {**here, **_measured(entry, quick, out)}
        if record["status"] != "measured":
            print(f"{record['status']}: {record['reason']}", flush=True)
        _keep(path, {**records, entry.name: record})
    return read(path)


def stamp() -> Record:
    """What a record belongs to: commit, digest of the code, machine."""
    facts = machine.describe()
    return {
        "commit": _git("rev-parse", "--short", "HEAD")
        + ("+" if _git("status", "--porcelain", "--", "src", "benchmarks") else ""),
        "code": _digest(),
        "machine": {name: facts[name] for name in ("cpu", "cores", "system", "versions")},
    }


def _fits(record: Record | None, entry: Entry, quick: bool, here: Record) -> bool:
    if record is None or record["status"] != "measured":
        return False
    return all(record[name] == here[name] for name in ("code", "machine")) and record["settings"] == list(
        entry.settings(quick) or ()
    )


def _measured(entry: Entry, quick: bool, out: Path) -> Record:
    """Run one, and read what it wrote."""
    settings = list(entry.settings(quick) or ())
    record: Record = {
        "settings": settings,
        "time": time.strftime("%Y-%m-%d %H:%M %z"),
        "figures": [],
        "results": {},
    }
    if reason := entry.missing(quick):
        return {**record, "status": "left out", "reason": reason}
    record["busy_before"] = machine.busy()
    target, began = out / f"{entry.name}.json", time.monotonic()
    target.unlink(missing_ok=True)
    reason = _started(entry, [*settings, "--json", str(target)], out / f"{entry.name}.log")
    record |= {"seconds": round(time.monotonic() - began, 1), "load_after": machine.load()}
    if reason is None and not target.is_file():
        reason = "it wrote no results"
    if reason is not None:
        return {**record, "status": "failed", "reason": reason}
    found = json.loads(target.read_text(encoding="utf-8"))
    return {**record, "status": "measured", "figures": found.pop("figures", []), "results": found}


def _started(entry: Entry, arguments: list[str], log: Path) -> str | None:
    """Run it to its end, showing and keeping what it prints; gives the reason where that was not a good
    end.
    """
    command = [sys.executable, "-m", entry.where, *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    # In a group of its own, so that what it has started ends with it.
    with subprocess.Popen(command, cwd=ROOT, env=same_imports(), start_new_session=True, **pipes) as process:
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(60 * entry.minutes, end)
        timer.start()
        try:
            last = _shown(process, log)
        except BaseException:
            _kill(process)
            raise
        finally:
            timer.cancel()
    if late.is_set():
        return f"it took longer than {entry.minutes:g} minutes"
    return (
        None if process.returncode == 0 else f"{last or 'without a word'} (exit status {process.returncode})"
    )


def _shown(process: subprocess.Popen[str], log: Path) -> str:
    """Print and keep what a process says until it ends; gives its last line."""
    assert process.stdout is not None
    last = ""
    with log.open("w", encoding="utf-8") as file:
        for line in process.stdout:
            print(line, end="", flush=True)
            file.write(line)
            last = line.strip() or last
    process.wait()
    return last


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _keep(path: Path, records: dict[str, Record]) -> None:
    order = {entry.name: number for number, entry in enumerate(ENTRIES)}
    ordered = dict(sorted(records.items(), key=lambda item: order.get(item[0], len(order))))
    with atomic_write(path) as aside:
        Path(aside).write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


def _digest() -> str:
    """Of all that decides what is found: mien and its networks, and the benchmarks themselves."""
    found = hashlib.sha256()
    files = {str(path.relative_to(ROOT)): path for part in _MEASURED for path in (ROOT / part).rglob("*")}
    for name, path in sorted(files.items()):
        if path.is_file() and "__pycache__" not in path.parts and name not in _OWN:
            found.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def _git(*words: str) -> str:
    try:
        return subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
