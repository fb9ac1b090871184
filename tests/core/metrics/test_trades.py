import math

import pytest

from tallow.core.metrics.trades import trade_metrics


def test_by_hand(build):
    found = trade_metrics(
        build.trades(
            [(0, 4, 30.0, 3.0, "target"), (5, 6, -10.0, -1.0, "stop_loss"), (7, 7, 0.0, 0.0, "target"),
             (8, 11, 20.0, 2.5, "take_profit"), (12, 13, -55.0, -5.0, "open")]
        )
    )  # fmt: skip
    spread = math.sqrt((20**2 + 20**2 + 10**2 + 10**2) / 3)
    assert found == {
        "trades": 4, "wins": 2, "losses": 1, "draws": 1, "win_rate_pct": 50.0, "profit_factor": 5.0,
        "expectancy": 10.0, "expectancy_pct": 1.125, "sqn": pytest.approx(2 * 10 / spread),
        "best_trade_pct": 3.0, "worst_trade_pct": -1.0, "average_trade_bars": 2.0,
        "open_trades": 1, "open_trade_profit": -55.0,
    }  # fmt: skip


def test_no_trade_has_counts_and_nothing_else(build):
    found = trade_metrics(build.trades())
    counts = {name: value for name, value in found.items() if value is not None}
    assert counts == {"trades": 0, "wins": 0, "losses": 0, "draws": 0, "open_trades": 0}


def test_an_open_trade_is_not_a_closed_one(build):
    found = trade_metrics(build.trades([(0, 4, 30.0, 3.0, "open")]))
    assert (found["trades"], found["wins"], found["open_trades"], found["open_trade_profit"]) == (0, 0, 1, 30.0)
    assert found["win_rate_pct"] is found["profit_factor"] is found["best_trade_pct"] is None


@pytest.mark.parametrize(
    ("profits", "factor", "quality"),
    [([5.0], None, None), ([-5.0], 0.0, None), ([5.0, 5.0], None, None), ([6.0, -2.0], 3.0, 0.5)],
)
def test_profit_factor_and_system_quality(build, profits, factor, quality):
    found = trade_metrics(build.trades([(0, 1, profit, 0.0, "target") for profit in profits]))
    assert found["profit_factor"] == factor
    assert found["sqn"] == pytest.approx(quality)


def test_the_win_rate_counts_trades_not_bars(build):
    # A published system reported the share of rising bars: 9 of 10 bars here, with a lost trade.
    found = trade_metrics(build.trades([(0, 10, -5.0, -0.5, "target")]))
    assert (found["wins"], found["losses"], found["win_rate_pct"]) == (0, 1, 0.0)
