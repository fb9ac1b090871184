"""Numbers as people read them: signs, separators, units, and a dash for what is undefined."""

import math

import numpy as np

from tallow.domain.columns import Floats
from tallow.domain.ranges import iso
from tallow.domain.timeframes import DAY, HOUR, MINUTE, SECOND

DASH = "–"
MINUS = "\u2212"


def is_known(value: float | int | None) -> bool:
    """Say whether there is a finite number to show."""
    return value is not None and math.isfinite(value)


def number(value: float | int | None, decimals: int = 2, *, signed: bool = False) -> str:
    """Write a number with thousands separators and a true minus; None, NaN and infinity are a dash.

    Example:
        >>> number(-1234.5), number(0.004, 2, signed=True), number(None)
        ('−1,234.50', '0.00', '–')
    """
    if value is None or not math.isfinite(value):
        return DASH
    text = f"{abs(value):,.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def percent(value: float | int | None, decimals: int = 2, *, signed: bool = False) -> str:
    r"""Write a number that is in per cent already, with a space that does not break.

    Example:
        >>> percent(12.345, 1, signed=True)
        '+12.3\xa0%'
    """
    text = number(value, decimals, signed=signed)
    return text if text == DASH else f"{text}\u00a0%"


def price_decimals(prices: Floats, tick_size: float = 0.0) -> int:
    """Find how many decimals (0 to 8) write these prices exactly: those of the tick size, or else of the prices.

    Prices that lie on no such grid get seven significant digits.
    """
    known = np.asarray(prices, np.float64)
    sample = np.array([tick_size]) if tick_size > 0 else known[np.isfinite(known)][:2_000]
    if not len(sample):
        return 2
    for decimals in range(9):
        scaled = sample * 10.0**decimals
        whole = np.rint(scaled)
        # Room for the rounding of doubles, and none for prices that would vanish.
        if np.all((np.abs(scaled - whole) <= 1e-6 + np.abs(scaled) * 4e-15) & ((whole != 0) | (sample == 0))):
            return decimals
    return int(np.clip(7 - math.ceil(math.log10(float(np.max(np.abs(sample))))), 0, 8))


def moment(time: int) -> str:
    """Write a moment in UTC, to the minute, or as exactly as it needs.

    Example:
        >>> moment(0), moment(90_000_000)
        ('1970-01-01 00:00', '1970-01-01 00:01:30')
    """
    text = iso(time).replace("T", " ").removesuffix("Z")
    return text if ":" in text else f"{text} 00:00"


def duration(microseconds: int) -> str:
    """Write a length of time in its two largest units.

    Example:
        >>> duration(93_600_000_000), duration(0)
        ('1 d 2 h', '0 s')
    """
    parts: list[tuple[int, str]] = []
    rest = int(microseconds)
    for unit, length in (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND)):
        count, rest = divmod(rest, length)
        if count or parts:
            parts.append((count, unit))
    shown = [f"{count:,} {unit}" for count, unit in parts[:2] if count]
    return " ".join(shown) or "0 s"


def plural(count: int, noun: str) -> str:
    """Write a count with its noun.

    Example:
        >>> plural(1, "trade"), plural(1200, "trade")
        ('1 trade', '1,200 trades')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def tone(value: float | int | None) -> str:
    """Give the CSS class of a gain or a loss; empty for zero and for what is undefined."""
    if value is None or not math.isfinite(value) or value == 0:
        return ""
    return "up" if value > 0 else "down"
