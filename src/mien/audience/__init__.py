"""Audiences: what a group of people shows over time and at key points, in aggregate only."""

from mien.audience.measuring import Watcher, measure
from mien.audience.options import SMALLEST, Options
from mien.audience.outputs import Asked, Keeper, write_rows
from mien.audience.result import Audience, Change, Shift, Window

__all__ = ["SMALLEST", "Asked", "Audience", "Change", "Keeper", "Options", "Shift", "Watcher", "Window", "measure", "write_rows"]
