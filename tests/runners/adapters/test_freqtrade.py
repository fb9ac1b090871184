"""Classes in the shape of freqtrade."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from tallow.core.engine import run_path
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution
from tallow.domain.timeframes import parse_timeframe
from tallow.runners.adapters.freqtrade import IStrategy, crossed_above, crossed_below, decider, declared
from tallow.runners.adapters.refusals import Setting
from tallow.runners.higher import higher


@dataclass
class Wallet:
    position: float = 0.0
    equity: float = 1_000.0
    cash: float = 1_000.0
    entry_price: float = 0.0


def signalling(columns, **attributes):
    """A class whose signals are those columns, given as rows that are 1."""

    def entry(self, dataframe, metadata):
        for name, rows in columns.items():
            dataframe.loc[dataframe.index.isin(rows), name] = 1
        return dataframe

    return type("Signals", (IStrategy,), {"populate_entry_trend": entry, **attributes})


def answers(strategy, bars, count=8, parameters=None):
    """Targets of the first rows, for an account that has what was asked for."""
    decide, wallet, found = decider(strategy, parameters or {}, bars, Setting()), Wallet(), []
    for row in range(count):
        found.append(decide(row, wallet))
        if not np.isnan(found[-1]):
            wallet = Wallet(found[-1], cash=1_000.0 + row)
    return found


@pytest.mark.parametrize(
    ("columns", "attributes", "expected"),
    [
        ({"enter_long": [1], "exit_long": [3]}, {}, {1: 1.0, 3: 0.0}),
        ({"enter_long": [1, 2, 5], "exit_long": [2, 4]}, {}, {1: 1.0, 4: 0.0, 5: 1.0}),
        ({"enter_long": [1], "exit_long": [1]}, {}, {}),
        ({"enter_long": [1, 4], "exit_long": [3]}, {"use_exit_signal": False}, {1: 1.0}),
        ({"enter_long": [1, 4], "exit_long": [5]}, {"startup_candle_count": 4}, {4: 1.0, 5: 0.0}),
        ({"enter_short": [1], "exit_short": [3]}, {}, {}),
        ({"enter_short": [1], "exit_short": [3]}, {"can_short": True}, {1: -1.0, 3: 0.0}),
        ({"enter_short": [1, 3], "exit_short": [3]}, {"can_short": True}, {1: -1.0}),
        ({"enter_long": [1], "enter_short": [1]}, {"can_short": True}, {}),
        ({"enter_long": [1], "exit_long": [3], "enter_short": [3, 4]}, {"can_short": True}, {1: 1.0, 3: -1.0}),
        ({"enter_short": [1], "exit_short": [3], "enter_long": [3]}, {"can_short": True}, {1: -1.0, 3: 1.0}),
        ({"enter_long": [1], "enter_short": [3]}, {"can_short": True}, {1: 1.0}),
        ({}, {}, {}),
    ],
)
def test_signals_are_targets(bars, columns, attributes, expected):
    found = answers(signalling(columns, **attributes), bars)
    assert {row: value for row, value in enumerate(found) if not np.isnan(value)} == expected


def test_after_a_protective_exit_the_next_entry_signal_counts_again(bars):
    always = signalling({"enter_long": range(len(bars))})
    done = run_path(bars, decider(always, {}, bars, Setting()), Execution(stop_loss=0.02), cash=1_000.0)
    assert len(done.trades) > 2
    once = signalling({"enter_long": [40]})
    done = run_path(bars, decider(once, {}, bars, Setting()), Execution(stop_loss=0.02), cash=1_000.0)
    assert len(done.trades) == 1


def test_the_frame_has_dates_and_says_its_timeframe(bars):
    seen = {}

    class Looks(IStrategy):
        window = 4

        def populate_indicators(self, dataframe, metadata):
            seen.update(metadata, columns=list(dataframe.columns), first=dataframe["date"].iloc[0])
            dataframe["above"] = higher(dataframe, f"{self.window}h")["close"]
            seen["above"] = dataframe["above"].to_numpy()
            return dataframe

        def populate_entry_trend(self, dataframe, metadata):
            metadata["pair"] = "changed"
            return dataframe

        def populate_exit_trend(self, dataframe, metadata):
            seen["again"] = metadata["pair"]
            return dataframe

    decider(Looks, {"window": "8"}, bars, Setting(parse_timeframe("1h"), "BTC/USDT"))
    assert seen["pair"] == seen["again"] == "BTC/USDT"
    assert seen["columns"] == ["date", "open", "high", "low", "close", "volume"]
    assert seen["first"] == pd.Timestamp("1970-01-01", tz="UTC")
    assert np.array_equal(seen["above"], higher(bars, "8h").close, equal_nan=True)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, {}),
        ({"timeframe": "5m", "can_short": True}, {"timeframe": "5m", "short": True}),
        ({"stoploss": -0.1}, {"stop_loss": 0.1}),
        ({"stoploss": -0.1, "trailing_stop": True}, {"trailing_stop": 0.1}),
        ({"minimal_roi": {"0": 0.04}}, {"take_profit": 0.04}),
        ({"minimal_roi": {}, "trailing_stop": False, "trailing_stop_positive": None}, {}),
        ({"process_only_new_candles": True, "INTERFACE_VERSION": 3, "order_types": {"entry": "limit"}}, {}),
    ],
)
def test_what_a_class_says_of_its_trading_becomes_options(attributes, expected):
    assert declared(signalling({}, **attributes)) == expected


@pytest.mark.parametrize(
    ("attributes", "code", "words"),
    [
        ({"minimal_roi": {"0": 0.1, "30": 0.05}}, "NOT_CARRIED_OVER", "minimal_roi by age"),
        ({"minimal_roi": {"0": 0.0}}, "BAD_STRATEGY", "minimal_roi at 0"),
        ({"stoploss": 0.1}, "BAD_STRATEGY", "stoploss = 0.1"),
        ({"trailing_stop": True}, "BAD_STRATEGY", "trailing_stop without stoploss"),
        ({"trailing_stop_positive": 0.01}, "NOT_CARRIED_OVER", "trailing_stop_positive"),
        ({"use_custom_stoploss": True}, "NOT_CARRIED_OVER", "use_custom_stoploss"),
        ({"custom_stoploss": lambda self: 1}, "NOT_CARRIED_OVER", "Signals.custom_stoploss"),
        ({"informative_pairs": lambda self: []}, "NOT_CARRIED_OVER", "Signals.informative_pairs"),
        ({"leverage": lambda self: 3}, "NOT_CARRIED_OVER", "Signals.leverage"),
        ({"populate_buy_trend": lambda self: 3}, "NOT_CARRIED_OVER", "Signals.populate_buy_trend"),
    ],
)
def test_what_has_no_equal_is_named(attributes, code, words):
    with pytest.raises(UserError) as caught:
        declared(signalling({}, **attributes))
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.facts


@pytest.mark.parametrize("name", ["dp", "wallets"])
def test_what_a_strategy_cannot_reach_is_named(bars, name):
    reaching = type("Reaching", (IStrategy,), {"populate_indicators": lambda self, frame, _: getattr(self, name)})
    with pytest.raises(UserError, match=f"self.{name}") as caught:
        decider(reaching, {}, bars, Setting())
    assert caught.value.code == "NOT_CARRIED_OVER"


@pytest.mark.parametrize("output", [None, lambda frame: frame.iloc[1:], lambda frame: frame["close"]])
def test_a_method_that_gives_no_frame_is_refused(bars, output):
    given = (lambda self, frame, _: None) if output is None else (lambda self, frame, _: output(frame))
    with pytest.raises(UserError, match="populate_entry_trend gives no frame") as caught:
        decider(type("Empty", (IStrategy,), {"populate_entry_trend": given}), {}, bars, Setting())
    assert caught.value.code == "BAD_OUTPUT"


def test_a_class_without_entries_says_so(bars):
    with pytest.raises(NotImplementedError, match="has no method populate_entry_trend"):
        decider(type("Nothing", (IStrategy,), {}), {}, bars, Setting())


def test_settings_are_no_parameters(bars):
    with pytest.raises(UserError) as caught:
        decider(signalling({}, stoploss=-0.1), {"stoploss": -0.2}, bars, Setting())
    assert caught.value.code == "UNKNOWN_PARAMETER"


def test_crossings_by_column():
    one = pd.Series([1.0, 3.0, 2.0, 1.0, np.nan, 3.0])
    assert crossed_above(one, 2.0).tolist() == [False, True, False, False, False, False]
    assert crossed_below(one, 2.0).tolist() == [False, False, False, True, False, False]
    assert crossed_above(one, pd.Series([2.0] * 6)).tolist() == crossed_above(one, 2).tolist()
    assert crossed_below(one, pd.Series([2.0] * 6)).tolist() == crossed_below(one, 2).tolist()
