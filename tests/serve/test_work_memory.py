"""A process that reads a stranger's video has a limit of memory, and says so when it is reached."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

_GREEDY = """
import sys
import mien.serve.work as work

def greedy(*_):
    return {"bytes": len(bytearray(int(sys.argv[4])))}

work.probe = work.read = greedy
work.main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts the memory that a process fills")
@pytest.mark.parametrize(("what", "most"), [("probe", 2**29), ("read", 7 * 2**28)])
def test_no_more_than_a_video_may_need(what: str, most: int, tmp_path: Path) -> None:
    def asked(size: int) -> dict[str, object]:
        command = [sys.executable, "-c", _GREEDY, what, str(tmp_path), str(2**30), str(size)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            told: dict[str, object] = json.loads(process.stdout.readlines()[-1])
        return told

    assert asked(most // 2) == {"end": {"bytes": most // 2}}
    refused = asked(most)["error"]
    assert isinstance(refused, dict)
    assert refused["kind"] == "too_large"
    assert "takes more: scale it down" in refused["message"]
