"""Count request weight by the minute as the exchange does, and punish whoever does not listen."""

import threading

from tallow.domain.timeframes import MINUTE, SECOND
from tallow.ports import Clock

_BAN = 120


class Limiter:
    """One interface's limit.

    Attributes:
        peak: most weight seen in a minute.
        violations: requests that came before a Retry-After had passed.
        bans: how often an address was banned for that.
    """

    def __init__(self, weight_per_minute: int, clock: Clock | None) -> None:
        self.peak, self.violations, self.bans = 0, 0, 0
        self._limit, self._clock, self._lock = weight_per_minute, clock, threading.Lock()
        self._minute, self._used, self._until = 0, 0, 0

    def admit(self, weight: int) -> tuple[int, int, int]:
        """Give the status (200, 429 or 418), the seconds to wait, and the weight used in this minute.

        Without a clock there are no minutes: everything is admitted, and only the weight itself is reported.
        """
        if self._clock is None:
            return 200, 0, weight
        with self._lock:
            now = self._clock.now()
            if now < self._until:
                self.violations += 1
                self.bans += 1
                self._until = now + _BAN * SECOND
                return 418, _BAN, self._used
            if now // MINUTE != self._minute:
                self._minute, self._used = now // MINUTE, 0
            self._used += weight
            self.peak = max(self.peak, self._used)
            if self._used > self._limit:
                wait = -(-(MINUTE - now % MINUTE) // SECOND)
                self._until = now + wait * SECOND
                return 429, wait, self._used
            return 200, 0, self._used

    def block(self, seconds: int) -> None:
        """Turn requests away for a while."""
        if self._clock is not None:
            with self._lock:
                self._until = self._clock.now() + seconds * SECOND
