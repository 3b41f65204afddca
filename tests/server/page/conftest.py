"""The fixtures of `visiting`; names that tests import do not come from here, as several files are called
conftest.
"""

from __future__ import annotations

from tests.server.page.visiting import (
    browser,
    camera,
    compiled,
    context,
    run_module,
    visit,
    visiting,
    without_npm,
)

__all__ = ["browser", "camera", "compiled", "context", "run_module", "visit", "visiting", "without_npm"]
