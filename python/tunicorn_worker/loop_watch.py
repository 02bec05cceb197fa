"""Reports an event loop that one piece of work blocks: once, with the culprit's stack, and how long it took at its end.

    asleep ──activity, or the arbiter's ping──► probing ──no answer within the threshold──► blocked ──answer──► probing
       ▲── answered, two periods without activity ───┘

The control thread calls all but `note_activity`. Asleep costs nothing: no timer, no wake-up. Times are seconds.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Callable, Optional


class LoopWatch:
    #: Read by the loop on each read of the link.
    is_awake = False
    _sent_at = 0.0
    _answered_at = 0.0
    #: A probe is on its way.
    _is_asking = False
    _is_reported = False
    _next_at = 0.0
    _activity_seen = 0
    #: Nothing came in the last period. What came just before it may have begun to run after the probe's answer.
    _is_quiet = False

    def __init__(
        self,
        threshold: float,
        ask: Callable[[Callable[[], None]], None],
        stack: Callable[[], str],
        clock: Callable[[], float],
        log: logging.Logger,
    ) -> None:
        """`ask` has a function called on the loop; `stack` is that of the loop's thread; a threshold of 0 reports nothing."""
        self.activity = 0
        self._threshold = threshold
        self._ask = ask
        self._stack = stack
        self._clock = clock
        self._log = log

    def wake(self) -> None:
        """There is something to watch."""
        if not self.is_awake:
            self.is_awake = True
            self._activity_seen = self.activity
            self._is_quiet = False
            self._probe(self._clock())

    def wait_seconds(self) -> Optional[float]:
        """How long the control thread may sleep; None: for ever."""
        if not self.is_awake:
            return None
        return max(0.0, self._next_at - self._clock())

    def look(self) -> None:
        """To be called when `wait_seconds` have passed; harmless before."""
        now = self._clock()
        if not self.is_awake or now < self._next_at:
            return
        if self._is_asking:
            self._judge(now)
        elif self._is_quiet and self.activity == self._activity_seen:
            self.is_awake = False
        else:
            self._is_quiet = self.activity == self._activity_seen
            self._activity_seen = self.activity
            self._probe(now)

    def blocked_seconds(self) -> float:
        """For how long the loop has not answered."""
        return self._clock() - self._sent_at if self._is_asking else 0.0

    def _probe(self, now: float) -> None:
        self._sent_at = now
        self._is_asking = True
        self._is_reported = False
        self._next_at = now + (self._threshold or 1.0)
        self._ask(self._answer)

    def _answer(self) -> None:
        """On the loop."""
        self._is_asking = False
        if self._is_reported:
            self._log.warning("The event loop runs again after %.1f s", self._clock() - self._sent_at)

    def _judge(self, now: float) -> None:
        if not self._is_reported and self._threshold:
            self._is_reported = True
            waited = now - self._sent_at
            self._log.warning("The event loop has been blocked for %.1f s, by:\n%s", waited, self._stack())
        self._next_at = now + (self._threshold or 1.0)
