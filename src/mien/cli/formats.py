"""What goes to standard output."""

from enum import StrEnum


class StreamFormat(StrEnum):
    """What goes to standard output while something is live."""

    text = "text"
    jsonl = "jsonl"


class ListFormat(StrEnum):
    table = "table"
    json = "json"
