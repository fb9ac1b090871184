import math

import numpy as np

from tallow.core.orders import state as places
from tallow.core.orders.logs import fill_orders, live_fills, order_log


def rows(*orders):
    table = np.zeros((len(orders), places.LOGGED))
    for row, fields in zip(table, orders, strict=True):
        for place, value in fields.items():
            row[place] = value
    return table


def test_orders_are_told_by_id_with_their_average():
    log = order_log(
        [
            rows(
                {places.ID: 2, places.KIND: places.LIMIT, places.PRICE: 9, places.BORN: -1, places.ENDED: -1},
                {places.ID: 1, places.FILLED: 4, places.NOTIONAL: 10, places.BORN: 0, places.ENDED: 1, places.STATE: 2},
                {places.ID: 3, places.FILLED: 1, places.NOTIONAL: 5, places.BORN: 1, places.ENDED: -1},
            )
        ],
        np.array([70, 80]),
    )
    assert log.id.tolist() == [1, 2, 3]
    assert [log[place].state for place in range(3)] == ["filled", "working", "part_filled"]
    assert (log[0].average_price, log[2].average_price, math.isnan(log[1].average_price)) == (2.5, 5, True)
    assert (log.time.tolist(), log.end_time.tolist()) == ([70, -1, 80], [80, -1, -1])


def test_events_without_a_quantity_are_no_fills():
    events = np.zeros((3, places.LOG_COLUMNS))
    events[[0, 2], 1], events[:, -1], events[2, 5] = [5.0, -1.0], [4, 0, 6], 1
    assert fill_orders(events).tolist() == [4, 6]
    assert [(fill.order, fill.time, fill.quantity, fill.reason) for fill in live_fills(events, 9)] == [
        (4, 9, 5, "target"),
        (6, 9, -1, "stop_loss"),
    ]
