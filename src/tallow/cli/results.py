"""The verbs of stored results: results (list, show, compare, replay, remove) and report."""

from pathlib import Path
from typing import Any

import click

from tallow.cli.session import Session, table, verb
from tallow.domain.errors import EXIT_CODES, UserError
from tallow.domain.ranges import iso
from tallow.domain.timeframes import SECOND

MOMENTS = ("max_drawdown_start", "max_drawdown_end")  # microseconds: dates for a person
HEADLINE = ("return_pct", "buy_hold_pct", "max_drawdown_pct", "sharpe", "trades", "win_rate_pct")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def results() -> None:
    """List, show, compare, replay or remove stored results."""


@results.command("list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@verb
def list_results(session: Session, /, limit: int) -> None:
    """List stored results, newest first."""
    rows = session.reading().records.list(limit)
    text = table(
        (
            (
                str(row["key"])[:12], row["kind"], iso(int(str(row["created"])) // SECOND * SECOND), row["strategy"],
                row["instrument"], row["timeframe"], row["verdict"], row["score"],
                *(_metric(row["metrics"], name) for name in HEADLINE),
            )
            for row in rows
        ),
        ("id", "kind", "created", "strategy", "instrument", "timeframe", "look-ahead", "score", *HEADLINE),
    )  # fmt: skip
    session.emit(rows, text if rows else "no stored results yet")
    if not rows:
        session.hint("next    tallow backtest sma_cross -s BTC/USDT -t 1h")


@results.command()
@click.argument("key", metavar="ID")
@verb
def show(session: Session, /, key: str) -> None:
    """Show one result."""
    from tallow.flows.stored import describe, text, trials_by_now

    workspace = session.reading()
    found = workspace.stored(key)
    session.emit(describe(found), text(found))
    session.hint(f"trials  {trials_by_now(found, workspace.desk()):,} on this data by now")


@results.command()
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@verb
def compare(session: Session, /, left: str, right: str) -> None:
    """Put two results of one kind side by side: what differs in the scene, and every metric."""
    from tallow.flows.stored import describe

    workspace = session.reading()
    pair = [describe(workspace.stored(key)) for key in (left, right)]
    _refuse_unlike(pair)
    rows = [(name, *(_metric(one["metrics"], name) for one in pair)) for name in pair[0]["metrics"]]
    told = [(name, *(_moment(value) if name in MOMENTS else value for value in values)) for name, *values in rows]
    scenes = [(name, *(str(one["scene"].get(name)) for one in pair)) for name in pair[0]["scene"]]
    different = [row for row in scenes if row[1] != row[2]]
    keys = [one["key"][:12] for one in pair]
    text = "\n\n".join(
        [table(different, ("differs", *keys)) if different else "the scenes are equal", table(told, ("metric", *keys))]
    )
    session.emit({"differs": different, "metrics": rows}, text)


@results.command()
@click.argument("key", metavar="ID")
@verb
def replay(session: Session, /, key: str) -> int:
    """Run a stored result again on the pinned data and compare every bit; exit code 4 when one differs."""
    outcome = session.reading().replay(key)
    verdict = session.colour("equal", "green") if outcome.equal else session.colour("DIFFERENT", "red")
    lines = [f"{verdict}  {outcome.key[:12]}", f"  stored  {outcome.stored_digest}", f"  now     {outcome.digest}"]
    session.emit(
        {"key": outcome.key, "equal": outcome.equal, "stored": outcome.stored_digest, "now": outcome.digest,
         "differences": list(outcome.differences)},
        "\n".join([*lines, *(f"  {text}" for text in outcome.differences)]),
    )  # fmt: skip
    return EXIT_CODES["done"] if outcome.equal else EXIT_CODES["check failed"]


@results.command()
@click.argument("key", metavar="ID")
@click.option("-y", "--yes", is_flag=True, help="do not ask")
@verb
def remove(session: Session, /, key: str, *, yes: bool) -> None:
    """Delete a stored result; its full ID is needed."""
    if len(key) != 64:
        raise UserError(
            "NEED_FULL_ID", "removing needs all 64 digits of the ID", commands=["tallow results list --json"]
        )
    if not yes:
        click.confirm(f"delete result {key[:12]}?", abort=True, err=True)
    count = session.workspace().records.remove(key)
    session.emit({"removed": count}, f"removed {count}")


@click.command()
@click.argument("key", metavar="ID")
@click.option("--out", metavar="PATH", help="file to write [default: report-ID.html]")
@verb
def report(session: Session, /, key: str, out: str | None) -> None:
    """Write one self-contained HTML page about a stored result."""
    from tallow.flows.stored import key_of

    workspace = session.reading()
    found = workspace.stored(key)
    full = key_of(found)
    path = workspace.write_page(found, Path(out or f"report-{full[:12]}.html"))
    session.emit({"report": str(path), "key": full}, str(path))


def _refuse_unlike(pair: list[dict[str, Any]]) -> None:
    kinds = [one.get("kind", "backtest") for one in pair]
    if kinds[0] != kinds[1]:
        raise UserError(
            "UNLIKE_RESULTS",
            f"a {kinds[0]} and a {kinds[1]} are not compared: their scenes have different fields",
            facts={one["key"][:12]: kind for one, kind in zip(pair, kinds, strict=True)},
            commands=["tallow results list", *(f"tallow results show {one['key'][:12]}" for one in pair)],
        )


def _moment(value: object) -> object:
    return iso(value // SECOND * SECOND) if isinstance(value, int) else value


def _metric(metrics: object, name: str) -> object:
    assert isinstance(metrics, dict)
    value = metrics.get(name)
    return round(value, 4) if isinstance(value, float) else value
