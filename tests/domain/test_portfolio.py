import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.domain.errors import UserError
from tallow.domain.market import parse_symbol
from tallow.domain.portfolio import PortfolioScene, parse_portfolio_scene
from tallow.domain.ranges import TimeRange
from tallow.domain.scene import Execution
from tallow.domain.timeframes import parse_timeframe
from tallow.domain.venue_rules import RuleBook, VenueRules

PAIR = (parse_symbol("BTC/USDT"), parse_symbol("ETH/USDT"))
SCENE = PortfolioScene("momentum", PAIR, parse_timeframe("1h"), {"window": 10, "top": 3})
OTHER = {
    "strategy": "equal_weight",
    "instruments": PAIR[::-1],
    "timeframe": parse_timeframe("4h"),
    "parameters": {"window": 11, "top": 3},
    "range": TimeRange(0, 1),
    "cash": 10_000.01,
    "execution": Execution(taker_fee=0.0005),
    "rebalance": "drift:0.05",
    "margin": "cross",
    "leverage": 2.0,
    "venue_rules": (None, RuleBook((VenueRules(0, lot_size=1.0),))),
}
EXECUTION = {
    "fill": "close", "maker_fee": 0.0, "taker_fee": 0.0, "slippage_bps": 1.0, "volume_impact": 0.1, "leverage": 2.0,
    "allow_short": True, "stop_loss": 0.1, "take_profit": 0.1, "trailing_stop": 0.1, "maintenance_margin": 0.01,
    "liquidation_fee": 0.01, "min_notional": 5.0, "lot_size": 0.001, "tick_size": 0.01,
    "tiers": ((0, 0.01),),
}  # fmt: skip
Identity = tuple[PortfolioScene, list[dict[str, int]], list[str], str, str]
PINNED, DIGESTS = [{"gold.candles": 3}, {"gold.candles": 4}], ["d", "e"]


def key(scene: PortfolioScene) -> str:
    return scene.key(PINNED, DIGESTS, "abc", "1")


@pytest.mark.parametrize("name", [item.name for item in fields(PortfolioScene)])
def test_any_changed_field_changes_the_key(name: str) -> None:
    assert key(replace(SCENE, **{name: OTHER[name]})) != key(SCENE)


@pytest.mark.parametrize("name", [item.name for item in fields(Execution)])
def test_any_changed_execution_field_changes_the_key(name: str) -> None:
    assert key(replace(SCENE, execution=replace(Execution(), **{name: EXECUTION[name]}))) != key(SCENE)


def test_data_source_and_engine_are_in_the_key_and_it_is_no_key_of_a_backtest() -> None:
    swapped = [PINNED[1], PINNED[0]]
    keys = {
        key(SCENE), SCENE.key(swapped, DIGESTS, "abc", "1"), SCENE.key(PINNED, ["e", "d"], "abc", "1"),
        SCENE.key(PINNED, DIGESTS, "abd", "1"), SCENE.key(PINNED, DIGESTS, "abc", "2"),
    }  # fmt: skip
    assert len(keys) == 5
    alone = replace(SCENE, instruments=PAIR[:1])
    assert alone.key(PINNED[:1], ["d"], "abc", "1") != alone.scenes[0].key(PINNED[0], "d", "abc", "1")


@st.composite
def identities(draw: st.DrawFn) -> Identity:
    """Everything that a key is made of; small choices, so that equal ones are drawn as well."""
    some, money = st.sampled_from, st.sampled_from([0.0, 0.001, 0.1])
    symbols = draw(some([("BTC/USDT", "ETH/USDT"), ("ETH/USDT", "BTC/USDT"), ("BTC/USDT", "okx:BTC/USDT")]))
    scene = PortfolioScene(
        draw(some(["a", "b"])), tuple(map(parse_symbol, symbols)), parse_timeframe(draw(some(["1m", "1M", "1h"]))),
        draw(st.dictionaries(some(["k", "n"]), some([1, 2, "1"]))), TimeRange(draw(some([0, 1])), draw(some([2, 3]))),
        draw(some([1.0, 10_000.0])), Execution(taker_fee=draw(money), stop_loss=draw(some([None, 0.1]))),
        draw(some(["change", "daily", "every:2"])), draw(some(["isolated", "cross"])), draw(some([None, 1.0, 2.0])),
    )  # fmt: skip
    pinned = st.dictionaries(some(["gold.candles", "silver.funding"]), some([1, 2, 11]))
    versions, digests = [draw(pinned), draw(pinned)], [draw(some(["d", "e"])), draw(some(["d", "e"]))]
    return scene, versions, digests, draw(some(["s", "t"])), draw(some(["1", "2"]))


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
    names = [item.name for item in (*fields(PortfolioScene), *fields(Execution)) if item.name != "leverage"]
    name = data.draw(st.sampled_from(names))
    if name in EXECUTION:
        changed = replace(scene, execution=replace(scene.execution, **{name: EXECUTION[name]}))
    else:
        changed = replace(scene, **{name: OTHER[name]})
    assert (changed.key(*rest) == scene.key(*rest)) == (changed == scene)


@settings(max_examples=100, deadline=None)
@given(identities())
def test_the_canonical_form_leaves_nothing_out_and_reads_back(drawn: Identity) -> None:
    body = json.loads(drawn[0].canonical())
    assert set(body) == {item.name for item in fields(PortfolioScene)} - {"venue_rules"}
    assert parse_portfolio_scene(body) == drawn[0]
    assert parse_portfolio_scene(body).canonical() == drawn[0].canonical()


def test_number_type_and_order_of_parameters_do_not_matter() -> None:
    swapped = replace(SCENE, parameters={"top": 3, "window": 10}, cash=10_000)
    assert key(swapped) == key(SCENE)


def test_symbols_of_two_venues_keep_their_venue() -> None:
    assert SCENE.symbols == ("BTC/USDT", "ETH/USDT")
    both = replace(SCENE, instruments=(PAIR[0], parse_symbol("okx:BTC/USDT")))
    assert both.symbols == ("binance:BTC/USDT", "okx:BTC/USDT")
    assert str(SCENE).endswith("on binance:BTC/USDT, binance:ETH/USDT 1h .., rebalanced change")


@pytest.mark.parametrize(
    ("bad", "code"),
    [({"cash": 0.0}, "BAD_SETTING"), ({"cash": float("nan")}, "BAD_SETTING"), ({"instruments": ()}, "NO_INSTRUMENTS")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(bad: dict[str, object], code: str) -> None:
    with pytest.raises(UserError, match=code):
        replace(SCENE, **bad)


def test_each_instrument_has_the_rules_of_its_venue() -> None:
    tiered = RuleBook((VenueRules(0, tiers=((0, 0.01),)),), 3)
    scene = replace(SCENE, venue_rules=(None, tiered))
    assert [one.rules for one in scene.scenes] == [None, tiered]
    assert scene.books == {"ETH/USDT": tiered}
    body = json.loads(scene.canonical())
    assert body["venue_rules"] == [None, tiered.plain()]
    assert set(body) == {item.name for item in fields(PortfolioScene)}
    assert parse_portfolio_scene(body) == scene
    assert key(scene) != key(replace(SCENE, venue_rules=(tiered, None)))
    assert replace(SCENE, venue_rules=(None, None)) == SCENE
    with pytest.raises(UserError, match="1 sets of trading rules"):
        replace(SCENE, venue_rules=(tiered,))
    with pytest.raises(UserError, match="leaves no room"):
        replace(scene, execution=Execution(leverage=100.0))
