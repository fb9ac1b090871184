"""Round numbers and round moments for the axes of static charts; the script's twin is in scales.js."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from tallow.domain.ranges import iso
from tallow.domain.timeframes import DAY, HOUR, MINUTE, SECOND

_STEPS = (
    *(SECOND * n for n in (1, 5, 15, 30)), *(MINUTE * n for n in (1, 5, 15, 30)), *(HOUR * n for n in (1, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 7, 14)),
)  # fmt: skip
_MONTH_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Axis:
    """A vertical axis: `low` and `high` are the values at the bottom and the top of `height` pixels below `top`."""

    low: float
    high: float
    height: float
    top: float = 0.0

    @classmethod
    def around(cls, low: float, high: float, height: float, *, top: float = 0.0, share: float = 0.04) -> "Axis":
        """Pad the range by a share of itself; a range of one value gets some room."""
        pad = (high - low) * share if high > low else abs(low) * 0.01 or 1.0
        return cls(low - pad, high + pad, height, top)

    def y(self, value: float) -> float:
        """Give the pixel row of a value."""
        return self.top + self.height * (self.high - value) / (self.high - self.low)


def nice_ticks(low: float, high: float, count: int) -> tuple[list[float], int]:
    """Find round values between `low` and `high`, about `count` of them, and the decimals to write them with.

    Example:
        >>> nice_ticks(0, 10, 5)
        ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], 0)
    """
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return [low], 2
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next((factor * power for factor in (1, 2, 2.5, 5) if span / (factor * power) <= count * 1.3), 10 * power)
    decimals = next((places for places in range(9) if _on_grid(step, places)), 9)
    # The slack keeps ends that are round but for the last bit.
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)], decimals


def _on_grid(step: float, places: int) -> bool:
    scaled = step * 10.0**places
    return scaled >= 0.5 and abs(scaled - round(scaled)) < 1e-6 * max(1.0, scaled)


def time_ticks(start: int, end: int, count: int) -> list[tuple[int, str]]:
    """Find round UTC moments (microseconds) in a range, at most `count`, with their labels."""
    step = next((size for size in _STEPS if (end - start) / size <= count), None)
    if step is None:
        return _month_ticks(start, end, count)
    origin = 4 * DAY if step >= 7 * DAY else 0
    first = -(-(start - origin) // step) * step + origin
    return [(time, _day_label(time, step)) for time in range(first, end + 1, step)]


def _month_ticks(start: int, end: int, count: int) -> list[tuple[int, str]]:
    # 30.4 days a month: only the number of labels hangs on it.
    months = next((size for size in _MONTH_STEPS if (end - start) / (size * 30.4 * DAY) <= count), 240)
    begin = _utc(start)
    month = (begin.year * 12 + begin.month - 1) // months * months
    ticks = []
    while (time := int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp()) * SECOND) <= end:
        if time >= start:
            ticks.append((time, _MONTHS[month % 12] if month % 12 else str(month // 12)))
        month += months
    return ticks


def _day_label(time: int, step: int) -> str:
    moment = _utc(time)
    if time % DAY:
        return iso(time)[11:].removesuffix("Z") if step >= MINUTE else moment.strftime("%H:%M:%S")
    if moment.day == 1 and moment.month == 1:
        return str(moment.year)
    return f"{moment.day} {_MONTHS[moment.month - 1]}"


def _utc(time: int) -> datetime:
    return datetime.fromtimestamp(time // SECOND, UTC)
