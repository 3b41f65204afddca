"""How the command ``mien`` ends: exit statuses, and the way out when it is stopped."""

NOTHING_READ = 1
"""Not one source could be read."""
USAGE = 2
"""The command line asks for something impossible."""
PART_NOT_READ = 3
"""Some of the sources, or stretches of them, could not be read, or something was not handed on; the rest is done."""
BROKEN = 4
"""A part of mien is missing or damaged."""
INTERRUPTED = 130
"""Stopped from outside; nothing half-written is left."""


class Interrupted(BaseException):
    """Unwinds a run that was stopped, by the keyboard or from outside, so that it cleans up;
    KeyboardInterrupt is Typer's."""
