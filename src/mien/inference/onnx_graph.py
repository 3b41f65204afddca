"""ONNX graphs changed: only what is wanted kept, values renamed. The messages come from the ``onnx`` package; this
file needs nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def keep_only(model: Any, wanted: set[str]) -> None:
    """Leave only what the wanted values are made from.

    Args:
        model: ``onnx.ModelProto``, changed in place.
        wanted: Names of values.
    """
    nodes = []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            wanted |= set(needed_by(node))
            nodes.append(node)
    constants = [constant for constant in model.graph.initializer if constant.name in wanted]
    for field, parts in (("node", nodes[::-1]), ("initializer", constants)):
        copies = [type(part).FromString(part.SerializeToString()) for part in parts]
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(copies)


def needed_by(node: Any) -> Iterator[str]:
    """Names of all values that a node takes, those too that graphs inside it take from around them."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from needed_by(inner)


def rename(model: Any, names: Mapping[str, str]) -> None:
    """Give inner values other names."""
    for node in model.graph.node:
        for values in (node.input, node.output):
            for place, name in enumerate(values):
                values[place] = names.get(name, name)
