import numpy as np
import pytest

from tallow.core import indicators
from tallow.core.strategies.timeline import Past, Timeline
from tallow.domain.columns import COLUMNS
from tallow.domain.errors import TerminalError, UserError


def test_the_past_grows_and_cannot_be_written(walk):
    bars = walk(10)
    timeline = Timeline(bars)
    past = timeline.past
    assert len(past) == len(past.close) == 0
    timeline.advance(3)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(past, name), getattr(bars, name)[:4])
        with pytest.raises(ValueError, match="read-only"):
            getattr(past, name)[0] = 1
    assert past.last(2).close.tolist() == bars.close[2:4].tolist()
    assert len(past.last(None)) == 4


def test_no_memory_behind_the_past_holds_the_future(walk):
    bars = walk(10)
    timeline = Timeline(bars)
    line = timeline.declare(indicators.sma, (timeline.past.close, 2), None)
    timeline.advance(3)
    assert np.isnan(timeline.past.close.base[4:]).all()
    assert np.isnan(line.values.base[4:]).all()
    assert (timeline.past.time.base[4:] == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        line.values[0] = 1


def test_an_unknown_column_is_named():
    with pytest.raises(AttributeError, match="no column 'Close'; there are time, open"):
        Past(1).Close  # noqa: B018


@pytest.mark.parametrize("row", [0, 2])
def test_a_row_is_shown_once(walk, row):
    timeline = Timeline(walk(5))
    timeline.advance(2)
    with pytest.raises(TerminalError) as caught:
        timeline.advance(row)
    assert caught.value.code == "ROWS_OUT_OF_ORDER"


def test_lines_show_the_indicator_up_to_now(walk):
    bars = walk(60)
    timeline = Timeline(bars)
    past = timeline.past
    average = timeline.declare(indicators.sma, (past.close, 5), None)
    by_name = timeline.declare(indicators.sma, ("close", 5), None)
    double = timeline.declare(indicators.ema, (average, 3), None)
    lines = timeline.declare(indicators.macd, (past.close, 3, 6, 4), None)
    own = timeline.declare(lambda column, n: column * n, (past.high, 2), None)
    over = timeline.declare(lambda line: line - 1, (average,), None)
    tail = timeline.declare(lambda column, line: column + line, ("low", average), 3)
    whole = timeline.declare(lambda b: b.high - b.low, (past,), None)
    part = timeline.declare(lambda b: b.high - b.low, (past,), 2)
    expected = indicators.macd(bars.close, 3, 6, 4)
    for row in (0, 9, 10, 30, 59):
        timeline.advance(row)
        rows = slice(row + 1)
        sma = indicators.sma(bars.close, 5)
        np.testing.assert_array_equal(average, sma[rows])
        np.testing.assert_array_equal(by_name, sma[rows])
        np.testing.assert_array_equal(double, indicators.ema(sma, 3)[rows])
        np.testing.assert_array_equal(lines.signal, expected.signal[rows])
        np.testing.assert_array_equal(own, bars.high[rows] * 2)
        np.testing.assert_array_equal(over, sma[rows] - 1)
        np.testing.assert_array_equal(tail, (bars.low + sma)[rows][-3:])
        np.testing.assert_array_equal(whole, (bars.high - bars.low)[rows])
        np.testing.assert_array_equal(part, (bars.high - bars.low)[rows][-2:])
        assert len(average) == row + 1
        assert [float(value) for value in own] == own.values.tolist()
        np.testing.assert_equal(lines.line[-1], expected.line[row])
    with pytest.raises(AttributeError):
        lines._missing  # noqa: B018


def test_a_function_that_looks_ahead_sees_nothing(walk):
    bars = walk(20)
    timeline = Timeline(bars)
    ahead = timeline.declare(lambda column: np.append(column[1:], np.nan), (timeline.past.close,), None)
    largest = timeline.declare(lambda column: np.full(len(column), column.max()), ("close",), None)
    for row in range(20):
        timeline.advance(row)
        assert np.isnan(ahead[-1])
        assert largest[-1] == bars.close[: row + 1].max()


def test_a_function_runs_at_most_once_a_bar_and_only_when_read(walk):
    calls = []
    timeline = Timeline(walk(5))
    line = timeline.declare(lambda column: calls.append(len(column)) or column, ("close",), None)
    for row in range(5):
        timeline.advance(row)
        if row != 2:
            assert line[-1] == line[-1]
    assert calls == [1, 2, 4, 5]


def test_an_array_that_is_no_column_is_refused(walk):
    timeline = Timeline(walk(5))
    with pytest.raises(UserError, match="no column of the bars") as caught:
        timeline.declare(indicators.sma, (timeline.past.high - timeline.past.low, 3), None)
    assert caught.value.code == "BAD_STRATEGY"


def test_a_line_as_array_has_the_type_asked_for(walk):
    timeline = Timeline(walk(5))
    line = timeline.declare(indicators.sma, ("close", 1), None)
    timeline.advance(4)
    assert np.asarray(line, np.float32).dtype == np.float32


@pytest.mark.parametrize("place", [-4, 3])
def test_a_place_outside_a_line_is_an_index_error(walk, place):
    timeline = Timeline(walk(9))
    line = timeline.declare(indicators.sma, ("close", 2), None)
    timeline.advance(2)
    assert line[-3:].tolist()[1:] == [line[1], line[2]]
    with pytest.raises(IndexError):
        line[place]
