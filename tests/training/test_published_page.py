"""``docs/published-networks.md`` says what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.training.architectures import ARCHITECTURES

pytest.importorskip("torch", reason="torch is not installed: pip install 'mien[train]'")

from mien.training.architectures.table import count_macs, images_per_second, networks_table

pytestmark = pytest.mark.filterwarnings("default")  # torch warns about its own parts
PAGE = Path(__file__).parents[2] / "docs" / "published-networks.md"


def test_the_page_has_the_table_of_the_code() -> None:
    assert networks_table() in PAGE.read_text(encoding="utf-8"), (
        "python -m mien.training.architectures prints the new one"
    )


def test_the_page_times_every_network() -> None:
    timed = PAGE.read_text(encoding="utf-8").partition("## Speed")[2]
    assert all(f"| `{name}` |" in timed for name in ARCHITECTURES)


def test_multiplications_and_speed_are_measured_on_the_network() -> None:
    from torch import nn

    class OneLayer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(1, 7, 48)

        def forward(self, x):  # type: ignore[no-untyped-def]
            return {"fer2013": self.layer(x).flatten(1)}

    assert count_macs(OneLayer()) == 7 * 48 * 48
    assert images_per_second(OneLayer(), batch=2, seconds=0.01) > 0
