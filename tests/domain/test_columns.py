import numpy as np

from tallow.domain.columns import COLUMNS, Bars, FundingRates, Ticks


def test_what_a_source_does_not_tell_is_nan() -> None:
    column = np.array([1.0, 2.0])
    bars = Bars.of(np.array([0, 1]), (column, column, column, column, column), trades=np.array([3, 4]))
    assert len(bars) == 2
    assert bars.trades.tolist() == [3.0, 4.0]
    assert bars.trades.dtype == np.float64
    assert np.isnan(bars.quote_volume).all()
    assert bars.time.dtype == np.int64


def test_rows_are_taken_from_every_column() -> None:
    column = np.arange(4.0)
    bars = Bars.of(np.arange(4), (column, column, column, column, column))[1:3]
    assert [len(getattr(bars, name)) for name in COLUMNS] == [2] * 10
    assert bars.close.tolist() == [1.0, 2.0]
    picked = bars[np.array([False, True])]
    assert picked.time.tolist() == [2]


def test_ticks_and_funding_have_lengths() -> None:
    times, values, flags = np.arange(3), np.arange(3.0), np.array([True, False, True])
    ticks = Ticks(times, times, times, values, values, flags)[:2]
    assert len(ticks) == 2
    assert ticks.buyer_is_maker.tolist() == [True, False]
    assert len(FundingRates(times, values)) == 3
