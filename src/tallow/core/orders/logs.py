"""From the rows that the loops write to the logs of orders, fills and trades."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tallow.core.orders import state as places
from tallow.domain.columns import Floats, Times
from tallow.domain.orders import KINDS, STATES, Fill, OrderLog
from tallow.domain.results import EXIT_REASONS

_PART_FILLED = STATES.index("part_filled")
_TARGET = KINDS.index("target")


def order_log(tables: Sequence[Floats], time: Times) -> OrderLog:
    """Give every order by id; `tables` have rows of ended and working orders, `time` is that of every bar or trade.

    An order submitted before the first row has row and time -1.
    """
    columns = _by_id(tables)
    state, filled = _whole(columns[places.STATE]), columns[places.FILLED]
    start, end = _whole(columns[places.BORN]), _whole(columns[places.ENDED])
    average = columns[places.NOTIONAL] / np.where(filled > 0, filled, np.nan)
    return OrderLog(
        id=_whole(columns[places.ID]),
        kind=_whole(columns[places.KIND]),
        side=_whole(columns[places.SIDE]),
        quantity=_known(columns[places.QUANTITY]),
        price=_known(columns[places.PRICE]),
        trigger=_known(columns[places.TRIGGER]),
        trail=_known(columns[places.TRAIL]),
        target=np.where(columns[places.KIND] == _TARGET, columns[places.TARGET], np.nan),
        group=_whole(columns[places.GROUP]),
        parent=_whole(columns[places.PARENT]),
        row=start,
        time=_times(time, start),
        end_row=end,
        end_time=_times(time, end),
        state=np.where((state == 0) & (filled > 0), _PART_FILLED, state),
        reason=_whole(columns[places.REASON]),
        filled=filled,
        average_price=average,
    )


def _by_id(tables: Sequence[Floats]) -> Floats:
    # The columns of all tables, each order at the place of its id: written once, because there may be many.
    ids = np.concatenate([table[:, places.ID] for table in tables])
    rank = np.empty(len(ids), np.int64)
    rank[np.argsort(ids, kind="stable")] = np.arange(len(ids))
    columns, start = np.empty((places.LOGGED, len(ids))), 0
    for table in tables:
        columns[:, rank[start : start + len(table)]] = table[:, : places.LOGGED].T
        start += len(table)
    return columns


def fill_orders(events: Floats) -> NDArray[np.int64]:
    """Give the order id of every fill among the events."""
    return _whole(events[events[:, 1] != 0, places.LOG_COLUMNS - 1])


def live_fills(events: Floats, time: int) -> list[Fill]:
    """Give the fills of one bar or trade as values."""
    return [
        Fill(int(row[-1]), time, row[1], row[2], row[3], row[4], EXIT_REASONS[int(row[5])])
        for row in events.tolist()
        if row[1]
    ]


def _whole(values: Floats) -> NDArray[np.int64]:
    return values.astype(np.int64)


def _known(values: Floats) -> Floats:
    return np.where(values == 0, np.nan, values)


def _times(time: Times, row: NDArray[np.int64]) -> Times:
    return np.where(row >= 0, time[np.maximum(row, 0)], -1) if len(time) else np.full(len(row), -1)
