"""Exit statuses of the command ``mien``."""

NOTHING_READ = 1
"""Not one source could be read."""
USAGE = 2
"""The command line asks for something impossible."""
PART_NOT_READ = 3
"""Some of the sources, or stretches of them, could not be read; the rest is written."""
BROKEN = 4
"""A part of mien is missing or damaged."""
INTERRUPTED = 130
"""Stopped from outside; nothing half-written is left."""
