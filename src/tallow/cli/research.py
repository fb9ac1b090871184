"""The verbs of research: new, backtest, check."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallow.cli.session import DEMO, Session, verb
from tallow.domain.errors import EXIT_CODES, Error, UserError
from tallow.domain.ranges import iso
from tallow.domain.venue_rules import IN_LAKE

if TYPE_CHECKING:
    from tallow.app import Workspace
    from tallow.domain.evidence import Certificate
    from tallow.domain.scene import Scene
    from tallow.ports import Strategy

SPAN = (
    click.option("--timerange", help="20240101-20240601 or 2024-01-01..2024-06-01; UTC, the end is excluded"),
    click.option("--days", type=click.IntRange(1), help="only the last so many days"),
    click.option("--set", "parameters", multiple=True, metavar="K=V", help="a parameter of the strategy"),
)
MARKET = (
    click.option(
        "-s", "--symbol", default="BTC/USDT", show_default=True, help="instrument; venue:SYMBOL when several have it"
    ),
    click.option("-t", "--timeframe", help="candle length [default: the strategy's own, else 1h]"),
    click.option("--fill-detail", metavar="LENGTH", help="decide on candles of -t, fill and stop on finer ones, as 1m"),
    *SPAN,
)
MONEY = (
    click.option("--cash", type=float, help="starting balance in quote units"),
    click.option("--fee", type=float, help="maker and taker fee rate (0.001 = 0.1 %)"),
    click.option(
        "--slippage", type=float, default=0.0, show_default=True, help="adverse move of every fill, basis points"
    ),
    click.option("--fill", type=click.Choice(["next_open", "close"]), default="next_open", show_default=True),
    click.option("--leverage", type=float, default=1.0, show_default=True, help="largest absolute target"),
    click.option("--short", is_flag=True, help="carry out targets below zero"),
    click.option("--stop-loss", type=float, help="distance from the entry price (0.05 = 5 %)"),
    click.option("--take-profit", type=float, help="distance from the entry price"),
    click.option("--trailing-stop", type=float, help="distance from the best price since entry"),
)

RULES = (
    click.option(
        "--venue-rules",
        metavar="[FILE]",
        is_flag=False,
        flag_value=IN_LAKE,
        help="the venue's tick, lot, minimum and margins as they changed: from FILE, else from the lake",
    ),
)

FILLING = (
    click.option("--participation", type=float, help="orders fill at most this part of a bar's volume (0.1 = 10 %)"),
    click.option("--touch-fills", is_flag=True, help="a limit order fills where its price is touched, not only passed"),
)


def options(*groups: tuple[Callable[..., Any], ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command several groups of options, in order."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return add


@click.command()
@click.argument("strategy", metavar="FILE|NAME")
@options(MARKET, MONEY, RULES, FILLING)
@click.option("--no-cache", is_flag=True, help="compute even when this very result is stored")
@click.option("--no-check", is_flag=True, help="leave the look-ahead check out; the result is shown as unproven")
@click.option("--report", "report", metavar="PATH", help="also write the HTML report")
@verb
def backtest(session: Session, /, strategy: str, **chosen: Any) -> int:
    """Run a strategy on the lake's candles.

    FILE is a Python file with `signals(bars, ...)` or a class with `init` and `next`; NAME is a built-in strategy.
    Orders fill at the next bar's open. The look-ahead check runs on the very same bars; exit code 4 when it fails.
    """
    workspace = open_market(session)
    code, scene = prepare(workspace, strategy, chosen)
    result = workspace.backtest(scene, code, check=not chosen["no_check"], cache=not chosen["no_cache"])
    session.emit(workspace.describe(result), workspace.text(result))
    if chosen["report"]:
        session.hint(f"report  {workspace.write_report(result, Path(chosen['report']))}")
    else:
        session.hint(f"next    tallow report {result.key[:12]}")
    return refuse(result.certificate, strategy) if result.certificate else 0


@click.command()
@click.argument("strategy", metavar="FILE|NAME")
@options(MARKET, RULES, FILLING)
@click.option("--cut", type=click.IntRange(0), help="show one finding again: the last row that both runs see alike")
@click.option("--future", default="truncate", show_default=True, help="with --cut: how the bars after it are changed")
@click.option("--row", type=click.IntRange(0), help="with --cut: the row that changes")
@verb
def check(session: Session, /, strategy: str, *, cut: int | None, future: str, row: int | None, **chosen: Any) -> int:
    """Certify that a strategy does not see the future.

    The strategy is run again on bars whose future was cut off and on bars whose future was replaced, at every row
    where its output changes. Exit code 0: certified; 4: leaky, or impossible to tell. Then the start of the bars is
    moved, to find how many must come first until the decisions stay the same.
    """
    workspace = open_market(session)
    code, scene = prepare(workspace, strategy, chosen)
    if cut is not None:
        return show_finding(session, workspace, (scene, code), (cut, future, cut if row is None else row))
    from tallow.flows.appraise import settling_values
    from tallow.flows.backtest import settling
    from tallow.flows.seals import seal_notes

    session.hint(*seal_notes(workspace.records, scene))
    certificate = workspace.check(scene, code)
    found = settling_values(settling(scene, code, workspace.desk()))
    session.emit({**certificate.to_dict(), "startup": found}, f"{evidence(certificate)}\n{start_up(found)}")
    return refuse(certificate, strategy)


def show_finding(
    session: Session, workspace: "Workspace", subject: "tuple[Scene, Strategy]", finding: tuple[int, str, int]
) -> int:
    """Run a strategy with the true and with a changed future; say whether a row differs, with exit code 4 if so."""
    from tallow.domain.evidence import outputs_in_words

    cut, future, row = finding
    before, after = workspace.replay_finding(*subject, cut=cut, future=future, row=row)
    true, changed = outputs_in_words(before, after)
    leaks = before != after and (true, changed) != ("nan", "nan")
    said = (
        f"row {row:,} is {true} with the true future and {changed} when the bars after row {cut:,} are changed "
        f"({future})"
    )
    verdict = "LEAKY     the output depends on later bars" if leaks else "the same: this change shows no look-ahead"
    session.emit(
        {"row": row, "cut": cut, "future": future, "true_future": before, "changed_future": after, "leaky": leaks},
        f"{verdict}\n  {said}",
    )
    return EXIT_CODES["check failed" if leaks else "done"]


@click.command()
@click.argument("kind", type=click.Choice(["strategy"]))
@click.argument("name")
@verb
def new(session: Session, /, kind: str, name: str) -> None:
    """Write NAME.py: a strategy in both forms, ready to run."""
    stem = name.removesuffix(".py")
    path = Path(f"{stem}.py")
    if not path.stem.isidentifier():
        raise UserError("BAD_NAME", f"{name!r} is no file name for Python", facts={"valid": "letters, digits, _"})
    if path.exists():
        raise UserError(
            "FILE_EXISTS", f"{path} exists already; nothing was written", commands=["tallow new strategy OTHER"]
        )
    path.write_text(Path(__file__).with_name("strategy_template.txt").read_text())
    session.emit({kind: str(path)}, f"wrote   {path}")
    session.hint(f"next    tallow backtest {path}")


def open_market(session: Session) -> "Workspace":
    """Open the lake; the demo's simulated market when the default lake holds nothing."""
    workspace = session.workspace()
    if session.lake_was_named or not workspace.is_empty():
        return workspace
    from tallow.cli.demo import demo_market

    session.hint(f"the lake is empty: using the demo's SIMULATED market in {DEMO}")
    return demo_market(session)


def prepare(workspace: "Workspace", strategy: str, chosen: dict[str, Any]) -> "tuple[Strategy, Scene]":
    """Load the strategy and say the scene."""
    given = dict(_pair(text) for text in chosen["parameters"])
    code, detail = workspace.strategy(strategy, given), chosen.get("fill_detail")
    if detail:
        decide_on = chosen["timeframe"] or getattr(code, "declares", {}).get("timeframe", "1h")
        code = workspace.strategy(strategy, {**given, "decide-on": decide_on})
        chosen = {**chosen, "timeframe": detail}
    # `check` has no costs and an opening no range to choose: only what the verb offers is passed on.
    names = ("symbol", "timeframe", "timerange", "days", "cash", "fee", "slippage", "fill", "leverage", "short")
    stops, market = ("stop_loss", "take_profit", "trailing_stop"), ("venue_rules", "participation", "touch_fills")
    return code, workspace.scene(code, **{name: chosen[name] for name in (*names, *stops, *market) if name in chosen})


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError("BAD_PARAMETER", f"--set {text!r} is not K=V", facts={"valid": "--set fast=10"})
    return name, value


def evidence(certificate: "Certificate") -> str:
    """Write a certificate for a person."""
    lines = [
        f"{certificate.verdict.upper()}  {certificate.reason}",
        f"  data      {certificate.data}",
        f"  coverage  {certificate.rows:,} rows, {certificate.changes:,} output changes, {certificate.cuts:,} cuts, "
        f"{certificate.runs:,} runs, {certificate.fresh} in a fresh process",
    ]
    for finding in certificate.findings[:5]:
        before, after = finding.outputs
        lines += [
            f"  row {finding.row:,} at {iso(finding.time)}: {before} becomes {after} when bars after row "
            f"{finding.cut:,} are changed ({finding.method}; {finding.rows_changed:,} rows differ)",
            f"    kind    {finding.kind}",
        ]
        extra = (
            ("line", f"{finding.location}  {finding.source}"),
            ("instead", finding.hint),
            ("replay", finding.replay),
        )
        lines += [f"    {label:<8}{text}" for label, text in extra if text.strip()]
    return "\n".join(lines)


def start_up(found: "dict[str, Any] | None") -> str:
    """Write how the decisions depend on the start of the data, for a person."""
    if found is None:
        return "  start-up  not tried: too few bars, or the strategy fails on a part of them"
    if found["verdict"] == "never":
        return f"  start-up  WARNING: {found['words']}"
    return f"  start-up  {found['warm_up']:,} bars of warm-up. {found['words']}"


def refuse(certificate: "Certificate", strategy: str) -> int:
    """Give the exit code of a certificate, after saying why it is not 0."""
    if certificate.verdict == "certified":
        return EXIT_CODES["done"]
    finding = certificate.findings[0] if certificate.findings else None
    code = "LOOKAHEAD" if certificate.verdict == "leaky" else "UNPROVEN"
    what = certificate.reason if finding is None else f"{strategy}: output at {iso(finding.time)} depends on later bars"
    facts = {} if finding is None else {"kind": finding.kind, "line": f"{finding.location}  {finding.source}".strip()}
    error = Error(
        code,
        what,
        facts={k: v for k, v in facts.items() if v},
        commands=[f"tallow explain {code}"],
        exit="check failed",
    )
    click.echo(str(error), err=True)
    return error.exit_code
