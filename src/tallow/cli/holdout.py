"""The verb of sealed holdouts: seal, open, list."""

from typing import TYPE_CHECKING, Any

import click

from tallow.cli.portfolios import ACCOUNT, OWN, SYMBOLS, read_book, told
from tallow.cli.research import FILLING, MARKET, MONEY, RULES, SPAN, open_market, options, prepare, refuse
from tallow.cli.session import Session, table, verb
from tallow.domain.ranges import iso, parse_time

if TYPE_CHECKING:
    from tallow.flows.seals import Holdout

_SYMBOL = click.option("-s", "--symbol", required=True, help="instrument; venue:SYMBOL when several have it")
_LENGTH = click.option("-t", "--timeframe", default="1h", show_default=True, help="candle length that exists of it")


_AGAIN = "opened before by this very version: the result of then, at the settings of then"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def holdout() -> None:
    """Seal the last part of the data, and open it once for each version of a strategy."""


@holdout.command()
@_SYMBOL
@_LENGTH
@click.option("--from", "start", required=True, metavar="DATE", help="first moment sealed; UTC")
@verb
def seal(session: Session, /, symbol: str, timeframe: str, start: str) -> None:
    """Set everything of an instrument from DATE on aside.

    It holds for candles of every length, and for ever: a seal can be moved to an earlier date, never to a later one.
    Backtests, sweeps and checks end before it by themselves, and are refused (exit code 5) when they are told to reach
    into it.
    """
    from tallow.domain.timeframes import parse_timeframe
    from tallow.flows.holdout import seal as run

    workspace = open_market(session)
    made = run(workspace.instrument(symbol), parse_timeframe(timeframe), parse_time(start), workspace.desk())
    seen = f"; {made.seen:,} trials made before have seen it" if made.seen else ""
    session.emit(vars(made), f"sealed  {made.instrument} from {iso(made.start)} on{seen}")
    session.hint(f"next    tallow holdout open STRATEGY -s {made.instrument} -t {made.timeframe}")


@holdout.command("open")
@click.argument("strategy", metavar="FILE|NAME")
@options((*MARKET[:2], MARKET[-1]), MONEY, RULES, FILLING)
@click.option("--no-check", is_flag=True, help="leave the look-ahead check out; the result is shown as unproven")
@verb
def open_sealed(session: Session, /, strategy: str, **chosen: Any) -> int:
    """Run a strategy once on the sealed part.

    The opening is written down before anything is computed. The same version, which is its source, parameters and
    candle length, gets the recorded result from then on; another one is allowed, counted and shown.
    """
    from tallow.flows.holdout import open_holdout

    workspace = open_market(session)
    code, scene = prepare(workspace, strategy, chosen)
    workspace.build_candles(scene)
    done = open_holdout(scene, code, workspace.desk(check=not chosen["no_check"]))
    said = _AGAIN if done.again else "opened now"
    body = {"holdout": describe(done.holdout), "again": done.again, **workspace.describe(done.result)}
    session.emit(body, f"{workspace.text(done.result)}\n\nHoldout: {said}; {done.holdout.words}.")
    return refuse(done.result.certificate, strategy) if done.result.certificate else 0


@holdout.command("open-portfolio")
@click.argument("weights", metavar="FILE|NAME")
@options(SYMBOLS, SPAN[-1:], ACCOUNT, MONEY, RULES)
@click.option("--no-check", is_flag=True, help="leave the look-ahead check out; the result is shown as unproven")
@verb
def open_portfolio(session: Session, /, weights: str, **chosen: Any) -> int:
    """Carry out weights once on the sealed part of all their symbols.

    Every symbol must be sealed; what is opened begins where the last of the seals does. The opening is written down for
    each of them before anything is computed. The same version, which is source, parameters, candle length, symbols,
    rebalancing and margin, gets the recorded result from then on; another one is allowed, counted and shown.
    """
    from tallow.flows.portfolio.plain import describe as describe_portfolio

    book = read_book(weights, chosen)
    workspace = open_market(session)
    asked = {name: value for name, value in chosen.items() if name not in OWN}
    done = workspace.open_holdouts(book, check=not chosen["no_check"], **asked)
    said = _AGAIN if done.again else "opened now"
    states = "; ".join(f"{one.seal.instrument} {one.words}" for one in done.holdouts)
    body = {
        "holdouts": [describe(one) for one in done.holdouts],
        "again": done.again,
        **describe_portfolio(done.result),
    }
    session.emit(body, f"{told(done.result)}\n\nHoldout: {said}; {states}.")
    return refuse(done.result.certificate, weights) if done.result.certificate else 0


@holdout.command("list")
@verb
def list_holdouts(session: Session, /) -> None:
    """List what is sealed, and who has looked at it."""
    from tallow.flows.seals import holdouts

    found = holdouts(session.reading().records)
    rows = [
        (one.seal.instrument, iso(one.seal.start), _moment(one.seal.sealed), one.seal.seen, one.versions,
         one.interrupted, one.words)
        for one in found
    ]  # fmt: skip
    looks = [
        (look.instrument, _moment(look.opened), look.strategy, look.version[:12], look.key[:12] or "interrupted")
        for one in found
        for look in one.openings
    ]
    heads = ("instrument", "sealed from", "sealed on", "seen before", "versions", "interrupted", "state")
    text = table(rows, heads) if rows else "nothing is sealed"
    if looks:
        text += "\n\n" + table(looks, ("instrument", "opened", "strategy", "version", "result"))
    session.emit([describe(one) for one in found], text)
    if not rows:
        session.hint("next    tallow holdout seal -s SYMBOL -t 1h --from DATE")


def describe(found: "Holdout") -> dict[str, Any]:
    """Give a holdout as plain values."""
    return {
        **vars(found.seal),
        "versions": found.versions,
        "interrupted": found.interrupted,
        "words": found.words,
        "openings": [dict(vars(one)) for one in found.openings],
    }


def _moment(time: int) -> str:
    return iso(time // 1_000_000 * 1_000_000)
