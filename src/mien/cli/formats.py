"""Ways to write a list of facts."""

from enum import StrEnum


class ListFormat(StrEnum):
    table = "table"
    json = "json"
