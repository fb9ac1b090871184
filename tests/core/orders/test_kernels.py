"""What the loops must not lose: funding in quiet stretches, marks before, between and behind messages."""

import numpy as np
import pytest

from tallow.core.engine import prepare
from tallow.core.orders import run_orders
from tallow.core.orders.kernels import BLOCK
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.orders import Order, Side
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE


def test_a_quiet_stretch_longer_than_a_block_is_marked_and_pays_its_funding():
    count = 3 * BLOCK
    price = 100.0 + np.arange(count) / count
    bars = Bars.of(np.arange(count) * MINUTE, (price, price, price, price, np.ones(count)))
    rates = np.array([0.001, 0.0, 0.002])
    funding = FundingRates(bars.time[[10, BLOCK + 9, 2 * BLOCK + 7]], rates)

    def decide(row, desk):
        if row == 0:
            desk.submit(Order(Side.BUY, 2.0))

    done = run_orders(prepare(bars, funding), decide, Execution(taker_fee=0.0), cash=1_000.0)
    paid = np.zeros(count)
    paid[[10, 2 * BLOCK + 7]] = 2 * price[[10, 2 * BLOCK + 7]] * rates[[0, 2]]
    held = np.where(np.arange(count) >= 1, 2.0, 0.0)
    assert done.run.position.tolist() == held.tolist()
    assert done.run.equity == pytest.approx(1_000 + held * (price - price[1]) - np.cumsum(paid))


def test_a_strategy_is_called_once_a_bar_in_order():
    rows = []

    def decide(row, desk):
        rows.append(row)
        if row % 7 == 0:
            desk.cancel(5)

    price = np.full(40, 100.0)
    run_orders(Bars.of(np.arange(40) * MINUTE, (price,) * 5), decide, Execution(), cash=1.0)
    assert rows == list(range(40))
