"""What holds for every run on trades: one step in every mode, the ledger, latency and causality."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from tallow.core.orders import CompiledStrategy
from tallow.core.orders.session import amend_message, message_of
from tallow.core.ticks import LiveTick, TickEngine, prepare_ticks, run_ticks, run_ticks_compiled
from tallow.core.ticks.tape import delayed
from tallow.domain.columns import FundingRates, Ticks
from tallow.domain.orders import Amendment, Latency, Order, Quotes, Side, Target, TickRules
from tallow.domain.scene import Execution

pytestmark = pytest.mark.thorough

CASH = 10_000.0
modest = settings(max_examples=60, deadline=None)


def make_ticks(time, price, quantity, sold):
    count = len(time)
    ids = np.arange(count)
    return Ticks(ids, np.array(time), np.array(time), np.array(price, float), np.array(quantity, float), np.array(sold))


@st.composite
def tapes(draw):
    """Between 2 and 40 trades on a coarse grid of prices, some with quotes; times rise by at least 10."""
    count = draw(st.integers(2, 40))
    steps = draw(st.lists(st.integers(-2, 2), min_size=count, max_size=count))
    time = np.cumsum(draw(st.lists(st.integers(10, 500), min_size=count, max_size=count)))
    price = 100 + 0.5 * np.cumsum(steps)
    quantity = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 7.0, 100.0]), min_size=count, max_size=count))
    sold = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    quotes = None
    if draw(st.booleans()):
        size = np.array(draw(st.lists(st.sampled_from([0.5, 3.0]), min_size=count, max_size=count)))
        quotes = Quotes(time - 3, price - 0.5, price + 0.5, size, size)
    return make_ticks(time, price, quantity, sold), quotes


@st.composite
def rules(draw):
    latency = Latency(
        draw(st.sampled_from([0, 40, 700])), draw(st.sampled_from([0, 30])), draw(st.sampled_from([0, 90])),
        draw(st.sampled_from([0, 9])), 7,
    )  # fmt: skip
    return TickRules(
        latency,
        half_spread=draw(st.sampled_from([0.0, 0.25])),
        participation=draw(st.sampled_from([None, 1.0, 0.3])),
        queue=draw(st.sampled_from([None, 0.0, 1.0])),
    )


@st.composite
def orders(draw, number):
    kind = draw(
        st.sampled_from(["market", "limit", "limit", "limit", "stop", "stop_limit", "take_profit", "trailing_stop"])
    )
    near = st.integers(-6, 6).map(lambda steps: 100 + 0.5 * steps)
    validity = {"market": ["gtc", "ioc", "fok"], "limit": ["gtc", "gtc", "ioc", "fok", "post_only"]}.get(kind, ["gtc"])
    validity = draw(st.sampled_from(validity))
    return Order(
        side=draw(st.sampled_from([Side.BUY, Side.SELL])),
        quantity=draw(st.sampled_from([1.0, 5.0, 30.0])),
        kind=kind,
        price=draw(near) if kind in ("limit", "stop_limit") else None,
        trigger=draw(near) if kind in ("stop", "stop_limit", "take_profit") else None,
        trail=draw(st.sampled_from([0.01, 0.02])) if kind == "trailing_stop" else None,
        validity=validity,
        good_till=draw(st.sampled_from([None, 900])) if validity in ("gtc", "post_only") else None,
        reduce_only=draw(st.booleans()),
        group=draw(st.sampled_from([0, 0, 1])),
        parent=draw(st.integers(1, number - 1)) if number > 1 and draw(st.integers(0, 3)) == 0 else 0,
    )


@st.composite
def amendments(draw, number):
    """New terms of an order, some of which its kind cannot have."""
    new = {
        "quantity": st.sampled_from([0.5, 1.0, 2.0, 5.0, 40.0]),
        "price": st.integers(-6, 6).map(lambda steps: 100 + 0.5 * steps),
        "trigger": st.integers(-6, 6).map(lambda steps: 100 + 0.5 * steps),
    }
    names = draw(st.sets(st.sampled_from(sorted(new)), min_size=1))
    return Amendment(draw(st.integers(1, number - 1)), **{name: draw(new[name]) for name in sorted(names)})


@st.composite
def plans(draw):
    (ticks, quotes), sent, number = draw(tapes()), {}, 1
    short = draw(st.booleans())
    execution = Execution(
        maker_fee=0.0002, taker_fee=0.0007, allow_short=short, slippage_bps=draw(st.sampled_from([0.0, 5.0])),
        leverage=draw(st.sampled_from([1.0, 3.0])), stop_loss=draw(st.sampled_from([None, None, 0.02])),
        lot_size=draw(st.sampled_from([0.0, 0.5])), tick_size=draw(st.sampled_from([0.0, 0.25])),
    )  # fmt: skip
    for row in sorted(draw(st.lists(st.integers(0, len(ticks) - 1), max_size=12))):
        choice = draw(st.integers(0, 9))
        if choice <= 1 and number > 1:
            sent.setdefault(row, []).append(draw(st.integers(1, number - 1)))
            continue
        if choice <= 3 and number > 1:
            sent.setdefault(row, []).append(draw(amendments(number)))
            continue
        choice = draw(st.integers(2, 9))
        target = Target(draw(st.sampled_from([0.0, 1.0, 0.5, -1.0 if short else 0.0])))
        sent.setdefault(row, []).append(target if choice == 2 else draw(orders(number)))
        number += 1
    funding = None
    if draw(st.booleans()):
        paid = sorted(draw(st.lists(st.integers(0, int(ticks.event_time[-1]) + 50), max_size=5)))
        funding = FundingRates(np.array(paid, np.int64), np.resize([0.001, -0.002, 0.0005], len(paid)))
    return prepare_ticks(ticks, quotes, funding=funding), execution, draw(rules()), sent


def tell(desk, messages):
    for message in messages:
        if isinstance(message, int):
            desk.cancel(message)
        elif isinstance(message, Amendment):
            desk.amend(message.id, quantity=message.quantity, price=message.price, trigger=message.trigger)
        else:
            desk.submit(message)


@njit
def read_plan(now, view, own, outbox):
    count = 0
    for i in range(len(now.inputs)):
        if now.inputs[i, 0] == now.row:
            outbox[count, :] = now.inputs[i, 1:]
            count += 1
    return own, count


@njit
def read_places(now, view, own, outbox):
    table, moments = now.inputs
    (count, place), (turn,) = (0, 0), own
    for i in range(len(table)):
        if i > 0 and table[i, 0] != table[i - 1, 0]:
            place += 1
        if place == turn and moments[turn] == now.time:
            outbox[count, :] = table[i, 1:]
            count += 1
    return (turn + 1,), count


def numbers(message):
    if isinstance(message, Amendment):
        return amend_message(message)
    return [float(message), *[0.0] * 12] if isinstance(message, int) else message_of(message)


def as_table(sent):
    rows = [[row, *numbers(message)] for row, messages in sorted(sent.items()) for message in messages]
    return np.array(rows, float).reshape(-1, 14)


def play(tape, execution, how, sent):
    return run_ticks_compiled(tape, CompiledStrategy(read_plan, as_table(sent)), execution, cash=CASH, rules=how)


def bits(done):
    logs = [getattr(done.orders, name).tobytes() for name in done.orders.__dataclass_fields__]
    return [done.run.digest(), done.fill_order.tobytes(), *logs]


@pytest.mark.thorough
@pytest.mark.slow
@modest
@given(plans())
def test_compiled_python_and_live_are_the_same_to_the_bit(plan):
    tape, execution, how, sent = plan
    batch = play(tape, execution, how, sent)
    local = delayed(tape, how.latency).local
    # Where two trades arrive at once, Python decides after both.
    rows = [row for row in sent if row + 1 == len(local) or local[row + 1] > local[row]]
    if len(rows) == len(sent):
        at = local[sorted(sent)] if sent else np.zeros(0, np.int64)
        messages = [sent[row] for row in sorted(sent)]
        python = run_ticks(
            tape, lambda place, desk: tell(desk, messages[place]), execution, cash=CASH, rules=how, at=at
        )
        assert bits(python) == bits(batch)
        strategy = CompiledStrategy(read_places, (as_table(sent), at), (0,))
        moments = run_ticks_compiled(tape, strategy, execution, cash=CASH, rules=how, at=at)
        assert bits(moments) == bits(batch)
    engine, fills = TickEngine(execution, CASH, how), []
    columns = tape.columns
    for time, paid in zip(columns.paid.tolist(), columns.rate.tolist(), strict=True):
        engine.fund(time, paid)
    quoted = len(columns.bid) > 0
    for row in range(len(tape)):
        quote = [float(column[row]) for column in columns[5:9]] if quoted else []
        trade = (
            int(columns.time[row]),
            float(columns.price[row]),
            float(columns.quantity[row]),
            bool(columns.sold[row]),
        )
        fills += engine.step(LiveTick(*trade, *quote))
        tell(engine, sent.get(row, ()))
    log = batch.run.fills
    assert [(f.order, f.time, f.quantity, f.price, f.fee) for f in fills] == list(
        zip(
            *(column.tolist() for column in (batch.fill_order, log.time, log.quantity, log.price, log.fee)), strict=True
        )
    )
    assert engine.equity == batch.run.equity[-1]


@modest
@given(plans())
def test_equity_is_cash_and_what_every_fill_did_to_it(plan):
    tape, execution, how, sent = plan
    done = play(tape, execution, how, sent)
    log = done.run.fills
    cash = CASH - float((log.quantity * log.price + log.fee).sum()) - float(done.run.trades.funding.sum())
    position = float(log.quantity.sum())
    assert done.run.position[-1] == pytest.approx(position, abs=1e-9)
    assert done.run.equity[-1] == pytest.approx(cash + position * tape.columns.price[-1], abs=1e-6)
    assert float(done.run.trades.profit.sum()) == pytest.approx(done.run.equity[-1] - CASH, abs=1e-6)


@modest
@given(plans())
def test_nothing_fills_before_it_arrives_nor_more_than_was_traded(plan):
    tape, execution, how, sent = plan
    done = play(tape, execution, how, sent)
    log, told = done.run.fills, done.orders
    local = delayed(tape, how.latency).local
    for number, time in zip(done.fill_order.tolist(), log.time.tolist(), strict=True):
        if number:
            sent_at = int(local[told.row[number - 1]])
            assert time >= sent_at + how.latency.order
    if how.participation is not None:
        kinds = told.kind[np.maximum(done.fill_order, 1) - 1] if len(told) else np.zeros(0)
        for time in np.unique(log.time):
            mine = (log.time == time) & (done.fill_order > 0) & (kinds != 6)
            traded = float(tape.columns.quantity[tape.columns.time == time].sum())
            assert float(np.abs(log.quantity[mine]).sum()) <= how.participation * traded * (1 + 1e-9)


@modest
@given(plans(), st.data())
def test_later_trades_change_nothing_before_them(plan, data):
    tape, execution, how, sent = plan
    row = data.draw(st.integers(1, len(tape)))
    columns = tape.columns
    later = np.arange(len(tape)) >= row
    changed = tape.__class__(
        columns._replace(
            price=np.where(later, columns.price * 1.3, columns.price),
            quantity=np.where(later, 3.0, columns.quantity),
            sold=np.where(later, ~columns.sold, columns.sold),
        )
    )
    kept = {at: messages for at, messages in sent.items() if at < row}
    before, after = play(tape, execution, how, kept), play(changed, execution, how, kept)

    def early(done):
        log = done.run.fills
        mine = log.time < (columns.time[row] if row < len(tape) else 2**62)
        return [column[mine].tobytes() for column in (log.time, log.quantity, log.price, log.fee, done.fill_order)]

    assert early(before) == early(after)
