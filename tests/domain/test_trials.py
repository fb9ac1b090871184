from dataclasses import replace

import numpy as np
import pytest

from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Execution, Scene
from tallow.domain.timeframes import parse_timeframe
from tallow.domain.trials import Dataset, dataset_of, trial_key

BTC, ETH = parse_symbol("BTC/USDT"), parse_symbol("ETH/USDT")
HOUR = parse_timeframe("1h")
SCENE = Scene("s", BTC, HOUR)
SEEN = Dataset(("binance:BTC/USDT",), 100, 1_000, HOUR.per_year)


def test_a_dataset_is_what_was_traded_and_when():
    time = np.array([100, 200, 300])
    assert dataset_of([BTC], HOUR, time) == Dataset(("binance:BTC/USDT",), 100, HOUR.next(300), HOUR.per_year)
    assert dataset_of([ETH, BTC], HOUR, time) == dataset_of([BTC, ETH], HOUR, time)
    empty = dataset_of([BTC], HOUR, time[:0])
    assert empty.start == empty.end  # overlaps nothing


def test_a_trial_is_a_source_with_parameters_in_any_order():
    assert trial_key("h", SCENE, {"a": 1, "b": 2.0}, SEEN) == trial_key("h", SCENE, {"b": 2.0, "a": 1}, SEEN)
    others = [("h", {"a": 1}), ("i", {"a": 1}), ("h", {"a": 2})]
    assert len({trial_key(source, SCENE, values, SEEN) for source, values in others}) == 3
    assert len(trial_key("h", SCENE, {}, SEEN)) == 16


@pytest.mark.parametrize(
    "changed",
    [
        {"stop_loss": 0.1},
        {"take_profit": 0.1},
        {"trailing_stop": 0.1},
        {"leverage": 2.0},
        {"allow_short": True},
        {"fill": "close"},
    ],
)
def test_what_a_researcher_chooses_makes_another_trial(changed):
    mine = trial_key("h", SCENE, {}, SEEN)
    assert trial_key("h", replace(SCENE, execution=Execution(**changed)), {}, SEEN) != mine


def test_other_bars_and_candles_make_another_trial_and_other_words_for_them_do_not():
    mine = trial_key("h", SCENE, {}, SEEN)
    assert trial_key("h", replace(SCENE, range=TimeRange(5, 2_000)), {}, SEEN) == mine
    ends = {trial_key("h", replace(SCENE, range=TimeRange(0, end)), {}, replace(SEEN, end=end)) for end in (500, 600)}
    assert len(ends | {mine}) == 3  # bars are cut to the range: the last candle closes where it ends
    assert trial_key("h", SCENE, {}, replace(SEEN, end=9_999)) == mine  # candles that came later
    assert trial_key("h", SCENE, {}, replace(SEEN, start=101)) != mine
    assert trial_key("h", SCENE, {}, replace(SEEN, names=("binance:BTC/USDT", "binance:ETH/USDT"))) != mine
    assert trial_key("h", replace(SCENE, range=TimeRange(0, 900)), {}, SEEN) != mine
    assert trial_key("h", replace(SCENE, timeframe=parse_timeframe("4h")), {}, SEEN) != mine


def test_costs_and_cash_make_no_other_trial():
    costs = Execution(taker_fee=0.0, maker_fee=0.0, slippage_bps=5.0, tick_size=0.1)
    assert trial_key("h", replace(SCENE, execution=costs, cash=5.0), {}, SEEN) == trial_key("h", SCENE, {}, SEEN)
