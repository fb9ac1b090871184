"""The account again in plain Python, from the words of docs/portfolio.md, and on recorded candles."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core.portfolio import AccountRules, Calendar, EveryBars, OnChange, align, close_table, momentum, run
from tallow.domain.columns import Bars
from tallow.domain.scene import Execution
from tallow.domain.timeframes import HOUR

CASH = 1_000.0


class Ledger:
    """Cash and units of an account that pays a fee and slippage, without leverage; prices are given as a list."""

    def __init__(self, count, fee, slip):
        self.cash, self.units, self.fee, self.slip, self.fills = CASH, [0.0] * count, fee, slip, []

    def trade(self, row, i, units, price):
        paid = price * (1 + self.slip if units > 0 else 1 - self.slip)
        self.cash -= units * paid + abs(units) * paid * self.fee
        self.units[i] += units
        self.fills.append((row, i, units, paid))

    def rebalance(self, row, orders, prices):
        """Carry out weights by instrument: sales, then purchases shrunk to the cash."""
        worth = self.cash + sum(units * price for units, price in zip(self.units, prices, strict=True))
        buys = {}
        for i, weight in sorted(orders.items()):
            most = weight * worth / (prices[i] * (1 + self.slip) * (1 + self.fee))
            least = weight * worth / (prices[i] * (1 + self.fee))
            if most > self.units[i]:
                buys[i] = most - self.units[i]
            elif least < self.units[i]:
                self.trade(row, i, least - self.units[i], prices[i])
        cost = sum(units * prices[i] * (1 + self.slip) * (1 + self.fee) for i, units in buys.items())
        factor = min(1.0, self.cash / cost) if cost else 1.0
        for i, units in buys.items():
            if units * factor > 0:
                self.trade(row, i, units * factor, prices[i])


def play_plainly(tables, weights, rule, fee, slip):
    """Run the account row by row: opens, closes and volumes are tables with NaN where there is no bar."""
    opens, closes, volumes = tables
    rows, count = opens.shape
    ledger, targets, waiting, last = Ledger(count, fee, slip), [0.0] * count, set(), [0.0] * count
    equity, every = [], isinstance(rule, EveryBars)
    for row in range(rows):
        able = {i for i in range(count) if volumes[row, i] > 0}
        prices = [last[i] if np.isnan(opens[row, i]) else opens[row, i] for i in range(count)]
        ledger.rebalance(row, {i: targets[i] for i in waiting & able}, prices)
        waiting -= able
        last = [last[i] if np.isnan(closes[row, i]) else closes[row, i] for i in range(count)]
        equity.append(ledger.cash + sum(units * price for units, price in zip(ledger.units, last, strict=True)))
        decides = not every or row % rule.count == 0
        first = row - rule.count + 1 if every else row
        for i in range(count) if decides else ():
            known = [w for w in weights[max(first, 0) : row + 1, i] if not np.isnan(w)]
            if known and known[-1] != targets[i]:
                targets[i] = known[-1]
                waiting.add(i)
            if every and (targets[i] or ledger.units[i]):
                waiting.add(i)
    return ledger, equity


@st.composite
def plain_scenes(draw):
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, count = draw(st.integers(3, 30)), draw(st.integers(1, 5))
    closes = 50 * np.exp(np.cumsum(random.normal(0, draw(st.sampled_from([0.01, 0.2])), (rows, count)), axis=0))
    opens = closes * np.exp(random.normal(0, 0.02, (rows, count)))
    volumes = random.choice([0.0, 1.0, 1.0], (rows, count))
    for table in (opens, closes, volumes):
        table[~(np.random.default_rng(draw(st.just(7))).random((rows, count)) < 0.9)] = np.nan
    volumes[np.isnan(opens)] = np.nan
    weights = random.dirichlet(np.ones(count + 1), rows)[:, :count]
    weights[random.random((rows, count)) < draw(st.sampled_from([0.1, 0.7]))] = np.nan
    rule = draw(st.sampled_from([OnChange(), EveryBars(1), EveryBars(4)]))
    return (opens, closes, volumes), weights, rule, draw(st.sampled_from([0.0, 0.002])), draw(st.sampled_from([0, 20]))


@settings(max_examples=150, deadline=None)
@given(plain_scenes())
def test_the_compiled_account_is_the_plain_one(scene):
    (opens, closes, volumes), weights, rule, fee, bps = scene
    bars = {}
    for i in range(opens.shape[1]):
        at = np.flatnonzero(~np.isnan(opens[:, i]))
        high, low = np.maximum(opens, closes)[at, i], np.minimum(opens, closes)[at, i]
        bars[f"{i}/USDT"] = Bars.of(at * HOUR, (opens[at, i], high, low, closes[at, i], volumes[at, i]))
    panel = align(bars)
    kept = panel.time // HOUR
    weights = np.where(np.abs(weights).cumsum(axis=1) > 1, np.nan, weights)[kept]
    weights = np.where(np.isnan(weights), np.nan, weights / opens.shape[1])
    tables = tuple(table[kept] for table in (opens, closes, volumes))
    ledger, equity = play_plainly(tables, weights, rule, fee, bps / 10_000)
    execution = Execution(taker_fee=fee, slippage_bps=bps)
    done = run(panel, weights, execution, cash=CASH, rules=AccountRules(rule))
    assert done.equity.tolist() == pytest.approx(equity, rel=1e-9)
    assert done.positions[-1].tolist() == pytest.approx(ledger.units, rel=1e-9, abs=1e-9)
    large = [fill for fill in ledger.fills if abs(fill[2]) > 1e-9]
    log = done.fills
    found = [
        (row, i, units, price)
        for row, i, units, price in zip(log.row, log.instrument, log.quantity, log.price, strict=True)
        if abs(units) > 1e-9
    ]
    assert [fill[:2] for fill in found] == [fill[:2] for fill in large]
    assert [fill[2] for fill in found] == pytest.approx([fill[2] for fill in large], rel=1e-7)
    assert [fill[3] for fill in found] == pytest.approx([fill[3] for fill in large], rel=1e-12)


@pytest.mark.shared
def test_twenty_recorded_instruments_keep_their_accounts(shared_data):
    bars = {}
    for path in sorted((shared_data / "binance" / "spot" / "klines-1h").glob("*_USDT-1h.feather")):
        table = pd.read_feather(path)
        columns = tuple(table[name].to_numpy(np.float64) for name in ("open", "high", "low", "close", "volume"))
        bars[path.name.split("-")[0].replace("_", "/")] = Bars.of(
            pd.DatetimeIndex(table["date"]).as_unit("us").asi8, columns
        )
    panel = align(bars)
    weights = momentum(close_table(panel), window=24 * 7, top=4)
    done = run(panel, weights, Execution(), cash=10_000.0, rules=AccountRules(Calendar("daily")))
    assert (len(panel.symbols), len(panel)) == (20, 6_002)
    held = np.where(done.positions != 0, done.positions * np.column_stack([panel.closes(i) for i in range(20)]), 0.0)
    assert done.equity == pytest.approx(done.cash + held.sum(axis=1), rel=1e-12)
    assert sum(float(log.profit.sum()) for log in done.trades) == pytest.approx(done.equity[-1] - 10_000, abs=1e-6)
    # Orders of the first close in a day fill at the next open; three series end a day early and wait there.
    ended = [symbol for symbol in panel.symbols if len(bars[symbol]) < 6_002]
    assert ended == ["BTC/USDT", "ETH/USDT", "LTC/USDT"]
    assert set((done.fills.time % (24 * HOUR) // HOUR).tolist()) == {0}
    assert (done.cash >= 0).all()
    invested = done.weights[24 * 30 :: 24].sum(axis=1)
    assert invested[:-1].min() > 0.99
    # On the last day two of the four chosen ones have ended: what they should get stays cash.
    assert invested[-1] == pytest.approx(0.5, abs=0.02)
