"""Classes see the same candles as functions do, and indicators over them have one value a candle."""

from dataclasses import dataclass

import numpy as np
import pytest

from tallow.core.indicators import ema, macd, sma
from tallow.core.strategies import Strategy, decider, finished, higher
from tallow.domain.errors import UserError
from tallow.domain.timeframes import HOUR, parse_timeframe


@dataclass(frozen=True)
class Wallet:
    position: float = 0.0
    equity: float = 100.0
    cash: float = 100.0
    entry_price: float = 0.0


class Watcher(Strategy):
    """Writes down what it sees."""

    developing = False

    def init(self):
        self.seen = []
        self.above = self.higher("4h", developing=self.developing)
        self.declare()

    def declare(self):
        pass

    def see(self):
        return self.above.close[-1]

    def next(self):
        self.target = self.see()


def sights(strategy, bars, timeframe=None):
    decide = decider(strategy, {}, bars, timeframe)
    return np.array([decide(row, Wallet()) for row in range(len(bars))])


def shifted(bars, hours):
    return type(bars)(bars.time + hours * HOUR, *(getattr(bars, name) for name in list(vars(bars))[1:]))


@pytest.mark.parametrize("hours", [0, 1, 3])
@pytest.mark.parametrize("developing", [False, True])
def test_the_last_candle_is_that_of_the_function_form(walk, developing, hours):
    bars = shifted(walk(60), hours)[np.arange(60) % 7 != 5]
    Form = type("Form", (Watcher,), {"_developing": developing, "init": with_developing(developing)})
    expected = higher(bars, "4h", base="1h", developing=developing).close
    assert np.array_equal(sights(Form, bars, parse_timeframe("1h")), expected, equal_nan=True)


def with_developing(developing):
    def init(self):
        self.above = self.higher("4h", developing=developing)
        self.declare()

    return init


@pytest.mark.parametrize("function", [sma, ema, lambda values, window: sma(values, window)])
def test_an_indicator_has_one_value_a_candle(walk, function):
    class Trend(Watcher):
        def declare(self):
            self.trend = self.indicator(function, self.above.close, 3)

        def see(self):
            return self.trend[-1]

    bars = walk(60)
    done = finished(bars, parse_timeframe("4h"))
    expected = done.align((ema if function is ema else sma)(done.candles.close, 3))
    assert np.array_equal(sights(Trend, bars), expected, equal_nan=True)


def test_an_indicator_with_several_lines_over_an_indicator_of_candles(walk):
    class Lines(Watcher):
        def declare(self):
            self.smooth = self.indicator(sma, self.above.close, 2)
            self.lines = self.indicator(macd, self.smooth, 2, 3, 2)

        def see(self):
            assert len(self.lines.signal) == len(self.above)
            return self.lines.signal[-1]

    bars = walk(60)
    done = finished(bars, parse_timeframe("4h"))
    expected = done.align(macd(sma(done.candles.close, 2), 2, 3, 2).signal)
    assert np.array_equal(sights(Lines, bars), expected, equal_nan=True)


def test_an_indicator_over_a_growing_candle_takes_it_as_the_last(walk):
    class Growing(Watcher):
        init = with_developing(True)

        def declare(self):
            self.trend = self.indicator(sma, self.above.close, 3)
            self.count = self.indicator(lambda candles: np.array([float(len(candles))]), self.above)
            self.named = self.indicator(lambda close: close, self.above, lookback=1)

        def see(self):
            return self.trend[-1] if self.count[-1] == len(self.above) else np.inf

    bars = walk(30)
    done, grown = finished(bars, parse_timeframe("4h")), higher(bars, "4h", developing=True).close
    for row, value in enumerate(sights(Growing, bars)):
        closes = [*done.candles.close[: row // 4], grown[row]]
        assert np.array_equal(value, sma(np.array(closes), 3)[-1], equal_nan=True)


def test_candles_before_the_first_are_nan_and_counted(walk):
    class Early(Watcher):
        def see(self):
            assert len(self.above) == len(self.above.close.values)
            assert len(self.above) == (len(self.bars)) // 4
            assert list(self.above.time) == [4 * HOUR * place for place in range(len(self.above))]
            return self.above.close[-2]

    bars = walk(20)
    closes = finished(bars, parse_timeframe("4h")).candles.close
    expected = [np.nan] * 7 + [closes[0]] * 4 + [closes[1]] * 4 + [closes[2]] * 4 + [closes[3]]
    assert np.array_equal(sights(Early, bars), expected, equal_nan=True)


def test_columns_of_two_timeframes_are_no_arguments_of_one_indicator(walk):
    def declared(declare):
        return type("Mixed", (Watcher,), {"declare": declare})

    wrong = (
        lambda self: self.indicator(np.add, self.above.close, self.bars.close),
        lambda self: self.indicator(np.add, self.above.close, self.indicator(sma, self.bars.close, 2)),
        lambda self: self.indicator(np.add, self.above.close, self.higher("8h").close),
        lambda self: self.indicator(lambda one, two: two, self.bars, self.above),
    )
    for declare in wrong:
        with pytest.raises(UserError, match="different timeframes") as caught:
            decider(declared(declare), {}, walk(20))
        assert caught.value.code == "BAD_STRATEGY"


def test_a_timeframe_is_declared_in_init_alone(walk):
    class Late(Strategy):
        def next(self):
            self.higher("4h")

    with pytest.raises(UserError, match="declared in next") as caught:
        decider(Late, {}, walk(4))(0, Wallet())
    assert caught.value.code == "BAD_STRATEGY"


def test_a_column_that_candles_have_not_is_an_attribute_error(walk):
    class Wrong(Watcher):
        def declare(self):
            _ = self.above.price

    with pytest.raises(AttributeError, match="no column 'price'"):
        decider(Wrong, {}, walk(4))


def test_bars_that_do_not_add_up_are_refused(walk):
    class Finer(Strategy):
        def init(self):
            self.higher("30m")

    with pytest.raises(UserError) as caught:
        decider(Finer, {}, walk(4))
    assert caught.value.code == "CANNOT_RESAMPLE"
