"""Modules of JavaScript joined into one: a browser that fetches forty small files is busy with that for longer than with what
they do.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from mien.core.errors import MienError

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_WHOLE = re.compile(r'^import \* as \w+ from "(\.{1,2}/[\w./-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_RENAMED = re.compile(r"\bas\b")


def joined(entry: str, read: Callable[[str], str]) -> tuple[str, list[str]]:
    r"""A module with all that it imports by name; what it imports as a whole (``import * as``) stays a file of its own.

    Each module becomes a function that gives what it exports, so that names of one do not meet those of another. That holds
    for modules as the page's are: exports are functions, classes and constants, named where they are declared, and
    nothing is imported under another name.

    Args:
        entry: Path of the module.
        read: Gives the text of a module by its path.

    Returns:
        The joined module, and the paths of the modules that stay files.

    Raises:
        MienError: A module is written in another way, or imports itself.

    >>> files = {
    ...     "main.js": 'import { half } from "./parts/half.js";\nexport const one = half(2);\n',
    ...     "parts/half.js": "export function half(n) {\n  return n / 2;\n}\n",
    ... }
    >>> print(joined("main.js", files.__getitem__)[0])
    const joined$1 = (() => {
    function half(n) {
      return n / 2;
    }
    return { half };
    })();
    const { half } = joined$1;
    export const one = half(2);
    <BLANKLINE>
    """
    program = _Program(entry, read)
    text = program.body(entry)
    return "".join(program.parts) + text, [*program.apart]


class _Program:
    """Modules that were joined so far, in the order in which they are needed."""

    def __init__(self, entry: str, read: Callable[[str], str]) -> None:
        self._folder, self._read = posixpath.dirname(entry), read
        self._names: dict[str, str | None] = {}
        self.parts: list[str] = []
        self.apart: dict[str, None] = {}

    def body(self, path: str) -> str:
        """A module whose imports are names of modules that stand before it."""
        text = self._read(path)
        if "import.meta" in text and posixpath.dirname(path) != self._folder:
            raise MienError(f"{path}: expected a module that does not ask where it lies; it uses import.meta")
        for found in _WHOLE.finditer(text):
            self.apart[_beside(path, found[1])] = None
        text = _IMPORT.sub(lambda found: self._named(path, found), text)
        for line in _OTHER.findall(text):
            if not _EXPORT.match(line) and not _WHOLE.match(f"{line}\n"):
                raise MienError(f"{path}: expected an import or export of names; got {line[:80]}")
        return text

    def _named(self, path: str, found: re.Match[str]) -> str:
        if _RENAMED.search(found[1]):
            raise MienError(f"{path}: expected an import under its own name; got {found[0][:80].strip()}")
        return f"const {{{found[1]}}} = {self._joined(_beside(path, found[2]))};\n"

    def _joined(self, path: str) -> str:
        """The name by which a module goes, which is joined where that has not been done yet."""
        if path not in self._names:
            self._names[path] = None
            text = self.body(path)
            whole = "".join(found[0] for found in _WHOLE.finditer(text))
            names = [found[2] for found in _EXPORT.finditer(text)]
            plain = _EXPORT.sub(r"\1", _WHOLE.sub("", text))
            name = f"joined${len(self.parts) + 1}"
            self.parts.append(
                f"{whole}const {name} = (() => {{\n{plain}return {{ {', '.join(names)} }};\n}})();\n"
            )
            self._names[path] = name
        known = self._names[path]
        if known is None:
            raise MienError(f"{path}: expected modules that do not import each other in a circle")
        return known


def _beside(path: str, named: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), named))
