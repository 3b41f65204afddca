"""One face in one frame, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mien.core.formatting import percent
from mien.core.notebook import html_table


@dataclass(frozen=True)
class Face:
    """One row of `Faces` as plain Python values, ready for JSON.

    Args:
        frame: Index of the frame, 0-based, in its source.
        time: Time of the frame in seconds.
        box: ``x1, y1, x2, y2`` in px.
        detection_score: How sure the detector is that this is a face, 0 to 1.
        landmarks: Left eye, right eye, nose, left and right mouth corner as ``x, y`` in px (left as seen in the
            image), or None.
        track: Id of the person in this source, or None.
        emotion: Name of the most probable expression, or None where no network has looked.
        confidence: Its probability, 0 to 1, or None.
        probs: Probability of every expression by name, as the network read this frame, or None.
        smoothed_emotion: Expression shown as the person's smoothed emotion, which does not flicker, or None where nothing
            was smoothed.
        smoothed_probs: Probability of every expression by name, smoothed over the person's last seconds (or the
            seconds around), or None.
        label: The label to display: ``smoothed_emotion`` where there is one, else ``emotion``; ``uncertain`` where that is
            asked for and its probability is too low; None where no network has looked.
        label_confidence: Probability, 0 to 1, of the smoothed emotion, smoothed as it is, or of the emotion where nothing
            was smoothed: also where that is shown as uncertain.
        valence: How pleasant the expression is, -1 to 1 (`Faces.valence`), or None.
        expressiveness: 1 less the probability of neutral (`Faces.expressiveness`), or None.
        measures: What landmarks measure, by name (`mien.core.measures.MEASURES`), each None where it could not be
            measured; None where landmarks were not asked for.
        measures_missing: Why there are none, in words; None where there are.
        talking: Whether the mouth opens and closes as often as in speech (`mien.tracking.talking`); None where that is not
            known.
        mesh: 468 points as ``x, y, z`` in px, or None.

    >>> face = Face(0, 0.0, (10.0, 10.0, 50.0, 60.0), 0.99, emotion="happy", confidence=0.9, label="happy")
    >>> face.emotion, face.box[2] - face.box[0], face.track
    ('happy', 40.0, None)
    """

    frame: int
    time: float
    box: tuple[float, float, float, float]
    detection_score: float
    landmarks: tuple[tuple[float, float], ...] | None = None
    track: int | None = None
    emotion: str | None = None
    confidence: float | None = None
    probs: dict[str, float] | None = None
    smoothed_emotion: str | None = None
    smoothed_probs: dict[str, float] | None = None
    label: str | None = None
    label_confidence: float | None = None
    valence: float | None = None
    expressiveness: float | None = None
    measures: dict[str, float | None] | None = None
    measures_missing: str | None = None
    talking: bool | None = None
    mesh: tuple[tuple[float, float, float], ...] | None = None

    @property
    def display_confidence(self) -> float | None:
        """Probability to print beside ``label``: its own. None beside ``uncertain``, and where the probabilities of
        this moment put another expression first, as before and after a change: there, a lone number would
        mislead.
        """
        probs = self.smoothed_probs or self.probs or {}
        if self.label not in probs or probs[self.label] < max(probs.values()):
            return None
        return self.label_confidence

    @property
    def caption(self) -> str:
        """The label with that probability, as it is printed for people.

        >>> box, probs = (0.0, 0.0, 9.0, 9.0), {"sad": 0.2, "happy": 0.8}
        >>> Face(0, 0.0, box, 1.0, probs=probs, label="happy", label_confidence=0.8).caption
        'happy 80 %'
        >>> Face(0, 0.0, box, 1.0, smoothed_probs=probs, label="sad", label_confidence=0.2).caption
        'sad'
        """
        if self.display_confidence is None:
            return self.label or ""
        return f"{self.label} {percent(self.display_confidence)}"

    def __repr__(self) -> str:
        person = "" if self.track is None else f" person {self.track},"
        where = ", ".join(f"{value:.0f}" for value in self.box)
        return f"Face({self.caption or 'not classified'},{person} frame {self.frame}, box {where})"

    def _repr_html_(self) -> str:
        return html_table(face_titles(self.measures is not None), [self.cells()], 1)

    @property
    def pose(self) -> str:
        """Where the head is turned to, as it is printed for people: yaw, pitch and roll, or why that is not known.
        Empty where landmarks were not asked for.

        >>> box = (0.0, 0.0, 9.0, 9.0)
        >>> Face(0, 0.0, box, 1.0, measures={"yaw": 12.4, "pitch": -3.0, "roll": 0.2}).pose
        '12° -3° 0°'
        >>> Face(0, 0.0, box, 1.0, measures={"yaw": None}, measures_missing="too small").pose
        'too small'
        """
        if self.measures is None:
            return ""
        angles = [self.measures.get(name) for name in ("yaw", "pitch", "roll")]
        known = [f"{round(angle)}°" for angle in angles if angle is not None]
        return " ".join(known) or self.measures_missing or "not known"

    def streamed(self, points: bool = False) -> dict[str, Any]:
        """Its values as streams of JSON have them: with measures where they were asked for.

        Args:
            points: With the mesh, which takes 10 kB.

        >>> list(Face(0, 0.0, (0.0, 0.0, 9.0, 9.0), 1.0).streamed())[-2:]
        ['valence', 'expressiveness']
        """
        left_out = {*(() if points else ("mesh",)), *(LANDMARK_KEYS if self.measures is None else ())}
        return {name: value for name, value in vars(self).items() if name not in left_out}

    def cells(self) -> tuple[str, ...]:
        """What tables for people say about it, under `face_titles`; no probability stands beside ``uncertain``
        (`display_confidence`)."""
        guesses = sorted((self.probs or {}).items(), key=lambda pair: -pair[1])
        others = [f"{name} {percent(share)}" for name, share in guesses if name != self.label]
        return (
            str(self.frame),
            f"{self.time:.2f}",
            "" if self.track is None else str(self.track),
            self.caption or "not classified",
            others[0] if others else "",
            " ".join(f"{value:.0f}" for value in self.box),
            *([] if self.measures is None else [self.pose]),
        )


LANDMARK_KEYS = ("measures", "measures_missing", "talking")
"""What faces have whose landmarks were asked for: the measures by name, why there are none, and whether the person talks."""

POSE_TITLE = "head yaw pitch roll"
_TITLES = ("frame", "time (s)", "person", "expression", "second guess of the frame", "box x1 y1 x2 y2")


def face_titles(landmarks: bool) -> tuple[str, ...]:
    """Of the columns of a table of faces, with landmarks or without."""
    return (*_TITLES, POSE_TITLE) if landmarks else _TITLES
