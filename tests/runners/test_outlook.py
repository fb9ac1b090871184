"""Decisions on coarse candles, fills on fine bars: the same decisions, known when their candle has ended."""

import numpy as np
import pytest

from tallow.core.bars import resample
from tallow.core.causality import certify
from tallow.core.engine import run, run_path
from tallow.core.strategies import decide_on_coarser, decider, onto_finer
from tallow.core.strategies.event import Strategy
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE, parse_timeframe
from tallow.runners.adapters import Setting
from tallow.runners.inline import Conditions, load, probe, under
from tallow.runners.outlook import DECIDE_ON, Outlook, joined, parted

HOURLY, MINUTELY = parse_timeframe("1h"), parse_timeframe("1m")
RULE = """
    def signals(bars, *, window=3):
        assert bars.attrs["timeframe"] == "1h"
        return (bars["close"] > bars["close"].rolling(window).mean()).astype(float)
"""
DIP = """
    import tallow

    class Dip(tallow.Strategy):
        def next(self):
            if self.position == 0 and self.bars.close[-1] < self.bars.open[-1]:
                self.buy()
            elif self.position > 0 and self.bars.close[-1] > self.bars.high[-2]:
                self.close_position()
"""
ADAPTED = """
    from tallow.adapters.freqtrade import IStrategy

    class Rising(IStrategy):
        timeframe = "1h"

        def populate_entry_trend(self, dataframe, metadata):
            dataframe["enter_long"] = (dataframe["close"] > dataframe["open"]).astype(int)
            dataframe["exit_long"] = 1 - dataframe["enter_long"]
            return dataframe
"""


class Dip(Strategy):
    def next(self):
        if self.position == 0 and self.bars.close[-1] < self.bars.open[-1]:
            self.buy()
        elif self.position > 0 and self.bars.close[-1] > self.bars.high[-2]:
            self.close_position()


@pytest.fixture
def minutes() -> Bars:
    """A day and a half of minutes."""
    draw, count = np.random.default_rng(2), 36 * 60 + 20
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.001, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(opened, close) * 1.0003, np.minimum(opened, close) * 0.9997
    return Bars.of(np.arange(count) * MINUTE, (opened, high, low, close, draw.uniform(1, 9, count)))


def loaded(path, execution=None, **given):
    strategy = load(path, {**given, DECIDE_ON: "1h"})
    return under(strategy, Conditions(execution or Execution(), 1_000.0, None, Setting(MINUTELY, "BTC/USDT")))


def test_a_function_decides_on_hours_and_fills_on_minutes(write, minutes):
    strategy = loaded(write(RULE), window="4")
    assert strategy.parameters == {"window": 4, DECIDE_ON: "1h"}
    hours = resample(minutes, HOURLY)[:-1]
    coarse = load(write(RULE), {"window": 4})
    coarse = under(coarse, Conditions(setting=Setting(HOURLY))).targets(hours)
    found = strategy.targets(minutes)
    assert np.array_equal(found, onto_finer(coarse, hours, minutes), equal_nan=True)
    done = run(minutes, found, Execution(), cash=1_000.0)
    assert len(done.fills) > 5
    assert set(done.fills.time % (60 * MINUTE)) == {0}


def test_a_class_sees_hours_and_the_account_of_the_minutes(write, minutes):
    execution = Execution(stop_loss=0.004)
    hours = resample(minutes, HOURLY)[:-1]
    decide = decide_on_coarser(decider(Dip, {}, hours), hours, minutes)
    expected = run_path(minutes, decide, execution, cash=1_000.0).target
    assert np.array_equal(loaded(write(DIP), execution).targets(minutes), expected)
    assert len(np.flatnonzero(np.diff(expected))) > 2


@pytest.mark.parametrize("text", [RULE, DIP, ADAPTED])
def test_decisions_on_hours_are_certified_on_minutes(write, minutes, text):
    holed = minutes[(np.arange(len(minutes)) % 150) < 131]
    certificate = certify(probe(loaded(write(text))), holed)
    assert certificate.verdict == "certified", certificate.reason
    assert certificate.changes > 3


def test_a_candle_that_ends_in_a_hole_is_decided_on_at_the_first_bar_after_it(write, minutes):
    holed = minutes[(minutes.time < 50 * MINUTE) | (minutes.time >= 90 * MINUTE)]
    seen = Outlook.of(holed, HOURLY, Setting(MINUTELY))
    assert seen.rows[:2].tolist() == [50, 79]
    assert np.array_equal(seen.bars.time[:3], [0, 60 * MINUTE, 120 * MINUTE])


def test_a_class_of_another_framework_decides_on_the_timeframe_it_is_run_on(write, minutes):
    strategy = loaded(write(ADAPTED))
    assert strategy.declares == {}
    hours = resample(minutes, HOURLY)[:-1]
    held = strategy.targets(minutes)[59::60][: len(hours)]
    assert np.array_equal(held, (hours.close > hours.open).astype(float))


def test_built_in_rules_decide_on_coarser_bars_too(minutes):
    strategy = load("sma_cross", {"fast": 2, "slow": 4, DECIDE_ON: "1h"})
    hours = resample(minutes, HOURLY)[:-1]
    coarse = np.asarray(load("sma_cross", {"fast": 2, "slow": 4}).targets(hours), float)
    assert np.array_equal(strategy.targets(minutes), onto_finer(coarse, hours, minutes), equal_nan=True)


def test_before_the_first_candle_nobody_is_asked(write, minutes):
    assert np.isnan(loaded(write("def signals(bars):\n    raise ValueError\n")).targets(minutes[:59])).all()
    assert Outlook.of(minutes[:59], HOURLY, Setting(MINUTELY)).is_empty
    assert not Outlook.of(minutes[:0], None, Setting()).is_empty


def test_the_run_s_own_bars_are_passed_as_they_are(minutes):
    seen, output = Outlook.of(minutes, None, Setting(MINUTELY)), object()
    assert seen.bars is minutes
    assert seen.lay(output) is output
    assert seen.ask(len) is len


@pytest.mark.parametrize(("length", "code"), [("90s", "CANNOT_RESAMPLE"), ("hour", "BAD_TIMEFRAME")])
def test_a_length_that_does_not_fit_is_refused(write, minutes, length, code):
    with pytest.raises(UserError) as caught:
        under(load(write(RULE), {DECIDE_ON: length}), Conditions(setting=Setting(MINUTELY))).targets(minutes)
    assert caught.value.code == code


def test_a_wrong_number_of_decisions_is_refused(write, minutes):
    with pytest.raises(UserError, match="for 36 bars") as caught:
        loaded(write("def signals(bars):\n    return [1.0]\n")).targets(minutes)
    assert caught.value.code == "BAD_OUTPUT"


def test_parameters_come_apart_and_together():
    assert parted({"a": 1}) == ({"a": 1}, None)
    assert parted({"a": 1, DECIDE_ON: "1h"}) == ({"a": 1}, HOURLY)
    assert joined({"a": 1}, HOURLY) == {"a": 1, DECIDE_ON: "1h"}
    assert joined({"a": 1}, None) == {"a": 1}
