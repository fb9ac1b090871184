import numpy as np
import pytest

from tallow.core.engine.logs import fill_log, name_events, trade_log
from tallow.core.engine.state import EVENT_COLUMNS
from tallow.domain.results import EXIT_REASONS

TIME = np.arange(10) * 1_000


def events(*rows):
    return name_events(np.array(rows, float).reshape(-1, len(EVENT_COLUMNS)))


def test_no_events_are_empty_logs():
    assert len(fill_log(events(), TIME)) == 0
    trades = trade_log(events(), TIME, 100.0, 1.0)
    assert len(trades) == 0
    assert trades.reason.dtype == np.int64


def test_funding_is_no_fill_but_part_of_its_trade():
    found = events(
        # row, quantity, price, fee, slippage, reason, funding, position, cash, entry price
        (1, 2, 10, 0.5, 0.1, 0, 0, 2, 79.5, 10),
        (3, 0, 12, 0, 0, 0, 1.5, 2, 78, 10),
        (4, -2, 15, 0.25, 0.2, 2, 0, 0, 107.75, 0),
    )
    assert fill_log(found, TIME).row.tolist() == [1, 4]
    trades = trade_log(found, TIME, 100.0, 99.0)
    assert {name: getattr(trades, name).tolist() for name in vars(trades)} == {
        "entry_row": [1],
        "exit_row": [4],
        "entry_time": [1_000],
        "exit_time": [4_000],
        "side": [1],
        "quantity": [2],
        "entry_price": [10],
        "exit_price": [15],
        "fees": [0.75],
        "slippage": pytest.approx([0.3]),
        "funding": [1.5],
        "profit": [7.75],
        "return_pct": [38.75],
        "reason": [EXIT_REASONS.index("take_profit")],
    }


def test_a_reversal_is_two_trades_and_the_open_one_ends_at_the_last_close():
    found = events(
        (1, 2, 10, 0, 0, 0, 0, 2, 80, 10),
        (4, -2, 15, 0, 0, 0, 0, 0, 110, 0),
        (4, -4, 15, 0, 0, 0, 0, -4, 170, 15),
        (6, 1, 11, 0, 0, 0, 0, -3, 159, 15),
    )
    trades = trade_log(found, TIME, 100.0, 7.0)
    assert trades.side.tolist() == [1, -1]
    assert trades.profit.tolist() == [10, 28]
    assert trades.exit_row.tolist() == [4, 9]
    assert trades.exit_price.tolist() == [15, 8]
    assert [EXIT_REASONS[reason] for reason in trades.reason] == ["target", "open"]
