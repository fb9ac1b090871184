"""What every figure of a result is called, how it is written, and what it means."""

from dataclasses import dataclass
from typing import Literal

from tallow.flows.report import figures
from tallow.flows.report.markup import Markup, tag

Unit = Literal["percent", "signed percent", "money", "signed money", "ratio", "count", "time", "basis points"]


@dataclass(frozen=True)
class Definition:
    """A metric: its canonical key, printed label, unit, and a sentence that says how it is computed."""

    key: str
    label: str
    unit: Unit
    meaning: str

    @property
    def anchor(self) -> str:
        """Identifier of the definition on the page."""
        return f"def-{self.key.replace('_', '-')}"

    def write(self, value: float | int | None) -> str:
        """Write a value of this metric."""
        signed = self.unit.startswith("signed")
        if self.unit.endswith("percent"):
            return figures.percent(value, signed=signed)
        if self.unit == "time":
            return figures.moment(int(value)) if value is not None and figures.is_known(value) else figures.DASH
        if self.unit == "basis points":
            text = figures.number(value, 1, signed=True)
            return text if text == figures.DASH else f"{text}\u00a0bp"
        return figures.number(value, 0 if self.unit == "count" else 2, signed=signed)


DEFINITIONS = (
    Definition(
        "return_pct", "Return", "signed percent",
        "Final equity divided by the starting balance, minus one; after fees, slippage and funding.",
    ),
    Definition("final_equity", "Final equity", "money", "Value of the account at the last bar's close, quote units."),
    Definition(
        "buy_hold_pct", "Buy & hold", "signed percent",
        "Return of buying once at the start, with the same fee and slippage, valued at the last close.",
    ),
    Definition(
        "cagr_pct", "CAGR", "signed percent",
        "Constant yearly growth that leads to the same final equity; a year is 365 days of 24 hours.",
    ),
    Definition(
        "volatility_pct", "Volatility", "percent",
        "Standard deviation of daily equity returns times the square root of 365.",
    ),
    Definition(
        "sharpe", "Sharpe", "ratio",
        "Mean over standard deviation of daily equity returns times the square root of 365, without a risk-free rate.",
    ),
    Definition("sharpe_low", "Sharpe, 95 % from", "ratio", "Lower end of the 95 % interval of the Sharpe ratio."),
    Definition("sharpe_high", "Sharpe, 95 % to", "ratio", "Upper end of the 95 % interval of the Sharpe ratio."),
    Definition("sharpe_n", "Returns behind Sharpe", "count", "Daily returns that the Sharpe ratio was computed from."),
    Definition("sortino", "Sortino", "ratio", "Like Sharpe, but only returns below zero count as risk."),
    Definition("calmar", "Calmar", "ratio", "CAGR divided by the size of the deepest drawdown."),
    Definition(
        "max_drawdown_pct", "Max drawdown", "signed percent",
        "Deepest fall of equity below its highest value so far, marked to market at every bar's close.",
    ),
    Definition("max_drawdown_bars", "Its bars", "count", "Bars from that peak to the recovery, or to the last bar."),
    Definition("max_drawdown_days", "Its days", "ratio", "Days from that peak to the recovery, or to the last bar."),
    Definition("max_drawdown_start", "Its peak", "time", "Bar of the last high before the deepest drawdown."),
    Definition("max_drawdown_end", "Its recovery", "time", "First bar back at that high; a dash when there is none."),
    Definition(
        "trades", "Trades", "count",
        "Closed round trips, from flat to flat; one that is still open is counted apart.",
    ),
    Definition("wins", "Won", "count", "Closed trades with a profit after all costs."),
    Definition("losses", "Lost", "count", "Closed trades with a loss after all costs."),
    Definition("draws", "Drawn", "count", "Closed trades that end at exactly zero after all costs."),
    Definition("win_rate_pct", "Win rate", "percent", "Won trades in per cent of closed trades."),
    Definition("profit_factor", "Profit factor", "ratio", "Sum of all profits divided by the sum of all losses."),
    Definition("expectancy", "Expectancy", "signed money", "Mean profit of a closed trade, quote units."),
    Definition("expectancy_pct", "Mean trade", "signed percent", "Mean return of a closed trade."),
    Definition(
        "sqn", "SQN", "ratio",
        "System quality number: root of the number of trades times mean over standard deviation of their profits.",
    ),
    Definition("best_trade_pct", "Best trade", "signed percent", "Largest return of a closed trade."),
    Definition("worst_trade_pct", "Worst trade", "signed percent", "Smallest return of a closed trade."),
    Definition("average_trade_bars", "Mean bars held", "ratio", "Mean number of bars from entry to exit."),
    Definition("open_trades", "Open trades", "count", "Positions still held at the last bar, valued at its close."),
    Definition("open_trade_profit", "Open profit", "signed money", "Profit so far of the trade that is still open."),
    Definition("exposure_pct", "Time in market", "percent", "Bars with an open position in per cent of all bars."),
    Definition("turnover", "Turnover", "money", "Sum of the notional values of all fills, quote units."),
    Definition("fees", "Fees", "money", "Paid to the venue, quote units."),
    Definition("slippage", "Slippage", "money", "Lost between the reference price and the fill price, quote units."),
    Definition(
        "funding", "Funding", "money", "Paid (positive) or received (negative) for holding a perpetual, quote units.",
    ),
    Definition(
        "break_even_cost_bps", "Break-even cost", "basis points",
        "Cost rate of everything traded, in hundredths of a per cent, at which the profit would have been zero.",
    ),
    Definition(
        "ambiguous_bars", "Ambiguous bars", "count", "Bars that touched stop and take-profit; each counts as the stop.",
    ),
    Definition(
        "rejected_orders", "Rejected orders", "count", "Orders below the minimum, or on a bar without volume.",
    ),
)  # fmt: skip

_BY_KEY = {definition.key: definition for definition in DEFINITIONS}
SECTIONS = (
    ("verdict", "Verdict", "The answers first: did it beat holding, how deep did it fall, can the number be trusted."),
    ("equity", "Equity and drawdown", "Value of the account at every bar's close, and its distance from the peak."),
    ("price", "Price with trades", "Candles with every fill: a triangle below the bar is a buy, one above is a sell."),
    ("months", "Monthly returns", "Change of equity in each calendar month, UTC, in per cent."),
    ("rolling", "Rolling Sharpe and volatility", "The same figures over a moving window of days."),
    ("distribution", "Distribution of daily returns", "How often the account gained or lost how much in a day."),
    ("trades", "Trades", "Every round trip, from flat to flat, net of all costs."),
    ("honesty", "Honest score", "What is left of the Sharpe ratio once trials, chance and length are counted."),
    ("costs", "Assumption ladder", "The same decisions, computed again under other executions and costs."),
    ("drawdowns", "Worst drawdowns", "The ten deepest falls below a peak, and how long they lasted."),
    ("causality", "Causality check", "Whether changing the future changed a decision of the past."),
    ("incidents", "Data incidents", "What was wrong with the data inside the range, and whether a position was open."),
    ("reproduce", "Reproduce", "Everything that fixes this result, and the command that computes it again."),
    ("definitions", "Definitions", "What the figures mean."),
)


def find_definition(key: str) -> Definition:
    """Give the definition of a metric; one without an entry is shown under its key."""
    return _BY_KEY.get(key) or Definition(key, key.replace("_", " "), "ratio", f"Metric {key} of the engine.")


def label(key: str, text: str | None = None) -> Markup:
    """Link a label to its definition on the page."""
    found = find_definition(key)
    return tag("a", text or found.label, href=f"#{found.anchor}", class_="term", title=found.meaning)


def value(key: str, amount: float | int | None, class_: str = "") -> Markup:
    """Write a metric's value, with its definition as title."""
    found = find_definition(key)
    return tag("span", found.write(amount), class_=f"num {class_}".strip(), title=found.meaning)


def glossary(keys: tuple[str, ...]) -> Markup:
    """List the definitions of these metrics."""
    rows = [
        tag("div", tag("dt", found.label, id=found.anchor), tag("dd", found.meaning, " ", tag("code", found.key)))
        for found in map(find_definition, keys)
    ]
    return tag("dl", *rows, class_="glossary")
