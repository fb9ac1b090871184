"""Classes in the shape of backtesting.py."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from tallow.core.decisions import carry_out, decide_all
from tallow.core.engine import run_path
from tallow.core.indicators import macd, sma
from tallow.core.strategies import Outbox
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution
from tallow.domain.sent import Sent
from tallow.runners.adapters.backtesting import Data, Strategy, cross, crossover, decider
from tallow.runners.frames import to_frame


@dataclass(frozen=True)
class Wallet:
    position: float = 0.0
    equity: float = 1_000.0
    cash: float = 1_000.0
    entry_price: float = 0.0


FLAT = Wallet()


def answers(strategy, bars, rows=None, wallet=FLAT):
    decide = decider(strategy, {}, bars)
    return [decide(row, wallet) for row in range(len(bars) if rows is None else rows)]


def doing(action, setup=lambda self: None):
    return type("Doing", (Strategy,), {"init": setup, "next": action})


@pytest.mark.parametrize(
    ("action", "target"),
    [
        (lambda self: self.buy(), 1.0),
        (lambda self: self.buy(size=0.25), 0.25),
        (lambda self: self.buy(size=0.25, sl=None, tp=None, limit=None, stop=None, tag="x"), 0.25),
        (lambda self: self.sell(), -1.0),
        (lambda self: self.sell(size=0.5), -0.5),
        (lambda self: (self.buy(), self.position.close()), 0.0),
        (lambda self: (self.position.close(), self.buy()), 1.0),
        (lambda self: None, np.nan),
    ],
)
def test_orders_are_targets(bars, action, target):
    found = answers(doing(action), bars, rows=3)
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx([target] * 2, nan_ok=True)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda self: self.buy(exclusive=True), "self.buy(exclusive=...)"),
        (lambda self: self.buy(size=1.5), "self.buy(size=1.5)"),
        (lambda self: self.buy(size=0), "self.buy(size=0)"),
        (lambda self: self.sell(size=-0.5), "self.sell(size=-0.5)"),
        (lambda self: self.position.close(0.5), "position.close(0.5)"),
        (lambda self: self.trades, "self.trades"),
        (lambda self: self.closed_trades, "self.closed_trades"),
    ],
)
def test_what_has_no_equal_is_named(bars, action, words):
    with pytest.raises(UserError) as caught:
        answers(doing(action), bars, rows=3)
    assert caught.value.code == "NOT_CARRIED_OVER"
    assert words in caught.value.message
    assert caught.value.facts["instead"]


def test_data_is_whole_in_init_and_past_in_next(bars):
    seen = []

    def setup(self):
        seen.append((len(self.data), len(self.data.Close), self.data.df.shape, self.data.index[-1]))

    def action(self):
        data = self.data
        assert len(data) == len(data.Close) == len(data["Volume"]) == len(data.df) == len(data.index)
        assert data.Close[-1] == bars.close[len(data) - 1]
        assert float(data.Open) == data.Open[-1]
        assert data.High.s.index[-1] == data.df.index[-1] == data.index[-1]
        with pytest.raises(ValueError, match="read-only"):
            data.Low[0] = 1.0
        seen.append(len(data))

    answers(doing(action, setup), bars)
    assert seen[0] == (len(bars), len(bars), (len(bars), 5), to_frame(bars).index[-1])
    assert seen[1:] == list(range(2, len(bars) + 1))
    with pytest.raises(AttributeError, match="no column 'Spread'"):
        _ = Data(bars).Spread


@pytest.mark.parametrize(
    "made",
    [
        lambda self: self.I(sma, self.data.Close, 5),
        lambda self: self.I(lambda close, window: sma(np.asarray(close), window).tolist(), self.data.Close, window=5),
        lambda self: self.I(lambda: pd.Series(sma(np.asarray(self.data.Close), 5)), name="x", plot=False),
        lambda self: self.I(sma, self.I(lambda close: close, self.data.Close), 5, overlay=True, color="red"),
        lambda self: self.I(lambda close: close.s.rolling(5).mean(), self.data.Close),
    ],
)
def test_an_indicator_is_shown_up_to_the_current_bar(bars, made):
    expected, seen = sma(bars.close, 5), []

    def setup(self):
        self.line = made(self)

    def action(self):
        line, row = self.line, len(self.data) - 1
        assert len(line) == row + 1
        assert line[-1] == float(line) == pytest.approx(expected[row])
        assert bool(line > 0.0)
        assert not bool(line < np.asarray(line))
        assert bool(line)
        assert np.array_equal(np.asarray(line * 2.0), 2.0 * np.asarray(line), equal_nan=True)
        assert line.shape == (row + 1,)
        seen.append(row)

    answers(doing(action, setup), bars)
    assert seen[0] == 5
    assert seen[-1] == len(bars) - 1


def test_several_lines_are_given_one_by_one(bars):
    seen = []

    def setup(self):
        self.line, self.signal, self.histogram = self.I(macd, self.data.Close, 3, 6, 2)
        self.low, self.high = self.I(lambda: pd.DataFrame({"low": bars.low, "high": bars.high}))

    def action(self):
        seen.append((self.signal[-1], self.high[-1]))

    answers(doing(action, setup), bars)
    signal = macd(bars.close, 3, 6, 2).signal
    first = int(np.flatnonzero(~np.isnan(signal))[0]) + 1
    assert seen == list(zip(signal[first:], bars.high[first:], strict=True))


def test_nothing_is_decided_before_every_indicator_has_a_value(bars):
    def setup(self):
        self.never = self.I(lambda close: close * np.nan, self.data.Close)

    assert np.isnan(answers(doing(lambda self: self.buy(), setup), bars)).all()


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (lambda close: close[1:], "shape"),
        (lambda close: 1.0, "shape"),
        (lambda close: np.ones((2, 2, len(close))), "shape"),
        (lambda close: ["x"] * len(close), "not numeric"),
    ],
)
def test_an_indicator_without_a_number_a_bar_is_refused(bars, output, words):
    def setup(self):
        self.I(output, self.data.Close)

    with pytest.raises(UserError, match=words) as caught:
        decider(doing(lambda self: None, setup), {}, bars)
    assert caught.value.code == "BAD_OUTPUT"


def test_an_indicator_is_declared_in_init_alone(bars):
    with pytest.raises(UserError, match="declared in next") as caught:
        answers(doing(lambda self: self.I(sma, self.data.Close, 5)), bars, rows=2)
    assert caught.value.code == "BAD_STRATEGY"


def test_the_position_is_that_of_the_account(bars):
    seen = []

    def action(self):
        position = self.position
        seen.append((bool(position), position.size, position.is_long, position.is_short, position.pl, self.equity))
        assert position.pl_pct == pytest.approx(position.pl / 100.0 if position else 0.0)

    close = float(bars.close[1])
    for wallet in (Wallet(2.0, 900.0, 0.0, 50.0), Wallet(-2.0, 900.0, 0.0, 50.0), Wallet()):
        answers(doing(action), bars, rows=2, wallet=wallet)
    gain = 2.0 * (close - 50.0)
    assert seen == [
        (True, 2.0, True, False, pytest.approx(gain), 900.0),
        (True, -2.0, False, True, pytest.approx(-gain), 900.0),
        (False, 0.0, False, False, 0.0, 1_000.0),
    ]


def test_after_a_stop_the_same_order_enters_again(bars):
    once = run_path(bars, decider(doing(lambda self: self.buy()), {}, bars), Execution(stop_loss=0.02), cash=1_000.0)
    assert len(once.trades) > 2


def test_class_attributes_are_parameters(bars):
    class Sized(Strategy):
        part = 0.5

        def next(self):
            self.buy(size=self.part)

    assert decider(Sized, {"part": "0.25"}, bars)(1, FLAT) == 0.25
    with pytest.raises(UserError) as caught:
        decider(Sized, {"parts": 0.25}, bars)
    assert caught.value.code == "UNKNOWN_PARAMETER"


def test_a_class_without_next_says_so(bars):
    class Nothing(Strategy):
        pass

    with pytest.raises(NotImplementedError, match="Nothing has no method next"):
        answers(Nothing, bars)
    with pytest.raises(AttributeError, match="no attribute 'volume'"):
        _ = Nothing(Data(bars)).volume


@pytest.mark.parametrize(
    ("one", "other", "up", "either"),
    [
        ([1.0, 3.0], [2.0, 2.0], True, True),
        ([3.0, 1.0], [2.0, 2.0], False, True),
        ([2.0, 3.0], [2.0, 2.0], False, False),
        ([1.0, 3.0], 2, True, True),
        (2.0, [3.0, 1.0], True, True),
        (pd.Series([1.0, 3.0], index=[5, 6]), np.array([2.0, 2.0]), True, True),
        ([3.0], [2.0], False, False),
        ([np.nan, 3.0], [2.0, 2.0], False, False),
    ],
)
def test_crossings(one, other, up, either):
    assert crossover(one, other) is up
    assert cross(one, other) is either


COSTS = Execution(maker_fee=0.0, taker_fee=0.001)


def sent_by(strategy, bars, execution=COSTS):
    """What a strategy sent, and what became of its orders."""
    outbox = Outbox()
    decided = decide_all(bars, (decider(strategy, {}, bars, (outbox, execution)), outbox), execution, cash=1_000.0)
    assert isinstance(decided, Sent)
    return decided, carry_out(bars, decided, execution, cash=1_000.0)


def at(row, action):
    return doing(lambda self: action(self) if len(self.data) == row + 1 else None)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (lambda self: self.buy(size=2), "buy 2 market"),
        (lambda self: self.buy(size=2, limit=40.0), "buy 2 limit 40"),
        (lambda self: self.sell(size=3, stop=40.0), "sell 3 stop 40"),
        (lambda self: self.buy(size=2, limit=61.0, stop=60.0), "buy 2 stop limit 60 61"),
        (lambda self: self.buy(size=0.5, limit=40.04, tag="x"), "buy 12.47503745 limit 40.04"),  # 500 / 40.04 / 1.001
        (
            lambda self: self.buy(size=2, limit=40.0, sl=38.0, tp=44.0),
            "buy 2 limit 40; sell 2 stop 38 reduce only group -1 parent 1; "
            "sell 2 limit 44 reduce only group -1 parent 1",
        ),
        (
            lambda self: self.sell(size=2, limit=60.0, sl=66.0),
            "sell 2 limit 60; buy 2 stop 66 reduce only parent 1",
        ),
        (
            lambda self: self.buy(size=2, limit=40.0, tp=44.0),
            "buy 2 limit 40; sell 2 limit 44 reduce only parent 1",
        ),
    ],
)
def test_orders_with_units_or_prices_are_sent(bars, action, words):
    decided, _ = sent_by(at(5, action), bars)
    assert decided.words(5) == words
    assert decided.row.tolist() == [5] * len(decided.row)


def test_a_fraction_at_the_market_with_exits_is_a_target_that_they_guard(bars):
    close = bars.close[5]
    decided, done = sent_by(at(5, lambda self: self.buy(sl=close * 0.9, tp=close * 1.02)), bars)
    assert decided.words(5).startswith("target 1; sell ")
    trades = done.run.trades
    assert trades.entry_row.tolist() == [6]
    assert done.run.position[-1] == 0.0  # the exits take the whole of it
    assert trades.reason[0] in (1, 2)


def test_orders_are_seen_and_cancelled(bars):
    seen = []

    def action(self):
        if len(self.data) == 3:
            self.kept = self.buy(size=2, limit=1.0, tag="low")
        elif len(self.data) == 4:
            seen.extend((order.id, order.size, order.tag, order.is_long, order.is_short) for order in self.orders)
            self.orders[0].cancel()
        elif len(self.data) == 5:
            seen.append(self.orders)

    decided, done = sent_by(doing(action), bars)
    assert seen == [(1, 2.0, "low", True, False), ()]
    assert decided.words(3) == "cancel 1"
    assert done.orders[0].reason == "asked"


def test_targets_go_on_behind_orders(bars):
    def action(self):
        if len(self.data) == 3:
            self.buy(size=2)
        elif len(self.data) > 5:
            self.position.close()

    decided, done = sent_by(doing(action), bars)
    assert [decided.words(row) for row in sorted(set(decided.row.tolist()))] == ["buy 2 market", "target 0"]
    assert done.run.position[-1] == 0.0


def test_after_a_stop_of_the_run_a_target_is_sent_again(bars):
    def action(self):
        if len(self.data) == 3:
            self.buy(size=1, limit=1.0).cancel()
        elif len(self.data) > 5:
            self.buy()

    once, done = sent_by(doing(action), bars, Execution(stop_loss=0.02))
    assert len(done.run.trades) > 2
    assert len(once.row) == len(done.run.trades) + 2 + (done.run.position[-1] == 0.0)


@pytest.mark.parametrize("options", [{"sl": 41.0}, {"tp": 39.0}, {"sl": -1.0}])
def test_exits_on_the_wrong_side_are_refused(bars, options):
    with pytest.raises(UserError) as caught:
        sent_by(at(5, lambda self: self.buy(size=2, limit=40.0, **options)), bars)
    assert caught.value.code == "BAD_ORDER"
