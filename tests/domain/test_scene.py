import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallow.domain.errors import UserError
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Execution, Scene, parse_scene
from tallow.domain.timeframes import parse_timeframe

SCENE = Scene("sma_cross", parse_symbol("BTC/USDT"), parse_timeframe("1h"), {"fast": 10, "slow": 30})
OTHER = {
    "strategy": "ema_cross",
    "instrument": parse_symbol("ETH/USDT"),
    "timeframe": parse_timeframe("4h"),
    "parameters": {"fast": 10, "slow": 31},
    "range": TimeRange(0, 1),
    "cash": 10_000.01,
    "execution": Execution(taker_fee=0.0005),
}
EXECUTION = {
    "fill": "close", "maker_fee": 0.0, "taker_fee": 0.0, "slippage_bps": 1.0, "volume_impact": 0.1, "leverage": 2.0,
    "allow_short": True, "stop_loss": 0.1, "take_profit": 0.1, "trailing_stop": 0.1, "maintenance_margin": 0.01,
    "liquidation_fee": 0.01, "min_notional": 5.0, "lot_size": 0.001, "tick_size": 0.01,
}  # fmt: skip


def key(scene: Scene) -> str:
    return scene.key({"gold.candles": 3}, "data", "abc", "1")


@pytest.mark.parametrize("name", [item.name for item in fields(Scene)])
def test_any_changed_field_changes_the_key(name: str) -> None:
    assert key(replace(SCENE, **{name: OTHER[name]})) != key(SCENE)


@pytest.mark.parametrize("name", [item.name for item in fields(Execution)])
def test_any_changed_execution_field_changes_the_key(name: str) -> None:
    assert key(replace(SCENE, execution=replace(Execution(), **{name: EXECUTION[name]}))) != key(SCENE)


def test_data_source_and_engine_are_in_the_key() -> None:
    versions = {"gold.candles": 3}
    keys = {
        SCENE.key(versions, "data", "abc", "1"), SCENE.key({"gold.candles": 4}, "data", "abc", "1"),
        SCENE.key({}, "data", "abc", "1"), SCENE.key(versions, "date", "abc", "1"),
        SCENE.key(versions, "data", "abd", "1"), SCENE.key(versions, "data", "abc", "2"),
    }  # fmt: skip
    assert len(keys) == 6


def test_order_and_number_type_do_not_matter() -> None:
    swapped = replace(SCENE, parameters={"slow": 30, "fast": 10}, cash=10_000, execution=Execution(leverage=1))
    assert key(swapped) == key(SCENE)


@given(st.floats(1e-3, 1e9), st.integers(1, 500), st.floats(0, 0.1))
def test_the_canonical_form_reads_back(cash: float, window: int, fee: float) -> None:
    scene = replace(SCENE, cash=cash, parameters={"w": window, "kind": "x"}, execution=Execution(taker_fee=fee))
    assert parse_scene(scene.canonical()) == scene
    assert parse_scene(scene.canonical()).canonical() == scene.canonical()


def test_the_canonical_form_leaves_nothing_out() -> None:
    body = json.loads(SCENE.canonical())
    assert set(body) == {item.name for item in fields(Scene)}
    assert set(body["execution"]) == {item.name for item in fields(Execution)}


@pytest.mark.parametrize(
    "bad",
    [{"fill": "middle"}, {"taker_fee": 0.6}, {"taker_fee": float("nan")}, {"leverage": 0.5}, {"stop_loss": 0.0},
     {"take_profit": -0.1}, {"slippage_bps": -1.0}, {"leverage": 20.0, "maintenance_margin": 0.05}],
)  # fmt: skip
def test_settings_outside_their_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(UserError, match="BAD_SETTING"):
        Execution(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("cash", [0.0, -1.0, float("inf"), float("nan")])
def test_cash_must_be_positive(cash: float) -> None:
    with pytest.raises(UserError, match="cash"):
        replace(SCENE, cash=cash)


def test_a_scene_says_what_it_is() -> None:
    assert str(SCENE) == "sma_cross(fast=10, slow=30) on binance:BTC/USDT 1h .."
