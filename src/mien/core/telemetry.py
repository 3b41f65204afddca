"""What libraries would report to their makers, and how they are told not to.

ONNX Runtime (1.29 and later) begins when it is imported: it keeps a device id and a store of events under the
home folder and sends them after some seconds. It can only be told before, by a variable of the environment,
which processes that are started from this one inherit.
"""

from __future__ import annotations

import os
import sys

ONNX_RUNTIME = "ORT_DISABLE_TELEMETRY"

onnx_runtime_came_first = "onnxruntime" in sys.modules and os.environ.get(ONNX_RUNTIME) != "1"
"""Whether somebody had imported ONNX Runtime before mien, without telling it: then it reports, and nothing
here can stop it."""


def silence() -> None:
    """Tell ONNX Runtime, whatever the environment said before: only ``1`` stops it."""
    os.environ[ONNX_RUNTIME] = "1"
