"""Heat-maps of a sweep: two parameters across, the number looked for as a shade and as figures."""

import math
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from tallow.domain.columns import Floats
from tallow.domain.scene import Value
from tallow.domain.sweep import SweepResult
from tallow.flows.report import figures
from tallow.flows.report.markup import Markup, join, tag
from tallow.flows.report.tables import empty
from tallow.flows.sweep.plain import PER_CENT, heading, shown

MOST_CELLS = 24  # along one side; more values are put into classes
CLASSES = 12
MOST_PAIRS = 15
_SHADES = 5


@dataclass(frozen=True)
class Side:
    """One side of a heat-map: its parameter, the label of each line of cells, and the line of every row."""

    name: str
    labels: tuple[str, ...]
    of_row: tuple[int, ...]


def side(done: SweepResult, column: int) -> Side:
    """Give the lines of one parameter: a line a value, or equal classes where there are too many values."""
    values = [row[column] for row in done.found.rows]
    name = done.found.names[column]
    distinct = list(dict.fromkeys(values))
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in distinct):
        distinct.sort()
        if len(distinct) > MOST_CELLS:
            return _classes(name, np.array(values, np.float64))
    # A parameter of words may have many of them; the first ones in order of appearance get a line.
    kept = {value: place for place, value in enumerate(distinct[:MOST_CELLS])}
    return Side(name, tuple(map(_label, kept)), tuple(kept.get(value, -1) for value in values))


def _classes(name: str, values: Floats) -> Side:
    edges = np.linspace(values.min(), values.max(), CLASSES + 1)
    of_row = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, CLASSES - 1)
    labels = tuple(f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges))
    return Side(name, labels, tuple(int(place) for place in of_row))


def _label(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def cells(column: Floats, down: Side, across: Side) -> Floats:
    """Give the largest number of every cell; NaN where no row lies or none has a number."""
    table = np.full((len(down.labels), len(across.labels)), np.nan)
    for value, low, right in zip(column.tolist(), down.of_row, across.of_row, strict=True):
        if low >= 0 and right >= 0 and not math.isnan(value) and not value <= table[low, right]:
            table[low, right] = value
    return table


def pairs(done: SweepResult) -> list[tuple[int, int]]:
    """Give the pairs of parameters that vary, in the order of the axes."""
    varied = [place for place in range(len(done.found.names)) if len({row[place] for row in done.found.rows}) > 1]
    return list(combinations(varied, 2))[:MOST_PAIRS] if len(varied) > 1 else [(place, place) for place in varied]


def heat_maps(done: SweepResult) -> Markup:
    """Show every pair of parameters; the script lets one pair be chosen."""
    found = pairs(done)
    column = shown(done, done.search.goal)
    if not found or not np.isfinite(column).any():
        return empty("Nothing varies, so there is nothing to compare.")
    names = done.found.names
    titles = [names[one] if one == other else f"{names[one]} × {names[other]}" for one, other in found]
    maps = [
        tag(
            "div",
            tag("h3", title) if len(found) > 1 else None,
            _map(done, column, one, other),
            class_="map",
            data_pair=str(number),
        )
        for number, (title, (one, other)) in enumerate(zip(titles, found, strict=True))
    ]
    options = (tag("option", title, value=str(number)) for number, title in enumerate(titles))
    choice = tag("select", *options, id="pair", aria_label="Parameters shown")
    chosen = tag("p", "Parameters: ", choice, class_="choice", hidden=True) if len(found) > 1 else None
    note = (
        "Every cell holds the best over all other parameters." if len(names) > 2 and found[0][0] != found[0][1] else ""
    )
    return join(chosen, *maps, tag("p", note, class_="why") if note else None)


def _map(done: SweepResult, column: Floats, one: int, other: int) -> Markup:
    across = side(done, other)
    down = side(done, one) if one != other else Side("", (heading(done.search.goal),), (0,) * len(done.found))
    table = cells(column, down, across)
    best = (-1, -1) if done.best is None else (down.of_row[done.best], across.of_row[done.best])
    shade = shades(table)
    known = table[np.isfinite(table)]
    form = (figures_after_point(done.search.goal, known), bool(len(known)) and known.min() < 0.0 < known.max())
    rows = [
        tag(
            "tr",
            tag("th", label, scope="row"),
            *(
                _cell(table[line, place], form, int(shade[line, place]), (line, place) == best)
                for place in range(len(across.labels))
            ),
        )
        for line, label in enumerate(down.labels)
    ]
    corner = f"{down.name} ↓ {across.name} →" if down.name else f"{across.name} →"
    heads = (tag("th", text, scope="col") for text in (corner, *across.labels))
    words = f"{heading(done.search.goal)} by {across.name}" + (f" and {down.name}" if down.name else "")
    element = tag(
        "table", tag("caption", words), tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_="heat sweep"
    )
    return tag("div", element, class_="scroll", tabindex="0", role="region", aria_label=words)


def _cell(value: float, form: tuple[int, bool], shade: int, is_best: bool) -> Markup:
    if math.isnan(value):
        return tag("td", "·", class_="none")
    decimals, signed = form
    kind = f"{'p' if shade > 0 else 'n'}{abs(shade)}" if shade else ""
    return tag(
        "td",
        figures.number(value, decimals, signed=signed),
        class_=" ".join([kind, *(["best"] if is_best else [])]).strip() or None,
        title="the best" if is_best else None,
    )


def figures_after_point(goal: str, known: Floats) -> int:
    """Give how many decimals the cells of a heat-map need."""
    if goal in ("trades", "wins") or (len(known) and np.abs(known).max() >= 1_000):
        return 0
    return 1 if goal in PER_CENT else 2


def shades(table: Floats) -> Floats:
    """Give a shade from -5 to 5 for every cell: gains and losses apart where both occur, else by size alone.

    Example:
        >>> shades(np.array([[-1.0, 0.5, np.nan]])).tolist(), shades(np.array([[1.0, 2.0]])).tolist()
        ([[-5.0, 3.0, 0.0]], [[0.0, 5.0]])
    """
    known = table[np.isfinite(table)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    if low < 0.0 < high:
        share = table / max(high, -low)
    elif low >= 0.0:
        share = (table - low) / (high - low or 1.0)
    else:
        share = (table - high) / (high - low or 1.0)
    # Rounded outwards: only what is exactly at the light end has no shade.
    found: Floats = np.sign(share) * np.ceil(np.abs(share) * _SHADES)
    return np.nan_to_num(found)
