"""The verb of several instruments in one account: portfolio."""

from typing import TYPE_CHECKING, Any

import click

from tallow.cli.research import MONEY, SPAN, evidence, open_market, options, refuse
from tallow.cli.session import Session, table, verb

if TYPE_CHECKING:
    from tallow.flows.portfolio import PortfolioResult

SYMBOLS = (
    click.option(
        "-s", "--symbol", "symbols", multiple=True, help="instrument, once for each; venue:SYMBOL when several have it"
    ),
    click.option("-t", "--timeframe", default="1h", show_default=True, help="candle length"),
)
RULES = (
    click.option(
        "--rebalance",
        default="change",
        show_default=True,
        metavar="RULE",
        help="change, daily, weekly, monthly, every:24 (bars) or drift:0.05 (of the equity)",
    ),
    click.option("--margin", type=click.Choice(["isolated", "cross"]), default="isolated", show_default=True),
)
_OWN = ("symbols", "parameters", "rebalance", "margin", "no_check")
_COLUMNS = ("symbol", "bars", "profit", "trades", "open", "fees", "exposure %", "stale marks", "incidents", "exposed")


@click.command()
@click.argument("weights", metavar="FILE|NAME")
@options(SYMBOLS, SPAN, RULES, MONEY)
@click.option("--no-check", is_flag=True, help="leave the look-ahead check out; the result is shown as unproven")
@verb
def portfolio(session: Session, /, weights: str, **chosen: Any) -> int:
    """Carry out target weights of several symbols in one account.

    FILE is a Python file with `weights(frames, *, ...)`, where frames are symbol -> candles. It gives a table, one row
    a time and one column a symbol: fractions of the equity. NAME is equal_weight, inverse_volatility or momentum.
    Orders fill at the next bar's open. The look-ahead check runs on the very same bars; exit code 4 when it fails.
    """
    from tallow.core.portfolio import AccountRules
    from tallow.core.strategies.parameters import parse_assignments
    from tallow.flows.portfolio import Book, parse_rebalance
    from tallow.flows.portfolio_page import describe
    from tallow.runners.weights import load_weights

    rules = AccountRules(parse_rebalance(chosen["rebalance"]), chosen["margin"])
    code = load_weights(weights, parse_assignments(chosen["parameters"]))
    workspace = open_market(session)
    asked = {name: value for name, value in chosen.items() if name not in _OWN}
    done = workspace.portfolio(Book(chosen["symbols"], code, rules), check=not chosen["no_check"], **asked)
    session.emit(describe(done), text(done))
    return refuse(done.certificate, weights) if done.certificate else 0


def text(done: "PortfolioResult") -> str:
    """Write a portfolio for a terminal."""
    from tallow.flows.portfolio_page import footing, headline

    rows = [
        (
            one.symbol, one.bars, profit, one.trades, one.open_trades, fees, exposure, one.stale_marks,
            len(one.incidents), sum(incident.exposed for incident in one.incidents),
        )
        for one, profit, fees, exposure in zip(
            done.instruments,
            _aligned([one.profit for one in done.instruments]),
            _aligned([one.fees for one in done.instruments]),
            _aligned([one.exposure_pct for one in done.instruments]),
            strict=True,
        )
    ]  # fmt: skip
    verdict = evidence(done.certificate) if done.certificate else "UNPROVEN  the look-ahead check was left out"
    return "\n\n".join([headline(done), table(rows, _COLUMNS), footing(done), verdict])


def _aligned(values: list[float]) -> list[str]:
    shown = [f"{value:,.2f}" for value in values]
    return [value.rjust(max(map(len, shown))) for value in shown]
