import pytest

from tallow.core.engine import LiveBar
from tallow.core.orders import OrderEngine
from tallow.domain.orders import Order, Side
from tallow.domain.scene import Execution

BUY, SELL = Side.BUY, Side.SELL
FREE = Execution(maker_fee=0.0, taker_fee=0.0, allow_short=True)


def bar(row, low=100.0, high=100.0):
    return LiveBar(row, 100.0, high, low, 100.0, 5.0)


def test_a_quantity_that_is_the_position_but_for_rounding_closes_it():
    engine = OrderEngine(FREE, 1_000.0)
    engine.submit(Order(BUY, 0.1))
    engine.submit(Order(BUY, 0.2))
    engine.step(bar(0))
    assert engine.position != 0.3
    engine.submit(Order(SELL, 0.3))
    engine.step(bar(1))
    assert engine.position == 0


@pytest.mark.parametrize(
    ("exit_", "reason"),
    [
        (Order(SELL, 1, "stop", trigger=95.0), "stop_loss"),
        (Order(SELL, 1, "stop_limit", trigger=95.0, price=94.0), "stop_loss"),
        (Order(SELL, 1, "trailing_stop", trail=0.05), "trailing_stop"),
        (Order(SELL, 1, "take_profit", trigger=105.0), "take_profit"),
        (Order(SELL, 1, "limit", price=105.0), "target"),
        (Order(SELL, 1), "target"),
    ],
)
def test_a_fill_that_ends_a_trade_is_named_after_its_kind(exit_, reason):
    engine = OrderEngine(FREE, 1_000.0)
    engine.submit(Order(BUY, 1))
    engine.step(bar(0))
    engine.submit(exit_)
    rose = exit_.price == 105.0 or exit_.trigger == 105.0
    (fill,) = engine.step(bar(1, high=106.0) if rose else bar(1, low=94.5))
    assert fill.reason == reason


def test_a_stop_that_opens_a_position_is_a_decision():
    engine = OrderEngine(FREE, 1_000.0)
    engine.submit(Order(BUY, 1, "stop", trigger=101.0))
    (fill,) = engine.step(bar(0, high=102.0))
    assert fill.reason == "target"


def test_a_makers_rebate_is_paid_to_the_account():
    engine = OrderEngine(Execution(maker_fee=-0.001), 1_000.0)
    engine.submit(Order(BUY, 2, "limit", price=99.0))
    (fill,) = engine.step(bar(0, low=98.0))
    assert (fill.fee, engine.cash) == (pytest.approx(-0.198), pytest.approx(802.198))
