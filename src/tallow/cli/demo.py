"""The verb that shows the whole road."""

import shutil
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallow.cli.session import DEMO, Session, table, verb
from tallow.domain.ranges import iso

if TYPE_CHECKING:
    from tallow.app import Workspace
    from tallow.domain.results import Result

SEED = 7
LONG_ENOUGH = 10_000  # candles of a 5m series worth showing
STRATEGIES = ("buy_and_hold", "sma_cross", "rsi")
SHOWN = ("return_pct", "buy_hold_pct", "max_drawdown_pct", "sharpe", "trades", "fees")


@click.command()
@click.option("--data", metavar="PATH", help="real recordings instead of the simulated market")
@click.option("--out", default=DEMO, show_default=True, metavar="DIR", help="folder for the demo's lake and report")
@click.option("--seed", default=SEED, show_default=True, help="of the simulated market")
@click.option("--open", "show", is_flag=True, help="open the report in the browser")
@verb
def demo(session: Session, /, *, data: str | None, out: str, seed: int, show: bool) -> None:
    """Market -> ingest -> lake -> three strategies -> look-ahead certificate -> report. No network, no key.

    Without --data the market is SIMULATED: made up by a seeded generator, served on loopback as an exchange, and
    fetched by the same client that talks to Binance.
    """
    folder = Path(out)
    workspace = prepare_recordings(session, folder, data) if data else prepare_market(session, folder, seed)
    markets = showcase(workspace)
    with workspace.many_checks():
        results = [run_one(workspace, name, *market) for market in markets for name in STRATEGIES]
    # Buy and hold makes a dull report: the first rule that trades is shown.
    featured = next(result for result in results if result.scene.strategy == "sma_cross")
    report = workspace.write_report(featured, folder / "report.html")
    session.emit(
        {
            "simulated": data is None,
            "report": str(report),
            "results": [workspace.describe(result) for result in results],
        },
        "\n".join([headline(data), lines(workspace, results), gaps(workspace, markets), f"report  {report}"]),
    )
    session.hint(
        f"next    open {report} in a browser",
        *activation(),
        "        tallow new strategy my_idea        then  tallow backtest my_idea.py",
        f"        tallow results replay {featured.key[:12]} --lake {workspace.settings.lake}",
    )
    if show:
        webbrowser.open(report.absolute().as_uri())


def activation() -> tuple[str, ...]:
    """Say how the command is made known to this shell, where it is not."""
    script = Path(sys.executable).with_name("activate")
    if shutil.which("tallow") or not script.exists():
        return ()
    here = Path.cwd()
    return (f"        . {script.relative_to(here) if script.is_relative_to(here) else script}",)


def prepare_market(session: Session, folder: Path, seed: int = SEED) -> "Workspace":
    """Fill the demo's lake from the simulated exchange; a no-op when it is filled already."""
    workspace = session.workspace(str(folder / "lake"))
    workspace.ingest_simulated(seed)
    workspace.refine()
    return workspace


def demo_market(session: Session) -> "Workspace":
    """Open the demo's lake; filled from the simulated exchange when it is not there yet."""
    workspace = session.workspace(str(Path(DEMO) / "lake"))
    return prepare_market(session, Path(DEMO)) if workspace.is_empty() else workspace


def prepare_recordings(session: Session, folder: Path, data: str) -> "Workspace":
    """Fill the demo's lake from recordings; a no-op when it is filled already."""
    workspace = session.workspace(str(folder / "lake-recordings"))
    report, skipped = workspace.ingest_files((data,))
    session.hint(
        f"{report.payloads_seen:,} payloads, {report.rows_seen:,} rows, {report.rows_new:,} of them new",
        f"{len(skipped)} files hold no candles, trades or funding; tallow ingest files {data} names them",
    )
    workspace.refine()
    return workspace


def run_one(workspace: "Workspace", name: str, symbol: str, timeframe: str) -> "Result":
    """Backtest one built-in strategy with its certificate."""
    strategy = workspace.strategy(name, {})
    return workspace.backtest(workspace.scene(strategy, symbol=symbol, timeframe=timeframe), strategy)


def headline(data: str | None) -> str:
    """Say what the numbers below were made from."""
    return f"real recordings from {data}" if data else "SIMULATED market: made up by a seeded generator, no real prices"


def lines(workspace: "Workspace", results: "list[Result]") -> str:
    """Lay the results out."""
    rows: list[list[Any]] = []
    for result in results:
        scene, verdict = result.scene, result.certificate.verdict if result.certificate else "unproven"
        values = [result.metrics.get(name) for name in SHOWN]
        shown = [round(value, 2) if isinstance(value, float) else value for value in values]
        rows.append(
            [scene.strategy, str(scene.instrument), str(scene.timeframe), *shown, verdict, len(result.incidents)]
        )
    return table(rows, ("strategy", "instrument", "bars", *SHOWN, "look-ahead", "incidents"))


def gaps(workspace: "Workspace", markets: list[tuple[str, str]]) -> str:
    """List the holes in the data of every series shown."""
    rows = []
    for symbol, timeframe in markets:
        found = workspace.coverage(symbol, timeframe)
        holes = [gap for gap in found.gaps if gap.missing]
        longest = max(holes, key=lambda gap: gap.missing, default=None)
        where = f"{longest.missing} missing from {iso(longest.span.start)}" if longest else "-"
        rows.append((symbol, timeframe, found.rows, str(found.span), len(holes), where))
    return table(rows, ("series", "bars", "candles", "range", "gaps", "longest gap"))


def showcase(workspace: "Workspace") -> list[tuple[str, str]]:
    """Choose what the demo runs on: the longest BTC/USDT 1h series, then up to ten 5m ones."""
    frame = workspace.catalog()
    gold = frame.filter(frame["table"] == "gold.candles").sort("rows", descending=True)
    rows = [(row["venue"], row["symbol"], row["timeframe"], row["rows"]) for row in gold.iter_rows(named=True)]
    first = [row for row in rows if row[1:3] == ("BTC/USDT", "1h")][:1]
    fine = sorted(row for row in rows if row[2] == "5m" and row[3] >= LONG_ENOUGH)[:10]
    return [(f"{venue}:{symbol}", timeframe) for venue, symbol, timeframe, _ in first + fine]
