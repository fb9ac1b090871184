import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from tallow.core.engine import run, run_path
from tallow.core.strategies import BUILT_IN, decider
from tallow.core.strategies import Strategy as EventStrategy
from tallow.domain.errors import UserError
from tallow.domain.market import parse_symbol
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import parse_timeframe
from tallow.runners.adapters import Setting
from tallow.runners.inline import (
    Conditions,
    clock_moved,
    conditions_of,
    evaluate,
    is_event_driven,
    load,
    location,
    probe,
    under,
    with_declared,
)

CROSS = """
    def signals(bars, *, fast=3, slow=8, long_only=True):
        side = bars.close.rolling(fast).mean() > bars.close.rolling(slow).mean()
        return side.astype(float) if long_only else side * 2.0 - 1.0
"""
HOLDER = """
    from tallow.core.strategies import Strategy

    class Holder(Strategy):
        after = 5

        def next(self):
            if len(self.bars) > self.after and self.position == 0:
                self.buy()
            elif self.position > 0 and self.equity < 0.8 * START:
                self.close_position()

    START = 1_000.0
"""


def test_a_file_strategy_has_name_source_parameters_and_targets(write, bars):
    strategy = load(write(CROSS), {"fast": "4", "long_only": "no"})
    assert strategy.name == "mine"
    assert "rolling(fast)" in strategy.source
    assert strategy.parameters == {"fast": 4, "slow": 8, "long_only": False}
    targets = strategy.targets(bars)
    assert set(targets) == {-1.0, 1.0}
    assert len(targets) == len(bars)


def test_a_built_in_strategy_is_found_by_name(bars):
    strategy = load("sma_cross", {"fast": 5, "slow": 20})
    assert np.array_equal(strategy.targets(bars), BUILT_IN["sma_cross"](bars, fast=5, slow=20), equal_nan=True)
    assert "def sma_cross" in strategy.source
    assert location(strategy) == "sma_cross"
    assert np.array_equal(probe(strategy)(bars), strategy.targets(bars), equal_nan=True)
    assert clock_moved(strategy) == []
    assert not is_event_driven(strategy)


def test_a_class_strategy_trades_through_the_engine(write, bars):
    strategy = load(write(HOLDER), {"after": "10"})
    assert is_event_driven(strategy)
    assert strategy.parameters == {"after": 10}
    one = evaluate(strategy, bars, Execution(), 1_000.0)
    assert np.flatnonzero(one == 1.0)[0] == 10
    other = evaluate(strategy, bars, Execution(taker_fee=0.3), 1_000.0)
    assert not np.array_equal(one, other, equal_nan=True)
    assert len(strategy.targets(bars)) == len(bars)


def test_conditions_matter_to_class_strategies_alone(write, bars):
    strategy = load(write(CROSS))
    assert under(strategy, Conditions(cash=5.0)) is strategy
    assert np.array_equal(evaluate(strategy, bars, Execution(), 5.0), strategy.targets(bars))


def test_nothing_is_kept_between_calls(write, bars):
    strategy = load(write("seen = []\ndef signals(bars):\n    seen.append(1)\n    return [len(seen)] * len(bars)\n"))
    assert strategy.targets(bars)[0] == 1
    assert strategy.targets(bars)[0] == 1


def test_prints_and_warnings_stay_inside(write, bars, capsys):
    text = (
        "import warnings\ndef signals(bars):\n    print('hello')\n    warnings.warn('x')\n    return [0] * len(bars)\n"
    )
    load(write(text)).targets(bars)
    assert capsys.readouterr().out == ""


def test_infinities_are_refused_but_may_be_looked_at(write, bars):
    strategy = load(write("def signals(bars):\n    return bars.close / 0\n"))
    assert np.isinf(probe(strategy)(bars)).all()
    with pytest.raises(UserError) as raised:
        strategy.targets(bars)
    assert raised.value.code == "BAD_OUTPUT"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def signals(bars):\n    x = 1\n    return bars.nothing\n", r"mine\.py:3: AttributeError"),
        ("def f(x):\n    return 1 / x\ndef signals(bars):\n    return f(0)\n", r"mine\.py:2: ZeroDivisionError"),
        ("import sys\ndef signals(bars):\n    sys.exit()\n", r"mine\.py:3: SystemExit"),
        ("def signals(bars):\n    raise KeyError\n", r"mine\.py:2: KeyError"),
    ],
)
def test_what_a_strategy_raises_is_reported_with_its_line(write, bars, text, message):
    strategy = load(write(text))
    with pytest.raises(UserError, match=message) as raised:
        strategy.targets(bars)
    assert raised.value.code == "STRATEGY_FAILED"
    assert raised.value.facts["line"]


def test_a_failing_import_is_reported(write):
    with pytest.raises(UserError, match=r"mine\.py:1: ModuleNotFoundError"):
        load(write("import no_such_package_anywhere\ndef signals(bars): ...\n"))


def test_wrong_arguments_are_reported_without_a_line(write, bars):
    strategy = load(write("def signals():\n    return []\n"))
    with pytest.raises(UserError, match="TypeError") as raised:
        strategy.targets(bars)
    assert raised.value.facts == {}


def test_the_line_of_a_vanished_file_is_empty(write, bars, tmp_path):
    strategy = load(write("def signals(bars):\n    return 1 / 0\n"))
    (tmp_path / "mine.py").unlink()
    with pytest.raises(UserError) as raised:
        strategy.targets(bars)
    assert raised.value.facts["line"] == ""


@pytest.mark.parametrize(
    ("name", "code", "near"),
    [("sma_crss", "STRATEGY_NOT_FOUND", "sma_cross"), ("no/such/file.py", "STRATEGY_NOT_FOUND", "no Python file")],
)
def test_an_unknown_strategy_names_the_nearest(name, code, near):
    with pytest.raises(UserError) as raised:
        load(name)
    assert raised.value.code == code
    assert near in raised.value.facts["nearest"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\n", "defines no strategy"),
        ("signals = 3\n", "defines no strategy"),
        ("from tallow.core.strategies import Strategy\n", "defines no strategy"),
        (
            "from tallow.core.strategies import Strategy\nclass A(Strategy): ...\nclass B(Strategy): ...\n",
            "defines more than one strategy class",
        ),
    ],
)
def test_a_file_without_one_strategy_is_refused(write, text, message):
    with pytest.raises(UserError, match=message) as raised:
        load(write(text))
    assert raised.value.code == "BAD_STRATEGY"


def test_the_most_derived_class_is_the_strategy(write, bars):
    text = """
    from tallow.core.strategies import Strategy
    class A(Strategy):
        def next(self):
            self.target = 1.0
    class B(A):
        n = 1
    """
    assert load(write(text)).parameters == {"n": 1}


def test_unknown_parameters_are_refused(write):
    with pytest.raises(UserError) as raised:
        load(write(CROSS), {"fats": 3})
    assert raised.value.code == "UNKNOWN_PARAMETER"


def test_the_clock_is_moved_for_a_file_that_reads_it(write, bars):
    strategy = load(write("import time\ndef signals(bars):\n    return [time.time() / 86_400] * len(bars)\n"))
    base = strategy.targets(bars)[0]
    assert [int(moved(bars)[0] - base) for moved in clock_moved(strategy)] == [117, 1, 182]
    assert clock_moved(load(write(CROSS))) == []
    assert location(replace(strategy, name="other")).endswith("mine.py")


def test_an_argument_that_serves_as_a_cache_is_no_parameter(write, bars):
    text = "def signals(bars, n=2, kept={}):\n    r = kept.setdefault('n', len(bars))\n    return [r * n] * len(bars)\n"
    strategy = load(write(text))
    assert strategy.parameters == {"n": 2}
    assert strategy.targets(bars)[0] == 400
    assert strategy.targets(bars[:50])[0] == 100


def test_an_argument_without_default_is_refused(write):
    with pytest.raises(UserError) as raised:
        load(write("def signals(bars, window):\n    return bars.close\n"))
    assert raised.value.code == "BAD_PARAMETER"


ADAPTED = """
    from tallow.adapters.freqtrade import IStrategy

    class Always(IStrategy):
        timeframe = "4h"
        stoploss = -0.1
        can_short = True

        def populate_entry_trend(self, dataframe, metadata):
            dataframe["enter_long"] = int(metadata["pair"] == "BTC/USDT")
            return dataframe
"""
ABOVE = """
    import tallow

    def signals(bars):
        return tallow.higher(bars, "4h")["close"].notna().astype(float)
"""


def test_options_that_are_not_given_come_from_the_strategy(write):
    strategy = load(write(ADAPTED))
    assert strategy.declares == {"timeframe": "4h", "short": True, "stop_loss": 0.1}
    silent = with_declared(strategy, {"timeframe": None, "stop_loss": None, "take_profit": None, "short": False})
    assert silent == {"timeframe": "4h", "stop_loss": 0.1, "take_profit": None, "short": True}
    said = with_declared(strategy, {"timeframe": "1h", "stop_loss": 0.02, "short": False, "fee": 0.0})
    assert said == {"timeframe": "1h", "stop_loss": 0.02, "short": True, "fee": 0.0}
    assert with_declared(load("rsi"), {"timeframe": None}) == {"timeframe": None}


def test_a_scene_says_its_timeframe_and_instrument_to_the_strategy(write, bars):
    scene = Scene("mine", parse_symbol("BTC/USDT"), parse_timeframe("1h"), cash=500.0)
    conditions = conditions_of(scene)
    assert conditions == Conditions(scene.execution, 500.0, None, Setting(scene.timeframe, "BTC/USDT"))
    adapted = load(write(ADAPTED))
    assert under(adapted, conditions).targets(bars)[-1] == 1.0
    assert adapted.targets(bars)[-1] == 0.0
    # Every second hour is missing: the times alone would say that a candle ends an hour early.
    above = load(write(ABOVE, "above.py"))
    assert under(above, conditions) is not above
    seen = [int(np.argmax(one.targets(bars[::2]) == 1.0)) for one in (above, under(above, conditions))]
    assert seen == [1, 2]


AGAIN = """
    import tallow

    class Again(tallow.Strategy):
        def next(self):
            if self.position == 0:
                self.buy()
"""


def test_an_order_in_the_bar_of_a_stop_is_carried_out_as_in_the_strategy_s_own_run(write, bars):
    class Again(EventStrategy):
        def next(self):
            if self.position == 0:
                self.buy()

    stopped = Execution(stop_loss=0.01)
    own = run_path(bars, decider(Again, {}, bars), stopped, cash=1_000.0)
    assert len(own.trades) > 3
    targets = under(load(write(AGAIN)), Conditions(stopped, 1_000.0)).targets(bars)
    assert run(bars, targets, stopped, cash=1_000.0).digest() == own.digest()


@pytest.mark.parametrize("line", ["from backtesting.lib import crossover", "from freqtrade.strategy import IStrategy"])
def test_an_import_of_another_framework_says_what_to_import_instead(monkeypatch, write, line):
    for name in ("backtesting", "freqtrade"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UserError) as caught:
        load(write(line))
    assert caught.value.code == "STRATEGY_FAILED"
    assert caught.value.facts["line"] == line
    assert caught.value.facts["instead"].startswith("from tallow.adapters.")
    with pytest.raises(UserError) as caught:
        load(write("import nothing_like_it"))
    assert "instead" not in caught.value.facts


def test_a_class_of_an_installed_framework_says_what_to_import_instead(monkeypatch, write):
    installed = ModuleType("backtesting")
    installed.Strategy = type("Strategy", (), {"__module__": "backtesting.backtesting"})
    monkeypatch.setitem(sys.modules, "backtesting", installed)
    with pytest.raises(UserError, match="defines no strategy") as caught:
        load(write("from backtesting import Strategy\n\nclass Mine(Strategy):\n    pass\n"))
    assert caught.value.facts["instead"] == "from tallow.adapters.backtesting import Strategy, crossover"
