"""The verbs of data: ingest, refine, catalog, coverage, lineage, query."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import click

from tallow.cli.session import Session, table, verb
from tallow.domain.errors import EXIT_CODES, UserError
from tallow.domain.ranges import iso

_FILL = "next    tallow demo, tallow ingest files PATH, or tallow ingest binance BTC/USDT"
_SOURCE = 40  # characters of a path or address that are shown

if TYPE_CHECKING:
    import polars as pl

    from tallow.flows.catalog import Coverage
    from tallow.flows.ingest import IngestReport
    from tallow.flows.ingest.folder import Skipped
    from tallow.flows.refine import RefineReport


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def ingest() -> None:
    """Bring in recordings from files, or history from a venue. What is there already is not written again."""


@ingest.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("-s", "--symbol", help="instrument, where the file does not tell")
@click.option("-t", "--timeframe", help="candle length, where the file does not tell")
@click.option("--no-refine", is_flag=True, help="stop at the bronze layer")
@verb
def files(
    session: Session, /, paths: tuple[str, ...], symbol: str | None, timeframe: str | None, *, no_refine: bool
) -> None:
    """Take files and folders of recordings; the format is detected."""
    workspace = session.workspace()
    report, skipped = workspace.ingest_files(paths, symbol=symbol, timeframe=timeframe)
    session.hint(*(f"skipped {one.path}: [{one.code}] {one.message}" for one in skipped))
    finish(session, report, no_refine=no_refine, skipped=skipped)


@ingest.command()
@click.argument("symbols", nargs=-1, required=True, metavar="SYMBOL...")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(["candles", "trades", "funding", "instruments"]),
    default=("candles",),
    help="what to fetch; instruments are the trading rules of all of them",
)
@click.option("-t", "--timeframe", default="1h", show_default=True, help="candle length")
@click.option("--timerange", help="20240101-20240601 or 2024-01-01..2024-06-01; UTC, the end is excluded")
@click.option("--days", type=click.IntRange(1), help="only the last so many days")
@click.option("--no-refine", is_flag=True, help="stop at the bronze layer")
@verb
def binance(session: Session, /, symbols: tuple[str, ...], *, no_refine: bool, **chosen: Any) -> None:
    """Fetch public history from Binance: archives first, the REST API for the tail. No key needed."""
    if session.offline:
        raise UserError(
            "OFFLINE", "--offline refuses a venue", commands=["tallow ingest files PATH"], exit="refused for safety"
        )
    workspace = session.workspace()
    report = workspace.ingest_binance(symbols, **chosen)
    finish(session, report, no_refine=no_refine)


def finish(session: Session, report: "IngestReport", *, no_refine: bool, skipped: "Sequence[Skipped]" = ()) -> None:
    """Refine what came in, and say what was written."""
    refined = None if no_refine else session.workspace().refine()
    data = {
        "ingest": asdict(report),
        "refine": asdict(refined) if refined else None,
        "skipped": [asdict(one) for one in skipped],
    }
    session.emit(data, "\n".join([ingest_text(report), *([refine_text(refined)] if refined else [])]))
    session.hint("next    tallow catalog")


def ingest_text(report: "IngestReport") -> str:
    """Say what an ingest saw and wrote."""
    total = (
        f"{report.payloads_seen:,} payloads ({report.payloads_new:,} new), {report.rows_seen:,} rows "
        f"({report.rows_new:,} new), {report.rejected:,} unreadable"
    )
    rows = [
        (f"{one.venue}:{one.symbol}", one.timeframe or "-", one.table, one.seen, one.new, one.rejected)
        for one in report.series
    ]
    return f"{table(rows, ('series', 'bars', 'table', 'seen', 'new', 'unreadable'))}\n{total}" if rows else total


def refine_text(report: "RefineReport") -> str:
    """Say what a refinement did, or would do."""
    moved = [
        step for step in report.steps if report.explained or step.added or step.changed or step.quarantined or step.gaps
    ]
    if not moved:
        return "silver and gold are up to date: nothing was written"
    rows = [
        (
            step.table, f"{step.venue}:{step.symbol}", step.timeframe or "-", step.pending, step.added, step.changed,
            step.quarantined, step.gaps,
        )
        for step in moved
    ]  # fmt: skip
    impossible = [f"cannot be built: {name} (no finer candles or trades)" for name in report.impossible]
    return "\n".join(
        [
            table(rows, ("table", "series", "bars", "new in source", "added", "changed", "quarantined", "gap rows")),
            *impossible,
        ]
    )


@click.command()
@click.option("--layer", type=click.Choice(["silver", "gold"]), help="only this layer")
@click.option("-t", "--timeframe", "timeframes", multiple=True, help="also build candles of this length")
@click.option("--explain", is_flag=True, help="say what would be done, and do nothing")
@verb
def refine(
    session: Session, /, layer: "Literal['silver', 'gold'] | None", timeframes: tuple[str, ...], *, explain: bool
) -> None:
    """Clean bronze rows, find gaps, build candles; only what is not refined yet."""
    workspace = session.reading()
    report = workspace.refine(timeframes=timeframes, layer=layer, explain=explain)
    session.emit(asdict(report), refine_text(report))
    if workspace.is_empty():
        session.hint("the lake is empty: there is nothing to refine", _FILL)


@click.command()
@click.option("--paths", is_flag=True, help="where other engines find the tables")
@verb
def catalog(session: Session, /, *, paths: bool) -> None:
    """List every series: rows, range, version, gaps, origin."""
    workspace = session.reading()
    if paths:
        locations = workspace.locations()
        session.emit(locations, table(locations.items(), ("table", "path")))
        return
    frame = workspace.catalog()
    session.emit(plain(frame), show(frame) if len(frame) else "the lake is empty")
    if frame.is_empty():
        session.hint(_FILL)


@click.command()
@click.argument("symbol")
@click.option("-t", "--timeframe", default="1h", show_default=True, help="candle length")
@verb
def coverage(session: Session, /, symbol: str, timeframe: str) -> int:
    """Show what is there of one series of candles, and every gap; exit code 3 when nothing is."""
    found = session.reading().coverage(symbol, timeframe)
    session.emit(asdict(found), coverage_text(found))
    if found.span is None:
        session.hint("next    tallow catalog")
    return EXIT_CODES["no data" if found.span is None else "done"]


def coverage_text(found: "Coverage") -> str:
    """Say which stretches exist, and list every gap."""
    if found.span is None:
        return f"the lake has no {found.timeframe} candles of {found.instrument}"
    holes = [gap for gap in found.gaps if gap.is_hole]
    lost = sum(gap.missing for gap in holes)
    parts = sum(gap.is_incomplete for gap in found.gaps)
    odd = len(found.gaps) - len(holes) - parts
    lines = [
        f"{found.instrument} {found.timeframe}: {found.rows:,} candles in {found.span}, from {'+'.join(found.origins)}",
        f"{_count(len(holes), 'gap')}, {_count(lost, 'candle')} missing; {_count(odd, 'odd candle')} there",
    ]
    if parts:
        lines.append(f"{parts:,} candles are there, but made of fewer finer ones than they should be")
    if found.missing > lost:
        lines.append(f"in {found.missing - lost:,} further intervals nothing was traded: they have no candle")
    rows = [(iso(gap.span.start), iso(gap.span.end), gap.missing, gap.unit, gap.cause) for gap in found.gaps]
    return "\n".join([*lines, *([table(rows, ("from", "to", "missing", "of", "cause"))] if rows else [])])


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


@click.command()
@click.argument("name", metavar="TABLE")
@click.option("-s", "--symbol", help="only this instrument")
@click.option("-t", "--timeframe", help="only this candle length")
@click.option("--at", help="only writes that hold this moment")
@verb
def lineage(session: Session, /, name: str, **chosen: Any) -> None:
    """Show which job wrote a table, from what, with which version of tallow."""
    rows = plain(session.reading().lineage(name, **chosen))
    session.emit(rows, table(map(_write, rows), _WRITE) if rows else "nothing was written")


_WRITE = ("table", "version", "series", "bars", "job", "from", "rows", "range", "written", "payload", "source")


def _write(row: dict[str, Any]) -> tuple[object, ...]:
    # One write of a lineage on one line; --json has every value in full.
    series = f"{row['venue']}:{row['symbol']}" if row["symbol"] else "-"
    source = str(row["source"] or "-")
    return (
        "  " * int(row["depth"]) + row["table"],
        row["version"],
        series,
        row["timeframe"] or "-",
        row["job"],
        str(row["inputs"] or "-").translate(str.maketrans("", "", '{}"')),
        row["rows"],
        f"{str(row['first'])[:16]}..{str(row['last'])[:16]}",
        str(row["written"] or "-")[:16],
        str(row["payload"] or "-")[:12],
        source if len(source) <= _SOURCE else "..." + source[-_SOURCE:],
    )


@click.command()
@click.argument("sql")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="rows printed")
@verb
def query(session: Session, /, sql: str, limit: int) -> None:
    """Run one SELECT over the lake: tallow query "select symbol, count(*) from gold.candles group by symbol"."""
    frame = session.reading().query(sql)
    session.emit(plain(frame.head(limit)), show(frame.head(limit)) if len(frame) else "no rows")
    if len(frame) > limit:
        session.hint(f"{len(frame) - limit:,} more rows: --limit {len(frame)}")


def plain(frame: "pl.DataFrame") -> list[dict[str, object]]:
    """Turn a frame into rows of JSON values; moments in ISO form."""
    return [{name: _moment(value) for name, value in row.items()} for row in frame.to_dicts()]


def show(frame: "pl.DataFrame") -> str:
    """Lay a frame out as a table; moments in ISO form."""
    return table(([_moment(value) for value in row] for row in frame.iter_rows()), frame.columns, digits=10)


def _moment(value: object) -> object:
    from datetime import datetime

    from tallow.domain.ranges import parse_time

    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    return iso(parse_time(value)) if isinstance(value, datetime) else value
