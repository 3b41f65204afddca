"""Who is who from frame to frame: ids by motion and overlap, without any embedding of a person's looks."""

from mien.track.options import Tracking
from mien.track.tracker import Tracker

__all__ = ["Tracker", "Tracking"]
