"""Audiences: what a group of people shows over time and at key points, in aggregate only."""

from mien.audience.measuring import AudienceProgress, measure
from mien.audience.options import SMALLEST, AudienceOptions
from mien.audience.outputs import AudienceOutputSpec, PartialResultWriter, write_rows
from mien.audience.result import Audience, Change, Shift, Window

__all__ = [
    "SMALLEST",
    "Audience",
    "AudienceOptions",
    "AudienceOutputSpec",
    "AudienceProgress",
    "Change",
    "PartialResultWriter",
    "Shift",
    "Window",
    "measure",
    "write_rows",
]
