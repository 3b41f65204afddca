"""OpenFace 2 (https://github.com/TadasBaltrusaitis/OpenFace/wiki/Output-Format): FeatureExtraction, FaceLandmarkVidMulti and
FaceLandmarkImg. It measures action units, gaze and pose, and knows no expressions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Set
from itertools import groupby

from mien.core.measures import MEASURES
from mien.outputs.tables.programs.table import ProgramLine, ProgramTable
from mien.outputs.tables.saved_row import SavedRow

_POSE = {"yaw": ("pose_Ry", -1), "pitch": ("pose_Rx", 1), "roll": ("pose_Rz", 1)}
"""Its angles are radians about axes to the right, down and away from the camera: a nod down and a tilt clockwise are positive
as in mien, a turn to the right of the image negative."""

_POINTS = 68


def recognised(names: Set[str]) -> bool:
    """Whether a header has what all of its tables have."""
    return "confidence" in names and bool(names & {"pose_Rx", "gaze_0_x", "AU01_r", "x_0"})


def rows(table: ProgramTable) -> Iterator[SavedRow]:
    """A row per face that it is sure of, and one per frame without any."""
    used = ["frame", "face_id", "face", "timestamp", "confidence", "success"]
    used += [column for column, _ in _POSE.values()]
    used += [f"{axis}_{point}" for axis in "xy" for point in range(_POINTS)]
    table.remarks.append(
        f"{table.path}, of {table.program}: it has no expressions; pose is read, as measures of landmarks"
    )
    table.leaves_out(used)
    source = table.path.stem
    for frame, lines in groupby(table.lines(), key=lambda line: line.number_of("frame") or 0.0):
        known = list(lines)
        time = known[0].number_of("timestamp") or 0.0
        faces = [line for line in known if line.number_of("success") != 0]
        at = max(0, int(frame) - 1)  # It counts from 1.
        for line in faces:
            yield _face(line, source, at, time)
        if not faces:
            yield SavedRow(source, at, time, "no_face", None, [], 0.0, [], None, None)


def _face(line: ProgramLine, source: str, frame: int, time: float) -> SavedRow:
    track = line.number_of("face_id" if "face_id" in line.columns else "face")
    return SavedRow(
        source,
        frame,
        time,
        "face",
        int(track or 0),
        _box(line),
        line.number_of("confidence") or 0.0,
        [],
        None,
        None,
        measures=_measures(line),
    )


def _box(line: ProgramLine) -> list[float]:
    """Around its landmarks, which reach from the brows to the chin; without any at the corner of the image."""
    points = [[line.number_of(f"{axis}_{point}") for point in range(_POINTS)] for axis in "xy"]
    across, down = ([value for value in values if value is not None] for values in points)
    return [min(across), min(down), max(across), max(down)] if across and down else [0.0] * 4


def _measures(line: ProgramLine) -> list[float]:
    def angle(name: str) -> float:
        column, sign = _POSE.get(name, ("", 0))
        radians = line.number_of(column) if column else None
        return math.nan if radians is None else sign * math.degrees(radians)

    return [angle(name) for name in MEASURES]
