"""Faces followed from frame to frame, with the whole detector only where it is needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.core import boxes as box_arithmetic
from mien.core.assignment import assign
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.spacing import Spacing
from mien.inference.detectors import Detector, Refiner
from mien.tracking.kalman import COARSE, Track
from mien.tracking.motion import Scene
from mien.tracking.options import Tracking

SOON = 0.25  # s between looks at the whole image after something happened.
ALERT = 0.5  # s for which that lasts.
# A known face with a lower score is looked for in the whole image, unless it was found there within
# `full_every`.
UNSURE = 0.8
AGAIN = 0.8  # Least score at which a face that was hidden is taken for seen again where it was thought to be.
# Sizes by which a confirmed box may lie off the place where it was thought to be; farther off it is somebody
# else's.
ASTRAY = 0.5
GROWN = 0.35  # Logarithm of the largest factor between its size and the size before.
SAME = 0.4  # Overlap (intersection over union) of two boxes above which they show one face.
REACH = 1.8  # Sizes; a face farther from where a person is thought to be is never theirs.
# Sizes from where a face was last seen within which it is still theirs, `MOMENT` seconds later at most.
TURNED = 0.6
MOMENT = 0.25
STILL_REACH = 0.7  # The same over a step so long that only overlap counts.

Pixels = NDArray[np.uint8]


class Tracker:
    """Gives the faces of one stream, frame by frame, an id per person.

    Ids are 1, 2, 3, ... in the order in which people appear; each belongs to one person of this stream and is
    never given again, also not when everyone was forgotten after a jump in time or a cut. A person who is not
    seen in a frame has no row there, and keeps the id on coming back within ``lost_after`` seconds near where
    the face was going. There is no identity: who comes back later or elsewhere is someone new.

    With a detector that can ``refine`` (`mien.inference.detectors.Refiner`) most frames cost one pass of its
    last network over the faces already known (Zhang et al. 2016 end their cascade with it). The whole image
    is searched when a face was lost or is unsure, at a cut, every ``full_every`` seconds, and only every
    ``calm_every`` while nothing changes outside the known faces. Any other detector is run on every frame.

    Faces and people are paired by the distance from a prediction (a Kalman filter, in seconds) and by size,
    at the least cost in all; as in ByteTrack (Zhang et al. 2022, https://arxiv.org/abs/2110.06864) a face
    that is too unsure to be someone new may still continue someone known.

    It holds the state of one stream: not for several threads at once.

    Args:
        detector: Finds the faces.
        options: How they are followed.

    >>> import numpy as np
    >>> from mien.inference.detectors import create_detector
    >>> tracker = Tracker(create_detector("whole"))
    >>> image = np.zeros((48, 48, 3), np.uint8)
    >>> [tracker.update(Frame(index, index / 25, image)).tracks.tolist() for index in range(3)]
    [[1], [1], [1]]
    """

    def __init__(self, detector: Detector, options: Tracking | None = None) -> None:
        self.detector = detector
        self.options = Tracking() if options is None else options
        self._refiner = detector if isinstance(detector, Refiner) and not self.options.every_frame else None
        self.reset()

    def reset(self) -> None:
        """Forget everything: the next frame is the first of another stream, and ids begin at 1 again."""
        self._people: list[Track] = []
        self._scene = Scene()
        self._next = 1
        self._spacing = Spacing(self.options.lost_after)  # On the stream's clock.
        self._lasted = 0.0  # s after the last frame in which it was still to be seen.
        self._clock = 0.0  # The tracker's own, which never goes back.
        self._before = 0.0  # The same at the last frame.
        self._shape = (0, 0)
        self._looked = -math.inf
        self._alert = -math.inf

    def update(self, frame: Frame) -> Faces:
        """The faces of the next frame.

        Args:
            frame: Its image may differ in size from the one before. Its time may stand still or jump: where
                nothing was to be seen for more than ``lost_after`` seconds, or time goes back by more,
                everyone is forgotten.

        Returns:
            A row for every face that is seen, with ``tracks``, in order of them; frames and times are those
            of the frame.

        Raises:
            InputError: The image is not ``(h, w, 3)`` uint8.
        """
        step = self._advance(frame)
        self._fit(frame)
        cut = (
            self._refiner is not None
            and self._scene.watch(frame.image)
            and self.options.cuts
            and step <= COARSE
        )
        if cut:
            self._people = []
        for person in self._people:
            person.predict(step)
        people, faces = self._seen(frame.image, cut)
        for person, box, score in zip(
            people, faces.boxes.tolist(), faces.detection_scores.tolist(), strict=True
        ):
            person.see(box, score, step, self._clock)
        for person in self._people:
            if person.seen < self._clock:
                person.miss(frame.width, frame.height)
        patience = self._spacing.patience
        self._people = [person for person in self._people if self._clock - person.seen <= patience]
        self._before = self._clock
        order = sorted(range(len(people)), key=lambda row: people[row].id)
        return _ordered(faces, order).with_columns(
            frames=np.full(len(people), frame.index),
            times=np.full(len(people), frame.time),
            tracks=np.array([people[row].id for row in order], np.int64),
        )

    def state(self) -> dict[str, Any]:
        """All that it remembers, ready for JSON; a tracker that restores it goes on to the same bits."""
        return {
            "people": [person.state() for person in self._people],
            "scene": self._scene.state(),
            "next": self._next,
            "spacing": self._spacing.state(),
            "lasted": self._lasted,
            "clock": self._clock,
            "before": self._before,
            "shape": list(self._shape),
            # JSON has no infinity.
            "looked": None if self._looked == -math.inf else self._looked,
            "alert": None if self._alert == -math.inf else self._alert,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where the tracker that gave this `state` was; options and detector must be the same."""
        self.reset()
        self._people = [Track(**person) for person in state["people"]]
        self._scene.restore(state["scene"])
        self._spacing.restore(state["spacing"])
        self._next, self._lasted, self._clock, self._before = (
            int(state["next"]),
            state["lasted"],
            state["clock"],
            state["before"],
        )
        self._shape = (int(state["shape"][0]), int(state["shape"][1]))
        self._looked = -math.inf if state["looked"] is None else state["looked"]
        self._alert = -math.inf if state["alert"] is None else state["alert"]

    def _advance(self, frame: Frame) -> float:
        """Move the clock on to the time of a frame; returns by how much."""
        patience = self._spacing.patience
        step = self._spacing.take(frame.time)
        if step - self._lasted > patience or step < -self.options.lost_after:
            self._people, self._looked = [], -math.inf
            step = 0.0
        self._lasted = frame.lasting or 0.0
        step = max(0.0, step)
        self._clock += step
        return step

    def _fit(self, frame: Frame) -> None:
        """Carry what is known over to an image of another size; of another shape, it means nothing."""
        shape, before = (frame.height, frame.width), self._shape
        self._shape = shape
        if shape == before or not before[0]:
            return
        down, across = shape[0] / before[0], shape[1] / before[1]
        if abs(math.log(down / across)) > 0.05:
            self._people = []
        for person in self._people:
            person.scale(across, down)
        self._looked = -math.inf

    def _seen(self, image: Pixels, cut: bool) -> tuple[list[Track], Faces]:
        """Who is seen in the image, and their faces, row by row."""
        if self._refiner is None or cut or self._due():
            return self._look(image)
        visible = {person.id for person in self._people if not person.hidden}
        people, faces = self._confirmed(image, self._people)
        if visible - {person.id for person in people}:
            return self._look(image)  # Somebody is gone: where to?
        if any(
            score < UNSURE and self._clock - person.found > self.options.full_every
            for person, score in zip(people, faces.detection_scores.tolist(), strict=True)
        ):
            return self._look(image)
        return people, faces

    def _due(self) -> bool:
        """Whether it is time to search the whole image."""
        passed = self._clock - self._looked + 1e-6
        if self._clock < self._alert:
            return passed >= min(SOON, self.options.full_every)
        if passed < self.options.full_every:
            return False
        # Where somebody was who is not seen now, a change may be their return.
        seen = [person.box for person in self._people if not person.hidden]
        return passed >= self.options.calm_every or self._scene.moved(seen)

    def _look(self, image: Pixels) -> tuple[list[Track], Faces]:
        """Search the whole image."""
        [faces] = self.detector.detect([image])
        self._looked = self._clock
        self._scene.searched()
        pairs = self._paired(faces)
        people, rows = [self._people[row] for row, _ in pairs], [column for _, column in pairs]
        missed = [person for person in self._people if person not in people]
        kept, refined = self._confirmed(image, missed, faces.boxes)
        new = [
            column
            for column in range(len(faces))
            if column not in rows and faces.detection_scores[column] >= self.options.start
        ]
        if any(person not in kept and not person.hidden for person in missed):
            self._alert = self._clock + ALERT
        people += [self._newcomer(faces.boxes[column].tolist()) for column in new]
        found = faces[rows + new] if rows + new != list(range(len(faces))) else faces
        for person in people:
            person.found = self._clock
        return people + kept, Faces.concatenate([found, refined]) if kept else found

    def _newcomer(self, box: Sequence[float]) -> Track:
        x1, y1, x2, y2 = box
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        person = Track(self._next, x, y, max(1.0, x2 - x1), max(1.0, y2 - y1), self._clock, self._clock, x, y)
        self._next += 1
        self._people.append(person)
        return person

    def _paired(self, faces: Faces) -> list[tuple[int, int]]:
        """Which row of people is which row of faces."""
        if not self._people or not len(faces):
            return []
        places = np.array([(person.x, person.y, person.size, person.spread) for person in self._people])[
            :, None
        ]
        boxes = faces.boxes.astype(np.float64)
        sizes = np.maximum(1.0, np.sqrt(box_arithmetic.area(boxes).astype(np.float64)))
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        away = np.hypot(centres[:, 0] - places[..., 0], centres[:, 1] - places[..., 1]) / np.sqrt(
            sizes * places[..., 2]
        )
        grown = np.abs(np.log(sizes / places[..., 2]))
        # Before a camera, which has no cuts, one who is alone is still the same after a step of moving far.
        alone = len(self._people) == len(faces) == 1 and not self.options.cuts
        reach = (
            STILL_REACH
            if self._clock - self._before > COARSE and not alone
            else np.minimum(REACH, 0.35 + 3 * places[..., 3])
        )
        cost = (away / (0.1 + places[..., 3])) ** 2 + (grown / 0.15) ** 2
        pairs = assign(np.where((away <= reach) & (grown <= 2 * GROWN), cost, np.inf), limit=1e3)
        return pairs + self._turned(centres, sizes, grown, pairs)

    def _turned(
        self,
        centres: NDArray[np.float64],
        sizes: NDArray[np.float64],
        grown: NDArray[np.float64],
        pairs: list[tuple[int, int]],
    ) -> list[tuple[int, int]]:
        """Who turned back at once: of those left over, whose face is near where it was a moment ago, not
        where it was going."""
        seen = np.array(
            [(person.sx, person.sy, person.size, self._clock - person.seen) for person in self._people]
        )[:, None]
        away = np.hypot(centres[:, 0] - seen[..., 0], centres[:, 1] - seen[..., 1]) / np.sqrt(
            sizes * seen[..., 2]
        )
        near = (away <= TURNED) & (grown <= 2 * GROWN) & (seen[..., 3] <= MOMENT)
        for row, column in pairs:
            near[row] = near[:, column] = False
        return assign(np.where(near, away, np.inf), limit=1e3)

    def _confirmed(
        self, image: Pixels, people: Sequence[Track], taken: NDArray[np.float32] | None = None
    ) -> tuple[list[Track], Faces]:
        """Those whose face the last network still sees where it is thought to be, and their faces.

        Args:
            image: The image.
            people: Who is looked for.
            taken: Boxes that belong to others.
        """
        if self._refiner is None or not people:
            return [], Faces.empty()
        [faces] = self._refiner.refine(
            [image], [np.array([person.box for person in people], np.float32).reshape(-1, 4)]
        )
        boxes, scores = faces.boxes.tolist(), faces.detection_scores.tolist()
        strayed = [_strayed(person, box) for person, box in zip(people, boxes, strict=True)]
        rows: list[int] = []
        # A face that two claim belongs to the one who was seen there, or nearer, a moment ago.
        for row in sorted(range(len(people)), key=lambda row: (people[row].hidden, strayed[row])):
            least = max(AGAIN, self.options.keep) if people[row].hidden else self.options.keep
            lasting = self._clock - people[row].found <= max(self.options.lost_after, self.options.calm_every)
            if scores[row] < least or strayed[row] > 1 or not lasting:
                continue
            others = [faces.boxes[rows]] if taken is None else [faces.boxes[rows], taken]
            if not any(
                len(other) and (box_arithmetic.overlap(faces.boxes[[row]], other) > SAME).any()
                for other in others
            ):
                rows.append(row)
        rows.sort()
        return [people[row] for row in rows], faces if len(rows) == len(people) else faces[rows]


def _strayed(person: Track, box: Sequence[float]) -> float:
    """How far a confirmed box is from what was expected; above 1 it is somebody else's."""
    x1, y1, x2, y2 = box
    away = math.hypot((x1 + x2) / 2 - person.x, (y1 + y2) / 2 - person.y) / person.size
    area = (x2 - x1) * (y2 - y1)
    grown = abs(math.log(area / person.size**2)) / 2 if area > 0 else math.inf
    return max(away / ASTRAY, grown / GROWN)


def _ordered(faces: Faces, order: list[int]) -> Faces:
    return faces if order == list(range(len(order))) else faces[order]
