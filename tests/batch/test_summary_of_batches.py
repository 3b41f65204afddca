"""What is told of shards that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.batch import BatchSettings
from mien.batch.summary import judge
from mien.core.errors import InputError


@pytest.mark.parametrize("content", [b"\x00\xff", b'{"source": 1}\n', b"[1]\n"])
def test_a_damaged_shard_is_told_with_the_way_out(content: bytes, tmp_path: Path) -> None:
    shard = tmp_path / "shard-0000003.jsonl"
    shard.write_bytes(content)
    told = r"shard-0000003\.jsonl.*; the same command writes shard-0000003\.jsonl again once it is deleted$"
    with pytest.raises(InputError, match=told):
        judge(tmp_path, [shard], BatchSettings(form="jsonl"))
