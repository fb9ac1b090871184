"""Messages of several choices in one account: ids, what ends between two tests, and when the next one begins."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tallow.core.decisions import carry_out
from tallow.core.orders.session import amend_message, message_of
from tallow.domain.columns import Bars
from tallow.domain.market import parse_symbol
from tallow.domain.orders import REASONS, STATES, Amendment, Order, Side, Target
from tallow.domain.scene import Execution, Scene
from tallow.domain.sent import Decisions, Sent
from tallow.domain.timeframes import HOUR, parse_timeframe
from tallow.flows.sweep.joining import Part, join_orders

FREE = Execution(maker_fee=0.0, taker_fee=0.0)
SCENE = Scene("any", parse_symbol("BTC/USDT"), parse_timeframe("1h"), cash=1_000.0, execution=FREE)


def still(count: int, volume: float = 9.0, closed: Sequence[int] = ()) -> Bars:
    price, traded = np.full(count, 100.0), np.full(count, volume)
    traded[list(closed)] = 0.0
    return Bars.of(np.arange(count) * HOUR, (price, price, price, price, traded))


def wandering(count: int) -> Bars:
    close = 100.0 * np.exp(np.cumsum(np.random.default_rng(8).normal(0.0, 0.01, count)))
    first = np.concatenate(([100.0], close[:-1]))
    top, bottom = np.maximum(first, close) * 1.002, np.minimum(first, close) * 0.998
    return Bars.of(np.arange(count) * HOUR, (first, top, bottom, close, np.full(count, 9.0)))


Message = Order | Target | Amendment | int
"""What is sent; a number cancels."""


def sent(count: int, *messages: tuple[int, Message]) -> Sent:
    rows = [numbers(one) for _, one in messages]
    return Sent(np.array([row for row, _ in messages], np.int64), np.array(rows).reshape(-1, 13), count)


def numbers(one: Message) -> list[float]:
    if isinstance(one, int):
        return [float(one), *[0.0] * 12]
    return amend_message(one) if isinstance(one, Amendment) else message_of(one)


class Choice:
    """Sends one thing a fixed number of rows after it is asked first, and notes how it was asked."""

    def __init__(self, count: int, *messages: tuple[int, Message]) -> None:
        self.count, self.messages = count, messages
        self.asked: list[tuple[float, int]] = []

    def __call__(self, cash: float, first: int) -> Decisions:
        self.asked.append((cash, first))
        return sent(self.count, *[(first + after, what) for after, what in self.messages])


RESTING = Order(Side.BUY, 1.0, "limit", price=90.0)
CHILD = Order(Side.SELL, 1.0, "stop", trigger=80.0, parent=1, group=-1, reduce_only=True)


def test_ids_go_on_and_everything_ends_between_two_tests() -> None:
    first = Choice(8, (0, Order(Side.BUY, 2.0)), (1, RESTING), (3, Order(Side.BUY, 5.0)))
    second = Choice(8, (0, RESTING), (0, CHILD), (1, 1))
    parts = [Part(range(0, 4), range(4, 8), first), Part(range(4, 8), range(8, 12), second)]
    joined = join_orders(parts, still(12), SCENE, None)
    assert first.asked == second.asked == [(1_000.0, 4)]
    # The second choice's own orders 1 and 2 are 4 and 5 here; what the first one sent at its last close is left out.
    assert joined.words(0) == "buy 2 market"
    assert joined.words(3) == "cancel 2; target 0"
    assert joined.words(4) == "buy 1 limit 90; sell 1 stop 80 reduce only group -4 parent 4"
    assert joined.words(5) == "cancel 4"
    done, log = carry_out(still(12)[4:], joined, FREE, cash=1_000.0)
    assert log is not None
    assert done.position.tolist() == [0, 2, 2, 2, 0, 0, 0, 0]
    assert [STATES[state] for state in log.state] == ["filled", "cancelled", "filled", "cancelled", "cancelled"]
    assert [REASONS[reason] for reason in log.reason[1:]] == ["asked", "", "asked", "parent_ended"]


def test_amendments_take_no_id_and_each_test_is_the_choice_alone() -> None:
    bars, tests = wandering(28), (range(4, 12), range(12, 20), range(20, 28))
    # Bids and a stop out of reach, which fill once they are amended; the last bid works to the end of the test.
    low = replace(RESTING, price=10.0)
    messages: list[tuple[int, Message]] = [
        (0, low), (0, low), (1, Amendment(2, price=200.0)), (2, Order(Side.SELL, 1.0, "stop", trigger=5.0)), (2, low),
        (3, Amendment(3, trigger=150.0)), (4, Amendment(1, quantity=2.0, price=200.0)), (5, Amendment(4, price=11.0)),
    ]  # fmt: skip
    choices = [Choice(12, *messages) for _ in tests]
    parts = [Part(range(rows.start - 4, rows.start), rows, one) for rows, one in zip(tests, choices, strict=True)]
    joined = join_orders(parts, bars, SCENE, None)
    assert [joined.words(row) for row in (1, 9, 17)] == [f"amend {number} price 200" for number in (2, 7, 12)]
    done, _ = carry_out(bars[4:], joined, FREE, cash=1_000.0)
    for part, choice in zip(parts, choices, strict=True):
        start, ((cash, first),) = part.test.start - 4, choice.asked
        assert (cash, first) == (done.equity[start], 4)
        seen = bars[part.train.start : part.test.stop]
        alone, _ = carry_out(seen, choice(cash, first), FREE, cash=cash)
        # What the account is told at its last close, to close, happens after it.
        assert done.equity[start : start + 8].tobytes() == alone.equity[4:].tobytes()
        assert done.position[start : start + 8].tolist() == alone.position[4:].tolist() == [0, 0, 1, 1, 0, 2, 2, 2]


def test_the_next_choice_is_asked_once_the_account_is_flat() -> None:
    bars = still(12, closed=[8, 9])  # nobody trades when the position is to be closed
    first, second = Choice(8, (0, Order(Side.BUY, 2.0))), Choice(8, (0, Order(Side.BUY, 1.0)))
    parts = [Part(range(0, 4), range(4, 8), first), Part(range(4, 8), range(8, 12), second)]
    joined = join_orders(parts, bars, SCENE, None)
    assert second.asked == [(1_000.0, 6)]
    assert joined.row.tolist() == [0, 3, 6]


def test_one_that_never_gets_flat_or_has_nothing_left_or_no_choice_is_not_asked() -> None:
    first, second = Choice(8, (0, Order(Side.BUY, 2.0))), Choice(8)
    shut = still(12, closed=range(8, 12))
    parts = [Part(range(0, 4), range(4, 8), first), Part(range(4, 8), range(8, 12), second)]
    assert join_orders(parts, shut, SCENE, None).row.tolist() == [0, 3]
    assert second.asked == []
    assert join_orders([parts[0], parts[1]._replace(ask=None)], still(12), SCENE, None).row.tolist() == [0, 3]
    assert len(join_orders([parts[0]._replace(ask=None), parts[1]], still(12), SCENE, None).row) == 0


def test_a_choice_may_give_targets() -> None:
    def ask(cash: float, first: int) -> Decisions:
        return np.where(np.arange(8) >= first, 0.5, np.nan)

    joined = join_orders([Part(range(0, 4), range(4, 8), ask)], still(8), SCENE, None)
    assert joined.words(0) == "target 0.5"


@pytest.mark.parametrize("trades", [True, False])
def test_nothing_is_sent_where_nothing_works_and_nothing_is_held(trades: bool) -> None:
    first = Choice(8, *([(0, Order(Side.BUY, 2.0)), (1, Order(Side.SELL, 2.0))] if trades else []))
    parts = [Part(range(0, 4), range(4, 8), first), Part(range(4, 8), range(8, 12), None)]
    assert len(join_orders(parts, still(12), SCENE, None).row) == 2 * trades
