"""Price with trades, the table of all trades, and what costs do to the result."""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tallow.domain.columns import Bars
from tallow.domain.results import EXIT_REASONS, Result
from tallow.flows.report import figures, svg
from tallow.flows.report.axes import Axis
from tallow.flows.report.markup import Content, Markup, join, tag
from tallow.flows.report.tables import PAGE_ROWS, STATIC_ROWS, Column, empty, table

Ladder = Sequence[tuple[str, float]]
PAGE = 25

COLUMNS = (
    Column("#", "Number of the trade, in order of entry"),
    Column("Side", "Long earns when the price rises, short when it falls", is_text=True),
    Column("Entry, UTC", "Open of the bar of the first fill", is_text=True),
    Column("Exit, UTC", "Open of the bar of the last fill", is_text=True),
    Column("Held", "Bars from entry to exit"),
    Column("Quantity", "Largest quantity held, base units"),
    Column("Entry price", "Average, slippage included"),
    Column("Exit price", "Average, slippage included; of an open trade the last close"),
    Column("Fees", "Quote units"),
    Column("Slippage", "Quote units"),
    Column("Funding", "Quote units; positive is paid"),
    Column("Profit", "Net of all costs, quote units"),
    Column("Return %", "Profit in per cent of the largest entry notional"),
    Column("Reason", "What closed it", is_text=True),
)


def price_chart(result: Result, bars: Bars) -> Markup:
    """Draw the price with a triangle for every fill, without script."""
    span = (int(bars.time[0]), int(bars.time[-1]) + result.scene.timeframe.microseconds)
    # Marks stand at highs and lows, so these and not the closes decide the range.
    known = np.concatenate([bars.low[np.isfinite(bars.low)], bars.high[np.isfinite(bars.high)]])
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    axis = Axis.around(low, high, 340 - svg.FOOT, share=0.06)
    x = svg.places(bars.time, *span)
    rows = result.run.fills.row
    buys = result.run.fills.quantity > 0
    bought, sold = rows[buys], rows[~buys]
    marks = join(
        svg.triangles(x[bought], (axis.y(v) + 3 for v in bars.low[bought]), True),
        svg.triangles(x[sold], (axis.y(v) - 3 for v in bars.high[sold]), False),
        svg.spells(((item.start, item.end) for item in result.incidents), span, 340 - svg.FOOT),
    )
    drawing = svg.line(x, bars.close, axis, "price")
    label = f"Close of {result.scene.instrument} with {figures.plural(len(rows), 'fill')}"
    return svg.chart(label, [svg.Panel(axis, drawing, marks)], span, 340)


def trade_rows(result: Result, bars: Bars) -> list[tuple[str, ...]]:
    """Write every trade as text, in the order of `COLUMNS`."""
    log = result.run.trades
    decimals = max(2, figures.price_decimals(bars.close, result.scene.execution.tick_size))
    # Whole coins need no eight decimals; fractions of a bitcoin do.
    quantity = 8 if len(log) and float(np.max(np.abs(log.quantity))) < 1 else 4
    return [
        (
            f"{row + 1:,}",
            "Long" if log.side[row] > 0 else "Short",
            figures.moment(int(log.entry_time[row])),
            figures.moment(int(log.exit_time[row])),
            f"{int(log.exit_row[row] - log.entry_row[row]):,}",
            figures.number(log.quantity[row], quantity),
            figures.number(log.entry_price[row], decimals),
            figures.number(log.exit_price[row], decimals),
            figures.number(log.fees[row]),
            figures.number(log.slippage[row]),
            figures.number(log.funding[row]),
            figures.number(log.profit[row], signed=True),
            figures.number(log.return_pct[row], signed=True),
            EXIT_REASONS[int(log.reason[row])].replace("_", " "),
        )
        for row in range(len(log))
    ]


def trade_table(result: Result, rows: Sequence[tuple[str, ...]]) -> Markup:
    """Show the trades; beyond `STATIC_ROWS` the script adds others, up to `PAGE_ROWS`."""
    if not rows:
        return empty(f"No trade: the strategy held no position in {figures.plural(len(result.run.time), 'bar')}.")
    shown: list[Sequence[Content]] = list(rows[:STATIC_ROWS])
    # Thousands of table rows make a page slow to open; as text in the script's data they cost nothing.
    built = table("All trades", COLUMNS, shown, identifier="trade-rows", page=PAGE)
    if len(rows) <= STATIC_ROWS:
        return built
    words = f"Without JavaScript the first {STATIC_ROWS:,} of {len(rows):,} trades are shown."
    parts = [built, tag("noscript", tag("p", words, class_="empty"))]
    if len(rows) > PAGE_ROWS:
        left = f"The first {PAGE_ROWS:,} of {len(rows):,} trades; in Python, result.trades has all of them."
        parts.append(tag("p", left, class_="empty"))
    return join(*parts)


def break_even(ladder: Ladder) -> float | None:
    """Find the multiple of costs at which the return is zero, between two rungs; None when no two rungs enclose it.

    Labels must begin with the multiple (``2x``); rungs without one are left out.

    Example:
        >>> break_even([("0x", 10.0), ("1x", 5.0), ("2x", -5.0)])
        1.5
    """
    # The caller's labels are words: only those that begin with a number can be put on a scale.
    rungs = sorted((float(m[0]), value) for name, value in ladder if (m := re.match(r"\d+(\.\d+)?", name)))
    for (low, above), (high, below) in pairwise(rungs):
        if above >= 0 > below:
            return low + (high - low) * above / (above - below)
    return None


def cost_ladder(result: Result, ladder: Ladder) -> Markup:
    """Show the return at each cost level with a bar, and where it would reach zero."""
    if not ladder:
        return empty("Not computed for this result: the ladder runs the same decisions with other costs.")
    largest = max((abs(value) for _, value in ladder if figures.is_known(value)), default=0.0) or 1.0
    rows = [(name, figures.percent(value, signed=True), bar(value, largest)) for name, value in ladder]
    columns = (
        Column("Costs", "Multiple of this result's fees and slippage", is_text=True),
        Column("Return", "After these costs"),
        Column("Gain or loss", "The same, drawn from the zero line", is_text=True),
    )
    return join(
        table("Return by cost level", columns, rows), tag("p", _break_even_sentence(result, ladder), class_="lead")
    )


def bar(value: float, largest: float) -> Markup:
    """Draw a value to the left or right of a zero line in the middle; `largest` fills its side."""
    if not figures.is_known(value):
        return Markup(figures.DASH)
    # The zero line stands in the middle: each side has half of the width.
    width = abs(value) / largest * 50
    left = 50.0 if value >= 0 else 50 - width
    bar = tag("rect", x=f"{left:.2f}%", width=f"{width:.2f}%", y="4", height="12", class_=figures.tone(value) or "flat")
    zero = tag("line", x1="50%", x2="50%", y1="0", y2="20", class_="zero")
    return tag("svg", bar, zero, width="100%", height="20", class_="rung", aria_hidden="true")


def _break_even_sentence(result: Result, ladder: Ladder) -> str:
    known = [value for _, value in ladder if figures.is_known(value)]
    multiple = break_even(ladder)
    if multiple is not None:
        words = f"Break-even at {figures.number(multiple)} times the costs of this result."
    elif not known:
        words = "The break-even multiple is undefined."
    elif all(value < 0 for value in known):
        words = "No break-even: it loses at every cost level tried."
    else:
        words = "No break-even among the levels tried: it earns at every one of them."
    return words + _in_basis_points(result)


def _in_basis_points(result: Result) -> str:
    metrics = result.metrics
    limit, turnover = metrics.get("break_even_cost_bps"), metrics.get("turnover")
    if limit is None or not turnover:
        return ""
    if limit <= 0:
        return " Even without any fee or slippage these trades would have earned nothing."
    paid = ((metrics.get("fees") or 0.0) + (metrics.get("slippage") or 0.0)) / turnover * 10_000
    return (
        f" Fees and slippage took {figures.number(paid, 1)} basis points of everything traded;"
        f" at {figures.number(limit, 1)} the profit of these trades would have been zero."
    )
