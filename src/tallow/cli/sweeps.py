"""The verbs of many backtests: sweep, walkforward, cross-validate."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tallow.cli.research import FILLING, MARKET, MONEY, RULES, open_market, options, prepare, refuse
from tallow.cli.session import Session, verb
from tallow.domain.errors import UserError
from tallow.domain.sweep import GOALS, METHODS

if TYPE_CHECKING:
    from tallow.domain.sweep import Search, SweepResult

SEARCH = (
    click.option("--method", type=click.Choice(METHODS), default="grid", show_default=True, help="how to choose"),
    click.option("--trials", type=click.IntRange(1), help="combinations to try [default: a whole grid, else 100]"),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="of everything drawn"),
    click.option(
        "--metric", "goal", type=click.Choice(GOALS), default="bar_sharpe", show_default=True, help="largest is best"
    ),
    click.option("--constraint", "constraints", multiple=True, metavar="TEXT", help="such as 'fast < slow'"),
    click.option("--workers", type=click.IntRange(1), help="processes [default: one a core when it pays]"),
)  # fmt: skip


@click.command()
@click.argument("strategy", metavar="FILE|NAME")
@click.argument("axes", nargs=-1, required=True, metavar="K=VALUES...")
@options(MARKET, MONEY, RULES, FILLING, SEARCH)
@click.option("--top", type=click.IntRange(1), default=10, show_default=True, help="combinations shown")
@click.option("--no-cache", is_flag=True, help="compute also what is stored")
@click.option("--no-check", is_flag=True, help="leave the look-ahead check of the best out; it is shown as unproven")
@click.option("--html", metavar="PATH", help="also write the HTML page")
@verb
def sweep(session: Session, /, strategy: str, axes: tuple[str, ...], **chosen: Any) -> int:
    """Backtest many combinations of a strategy's parameters.

    VALUES are lo..hi:step (both ends), lo..hi (to draw from), or a,b,c: tallow sweep sma_cross fast=5..50:5
    slow=20..200:20 --constraint "fast < slow". Every finished combination is stored: the same sweep again computes
    nothing, and one that was stopped goes on. The best combination is certified; exit code 4 when that fails.
    """
    from tallow.flows.sweep import render
    from tallow.flows.sweep import sweep as run

    search = read_search(axes, chosen)
    workspace = open_market(session)
    code, scene = prepare(workspace, strategy, chosen)
    studio = workspace.studio(scene, code, workers=chosen["workers"], check=not chosen["no_check"])
    done = run(scene, code, search, studio, cache=not chosen["no_cache"])
    show(session, done, chosen["top"])
    if chosen["html"]:
        session.hint(f"page    {write(Path(chosen['html']), render(done, colours=workspace.settings.palette))}")
    certificate = done.result.certificate if done.result else None
    return refuse(certificate, strategy) if certificate else 0


@click.command()
@click.argument("strategy", metavar="FILE|NAME")
@click.argument("axes", nargs=-1, required=True, metavar="K=VALUES...")
@options(MARKET, MONEY, RULES, FILLING, SEARCH)
@click.option("--train", default="180d", show_default=True, metavar="LENGTH", help="what each choice is made on")
@click.option("--test", default="30d", show_default=True, metavar="LENGTH", help="what it is applied to, step by step")
@click.option("--anchored", is_flag=True, help="every training stretch starts at the first bar")
@click.option("--no-cache", is_flag=True, help="walk again even when this very walk is stored")
@click.option("--no-check", is_flag=True, help="leave the look-ahead check of the last choice out")
@click.option("--html", metavar="PATH", help="also write the HTML page")
@verb
def walkforward(session: Session, /, strategy: str, axes: tuple[str, ...], **chosen: Any) -> int:
    """Choose the best combination on the past, apply it to what follows, step by step.

    VALUES are those of `tallow sweep`; LENGTH is 180d, 12h, 4w or a number of bars. What all tests earned together is
    one account: a change of parameters trades and costs what it changes. Finished combinations and the whole walk are
    stored: the same again computes nothing, and one that was stopped goes on. Exit code 4 when the look-ahead check of
    the strategy with the last choice fails.
    """
    from tallow.flows.sweep import Walk, walk_forward
    from tallow.flows.sweep.flow import open_market as read_bars
    from tallow.flows.sweep.forward_page import describe, render, text

    search = read_search(axes, chosen)
    workspace = open_market(session)
    code, scene = prepare(workspace, strategy, chosen)
    studio = workspace.studio(scene, code, workers=chosen["workers"], check=not chosen["no_check"])
    walk = Walk(chosen["train"], chosen["test"], anchored=chosen["anchored"])
    studio = replace(studio, gives_stored=not chosen["no_cache"])
    done = walk_forward(scene, code, search, walk, studio)
    session.emit(describe(done), text(done))
    if chosen["html"]:
        bars = read_bars(scene, studio.desk, None).bars
        page = render(done, bars, colours=workspace.settings.palette)
        session.hint(f"page    {write(Path(chosen['html']), page)}")
    else:
        session.hint(f"next    tallow report {done.result.key[:12]}")
    return refuse(done.result.certificate, strategy) if done.result.certificate else 0


@click.command("cross-validate")
@click.argument("strategy", metavar="FILE|NAME")
@click.argument("axes", nargs=-1, required=True, metavar="K=VALUES...")
@options(MARKET, MONEY, RULES, SEARCH)
@click.option("--groups", type=click.IntRange(2), default=6, show_default=True, help="equal parts of the data")
@click.option("--test-groups", type=click.IntRange(1), default=2, show_default=True, help="held out at a time")
@click.option("--purge", default="0", show_default=True, metavar="LENGTH", help="dropped on both sides of those")
@click.option("--embargo", metavar="LENGTH", help="dropped beyond that after those [default: 1 % of the bars]")
@click.option("--no-cache", is_flag=True, help="cross-validate again even when this very one is stored")
@click.option("--no-check", is_flag=True, help="leave the look-ahead check of the usual choice out")
@click.option("--html", metavar="PATH", help="also write the HTML page")
@verb
def cross_validate(session: Session, /, strategy: str, axes: tuple[str, ...], **chosen: Any) -> int:
    """Choose the best combination on some groups of the data, apply it to those held out, in every combination.

    VALUES are those of `tallow sweep`; LENGTH is 12h, 4d (rounded up to bars) or a number of bars. Combinatorial purged
    cross-validation: what the splits hold out is joined to whole histories (paths), each carried out as one account, so
    that there is a distribution of results instead of one. Stored like a sweep: the same again computes nothing, and
    what was stopped goes on. Exit code 4 when the look-ahead check of what was chosen most often fails.
    """
    from tallow.flows.sweep import Folding
    from tallow.flows.sweep import cross_validate as run
    from tallow.flows.sweep.cross_plain import describe, text

    search = read_search(axes, chosen)
    workspace = open_market(session)
    code, scene = prepare(workspace, strategy, chosen)
    studio = workspace.studio(scene, code, workers=chosen["workers"], check=not chosen["no_check"])
    folding = Folding(chosen["groups"], chosen["test_groups"], chosen["purge"], chosen["embargo"])
    done = run(scene, code, search, folding, replace(studio, gives_stored=not chosen["no_cache"]))
    session.emit(describe(done), text(done))
    if chosen["html"]:
        session.hint(f"page    {workspace.write_page(done, Path(chosen['html']))}")
    else:
        session.hint(f"next    tallow report {done.result.key[:12]}")
    return refuse(done.result.certificate, strategy) if done.result.certificate else 0


def read_search(axes: tuple[str, ...], chosen: dict[str, Any]) -> "Search":
    """Read the axes and options of a search."""
    from tallow.core.search import check_axes, parse_axis
    from tallow.domain.sweep import Search

    found = check_axes([parse_axis(text) for text in axes])
    fixed = {text.partition("=")[0] for text in chosen["parameters"]}
    both = next((axis.name for axis in found if axis.name in fixed), None)
    if both is not None:
        raise UserError("BAD_RANGE", f"{both!r} is both swept and given by --set", facts={"valid": "one of the two"})
    return Search(
        found, chosen["method"], chosen["trials"] or 0, chosen["seed"], chosen["goal"], tuple(chosen["constraints"])
    )


def show(session: Session, done: "SweepResult", top: int) -> None:
    """Print a sweep."""
    from tallow.flows.sweep.plain import describe, text

    session.emit(describe(done, top), text(done, top))
    if done.result is not None:
        session.hint(f"next    tallow report {done.result.key[:12]}")


def write(path: Path, text: str) -> Path:
    """Write a page; give its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
