"""Tracks corrected by hand: who is who is decided by a person, in a small file that is applied to saved rows."""

from mien.people.corrections import Correction as Correction
from mien.people.corrections import Corrections as Corrections
from mien.people.corrections import corrected as corrected
from mien.people.corrections import read_corrections as read_corrections
from mien.people.corrections import refuse_corrections as refuse_corrections
