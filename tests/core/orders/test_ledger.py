from tallow.core.engine import LiveBar
from tallow.core.orders import OrderEngine
from tallow.domain.orders import Order, Side
from tallow.domain.scene import Execution


def test_an_exit_of_the_execution_belongs_to_no_order_even_in_a_table_used_before():
    engine = OrderEngine(Execution(stop_loss=0.05), 1_000.0)
    engine.submit(Order(Side.BUY, 2))
    assert [fill.order for fill in engine.step(LiveBar(0, 100.0, 100.0, 100.0, 100.0, 5.0))] == [1]
    assert [fill.order for fill in engine.step(LiveBar(1, 100.0, 100.0, 90.0, 92.0, 5.0))] == [0]


def test_funding_is_charged_and_is_no_fill():
    engine = OrderEngine(Execution(taker_fee=0.0), 1_000.0)
    engine.submit(Order(Side.BUY, 2))
    engine.step(LiveBar(0, 100.0, 100.0, 100.0, 100.0, 5.0))
    assert engine.step(LiveBar(1, 100.0, 100.0, 100.0, 100.0, 5.0, funding_open=0.01, funding_inside=0.02)) == []
    assert engine.equity == 994
