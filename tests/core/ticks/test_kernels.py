"""The loops on recorded trades and quotes."""

import gzip
import json

import numpy as np
import pytest
from numba import njit

from tallow.core.orders import CompiledStrategy
from tallow.core.orders.messages import BUY, SELL, limit_order, market_order, send
from tallow.core.ticks import prepare_ticks, run_ticks, run_ticks_compiled
from tallow.domain.columns import Ticks
from tallow.domain.orders import Latency, Order, Quotes, Side, TickRules
from tallow.domain.scene import Execution

pytestmark = pytest.mark.thorough

PERPETUAL = Execution(maker_fee=0.0002, taker_fee=0.0005, allow_short=True, leverage=5.0, tick_size=0.1, lot_size=0.001)


@pytest.fixture(scope="module")
def recording(shared_data):
    """Trades and best quotes of BTC/USDT:USDT on 2024-08-08, as a WebSocket capture has them."""
    trades, quotes = [], []
    with gzip.open(shared_data / "binance" / "usdm" / "ws" / "btcusdt_20240808.gz", "rt") as lines:
        for line in lines:
            message = json.loads(line.split(" ", 1)[1])
            data = message.get("data", message)
            if data.get("e") == "trade" and data.get("X", "MARKET") == "MARKET":
                trades.append((data["T"] * 1_000, float(data["p"]), float(data["q"]), data["m"]))
            elif data.get("e") == "bookTicker":
                quotes.append((data["T"] * 1_000, *(float(data[key]) for key in ("b", "a", "B", "A"))))
    trades.sort(key=lambda row: row[0])
    time, price, quantity, sold = (np.array(column) for column in zip(*trades, strict=True))
    quoted = [np.array(column) for column in zip(*sorted(quotes), strict=True)]
    return Ticks(np.arange(len(time)), time, time, price, quantity, sold), Quotes(*quoted) if quoted else None


def whales(ticks):
    """Trades of half a coin or more: when, and on which side."""
    rows = np.flatnonzero(ticks.quantity >= 0.5)
    return rows, np.where(ticks.buyer_is_maker[rows], -1.0, 1.0)


@pytest.mark.shared
def test_whales_are_followed_on_a_recording_and_latency_moves_every_fill(recording):
    ticks, quotes = recording
    rows, sides = whales(ticks)
    assert len(ticks) > 10_000
    assert len(rows) > 20

    def follow(place, desk):
        side = Side.BUY if sides[place] > 0 else Side.SELL
        if desk.position * side <= 0 and not desk.working:
            desk.submit(Order(side, 0.01 + abs(desk.position)))

    runs = {}
    for delay in (0, 50_000):
        rules = TickRules(Latency(order=delay, data=delay), mark_every=1_000_000)
        at = ticks.event_time[rows] + delay
        done = run_ticks(prepare_ticks(ticks, quotes), follow, PERPETUAL, cash=10_000.0, at=at, rules=rules)
        first = np.unique(done.fill_order, return_index=True)[1]
        sent = done.orders.time[done.fill_order[first] - 1]
        assert (done.run.fills.time[first] - sent >= 2 * delay).all()
        assert done.run.position[-1] != 0
        assert abs(done.run.position).max() == pytest.approx(0.01)
        fees = done.run.fills.fee.sum()
        assert fees == pytest.approx(float((np.abs(done.run.fills.quantity) * done.run.fills.price).sum() * 0.0005))
        assert float(done.run.trades.profit.sum()) == pytest.approx(done.run.equity[-1] - 10_000.0)
        runs[delay] = done
    assert runs[0].run.digest() != runs[50_000].run.digest()


@njit
def make_market(now, view, own, outbox):
    # Both sides once a second; an order that was filled is replaced by its other side.
    (due,) = own
    if now.time < due or view.working > 0.0:
        return own, 0
    price, count = now.columns.price[now.row], 0
    if view.position <= 0.0:
        count = send(outbox, count, limit_order(BUY, 0.01, price - 0.1))
    if view.position >= 0.0:
        count = send(outbox, count, limit_order(SELL, 0.01, price + 0.1))
    return (now.time + 1_000_000,), count


@pytest.mark.shared
def test_limit_orders_on_a_recording_fill_at_their_price_and_less_often_behind_a_queue(recording):
    ticks, quotes = recording
    tape = prepare_ticks(ticks, quotes)
    counts = []
    for queue in (0.0, 1.0, None):
        rules = TickRules(Latency(10_000, 10_000), queue=queue, mark_every=1_000_000)
        done = run_ticks_compiled(tape, CompiledStrategy(make_market, own=(0,)), PERPETUAL, cash=10_000.0, rules=rules)
        log = done.run.fills
        limits = done.orders.price[done.fill_order - 1]
        assert ((log.price - limits) * np.sign(log.quantity) <= 1e-9).all()
        counts.append(int(np.unique(done.fill_order).size))
        assert done.run.equity[-1] == pytest.approx(
            10_000 - float((log.quantity * log.price + log.fee).sum()) + log.quantity.sum() * ticks.price[-1]
        )
    assert counts[0] > 0
    assert counts[0] >= counts[1]


@njit
def buy_once(now, view, own, outbox):
    (done,) = own
    return (1,), send(outbox, 0, market_order(BUY, 1.0)) if done == 0 else 0


def test_a_quiet_stretch_is_marked_at_its_last_price():
    time = np.arange(1_000) * 1_000_000
    price = 100.0 + np.arange(1_000)
    ones = np.ones(1_000)
    ticks = Ticks(time, time, time, price, ones, ones > 0)
    done = run_ticks_compiled(ticks, CompiledStrategy(buy_once, own=(0,)), Execution(taker_fee=0.0), cash=1_000.0)
    marked = [*price[59::60], price[-1]]
    assert done.run.equity.tolist() == [1_000 + price - 101 for price in marked]
