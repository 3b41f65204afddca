"""Who is who from frame to frame, by motion and overlap without any embedding of a person's looks; and
each person's expression over time."""

from mien.tracking.baseline import NeutralBaseline
from mien.tracking.options import Smoothing, Tracking
from mien.tracking.persons import EpisodeStats, People, PersonSummary, ranked
from mien.tracking.segments import Segment, Segmenter, segments
from mien.tracking.smoothing_offline import smooth_offline
from mien.tracking.smoothing_online import OnlineSmoother
from mien.tracking.talking import TalkingNow, mark_talking
from mien.tracking.tracker import Tracker

__all__ = [
    "EpisodeStats",
    "NeutralBaseline",
    "OnlineSmoother",
    "People",
    "PersonSummary",
    "Segment",
    "Segmenter",
    "Smoothing",
    "TalkingNow",
    "Tracker",
    "Tracking",
    "mark_talking",
    "ranked",
    "segments",
    "smooth_offline",
]
