import numpy as np
import pytest

from tallow.core.portfolio import AccountRules, EveryBars, align, run
from tallow.domain.columns import FundingRates
from tallow.domain.errors import UserError
from tallow.domain.scene import Execution
from tallow.domain.timeframes import HOUR

NAN = float("nan")
FREE = Execution(taker_fee=0.0)


@pytest.fixture
def done(still):
    """Half of A from hour 1 to 4; a quarter of B, which misses hours 0 and 3, from hour 2 on."""
    bars = {"B/USDT": still([20, 20, 25, 25], [1, 2, 4, 5]), "A/USDT": still([10, 10, 10, 12, 12, 12])}
    weights = np.full((6, 2), NAN)
    weights[0, 1], weights[1, 0], weights[3, 1] = 0.5, 0.25, 0.0
    return run(bars, weights, FREE, cash=1_000.0)


def test_columns_stand_in_the_order_of_the_symbols(done):
    assert done.symbols == ("B/USDT", "A/USDT")
    assert done.positions.tolist() == [[0, 0], [0, 50], [12.5, 50], [12.5, 50], [12.5, 0], [12.5, 0]]
    assert done.cash.tolist() == [1_000, 500, 250, 250, 850, 850]
    assert done.equity.tolist() == [1_000, 1_000, 1_000, 1_100, 1_162.5, 1_162.5]
    assert done.weights[2].tolist() == [0.25, 0.5]
    assert done.fills.instrument.tolist() == [1, 0, 1]
    assert [done.target(i).tolist() for i in (0, 1)] == [[0, 0.25, 0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0.5, 0, 0, 0]]


def test_trades_are_kept_by_instrument_on_the_rows_of_all(done):
    first, second = done.trades
    assert (first.entry_row.tolist(), first.exit_row.tolist(), first.profit.tolist()) == ([2], [5], [62.5])
    assert (second.entry_row.tolist(), second.exit_row.tolist(), second.profit.tolist()) == ([1], [4], [100])
    assert first.entry_time.tolist() == [2 * HOUR]
    assert first.reason.tolist() == [5]


def test_one_instrument_is_a_run_on_its_own_bars(done):
    alone = done.instrument_run(0)
    assert (alone.time // HOUR).tolist() == [1, 2, 4, 5]
    assert alone.position.tolist() == [0, 12.5, 12.5, 12.5]
    assert alone.equity.tolist() == [1_000, 1_000, 1_062.5, 1_062.5]
    assert alone.target.tolist() == [0.25] * 4
    assert alone.fills.row.tolist() == [1]
    assert (alone.trades.entry_row.tolist(), alone.trades.exit_row.tolist()) == ([1], [3])
    added = sum(done.instrument_run(i).equity[-1] - 1_000 for i in (0, 1))
    assert added == pytest.approx(done.equity[-1] - 1_000)


def test_an_instrument_without_bars_is_an_empty_run(still):
    bars = {"A/USDT": still([10, 10]), "B/USDT": still([])}
    done = run(bars, np.array([[0.5, 0.5], [NAN, NAN]]), FREE, cash=1_000.0)
    assert len(done.instrument_run(1).equity) == 0
    assert done.rejected_orders == (0, 1)
    assert done.trades[1].profit.tolist() == []


def test_a_portfolio_without_rows_is_empty(still):
    done = run({"A/USDT": still([])}, np.zeros((0, 1)), FREE, cash=1_000.0)
    assert (len(done.equity), len(done.fills), done.positions.shape) == (0, 0, (0, 1))
    assert done.target(0).tolist() == []


def test_weights_are_unknown_where_there_is_no_equity(candles):
    steady = [(10, 10, 10, 10), (10, 10, 10, 10)]
    bars = {"A/USDT": candles([*steady, (5, 5, 5, 5, 0.0)])}
    done = run(bars, np.array([[5.0], [NAN], [NAN]]), Execution(taker_fee=0.0, leverage=5.0), cash=1_000.0)
    assert done.equity[-1] == -1_500
    assert np.isnan(done.weights[-1, 0])


def test_the_digest_knows_every_number(still):
    bars = {"A/USDT": still([10, 10, 11]), "B/USDT": still([10, 10, 12])}
    weights = np.array([[0.5, 0.5], [NAN, NAN], [NAN, NAN]])
    first = run(bars, weights, FREE, cash=1_000.0).digest()
    assert run(bars, weights.copy(), FREE, cash=1_000.0).digest() == first
    others = [
        run(bars, weights, FREE, cash=1_001.0),
        run(bars, np.where(np.isnan(weights), 0.5, weights), FREE, cash=1_000.0),
        run(bars, weights, Execution(taker_fee=0.001), cash=1_000.0),
        run({"A/USDT": bars["A/USDT"], "C/USDT": bars["B/USDT"]}, weights, FREE, cash=1_000.0),
        run(bars, weights, FREE, cash=1_000.0, rules=AccountRules(EveryBars(1))),
    ]
    assert len({first, *(done.digest() for done in others)}) == 6


def test_funding_is_paid_by_each_instrument_at_its_own_times(still):
    bars = {"A/USDT": still([10] * 4), "B/USDT": still([10] * 4)}
    rates = {"A/USDT": FundingRates(np.array([2 * HOUR]), np.array([0.01]))}
    rates["B/USDT"] = FundingRates(np.array([2 * HOUR, 2 * HOUR + HOUR // 2]), np.array([-0.02, 0.03]))
    weights = np.full((4, 2), NAN)
    weights[0], weights[1, 1] = 0.5, 0.0
    done = run(align(bars, funding=rates), weights, FREE, cash=1_000.0)
    # B is sold at the open of hour 2: it receives at that open, and pays nothing after.
    assert done.equity.tolist() == [1_000, 1_000, 1_005, 1_005]
    assert [log.funding.tolist() for log in done.trades] == [[5.0], [-10.0]]


@pytest.mark.parametrize(
    ("weights", "execution", "code", "words"),
    [
        ([[0.5], [0.5]], FREE, "WEIGHTS_SHAPE", "(2, 2)"),
        ([[0.5, 1.5], [NAN, NAN]], FREE, "TARGET_TOO_LARGE", "B/USDT"),
        ([[NAN, NAN], [-0.5, 0.5]], FREE, "SHORT_NOT_ALLOWED", "A/USDT"),
        ([[0.75, 0.75], [NAN, NAN]], FREE, "WEIGHTS_TOO_LARGE", "1.5"),
        ([[0.75, NAN], [NAN, 0.75]], FREE, "WEIGHTS_TOO_LARGE", "1.5"),
        ([[np.inf, NAN], [NAN, 0.75]], FREE, "TARGET_TOO_LARGE", "A/USDT"),
        ([[0, 0], [0, 0]], {"A/USDT": FREE}, "UNKNOWN_INSTRUMENT", "B/USDT"),
        ([[0, 0], [0, 0]], {"A/USDT": FREE, "B/USDT": FREE, "C": FREE}, "UNKNOWN_INSTRUMENT", "C"),
        ([[0, 0], [0, 0]], {"A/USDT": FREE, "B/USDT": Execution(fill="close")}, "MIXED_FILLS", "close"),
    ],
)
def test_what_cannot_be_carried_out_is_refused_by_name(still, weights, execution, code, words):
    bars = {"B/USDT": still([10, 10]), "A/USDT": still([10, 10])}
    order = np.array(weights, float)
    order = order[:, ::-1] if order.shape[1] == 2 else order
    with pytest.raises(UserError) as caught:
        run(bars, order, execution, cash=1_000.0)
    assert caught.value.code == code
    assert words in str(caught.value)


def test_the_sum_of_weights_may_be_limited_below_the_leverage(still):
    bars = {"A/USDT": still([10, 10]), "B/USDT": still([10, 10])}
    both = np.array([[0.5, 0.5], [NAN, NAN]])
    assert len(run(bars, both, FREE, cash=1_000.0, rules=AccountRules(leverage=1.0)).fills) == 2
    with pytest.raises(UserError) as caught:
        run(bars, both, FREE, cash=1_000.0, rules=AccountRules(leverage=0.9))
    assert caught.value.code == "WEIGHTS_TOO_LARGE"
    with pytest.raises(UserError) as poor:
        run(bars, both, FREE, cash=0.0)
    assert poor.value.code == "BAD_SETTING"
