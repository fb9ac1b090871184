import numpy as np
import pytest
from numba import njit

from tallow.core.portfolio import align
from tallow.core.portfolio.batch import _addresses
from tallow.core.portfolio.desk import ACCOUNT_SIZE, BOOK_SIZE, CLOSE, LOG_SIZE, OPEN, Desk, bar_at, price_at, trades_at


@pytest.fixture
def desk(candles):
    """A on every row; B from row 1 on with a hole, and without volume at the end."""
    rows = [(1, 2, 0.5, 1.5), (2, 3, 1, 2.5), (3, 4, 2, 3.5), (4, 5, 3, 4.5)]
    late = [(20, 22, 18, 21), (30, 33, 28, 31, 0.0)]
    panel = align({"A/USDT": candles(rows), "B/USDT": candles(late, [1, 3])})
    address = np.array([_addresses(panel, i) for i in range(2)], np.int64)
    book, account, log = np.zeros((2, BOOK_SIZE)), np.zeros(ACCOUNT_SIZE), np.zeros((0, LOG_SIZE))
    return panel, Desk(address, np.zeros((2, 15)), book, account, log, np.zeros(6))  # the panel keeps the columns alive


def test_prices_are_those_of_the_bar_or_of_the_last_close(desk):
    call = njit(lambda desk, i, row, column: price_at(desk, i, row, column))
    _, given = desk
    assert [call(given, 0, row, OPEN) for row in range(4)] == [1, 2, 3, 4]
    assert [call(given, 1, row, OPEN) for row in range(4)] == [0, 20, 21, 30]
    assert [call(given, 1, row, CLOSE) for row in range(4)] == [0, 21, 21, 31]


def test_an_instrument_trades_where_it_has_a_bar_with_volume(desk):
    call = njit(lambda desk, i, row: trades_at(desk, i, row))
    assert [call(desk[1], 0, row) for row in range(4)] == [True] * 4
    assert [call(desk[1], 1, row) for row in range(4)] == [False, True, False, False]


def test_a_bar_knows_the_volume_of_the_one_before(desk):
    call = njit(lambda desk, i, row: bar_at(desk, i, row))
    first, second = call(desk[1], 1, 1), call(desk[1], 1, 3)
    assert np.isnan(first.previous_volume)
    assert (second.row, second.open, second.high, second.low, second.close) == (3, 30, 33, 28, 31)
    assert (second.volume, second.previous_volume) == (0, 1_000)
