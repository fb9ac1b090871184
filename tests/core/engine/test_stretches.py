"""Runs whose venue changes its rules: cuts, levels that move, and the same numbers as one step after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.engine import Engine, extend, live_bars, prepare, run, run_path, summarize
from tallow.core.engine.batch import summarize_stretches
from tallow.core.engine.stretches import stretches_of
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import UserError
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE
from tallow.domain.venue_rules import RuleBook, VenueRules

NAN = float("nan")
CASH = 10_000.0
modest = settings(max_examples=150, deadline=None)


def make_bars(*prices):
    column = np.array(prices, float)
    return Bars.of(np.arange(len(prices)) * MINUTE, (column, column, column, column, np.ones(len(prices))))


def book(*rules):
    return RuleBook(tuple(VenueRules(*one) for one in rules))


@pytest.mark.parametrize(
    ("moments", "cuts"),
    [
        ([0], [(0, 4, 0)]),
        ([99], [(0, 4, 0)]),  # the first known ones hold before their time
        ([0, 10], [(0, 1, 0), (1, 4, 1)]),
        ([0, 11], [(0, 2, 0), (2, 4, 1)]),  # a bar that has opened goes on under the old ones
        ([0, 11, 15, 20], [(0, 2, 0), (2, 4, 3)]),  # no bar opens under the second and the third
        ([-9, -5, 30], [(0, 3, 1), (3, 4, 2)]),
        ([0, 31], [(0, 4, 0)]),
    ],
)
def test_bars_are_cut_where_rules_begin(moments, cuts):
    rules = RuleBook(tuple(VenueRules(moment, tick_size=float(place)) for place, moment in enumerate(moments)))
    found = stretches_of(np.arange(4) * 10, Execution(), rules)
    assert [(one.start, one.stop, int(one.execution.tick_size)) for one in found] == cuts


def test_without_rules_or_bars_there_is_one_stretch():
    execution = Execution(tick_size=0.5)
    assert stretches_of(np.arange(3), execution) == ((0, 3, execution),)
    (only,) = stretches_of(np.zeros(0, np.int64), Execution(), book((0, 0.1), (5, 0.2)))
    assert (only.start, only.stop) == (0, 0)
    assert len(run(make_bars(), np.zeros(0), Execution(), cash=1.0, rules=book((0, 0.1), (5, 0.2))).equity) == 0


def test_an_order_fills_under_the_rules_of_the_bar_it_fills_in():
    free = Execution(maker_fee=0.0, taker_fee=0.0)
    rules = book((0, 1.0, 3.0, 0.0), (2 * MINUTE, 5.0, 4.0, 0.0), (4 * MINUTE, 5.0, 4.0, 1_000_000.0))
    bars = make_bars(100.5, 100.5, 101.0, 101.0, 101.0, 101.0)
    done = run(bars, np.array([0.5, 1.0, 0.0, 1.0, NAN, NAN]), free, cash=CASH, rules=rules)
    # Row 1: up to the tick of 1, lots of 3. Row 2, decided in row 1: up to the tick of 5, lots of 4, on top of 48.
    assert done.fills.row.tolist() == [1, 2, 3]
    assert done.fills.price.tolist() == [101.0, 105.0, 100.0]
    assert done.fills.quantity.tolist() == [48.0, 44.0, -92.0]
    assert done.rejected_orders == 1  # the smallest order has become too large at row 4


def test_a_higher_maintenance_margin_liquidates_an_open_position_from_its_bar_on():
    execution = Execution(maker_fee=0.0, taker_fee=0.0, leverage=5.0, liquidation_fee=0.0)
    bars = make_bars(100.0, 100.0, 98.0, 96.0, 94.0, 92.0, 90.0)
    targets = np.array([5.0, NAN, NAN, NAN, NAN, NAN, NAN])
    assert len(run(bars, targets, execution, cash=CASH).fills) == 1
    # Margin 20 on an entry at 100: bankrupt at 80, liquidated at 80 / (1 - 0.15) = 94.12; or, once passed, at the open.
    for moment, row, price in ((3 * MINUTE, 4, 94.0), (4 * MINUTE, 4, 94.0), (5 * MINUTE, 5, 92.0)):
        rules = book((0,), (moment, None, None, None, 0.15))
        done = run(bars, targets, execution, cash=CASH, rules=rules)
        asked = run_path(bars, lambda place, account: targets[place], execution, cash=CASH, rules=rules)
        assert (done.fills.row[1], done.fills.price[1]) == (row, price)
        assert done.fills.reason[1] == EXIT_REASONS.index("liquidation")
        assert asked.digest() == done.digest()


def test_a_strategy_sees_its_account_under_the_new_rules_at_once():
    execution = Execution(maker_fee=0.0, taker_fee=0.0, leverage=5.0, liquidation_fee=0.0)
    seen = []

    def decide(row, account):
        seen.append((row, account.position, account.exit_reason))
        return 5.0 if row == 0 else NAN

    rules = book((0,), (3 * MINUTE, None, None, None, 0.15))
    run_path(make_bars(100.0, 100.0, 96.0, 94.0, 94.0), decide, execution, cash=CASH, rules=rules)
    assert seen == [(0, 0, ""), (1, 500, ""), (2, 500, ""), (3, 0, "liquidation"), (4, 0, "liquidation")]


def test_a_live_account_keeps_what_new_rules_leave_open():
    engine = Engine(Execution(tick_size=0.5, lot_size=2.0), CASH)
    engine.adopt(VenueRules(0, tick_size=1.0))
    engine.adopt(VenueRules(1, lot_size=3.0))
    assert (engine.execution.tick_size, engine.execution.lot_size) == (0.5, 3.0)
    with pytest.raises(UserError, match="maintenance_margin"):
        Engine(Execution(leverage=10.0), CASH).adopt(VenueRules(0, maintenance_margin=0.2))


def test_tiers_liquidate_by_the_size_at_the_price_and_change_with_the_rules():
    execution = Execution(maker_fee=0.0, taker_fee=0.0, leverage=5.0, liquidation_fee=0.0)
    bars, targets = make_bars(100.0, 100.0, 98.0, 96.0, 94.0, 92.0, 90.0), np.array([5.0] + 6 * [NAN])
    small, large = ((0, 0.01), (60_000, 0.15)), ((0, 0.01), (30_000, 0.15))
    # 500 at 100, margin 10,000. The second tier of `large` takes off 30,000 * 0.14 = 4,200, so the level is at
    # (100 - (10,000 + 4,200) / 500) / 0.85 = 84.2; that of the first tier at 80 / 0.99 = 80.8. A single 0.15: 94.1.
    for tiers, row in ((small, None), (large, None), (((0, 0.15),), 4)):
        done = run(bars, targets, execution, cash=CASH, rules=RuleBook((VenueRules(0, tiers=tiers),)))
        assert done.fills.row.tolist() == [1] + ([row] if row else [])
    deeper = make_bars(100.0, 100.0, 90.0, 85.0, 84.0, 84.0, 80.5)
    for moment, row in ((0, 4), (5 * MINUTE, 5), (6 * MINUTE, 6), (7 * MINUTE, 6)):
        rules = RuleBook((VenueRules(-1, tiers=small), VenueRules(moment, tiers=large)))
        done = run(deeper, targets, execution, cash=CASH, rules=rules)
        assert done.fills.row.tolist() == [1, row]
        assert done.fills.reason[1] == EXIT_REASONS.index("liquidation")


def test_a_leverage_that_new_tiers_forbid_keeps_its_position_and_opens_no_more():
    execution = Execution(maker_fee=0.0, taker_fee=0.0, leverage=5.0)
    rules = book((0,), (2 * MINUTE, None, None, None, None, ((0, 0.01, 20), (20_000, 0.02, 4))))
    targets = np.array([3.0, 4.0, 1.0, 2.5, NAN])
    done = run(make_bars(*[100.0] * 5), targets, execution, cash=CASH, rules=rules)
    # 30,000 is held when 20,000 becomes the most for a leverage of 5: 40,000 and 25,000 are refused, 10,000 is not.
    assert done.position.tolist() == [0, 300, 300, 100, 100]
    assert done.rejected_orders == 2


# Any market, any rules


def rate(low, high):
    return st.floats(low, high, allow_nan=False).map(lambda value: round(value, 4))


@st.composite
def scenes(draw):
    """A market, targets that the settings allow, the settings, funding, and rules that change."""
    count = draw(st.integers(2, 24))
    moves = draw(st.lists(rate(-0.08, 0.08), min_size=2 * count, max_size=2 * count))
    wicks = draw(st.lists(rate(0.0, 0.04), min_size=2 * count, max_size=2 * count))
    volume = draw(st.lists(st.sampled_from([0.0, 50.0, 1e6, 1e6]), min_size=count, max_size=count))
    path = 100 * np.cumprod(1 + np.array(moves))
    opened, close = path[0::2], path[1::2]
    high = np.maximum(opened, close) * (1 + np.array(wicks[:count]))
    low = np.minimum(opened, close) * (1 - np.array(wicks[count:]))
    bars = Bars.of(np.arange(count) * MINUTE, (opened, high, low, close, np.array(volume)))
    execution = Execution(
        fill=draw(st.sampled_from(["next_open", "close"])),
        taker_fee=draw(rate(0.0, 0.003)),
        volume_impact=draw(st.sampled_from([0.0, 0.02])),
        leverage=draw(st.sampled_from([1.0, 3.0, 5.0])),
        allow_short=draw(st.booleans()),
        stop_loss=draw(st.one_of(st.none(), rate(0.05, 0.3))),
        trailing_stop=draw(st.one_of(st.none(), rate(0.05, 0.3))),
    )
    lowest = -execution.leverage if execution.allow_short else 0.0
    new = st.one_of(st.sampled_from([0.0, 1.0, lowest, execution.leverage]), rate(lowest, execution.leverage))
    one = st.one_of(st.just(NAN), st.just(NAN), st.just(NAN), new)
    targets = np.array(draw(st.lists(one, min_size=count, max_size=count)))
    funding = FundingRates(bars.time, np.array([0.001, 0.0, -0.002] * 8)[:count]) if draw(st.booleans()) else None
    moments = sorted(draw(st.sets(st.integers(-2, 2 * count + 1), min_size=1, max_size=6)))
    tables = [None, None, ((0, 0.19),), ((0, 0.01), (9_000, 0.05), (15_000, 0.15)), ((0, 0.02, 50), (12_000, 0.25, 2))]
    rules = tuple(
        VenueRules(
            moment * MINUTE // 2,
            draw(st.sampled_from([None, 0.0, 0.01, 1.0])),
            draw(st.sampled_from([None, 0.0, 0.1, 7.0])),
            draw(st.sampled_from([None, 0.0, 500.0])),
            None if table else draw(st.sampled_from([None, 0.0, 0.005, 0.1, 0.19])),
            table,
        )
        for moment in moments
        for table in [draw(st.sampled_from(tables))]
    )
    return bars, targets, execution, funding, RuleBook(rules)


def step_by_step(bars, targets, execution, funding, rules):
    """One bar after the other, with the rules looked up anew at each; gives equity, position and fills."""
    engine, equity, position, fills = Engine(execution, CASH), [], [], []
    for bar, target in zip(live_bars(prepare(bars, funding)), targets, strict=True):
        begun = [one for one in rules.rules if one.valid_from <= bar.time]
        engine.adopt(begun[-1] if begun else rules.rules[0])
        fills += engine.step(bar, target)
        equity.append(engine.equity)
        position.append(engine.position)
    return equity, position, fills


@modest
@given(scenes())
def test_rules_that_change_are_single_steps_bit_for_bit(scene):
    bars, targets, execution, funding, rules = scene
    done = run(bars, targets, execution, cash=CASH, funding=funding, rules=rules)
    equity, position, fills = step_by_step(bars, targets, execution, funding, rules)
    assert done.equity.tolist() == equity
    assert done.position.tolist() == position
    assert done.fills.price.tolist() == [fill.price for fill in fills]
    assert done.fills.time.tolist() == [fill.time for fill in fills]
    path = run_path(bars, lambda row, account: targets[row], execution, cash=CASH, funding=funding, rules=rules)
    assert path.digest() == done.digest()


@modest
@given(scenes(), st.integers(1, 4))
def test_rules_that_stay_the_same_are_a_plain_run_bit_for_bit(scene, times):
    bars, targets, execution, funding, rules = scene
    first = rules.rules[0]
    same = (first.tick_size, first.lot_size, first.min_notional, first.maintenance_margin, first.tiers)
    kept = RuleBook(tuple(VenueRules(place * 5 * MINUTE, *same) for place in range(times)))
    plain = run(bars, targets, first.applied_to(execution), cash=CASH, funding=funding)
    assert run(bars, targets, execution, cash=CASH, funding=funding, rules=kept).digest() == plain.digest()
    path = run_path(bars, lambda row, account: targets[row], execution, cash=CASH, funding=funding, rules=kept)
    assert path.digest() == plain.digest()


@modest
@given(scenes(), st.data())
def test_a_longer_series_is_continued_under_its_rules(scene, data):
    bars, targets, execution, _, rules = scene
    rows = data.draw(st.integers(1, len(bars)))
    before = run(bars[:rows], targets[:rows], execution, cash=CASH, rules=rules)
    whole = run(bars, targets, execution, cash=CASH, rules=rules)
    assert extend(before.checkpoint, bars, targets, execution, rules=rules).digest() == whole.digest()


@modest
@given(scenes())
def test_a_summary_under_rules_has_the_numbers_of_the_run(scene):
    bars, targets, execution, funding, rules = scene
    done = run(bars, targets, execution, cash=CASH, funding=funding, rules=rules)
    market = prepare(bars, funding)

    def summarized(book):
        cuts = stretches_of(bars.time, execution, book)
        return summarize_stretches(market, targets, cuts, cash=CASH, periods_per_year=1.0)

    found = summarized(rules)
    assert found.final_equity == done.equity[-1]
    assert (found.rejected_orders, found.ambiguous_bars) == (done.rejected_orders, done.ambiguous_bars)
    assert found.exposure == done.exposed_bars / len(bars)
    assert found.trades == np.count_nonzero(done.trades.reason != EXIT_REASONS.index("open"))
    peak = np.maximum.accumulate(np.append(CASH, done.equity))[1:]
    assert found.max_drawdown == min(0.0, *(-(1.0 - done.equity / peak)))
    kept = RuleBook((VenueRules(0), VenueRules(3 * MINUTE)))
    plain = summarize(market, targets, execution, cash=CASH, periods_per_year=1.0)
    same = summarized(kept)
    assert same._replace(bar_sharpe=0.0) == plain._replace(bar_sharpe=0.0)
    assert same.bar_sharpe == pytest.approx(plain.bar_sharpe, rel=1e-6, abs=1e-9, nan_ok=True)
