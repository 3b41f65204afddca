"""Rules about the people in view: read from a file, held against a stream, their actions started beside
it; or tried on a video."""

from mien.rules.best_frame import BestFrame
from mien.rules.engine import Rule, RuleEngine, RuleEvent
from mien.rules.parsing import parse_condition
from mien.rules.rule_file import Action, CheckedRules, RuleSet, check_rules, read_rules
from mien.rules.runner import RuleRunner, RunOptions, replay

__all__ = [
    "Action",
    "BestFrame",
    "CheckedRules",
    "Rule",
    "RuleEngine",
    "RuleEvent",
    "RuleRunner",
    "RuleSet",
    "RunOptions",
    "check_rules",
    "parse_condition",
    "read_rules",
    "replay",
]
