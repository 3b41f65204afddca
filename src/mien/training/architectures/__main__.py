"""``python -m mien.training.architectures [speed]``: the tables of ``docs/published-networks.md``."""

import sys

from mien.training.architectures.table import networks_table, speeds_table

print(speeds_table() if sys.argv[1:] == ["speed"] else networks_table())
