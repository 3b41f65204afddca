"""How fast a face moves beside the movement of its head."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.core.faces import Faces
from mien.core.measures import MEASURES, MOVEMENT
from mien.inference.landmarks import head_pose

LEAST = 0.1
"""Seconds between two frames that are compared at least: over less, the noise of the points counts as movement."""
MOST = 0.5
"""Seconds after which what a face did in between is not known."""
_COLUMN = list(MEASURES).index(MOVEMENT.name)
MOVING = np.array(
    [
        *(61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 78, 13, 308, 14),
        *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
        *(46, 70, 105, 107, 55, 276, 300, 334, 336, 285, 152, 172, 397),
    ]
)
"""Points whose movement counts: lips outside and inside, lids, brows, chin and jaw."""


class _Seen(NamedTuple):
    time: float
    points: NDArray[np.float64]
    speed: float


class Movement:
    """Adds ``movement`` to the measures of the faces of one stream, frame by frame.

    It is the mean distance that points of the face went, in the face's own frame, over the time since a frame
    at least `LEAST` before; where frames come faster, a value stands until the next such frame.

    It holds the state of one stream: not for several threads at once.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next faces are the first of another stream."""
        self._seen: dict[int, _Seen] = {}

    def update(self, faces: Faces) -> Faces:
        """The faces of one frame with their movement, NaN where it is not known.

        Args:
            faces: Of one frame, with ``tracks``; without ``mesh`` they come back as they are.
        """
        if faces.mesh is None or faces.measures is None or faces.tracks is None or not len(faces):
            return faces
        now = float(faces.times[0])
        self._seen = {track: seen for track, seen in self._seen.items() if 0 <= now - seen.time <= MOST}
        measures = faces.measures.copy()
        for row, track in enumerate(faces.tracks.tolist()):
            if np.isfinite(measures[row, 0]):
                measures[row, _COLUMN] = self._speed(track, now, faces.mesh[row])
        return faces.with_columns(measures=measures)

    def _speed(self, track: int, now: float, mesh: NDArray[np.float32]) -> float:
        before = self._seen.get(track)
        if before is not None and now - before.time < LEAST - 1e-6:
            return before.speed
        points = head_pose(mesh).points[MOVING, :2]
        speed = np.nan
        if before is not None:
            speed = float(np.linalg.norm(points - before.points, axis=1).mean() / (now - before.time))
        self._seen[track] = _Seen(now, points, speed)
        return speed

    def state(self) -> dict[str, Any]:
        """All that it remembers, ready for JSON."""
        return {
            str(track): [seen.time, seen.points.tolist(), None if np.isnan(seen.speed) else seen.speed]
            for track, seen in self._seen.items()
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""
        self._seen = {
            int(track): _Seen(time, np.array(points), np.nan if speed is None else speed)
            for track, (time, points, speed) in state.items()
        }
