"""How the account did over time: curves, calendar, moving windows, distribution, drawdowns."""

from typing import NamedTuple

import numpy as np

from tallow.core import metrics
from tallow.domain.columns import Bars, Floats, Times
from tallow.domain.results import Result
from tallow.domain.timeframes import DAY, YEAR
from tallow.flows.report import figures, svg
from tallow.flows.report.axes import Axis
from tallow.flows.report.columns import hold_values
from tallow.flows.report.markup import Content, Markup, join, tag
from tallow.flows.report.tables import Column, empty, pairs, table

WINDOW = 30  # days (or longer bars) of the moving window
DRAWDOWNS = 10
DAYS_A_YEAR = YEAR / DAY
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HEAT_STEPS = (1.0, 3.0, 6.0, 12.0)  # per cent where the next deeper shade begins


def under_water(equity: Floats, cash: float) -> Floats:
    """Give the distance from the highest equity so far, in per cent, at every bar; the first peak is the cash."""
    # fmax passes over NaN where maximum would keep it for ever.
    peak = np.maximum.accumulate(np.fmax(equity, cash))
    return (equity / peak - 1) * 100


def equity_chart(result: Result, bars: Bars | None) -> Markup:
    """Draw equity, the buy-and-hold line (where there are bars) and the drawdown below, without script."""
    run, height = result.run, 440
    span = (int(run.time[0]), int(run.time[-1]) + result.scene.timeframe.microseconds)
    x = svg.places(run.time, *span)
    hold = None if bars is None else hold_values(result, bars)
    values = run.equity if hold is None else np.concatenate([run.equity, hold])
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    above = Axis.around(low, high, 288, top=6)
    fall = under_water(run.equity, result.scene.cash)
    below = Axis(min(-0.01, float(np.nanmin(fall, initial=0.0)) * 1.05), 0.0, 108, 306)
    lines = join(
        svg.line(x, hold, above, "hold") if hold is not None else None, svg.line(x, run.equity, above, "equity")
    )
    water = join(svg.area(x, fall, below, "water"), svg.line(x, fall, below, "under"))
    deepest = figures.percent(below.low / 1.05)
    label = f"Equity from {figures.number(low)} to {figures.number(high)}; deepest drawdown {deepest}"
    return svg.chart(label, [svg.Panel(above, lines), svg.Panel(below, water, unit=" %")], span, height)


def legend(result: Result, *, hold: bool = True) -> list[Markup]:
    """Name the lines of the equity chart."""
    lines = [("equity", "Strategy"), ("hold", "Buy & hold"), ("under", "Drawdown, %")]
    return [
        tag("span", tag("svg", tag("path", d="M0,5H22", class_=kind), class_="swatch", aria_hidden="true"), name)
        for kind, name in lines
        if kind != "hold" or (hold and result.metrics.get("buy_hold_pct") is not None)
    ]


def months(result: Result) -> Markup:
    """Show the return of every calendar month, and of every year."""
    found = metrics.monthly_returns(result.run.equity, result.run.time, result.scene.cash)
    by_month = {(item.year, item.month): item.return_pct for item in found}
    if not by_month:
        return empty("No bars, so no month has a return.")
    years = sorted({year for year, _ in by_month})
    rows = []
    for year in years:
        cells = [_heat(by_month.get((year, month))) for month in range(1, 13)]
        # Returns of months multiply; their sum would not be that of the year.
        growth = np.prod([1 + by_month[year, m] / 100 for m in range(1, 13) if (year, m) in by_month])
        rows.append(tag("tr", tag("th", str(year), scope="row"), *cells, _heat((float(growth) - 1) * 100, "total")))
    heads = (tag("th", name, scope="col") for name in ("Year", *_MONTHS, "Total"))
    element = tag(
        "table",
        tag("caption", "Monthly returns in per cent"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
        class_="heat",
    )
    return tag("div", element, class_="scroll", tabindex="0", role="region", aria_label="Monthly returns in per cent")


def _heat(value: float | None, class_: str = "") -> Markup:
    """Write one cell: the sign is always printed, the shade only repeats it."""
    if value is None or not figures.is_known(value):
        return tag("td", "·", class_=f"none {class_}".strip())
    step = 1 + sum(abs(value) >= limit for limit in _HEAT_STEPS)
    shade = "" if abs(value) < 0.005 else f"{'p' if value > 0 else 'n'}{step}"
    return tag(
        "td",
        figures.number(value, 1 if abs(value) >= 0.05 else 2, signed=True),
        class_=f"{shade} {class_}".strip() or None,
    )


def rolling(result: Result) -> Markup:
    """Draw Sharpe and volatility over a moving window."""
    found = _period_returns(result)
    if len(found.returns) <= WINDOW:
        return empty(f"Needs more than {WINDOW} {found.unit}s; this result has {len(found.returns)}.")
    sharpe = metrics.rolling_sharpe(found.returns, WINDOW, found.per_year)
    windows = np.lib.stride_tricks.sliding_window_view(found.returns, WINDOW)
    spread = [metrics.volatility(window, found.per_year) for window in windows]
    volatility = np.full(len(sharpe), np.nan)
    volatility[WINDOW - 1 :] = np.array(spread, np.float64) * 100
    return join(_moving("Sharpe", found, sharpe), _moving("Volatility, % a year", found, volatility, " %"))


def _moving(name: str, found: "Returns", values: Floats, unit: str = "") -> Markup:
    known = values[np.isfinite(values)]
    if not len(known):
        return empty(f"{name}: undefined, the account did not move.")
    axis = Axis.around(min(0.0, float(known.min())), max(0.0, float(known.max())), 118, top=4, share=0.05)
    span = (int(found.time[0]), int(found.time[-1]))
    line = svg.line(svg.places(found.time, *span), values, axis, "price" if unit else "equity")
    extent = f"from {figures.number(known.min())} to {figures.number(known.max())}"
    label = f"{name} of the last {WINDOW} {found.unit}s, {extent}"
    plot = svg.chart(label, [svg.Panel(axis, join(svg.rule(axis, 0.0), line), unit=unit)], span, 144)
    return tag("div", tag("h3", f"{name}, {WINDOW} {found.unit}s"), plot, class_="small-plot")


def distribution(result: Result) -> Markup:
    """Draw how often which return of a day occurred, with its extremes."""
    found = _period_returns(result)
    returns = found.returns * 100
    if len(returns) < 2 or not np.any(returns):
        return empty(f"Needs at least two {found.unit}s on which the account moved.")
    # The same reach on both sides: the eye compares losses with gains.
    reach = float(np.max(np.abs(returns)))
    bins = 40 if len(returns) > 120 else 20
    # Days without any change would fill the first bin of the gains.
    counts, edges = np.histogram(returns[returns != 0], bins=bins, range=(-reach, reach))
    facts: tuple[tuple[Content, Content], ...] = (
        (f"{found.unit.capitalize()}s", f"{len(returns):,}"),
        ("Gaining", f"{int((returns > 0).sum()):,}"),
        ("Losing", f"{int((returns < 0).sum()):,}"),
        ("Unchanged", f"{int((returns == 0).sum()):,}"),
        ("Median", figures.percent(float(np.median(returns)), signed=True)),
        ("Best", figures.percent(float(returns.max()), signed=True)),
        ("Worst", figures.percent(float(returns.min()), signed=True)),
        ("5th percentile", figures.percent(float(np.percentile(returns, 5)), signed=True)),
    )
    words = f"{len(returns)} returns of a {found.unit} between {facts[6][1]} and {facts[5][1]}"
    return join(svg.histogram(words, counts, edges, 250, found.unit), pairs(facts, "facts inline"))


def drawdown_table(result: Result) -> Markup:
    """List the deepest drawdowns with their dates."""
    worst = metrics.drawdowns(result.run.equity, result.run.time, result.scene.cash, DRAWDOWNS)
    if not worst:
        return empty("None: equity never fell below an earlier high.")
    columns = (
        Column("Depth", "Distance from the peak at the deepest bar"),
        Column("Peak", "Bar of the last high before", is_text=True),
        Column("Deepest", "Bar of the lowest equity", is_text=True),
        Column("Recovered", "First bar at or above the peak; a dash when not yet", is_text=True),
        Column("Falling", "From peak to deepest", is_text=True),
        Column("Under water", "From peak to recovery, or to the last bar", is_text=True),
    )
    return table("Worst drawdowns", columns, (_drawdown_row(fall, int(result.run.time[-1])) for fall in worst))


def _drawdown_row(fall: metrics.Drawdown, last: int) -> list[Content]:
    return [
        figures.percent(fall.depth_pct, signed=True),
        figures.moment(fall.start),
        figures.moment(fall.trough),
        figures.moment(fall.end) if fall.end is not None else figures.DASH,
        figures.duration(fall.trough - fall.start),
        figures.duration((fall.end or last) - fall.start),
    ]


class Returns(NamedTuple):
    """Returns (fractions) of periods, the open of each period, how many a year has, and what a period is called."""

    time: Times
    returns: Floats
    per_year: float
    unit: str


def _period_returns(result: Result) -> Returns:
    """Give the defined returns by day, or by bar where a bar is a day or longer: as the metrics do."""
    run, timeframe, cash = result.run, result.scene.timeframe, result.scene.cash
    if timeframe.microseconds < DAY:
        daily = metrics.daily_equity(run.equity, run.time)
        time, returns, per_year = daily.day, metrics.growth(daily.equity, cash), DAYS_A_YEAR
    else:
        time, returns, per_year = run.time, metrics.growth(run.equity, cash), timeframe.per_year
    known = np.isfinite(returns)
    unit = "day" if timeframe.microseconds <= DAY else "bar"
    return Returns(time[: len(returns)][known], returns[known], per_year, unit)
