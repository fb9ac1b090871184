"""What loops read and write is what was put there."""

import numpy as np
import pytest
from numba import njit

from tallow.core.engine import prepare
from tallow.core.engine.memory import (
    Columns,
    bar_at,
    borrow,
    borrow_columns,
    flat_config,
    flat_tiers,
    load,
    load_bar,
    load_config,
    load_tiered,
    next_paid,
    store,
)
from tallow.core.engine.state import STATE_SIZE, Bar, flatten, initial_state
from tallow.core.matching import Config, configure
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE


@njit
def copy_state(source, target):
    store(target, load(source))


@njit
def read_config(memory, at):
    return load_config(memory, at)


@njit
def read_tiered(memory, at, tail):
    return load_tiered(memory, at, tail)


@njit
def read_bar(table, row):
    return load_bar(table, row)


@njit
def read_row(columns, row, event):
    return bar_at(columns, row, event), next_paid(columns, event)


@njit
def sum_borrowed(columns):
    return borrow_columns(columns).close.sum()


@njit
def double(values):
    lent = borrow(values)
    for i in range(len(lent)):
        lent[i] *= 2.0
    return lent.shape[0]


def market():
    table = np.arange(1.0, 21.0).reshape(5, 4)
    bars = Bars.of(np.arange(4) * MINUTE, tuple(table))
    return prepare(bars, FundingRates(np.array([MINUTE, 2 * MINUTE + MINUTE // 2]), np.array([0.1, 0.2])))


def test_a_state_comes_back_number_by_number():
    source, target = np.arange(1.0, STATE_SIZE + 1), np.zeros(STATE_SIZE)
    copy_state(source, target)
    assert target.tolist() == source.tolist()
    assert len(flatten(initial_state(5.0))) == STATE_SIZE


def test_a_config_is_read_from_where_it_lies():
    config = configure(Execution(maker_fee=0.1, leverage=3.0, stop_loss=0.2, tick_size=0.5))
    memory = np.array([7.0, 7.0, *flat_config(config), 7.0])
    assert Config(*read_config(memory, 2)) == config
    assert flat_tiers(config) == []


def test_tiers_are_read_from_the_end():
    config = configure(Execution(leverage=3.0, tiers=((0, 0.01), (1_000, 0.1, 2))))
    memory = np.array([7.0, 7.0, *flat_config(config), 7.0, *flat_tiers(config)])
    *numbers, tiers = read_tiered(memory, 2, len(memory) - 5)
    assert numbers == flat_config(config)
    assert [tiers[0].tolist(), tiers[1].tolist(), tiers[2]] == [[0.01, 0.1], [0, pytest.approx(90)], 1_000]


def test_a_bar_is_read_from_its_row():
    table = np.arange(18.0).reshape(2, 9)
    assert Bar(*read_bar(table, 1)) == Bar(*np.arange(9.0, 18.0))


@pytest.mark.parametrize(
    ("row", "event", "before", "rates", "paid"),
    [
        (0, 0, np.nan, (0.0, 0.0), 1),
        (1, 0, 17.0, (0.1, 0.0), 1),
        (2, 1, 18.0, (0.0, 0.2), 2),
        (3, 2, 19.0, (0.0, 0.0), 4),
    ],
)
def test_a_row_of_columns_is_a_bar_with_the_funding_of_its_event(row, event, before, rates, paid):
    bar, following = read_row(market().columns, row, event)
    assert (bar.row, bar.open, bar.high, bar.low, bar.close) == (row, 1.0 + row, 5.0 + row, 9.0 + row, 13.0 + row)
    np.testing.assert_equal((bar.volume, bar.previous_volume), (17.0 + row, before))
    assert (bar.funding_open, bar.funding_inside) == rates
    assert following == paid


def test_a_borrowed_array_is_the_array():
    values = np.array([1.0, 2.0, 3.0])
    assert (double(values), values.tolist()) == (3, [2.0, 4.0, 6.0])
    columns = market().columns
    assert isinstance(columns, Columns)
    assert sum_borrowed(columns) == columns.close.sum()
