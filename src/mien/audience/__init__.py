"""Audiences: what a group of people shows over time and at key points, in aggregate only."""

from mien.audience.measuring import measure
from mien.audience.options import SMALLEST, Options
from mien.audience.result import Audience, Change, Shift, Window

__all__ = ["SMALLEST", "Audience", "Change", "Options", "Shift", "Window", "measure"]
