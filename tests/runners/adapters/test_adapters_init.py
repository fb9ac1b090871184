"""The same rule in every style gives the same targets and trades, and the same verdict."""

import numpy as np
import pytest

from tallow.adapters import backtesting as adapted
from tallow.adapters.backtesting import crossover
from tallow.core import indicators
from tallow.core.causality import certify
from tallow.core.engine import run, run_path
from tallow.core.strategies import BUILT_IN
from tallow.domain.scene import Execution
from tallow.runners.adapters import PROTOCOLS, Setting, decider
from tallow.runners.inline import Conditions, is_event_driven, load, probe, under
from tallow.runners.texts import load_object

UNDER = (
    Execution(),
    Execution(slippage_bps=5.0, volume_impact=0.1, lot_size=0.01, tick_size=0.01),
    Execution(stop_loss=0.03),
    Execution(take_profit=0.02, trailing_stop=0.04),
)


@pytest.mark.parametrize("style", ["backtesting", "freqtrade", "function", "class"])
@pytest.mark.parametrize("execution", UNDER[:2])
def test_each_style_gives_the_targets_and_trades_of_the_built_in_rule(write, bars, styles, style, execution):
    own = BUILT_IN["sma_cross"](bars, fast=5, slow=20).astype(float)
    strategy = under(load(write(styles[style])), Conditions(execution, 1_000.0))
    targets = strategy.targets(bars)
    assert targets.tobytes() == own.tobytes()
    done, expected = (run(bars, chosen, execution, cash=1_000.0) for chosen in (targets, own))
    assert len(expected.trades) > 5
    assert done.digest() == expected.digest()


@pytest.mark.parametrize("execution", UNDER[2:])
def test_both_classes_of_crossings_agree_under_protective_exits(write, bars, styles, execution):
    ones = []
    for style in ("backtesting", "freqtrade"):
        strategy = under(load(write(styles[style], f"{style}.py")), Conditions(execution, 1_000.0))
        ones.append(run(bars, strategy.targets(bars), execution, cash=1_000.0).digest())
    assert ones[0] == ones[1]


@pytest.mark.parametrize("style", ["backtesting", "freqtrade"])
def test_a_class_of_another_framework_is_certified_at_every_change(write, bars, styles, style):
    strategy = load(write(styles[style]), {"fast": "4"})
    assert strategy.parameters == {"fast": 4, "slow": 20}
    assert strategy.event_driven
    assert not is_event_driven(strategy)
    certificate = certify(probe(strategy), bars)
    assert certificate.verdict == "certified"
    assert "all" in certificate.reason


AHEAD = {
    "later rows": "indicators.sma(np.roll(np.array(values), -2), window)",
    "mean of all": "indicators.sma(np.array(values), window) - (window < 10) * 0.01 * np.mean(values)",
}


@pytest.mark.parametrize("style", ["backtesting", "freqtrade"])
@pytest.mark.parametrize("ahead", AHEAD)
def test_an_indicator_that_reads_ahead_is_found(write, bars, styles, style, ahead):
    text = styles[style].replace("indicators.sma(", "average(").replace("(indicators.sma,", "(average,")
    own = f"    import numpy as np\n    def average(values, window):\n        return {AHEAD[ahead]}\n"
    certificate = certify(probe(load(write(own + text))), bars)
    assert certificate.verdict == "leaky"
    assert certificate.findings


def test_the_classes_to_derive_from_are_no_strategies(write, bars, styles):
    assert {one.__name__ for one in PROTOCOLS} == {"Strategy", "IStrategy"}
    for text in styles.values():
        assert len(load(write(text)).targets(bars)) == len(bars)


def test_one_function_sets_up_either_kind(bars):
    class Flat(PROTOCOLS[0]):
        def next(self):
            self.position.close()

    class Never(PROTOCOLS[1]):
        def populate_entry_trend(self, dataframe, metadata):
            return dataframe

    account = type("Wallet", (), {"position": 0.0, "equity": 1.0, "cash": 1.0, "entry_price": 0.0})()
    assert decider(Flat, {}, bars, Setting())(1, account) == 0.0
    assert np.isnan(decider(Never, {}, bars, Setting())(1, account))


class Notebook(adapted.Strategy):
    """A class of a program, as in a notebook."""

    window = 5

    def init(self):
        self.average = self.I(indicators.sma, self.data.Close, self.window)

    def next(self):
        if adapted.crossover(self.data.Close, self.average):
            self.buy()
        elif crossover(self.average, self.data.Close):
            self.position.close()


def test_a_class_of_a_program_is_written_down_with_what_it_uses(bars):
    strategy = load_object(Notebook, {"window": 8})
    assert strategy.parameters == {"window": 8}
    assert strategy.sees_all
    found = strategy.targets(bars)
    expected = run_path(bars, decider(Notebook, {"window": 8}, bars, Setting()), Execution(), cash=10_000.0).target
    assert np.array_equal(found, expected)
    assert len(np.flatnonzero(np.diff(found))) > 10


PEEKS = """
    import numpy as np
    from tallow.adapters.backtesting import Strategy

    class Peeks(Strategy):
        def init(self):
            self.whole = np.array(self.data.Close)

        def next(self):
            after = self.whole[min(len(self.data), len(self.whole) - 1)]
            self.buy() if after > self.data.Close[-1] else self.position.close()
"""


def test_bars_kept_from_init_are_found_out(write, bars):
    assert certify(probe(load(write(PEEKS))), bars[:120]).verdict == "leaky"
