"""What holds for every run with orders: parity with the target engine, causality, ledger, one step in every mode."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from tallow.core.engine import live_bars, prepare, run
from tallow.core.orders import CompiledStrategy, OrderEngine, run_compiled, run_orders
from tallow.core.orders.replay import run_sent
from tallow.core.orders.session import amend_message, message_of
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.fill_rules import Terms
from tallow.domain.orders import Amendment, FillRules, Order, Side, Target
from tallow.domain.scene import Execution
from tallow.domain.sent import Sent
from tallow.domain.timeframes import MINUTE
from tallow.domain.venue_rules import RuleBook, VenueRules

pytestmark = pytest.mark.thorough

NAN = float("nan")
CASH = 10_000.0
modest = settings(max_examples=60, deadline=None)


def rate(low, high):
    return st.floats(low, high, allow_nan=False).map(lambda value: round(value, 4))


@st.composite
def markets(draw, bars=20):
    """Between 2 and `bars` candles that hang together, some without volume."""
    count = draw(st.integers(2, bars))
    swing = draw(st.sampled_from([0.02, 0.15]))
    moves = draw(st.lists(rate(-swing, swing), min_size=2 * count, max_size=2 * count))
    wicks = draw(st.lists(rate(0.0, swing / 2), min_size=2 * count, max_size=2 * count))
    volume = draw(st.lists(st.sampled_from([0.0, 3.0, 50.0, 1e6, 1e6, NAN]), min_size=count, max_size=count))
    path = 100 * np.cumprod(1 + np.array(moves))
    opened, close = path[0::2], path[1::2]
    high = np.maximum(opened, close) * (1 + np.array(wicks[:count]))
    low = np.minimum(opened, close) * (1 - np.array(wicks[count:]))
    return Bars.of(np.arange(count) * MINUTE, (opened, high, low, close, np.array(volume)))


@st.composite
def executions(draw):
    exits = st.one_of(st.none(), st.none(), rate(0.08, 0.3))
    return Execution(
        maker_fee=draw(rate(-0.0005, 0.002)),
        taker_fee=draw(rate(0.0, 0.005)),
        slippage_bps=draw(st.sampled_from([0.0, 5.0, 50.0])),
        volume_impact=draw(st.sampled_from([0.0, 0.02])),
        leverage=draw(st.sampled_from([1.0, 2.0, 5.0])),
        allow_short=draw(st.booleans()),
        stop_loss=draw(exits),
        take_profit=draw(exits),
        trailing_stop=draw(exits),
        min_notional=draw(st.sampled_from([0.0, 500.0])),
        lot_size=draw(st.sampled_from([0.0, 0.1, 7.0])),
        tick_size=draw(st.sampled_from([0.0, 0.01])),
    )


@st.composite
def orders(draw, number):
    """An order near a price of 100, tied to earlier ones by chance."""
    kind = draw(st.sampled_from(["market", "limit", "limit", "stop", "stop_limit", "take_profit", "trailing_stop"]))
    near = rate(85.0, 115.0)
    validity = {"market": ["gtc", "ioc", "fok"], "limit": ["gtc", "gtc", "ioc", "fok", "post_only"]}.get(kind, ["gtc"])
    validity = draw(st.sampled_from(validity))
    lasting = validity in ("gtc", "post_only")
    return Order(
        side=draw(st.sampled_from([Side.BUY, Side.SELL])),
        quantity=draw(st.sampled_from([1.0, 5.0, 30.0, 0.55])),
        kind=kind,
        price=draw(near) if kind in ("limit", "stop_limit") else None,
        trigger=draw(near) if kind in ("stop", "stop_limit", "take_profit") else None,
        trail=draw(rate(0.01, 0.1)) if kind == "trailing_stop" else None,
        validity=validity,
        good_till=draw(st.one_of(st.none(), st.integers(1, 20))) and 7 * MINUTE if lasting else None,
        reduce_only=draw(st.booleans()),
        group=draw(st.sampled_from([0, 0, 1, 2])),
        parent=draw(st.integers(1, number - 1)) if number > 1 and draw(st.integers(0, 3)) == 0 else 0,
    )


@st.composite
def amendments(draw, number):
    """New terms of an order, some of which its kind cannot have."""
    new = {
        "quantity": st.sampled_from([0.5, 1.0, 2.0, 5.0, 40.0]),
        "price": rate(85.0, 115.0),
        "trigger": rate(85.0, 115.0),
    }
    names = draw(st.sets(st.sampled_from(sorted(new)), min_size=1))
    return Amendment(draw(st.integers(1, number - 1)), **{name: draw(new[name]) for name in sorted(names)})


@st.composite
def plans(draw):
    """Bars, settings, and messages by row: orders, targets and cancellations."""
    bars, execution = draw(markets()), draw(executions())
    rules = FillRules(draw(st.sampled_from([None, None, 0.1, 1.0])), draw(st.booleans()))
    sent, number = {}, 1
    for row in sorted(draw(st.lists(st.integers(0, len(bars) - 1), max_size=12))):
        choice = draw(st.integers(0, 9))
        if choice == 0 and number > 1:
            sent.setdefault(row, []).append(draw(st.integers(1, number - 1)))
            continue
        if choice <= 3 and number > 1:
            sent.setdefault(row, []).append(draw(amendments(number)))
            continue
        low = -1.0 if execution.allow_short else 0.0
        message = Target(draw(st.sampled_from([0.0, 1.0, 0.5, low]))) if choice == 1 else draw(orders(number))
        sent.setdefault(row, []).append(message)
        number += 1
    return bars, execution, rules, sent


def tell(desk, messages):
    for message in messages:
        if isinstance(message, int):
            desk.cancel(message)
        elif isinstance(message, Amendment):
            desk.amend(message.id, quantity=message.quantity, price=message.price, trigger=message.trigger)
        else:
            desk.submit(message)


def play(bars, execution, rules, sent, funding=None, book=None, cash=CASH):
    market = prepare(bars, funding)
    return run_orders(
        market, lambda row, desk: tell(desk, sent.get(row, ())), execution, cash=cash, rules=rules, book=book
    )


@st.composite
def books(draw):
    """Rules of the venue that begin inside the bars, before them or never."""
    moments = sorted(draw(st.sets(st.integers(-2, 41), min_size=1, max_size=6)))
    return RuleBook(
        tuple(
            VenueRules(
                moment * MINUTE // 2,
                draw(st.sampled_from([None, 0.0, 0.01, 1.0, 3.0])),
                draw(st.sampled_from([None, 0.0, 0.1, 7.0])),
                draw(st.sampled_from([None, 0.0, 500.0])),
                draw(st.sampled_from([None, 0.0, 0.005, 0.1, 0.19])),
            )
            for moment in moments
        )
    )


@njit
def read_plan(now, view, own, outbox):
    count = 0
    for i in range(len(now.inputs)):
        if now.inputs[i, 0] == now.row:
            outbox[count, :] = now.inputs[i, 1:]
            count += 1
    return own, count


def numbers(message):
    if isinstance(message, Amendment):
        return amend_message(message)
    return [float(message), *[0.0] * 12] if isinstance(message, int) else message_of(message)


def as_table(sent):
    rows = [[row, *numbers(message)] for row, messages in sorted(sent.items()) for message in messages]
    return np.array(rows, float).reshape(-1, 14)


def logs_of(done):
    return [getattr(done.orders, name).tobytes() for name in done.orders.__dataclass_fields__]


def at_opens(bars, rates):
    return FundingRates(bars.time, np.array([rates[i % len(rates)] for i in range(len(bars))]))


# Parity


@st.composite
def target_scenes(draw):
    bars, execution = draw(markets()), draw(executions())
    low = -execution.leverage if execution.allow_short else 0.0
    new = st.one_of(st.sampled_from([0.0, 1.0, low, execution.leverage]), rate(low, execution.leverage))
    one = st.one_of(st.just(NAN), st.just(NAN), st.just(NAN), new)
    return bars, np.array(draw(st.lists(one, min_size=len(bars), max_size=len(bars)))), execution


@modest
@given(target_scenes())
def test_market_orders_to_targets_are_the_target_engine_bit_for_bit(scene):
    bars, targets, execution = scene
    kept, sent = 0.0, {}
    for row, target in enumerate(targets.tolist()):
        if target == target and target != kept:
            sent[row], kept = [Target(target)], target
    funding = at_opens(bars, [0.001, 0.0, -0.002])
    mine = play(bars, execution, FillRules(), sent, funding).run
    theirs = run(bars, targets, execution, cash=CASH, funding=funding)
    assert mine.digest() == theirs.digest()


@modest
@given(target_scenes(), st.sampled_from([0.02, 0.1]), st.sampled_from([0.03, 0.1]))
def test_stops_and_take_profits_as_orders_are_those_of_the_target_engine(scene, loss, gain):
    bars, wanted, execution = scene
    fee = execution.taker_fee
    plain = Execution(maker_fee=fee, taker_fee=fee, lot_size=execution.lot_size, min_notional=execution.min_notional)
    exits = replace(plain, stop_loss=loss, take_profit=gain)
    trades = ~(bars.volume == 0)
    targets = np.where(np.isnan(wanted), NAN, (wanted > 0).astype(float))
    kept, sent, number = 0.0, {}, 1
    for row, target in enumerate(targets.tolist()):
        if target != target or target == kept:
            continue
        kept, sent[row] = target, [Target(target)]
        filled = np.flatnonzero(trades[row + 1 :])
        if target == 1.0 and len(filled):
            # Without slippage the entry is at the next open with volume, and its exits can be named beforehand.
            entry = float(bars.open[row + 1 + filled[0]])
            pair = {"side": Side.SELL, "quantity": 1e9, "reduce_only": True, "group": -number, "parent": number}
            sent[row].append(Order(**pair, kind="stop", trigger=entry * (1.0 - loss)))
            sent[row].append(Order(**pair, kind="take_profit", trigger=entry * (1.0 + gain)))
            number += 2
        number += 1
    mine, theirs = play(bars, plain, FillRules(), sent).run, run(bars, targets, exits, cash=CASH)
    assert mine.equity.tobytes() == theirs.equity.tobytes()
    assert mine.ambiguous_bars == theirs.ambiguous_bars
    for name in ("row", "quantity", "price", "fee", "reason"):
        assert getattr(mine.fills, name).tobytes() == getattr(theirs.fills, name).tobytes(), name


@modest
@given(target_scenes(), books())
def test_targets_as_orders_are_the_target_engine_under_rules_that_change(scene, book):
    bars, targets, execution = scene
    kept, sent = 0.0, {}
    for row, target in enumerate(targets.tolist()):
        if target == target and target != kept:
            sent[row], kept = [Target(target)], target
    funding = at_opens(bars, [0.001, 0.0, -0.002])
    mine = play(bars, execution, FillRules(), sent, funding, book).run
    assert mine.digest() == run(bars, targets, execution, cash=CASH, funding=funding, rules=book).digest()


@modest
@given(plans(), books(), st.integers(1, 4))
def test_rules_that_stay_the_same_are_a_plain_run_bit_for_bit(plan, book, times):
    bars, execution, rules, sent = plan
    first, funding = book.rules[0], at_opens(bars, [0.001, 0.0, -0.002])
    same = RuleBook(tuple(replace(first, valid_from=place * 5 * MINUTE) for place in range(times)))
    ruled = play(bars, execution, rules, sent, funding, same)
    plain = play(bars, first.applied_to(execution), rules, sent, funding)
    assert ruled.run.digest() == plain.run.digest()
    assert logs_of(ruled) == logs_of(plain)


def in_force(book, time):
    begun = [one for one in book.rules if one.valid_from <= time]
    return begun[-1] if begun else book.rules[0]


@modest
@given(plans(), books())
def test_no_order_fills_against_the_rules_of_its_bar(plan, book):
    bars, execution, rules, sent = plan
    done = play(bars, execution, rules, sent, None, book)
    log, held = done.run.fills, 0.0
    for place, (number, quantity, time) in enumerate(zip(done.fill_order, log.quantity, log.time, strict=True)):
        under = in_force(book, time).applied_to(execution)
        lot, steps = under.lot_size, abs(quantity) / (under.lot_size or 1.0)
        was, held = held, held + quantity
        if not number or abs(held) < 1e-9 or was * held < 0 or done.orders.parent[number - 1]:
            continue  # exits of the settings and the closing of a whole position are exempt, and what follows them
        # A part of an order may have been filled under other lots: what is left of it is rounded anew.
        first = (done.fill_order[:place] == number).sum() == 0
        if lot and first and was * quantity >= 0:
            assert abs(steps - round(steps)) < 1e-6, (quantity, lot)


# One step in every mode


@pytest.mark.slow
@modest
@given(plans(), st.one_of(st.none(), books()))
def test_python_compiled_and_live_are_the_same_to_the_bit(plan, book):
    bars, execution, rules, sent = plan
    funding = at_opens(bars, [0.001, 0.0, -0.002])
    market = prepare(bars, funding)
    batch = play(bars, execution, rules, sent, funding, book)
    table = as_table(sent)
    compiled = run_compiled(market, CompiledStrategy(read_plan, table), execution, cash=CASH, rules=rules, book=book)
    assert compiled.run.digest() == batch.run.digest()
    assert logs_of(compiled) == logs_of(batch)
    recorded = Sent(table[:, 0].astype(np.int64), table[:, 1:], len(bars))
    again = run_sent(market, recorded, execution, cash=CASH, terms=Terms(book, rules))
    assert again.run.digest() == batch.run.digest()
    assert logs_of(again) == logs_of(batch)
    engine, fills, equity = OrderEngine(execution, CASH, rules), [], []
    for row, bar in enumerate(live_bars(market)):
        if book is not None:
            engine.adopt(in_force(book, bar.time))
        fills += engine.step(bar)
        tell(engine, sent.get(row, ()))
        equity.append(engine.equity)
    assert np.array(equity).tobytes() == batch.run.equity.tobytes()
    log = batch.run.fills
    assert [(f.order, f.time, f.quantity, f.price, f.fee) for f in fills] == list(
        zip(
            *(column.tolist() for column in (batch.fill_order, log.time, log.quantity, log.price, log.fee)), strict=True
        )
    )


# The ledger


@modest
@given(plans())
def test_equity_is_cash_and_what_every_fill_did_to_it(plan):
    bars, execution, rules, sent = plan
    done = play(bars, execution, rules, sent)
    log = done.run.fills
    cash, position = CASH, 0.0
    for row in range(len(bars)):
        now = log.row == row
        cash -= float((log.quantity[now] * log.price[now] + log.fee[now]).sum())
        position += float(log.quantity[now].sum())
        assert done.run.position[row] == pytest.approx(position, abs=1e-9)
        assert done.run.equity[row] == pytest.approx(cash + position * bars.close[row], abs=1e-6)
    by_order = {int(number): 0.0 for number in done.orders.id}
    for number, quantity in zip(done.fill_order.tolist(), log.quantity.tolist(), strict=True):
        if number:
            by_order[number] += abs(quantity)
    assert list(by_order.values()) == pytest.approx(done.orders.filled.tolist())
    assert float(done.run.trades.profit.sum()) == pytest.approx(done.run.equity[-1] - CASH, abs=1e-6)


@modest
@given(plans())
def test_no_order_fills_more_than_it_asks_nor_beyond_its_price_nor_what_it_may_not(plan):
    bars, execution, rules, sent = plan
    done = play(bars, execution, rules, sent)
    log, orders_ = done.run.fills, done.orders
    amended = {one.id for messages in sent.values() for one in messages if isinstance(one, Amendment)}
    kinds = orders_.kind[np.searchsorted(orders_.id, done.fill_order)]
    for number, kind, quantity, price in zip(done.fill_order, kinds, log.quantity, log.price, strict=True):
        if not number:
            continue
        place = int(number) - 1
        if kind in (1, 3) and number not in amended:
            assert quantity * price <= quantity * orders_.price[place] * (1 + 1e-3 * np.sign(quantity))
        if not np.isnan(orders_.quantity[place]):
            assert abs(quantity) <= orders_.quantity[place] * (1 + 1e-9)
            assert np.sign(quantity) == orders_.side[place]
        assert log.row[done.fill_order == number].min() > orders_.row[place]
    if not execution.allow_short:
        assert (done.run.position >= -1e-9).all()
    if rules.participation:
        trading = ~(bars.volume == 0)
        assert trading[log.row].all()


# Causality


@modest
@given(plans(), st.data())
def test_a_fill_at_the_open_knows_nothing_of_its_bar_or_later(plan, data):
    bars, execution, rules, sent = plan
    row = data.draw(st.integers(0, len(bars) - 1))
    price = st.lists(rate(1.0, 1_000.0), min_size=len(bars), max_size=len(bars))
    mask = np.arange(len(bars)) >= row
    later = np.arange(len(bars)) > row
    other = [np.array(data.draw(price)) for _ in range(5)]
    volume = np.where(mask, np.where(bars.volume == 0, 0.0, other[4]), bars.volume)
    changed = Bars.of(
        bars.time,
        (
            np.where(later, other[0], bars.open),
            np.where(mask, other[1], bars.high),
            np.where(mask, other[2], bars.low),
            np.where(mask, other[3], bars.close),
            volume,
        ),
    )
    kept = {at: messages for at, messages in sent.items() if at < row}
    before, after = play(bars, execution, rules, kept), play(changed, execution, rules, kept)
    for name in ("equity", "position", "target"):
        assert getattr(before.run, name)[:row].tobytes() == getattr(after.run, name)[:row].tobytes()
    # A bar that stands still at its open has only what happens at the open.
    still = bars[: row + 1]
    columns = [column.copy() for column in (still.open, still.high, still.low, still.close, still.volume)]
    for column in columns[1:4]:
        column[row] = columns[0][row]
    alone = play(Bars.of(still.time, tuple(columns)), execution, replace(rules, touch_fills=False), kept)
    if not rules.touch_fills and rules.participation is None:
        at_open = rows_of(alone, row)
        assert rows_of(before, row)[: len(at_open)] == at_open


def rows_of(done, last):
    log = done.run.fills
    columns = (log.row, log.quantity, log.price, log.fee, log.slippage, log.reason, done.fill_order)
    return [tuple(float(value).hex() for value in row) for row in zip(*columns, strict=True) if row[0] <= last]


# Margin tiers


TIERS = ((0, 0.01, 20), (20_000, 0.05, 10), (60_000, 0.15, 3))


@pytest.mark.slow
@pytest.mark.parametrize("begins", [0, 2])
@pytest.mark.parametrize(("cash", "rows"), [(1_000.0, [1, 5]), (10_000.0, [1, 4]), (12_000.0, [])])
def test_orders_follow_margin_tiers(begins, cash, rows):
    prices = np.array([100.0, 100.0, 90.0, 83.0, 82.0, 80.0])
    bars = Bars.of(np.arange(6) * MINUTE, (prices, prices, prices, prices, np.full(6, 1e9)))
    levered = Execution(taker_fee=0.0, leverage=5.0, liquidation_fee=0.0)
    later = (VenueRules(begins * MINUTE, tiers=TIERS),)
    book = RuleBook((VenueRules(0), *later) if begins else later)
    targets = np.array([5.0, *[NAN] * 5])
    engine = run(bars, targets, levered, cash=cash, rules=book)
    assert play(bars, levered, FillRules(), {0: [Target(5.0)]}, book=book, cash=cash).run.digest() == engine.digest()
    done = play(bars, levered, FillRules(), {0: [Order(Side.BUY, cash / 20.0)]}, book=book, cash=cash)
    # Tiers that begin later leave a position open that they would not have let anybody open.
    assert done.run.fills.row.tolist() == (rows or ([1, 4] if begins else []))
    assert bool(done.orders[0].reason) == (not begins and not rows)
