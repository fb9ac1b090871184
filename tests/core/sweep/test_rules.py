import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallow.core import engine, metrics
from tallow.core.indicators import sharing, sma
from tallow.core.sweep import Lines, by_shared_lines
from tallow.core.sweep import rules as sweep
from tallow.domain.columns import Bars, FundingRates
from tallow.domain.scene import Execution
from tallow.domain.timeframes import parse_timeframe

HOUR = 3_600_000_000
SETTINGS = [
    Execution(fill="close"),
    Execution(fill="next_open", slippage_bps=5, volume_impact=0.1),
    Execution(stop_loss=0.02, take_profit=0.03, trailing_stop=0.04),
    Execution(allow_short=True, leverage=2.0),
]


def walk(rows, seed=7):
    random = np.random.default_rng(seed)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.01, rows))), 2)
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = np.maximum(opened, close) * 1.003, np.minimum(opened, close) * 0.997
    return Bars.of(np.arange(rows) * HOUR, (opened, high, low, close, np.full(rows, 50.0)))


def crossover(lines, parameters):
    fast = lines(sma, "close", int(parameters["fast"]))
    slow = lines(sma, "close", int(parameters["slow"]))
    return np.where(fast > slow, 1.0, parameters.get("below", 0.0))


def run_all(bars, grid, execution, rule=crossover):
    return sweep.sweep(bars, rule, grid, execution, cash=1000.0)


def alone(bars, parameters, execution):
    targets = crossover(Lines(bars), parameters)
    return engine.summarize(bars, targets, execution, cash=1000.0, periods_per_year=1.0)._asdict()


def pairs(execution):
    below = -1.0 if execution.allow_short else 0.0
    return [{"fast": fast, "slow": slow, "below": below} for slow in (30, 12) for fast in (5, 3, 8)]


@pytest.mark.parametrize("execution", SETTINGS)
def test_every_combination_equals_its_single_summary_bit_for_bit(execution):
    bars, grid = walk(600), pairs(execution)
    columns = run_all(bars, grid, execution)
    for row, parameters in enumerate(grid):
        expected = alone(bars, parameters, execution)
        assert {name: column[row] for name, column in columns.items()} == expected


@pytest.mark.parametrize("parts", [1, 2, 5, 9])
def test_numbers_are_the_same_however_the_work_is_spread(parts, monkeypatch):
    monkeypatch.setattr(sharing, "LINE_BYTES", 0)
    bars, grid = walk(600), pairs(Execution(allow_short=True))
    whole = run_all(bars, grid, SETTINGS[3])
    with ThreadPoolExecutor(2) as pool:
        spread = sweep.Spread(parts, pool.map)
        found = sweep.sweep(engine.prepare(bars), crossover, grid, SETTINGS[3], cash=1000.0, spread=spread)
    assert {name: column.tolist() for name, column in found.items()} == {
        name: column.tolist() for name, column in whole.items()
    }


@pytest.mark.parametrize("execution", SETTINGS)
def test_every_combination_equals_its_full_run(execution):
    bars, grid = walk(600), pairs(execution)
    columns = run_all(bars, grid, execution)
    assert columns["trades"].min() > 0
    for row, parameters in enumerate(grid):
        done = engine.run(bars, crossover(Lines(bars), parameters), execution, cash=1000.0)
        full = metrics.summary(done, bars, parse_timeframe("1h"), execution, 1000.0)
        found = {name: column[row] for name, column in columns.items()}
        exact = ("final_equity", "trades", "wins", "losses", "draws", "ambiguous_bars", "rejected_orders")
        assert {name: found[name] for name in exact} == {name: full[name] for name in exact}
        assert 100.0 * found["exposure"] == full["exposure_pct"]
        # the same sums in another order, the same ratio by another rounding
        assert found["total_return"] == pytest.approx(full["return_pct"] / 100, abs=1e-12)
        assert found["max_drawdown"] == pytest.approx(full["max_drawdown_pct"] / 100, abs=1e-12)
        for name in ("fees", "slippage", "funding", "turnover"):
            assert found[name] == pytest.approx(full[name], rel=1e-12)


def test_funding_is_charged_to_every_combination():
    bars = walk(600)
    rates = FundingRates(bars.time[8::8], np.full(len(bars.time[8::8]), 1e-4))
    grid = [{"fast": 3, "slow": 20}, {"fast": 5, "slow": 20}]
    columns = sweep.sweep(engine.prepare(bars, rates), crossover, grid, Execution(), cash=1000.0)
    for row, parameters in enumerate(grid):
        done = engine.run(bars, crossover(Lines(bars), parameters), Execution(), cash=1000.0, funding=rates)
        assert columns["funding"][row] == pytest.approx(done.trades.funding.sum(), rel=1e-12)
        assert columns["funding"][row] > 0
        assert columns["final_equity"][row] == done.equity[-1]


def test_bar_sharpe_is_mean_over_sample_deviation_of_bar_returns():
    prices = np.array([100.0, 100.0, 110.0, 99.0, 99.0])
    bars = Bars.of(np.arange(5) * HOUR, (prices, prices, prices, prices, np.ones(5)))
    found = sweep.sweep(
        bars, lambda lines, parameters: np.ones(5), [{}], Execution(fill="close", taker_fee=0.0), cash=1000.0
    )
    returns = np.array([0.0, 0.0, 0.1, -0.1, 0.0])
    assert found["bar_sharpe"][0] == pytest.approx(returns.mean() / returns.std(ddof=1), abs=1e-12)
    assert found["total_return"][0] == pytest.approx(-0.01, abs=1e-12)


def test_an_undefined_number_is_nan():
    found = sweep.sweep(walk(50), lambda lines, parameters: np.zeros(50), [{}], Execution(), cash=1000.0)
    assert np.isnan(found["bar_sharpe"][0])
    assert found["trades"][0] == 0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=8),
    st.integers(0, 200),
    st.integers(0, 1000),
)
def test_the_order_of_the_grid_and_its_neighbours_do_not_matter(pairs, rows, seed):
    bars = walk(rows + 2, seed)
    grid = [{"fast": fast, "slow": slow} for fast, slow in pairs]
    together = run_all(bars, grid, Execution())
    for row, parameters in enumerate(grid):
        for name, column in run_all(bars, [parameters], Execution()).items():
            np.testing.assert_array_equal(together[name][row], column[0])


def test_an_empty_grid_has_no_columns():
    assert run_all(walk(50), [], Execution()) == {}


def test_each_line_is_computed_once_while_it_is_held():
    seen = []

    def rule(lines, parameters):
        seen.append(lines)
        return crossover(lines, parameters)

    grid = [{"fast": fast, "slow": slow} for fast in (3, 4, 5) for slow in (10, 20)]
    run_all(walk(100), grid, Execution(), rule)
    assert len({id(lines) for lines in seen}) == 1
    assert seen[0].store.computed == 5


def test_the_least_recently_used_line_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(sharing, "LINE_BYTES", 0)
    lines = Lines(walk(20))
    assert lines.store.capacity == sharing.FEWEST_LINES == 4
    for window in (1, 2, 3, 4, 1, 5, 1, 2):
        lines(sma, "close", window)
    assert lines.store.computed == 6  # 2 was forgotten for 5, 1 was not


def test_a_line_is_known_by_indicator_column_and_parameters():
    lines = Lines(walk(20))
    assert lines(sma, "close", 3) is not lines(sma, "open", 3)
    assert lines(sma, "close", 3) is not lines(lambda values, window: sma(values, window) + 0.0, "close", 3)
    assert lines.store.computed == 3


def test_a_shared_line_cannot_be_changed_by_a_rule():
    with pytest.raises(ValueError, match="read-only"):
        Lines(walk(20))(sma, "close", 3)[0] = 1.0


@pytest.mark.parametrize(
    ("grid", "order"),
    [
        ([], []),
        ([{"a": 2.0}, {"a": 1.0}], [1, 0]),
        # b has more values, so it changes slowest; a is then shared by neighbours
        ([{"a": 1, "b": 3}, {"a": 1, "b": 1}, {"a": 2, "b": 2}, {"a": 2, "b": 1}], [1, 3, 2, 0]),
        ([{"a": 1}, {"b": 1}], [1, 0]),
    ],
)
def test_neighbours_share_parameters(grid, order):
    assert by_shared_lines(grid) == order


def test_memory_does_not_grow_with_the_number_of_combinations(monkeypatch):
    bars = walk(20_000)
    monkeypatch.setattr(sharing, "LINE_BYTES", 0)

    def peak(count):
        grid = [{"fast": fast, "slow": 50} for fast in range(2, 2 + count)]
        tracemalloc.start()
        run_all(bars, grid, Execution())
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(2)
    assert peak(40) < peak(8) + 8 * len(bars)
