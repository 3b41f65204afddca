"""The folder of a study: its tables, its comparison, its texts, its page, and ``study.json``, which says how all of it was
made."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien import __version__
from mien.core.atomic import atomic_write, translate_os_errors
from mien.core.errors import InputError, MissingExtraError
from mien.core.labels import NOTICE
from mien.core.names import json_text
from mien.core.output_names import refuse_sources
from mien.studies.comparison import COMPARISON_COLUMNS, ComparedStudy
from mien.studies.recordings import StudyRecording
from mien.studies.report import write_chart, write_report
from mien.studies.study import Study, StudyRecordingFacts
from mien.studies.tables import LONG, WIDE, read_long, write_long, write_table, write_wide
from mien.studies.texts import CITATION, StudyFacts, paragraphs

ROWS = "rows"
"""Folder with what was analyzed, in shards as of `mien batch`."""
FACTS, REPORT, TEXTS = "study.json", "report.html", "paragraphs.md"
COMPARISON, CHART = "comparison", "comparison.png"
_MEASURED = (LONG, WIDE, FACTS)
_COMPARED = (f"{COMPARISON}.csv", f"{COMPARISON}.json", CHART, TEXTS, REPORT)


def check_folder(folder: Path, sources: Iterable[object], *, measured: bool = True) -> None:
    """See whether a study may be written to a folder, before hours of work that end in it: its files have names that nobody has
    chosen, so none may stand for something else there.

    Args:
        folder: Where all goes.
        sources: Paths of what is read.
        measured: Whether what was measured is written too; else what is compared alone.

    Raises:
        InputError: A file in it is one of the sources, or of no study.
    """
    places = [folder / name for name in (*_MEASURED, *_COMPARED)[0 if measured else len(_MEASURED) :]]
    refuse_sources(places, sources, "-o")
    there = [place.name for place in places if os.path.lexists(place)]
    if there and not any((folder / mark).is_file() for mark in (FACTS, f"{COMPARISON}.json")):
        raise InputError(
            f"expected a folder of mien study, or one without its files; {folder} holds {there[0]}: give another place with -o"
        )


def write_study(
    folder: Path, study: Study, settings: Mapping[str, Any], rules: Mapping[str, Any]
) -> tuple[StudyFacts, list[Path]]:
    """Write the tables and ``study.json``.

    Args:
        folder: Made where it is not there.
        study: What was measured.
        settings: How recordings were read, by the names of the options; empty where rows came from elsewhere.
        rules: How they were measured, by the names of the options.

    Returns:
        What is in ``study.json`` that texts tell, and the files.

    Raises:
        InputError: A file cannot be written.
    """
    facts = StudyFacts(settings, rules, len(study.recordings), len(study.participants))
    _write_json(folder / FACTS, _facts(study, facts))  # First: by it the folder is known (`check_folder`).
    write_long(folder / LONG, study.rows, study.fields)
    write_wide(folder / WIDE, study.rows, study.fields)
    return facts, [folder / LONG, folder / WIDE, folder / FACTS]


def write_comparison(
    folder: Path,
    study: Study,
    facts: StudyFacts,
    compared: ComparedStudy | None,
    left_out: Sequence[str] = (),
) -> Iterator[Path]:
    """Write what differs, as tables, chart and texts, and the page of all; gives each file once it is there. Where a
    ``study.json`` is there, it gets what was left out.

    Where nothing differs that could be compared, a comparison of an earlier run is deleted: it is of other rows.

    Args:
        folder: Of the study.
        study: Its rows.
        facts: How they were made.
        compared: What differs; None where nothing could be compared.
        left_out: What is not in the comparison, and why, a line each.

    Raises:
        InputError: A file cannot be written.
    """
    _add_left_out(folder / FACTS, left_out)
    if compared is not None:
        table = folder / f"{COMPARISON}.csv"
        write_table(table, COMPARISON_COLUMNS, (one.cells() for one in compared.comparisons))
        yield table
        _write_json(table.with_suffix(".json"), _comparison_facts(compared))
        yield table.with_suffix(".json")
        with suppress(MissingExtraError):
            yield write_chart(folder / CHART, compared)
    else:
        for name in (f"{COMPARISON}.csv", f"{COMPARISON}.json", CHART):
            (folder / name).unlink(missing_ok=True)
    texts = folder / TEXTS
    with atomic_write(texts) as aside, translate_os_errors(texts):
        aside.write_text(paragraphs(facts, compared, left_out), encoding="utf-8", newline="\n")
    yield texts
    with suppress(MissingExtraError):
        write_report(folder / REPORT, study, facts, compared, left_out)
        yield folder / REPORT


def read_study(table: Path) -> tuple[Study, StudyFacts]:
    """The study of a long table, perhaps edited, with what ``study.json`` beside it says of the recordings that are in it.

    Raises:
        InputError: One of both cannot be read.
    """
    rows, fields, problems = read_long(table)
    path = table.parent / FACTS
    named = {row.recording for row in rows}
    study = Study(fields, rows, problems=problems)
    if not path.is_file():
        return study, StudyFacts({}, {}, len(named), len(study.participants))
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        study.recordings = [
            _recording_facts(one, facts["fields"]) for one in facts["recordings"] if one["file"] in named
        ]
        study.problems = [*facts["problems"], *problems]
        study.remarks = list(facts["remarks"])
        return study, StudyFacts(facts["settings"], facts["rules"], len(named), len(study.participants))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: expected what mien study run wrote; got {error}: run it again") from None


def _recording_facts(known: Mapping[str, Any], fields: Sequence[str]) -> StudyRecordingFacts:
    recording = StudyRecording(known["file"], known["file"], {name: str(known[name]) for name in fields})
    uncertain = math.nan if known["uncertain"] is None else float(known["uncertain"])
    return StudyRecordingFacts(
        recording, float(known["seconds"]), float(known["coverage"]), uncertain, int(known["events"])
    )


def _facts(study: Study, facts: StudyFacts) -> dict[str, Any]:
    recordings = [
        {
            "file": one.recording.file,
            **one.recording.fields,
            "seconds": round(one.seconds, 3),
            "coverage": round(one.coverage, 6),
            "uncertain": None if one.uncertain != one.uncertain else round(one.uncertain, 6),
            "events": one.events,
        }
        for one in study.recordings
    ]
    return {
        "mien": __version__,
        "notice": NOTICE,
        "citation": CITATION,
        "settings": dict(facts.settings),
        "rules": dict(facts.rules),
        "fields": list(study.fields),
        "participants": facts.participants,
        "recordings": recordings,
        "problems": study.problems,
        "left_out": [],
        "remarks": study.remarks,
    }


def _add_left_out(path: Path, left_out: Sequence[str]) -> None:
    """Have ``study.json`` say what the comparison beside it left out."""
    if path.is_file():
        with translate_os_errors(path):
            known = json.loads(path.read_text(encoding="utf-8"))
        _write_json(path, {**known, "left_out": list(left_out)})


def _comparison_facts(compared: ComparedStudy) -> dict[str, Any]:
    return {
        "mien": __version__,
        "notice": NOTICE,
        "by": compared.by,
        "statistic": compared.statistic,
        "rules": asdict(compared.rules),
        "comparisons": [
            {**one.cells(), "values_a": dict(one.values), "values_b": dict(one.other_values)}
            for one in compared.comparisons
        ],
        "left_out": list(compared.left_out),
    }


def _write_json(path: Path, facts: Mapping[str, Any]) -> None:
    with atomic_write(path) as aside, translate_os_errors(path):
        aside.write_text(f"{json_text(facts, indent=1)}\n", encoding="utf-8", newline="\n")
