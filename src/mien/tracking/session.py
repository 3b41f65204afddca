"""One stream read over time: who is who, what each one shows, and a label that does not flicker."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien.core.arguments import checked
from mien.core.faces import Faces
from mien.core.frame import Frame
from mien.core.labels import Labels
from mien.inference.pipeline import Pipeline
from mien.tracking.movement import Movement
from mien.tracking.options import Smoothing, Tracking
from mien.tracking.smoothing_online import OnlineSmoother
from mien.tracking.talking import TalkingNow
from mien.tracking.tracker import Tracker


class Session:
    """Reads one stream with a `Pipeline`, which many sessions may share; all that is remembered of the stream
    is here.

    `update` does everything. The two halves can also be called apart, so that one thread finds the faces of
    the next frames (`locate`, which has the memory) while another reads the expressions of the last (`read`,
    which has none); `movement` is then asked frame by frame.

    Args:
        pipeline: Detector and classifier.
        tracking: How people are followed.
        smoothing: How their results are smoothed by `update`.
        talking: ``skip`` smooths talk apart, which landmarks tell, so that it does not bear on what is shown before and after.

    Raises:
        InputError: An argument is of another type.

    >>> import numpy as np
    >>> session = Session(Pipeline(detector="whole"))
    >>> image = np.zeros((48, 48, 3), np.uint8)
    >>> first, second = session.update([Frame(0, 0.0, image), Frame(1, 0.04, image)])
    >>> second.tracks.tolist(), second.smoothed_probs.shape
    ([1], (1, 7))
    """

    @checked
    def __init__(
        self,
        pipeline: Pipeline,
        tracking: Tracking | None = None,
        smoothing: Smoothing | None = None,
        talking: Literal["mark", "skip"] = "mark",
    ) -> None:
        self.pipeline = pipeline
        self.tracker = Tracker(pipeline.detector, tracking)
        self.smoother = OnlineSmoother(pipeline.labels, smoothing)
        self.movement = Movement()
        self.talking = TalkingNow()
        steps = [self.smoother.update, self.talking.update]
        self._over_time = [self.movement.update, *(steps if talking == "mark" else reversed(steps))]

    @property
    def labels(self) -> Labels:
        """Names of the columns of ``probs`` and ``smoothed_probs``."""
        return self.pipeline.labels

    def locate(self, frames: Sequence[Frame]) -> list[Faces]:
        """Find and follow the faces of the next frames, in order.

        Returns:
            One `Faces` per frame, with ``tracks``, not read yet.

        Raises:
            InputError: An image is not ``(h, w, 3)`` uint8.
        """
        found = [self.tracker.update(frame) for frame in frames]
        return [faces.largest() for faces in found] if self.pipeline.largest else found

    def read(self, images: Sequence[NDArray[np.uint8]], faces: Sequence[Faces]) -> list[Faces]:
        """Read the expressions of located faces, those of all frames at once, and their landmarks where asked
        for; any thread may do that, in any order.

        Returns:
            The same faces with ``probs`` (`Pipeline.read`).
        """
        return self.pipeline.read(images, faces)

    def update(self, frames: Sequence[Frame]) -> list[Faces]:
        """Read the next frames of the stream.

        Args:
            frames: In order of time; several at once take less time than one by one, and give the same.

        Returns:
            One `Faces` per frame, with ``tracks``, ``probs``, ``smoothed_probs`` and ``smoothed_emotion``, and with
            landmarks ``talking``; empty where no face is seen.

        Raises:
            InputError: An image is not ``(h, w, 3)`` uint8.
        """
        located = self.locate(frames)
        read = self.read([frame.image for frame in frames], located)
        return [reduce(lambda found, step: step(found), self._over_time, faces) for faces in read]

    def reset(self) -> None:
        """Forget the stream: the next frame is the first of another, and ids begin at 1 again."""
        self.tracker.reset()
        self.smoother.reset()
        self.movement.reset()
        self.talking.reset()

    def state(self) -> dict[str, Any]:
        """All that is remembered, ready for JSON; a session that restores it goes on as if there had been no
        break."""
        return {
            "tracker": self.tracker.state(),
            "smoother": self.smoother.state(),
            "movement": self.movement.state(),
            "talking": self.talking.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where the session that gave this `state` was; pipeline and options must be the same."""
        self.tracker.restore(state["tracker"])
        self.smoother.restore(state["smoother"])
        self.movement.restore(state["movement"])
        self.talking.restore(state["talking"])
