"""What there is to know about a measurement besides its figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

_MOST = 20


class Remarks:
    """Lines for people: the first ones are kept, the others counted, so that a source that comes and goes for
    hours does not fill a report.

    Args:
        tell: Told every line that is kept, at once.

    >>> remarks = Remarks(print)
    >>> for number in range(30):
    ...     remarks.add("lost") if number else remarks.add("back")
    back
    lost
    >>> list(remarks)
    ['back', 'lost']
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._lines: list[str] = []
        self._more = 0

    def __iter__(self) -> Iterator[str]:
        return iter([*self._lines, *([f"{self._more} remarks more"] if self._more else [])])

    def add(self, line: str) -> None:
        """Note a line, once."""
        if line in self._lines:
            return
        if len(self._lines) < _MOST:
            self._lines.append(line)
            self._tell(line)
        else:
            self._more += 1
