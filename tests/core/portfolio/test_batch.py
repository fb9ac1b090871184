"""What holds for every portfolio: one instrument is the engine, the ledger, causality, no order of columns."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core import engine
from tallow.core.portfolio import AccountRules, Calendar, Drift, EveryBars, OnChange, align, run
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.scene import Execution
from tallow.domain.timeframes import HOUR, parse_timeframe

NAN = float("nan")
CASH = 10_000.0
modest = settings(max_examples=80, deadline=None)


def rate(low, high):
    return st.floats(low, high, allow_nan=False).map(lambda value: round(value, 4))


@st.composite
def one_market(draw, time):
    """Candles at the given times that hang together, some without volume."""
    count = len(time)
    swing = draw(st.sampled_from([0.02, 0.15]))
    moves = draw(st.lists(rate(-swing, swing), min_size=2 * count, max_size=2 * count))
    wicks = draw(st.lists(rate(0.0, swing / 2), min_size=2 * count, max_size=2 * count))
    volume = draw(st.lists(st.sampled_from([0.0, 3.0, 50.0, 1e6, 1e6, 1e6]), min_size=count, max_size=count))
    path = draw(st.sampled_from([0.5, 100.0])) * np.cumprod(1 + np.array(moves))
    opened, close = path[0::2], path[1::2]
    high = np.maximum(opened, close) * (1 + np.array(wicks[:count]))
    low = np.minimum(opened, close) * (1 - np.array(wicks[count:]))
    return Bars.of(time, (opened, high, low, close, np.array(volume)))


@st.composite
def executions(draw, leverage=None, allow_short=None):
    return {
        "maker_fee": draw(rate(-0.0005, 0.002)),
        "taker_fee": draw(rate(0.0, 0.005)),
        "slippage_bps": draw(st.sampled_from([0.0, 5.0, 50.0])),
        "volume_impact": draw(st.sampled_from([0.0, 0.02])),
        "leverage": draw(st.sampled_from([1.0, 2.0, 5.0])) if leverage is None else leverage,
        "allow_short": draw(st.booleans()) if allow_short is None else allow_short,
        "stop_loss": draw(st.one_of(st.none(), rate(0.08, 0.3))),
        "take_profit": draw(st.one_of(st.none(), rate(0.08, 0.3))),
        "trailing_stop": draw(st.one_of(st.none(), rate(0.08, 0.3))),
        "min_notional": draw(st.sampled_from([0.0, 500.0])),
        "lot_size": draw(st.sampled_from([0.0, 0.1, 7.0])),
        "tick_size": draw(st.sampled_from([0.0, 0.01])),
    }


def weights_of(draw, execution, rows):
    low = -execution["leverage"] if execution["allow_short"] else 0.0
    new = st.one_of(st.sampled_from([0.0, 1.0, low, execution["leverage"]]), rate(low, execution["leverage"]))
    one = st.one_of(st.just(NAN), st.just(NAN), st.just(NAN), st.just(NAN), new)
    return draw(st.lists(one, min_size=rows, max_size=rows))


@st.composite
def single(draw):
    """A market of one instrument with targets, settings and funding."""
    count = draw(st.integers(2, 20))
    bars = draw(one_market(np.arange(count) * HOUR))
    settings_of = draw(executions()) | {"fill": draw(st.sampled_from(["next_open", "close"]))}
    targets = np.array(weights_of(draw, settings_of, count))
    rates = draw(st.lists(rate(-0.01, 0.01), min_size=1, max_size=3))
    moments = bars.time + draw(st.sampled_from([0, HOUR // 2]))
    funding = FundingRates(moments, np.array([rates[i % len(rates)] for i in range(count)]))
    return bars, targets, Execution(**settings_of), funding


def bits(log):
    return [tuple(float(v).hex() for v in row) for row in zip(*(vars(log)[name] for name in vars(log)), strict=True)]


@settings(max_examples=300, deadline=None)
@given(single())
def test_one_instrument_is_the_engine_bit_for_bit(scene):
    bars, targets, execution, funding = scene
    alone = engine.run(bars, targets, execution, cash=CASH, funding=funding)
    panel = align({"A/USDT": bars}, funding={"A/USDT": funding})
    book = run(panel, targets[:, None], execution, cash=CASH)
    assert book.equity.tobytes() == alone.equity.tobytes()
    assert bits(book.instrument_run(0).fills) == bits(alone.fills)
    assert book.instrument_run(0).digest() == alone.digest()
    assert bits(book.trades[0]) == bits(alone.trades)


def drawn_market(random, time, swing):
    """Candles at the given times from a seeded generator: quicker to draw than one number after the other."""
    path = random.choice([0.5, 100.0]) * np.cumprod(1 + random.uniform(-swing, swing, 2 * len(time)))
    opened, close = path[0::2], path[1::2]
    high = np.maximum(opened, close) * (1 + random.uniform(0, swing / 2, len(time)))
    low = np.minimum(opened, close) * (1 - random.uniform(0, swing / 2, len(time)))
    return Bars.of(time, (opened, high, low, close, random.choice([0.0, 3.0, 50.0, 1e6, 1e6, 1e6], len(time))))


@st.composite
def books(draw, *, plain=False, fill=None, margin=None, **fixed):
    """Up to four instruments in one account, and weights that the settings allow.

    There are holes, late starts and costs of every kind, unless it is to be plain.
    """
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, rows, swing = draw(st.integers(1, 4)), draw(st.integers(3, 24)), draw(st.sampled_from([0.02, 0.15, 0.4]))
    fill = fill or draw(st.sampled_from(["next_open", "close"]))
    bars, chosen, funding, columns = {}, {}, {}, {}
    for symbol in draw(st.permutations(["A/USDT", "B/USDT", "C/USDT", "D/USDT"]))[:count]:
        kept = random.random(rows) < (1.0 if plain else random.choice([0.7, 1.0]))
        kept[random.integers(rows)] = True
        bars[symbol] = drawn_market(random, np.flatnonzero(kept) * HOUR, swing)
        chosen[symbol] = draw(executions(**fixed))
        moments = bars[symbol].time + random.choice([0, HOUR // 2])
        funding[symbol] = FundingRates(moments, random.choice([0.001, 0.0, -0.002], len(moments)))
        if plain:
            chosen[symbol] |= {"stop_loss": None, "trailing_stop": None, "slippage_bps": 0.0, "volume_impact": 0.0}
            bars[symbol].volume[:] = 1e6
        largest = chosen[symbol]["leverage"] / count
        low = -largest if chosen[symbol]["allow_short"] else 0.0
        wished = np.where(
            random.random(rows) < 0.5, random.choice([low, 0.0, largest], rows), random.uniform(low, largest)
        )
        columns[symbol] = np.where(random.random(rows) < random.choice([0.2, 0.6, 1.0]), wished, NAN)
    panel = align(bars, funding=None if plain else funding)
    rule = draw(st.sampled_from([OnChange(), EveryBars(1), EveryBars(3), Calendar("daily"), Drift(0.05)]))
    margin = margin or draw(st.sampled_from(["isolated", "cross"]))
    weights = np.column_stack(list(columns.values()))[panel.time // HOUR]
    return panel, weights, {s: Execution(**chosen[s], fill=fill) for s in bars}, AccountRules(rule, margin)


def bars_of(panel):
    return {s: Bars.of(m.time, m.columns[:5]) for s, m in zip(panel.symbols, panel.markets, strict=True)}


def play(book, **changed):
    panel, weights, execution, rules = book
    return run(changed.get("panel", panel), changed.get("weights", weights), execution, cash=CASH, rules=rules)


@modest
@given(books(), st.randoms(use_true_random=False))
def test_the_order_of_columns_changes_nothing_to_the_bit(book, shuffler):
    panel, weights, _, _ = book
    order = list(range(len(panel.symbols)))
    shuffler.shuffle(order)
    moved = type(panel)(
        tuple(panel.symbols[i] for i in order),
        panel.time,
        tuple(panel.markets[i] for i in order),
        tuple(panel.own[i] for i in order),
        panel.length,
    )
    first, second = play(book), play(book, panel=moved, weights=weights[:, order])
    assert first.equity.tobytes() == second.equity.tobytes()
    assert first.cash.tobytes() == second.cash.tobytes()
    assert first.positions[:, order].tobytes() == second.positions.tobytes()
    assert np.array(order)[second.fills.instrument].tolist() == first.fills.instrument.tolist()
    assert [bits(first.trades[i]) for i in order] == [bits(log) for log in second.trades]
    assert tuple(first.rejected_orders[i] for i in order) == second.rejected_orders


@modest
@given(books())
def test_every_mark_is_the_exact_sum_of_fills_and_funding_over_instruments(book):
    panel = book[0]
    done = play(book)
    cash, held, place = Fraction(CASH), [Fraction(0)] * len(panel.symbols), 0
    closes = [panel.closes(i) for i in range(len(panel.symbols))]
    for row in range(len(panel)):
        while place < len(done.events) and done.events[place, 0] == row:
            _, quantity, price, fee, _, _, paid, *_, owner, _ = done.events[place].tolist()
            cash -= Fraction(quantity) * Fraction(price) + Fraction(fee) + Fraction(paid)
            held[int(owner)] += Fraction(quantity)
            place += 1
        worth = cash + sum(q * Fraction(float(closes[i][row])) for i, q in enumerate(held) if q)
        assert float(worth) == pytest.approx(done.equity[row], rel=1e-9, abs=1e-6)
        assert float(cash) == pytest.approx(done.cash[row], rel=1e-9, abs=1e-6)
        assert [float(q) for q in held] == pytest.approx(done.positions[row].tolist(), abs=1e-9)
    earned = sum(Fraction(float(profit)) for log in done.trades for profit in log.profit)
    assert float(earned) == pytest.approx(done.equity[-1] - CASH, abs=1e-6)


@modest
@given(books())
def test_no_fill_crosses_zero_and_none_happens_where_nothing_trades(book):
    panel = book[0]
    done = play(book)
    held = [0.0] * len(panel.symbols)
    for row, owner, quantity in zip(done.fills.row, done.fills.instrument, done.fills.quantity, strict=True):
        before, held[owner] = held[owner], held[owner] + quantity
        assert before * held[owner] >= 0
        own = np.flatnonzero(panel.rows_of(owner) == row)
        assert len(own) == 1
        assert panel.markets[owner].columns.volume[own[0]] > 0


@modest
@given(books(leverage=1.0, allow_short=False))
def test_cash_is_never_negative_without_leverage(book):
    panel, weights, execution, rules = book
    done = run(align(bars_of(panel)), weights, execution, cash=CASH, rules=rules)
    assert (done.events[:, -1] >= 0).all()
    assert (done.equity >= 0).all()


@modest
@given(books(leverage=5.0, allow_short=True, margin="cross", plain=True))
def test_a_liquidation_of_the_account_loses_no_more_than_the_equity(book):
    done = play(book)
    assert (done.equity >= -1e-6).all()


@modest
@given(books(fill="next_open"), st.data())
def test_a_fill_at_the_open_knows_nothing_of_any_bar_then_or_later(book, data):
    panel, weights, execution, rules = book
    row = data.draw(st.integers(0, len(panel) - 1))
    moment, changed, still = panel.time[row], {}, {}
    some = data.draw(st.sets(st.sampled_from(panel.symbols), min_size=1))
    for symbol, bars in bars_of(panel).items():
        price = st.lists(rate(1.0, 1_000.0), min_size=len(bars), max_size=len(bars))
        other = [np.array(data.draw(price)) for _ in range(5)]
        mask, later = bars.time >= moment, bars.time > moment
        volume = np.where(mask, np.where(bars.volume > 0, other[4], 0.0), bars.volume)
        opened = np.where(later, other[0], bars.open)
        high, low = np.maximum(other[1], opened), np.minimum(other[2], opened)  # a candle holds its open
        new = zip((high, low, other[3]), (bars.high, bars.low, bars.close), strict=True)
        columns = (opened, *(np.where(mask, one, old) for one, old in new))
        changed[symbol] = Bars.of(bars.time, (*columns, volume)) if symbol in some else bars
        part = bars[bars.time <= moment]
        flat = [np.where(part.time == moment, part.open, column) for column in (part.high, part.low, part.close)]
        still[symbol] = Bars.of(part.time, (part.open, *flat, part.volume))
    decided = np.where(np.arange(len(panel))[:, None] >= row, 0.0, weights)
    before, after = (
        run(align(bars_of(panel)), weights, execution, cash=CASH, rules=rules),
        run(align(changed), decided, execution, cash=CASH, rules=rules),
    )
    assert before.equity[:row].tobytes() == after.equity[:row].tobytes()
    assert before.positions[:row].tobytes() == after.positions[:row].tobytes()
    # Bars that stand still at their open have only what happens at the open.
    hour = parse_timeframe("1h")
    at_open = fills_until(run(align(still, timeframe=hour), weights[: row + 1], execution, cash=CASH, rules=rules), row)
    assert fills_until(before, row)[: len(at_open)] == at_open
    assert fills_until(after, row)[: len(at_open)] == at_open


def fills_until(done, row):
    return [fill for fill in bits(done.fills) if float.fromhex(fill[0]) <= row]


@modest
@given(books())
def test_a_row_with_nothing_to_do_is_the_same_when_it_is_stepped(book):
    panel, weights, execution, rules = book
    quick = run(align(bars_of(panel)), weights, execution, cash=CASH, rules=rules)
    # Payments of nothing make every row an event, so that no stretch is marked at once.
    nothing = {s: FundingRates(b.time, np.zeros(len(b))) for s, b in bars_of(panel).items()}
    stepped = run(align(bars_of(panel), funding=nothing), weights, execution, cash=CASH, rules=rules)
    assert quick.digest() == stepped.digest()


def test_what_is_not_listed_yet_makes_nobody_else_trade():
    steps = np.random.default_rng(1).normal(0, 0.005, (3, 600))
    bars = {}
    for name, moves, first in zip("ABC", steps, (0, 0, 500), strict=True):
        close = 100 * np.exp(np.cumsum(moves))
        opened = np.append(100.0, close[:-1])
        whole = (opened, np.maximum(opened, close), np.minimum(opened, close), close, np.full(600, 1e6))
        bars[name] = Bars.of((np.arange(600) * HOUR)[first:], tuple(column[first:] for column in whole))
    weights = np.full((600, 3), NAN)
    weights[0] = 0.3
    done = run(align(bars), weights, Execution(), cash=CASH, rules=AccountRules(Drift(0.05)))
    early = done.fills.row < 500
    assert early.sum() == 2 + 2 * (len(np.unique(done.fills.row[early])) - 1)
    assert early.sum() < 10  # one purchase each, and a rebalancing now and then


def test_what_a_stop_has_closed_stays_out_until_its_weight_changes():
    close = 100 * 0.98 ** np.arange(60)
    opened = np.append(100.0, close[:-1])
    bars = Bars.of(np.arange(60) * HOUR, (opened, opened, close, close, np.full(60, 1e6)))
    weights = np.full((60, 1), NAN)
    weights[0], weights[40] = 0.5, 0.4
    done = run(align({"A": bars}), weights, Execution(stop_loss=0.05), cash=CASH, rules=AccountRules(Drift(0.05)))
    assert done.fills.row.tolist() == [1, 3, 41, 43]
    assert (done.fills.quantity > 0).tolist() == [True, False, True, False]
