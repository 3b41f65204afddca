"""Where events go: photos, web servers, MQTT, programs, files, functions and plug-ins, each on a thread of
its own."""

from mien.rules.actions.base import Delivery, FunctionAction, RuleAction
from mien.rules.actions.dispatcher import Dispatcher, Retries
from mien.rules.actions.registry import check_action, create_hook, kinds, mistakes, obstacles

__all__ = [
    "Delivery",
    "Dispatcher",
    "FunctionAction",
    "Retries",
    "RuleAction",
    "check_action",
    "create_hook",
    "kinds",
    "mistakes",
    "obstacles",
]
