"""Candle lengths in ccxt's spelling, and where each candle of that length begins."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tallow.domain.errors import UserError

MICROSECOND = 1
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
YEAR = 365 * DAY  # the annualisation year: crypto never closes

STANDARD = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip

_UNIT = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": WEEK}
_MONDAY = 4 * DAY  # 1970-01-05: weekly candles open on Mondays


@dataclass(frozen=True, order=True)
class Timeframe:
    """A candle length; `microseconds` is None-free: a month counts as 30 days for arithmetic only.

    Attributes:
        count: how many units, at least 1.
        unit: one of ``s m h d w M``; ``1m`` is a minute and ``1M`` a calendar month.
    """

    count: int
    unit: str

    @property
    def microseconds(self) -> int:
        """Length in microseconds; for months the nominal 30 days."""
        return self.count * (30 * DAY if self.unit == "M" else _UNIT[self.unit])

    @property
    def is_fixed(self) -> bool:
        """Whether every candle has the same length (months have not)."""
        return self.unit != "M"

    @property
    def per_year(self) -> float:
        """Candles in a year of 365 days of 24 hours."""
        return 12 / self.count if self.unit == "M" else YEAR / self.microseconds

    def floor(self, time: int) -> int:
        """Give the open time, in microseconds, of the candle that holds `time`."""
        if self.unit == "M":
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
            months = (moment.year * 12 + moment.month - 1) // self.count * self.count
            return _month_start(months)
        origin = _MONDAY if self.unit == "w" else 0
        return time - (time - origin) % self.microseconds

    def next(self, open_time: int) -> int:
        """Give the open time of the candle after the one that opens at `open_time`; also its close."""
        if self.unit == "M":
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=open_time)
            return _month_start(moment.year * 12 + moment.month - 1 + self.count)
        return open_time + self.microseconds

    def divides(self, coarser: "Timeframe") -> bool:
        """Say whether candles of this length add up exactly to candles of a coarser one."""
        if coarser.unit == "M":
            return self.is_fixed and self.unit != "w" and DAY % self.microseconds == 0
        if self.unit == "M" or coarser.microseconds % self.microseconds:
            return False
        return self.unit != "w" and (coarser.unit != "w" or WEEK % self.microseconds == 0)

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"


def _month_start(months: int) -> int:
    year, month = divmod(months, 12)
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp()) * SECOND


def parse_timeframe(text: "str | Timeframe") -> Timeframe:
    """Read a candle length such as ``5m``, ``1h`` or ``1M``.

    Raises:
        UserError: BAD_TIMEFRAME when the text is not a number and a unit.
    """
    if isinstance(text, Timeframe):
        return text
    match = re.fullmatch(r"([1-9]\d{0,3})([smhdwM])", text.strip())
    if match is None:
        raise UserError(
            "BAD_TIMEFRAME",
            f"{text!r} is not a timeframe",
            facts={"valid": " ".join(STANDARD), "note": "1m is a minute, 1M a month"},
        )
    return Timeframe(int(match[1]), match[2])
