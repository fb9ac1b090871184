"""One equity for all positions: when the account is liquidated, at what prices, and what is left."""

import numpy as np
import pytest

from tallow.core.portfolio import AccountRules, run
from tallow.domain.results import EXIT_REASONS
from tallow.domain.scene import Execution

NAN = float("nan")
CROSS = AccountRules(margin="cross")


def settings(**changed):
    return Execution(
        **{"taker_fee": 0.0, "leverage": 5.0, "maintenance_margin": 0.01, "liquidation_fee": 0.0} | changed
    )


def reasons(done):
    return [EXIT_REASONS[reason] for reason in done.fills.reason]


def play(bars, weights, execution=None, rules=CROSS):
    table = np.full((len(next(iter(bars.values()))), len(bars)), NAN)
    table[0] = weights
    return run(bars, table, execution or settings(), cash=1_000.0, rules=rules)


def test_the_profit_of_one_position_carries_the_loss_of_another(candles):
    falls = candles([(10, 10, 10, 10), (10, 10, 10, 10), (10, 10, 7, 7)])
    rises = candles([(10, 10, 10, 10), (10, 10, 10, 10), (13, 13, 13, 13)])
    bars = {"A/USDT": falls, "B/USDT": rises}
    crossed = play(bars, [2.5, 2.5])
    assert crossed.liquidations == 0
    assert crossed.equity[-1] == pytest.approx(1_000)
    alone = play(bars, [2.5, 2.5], rules=AccountRules())
    assert "liquidation" in reasons(alone)


def test_the_account_ends_where_equity_meets_the_sum_of_margins(candles):
    bars = {name: candles([(10, 10, 10, 10), (10, 10, 10, 10), (10, 10, 5, 8)]) for name in ("A/USDT", "B/USDT")}
    done = play(bars, [2.5, 2.5])
    # 500 units in all for 5,000, 4,000 owed: 500 p - 4,000 = 0.01 * 500 p, so p = 4,000 / 495.
    price = 4_000 / 495
    assert done.liquidations == 1
    assert reasons(done) == ["target", "target", "liquidation", "liquidation"]
    assert done.fills.price[2:].tolist() == pytest.approx([price, price])
    assert done.equity[-1] == pytest.approx(500 * price - 4_000)
    assert done.positions[-1].tolist() == [0, 0]


def test_prices_move_together_from_open_to_worst(candles):
    steady = [(10, 10, 10, 10), (10, 10, 10, 10)]
    bars = {"A/USDT": candles([*steady, (10, 10, 6, 6)]), "B/USDT": candles([*steady, (10, 20, 10, 20)])}
    done = play(bars, [2.0, -2.0], settings(allow_short=True))
    # 200 of each: equity 1,000 - 200 * 4 t - 200 * 10 t, margin 0.01 * 200 * (10 - 4 t + 10 + 10 t), so t is
    part = (1_000 - 40) / (2_800 + 12)
    assert done.fills.price[2:].tolist() == pytest.approx([10 - 4 * part, 10 + 10 * part])


def test_the_fee_ends_where_the_equity_does(candles):
    bars = {"A/USDT": candles([(10, 10, 10, 10), (10, 10, 10, 10), (10, 10, 5, 8)])}
    done = play(bars, [5.0], settings(liquidation_fee=0.05))
    left = 500 * 4_000 / 495 - 4_000
    assert done.fills.fee[-1] == pytest.approx(left)
    assert done.equity[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_gap_beyond_the_equity_is_the_venues(candles):
    steady = [(10, 10, 10, 10), (10, 10, 10, 10)]
    bars = {"A/USDT": candles([*steady, (5, 5, 5, 5)]), "B/USDT": candles([*steady, (10, 10, 10, 10)])}
    done = play(bars, [4.0, 1.0], settings(liquidation_fee=0.01))
    # 400 at 5 and 100 at 10 are worth 3,000 against 4,000 owed: both prices are a third better, and no fee is due.
    assert done.fills.price[2:].tolist() == pytest.approx([20 / 3, 40 / 3])
    assert done.fills.fee[2:].tolist() == [0, 0]
    assert done.equity[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_short_that_gaps_is_taken_over_too(candles):
    bars = {"A/USDT": candles([(10, 10, 10, 10), (10, 10, 10, 10), (30, 30, 30, 30)])}
    done = play(bars, [-1.0], settings(allow_short=True))
    assert done.fills.price[-1] == pytest.approx(20)
    assert done.equity[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_stop_that_is_reached_before_spares_the_account(candles):
    bars = {"A/USDT": candles([(10, 10, 10, 10), (10, 10, 10, 10), (10, 10, 5, 8)])}
    done = play(bars, [5.0], settings(stop_loss=0.1))
    assert reasons(done) == ["target", "stop_loss"]
    assert done.liquidations == 0
    assert done.equity[-1] == pytest.approx(500)


def test_the_stop_of_a_short_that_is_reached_before_spares_the_account(candles):
    bars = {"A/USDT": candles([(10, 10, 10, 10), (10, 10, 10, 10), (10, 15, 10, 12)])}
    done = play(bars, [-5.0], settings(stop_loss=0.1, allow_short=True))
    assert reasons(done) == ["target", "stop_loss"]
    assert done.liquidations == 0
    assert done.equity[-1] == pytest.approx(500)


def test_what_does_not_trade_is_not_closed(candles):
    steady = [(10, 10, 10, 10), (10, 10, 10, 10)]
    dead = candles([*steady, (10, 10, 10, 10, 0.0), (10, 10, 10, 10)])
    bars = {"A/USDT": candles([*steady, (10, 10, 4, 4), (4, 4, 4, 4)]), "B/USDT": dead}
    done = play(bars, [2.5, 1.0])
    assert [(int(row), done.symbols[i]) for row, i in zip(done.fills.row, done.fills.instrument, strict=True)] == [
        (1, "A/USDT"),
        (1, "B/USDT"),
        (2, "A/USDT"),
    ]
    assert done.positions[-1].tolist() == [0, 100]


def test_an_account_whose_positions_do_not_trade_waits(candles):
    steady = [(10, 10, 10, 10), (10, 10, 10, 10)]
    done = play({"A/USDT": candles([*steady, (5, 5, 5, 5, 0.0), (9, 9, 9, 9)])}, [5.0])
    assert done.liquidations == 0
    assert done.positions[-1].tolist() == [500]


def test_cash_that_owns_what_it_bought_is_never_liquidated(candles):
    bars = {"A/USDT": candles([(10, 10, 10, 10), (10, 10, 10, 10), (1, 1, 0.1, 0.1)])}
    done = play(bars, [1.0], Execution(taker_fee=0.0))
    assert done.liquidations == 0
    assert done.equity[-1] == pytest.approx(10)
