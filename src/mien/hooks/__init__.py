"""Where events go: photos, web servers, MQTT, programs, files, functions and plug-ins, each on a thread of its own."""

from mien.hooks.courier import Courier, Retries
from mien.hooks.delivery import NOTICE, Delivery
from mien.hooks.hook import Call, Hook
from mien.hooks.opening import check_action, create_hook, kinds, obstacles

__all__ = ["NOTICE", "Call", "Courier", "Delivery", "Hook", "Retries", "check_action", "create_hook", "kinds", "obstacles"]
