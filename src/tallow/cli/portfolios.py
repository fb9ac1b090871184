"""The verb of several instruments in one account: portfolio."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallow.cli.research import MONEY, RULES, SPAN, evidence, open_market, options, refuse
from tallow.cli.session import Session, verb

if TYPE_CHECKING:
    from tallow.flows.portfolio import Book, PortfolioResult

SYMBOLS = (
    click.option(
        "-s", "--symbol", "symbols", multiple=True, help="instrument, once for each; venue:SYMBOL when several have it"
    ),
    click.option("-t", "--timeframe", default="1h", show_default=True, help="candle length"),
)
ACCOUNT = (
    click.option(
        "--rebalance",
        default="change",
        show_default=True,
        metavar="RULE",
        help="change, daily, weekly, monthly, every:24 (bars) or drift:0.05 (of the equity)",
    ),
    click.option("--margin", type=click.Choice(["isolated", "cross"]), default="isolated", show_default=True),
)
OWN = ("symbols", "parameters", "rebalance", "margin", "no_check", "no_cache", "report")


@click.command()
@click.argument("weights", metavar="FILE|NAME")
@options(SYMBOLS, SPAN, ACCOUNT, MONEY, RULES)
@click.option("--no-cache", is_flag=True, help="compute even when this very result is stored")
@click.option("--no-check", is_flag=True, help="leave the look-ahead check out; the result is shown as unproven")
@click.option("--report", "report", metavar="PATH", help="also write the HTML page")
@verb
def portfolio(session: Session, /, weights: str, **chosen: Any) -> int:
    """Carry out target weights of several symbols in one account.

    FILE is a Python file with `weights(frames, *, ...)`, where frames are symbol -> candles. It gives a table, one row
    a time and one column a symbol: fractions of the equity. NAME is equal_weight, inverse_volatility or momentum.
    Orders fill at the next bar's open. The look-ahead check runs on the very same bars; exit code 4 when it fails.
    """
    from tallow.flows.portfolio.plain import describe

    book = read_book(weights, chosen)
    workspace = open_market(session)
    switches = {name: not chosen[f"no_{name}"] for name in ("check", "cache")}
    done = workspace.portfolio(book, **switches, **{name: chosen[name] for name in chosen if name not in OWN})
    session.emit(describe(done), told(done))
    if chosen["report"]:
        session.hint(f"report  {workspace.write_page(done, Path(chosen['report']))}")
    else:
        session.hint(f"next    tallow report {done.key[:12]}")
    return refuse(done.certificate, weights) if done.certificate else 0


def read_book(weights: str, chosen: dict[str, Any]) -> "Book":
    """Read symbols, weights and the rules of the account."""
    from tallow.core.portfolio import AccountRules
    from tallow.core.strategies.parameters import parse_assignments
    from tallow.flows.portfolio import Book, parse_rebalance
    from tallow.runners.weights import load_weights

    rules = AccountRules(parse_rebalance(chosen["rebalance"]), chosen["margin"])
    return Book(chosen["symbols"], load_weights(weights, parse_assignments(chosen["parameters"])), rules)


def told(done: "PortfolioResult") -> str:
    """Write a portfolio with its certificate, for a person."""
    from tallow.flows.portfolio.plain import numbers, text

    return text(done) if done.certificate is None else f"{numbers(done)}\n\n{evidence(done.certificate)}"
