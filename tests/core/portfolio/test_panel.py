import numpy as np
import pytest

from tallow.core.portfolio import align
from tallow.domain.columns import FundingRates
from tallow.domain.errors import DataError, UserError
from tallow.domain.timeframes import HOUR, parse_timeframe


def test_equal_times_are_shared_and_nothing_is_copied(still):
    first, second = still([1, 2, 3]), still([4, 5, 6])
    panel = align({"A/USDT": first, "B/USDT": second})
    assert panel.time.base is first.time or panel.time is first.time
    assert [len(own) for own in panel.own] == [0, 0]
    assert np.shares_memory(panel.markets[1].columns.close, second.close)
    assert panel.closes(1).tolist() == [4, 5, 6]
    assert panel.rows_of(1).tolist() == [0, 1, 2]


def test_the_union_says_where_each_instrument_has_a_bar(still):
    panel = align({"A/USDT": still([1, 2, 3], [0, 1, 4]), "B/USDT": still([7, 8], [2, 3])})
    assert (panel.time // HOUR).tolist() == [0, 1, 2, 3, 4]
    assert panel.own[0].tolist() == [0, 1, -3, -3, 2]
    assert panel.own[1].tolist() == [-1, -1, 0, 1, -3]
    assert panel.missing == (2, 0)
    assert panel.closes(0).tolist() == [1, 2, 2, 2, 3]
    assert np.isnan(panel.closes(1)[:2]).all()
    assert panel.closes(1)[2:].tolist() == [7, 8, 8]
    assert panel.rows_of(0).tolist() == [0, 1, 4]


def test_an_instrument_without_any_bar_has_none_anywhere(still):
    panel = align({"A/USDT": still([1, 2]), "B/USDT": still([])})
    assert panel.own[1].tolist() == [-1, -1]
    assert panel.missing == (0, 0)
    assert np.isnan(panel.closes(1)).all()


def test_the_length_of_a_bar_is_given_or_the_shortest_step(still):
    bars = {"A/USDT": still([1, 2, 3], [0, 4, 6])}
    assert align(bars).length == 2 * HOUR
    assert align(bars, timeframe=parse_timeframe("1h")).length == HOUR
    assert align({"A/USDT": still([1])}).length == 0


def test_canonical_is_by_name(still):
    panel = align({"C/USDT": still([1]), "A/USDT": still([1]), "B/USDT": still([1])})
    assert panel.canonical == (1, 2, 0)


def test_bad_bars_name_their_symbol(still):
    with pytest.raises(DataError) as caught:
        align({"A/USDT": still([1, 2]), "B/USDT": still([1, 0])})
    assert caught.value.code == "BAD_BARS"
    assert caught.value.message.startswith("B/USDT: bar 1")
    assert caught.value.facts["symbol"] == "B/USDT"


def test_no_instruments_and_unknown_ones_are_refused(still):
    with pytest.raises(UserError) as nothing:
        align({})
    assert nothing.value.code == "NO_INSTRUMENTS"
    rates = FundingRates(np.array([0]), np.array([0.1]))
    with pytest.raises(UserError) as strange:
        align({"A/USDT": still([1])}, funding={"B/USDT": rates})
    assert strange.value.code == "UNKNOWN_INSTRUMENT"
    assert "B/USDT" in strange.value.message
