"""What landmarks measure, by name: what tables, charts and rules know without looking at a face. How each one is
computed stands in `mien.inference.landmarks.measures`."""

from __future__ import annotations

from dataclasses import dataclass

DEGREES = "degrees"
EYES = "part of the eyes' distance"
SPEED = "parts of the eyes' distance a second"


@dataclass(frozen=True)
class Measure:
    """One thing that is measured.

    Args:
        name: As in tables.
        unit: Of its values.
        formula: In words.
    """

    name: str
    unit: str
    formula: str

    @property
    def title(self) -> str:
        """For charts and tables for people.

        >>> MEASURES["left_eye_opening"].title
        'left eye opening'
        """
        return self.name.replace("_", " ")


POSE = (
    Measure("yaw", DEGREES, "turn to the right as seen in the image"),
    Measure("pitch", DEGREES, "nod down; 0 is the mean of calm faces in press photographs"),
    Measure("roll", DEGREES, "tilt clockwise as seen in the image"),
)
SHAPE = (
    Measure(
        "left_eye_opening",
        "part of the eye's width",
        "mean distance of three pairs of points of the lids over the width of the eye",
    ),
    Measure("right_eye_opening", "part of the eye's width", "as the left"),
    Measure("mouth_opening", EYES, "distance of the lips' inner edges in the middle"),
    Measure("mouth_width", EYES, "distance of the corners of the mouth"),
    Measure("smile", EYES, "height of the mouth's corners above the middle of the lips' inner edges"),
    Measure("lip_height", EYES, "height of both lips' red; small where they are pressed together"),
    Measure("left_inner_brow_raise", EYES, "height of the brow's inner end above the corners of the eye"),
    Measure("right_inner_brow_raise", EYES, "as the left"),
    Measure("left_outer_brow_raise", EYES, "height of the brow's outer end above the corners of the eye"),
    Measure("right_outer_brow_raise", EYES, "as the left"),
    Measure("jaw_drop", EYES, "distance of the base of the nose and the chin"),
    Measure(
        "asymmetry",
        EYES,
        "mean distance, across and down, of ten points from the mirror images of their counterparts",
    ),
)
MOVEMENT = Measure(
    "movement",
    SPEED,
    "mean speed of the points of brows, lids, lips and jaw in the face's own frame, over a tenth of a second or "
    "more; in videos alone",
)

MEASURES: dict[str, Measure] = {measure.name: measure for measure in (*POSE, *SHAPE, MOVEMENT)}
"""All measures by name, in the order of the columns of `mien.core.faces.Faces.measures`."""

REASONS = ("", "no face seen", "too small", "turned away", "at the edge")
"""Why a face has no measures, by the numbers in `mien.core.faces.Faces.measure_reasons`."""
