import numpy as np
import pytest

from tallow.core.orders import run_orders
from tallow.core.orders.replay import run_sent, summarize_sent
from tallow.domain.columns import Bars
from tallow.domain.errors import UserError
from tallow.domain.fill_rules import Terms
from tallow.domain.orders import FillRules, Order, Side
from tallow.domain.scene import Execution
from tallow.domain.sent import MESSAGE, Sent
from tallow.domain.timeframes import MINUTE


def walk(count):
    draw = np.random.default_rng(11)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.005, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    return Bars.of(np.arange(count) * MINUTE, (opened, high, low, close, np.full(count, 40.0)))


@pytest.mark.parametrize("rules", [FillRules(), FillRules(participation=0.05, touch_fills=True)])
def test_what_was_sent_runs_again_to_the_bit(rules):
    bars, rows, messages = walk(3_000), [], []

    def decide(row, desk):
        close = float(bars.close[row])
        if row % 3 == 0 and desk.working < 20:
            desk.submit(Order(Side.BUY if desk.position <= 0 else Side.SELL, 3.0, "limit", price=close))
        elif row % 7 == 0:
            desk.cancel(row // 3)
        sent = desk.sent()
        rows.extend([row] * len(sent))
        messages.extend(sent.tolist())

    execution = Execution(allow_short=True)
    first = run_orders(bars, decide, execution, cash=10_000.0, rules=rules)
    sent = Sent(np.array(rows), np.array(messages), len(bars))
    again = run_sent(bars, sent, execution, cash=10_000.0, terms=Terms(filling=rules))
    assert again.run.digest() == first.run.digest()
    assert again.orders.state.tolist() == first.orders.state.tolist()
    assert len(first.run.fills) > 500  # more than one table of events
    scalars = summarize_sent(bars, sent, execution, cash=10_000.0, periods_per_year=1.0, terms=Terms(filling=rules))
    assert scalars.final_equity == first.run.equity[-1]
    assert scalars.fees == pytest.approx(first.run.fills.fee.sum())


def test_no_bars_give_no_run():
    none = Sent(np.zeros(0, np.int64), np.zeros((0, len(MESSAGE))), 0)
    assert summarize_sent(walk(1)[:0], none, Execution(), cash=5.0, periods_per_year=1.0).final_equity == 5.0


def test_too_many_messages_at_one_close_are_an_error():
    sent = Sent(np.zeros(65, np.int64), np.ones((65, len(MESSAGE))), 2)
    with pytest.raises(UserError, match="more than 64 messages"):
        run_sent(walk(2), sent, Execution(), cash=5.0)
