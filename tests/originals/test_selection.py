"""Mistakes 6 and 7: chosen and praised on the same rows, and rows split at random."""

import inspect

import numpy as np
import pandas as pd
import pytest

import tallow
from tallow.core import splits
from tallow.core.splits import CombinatorialPurged, WalkForward
from tallow.domain.errors import UserError
from tallow.flows.sweep.luck import luck_of
from tallow.runners.frames import to_frame


@pytest.fixture
def swept(lake, market, strategies):
    """Forty thresholds on a random walk, in which there is nothing to find."""
    lake.write(to_frame(market(1_500)), symbol="BTC/USDT", timeframe="1h")
    levels = [round(-0.02 + 0.001 * place, 4) for place in range(40)]
    rule = str(strategies / "threshold.py")
    return tallow.sweep(rule, {"level": levels}, "own:BTC/USDT", lake=lake, workers=1, check=False, fee=0.0)


def test_the_best_of_many_thresholds_is_reported_with_their_number_and_what_chance_gives(swept):
    table = swept.frame()
    assert swept.trials == len(table) == 40
    assert swept.best.metrics["return_pct"] > 0
    luck = luck_of(swept._done.result, swept.trials, swept.sharpes)
    assert luck.trials == 40
    assert luck.observed > 0
    assert luck.deflated < 0.95
    assert "trials" in repr(swept)


def test_choosing_again_counts_again(swept, lake, strategies):
    rule = str(strategies / "threshold.py")
    again = tallow.sweep(rule, {"level": [0.0301, 0.0302]}, "own:BTC/USDT", lake=lake, workers=1, check=False, fee=0.0)
    assert again.trials == 42


PLANS = [
    WalkForward(train=200, test=50, purge=3, embargo=2),
    WalkForward(train=200, test=50, anchored=True, purge=3),
    CombinatorialPurged(groups=6, test_groups=2, purge=3, embargo=5),
]


@pytest.mark.parametrize("plan", PLANS)
def test_no_plan_trains_on_rows_beside_its_test_rows(plan):
    for split in plan.split(600):
        train, test = split.train_rows, split.test_rows
        assert not np.intersect1d(train, test).size
        for piece in split.test:
            assert piece == range(piece.start, piece.stop)
            assert not np.isin(np.arange(piece.start - plan.purge, piece.start), train).any()


def test_a_random_split_is_not_to_be_had():
    for plan in (WalkForward, CombinatorialPurged):
        assert not {"shuffle", "seed", "random_state"} & set(inspect.signature(plan).parameters)
    assert not [name for name in vars(splits) if "random" in name.lower() or "shuffle" in name.lower()]


def test_a_result_among_trials_says_how_many_and_that_no_edge_is_shown(swept, lake, strategies):
    rule, chosen = str(strategies / "threshold.py"), swept.best_parameters
    found = tallow.backtest(rule, "own:BTC/USDT", lake=lake, params=chosen, check=False, fee=0.0).to_dict()
    assert found["metrics"]["sharpe"] > 0
    score = found["score"]
    assert score["trials"] == 40
    assert score["deflated"] < 0.5 < score["luck"]
    assert score["verdict"] == "no edge shown"
    # Beside it stands what entries at random with the same exposure would have earned.
    permutation = score["evidence"]["permutation"]
    assert permutation["method"] == "random entries"
    assert permutation["p_value"] > 0.05


def test_a_threshold_is_not_praised_on_rows_that_were_to_judge_it(lake, market, strategies):
    lake.write(to_frame(market(1_500)), symbol="BTC/USDT", timeframe="1h")
    rule, symbol = str(strategies / "threshold.py"), "own:BTC/USDT"
    lake.holdout.seal(symbol, "1h", start="2024-02-15")
    options = {"lake": lake, "check": False, "fee": 0.0}
    swept = tallow.sweep(rule, {"level": [0.0, 0.005, 0.01]}, symbol, workers=1, **options)
    assert swept.best.equity.index[-1] < pd.Timestamp("2024-02-15", tz="UTC")
    with pytest.raises(UserError, match="sealed holdout") as caught:
        tallow.sweep(rule, {"level": [0.0]}, symbol, timerange="2024-01-01..2024-03-01", workers=1, **options)
    assert caught.value.code == "SEALED"
    # The chosen one is judged once; asking again gives the same answer, and another threshold spoils the holdout.
    judged = lake.holdout.open(rule, symbol, params=swept.best_parameters, check=False)
    assert judged.equity.index[0] >= pd.Timestamp("2024-02-15", tz="UTC")
    assert lake.holdout.open(rule, symbol, params=swept.best_parameters, check=False).key == judged.key
    assert "HOLDOUT opened by 1 version" in judged.to_dict()["notes"]
    other = lake.holdout.open(rule, symbol, params={"level": 0.02}, check=False)
    assert any("no longer a holdout" in note for note in other.to_dict()["notes"])
