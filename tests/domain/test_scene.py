import json
import math
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.errors import UserError
from tallow.domain.fill_rules import FillRules
from tallow.domain.market import parse_symbol
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Execution, Scene, execution_of, parse_scene
from tallow.domain.timeframes import parse_timeframe
from tallow.domain.venue_rules import RuleBook, VenueRules

SCENE = Scene("sma_cross", parse_symbol("BTC/USDT"), parse_timeframe("1h"), {"fast": 10, "slow": 30})
OTHER = {
    "strategy": "ema_cross",
    "instrument": parse_symbol("ETH/USDT"),
    "timeframe": parse_timeframe("4h"),
    "parameters": {"fast": 10, "slow": 31},
    "range": TimeRange(0, 1),
    "cash": 10_000.01,
    "execution": Execution(taker_fee=0.0005),
    "rules": RuleBook((VenueRules(0, lot_size=1.0),)),
    "filling": FillRules(touch_fills=True),
}
EXECUTION = {
    "fill": "close", "maker_fee": 0.0, "taker_fee": 0.0, "slippage_bps": 1.0, "volume_impact": 0.1, "leverage": 2.0,
    "allow_short": True, "stop_loss": 0.1, "take_profit": 0.1, "trailing_stop": 0.1, "maintenance_margin": 0.01,
    "liquidation_fee": 0.01, "min_notional": 5.0, "lot_size": 0.001, "tick_size": 0.01,
    "tiers": ((0, 0.01),),
}  # fmt: skip


Identity = tuple[Scene, dict[str, int], str, str, str]


def key(scene: Scene) -> str:
    return scene.key({"gold.candles": 3}, "data", "abc", "1")


@pytest.mark.parametrize("name", [item.name for item in fields(Scene)])
def test_any_changed_field_changes_the_key(name: str) -> None:
    assert key(replace(SCENE, **{name: OTHER[name]})) != key(SCENE)


@pytest.mark.parametrize("name", [item.name for item in fields(Execution)])
def test_any_changed_execution_field_changes_the_key(name: str) -> None:
    assert key(replace(SCENE, execution=replace(Execution(), **{name: EXECUTION[name]}))) != key(SCENE)


def test_rules_of_fills_are_written_only_where_they_are_not_the_default() -> None:
    assert "filling" not in json.loads(SCENE.canonical())
    # The key of a scene from before there were any: it must not move.
    assert key(SCENE) == "834e3d987f9e90a402628fefbdafb7dd2e0584da56299461aa1de7729ba32de9"
    for filling in (FillRules(0.1), FillRules(1, touch_fills=True), FillRules(touch_fills=True)):
        changed = replace(SCENE, filling=filling)
        assert parse_scene(changed.canonical()) == changed
        assert key(changed) != key(SCENE)
        assert changed.terms == (None, filling)


def test_data_source_and_engine_are_in_the_key() -> None:
    versions = {"gold.candles": 3}
    keys = {
        SCENE.key(versions, "data", "abc", "1"), SCENE.key({"gold.candles": 4}, "data", "abc", "1"),
        SCENE.key({}, "data", "abc", "1"), SCENE.key(versions, "date", "abc", "1"),
        SCENE.key(versions, "data", "abd", "1"), SCENE.key(versions, "data", "abc", "2"),
    }  # fmt: skip
    assert len(keys) == 6


@st.composite
def identities(draw: st.DrawFn) -> Identity:
    """Everything that a key is made of; small choices, so that equal ones are drawn as well."""
    some, money = st.sampled_from, st.sampled_from([0.0, 0.001, 0.1])
    execution = Execution(
        fill=draw(some(["next_open", "close"])), maker_fee=draw(money), taker_fee=draw(money),
        slippage_bps=draw(money), volume_impact=draw(money), leverage=draw(some([1.0, 2.0])),
        allow_short=draw(st.booleans()), stop_loss=draw(some([None, 0.1])), take_profit=draw(some([None, 0.1])),
        trailing_stop=draw(some([None, 0.1])), maintenance_margin=draw(some([0.005, 0.01])),
        liquidation_fee=draw(money), min_notional=draw(money), lot_size=draw(money), tick_size=draw(money),
    )  # fmt: skip
    scene = Scene(
        draw(some(["a", "b"])), parse_symbol(draw(some(["BTC/USDT", "BTC/USDT:USDT", "okx:BTC/USDT"]))),
        parse_timeframe(draw(some(["1m", "1M", "1h"]))), draw(st.dictionaries(some(["k", "n"]), some([1, 2, "1"]))),
        TimeRange(draw(some([0, 1])), draw(some([2, 3]))), draw(some([1.0, 10_000.0])), execution,
    )  # fmt: skip
    versions = draw(st.dictionaries(some(["gold.candles", "silver.funding"]), some([1, 2, 11])))
    return scene, versions, draw(some(["d", "e"])), draw(some(["s", "t"])), draw(some(["1", "2"]))


@settings(max_examples=300, deadline=None)
@given(identities(), identities(), st.sets(st.integers(0, 4)))
def test_the_same_is_a_hit_and_anything_else_a_miss(left: Identity, right: Identity, kept: set[int]) -> None:
    # Where parts are taken over from the other, the two often differ in one field of one part alone.
    mixed = tuple(one if place in kept else other for place, (one, other) in enumerate(zip(left, right, strict=True)))
    keys = [scene.key(*rest) for scene, *rest in (left, mixed)]
    assert (keys[0] == keys[1]) == (left == mixed)


@settings(max_examples=200, deadline=None)
@given(identities(), st.data())
def test_one_changed_field_is_a_miss_from_wherever_one_starts(start: Identity, data: st.DataObject) -> None:
    scene, *rest = start
    name = data.draw(st.sampled_from([item.name for item in (*fields(Scene), *fields(Execution))]))
    if name in EXECUTION:
        changed = replace(scene, execution=replace(scene.execution, **{name: EXECUTION[name]}))
    else:
        changed = replace(scene, **{name: OTHER[name]})
    assert (changed.key(*rest) == scene.key(*rest)) == (changed == scene)


def test_order_and_number_type_do_not_matter() -> None:
    swapped = replace(SCENE, parameters={"slow": 30, "fast": 10}, cash=10_000, execution=Execution(leverage=1))
    assert key(swapped) == key(SCENE)


@given(st.floats(1e-3, 1e9), st.integers(1, 500), st.floats(0, 0.1))
def test_the_canonical_form_reads_back(cash: float, window: int, fee: float) -> None:
    scene = replace(SCENE, cash=cash, parameters={"w": window, "kind": "x"}, execution=Execution(taker_fee=fee))
    assert parse_scene(scene.canonical()) == scene
    assert parse_scene(scene.canonical()).canonical() == scene.canonical()


def test_the_canonical_form_leaves_nothing_out() -> None:
    tiered = Execution(tiers=((0, 0.01),))
    body = json.loads(replace(SCENE, rules=OTHER["rules"], filling=OTHER["filling"], execution=tiered).canonical())
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


def test_a_setting_that_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(UserError) as raised:
        execution_of({"taker_fee": 0.001, "stop_los": 0.1}, also=("short",))
    assert (raised.value.code, raised.value.facts["nearest"]) == ("BAD_SETTING", "stop_loss")
    assert raised.value.facts["valid"].startswith("short, fill")
    assert execution_of({"stop_loss": 0.1}) == Execution(stop_loss=0.1)


def test_rules_come_back_and_leave_no_trace_where_there_are_none() -> None:
    book = RuleBook((VenueRules(0, lot_size=1.0), VenueRules(5, tick_size=0.1)), 7)
    ruled = replace(SCENE, rules=book)
    assert parse_scene(ruled.canonical()) == ruled
    assert "rules" not in SCENE.canonical()
    assert key(ruled) != key(replace(SCENE, rules=replace(book, version=8)))


@pytest.mark.parametrize(
    ("settings", "said", "message"),
    [
        ({"taker_fee": 1.0}, {"taker_fee": "fee"}, "fee = 1.0 is outside its range"),
        ({"taker_fee": math.nan}, {"taker_fee": "fee"}, "fee = nan is outside its range"),
        ({"taker_fee": 1.0}, {"maker_fee": "fee"}, "taker_fee = 1.0 is outside its range"),
        ({"slippage_bps": -1.0}, {"slippage_bps": "slippage"}, "slippage = -1.0 is outside its range"),
    ],
)
def test_a_setting_is_named_as_it_was_given(settings, said, message):
    with pytest.raises(UserError) as caught:
        execution_of(settings, said=said)
    assert (caught.value.code, caught.value.message) == ("BAD_SETTING", message)
    assert execution_of({"taker_fee": 0.1}, said=said) == Execution(taker_fee=0.1)


def test_tiers_come_back_and_leave_the_text_of_others_as_it_was() -> None:
    tiers = ((0, 0.004, 125), (50_000, 0.005))
    scene = replace(SCENE, execution=Execution(leverage=10.0, tiers=tiers))
    assert parse_scene(scene.canonical()) == scene
    assert '"tiers":[[0.0,0.004,125.0],[50000.0,0.005,125.0]]' in scene.canonical()
    assert "tiers" not in SCENE.canonical()
    with pytest.raises(UserError, match="leaves no room for"):
        Execution(leverage=10.0, tiers=((0, 0.1),))
