"""What pydantic finds wrong with a value, in mien's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.core.formatting import counted
from mien.core.names import quoted

_EXPECTED = {
    "missing": "a value",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "path_type": "a path",
    "bytes_type": "bytes",
    "none_required": "nothing",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "names with values",
    "mapping_type": "names with values",
    "model_type": "names with values",
    "model_attributes_type": "names with values",
    "dataclass_type": "names with values",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
    "string_too_short": "a text of {min_length} characters or more",
    "string_too_long": "a text of {max_length} characters or fewer",
    "too_short": "{min_length} or more of them",
    "too_long": "{max_length} or fewer of them",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "json_invalid": "JSON",
}


def fault(error: Mapping[str, Any], words: Mapping[str, str] | None = None) -> str:
    """What was expected and what came, in one line, however large that is.

    Args:
        error: One of the errors of a `pydantic.ValidationError`.
        words: What is expected by pydantic's word for a fault, in place of mien's own.

    >>> from pydantic import BaseModel, Field, ValidationError
    >>> class Asked(BaseModel, extra="forbid"):
    ...     path: str = Field(min_length=1)
    ...     limit: int = Field(100, ge=1, le=500)
    >>> for values in ({"path": "a", "limit": 1000}, {"path": "a", "limit": "many"}, {"path": ""}, {"path": "a", "nope": 1}, {}):
    ...     try:
    ...         Asked(**values)
    ...     except ValidationError as found:
    ...         print(fault(found.errors()[0]))
    expected 500 or less; got 1000
    expected a whole number; got 'many'
    expected a text; got an empty one
    there is no such name
    expected a value; got none
    """
    kind, about = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return "there is no such name"
    if kind == "string_too_short" and about["min_length"] == 1:
        return "expected a text; got an empty one"
    if "error" in about and kind != "json_invalid":  # What mien raised itself.
        return str(about["error"])
    expected = {**_EXPECTED, **(words or {})}.get(kind)
    if expected is None:
        said = str(error["msg"])
        expected = f"{said[:1].lower()}{said[1:]}".removeprefix("input should be ")
    else:
        expected = expected.format_map({name: _short(value) for name, value in about.items()})
    return f"expected {expected}{_came(kind, error)}"


def _short(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _came(kind: str, error: Mapping[str, Any]) -> str:
    if kind == "missing":
        return "; got none"
    if kind.startswith("string_too"):
        return f"; got {counted(len(error['input']), 'character')}"
    return f"; got {quoted(error['input'])}" if "input" in error else ""
