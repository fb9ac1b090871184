"""Mistake 9: a cache whose key leaves the parameters out."""

import pytest

import tallow
from tallow.runners.frames import to_frame


@pytest.fixture
def filled(lake, market):
    lake.write(to_frame(market()), symbol="BTC/USDT", timeframe="1h")
    return lake


def run(lake, strategies, **params):
    return tallow.backtest(str(strategies / "threshold.py"), "own:BTC/USDT", lake=lake, params=params, check=False)


def test_another_parameter_is_another_result(filled, strategies):
    low, high, again = run(filled, strategies), run(filled, strategies, level=0.01), run(filled, strategies, level=0.0)
    assert low.key == again.key
    assert low.key != high.key
    assert low.digest != high.digest
    assert low.to_dict()["scene"]["parameters"] == {"level": 0.0}
    assert high.to_dict()["scene"]["parameters"] == {"level": 0.01}


def test_every_stored_result_is_found_by_its_own_id_with_all_that_made_it(filled, strategies):
    done = [run(filled, strategies, level=level / 1_000) for level in range(4)]
    for result in done:
        stored = filled.workspace.stored(result.key[:16])
        assert stored.key == result.key
        assert stored.digest == result.digest
        told = filled.workspace.describe(stored)
        assert {"strategy_hash", "engine_version", "table_versions", "data_digest", "digest", "scene"} <= set(told)
