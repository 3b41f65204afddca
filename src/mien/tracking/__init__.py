"""Who is who from frame to frame, by motion and overlap without any embedding of a person's looks; and each person's expression over time."""

from mien.tracking.baseline import Neutral
from mien.tracking.options import Tracking
from mien.tracking.persons import Dwell, People, Person, ranked, together
from mien.tracking.segments import Segment, Segmenter, segments
from mien.tracking.smoothing_offline import smoothed
from mien.tracking.smoothing_online import Smoother
from mien.tracking.smoothing_options import Smoothing
from mien.tracking.tracker import Tracker

__all__ = [
    "Dwell",
    "Neutral",
    "People",
    "Person",
    "Segment",
    "Segmenter",
    "Smoother",
    "Smoothing",
    "Tracker",
    "Tracking",
    "ranked",
    "segments",
    "smoothed",
    "together",
]
