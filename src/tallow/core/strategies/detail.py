"""Decide on coarse bars, fill on fine ones."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tallow.core.strategies.higher import bar_closes
from tallow.domain.columns import Bars, Floats, Times
from tallow.domain.errors import UserError
from tallow.domain.timeframes import DAY, Timeframe

DECIDE_ON = "decide-on"
"""Parameter of every strategy, and of none: no argument can have this name. The timeframe it sees and decides on."""


def onto_finer(targets: Floats, coarse_bars: Bars, fine_bars: Bars, *, timeframe: Timeframe | None = None) -> Floats:
    """Put targets decided at coarse closes on the fine bars at whose close they are known.

    A target stands on the last fine bar that opens before the coarse close, so that its order fills at the open of
    the first fine bar at or after that close; all other fine bars are NaN, which keeps the last target. Where several
    decisions fall on one fine bar, because finer ones are missing, the last that is not NaN counts. Decisions older
    than the first fine bar stand on the first one.

    Args:
        targets: one per coarse bar, NaN keeps the last.
        coarse_bars: what the strategy saw.
        fine_bars: what the engine runs on.
        timeframe: length of the coarse bars; None takes the shortest distance between two.

    Example:
        >>> column = np.ones(6)
        >>> fine = Bars.of(np.arange(6) * 60_000_000, (column, column, column, column, column))
        >>> onto_finer(np.array([1.0, 0.0]), fine[::3], fine).tolist()
        [nan, nan, 1.0, nan, nan, 0.0]

    Raises:
        UserError: TARGET_LENGTH when there is not one target a coarse bar; BAD_TIMEFRAME when coarse bars are closer
            together than `timeframe`, or it is needed.
    """
    if len(targets) != len(coarse_bars):
        raise UserError("TARGET_LENGTH", f"{len(targets)} targets for {len(coarse_bars)} bars")
    if len(fine_bars) == 0:
        return np.zeros(0)
    return spread(targets, decision_rows(coarse_bars, fine_bars, timeframe), len(fine_bars))


def decision_rows(coarse_bars: Bars, fine_bars: Bars, timeframe: Timeframe | None = None) -> Times:
    """Give per coarse bar the fine row at whose close its decision is known; 0 for those before the first."""
    rows = np.searchsorted(fine_bars.time, _closes(coarse_bars.time, timeframe), side="left") - 1
    return np.maximum(rows, 0).astype(np.int64)


def decide_on_coarser(
    decide: Callable[[int, Any], float], coarse_bars: Bars, fine_bars: Bars, *, timeframe: Timeframe | None = None
) -> Callable[[int, Any], float]:
    """Let a bar-by-bar decision over coarse bars be taken with the account as it stands on fine ones.

    The function given back is asked about every fine row; it asks `decide` about each coarse bar once, in order, at
    the row where its close is known, and gives NaN at all other rows. Of several coarse bars on one fine row the last
    answer that is not NaN counts.
    """
    return decide_at(decide, decision_rows(coarse_bars, fine_bars, timeframe))


def decide_at(decide: Callable[[int, Any], float], rows: Times) -> Callable[[int, Any], float]:
    """Let decision `k` of `decide` be taken at row `rows[k]`; NaN at all other rows, and the last of several counts."""
    asked, places = 0, rows.tolist()

    def decide_fine(row: int, account: Any) -> float:
        nonlocal asked
        answer = np.nan
        while asked < len(places) and places[asked] <= row:
            said = decide(asked, account)
            answer = answer if np.isnan(said) else said
            asked += 1
        return answer

    return decide_fine


def spread(targets: Floats, rows: Times, count: int) -> Floats:
    """Put target `k` on row `rows[k]` of `count` rows, all others NaN; the last of several that is not NaN counts."""
    laid, said = np.full(count, np.nan), ~np.isnan(targets)
    # Assignment in order: of several decisions on one row the last one stays.
    laid[rows[said]] = targets[said]
    return laid


def _closes(time: Times, timeframe: Timeframe | None) -> Times:
    if timeframe is None and len(time) > 1 and np.diff(time).min() >= 28 * DAY:
        raise UserError(
            "BAD_TIMEFRAME",
            "the length of the coarse bars cannot be told from their times",
            facts={"because": "months differ in length", "valid": "timeframe=parse_timeframe('1M')"},
        )
    return bar_closes(time, timeframe)
