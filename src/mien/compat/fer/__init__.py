"""The names of the package fer: ``from mien.compat.fer import FER, Video`` in the place of its own imports.

>>> import numpy as np
>>> FER().top_emotion(np.zeros((60, 60, 3), np.uint8))
(None, None)
"""

from mien.compat.fer.detector import FER
from mien.compat.fer.video import Video

__all__ = ["FER", "Video"]
