import math

import numpy as np
import pytest

from tallow.core.ticks.tape import NO_LATENCY, check_times, delayed, prepare_ticks
from tallow.domain.columns import Ticks
from tallow.domain.errors import DataError, UserError
from tallow.domain.orders import Latency, Quotes


def make(time, price=None, quantity=None):
    time = np.array(time, np.int64)
    ones = np.ones(len(time))
    price, quantity = (np.array(ones if column is None else column, float) for column in (price, quantity))
    return Ticks(time, time, time, price, quantity, ones > 0)


@pytest.mark.parametrize(
    ("ticks", "row"),
    [
        (make([1, 2], [1, math.nan]), 1),
        (make([1, 2], [0, 1]), 0),
        (make([1, 2], [1, math.inf]), 1),
        (make([1, 2], quantity=[1, -1]), 1),
        (make([1, 2], quantity=[math.nan, 1]), 0),
        (make([2, 1]), 1),
    ],
)
def test_trades_that_cannot_be_used_are_named(ticks, row):
    with pytest.raises(DataError, match=f"trade {row} at") as caught:
        prepare_ticks(ticks)
    assert caught.value.code == "BAD_TICKS"


def test_what_is_prepared_stays_as_it_is():
    tape = prepare_ticks(make([1, 1, 2]))
    assert prepare_ticks(tape) is tape
    assert len(tape) == 3


def test_each_trade_has_the_last_quote_at_or_before_it():
    quotes = Quotes(np.array([2, 4]), *(np.array([value, value + 1.0]) for value in (10, 20, 30, 40)))
    columns = prepare_ticks(make([1, 2, 3, 4, 9]), quotes).columns
    assert np.isnan(columns.bid[0])
    assert columns.bid[1:].tolist() == [10, 10, 11, 11]
    assert (columns.ask[4], columns.bid_quantity[4], columns.ask_quantity[4]) == (21, 31, 41)
    nothing = Quotes(np.zeros(0, np.int64), *(np.zeros(0) for _ in range(4)))
    assert np.isnan(prepare_ticks(make([1, 2]), nothing).columns.ask).all()


def test_constant_latency_moves_all_trades():
    tape = prepare_ticks(make([1, 5, 5]))
    assert delayed(tape, NO_LATENCY).local.tolist() == [1, 5, 5]
    assert delayed(tape, Latency(order=9)).local.tolist() == [1, 5, 5]
    assert delayed(tape, Latency(data=7)).local.tolist() == [8, 12, 12]
    ready = prepare_ticks(make([1, 5, 5]), latency=Latency(data=7))
    assert delayed(ready, Latency(order=3, data=7)) is ready.columns
    assert delayed(ready, NO_LATENCY).local.tolist() == [1, 5, 5]


def test_jitter_is_drawn_from_the_seed_and_never_reorders():
    tape = prepare_ticks(make(np.arange(5_000) * 10))
    first, again, other = (delayed(tape, Latency(data=100, data_jitter=50, seed=seed)).local for seed in (1, 1, 2))
    assert first.tolist() == again.tolist() != other.tolist()
    late = first - tape.columns.time - 100
    assert (np.diff(first) >= 0).all()
    assert (late.min(), late.max() < 50) == (0, True)
    sparse = prepare_ticks(make(np.arange(20_000) * 1_000))
    drawn = delayed(sparse, Latency(data_jitter=100, seed=3)).local - sparse.columns.time
    # Equally distributed: the mean of 0 to 99 is 49.5, its standard error here 0.2.
    assert abs(drawn.mean() - 49.5) < 1
    assert set(drawn.tolist()) == set(range(100))


def test_decision_times_do_not_step_back():
    assert check_times(np.array([1, 1, 2])).tolist() == [1, 1, 2]
    with pytest.raises(UserError, match="step back"):
        check_times(np.array([2, 1]))
