from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from tallow.domain.columns import Bars
from tallow.domain.results import Result, Run
from tallow.flows.report import trading
from tallow.flows.report.tables import STATIC_ROWS


def test_price_chart_marks_buys_and_sells(bars: Bars, result: Result) -> None:
    drawing = trading.price_chart(result, bars)
    assert drawing.count('href="#buy"') > 100
    assert drawing.count('href="#sell"') > 100
    assert "with 604 fills" in drawing


def test_price_chart_of_undefined_prices_is_blank(bars: Bars, result: Result) -> None:
    nothing = np.full(len(bars), np.nan)
    blank = replace(bars, open=nothing, high=nothing, low=nothing, close=nothing)
    assert "<path" not in trading.price_chart(replace(result, run=no_fills(result.run)), blank)


def no_fills(run: Run) -> Run:
    fills = run.fills
    columns = {name: getattr(fills, name)[:0] for name in fills.__dataclass_fields__}
    return replace(run, fills=replace(fills, **columns))


def test_trade_rows_write_every_column(bars: Bars, result: Result) -> None:
    rows = trading.trade_rows(result, bars)
    assert len(rows) == len(result.run.trades) == 302
    assert {len(row) for row in rows} == {len(trading.COLUMNS)}
    log = result.run.trades
    assert rows[0][:5] == ("1", "Long", "2024-01-01 01:00", "2024-01-01 18:00", "17")
    assert rows[0][11] == f"{log.profit[0]:+,.2f}".replace("-", "−")
    assert rows[0][13] == "target"


def test_open_and_short_trades_are_named(
    bars: Bars, result_of: Callable[..., Result], run_of: Callable[..., Run]
) -> None:
    run = run_of(bars, last_open=True)
    short = replace(run, trades=replace(run.trades, side=-run.trades.side))
    last = trading.trade_rows(result_of(bars, short), bars)[-1]
    assert (last[1], last[13]) == ("Short", "open")


def test_trade_table_is_paged(bars: Bars, result: Result) -> None:
    table = trading.trade_table(result, trading.trade_rows(result, bars))
    assert table.count("<tr><td") == 302
    assert "noscript" not in table


def test_trade_table_leaves_the_long_tail_to_the_script(bars: Bars, result: Result) -> None:
    rows = trading.trade_rows(result, bars) * 2
    table = trading.trade_table(result, rows)
    assert table.count("<tr><td") == STATIC_ROWS
    assert f"the first {STATIC_ROWS} of 604 trades" in table


def test_trade_table_without_trades(result: Result) -> None:
    assert "No trade: the strategy held no position in 8,760 bars." in trading.trade_table(result, [])


@pytest.mark.parametrize(
    ("ladder", "expected"),
    [
        ([("0x", 10.0), ("1x", 5.0), ("2x", -5.0)], 1.5),
        ([("2x", -5.0), ("0x", 10.0), ("1x", 5.0)], 1.5),
        ([("0x", 10.0), ("1.5x costs", 0.0), ("5x", -7.0)], 1.5),
        ([("0x", 10.0), ("5x", 1.0)], None),
        ([("0x", -1.0), ("5x", -2.0)], None),
        ([("none", 10.0), ("double", -5.0)], None),
        ([("1x", 3.0)], None),
        ([], None),
    ],
)
def test_break_even(ladder: Sequence[tuple[str, float]], expected: float | None) -> None:
    assert trading.break_even(ladder) == expected


@pytest.mark.parametrize(
    ("ladder", "sentence"),
    [
        ([("0x", 10.0), ("1x", -10.0)], "Break-even at 0.50 times the costs of this result."),
        ([("0x", -1.0), ("1x", -10.0)], "it loses at every cost level tried."),
        ([("0x", 9.0), ("1x", 1.0)], "it earns at every one of them."),
        ([("0x", float("nan"))], "The break-even multiple is undefined."),
    ],
)
def test_cost_ladder_says_where_it_ends(result: Result, ladder: list[tuple[str, float]], sentence: str) -> None:
    assert sentence in trading.cost_ladder(result, ladder)


def test_cost_ladder_draws_losses_to_the_left(result: Result) -> None:
    built = trading.cost_ladder(result, [("0x", 10.0), ("1x", -5.0)])
    assert 'x="50.00%" width="50.00%"' in built
    assert 'x="25.00%" width="25.00%"' in built


def test_cost_ladder_states_what_was_paid(result: Result) -> None:
    paid = replace(result, metrics={"turnover": 10_000.0, "fees": 10.0, "slippage": 2.0, "break_even_cost_bps": 7.4})
    assert "took 12.0 basis points of everything traded; at 7.4 the profit" in trading.cost_ladder(paid, [("1x", 1.0)])
    free = replace(result, metrics={"turnover": 0.0, "break_even_cost_bps": None})
    assert "basis points" not in trading.cost_ladder(free, [("1x", 1.0)])


def test_cost_ladder_that_was_not_computed(result: Result) -> None:
    assert "Not computed" in trading.cost_ladder(result, [])


def test_cost_ladder_of_trades_that_earn_nothing_even_for_free(result: Result) -> None:
    lost = replace(result, metrics={"turnover": 10_000.0, "fees": 10.0, "slippage": 0.0, "break_even_cost_bps": -9.2})
    built = trading.cost_ladder(lost, [("0x", -1.0), ("1x", -2.0)])
    assert "Even without any fee or slippage these trades would have earned nothing." in built
    assert "basis points" not in built


def test_a_page_carries_no_more_trades_than_it_can_and_says_so(bars: Bars, result: Result) -> None:
    rows = trading.trade_rows(result, bars) * 4
    assert f"The first 1,000 of {len(rows):,} trades" in trading.trade_table(result, rows)
    assert "The first" not in trading.trade_table(result, rows[:1_000]).replace("the first", "")
