"""A thread for each hook: events wait for it, and the stream does not."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from mien.core.errors import DeliveryError, InputError
from mien.core.formatting import counted
from mien.core.masking import masked_text
from mien.rules.actions.base import Delivery, RuleAction, carefully

_LONGEST_WAIT = 10.0  # s for which an event waits for its photo.


@dataclass(frozen=True)
class Retries:
    """How often a delivery is tried.

    Args:
        attempts: Times, at least one.
        pause: Seconds before the second; twice as long before each further one.
        longest: Seconds that a pause never exceeds.

    Raises:
        InputError: A value is out of range.
    """

    attempts: int = 4
    pause: float = 0.5
    longest: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 < self.pause <= self.longest:
            raise InputError(
                f"expected at least 1 attempt, and a first pause above 0 s that is not above the longest; got {self}"
            )


class SavedPhoto:
    """Where the photo of an event is, once that is known: its other actions wait for it, each on its own thread.

    >>> saved = SavedPhoto()
    >>> saved.tell("photos/smile.jpg")
    >>> saved.path()
    'photos/smile.jpg'
    """

    def __init__(self) -> None:
        self._known = threading.Event()
        self._path: str | None = None

    def tell(self, path: str | None) -> None:
        """It was saved there; None: it was not saved."""
        self._path = path
        self._known.set()

    def path(self) -> str | None:
        """Where it is; None where it was not saved, or not within ten seconds."""
        self._known.wait(_LONGEST_WAIT)
        return self._path


@dataclass(frozen=True, eq=False)
class _Waiting:
    """An event that waits for its hook, with what it waits for, and what waits for it."""

    delivery: Delivery
    photo: SavedPhoto | None
    tells: SavedPhoto | None

    def settle(self, path: str | None = None) -> None:
        if self.tells is not None:
            self.tells.tell(path)


class Dispatcher:
    """Hands events to one hook, in their order, on a thread of its own.

    Nothing that the hook does, raises or waits for reaches who offers the events. It keeps as many as the
    hook says; beyond that the oldest are dropped, and it says so.

    Args:
        name: What messages call the hook.
        hook: Delivers.
        retries: How often.
        tell: Called with lines for people, on the courier's thread.

    Attributes:
        delivered: Events that were delivered.
        lost: Events that were given up or dropped.
        pictured: Whether the hook wants images.
    """

    def __init__(self, name: str, hook: RuleAction, retries: Retries, tell: Callable[[str], None]) -> None:
        self.name = name
        self.delivered = self.lost = 0
        self.pictured = hook.pictured
        self._hook, self._retries, self._tell = hook, retries, carefully(tell)
        self._waiting: deque[_Waiting] = deque()
        self._busy = False
        self._dropping = False
        self._told: str | None = None
        self._change = threading.Condition()
        self._closing = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mien-{name}", daemon=True)
        self._thread.start()

    def offer(
        self, delivery: Delivery, photo: SavedPhoto | None = None, tells: SavedPhoto | None = None
    ) -> None:
        """Take one more event; never waits.

        Args:
            delivery: The event.
            photo: The photo that another action saves of it: it is delivered when that is known.
            tells: Is told where the hook has saved it, or that it has not.
        """
        with self._change:
            if len(self._waiting) >= self._hook.keep:
                self._waiting.popleft().settle()
                self.lost += 1
                dropped, self._dropping = not self._dropping, True
            else:
                dropped = self._dropping = False
            self._waiting.append(_Waiting(delivery, photo, tells))
            self._change.notify_all()
        if dropped:
            self._tell(
                f"{self.name}: {counted(self._hook.keep, 'event waits', 'events wait')} for it already: the oldest are dropped until it works again"
            )

    def close(self, until: float) -> int:
        """Deliver what waits, as far as there is time, and end.

        Args:
            until: When there is no more time, in seconds of `time.monotonic`.

        Returns:
            How many events were not delivered at all.
        """
        self._closing.set()
        with self._change:
            self._change.notify_all()
            self._change.wait_for(
                lambda: not self._waiting and not self._busy, max(0.0, until - time.monotonic())
            )
            left = len(self._waiting) + self._busy
            for one in self._waiting:
                one.settle()
            self._waiting.clear()
            self._over.set()
            self._change.notify_all()
        try:
            self._hook.close()
        except Exception as error:
            self._tell(f"{self.name}: cannot be closed: {_words(error)}")
        self._thread.join(max(0.5, until - time.monotonic()))
        if left:
            self._tell(
                f"{self.name}: {left} {'event was' if left == 1 else 'events were'} not delivered before the end"
            )
        return self.lost + left

    def _run(self) -> None:
        while True:
            with self._change:
                self._busy = False
                self._change.notify_all()
                self._change.wait_for(lambda: self._waiting or self._closing.is_set())
                if not self._waiting:
                    return
                one, self._busy = self._waiting.popleft(), True
            delivery = one.delivery
            if one.photo is not None:
                delivery = replace(delivery, photo=one.photo.path())
            went_well = self._deliver(delivery)
            one.settle(self._hook.place(delivery) if went_well else None)

    def _deliver(self, delivery: Delivery) -> bool:
        """Whether that went well."""
        pause = self._retries.pause
        for attempt in range(1, self._retries.attempts + 1):
            try:
                self._hook.deliver(delivery)
            except (Exception, SystemExit) as error:
                if self._over.is_set():
                    return False
                final = attempt == self._retries.attempts or (
                    isinstance(error, DeliveryError) and not error.again
                )
                self._failed(delivery, error, attempt, final)
                if final:
                    self.lost += 1
                    return False
            else:
                self._went_well()
                return True
            self._over.wait(pause)
            pause = min(2 * pause, self._retries.longest)
        return False

    def _failed(self, delivery: Delivery, error: BaseException, attempt: int, final: bool) -> None:
        """Say it once, not for every attempt and every event."""
        words = _words(error)
        if final:
            times = "once" if attempt == 1 else f"{attempt} times"
            self._tell(
                f"{self.name}: {delivery.rule} ({delivery.kind} at {delivery.time:.2f} s) not delivered, tried {times}: {words}"
            )
        elif words != self._told:
            self._tell(f"{self.name}: {words}; trying again")
        self._told = words

    def _went_well(self) -> None:
        self.delivered += 1
        if self._told is not None:
            self._tell(f"{self.name}: works again")
            self._told = None


def _words(error: BaseException) -> str:
    return (
        str(error)
        if isinstance(error, (DeliveryError, InputError))
        else masked_text(f"{type(error).__name__}: {error}")
    )
