"""From the engine's events to the logs of fills and trades."""

import numpy as np
from numpy.typing import NDArray

from tallow.core.engine.state import EVENT_COLUMNS
from tallow.domain.columns import Floats, Times
from tallow.domain.results import EXIT_REASONS, FillLog, TradeLog

Events = dict[str, NDArray[np.float64]]


def name_events(rows: Floats) -> Events:
    """Split the event rows of the loops into named columns."""
    return {name: np.ascontiguousarray(rows[:, i]) for i, name in enumerate(EVENT_COLUMNS)}


def fill_log(events: Events, time: Times) -> FillLog:
    """Keep the fills among the events."""
    fills = {name: column[events["quantity"] != 0] for name, column in events.items()}
    row = fills["row"].astype(np.int64)
    return FillLog(
        row=row,
        time=time[row],
        quantity=fills["quantity"],
        price=fills["price"],
        fee=fills["fee"],
        slippage=fills["slippage"],
        reason=fills["reason"].astype(np.int64),
    )


def trade_log(events: Events, time: Times, cash: float, close: float) -> TradeLog:
    """Gather events into round trips, flat to flat; the last may be open and is valued at the last close.

    Args:
        events: named event columns of a whole run.
        time: open of every bar.
        cash: balance before the first event.
        close: last close.
    """
    quantity, position = events["quantity"], events["position"]
    before = np.concatenate(([0.0], position[:-1]))
    first = np.flatnonzero((before == 0) & (quantity != 0))
    last = np.concatenate((first[1:], [len(quantity)]))[: len(first)] - 1
    is_open = position[last] != 0
    grows = np.abs(position) > np.abs(before)
    entries, exits = _average(events, first, grows & (quantity != 0)), _average(events, first, ~grows & (quantity != 0))
    rest = np.abs(position[last])
    exit_quantity = exits[1] + rest
    exit_price = np.where(is_open, (exits[0] * exits[1] + rest * close) / exit_quantity, exits[0])
    start_cash = np.concatenate(([cash], events["cash"][:-1]))[first]
    profit = events["cash"][last] + position[last] * close - start_cash
    notional = _reduce(np.maximum, np.abs(position) * events["entry_price"], first)
    entry_row = events["row"][first].astype(np.int64)
    exit_row = np.where(is_open, len(time) - 1, events["row"][last]).astype(np.int64)
    return TradeLog(
        entry_row=entry_row,
        exit_row=exit_row,
        entry_time=time[entry_row],
        exit_time=time[exit_row],
        side=np.sign(quantity[first]).astype(np.int64),
        quantity=_reduce(np.maximum, np.abs(position), first),
        entry_price=entries[0],
        exit_price=exit_price,
        fees=_reduce(np.add, events["fee"], first),
        slippage=_reduce(np.add, events["slippage"], first),
        funding=_reduce(np.add, events["funding"], first),
        profit=profit,
        return_pct=100 * profit / notional,
        reason=np.where(is_open, EXIT_REASONS.index("open"), events["reason"][last]).astype(np.int64),
    )


def _reduce(combine: np.ufunc, values: Floats, first: NDArray[np.int64]) -> Floats:
    # Combine the values of each trade's events; without trades there is nothing to combine.
    if len(first) == 0:
        return np.zeros(0)
    if len(values) == 2 * len(first) and bool(np.all(np.diff(first) == 2)):
        # An entry and an exit each, as most runs have: the same sums in a fraction of the time.
        combined: Floats = combine(values[::2], values[1::2])
        return combined
    return combine.reduceat(values, first)


def _average(events: Events, first: NDArray[np.int64], chosen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    # Average price and total quantity of the chosen fills of each trade; a single fill keeps its price to the bit.
    weight = np.where(chosen, np.abs(events["quantity"]), 0.0)
    total = _reduce(np.add, weight, first)
    summed = _reduce(np.add, weight * np.where(chosen, events["price"], 0.0), first)
    highest = _reduce(np.maximum, np.where(chosen, events["price"], 0.0), first)
    single = _reduce(np.add, chosen.astype(np.float64), first) <= 1
    return np.where(single, highest, summed / np.where(total > 0, total, 1.0)), total
