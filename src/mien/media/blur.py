"""Faces made unrecognisable in an image, and who in a video gets covered when."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

from mien.core.errors import InputError
from mien.core.names import quoted

# From a face's box to the ellipse that covers it: the box is extended by these shares of its sides, and the
# ellipse goes through its corners, which adds another fifth all around. So hair, chin and ears are under it,
# also of a head that leans.
_SIDEWAYS, _UP, _DOWN = 0.05, 0.20, 0.05

# Side of a cell as a share of the geometric mean of the box's sides, at strength 1: a face is about three
# cells wide and three and a half high.
_CELL, _LEAST = 0.3, 4.0  # px

_SLACK = 1e-6  # s: times are sums of rounded numbers.


def blur(image: NDArray[np.uint8], boxes: ArrayLike, strength: float = 1.0) -> NDArray[np.uint8]:
    """A copy of an image with faces that nobody recognises, and no detector finds.

    An ellipse over each face, with hair and chin, is replaced by the mean colours of a few cells, with smooth
    transitions between them. Nothing else of the face is left in the image, so that no sharpening brings it
    back. Every other pixel stays as it was. People may still be known by their clothes, their surroundings or
    their voice.

    Args:
        image: ``(h, w, 3)`` uint8, RGB.
        boxes: ``(n, 4)``, ``x1, y1, x2, y2`` in px, from forehead to chin; they may reach beyond the image.
            A box without an area covers nothing.
        strength: 1 or more; the side of a cell grows with it, from about a third of the face.

    Returns:
        ``(h, w, 3)`` uint8, RGB.

    Raises:
        InputError: The image is not RGB bytes, the boxes are not of that shape or not finite, or the
            strength is below 1.

    >>> image = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    >>> covered = blur(image, [[30, 30, 50, 55]])
    >>> bool(np.ptp(covered[35:50, 35:45]) < 60), bool((covered[:, :15] == image[:, :15]).all())
    (True, True)
    """
    _check(image)
    corners = _columns(boxes)
    if not (math.isfinite(strength) and strength >= 1):
        raise InputError(f"strength: expected a number of 1 or more; got {strength}")
    out = image.copy()
    for x1, y1, x2, y2 in corners[((corners[:, 2:] - corners[:, :2]) > 0).all(axis=1)]:
        _cover(
            out, _ellipse(x1, y1, x2, y2), max(_LEAST, strength * _CELL * math.sqrt((x2 - x1) * (y2 - y1)))
        )
    return out


def _ellipse(x1: float, y1: float, x2: float, y2: float) -> tuple[float, float, float, float]:
    """The frame of the ellipse that covers the face in a box."""
    width, height = x2 - x1, y2 - y1
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2 - (_UP - _DOWN) * height) / 2
    half_width, half_height = (
        width * (1 + 2 * _SIDEWAYS) / math.sqrt(2),
        height * (1 + _UP + _DOWN) / math.sqrt(2),
    )
    return middle_x - half_width, middle_y - half_height, middle_x + half_width, middle_y + half_height


def _cover(image: NDArray[np.uint8], ellipse: tuple[float, float, float, float], cell: float) -> None:
    """Replace what lies in an ellipse, in place."""
    height, width = image.shape[:2]
    left, top = max(0, math.floor(ellipse[0])), max(0, math.floor(ellipse[1]))
    right, bottom = min(width, math.ceil(ellipse[2])), min(height, math.ceil(ellipse[3]))
    if right <= left or bottom <= top:
        return
    part = image[top:bottom, left:right]
    size = (right - left, bottom - top)
    cells = (max(1, round(size[0] / cell)), max(1, round(size[1] / cell)))
    smooth = Image.fromarray(part).resize(cells, Image.Resampling.BOX).resize(size, Image.Resampling.BILINEAR)
    part[...] = np.asarray(Image.composite(smooth, Image.fromarray(part), _mask(ellipse, left, top, size)))


def _mask(
    ellipse: tuple[float, float, float, float], left: int, top: int, size: tuple[int, int]
) -> Image.Image:
    mask = Image.new("1", size, 1)
    x1, y1, x2, y2 = ellipse
    if max(x2 - x1, y2 - y1) < 10 * max(size) + 10:
        mask.paste(0, (0, 0, *size))
        ImageDraw.Draw(mask).ellipse((x1 - left, y1 - top, x2 - left, y2 - top), fill=1)
    # An ellipse far larger than the image is flat there, and Pillow would take its time to find the edge:
    # all of the image is covered.
    return mask


@dataclass(frozen=True)
class Blur:
    """Whose faces are covered.

    Args:
        people: Ids of people (``tracks``).
        others: Cover everybody but these people, instead of these people. It is the safer way round: somebody
            whom the tracker takes for a new person is covered.
        strength: As in `blur`.

    >>> Blur.parse("2, 3").covers(np.array([1, 2, 3])).tolist()
    [False, True, True]
    >>> Blur.parse("all but 1").covers(np.array([1, 2, 3])).tolist()
    [False, True, True]
    """

    people: frozenset[int] = frozenset()
    others: bool = True
    strength: float = 1.0

    @staticmethod
    def parse(text: str, strength: float = 1.0) -> Blur:
        """A rule as a person writes it: ``all``, ``2``, ``2,3``, ``all but 1`` or ``all but 1,4``.

        Raises:
            InputError: It is none of these.

        >>> Blur.parse("faces")
        Traceback (most recent call last):
        ...
        mien.core.errors.InputError: blur: expected all, ids of people such as 2,3, or all but 1; got 'faces'
        """
        words = text.strip().lower()
        if words == "all":
            return Blur(strength=strength)
        others = words.split()[:2] == ["all", "but"]
        ids = (
            [part.strip() for part in (words.split(None, 2)[2:] or [""])[0].split(",")]
            if others
            else [part.strip() for part in words.split(",")]
        )
        if not all(part.isascii() and part.isdecimal() for part in ids):
            raise InputError(
                f"blur: expected all, ids of people such as 2,3, or all but 1; got {quoted(text)}"
            )
        return Blur(frozenset(int(part) for part in ids), others, strength)

    def covers(self, tracks: NDArray[np.int64] | None, faces: int = 0) -> NDArray[np.bool_]:
        """Which faces are covered.

        Args:
            tracks: ``(n,)`` ids of people; None where nobody has been tracked.
            faces: How many faces there are where ``tracks`` is None.

        Raises:
            InputError: The rule names people, and nobody has been tracked.
        """
        if tracks is None:
            if self.people:
                raise InputError(
                    "blur: expected people with ids, which only videos have; got an image or untracked faces: use all"
                )
            return np.ones(faces, bool)
        named = np.isin(tracks, sorted(self.people))
        return np.asarray(~named if self.others else named)

    def unseen(self, tracks: ArrayLike) -> tuple[int, ...]:
        """People whom the rule names and whom nobody has seen, so that a caller can say so.

        >>> Blur.parse("2,7").unseen([1, 2, 3])
        (7,)
        """
        return tuple(sorted(self.people - {int(track) for track in np.unique(np.asarray(tracks, np.int64))}))


def bridged(
    tracks: ArrayLike,
    times: ArrayLike,
    boxes: ArrayLike,
    frame_times: ArrayLike,
    *,
    gap: float = 2.0,
    lead: float = 0.5,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Where each person's face is in every frame, also where a detector missed it for a moment.

    Between two neighbouring frames of a person the box moves evenly from one to the other; before the
    first and after the last, and on both sides of a longer absence, it stays for a moment.

    Args:
        tracks: ``(n,)`` id of the person in each frame, in any order.
        times: ``(n,)`` seconds of each frame.
        boxes: ``(n, 4)`` px, ``x1, y1, x2, y2``.
        frame_times: ``(m,)`` seconds of each frame that will be covered.
        gap: Seconds; frames further apart are not joined.
        lead: Seconds for which a box stays before it is first seen and after it was last seen.

    Returns:
        Three columns, sorted by frame and then by person: ``(k,)`` position in ``frame_times``, ``(k,)`` id
        of the person, ``(k, 4)`` box.

    Raises:
        InputError: Columns do not fit together, or a value is not finite or below 0.

    >>> frames, people, where = bridged([1, 1], [1.0, 3.0], [[0, 0, 8, 8], [4, 0, 12, 8]], [0.0, 1.0, 1.5, 3.5, 4.0])
    >>> frames.tolist(), people.tolist(), where[:, 0].tolist()
    ([1, 2, 3], [1, 1, 1], [0.0, 1.0, 4.0])
    """
    people, seen, corners, moments = _frames(tracks, times, boxes, frame_times)
    for name, value in (("gap", gap), ("lead", lead)):
        if not (math.isfinite(value) and value >= 0):
            raise InputError(f"{name}: expected seconds, 0 or more; got {value}")
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 4)))]
    for person in np.unique(people):
        chosen = np.flatnonzero(people == person)
        order = chosen[np.argsort(seen[chosen], kind="stable")]
        where, there = _placed(seen[order], corners[order], moments, gap, lead)
        parts.append((where, np.full(len(where), person), there))
    frames, ids, placed = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((ids, frames))
    return frames[order], ids[order], placed[order].astype(np.float32)


def _placed(
    seen: NDArray[np.float64],
    corners: NDArray[np.float64],
    moments: NDArray[np.float64],
    gap: float,
    lead: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Frames in which one person is covered, and the box in each."""
    after = np.searchsorted(seen, moments, "right")
    before, after = np.maximum(after - 1, 0), np.minimum(after, len(seen) - 1)
    since, until = moments - seen[before], seen[after] - moments
    apart = seen[after] - seen[before]
    # Two moments of staying that meet leave no hole between them, so such frames are joined as well.
    joined = (apart <= max(gap, 2 * lead) + _SLACK) & (since >= 0) & (until >= 0)
    share = np.where(
        joined & (apart > 0),
        since / np.where(apart > 0, apart, 1),
        np.where(np.abs(until) < np.abs(since), 1, 0),
    )
    there = corners[before] * (1 - share[:, None]) + corners[after] * share[:, None]
    covered = joined | (np.minimum(np.abs(since), np.abs(until)) <= lead + _SLACK)
    frames = np.flatnonzero(covered)
    return frames, there[frames]


def _check(image: NDArray[np.uint8]) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        came = (
            f"{image.dtype} of shape {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        )
        raise InputError(f"expected an image as a uint8 array of shape (height, width, 3), RGB; got {came}")


def _columns(boxes: ArrayLike) -> NDArray[np.float64]:
    corners = np.asarray(boxes, np.float64)
    if corners.size == 0:
        return corners.reshape(0, 4)
    if corners.ndim != 2 or corners.shape[1] != 4 or not np.isfinite(corners).all():
        raise InputError(
            f"boxes: expected finite numbers of shape (n, 4), x1, y1, x2, y2; got shape {corners.shape}"
        )
    return corners


def _frames(
    tracks: ArrayLike, times: ArrayLike, boxes: ArrayLike, frame_times: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    people, seen, corners = np.asarray(tracks, np.int64), np.asarray(times, np.float64), _columns(boxes)
    moments = np.asarray(frame_times, np.float64)
    if not (people.shape == seen.shape == (len(corners),) and moments.ndim == 1):
        raise InputError(
            f"expected columns of one length; got tracks {people.shape}, times {seen.shape}, boxes {corners.shape}"
        )
    if not (np.isfinite(seen).all() and np.isfinite(moments).all()):
        raise InputError("times: expected finite numbers of seconds; got NaN or infinity")
    return people, seen, corners, moments
