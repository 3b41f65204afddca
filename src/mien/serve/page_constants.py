"""Every constant and default that the page computes with, by the names that it knows them by: this list and no other reaches the browser.

`web/src/settings.js` declares the same names; where one side lacks a name, the type check of the page (``make lint``) or its tests fail.
"""

from __future__ import annotations

from mien import spacing
from mien.detect import mtcnn
from mien.smooth import Smoothing, evidence, recorded, smoother
from mien.track import Tracking, person, scene, tracker

Constants = dict[str, float]

SPACING: Constants = {"KEPT": spacing.KEPT, "PATIENCE": spacing.PATIENCE}

DETECTOR: Constants = {
    "WINDOW": mtcnn.WINDOW,
    "STRIDE": mtcnn.STRIDE,
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
    "COARSE": person.COARSE,
    "NOISE": person.NOISE,
    "FASTEST": person.FASTEST,
    "STEADY": person.STEADY,
    "TREND": person.TREND,
    "FADING": person.FADING,
    "WIDEST": person.WIDEST,
    "ACROSS": scene.ACROSS,
    "MOVED": scene.MOVED,
    "CUT": scene.CUT,
    "CUT_DIFFERENCE": scene.CUT_DIFFERENCE,
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
    "FIRST": smoother.FIRST,
    "REACH": recorded.REACH,
    **SPACING,
}
