"""Many people made one: how many take part, what they show on the whole, how much alike, and what changed; never what one of them shows."""

from mien.aggregate.changes import LEAST_CHANGE, Difference, Sides, both, difference, sides
from mien.aggregate.figures import Figures, agreement, published, summarise
from mien.aggregate.participants import Participants, Sample, participants
from mien.aggregate.windows import Closed, Windows

__all__ = [
    "LEAST_CHANGE",
    "Closed",
    "Difference",
    "Figures",
    "Participants",
    "Sample",
    "Sides",
    "Windows",
    "agreement",
    "both",
    "difference",
    "participants",
    "published",
    "sides",
    "summarise",
]
