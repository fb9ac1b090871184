"""A sweep as plain values and as plain text."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tallow.domain.columns import Floats
from tallow.domain.scene import Value
from tallow.domain.sweep import SweepResult, goal_column
from tallow.flows.report.figures import plural
from tallow.flows.report.verdict import judge
from tallow.flows.sweep.luck import luck_of
from tallow.flows.sweep.neighbours import plateau

SHOWN = ("bar_sharpe", "total_return", "max_drawdown", "trades", "fees")
PER_CENT = ("total_return", "max_drawdown")
_DECIMALS = {"trades": 0, "wins": 0, "bar_sharpe": 3, "return_over_drawdown": 3}
_HEADINGS = {"bar_sharpe": "bar Sharpe a year", "total_return": "return %", "max_drawdown": "max drawdown %"}


def describe(done: SweepResult, top: int | None = None) -> dict[str, Any]:
    """Give a sweep as plain values; the `top` best rows, or all rows in the order of the search.

    Undefined numbers are None.
    """
    luck = luck_of(done.result, done.trials, done.sharpes)
    rows = range(len(done.found)) if top is None else done.ranking()[:top]
    return {
        "key": done.key,
        "strategy": done.scene.strategy,
        "instrument": str(done.scene.instrument),
        "timeframe": str(done.scene.timeframe),
        "bars": done.bars,
        "method": done.search.method,
        "seed": done.search.seed,
        "metric": done.search.goal,
        "axes": [str(axis) for axis in done.search.axes],
        "constraints": list(done.search.constraints),
        "combinations": len(done.found),
        "computed": done.computed,
        "failed": len(done.found.failed),
        "seconds": done.seconds,
        "combinations_per_second": done.rate,
        "best": done.best_parameters or None,
        "rows": [record(done, row) for row in rows],
        "failures": [
            {"parameters": _parameters(done, row), "reason": reason}
            for row, reason in list(done.found.failed.items())[: top or None]
        ],
        "result": done.result.key if done.result else None,
        "certificate": done.result.certificate.to_dict() if done.result and done.result.certificate else None,
        "trials": done.trials,
        "luck": asdict(luck) if luck else None,
        "around_the_best": plateau(done, goal_column(done.found, done.search.goal)),
        "notes": list(done.notes),
    }


def record(done: SweepResult, row: int) -> dict[str, Any]:
    """Give one combination with its numbers."""
    numbers = {name: float(column[row]) for name, column in done.found.columns.items()}
    numbers[done.search.goal] = float(goal_column(done.found, done.search.goal)[row])
    return {"parameters": _parameters(done, row), **{k: None if math.isnan(v) else v for k, v in numbers.items()}}


def _parameters(done: SweepResult, row: int) -> dict[str, Value]:
    return dict(zip(done.found.names, done.found.rows[row], strict=True))


def text(done: SweepResult, top: int = 10) -> str:
    """Write a sweep for a terminal: what was tried, the best, and what is to be thought of it."""
    scene, found = done.scene, done.found
    lines = [
        f"{scene.strategy} on {scene.instrument} {scene.timeframe}, {done.bars:,} bars",
        f"{len(found):,} combinations by {done.search.method} over {'  '.join(map(str, done.search.axes))}",
        *(f"only where {constraint}" for constraint in done.search.constraints),
        _speed(done),
        *(f"note: {note}" for note in done.notes),
        "",
        *(_table(done, top) if done.best is not None else [f"no combination has a {done.search.goal}"]),
    ]
    if found.failed:
        row, reason = next(iter(found.failed.items()))
        values = ", ".join(f"{name}={value}" for name, value in _parameters(done, row).items())
        lines += ["", f"{plural(len(found.failed), 'combination')} failed, first {values}: {reason}"]
    return "\n".join([*lines, "", *verdict(done)])


def verdict(done: SweepResult) -> list[str]:
    """Say what the best of many is worth."""
    lines = [f"  {warning(done)}"]
    luck = luck_of(done.result, done.trials, done.sharpes)
    year = math.sqrt(done.scene.timeframe.per_year)
    if luck is not None:
        lines.append(
            f"  Better than luck: {100.0 * luck.deflated:.1f} % (deflated Sharpe ratio; the best of {luck.trials:,} "
            f"without edge would show {luck.expected * year:.3f} a year, this one {luck.observed * year:.3f})."
        )
    goal = done.search.goal
    mean = plateau(done, shown(done, goal))
    if mean is not None:
        lines.append(f"  Around the best: {heading(goal)} {written(goal, mean)} on average one step aside.")
    if done.result is not None:
        judgement = judge(done.result.certificate)
        lines.append(f"  {judgement.symbol} causality of the best {judgement.word.lower()}: {judgement.sentence}")
    return lines


def warning(done: SweepResult) -> str:
    """Say how many trials the data has seen, and what follows for the best of them."""
    return (
        f"{done.trials:,} distinct trials were made on this data so far. The best of many is too good: part of its "
        "lead is chance, and the more were tried, the larger that part."
    )


def headings(done: SweepResult) -> tuple[str, ...]:
    """Give the numbers that a table of a sweep shows, the one looked for first."""
    return tuple(dict.fromkeys((done.search.goal, *SHOWN)))


def heading(name: str) -> str:
    """Write the name of a number over its column."""
    return _HEADINGS.get(name, name.replace("_", " "))


def shown(done: SweepResult, name: str) -> Floats:
    """Give a number of every row as people read it: per cent, and the Sharpe ratio of bars annualised."""
    factor = 100.0 if name in PER_CENT else 1.0
    if name == "bar_sharpe":
        factor = math.sqrt(done.scene.timeframe.per_year)
    return goal_column(done.found, name) * factor


def written(name: str, value: float) -> str:
    """Write a number that `shown` gave."""
    return "-" if math.isnan(value) else f"{value:,.{_DECIMALS.get(name, 2)}f}"


def _speed(done: SweepResult) -> str:
    if not done.computed:
        return "all of them were stored: nothing was computed"
    stored = len(done.found) - done.computed
    words = f"{done.computed:,} computed in {done.seconds:,.1f} s"
    if done.rate:
        words += f" ({done.rate:,.1f} combinations/s, {done.rate * done.bars / 1e6:,.1f}M bar x combinations/s)"
    return words + (f", {stored:,} were stored" if stored > 0 else "")


def _table(done: SweepResult, top: int) -> list[str]:
    names = headings(done)
    columns = {name: shown(done, name) for name in names}
    rows: list[Sequence[str]] = [(*done.found.names, *map(heading, names))]
    for row in done.ranking()[:top]:
        values = (f"{value:g}" if isinstance(value, float) else str(value) for value in done.found.rows[row])
        rows.append((*values, *(written(name, float(columns[name][row])) for name in names)))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
