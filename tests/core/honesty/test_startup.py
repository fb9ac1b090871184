import numpy as np
import pytest

from tallow.core.honesty.startup import startup_sensitivity
from tallow.core.indicators import ema, sma
from tallow.core.strategies import BUILT_IN, sma_cross
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.sent import sent_of

ROWS = 600
PRICES = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, ROWS)))
BARS = Bars.of(np.arange(ROWS) * 60_000_000, (PRICES, PRICES, PRICES, PRICES, PRICES))


@pytest.mark.parametrize("window", [2, 3, 20, 97])
def test_a_simple_average_needs_its_window(window):
    found = startup_sensitivity(lambda bars: sma(bars.close, window), BARS)
    assert (found.verdict, found.lead_in, found.warm_up) == ("settles", window - 1, window)
    changed = {lead.bars: lead.rows_changed for lead in found.tried}
    assert changed[0] == min(window - 1, found.rows)
    assert changed[window - 2] == 1
    assert changed[window - 1] == 0
    assert f"once {window} bars" in found.words


def test_an_exponential_average_needs_many():
    found = startup_sensitivity(lambda bars: ema(bars.close, 20), BARS)
    # The start fades with (19/21)^n; it is gone when below a billionth of the size of the output.
    assert found.verdict == "settles"
    assert 100 < found.warm_up < 250
    assert not found.tried[0].last_changed or found.rows < 200


@pytest.mark.parametrize("run", [lambda bars: np.zeros(len(bars)), lambda bars: bars.close > bars.open])
def test_what_looks_at_its_own_bar_at_most_needs_none(run):
    found = startup_sensitivity(run, BARS)
    assert (found.verdict, found.lead_in, found.warm_up) == ("none", 0, 0)
    assert {lead.rows_changed for lead in found.tried} == {0}
    assert found.words.startswith("No bar")


def test_state_since_the_first_bar_never_settles():
    found = startup_sensitivity(lambda bars: np.cumsum(bars.close), BARS)
    assert (found.verdict, found.lead_in, found.warm_up) == ("never", None, None)
    assert found.available == 450
    assert found.tried[-1].bars == 449
    assert all(lead.last_changed and lead.rows_changed == found.rows for lead in found.tried)
    assert "450 bars later" in found.words


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [("buy_and_hold", "none"), ("sma_cross", "settles"), ("ema_cross", "settles"), ("cci", "settles")],
)
def test_built_in_rules(rule, verdict):
    assert startup_sensitivity(BUILT_IN[rule], BARS).verdict == verdict


def test_targets_of_a_crossing_settle_with_its_slow_window():
    found = startup_sensitivity(lambda bars: sma_cross(bars, fast=5, slow=40), BARS)
    assert 20 < found.warm_up <= 40
    tried = {lead.bars: lead for lead in found.tried}
    assert all(tried[lead].rows_changed == 0 for lead in tried if lead >= 39)


def test_a_change_between_the_tried_lead_ins_is_searched():
    runs = []

    def run(bars):
        runs.append(len(bars))
        return np.full(len(bars), float(len(bars) >= 10 + 123))

    found = startup_sensitivity(run, BARS, rows=10, lead_ins=[0, 100, 400])
    assert (found.lead_in, found.warm_up) == (123, 124)
    assert len(runs) < 15


def test_values_that_agree_by_chance_before_they_differ_do_not_count():
    found = startup_sensitivity(lambda bars: np.full(len(bars), float(len(bars) == 310)), BARS, rows=10)
    assert found.verdict == "none"  # 300 is not among the tried ones
    found = startup_sensitivity(
        lambda bars: np.full(len(bars), float(len(bars) == 310)), BARS, rows=10, lead_ins=[0, 50, 300, 400]
    )
    assert found.lead_in == 301


def test_between_the_longest_tried_and_all_bars_is_searched_too():
    found = startup_sensitivity(lambda bars: sma(bars.close, 300), BARS, lead_ins=[0, 10])
    assert found.warm_up == 300


def test_without_a_short_lead_in_the_shortest_tried_stands():
    assert startup_sensitivity(lambda bars: sma(bars.close, 5), BARS, lead_ins=[50, 100]).lead_in == 50


def test_the_last_row_can_settle_before_the_others():
    found = startup_sensitivity(lambda bars: sma(bars.close, 20), BARS, rows=30)
    by_lead = {lead.bars: lead for lead in found.tried}
    assert by_lead[0].rows_changed == 19
    assert not by_lead[0].last_changed
    assert startup_sensitivity(lambda bars: sma(bars.close, 20), BARS, rows=1).tried[0].last_changed


def test_code_that_refuses_few_bars_counts_as_changed():
    def run(bars):
        if len(bars) < 230:
            raise UserError("STRATEGY_FAILED", "needs 230 bars")
        return np.zeros(len(bars))

    found = startup_sensitivity(run, BARS, rows=30)
    assert found.lead_in == 200
    assert found.tried[0].failed == "needs 230 bars"
    assert found.tried[0].rows_changed == 30


def test_a_constant_that_follows_the_first_bar_changes_nothing_when_prices_are_equal():
    flat = np.full(50, 7.0)
    bars = Bars.of(np.arange(50), (flat, flat, flat, flat, flat))
    assert startup_sensitivity(lambda bars: bars.close / bars.close[0], bars).verdict == "none"
    assert startup_sensitivity(lambda bars: bars.close - bars.close.mean(), BARS).verdict == "never"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: startup_sensitivity(lambda bars: bars.close, BARS[:2]), "TOO_FEW_BARS"),
        (lambda: startup_sensitivity(lambda bars: bars.close, BARS, rows=599), "TOO_FEW_BARS"),
        (lambda: startup_sensitivity(lambda bars: bars.close, BARS, rows=0), "BAD_PARAMETER"),
        (lambda: startup_sensitivity(lambda bars: bars.close, BARS, lead_ins=[]), "BAD_PARAMETER"),
        (lambda: startup_sensitivity(lambda bars: bars.close, BARS, lead_ins=[-1]), "BAD_PARAMETER"),
        (lambda: startup_sensitivity(lambda bars: bars.close, BARS, rows=100, lead_ins=[500]), "BAD_PARAMETER"),
        (lambda: startup_sensitivity(lambda bars: bars.close[1:], BARS), "BAD_OUTPUT"),
    ],
)
def test_what_makes_no_sense_is_refused(call, code):
    with pytest.raises(UserError, match=code):
        call()


def test_a_table_settles_when_its_last_column_does() -> None:
    prices = 100.0 + np.sin(np.arange(300.0))
    bars = Bars.of(np.arange(300), (prices, prices, prices, prices, prices))
    found = startup_sensitivity(lambda b: np.column_stack((sma(b.close, 5), np.ones(len(b)), sma(b.close, 20))), bars)
    assert found.warm_up == 20
    never = startup_sensitivity(lambda b: np.column_stack((sma(b.close, 5), np.arange(len(b)))), bars)
    assert never.verdict == "never"


def test_orders_settle_like_targets_whatever_their_ids():
    prices = 100.0 + np.sin(np.arange(300.0) * 0.7)
    bars = Bars.of(np.arange(300), (prices, prices, prices, prices, prices))

    def decide(these):
        return (these.close > sma(these.close, 20)).astype(float)

    expected = startup_sensitivity(decide, bars)
    found = startup_sensitivity(lambda these: sent_of(decide(these)), bars)
    assert found.verdict == expected.verdict == "settles"
    assert found.warm_up <= expected.warm_up
