"""ONNX files as bytes, without the ``onnx`` package: their fields, and whether they name other files.

An ONNX file is one protobuf message, ``ModelProto``
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
"""

from __future__ import annotations

from collections.abc import Iterator

_LENGTH = 2  # The kind of field that holds bytes, texts and messages.
_DEEPEST = 100  # As many messages inside each other as protobuf itself reads.
_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 10: "tensor", 6: "graph", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
"""Every way to a tensor: the numbers of fields, and which message each holds."""
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # In a tensor.


def other_files(data: bytes) -> Iterator[str]:
    """What tensors of an ONNX file name as the place of their numbers, wherever in it they are:
    ``external_data``.

    >>> list(other_files(b""))
    []

    Raises:
        ValueError: It is not an ONNX file, or is damaged.
    """
    if (
        b"location" not in data
        # The key of the entry that names the file: without it none can be opened, and a look at every node
        # takes time.
    ):
        return
    inside = [("model", data, 0)]
    while inside:
        kind, message, depth = inside.pop()
        if depth > _DEEPEST:
            raise ValueError("more messages inside each other than protobuf reads")
        if kind == "tensor":
            yield from _places(message)
            continue
        ways = _INSIDE[kind]
        inside += [
            (ways[number], content, depth + 1)
            for number, whole, content in fields(message)
            if number in ways and whole[0] & 7 == _LENGTH
        ]


def _places(tensor: bytes) -> Iterator[str]:
    """Where a tensor says that its numbers lie; one empty text where it says only that they lie elsewhere."""
    found = list(fields(tensor))
    entries = [
        dict(_texts(content))
        for number, whole, content in found
        if number == _EXTERNAL_DATA and whole[0] & 7 == _LENGTH
    ]
    elsewhere = any(number == _DATA_LOCATION and content.strip(b"\x80\x00") for number, _, content in found)
    if entries or elsewhere:
        locations = [entry.get(2, b"") for entry in entries if entry.get(1) == b"location"]
        yield from (place.decode(errors="replace") for place in locations or [b""])


def _texts(entry: bytes) -> Iterator[tuple[int, bytes]]:
    return ((number, content) for number, _, content in fields(entry))


def fields(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, all bytes and content of each field of a message
    (https://protobuf.dev/programming-guides/encoding/).

    Raises:
        ValueError: It is not a message, or is damaged.
    """
    at = 0
    while at < len(data):
        tag, start = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            end = _varint(data, start)[1]
        elif kind == _LENGTH:
            length, start = _varint(data, start)
            end = start + length
        elif kind in (1, 5):
            end = start + (8 if kind == 1 else 4)
        else:
            raise ValueError("no such kind of field")
        if end > len(data) or tag < 8:
            raise ValueError("a field ends beyond the data")
        yield tag >> 3, data[at:end], data[start:end]
        at = end


def delimited(number: int, content: bytes) -> bytes:
    """A field that holds bytes, a text or a message."""
    return _encoded(number << 3 | _LENGTH) + _encoded(len(content)) + content


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length and the position after it."""
    value = 0
    for place in range(10):
        if at + place >= len(data):
            break
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a number does not end")


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
