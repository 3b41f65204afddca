"""What coders' words stand for: their labels as those of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mien.core.errors import InputError
from mien.core.labels import canonical_label
from mien.core.names import quoted


@dataclass(frozen=True)
class LabelMap:
    """Words of coders by the label that they stand for.

    Args:
        labels: From a word in lower case to a label; an empty label leaves the word out, as if it were not coded.

    >>> mapped = LabelMap.parse(["happy=joy, Smile", "=bored"])
    >>> [mapped(word) for word in ("Joy", "smile", "bored", "Anger", "dreamy")]
    ['happy', 'happy', '', 'angry', 'dreamy']
    """

    labels: dict[str, str] = field(default_factory=dict)

    def __call__(self, word: str) -> str:
        """The label of a word; of one that is not named, the word in lower case, synonyms of expressions resolved."""
        name = " ".join(word.lower().split())
        return self.labels.get(name, canonical_label(name))

    @staticmethod
    def parse(given: Iterable[str]) -> LabelMap:
        """A map of ``label=word,word`` and of files with such a line for each label, where ``#`` begins a comment.

        Raises:
            InputError: A text is neither, a file cannot be read, or a word stands for two labels.
        """
        labels: dict[str, str] = {}
        for where, line in _lines(given):
            label, equals, words = line.partition("=")
            if not equals or not words.strip():
                raise InputError(f"{where}: expected label=word,word; got {quoted(line)}: write it so")
            name = canonical_label(label)
            for word in (" ".join(word.lower().split()) for word in words.split(",")):
                if labels.setdefault(word, name) != name:
                    raise InputError(
                        f"{where}: {word} stands for {labels[word] or 'nothing'} and for {name or 'nothing'}: name it once"
                    )
        return LabelMap(labels)


def _lines(given: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in given:
        if "=" in text:
            yield "--map", text
            continue
        try:
            lines = Path(text).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            raise InputError(
                f"--map: expected label=word,word or a file of such lines; got {text}: {reason}"
            ) from None
        for number, line in enumerate(lines, 1):
            if content := line.partition("#")[0].strip():
                yield f"{text}, line {number}", content
