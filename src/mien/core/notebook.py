"""How objects show themselves in notebooks: tables and images that take the page's own colours."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from pathlib import Path
from typing import overload

from mien.core.formatting import counted
from mien.core.labels import NOTICE

_MOST = 20
"""Rows of a table in a notebook; what is more is counted."""


def html_table(titles: Sequence[str], rows: Iterable[Sequence[object]], count: int, about: str = "") -> str:
    """A table as HTML.

    Args:
        titles: Of the columns.
        rows: Of these the first 20 are shown.
        count: How many rows there are.
        about: A line above it.

    >>> html_table(["name"], [["<b>"]], 1)[:60]
    '<table><thead><tr><th>name</th></tr></thead><tbody><tr><td>&'
    """
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in islice(rows, _MOST)
    )
    more = f"<p>… and {count - _MOST:,} more</p>" if count > _MOST else ""
    lead = f"<p>{escape(about)}</p>" if about else ""
    return f"{lead}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}<p><small>{NOTICE}</small></p>"


@dataclass(frozen=True)
class PNGImage:
    """An image that a notebook shows and `save` writes.

    Args:
        name: What it shows; the name of its file, without the ending.
        png: The bytes of its file.
    """

    name: str
    png: bytes

    def __repr__(self) -> str:
        return f"PNGImage({self.name!r}, {counted(len(self.png), 'byte')})"

    def _repr_png_(self) -> bytes:
        return self.png

    def _repr_html_(self) -> str:
        return f'<img alt="{escape(self.name, quote=True)}" style="max-width:100%" src="data:image/png;base64,{b64encode(self.png).decode()}">'

    def save(self, path: str | Path) -> Path:
        """Write it to a file.

        Raises:
            InputError: The file cannot be written.
        """
        from mien.core.atomic import atomic_write

        with atomic_write(path) as aside:
            aside.write_bytes(self.png)
        return Path(path)


class PNGImages(Sequence[PNGImage]):
    """Images one below the other.

    Args:
        images: In their order.
    """

    def __init__(self, images: Iterable[PNGImage]) -> None:
        self._images = tuple(images)

    def __len__(self) -> int:
        return len(self._images)

    @overload
    def __getitem__(self, index: int) -> PNGImage: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PNGImage]: ...
    def __getitem__(self, index: int | slice) -> PNGImage | Sequence[PNGImage]:
        return self._images[index]

    def __repr__(self) -> str:
        return f"PNGImages({counted(len(self), 'image')})"

    def _repr_html_(self) -> str:
        return "<br>".join(image._repr_html_() for image in self)
