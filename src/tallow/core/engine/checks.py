"""What the engine demands of its inputs, and the form in which its loops read them."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from tallow.core.engine.kernels import KERNELS
from tallow.core.engine.memory import Columns
from tallow.core.engine.segments import (
    Changes,
    Closes,
    Reach,
    block_extremes,
    extremes_of_runs,
    find_changes,
    sum_returns,
)
from tallow.core.engine.step import is_refused
from tallow.core.matching import configure
from tallow.domain.columns import PRICES, Bars, Floats, FundingRates, Targets, Times
from tallow.domain.errors import DataError, UserError
from tallow.domain.ranges import iso
from tallow.domain.scene import Execution
from tallow.domain.timeframes import SECOND

_refused = cast(Any, is_refused).py_func  # the same rule on arrays
AnyNumber = TypeVar("AnyNumber", bound=np.generic)
_MOST_SQUARES = 100.0  # summed squares of returns beyond which a difference of sums is wrong in the ninth digit
JITTER = SECOND  # how late a venue's funding stamp may be and still mean the bar's open


@dataclass(frozen=True)
class Market:
    """Bars and funding that passed the checks, ready for any number of runs; made by `prepare`.

    Its indices are made when a run first needs them.
    """

    time: Times
    columns: Columns

    def __len__(self) -> int:
        return len(self.time)

    @cached_property
    def bars(self) -> Bars:
        """The bars again; what an engine does not read is NaN."""
        return Bars.of(self.time, self.columns[:5])

    @cached_property
    def closes(self) -> Closes:
        """What a summary needs of the closes between two events."""
        bits = _bits(self.columns.close)
        low, high = extremes_of_runs(*block_extremes(bits, bits))
        returns, squares = sum_returns(self.columns.close)
        kept = len(self) if len(self) and squares[-1] <= _MOST_SQUARES else 0
        return Closes(bits, low, high, returns[:kept], squares[:kept])

    @cached_property
    def reach(self) -> Reach:
        """What the search for the next protective exit needs."""
        opened = _bits(self.columns.open)
        low, high = block_extremes(_bits(self.columns.low), _bits(self.columns.high))
        lowest, highest = block_extremes(opened, opened)
        return Reach(_numbers(np.minimum(low, lowest)), _numbers(np.maximum(high, highest)))


def prepare(bars: "Bars | Market", funding: FundingRates | None = None) -> Market:
    """Check bars and funding once for many runs; what is prepared already is returned as it is.

    Raises:
        DataError: BAD_BARS when a price is not positive and finite, times do not rise or columns differ in length;
            BAD_FUNDING when a rate is not finite.
    """
    if isinstance(bars, Market):
        return bars
    names = ("time", *PRICES, "volume")
    lengths = {name: len(getattr(bars, name)) for name in names}
    if len(set(lengths.values())) > 1:
        raise DataError("BAD_BARS", "the columns of the bars differ in length", facts=lengths)
    time = _frozen(np.ascontiguousarray(bars.time, np.int64))
    prices = (_floats(bars.open), _floats(bars.high), _floats(bars.low), _floats(bars.close))
    columns = Columns(*prices, _floats(bars.volume), *_funding(time, funding))
    row = KERNELS.find_bad_row(time, columns)
    if row >= 0:
        raise bad_bar(row, int(time[row]), {name: float(getattr(bars, name)[row]) for name in PRICES})
    return Market(time, columns)


def bad_bar(row: int, time: int, prices: dict[str, float]) -> DataError:
    """Say what is wrong with a bar: a price, or else its time."""
    wrong = {name: value for name, value in prices.items() if not (math.isfinite(value) and value > 0)}
    reason = "a price is not a positive number" if wrong else "the time is not after that of the bar before"
    return DataError(
        "BAD_BARS",
        f"bar {row} at {iso(time)}: {reason}",
        facts={**wrong, "row": row, "time": iso(time), "valid": "positive finite prices, times strictly ascending"},
        commands=["tallow explain BAD_BARS"],
    )


def check_targets(market: Market, targets: Targets, execution: Execution) -> Changes:
    """Find the changes of the target, and refuse what the execution does not allow.

    Raises:
        UserError: TARGET_LENGTH when there is not one target a bar; TARGET_TOO_LARGE; SHORT_NOT_ALLOWED.
    """
    values = np.asarray(targets)
    if values.shape != (len(market),):
        raise UserError(
            "TARGET_LENGTH",
            f"{values.shape} targets for {len(market)} bars",
            facts={"valid": "one float a bar, NaN to keep the last target"},
            commands=["tallow explain TARGET_LENGTH"],
        )
    # Truth values need no conversion, which would cost as much as the run.
    plain = (
        np.ascontiguousarray(values).view(np.uint8)
        if values.dtype == np.bool_
        else _floats(values.astype(np.float64, copy=False))
    )
    changes = Changes(*find_changes(_frozen(plain)))
    refused = _refused(configure(execution), changes.target)
    if refused.any():
        place = int(refused.argmax())
        row = int(changes.row[place])
        raise refused_target(float(changes.target[place]), execution, row, int(market.time[row]))
    return changes


def check_cash(cash: float) -> float:
    """Give the starting cash as a float.

    Raises:
        UserError: BAD_SETTING unless it is positive and finite.
    """
    if not (math.isfinite(cash) and cash > 0):
        raise UserError("BAD_SETTING", f"cash = {cash!r} is outside its range", facts={"valid": "above 0"})
    return float(cash)


def refused_target(target: float, execution: Execution, row: int, time: int) -> UserError:
    """Say why a target is not carried out, where it was first asked for, and how to allow it."""
    where = {"row": row, "time": iso(time), "received": f"{target:g}"}
    if abs(target) <= execution.leverage:
        return UserError(
            "SHORT_NOT_ALLOWED",
            f"target {target:g} at {iso(time)} is short, and this scene does not allow it",
            facts={**where, "valid": f"0 to {execution.leverage:g}", "to allow it": "--short, or short=True"},
            commands=["tallow explain SHORT_NOT_ALLOWED"],
        )
    return UserError(
        "TARGET_TOO_LARGE",
        f"target {target:g} at {iso(time)} is more than leverage {execution.leverage:g} lets one hold",
        facts={
            **where,
            "valid": f"{-execution.leverage if execution.allow_short else 0:g} to {execution.leverage:g}, or NaN",
            "to allow it": f"leverage = {math.ceil(abs(target))}" if abs(target) <= 125 else "no leverage does",
        },
        commands=["tallow explain TARGET_TOO_LARGE"],
    )


def _funding(time: Times, funding: FundingRates | None) -> tuple[NDArray[np.int64], Floats, Floats]:
    # Per bar with funding: its row, the sum of rates at its open, and of those later in the bar.
    event_time = np.asarray(funding.time if funding else [], np.int64)
    rate = np.asarray(funding.rate if funding else [], np.float64)
    if funding is not None:
        check_rates(funding)
    order = np.argsort(event_time, kind="stable")
    event_time, rate = event_time[order], rate[order]
    row_of = np.searchsorted(time, event_time, side="right") - 1
    known = (row_of >= 0) & (event_time < (time[-1] + _last_length(time) if len(time) else 0))
    row_of, event_time, rate = row_of[known], event_time[known], rate[known]
    rows, place = np.unique(row_of, return_inverse=True)
    at_open = event_time - time[row_of] <= JITTER
    opening = np.bincount(place, np.where(at_open, rate, 0.0), len(rows))
    inside = np.bincount(place, np.where(at_open, 0.0, rate), len(rows))
    return _frozen(rows.astype(np.int64)), _floats(opening.astype(np.float64)), _floats(inside.astype(np.float64))


def check_rates(funding: FundingRates) -> None:
    """See that every funding rate is a number.

    Raises:
        DataError: BAD_FUNDING.
    """
    rate = np.asarray(funding.rate, np.float64)
    if np.isfinite(rate).all():
        return
    row = int(np.flatnonzero(~np.isfinite(rate))[0])
    raise DataError(
        "BAD_FUNDING",
        f"the funding rate at {iso(int(funding.time[row]))} is not a number",
        facts={"row": row, "received": rate[row]},
        commands=["tallow explain BAD_FUNDING"],
    )


def _last_length(time: Times) -> int:
    # The last bar is as long as the one before it; where a hole lies between the two, as long as the shortest.
    if len(time) < 2:
        return JITTER
    steps = np.diff(time)
    shortest, last = int(steps.min()), int(steps[-1])
    return last if 2 * last < 3 * shortest else shortest


def _bits(values: Floats) -> Times:
    return values.view(np.int64)


def _numbers(bits: Times) -> Floats:
    return bits.view(np.float64)


def _floats(values: Floats) -> Floats:
    return _frozen(np.ascontiguousarray(values, np.float64))


def _frozen(values: NDArray[AnyNumber]) -> NDArray[AnyNumber]:
    # Read-only, whatever was passed: one array type means one compiled variant.
    view = values.view()
    view.flags.writeable = False
    return view
