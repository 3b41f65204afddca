"""Rules about the people in view: conditions that are parsed, held over time, and say when they start and end."""

from mien.triggers.engine import Engine, Event
from mien.triggers.moment import Moment
from mien.triggers.parsing import parse_condition
from mien.triggers.rule import Rule

__all__ = ["Engine", "Event", "Moment", "Rule", "parse_condition"]
