"""The request weight one interface still allows in this minute."""

import threading

from tallow.domain.timeframes import MINUTE, SECOND
from tallow.ports import Clock

# The venue's minute turns by its own clock: wait a little longer than ours says.
_MARGIN = SECOND // 4


class Budget:
    """Keep the weight spent in a minute of the venue's clock below a limit, across threads.

    Attributes:
        offset: the venue's clock minus ours, microseconds.
    """

    def __init__(self, clock: Clock, weight_per_minute: int) -> None:
        self.offset = 0
        self._clock = clock
        self._limit = weight_per_minute
        self._minute = 0
        self._used = 0
        self._blocked_until = 0
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Weight spent in the minute of the last request."""
        return self._used

    def server_now(self) -> int:
        """Give the venue's clock, microseconds."""
        return self._clock.now() + self.offset

    def spend(self, weight: int) -> None:
        """Take `weight`, waiting for the next minute (or the end of a pause) when there is not enough left."""
        with self._lock:
            if self.pause() > 0:
                self._clock.sleep(self.pause())
            self._turn()
            if self._used and self._used + weight > self._limit:
                self._clock.sleep(self.until_next_minute())
                self._turn()
            self._used += weight

    def observe(self, used: int) -> None:
        """Believe the venue when it counts more than we did: others may share the address."""
        with self._lock:
            self._turn()
            self._used = max(self._used, used)

    def block(self, seconds: float) -> None:
        """Let no request out for `seconds`."""
        with self._lock:
            self._blocked_until = max(self._blocked_until, self._clock.now() + round(seconds * SECOND))

    def pause(self) -> float:
        """Give the seconds that are left of a block."""
        return max(0, self._blocked_until - self._clock.now()) / SECOND

    def until_next_minute(self) -> float:
        """Give the seconds until the venue starts to count anew."""
        return (MINUTE - self.server_now() % MINUTE + _MARGIN) / SECOND

    def _turn(self) -> None:
        minute = self.server_now() // MINUTE
        if minute != self._minute:
            self._minute, self._used = minute, 0
