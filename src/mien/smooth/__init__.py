"""One person's expression over time: smoothed probabilities, a steady label, stretches and shares."""

from mien.smooth.neutral import Neutral
from mien.smooth.options import Smoothing
from mien.smooth.people import Dwell, People, Person, ranked, together
from mien.smooth.recorded import smoothed
from mien.smooth.segments import Segment, Segmenter, segments
from mien.smooth.smoother import Smoother

__all__ = ["Dwell", "Neutral", "People", "Person", "Segment", "Segmenter", "Smoother", "Smoothing", "ranked", "segments", "smoothed", "together"]
