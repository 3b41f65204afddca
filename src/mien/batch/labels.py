"""Labels of lists and Parquet files that mien does not know: told, or refused."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from mien.core.errors import InputError
from mien.core.names import printable
from mien.data.label_names import KNOWN, class_named

_MOST_WORDS = 8


@dataclass(frozen=True)
class Unknown:
    """A word that is no label that mien knows.

    Args:
        word: It.
        count: How often it comes.
        where: Where it comes first, such as ``line 3``.
    """

    word: str
    count: int
    where: str


def unknown_words(words: Sequence[tuple[str, str]], own: Sequence[str] = ()) -> list[Unknown]:
    """Words that are no labels, and no classes of one's own, in the order in which they come, each with its place."""
    found: dict[str, Unknown] = {}
    for word, where in words:
        if class_named(word, own) is None:
            before = found.get(word, Unknown(word, 0, where))
            found[word] = Unknown(word, before.count + 1, before.where)
    return list(found.values())


def unknown_labels(name: str, unknown: Sequence[Unknown], strict: bool, own: Sequence[str] = ()) -> list[str]:
    """A remark about words that are no labels, and no classes of one's own; none where there are none.

    Raises:
        InputError: There are some, and they are to be refused.
    """
    if not unknown:
        return []
    known, named = tuple(dict.fromkeys((*KNOWN, *own))), []
    for one in unknown[:_MOST_WORDS]:
        close = difflib.get_close_matches(one.word.lower(), known, 1)
        named.append(
            f"{printable(one.word)!r} ({one.count:,}, first in {one.where}{f'; did you mean {close[0]}?' if close else ''})"
        )
    more = f" and {len(unknown) - _MOST_WORDS:,} more" if len(unknown) > _MOST_WORDS else ""
    words = f"{', '.join(named)}{more}"
    if strict:
        raise InputError(
            f"{name}: expected labels out of {', '.join(known)} or synonyms; got {words}: correct them, or leave out --strict-labels"
        )
    return [
        f"{len(unknown):,} {'label is' if len(unknown) == 1 else 'labels are'} not known, left out: {words}"
    ]
