import numpy as np

from tallow.core.engine import prepare
from tallow.core.engine.live import Handover
from tallow.core.orders.record import record
from tallow.core.strategies import Outbox
from tallow.domain.columns import Bars
from tallow.domain.orders import Amendment, Order, Side
from tallow.domain.scene import Execution
from tallow.domain.timeframes import MINUTE


def test_a_strategy_goes_on_where_it_sent_its_first_order():
    price = np.full(6, 100.0)
    market = prepare(Bars.of(np.arange(6) * MINUTE, (price, price, price, price, price)))
    outbox, asked = Outbox(), []
    outbox.is_open = True
    first = Handover(2, [(0, 0.5)])
    outbox.submit(Order(Side.SELL, 1.0), first)

    def decide(row, desk):
        asked.append((row, desk.position))
        if row == 4:
            outbox.submit(Order(Side.SELL, 1.0, "limit", price=120.0), desk)
            outbox.cancel(3)
            outbox.amend(Amendment(3, price=130.0))
        return np.inf

    sent = record(market, (decide, outbox), first, Execution(taker_fee=0.0), cash=1_000.0)
    assert asked == [(3, 4.0), (4, 4.0), (5, 4.0)]
    assert [sent.words(row) for row in range(6)] == [
        "target 0.5", "nothing", "sell 1 market", "nothing", "sell 1 limit 120; cancel 3; amend 3 price 130", "nothing",
    ]  # fmt: skip
