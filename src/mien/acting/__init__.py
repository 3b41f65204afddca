"""Rules at work: read from a file, held against a stream, their actions started beside it; or tried on a recording."""

from mien.acting.actor import Acting, Actor
from mien.acting.replay import replay
from mien.acting.rule_file import Action, RuleSet, mistakes_in, read_rules

__all__ = ["Acting", "Action", "Actor", "RuleSet", "mistakes_in", "read_rules", "replay"]
