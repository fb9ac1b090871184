"""Returns of the account, and the ratios made from them. Returns are fractions: 0.01 is one per cent."""

import math
from typing import NamedTuple

import numpy as np

from tallow.domain.columns import Floats, Times
from tallow.domain.timeframes import DAY

YEAR_DAYS = 365.0
_NOTHING = 1e-12  # a deviation below this part of the largest return is rounding: the returns are all equal
_TWO_SIDED_95 = 1.959963984540054  # quantile 0.975 of the normal distribution


class DailyEquity(NamedTuple):
    """Last equity of every UTC day that has a bar; `day` is its midnight, microseconds UTC."""

    day: Times
    equity: Floats


class MonthlyReturn(NamedTuple):
    """Change of equity in one calendar month UTC, in per cent."""

    year: int
    month: int
    return_pct: float


def daily_equity(equity: Floats, time: Times) -> DailyEquity:
    """Give the equity at the end of every UTC day; a bar belongs to the day in which it opens.

    Days without a bar are absent, not filled: the next return then spans the gap.

    Example:
        >>> hour = 3_600_000_000
        >>> daily_equity(np.array([1.0, 2.0, 3.0]), np.array([0, 23, 24]) * hour).equity.tolist()
        [2.0, 3.0]
    """
    last = last_of_days(time)
    return DailyEquity(np.asarray(time, np.int64)[last] // DAY * DAY, np.asarray(equity, np.float64)[last])


def last_of_days(time: Times) -> Times:
    """Give the last row of every UTC day that has one; the cost is that of the days, not of the rows."""
    opens = np.asarray(time, np.int64)
    if len(opens) == 0:
        return np.zeros(0, np.int64)
    midnights = np.arange(opens[0] // DAY + 1, opens[-1] // DAY + 1) * DAY
    return np.unique(np.append(np.searchsorted(opens, midnights), len(opens))) - 1


def monthly_returns(equity: Floats, time: Times, cash: float) -> list[MonthlyReturn]:
    """Give the return of every calendar month UTC that has a bar; the first month starts from `cash`."""
    months = np.asarray(time, "datetime64[us]").astype("datetime64[M]").astype(np.int64)
    last = np.flatnonzero(np.append(months[1:] != months[:-1], len(months) > 0))
    changes = growth(np.asarray(equity, np.float64)[last], cash)
    pairs = zip(months[last].tolist(), changes.tolist(), strict=False)  # growth ends where equity does
    return [MonthlyReturn(1970 + month // 12, month % 12 + 1, 100.0 * change) for month, change in pairs]


def growth(equity: Floats, cash: float) -> Floats:
    """Give the return of every row over the row before, the first over `cash`.

    It ends with the first row at or below zero, because nothing can be gained from there. The product of 1 + return
    is final equity / cash.

    Example:
        >>> growth(np.array([110.0, 99.0]), 100.0).round(12).tolist()
        [0.1, -0.1]
    """
    levels = np.concatenate(([cash], equity))
    gone = np.flatnonzero(levels <= 0.0)
    levels = levels[: gone[0] + 1] if len(gone) else levels
    return np.diff(levels) / levels[:-1]


def deviation(returns: Floats) -> float | None:
    """Give the sample standard deviation (n - 1); None for fewer than two returns or when all are equal."""
    if len(returns) < 2:
        return None
    found = float(np.std(returns, ddof=1))
    return found if found > _NOTHING * float(np.abs(returns).max()) else None


def volatility(returns: Floats, per_year: float = YEAR_DAYS) -> float | None:
    """Give the annualised standard deviation as a fraction; 0 when all are equal, None for fewer than two returns."""
    if len(returns) < 2:
        return None
    return (deviation(returns) or 0.0) * math.sqrt(per_year)


def sharpe(returns: Floats, per_year: float = YEAR_DAYS) -> float | None:
    """Give mean / sample standard deviation x sqrt(periods a year), with a risk-free rate of 0 (W. F. Sharpe, 1994).

    `returns` are changes in per cent or fractions, never levels of equity. None for fewer than two returns or when
    all are equal.

    Example:
        >>> round(sharpe(np.array([0.01, -0.01, 0.02, 0.0])), 6)
        7.399324
    """
    spread = deviation(returns)
    return None if spread is None else float(np.mean(returns)) / spread * math.sqrt(per_year)


def sharpe_interval(returns: Floats, per_year: float = YEAR_DAYS) -> tuple[float | None, float | None]:
    """Give the 95 % interval of the Sharpe ratio for independent returns of any distribution (E. Mertens, 2002).

    With s the ratio per period, g3 the skewness and g4 the kurtosis (3 for a normal distribution), the standard error
    is sqrt((1 - g3 s + (g4 - 1) / 4 s^2) / n); the interval is s -+ 1.96 standard errors, annualised. Returns that
    depend on each other make the true interval wider. None where the ratio is None.
    """
    spread = deviation(returns)
    if spread is None:
        return None, None
    ratio = float(np.mean(returns)) / spread
    scores = (returns - np.mean(returns)) / np.std(returns)
    skewness, kurtosis = float(np.mean(scores**3)), float(np.mean(scores**4))
    variance = (1.0 - skewness * ratio + (kurtosis - 1.0) / 4.0 * ratio * ratio) / len(returns)
    margin = _TWO_SIDED_95 * math.sqrt(max(0.0, variance))
    return (ratio - margin) * math.sqrt(per_year), (ratio + margin) * math.sqrt(per_year)


def sortino(returns: Floats, per_year: float = YEAR_DAYS) -> float | None:
    """Give mean / downside deviation x sqrt(periods a year), with a target of 0 (F. Sortino).

    Downside deviation = root of the mean square of returns below 0, over all n returns. None for fewer than two
    returns or when none is below 0.
    """
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2))) if len(returns) > 1 else 0.0
    return float(np.mean(returns)) / downside * math.sqrt(per_year) if downside > 0.0 else None


def rolling_sharpe(returns: Floats, window: int = 90, per_year: float = YEAR_DAYS) -> Floats:
    """Give the Sharpe ratio of the last `window` returns in every row.

    NaN in the first `window - 1` rows and where all returns of the window are equal.
    """
    line = np.full(len(returns), np.nan)
    if window < 2 or len(returns) < window:
        return line
    views = np.lib.stride_tricks.sliding_window_view(np.asarray(returns, np.float64), window)
    spread = views.std(axis=1, ddof=1)
    moving = spread > _NOTHING * np.abs(views).max(axis=1)
    line[window - 1 :][moving] = views.mean(axis=1)[moving] / spread[moving] * math.sqrt(per_year)
    return line
