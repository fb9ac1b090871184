"""Rules of each instrument's venue that change, and margin tiers, in one account."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tallow.core import engine
from tallow.core.portfolio import AccountRules, Drift, EveryBars, align, run
from tallow.core.portfolio.venue import venue_terms
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.errors import UserError
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution
from tallow.domain.timeframes import HOUR
from tallow.domain.venue_rules import RuleBook, VenueRules

NAN = float("nan")
CASH = 10_000.0
CROSS = AccountRules(margin="cross")
LIQUIDATED = EXIT_REASONS.index("liquidation")
TABLES = (
    None,
    None,
    ((0, 0.15),),
    ((0, 0.01), (4_000, 0.05), (9_000, 0.15)),
    ((0, 0.0, 100), (5_000, 0.1, 5), (12_000, 0.2, 2)),
)


def drawn_market(random, time, swing):
    """Candles at the given times from a seeded generator."""
    path = 100.0 * np.cumprod(1 + random.uniform(-swing, swing, 2 * len(time)))
    opened, close = path[0::2], path[1::2]
    high = np.maximum(opened, close) * (1 + random.uniform(0, swing / 2, len(time)))
    low = np.minimum(opened, close) * (1 - random.uniform(0, swing / 2, len(time)))
    return Bars.of(time, (opened, high, low, close, random.choice([0.0, 50.0, 1e6, 1e6, 1e6], len(time))))


def drawn_book(random, rows):
    """Rules that begin at random moments, between bars too."""
    moments = np.unique(random.integers(-2, 2 * rows + 1, random.integers(1, 5)))
    return RuleBook(tuple(drawn_rules(random, int(moment) * HOUR // 2) for moment in moments))


def drawn_rules(random, moment):
    table = TABLES[random.integers(len(TABLES))]
    tick, lot, least = random.choice([0.0, 0.01, 1.0]), random.choice([0.0, 0.1, 7.0]), random.choice([0.0, 500.0])
    single = None if table else float(random.choice([0.0, 0.005, 0.1]))
    return VenueRules(moment, float(tick), float(lot), float(least), single, table)


def bits(log):
    return [tuple(float(v).hex() for v in row) for row in zip(*(vars(log)[name] for name in vars(log)), strict=True)]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 30), st.sampled_from([1.0, 2.0, 5.0]), st.booleans())
def test_one_instrument_under_its_rules_is_the_engine_bit_for_bit(seed, rows, leverage, allow_short):
    random = np.random.default_rng(seed)
    bars, book = drawn_market(random, np.arange(rows) * HOUR, random.choice([0.02, 0.1])), drawn_book(random, rows)
    stops = {"stop_loss": [None, 0.1][random.integers(2)], "trailing_stop": [None, 0.1][random.integers(2)]}
    execution = Execution(leverage=leverage, allow_short=allow_short, volume_impact=0.02, **stops)
    targets = random.uniform(-leverage if allow_short else 0.0, leverage, rows)
    targets[random.random(rows) < 0.6] = NAN
    funding = FundingRates(bars.time, random.choice([0.001, 0.0, -0.002], rows))
    alone = engine.run(bars, targets, execution, cash=CASH, funding=funding, rules=book)
    panel = align({"A/USDT": bars}, funding={"A/USDT": funding})
    done = run(panel, targets[:, None], execution, cash=CASH, books={"A/USDT": book})
    assert done.equity.tobytes() == alone.equity.tobytes()
    assert bits(done.instrument_run(0).fills) == bits(alone.fills)
    assert done.instrument_run(0).digest() == alone.digest()


@st.composite
def accounts(draw):
    """Up to three instruments with holes, each with rules of its own, and weights within the leverage."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, rows, leverage = draw(st.integers(1, 3)), draw(st.integers(3, 24)), draw(st.sampled_from([1.0, 2.0, 5.0]))
    bars, columns = {}, []
    for symbol in ("C/USDT", "A/USDT", "B/USDT")[:count]:
        kept = random.random(rows) < random.choice([0.7, 1.0])
        kept[random.integers(rows)] = True
        bars[symbol] = drawn_market(random, np.flatnonzero(kept) * HOUR, random.choice([0.02, 0.1]))
    panel = align(bars)
    for _ in bars:
        wished = random.uniform(-leverage / count, leverage / count, len(panel))
        columns.append(np.where(random.random(len(panel)) < 0.5, NAN, wished))
    execution = Execution(leverage=leverage, allow_short=True)
    rules = draw(
        st.sampled_from([AccountRules(), CROSS, AccountRules(Drift(0.1)), AccountRules(EveryBars(3), "cross")])
    )
    return panel, np.column_stack(columns), execution, rules, {symbol: drawn_book(random, rows) for symbol in bars}


@settings(max_examples=150, deadline=None)
@given(accounts())
def test_rules_that_stay_the_same_change_no_bit(account):
    panel, weights, execution, rules, books = account
    first = {symbol: book.rules[0] for symbol, book in books.items()}
    same = {
        symbol: RuleBook(tuple(VenueRules(row * HOUR, *_values(one)) for row in (0, 2, 7)))
        for symbol, one in first.items()
    }
    fixed = {symbol: one.applied_to(execution) for symbol, one in first.items()}
    plain = run(panel, weights, fixed, cash=CASH, rules=rules)
    assert run(panel, weights, execution, cash=CASH, rules=rules, books=same).digest() == plain.digest()


def _values(one):
    return one.tick_size, one.lot_size, one.min_notional, one.maintenance_margin, one.tiers


@settings(max_examples=150, deadline=None)
@given(accounts())
def test_a_single_rate_as_a_table_of_one_tier_changes_no_bit(account):
    panel, weights, execution, rules, _ = account
    single = run(panel, weights, Execution(leverage=execution.leverage, allow_short=True), cash=CASH, rules=rules)
    tier = Execution(leverage=execution.leverage, allow_short=True, tiers=((0, 0.005), (1e15, 0.005)))
    assert run(panel, weights, tier, cash=CASH, rules=rules).digest() == single.digest()


@settings(max_examples=150, deadline=None)
@given(accounts())
def test_what_happens_later_does_not_touch_what_was_before_it(account):
    panel, weights, execution, rules, books = account
    assume(len(panel) > 4)
    cut = len(panel) // 2
    later = {
        symbol: RuleBook(
            (
                *(one for one in book.rules if one.valid_from < panel.time[cut]),
                VenueRules(int(panel.time[cut]), lot_size=9.0),
            )
        )
        for symbol, book in books.items()
        if book.rules[0].valid_from < panel.time[cut]
    }
    assume(len(later) == len(books))
    whole, other = (run(panel, weights, execution, cash=CASH, rules=rules, books=one) for one in (books, later))
    assert whole.equity[:cut].tobytes() == other.equity[:cut].tobytes()
    assert whole.positions[:cut].tobytes() == other.positions[:cut].tobytes()


def test_each_instrument_trades_in_the_lots_of_its_own_time(still):
    bars = {"B/USDT": still([10.0] * 6), "A/USDT": still([10.0] * 6)}
    books = {
        "A/USDT": RuleBook((VenueRules(0, lot_size=7.0), VenueRules(3 * HOUR, lot_size=11.0))),
        "B/USDT": RuleBook((VenueRules(0), VenueRules(2 * HOUR, lot_size=13.0), VenueRules(4 * HOUR, lot_size=0.0))),
    }
    free = Execution(maker_fee=0.0, taker_fee=0.0)
    weights = np.array([[0.1, 0.1], [0.3, 0.3], [0.4, 0.4], [0.5, 0.5], [NAN, NAN], [NAN, NAN]])
    done = run(bars, weights, free, cash=1_000.0, books=books)
    # To 10, 30, 40 and 50 of each, filled a row after it is decided: B in any size, twice in 13, then in any.
    assert done.positions[:, 0].tolist() == [0, 10, 23, 36, 50, 50]
    assert done.positions[:, 1].tolist() == [0, 7, 28, 39, 50, 50]


def test_new_tiers_liquidate_a_position_that_was_safe(candles):
    rows = [(100, 100, 100, 100)] * 2 + [(92, 92, 92, 92)] * 3
    bars = {"A/USDT": candles(rows), "B/USDT": candles(rows)}
    table = ((0, 0.01), (10_000, 0.15))
    books = {"B/USDT": RuleBook((VenueRules(0), VenueRules(3 * HOUR, tiers=table)))}
    execution = Execution(taker_fee=0.0, leverage=5.0, liquidation_fee=0.0)
    weights = np.full((5, 2), NAN)
    weights[0] = 2.5
    # 250 of each: margin 5,000, 20 below the entry bankrupt. B is worth 23,000 at 92: 0.15 of it less 1,400 is 2,050,
    # and 3,000 are left. At 88, 20,600 in all: (100 - (5,000 + 1,400) / 250) / 0.85 = 87.5 is its level, so it lives.
    assert run(bars, weights, execution, cash=CASH, books=books).fills.row.tolist() == [1, 1]
    table = ((0, 0.01), (1_000, 0.15))
    books = {"B/USDT": RuleBook((VenueRules(0), VenueRules(3 * HOUR, tiers=table)))}
    done = run(bars, weights, execution, cash=CASH, books=books)  # now (100 - 5,140 / 250) / 0.85 = 93.5
    assert [(int(r), done.symbols[i]) for r, i in zip(done.fills.row, done.fills.instrument, strict=True)][2:] == [
        (3, "B/USDT")
    ]


def owed(tiers, notional):
    """The maintenance of a notional: the rate of each tier on the part that lies in it."""
    ends = [one[0] for one in tiers[1:]] + [np.inf]
    return sum(one[1] * max(0.0, min(notional, end) - one[0]) for one, end in zip(tiers, ends, strict=True))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([2.0, 5.0]))
def test_a_crossed_account_ends_where_a_scan_finds_its_equity_used_up(seed, leverage):
    random = np.random.default_rng(seed)
    count, symbols = random.integers(1, 4), ("A/USDT", "B/USDT", "C/USDT")
    weights = random.uniform(-1, 1, (1, count))
    weights *= leverage / np.abs(weights).sum()
    worst = 100.0 * (1.0 + random.uniform(-0.6, 0.6, count))
    bars, execution, tables = {}, {}, []
    for i in range(count):
        low, high = min(100.0, worst[i]), max(100.0, worst[i])
        prices = np.array([(100.0,) * 4, (100.0,) * 4, (100.0, high, low, worst[i])])
        bars[symbols[i]] = Bars.of(np.arange(3) * HOUR, (*prices.T, np.ones(3)))
        floors = np.unique(random.uniform(100.0, 30_000.0, random.integers(0, 5)))
        rates = np.sort(random.uniform(0.0, 0.9 / leverage, len(floors) + 1))
        tables.append(tuple(zip([0.0, *floors.tolist()], rates.tolist(), strict=True)))
        fees = {"taker_fee": 0.0, "maker_fee": 0.0, "liquidation_fee": 0.0}
        execution[symbols[i]] = Execution(leverage=leverage, allow_short=True, tiers=tables[i], **fees)
    asked = np.vstack((weights, np.full((2, count), NAN)))
    done = run(bars, asked, execution, cash=CASH, rules=CROSS)
    held = done.positions[1]
    assume(np.all(held != 0.0))
    # A long is worst at its low, a short at its high: where the worst price is on the winning side it stays at 100.
    ends = np.where((worst - 100.0) * held < 0.0, worst, 100.0)

    def left(part):
        at = 100.0 + part * (ends - 100.0)
        return CASH + held @ (at - 100.0) - sum(map(owed, tables, np.abs(held) * at))

    ended = done.liquidations == 1
    parts = np.linspace(0.0, 1.0, 2_001)
    values = np.array([left(part) for part in parts])
    assert ended == bool((values <= 0.0).any()) or np.abs(values).min() < 1e-6
    if ended and values[0] > 0.0:
        filled = done.fills.price[done.fills.reason == LIQUIDATED]
        moved = ends != 100.0
        place = ((filled - 100.0) / (ends - 100.0 + ~moved))[moved]
        assert np.ptp(place) == pytest.approx(0.0, abs=1e-9)
        first = int(np.argmax(values <= 0.0))
        assert parts[first - 1] - 1e-9 <= place[0] <= parts[first] + 1e-9
        assert left(place[0]) == pytest.approx(0.0, abs=1e-6)


def test_a_position_at_which_the_leverage_is_not_allowed_is_not_opened(still):
    tiers = ((0, 0.01, 20), (5_000, 0.02, 4))
    execution = Execution(maker_fee=0.0, taker_fee=0.0, leverage=5.0, tiers=tiers)
    weights = np.array([[2.0, 2.0], [0.4, 0.6], [NAN, NAN]])
    bars = {"A/USDT": still([10.0] * 3), "B/USDT": still([20.0] * 3)}
    done = run(bars, weights, execution, cash=CASH)
    assert done.positions.tolist() == [[0, 0], [0, 0], [400, 0]]
    assert done.rejected_orders == (1, 2)


def test_rules_of_what_is_not_held_are_refused(still):
    bars = {"A/USDT": still([10.0] * 3)}
    with pytest.raises(UserError, match="trading rules for B/USDT") as caught:
        run(bars, np.zeros((3, 1)), Execution(), cash=CASH, books={"B/USDT": RuleBook((VenueRules(0),))})
    assert caught.value.code == "UNKNOWN_INSTRUMENT"


def test_terms_are_padded_to_the_longest_table_and_adopted_at_their_row(still):
    panel = align({"B/USDT": still([10.0] * 4), "A/USDT": still([10.0] * 4)})
    execution = Execution(leverage=2.0, maintenance_margin=0.02)
    table = ((0, 0.01, 20), (1_000, 0.1, 3), (5_000, 0.2, 1))
    terms = venue_terms(panel, (execution,) * 2, {"B/USDT": RuleBook((VenueRules(0), VenueRules(HOUR, tiers=table)))})
    assert terms.rows == (1,)
    assert terms.tiers is not None
    assert terms.tiers.rate.tolist() == [[0.02] * 3] * 2  # in the order of names
    assert terms.adopt(0) == terms.adopt(2) == []
    assert terms.adopt(1) == [1]
    assert terms.tiers.rate.tolist() == [[0.02] * 3, [0.01, 0.1, 0.2]]
    assert terms.tiers.amount[1].tolist() == pytest.approx([0, 90, 590])
    assert terms.tiers.largest.tolist() == [np.inf, 5_000]
    assert venue_terms(panel, (execution,) * 2, {}).tiers is None
