"""Every constant and default that the page computes with, by the names that it knows them by: this list and
no other reaches the browser.

`web/src/settings.js` declares the same names; where one side lacks a name, the type check of the page (``make
lint``) or its tests fail.
"""

from __future__ import annotations

from typing import Any

from mien.core import spacing
from mien.core.measures import MEASURES, REASONS
from mien.inference.detectors import mtcnn, pyramid
from mien.inference.landmarks import measures, mesh, pose
from mien.tracking import (
    blinks,
    evidence,
    kalman,
    motion,
    movement,
    smoothing_offline,
    smoothing_online,
    talking,
    tracker,
)
from mien.tracking.options import Smoothing, Tracking

Constants = dict[str, float]

SPACING: Constants = {"KEPT": spacing.KEPT, "PATIENCE": spacing.PATIENCE}

DETECTOR: Constants = {
    "WINDOW": pyramid.WINDOW,
    "STRIDE": pyramid.STRIDE,
    "LARGEST_LEVEL": mtcnn.LARGEST_LEVEL,
    "MOST_WINDOWS": mtcnn.MOST_WINDOWS,
}

TRACKING: Constants = {
    "lost_after": Tracking.lost_after,
    "full_every": Tracking.full_every,
    "calm_every": Tracking.calm_every,
    "keep": Tracking.keep,
    "start": Tracking.start,
    "cuts": Tracking.cuts,
    "SOON": tracker.SOON,
    "ALERT": tracker.ALERT,
    "UNSURE": tracker.UNSURE,
    "AGAIN": tracker.AGAIN,
    "ASTRAY": tracker.ASTRAY,
    "GROWN": tracker.GROWN,
    "SAME": tracker.SAME,
    "REACH": tracker.REACH,
    "TURNED": tracker.TURNED,
    "MOMENT": tracker.MOMENT,
    "STILL_REACH": tracker.STILL_REACH,
    "COARSE": kalman.COARSE,
    "NOISE": kalman.NOISE,
    "FASTEST": kalman.FASTEST,
    "STEADY": kalman.STEADY,
    "TREND": kalman.TREND,
    "FADING": kalman.FADING,
    "WIDEST": kalman.WIDEST,
    "ACROSS": motion.ACROSS,
    "MOVED": motion.MOVED,
    "CUT": motion.CUT,
    "CUT_DIFFERENCE": motion.CUT_DIFFERENCE,
    **SPACING,
}

SMOOTHING: Constants = {
    "tau": Smoothing.tau,
    "evidence": Smoothing.evidence,
    "gap": Smoothing.gap,
    "FLOOR": evidence.FLOOR,
    "PLAIN": evidence.PLAIN,
    "LIGHTEST": evidence.LIGHTEST,
    "CLEAR": evidence.CLEAR,
    "SPARSE": evidence.SPARSE,
    "SINGLE": evidence.SINGLE,
    "BARE": evidence.BARE,
    "FIRST": smoothing_online.FIRST,
    "REACH": smoothing_offline.REACH,
    "CHANGE": smoothing_offline.CHANGE,
    **SPACING,
}

LANDMARKS: dict[str, Any] = {
    "SIDE": mesh.SIDE,
    "WIDER": mesh.WIDER,
    "TURNED": mesh.TURNED,
    "LOOKS": mesh.LOOKS,
    "LEFT_EYE": mesh.LEFT_EYE,
    "RIGHT_EYE": mesh.RIGHT_EYE,
    "EYE_SIDE": mesh.EYE_SIDE,
    "EYE_WIDER": mesh.EYE_WIDER,
    "LIDS": mesh.LIDS,
    "LIDS_FOUND": mesh.LIDS_FOUND,
    "RIGID": pose.RIGID.tolist(),
    "CANONICAL": pose.canonical()[pose.RIGID].round(6).tolist(),
    "MOST_TURNED": measures.MOST_TURNED,
    "LEAST_SURE": measures.LEAST_SURE,
    "LEAST_SIZE": measures.LEAST_SIZE,
    "LEAST_INSIDE": measures.LEAST_INSIDE,
    "LEAST": movement.LEAST,
    "MOST": movement.MOST,
    "MOVING": movement.MOVING.tolist(),
    "CLOSED": blinks.CLOSED,
    "OPEN": blinks.OPEN,
    "LONGEST": blinks.LONGEST,
    "REMEMBERED": blinks.REMEMBERED,
    "FIRST": blinks.FIRST,
    "COARSEST": blinks.COARSEST,
    "WINDOW": talking.WINDOW,
    "TURNS": talking.TURNS,
    "SWING": talking.SWING,
    "DEPTH": talking.DEPTH,
    "LEAST_RATE": talking.LEAST_RATE,
    "LEAST_FACE": talking.LEAST_FACE,
    "BREAK": talking.BREAK,
    "HELD": talking.HELD,
    **SPACING,
    "measures": list(MEASURES),
    "reasons": list(REASONS),
}
