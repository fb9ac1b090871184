from collections.abc import Callable

from tallow.domain.scene import Scene
from tallow.flows.backtest import Desk
from tallow.flows.portfolio import Book, portfolio


def test_a_result_names_its_data_in_the_order_of_its_instruments(
    desk: Desk, pair: tuple[Scene, ...], book: Callable[..., Book]
) -> None:
    done = portfolio(book(), pair, desk, check=False)
    turned = portfolio(book(), pair[::-1], desk, check=False)
    assert (done.name, dict(done.parameters), str(done.timeframe)) == ("rising", {"window": 5}, "1h")
    assert turned.data_digests == done.data_digests[::-1]
    assert turned.data_digest != done.data_digest
    assert turned.run.equity.tobytes() == done.run.equity.tobytes()
